"""`nipack build`."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import click

from nipack.cli.console import (
    ConsoleReporter,
    console,
    console_reporter,
    expanded,
    plain_table,
    size_text,
)
from nipack.cli.options import (
    dry_run_option,
    folder_option,
    format_option,
    json_option,
    offline_option,
    quiet_option,
    sources_argument,
)
from nipack.cli.several import make_each, print_sum

if TYPE_CHECKING:
    from nipack.builder.flows.build import Artifact
    from nipack.builder.flows.targets import Targets
    from nipack.builder.formats import Format


class ReadingOptions(TypedDict):
    """How a source is read."""

    offline: bool
    revision: int | None


class Options(ReadingOptions):
    """How packages are built of it."""

    force: bool


def _formats() -> "dict[str, Format]":
    from nipack.builder.formats import formats

    return formats()


@click.command(
    short_help="Build packages from a SOURCE: conda, Debian, pip.",
    epilog="""\b
Examples:
  nipack build nipy-templates-0.3.tar.gz
  nipack build recipes/nipy-templates            a folder with a package.yaml
  nipack build recipes                           a folder of such folders
  nipack build nipy-templates/templates -f deb   a directory with its config.ini
  nipack build *.tar.gz -o channel/noarch -f conda
  nipack build recipes/nipy-templates -f sdist -f wheel
  nipack build nipy-templates-0.3.tar.gz --dry-run

SOURCE_DATE_EPOCH sets the time that every file of the packages gets.""",
)
@sources_argument()
@format_option(_formats)
@folder_option(
    "--out-dir",
    "-o",
    default="dist",
    meaning="The directory that gets the packages.",
)
@dry_run_option("Read and check everything, write nothing.")
@click.option("--force", is_flag=True, help="Build what is there already, replace other data.")
@click.option(
    "--revision",
    type=click.IntRange(min=0),
    help="The revision of the packages, in place of the definition's.",
)
@offline_option
@json_option
@quiet_option()
def build(
    sources: tuple[str, ...],
    chosen: "tuple[Format, ...]",
    out_dir: Path,
    dry_run: bool,
    force: bool,
    revision: int | None,
    offline: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Build packages from each SOURCE, and prove that each holds the data to the byte.

    SOURCE is a source tarball (.tar.gz, .tar.xz, .tar.bz2, .zip), an unpacked one, a directory of
    data with its config.ini, a package.yaml or the folder it is in, a folder of such folders, or an
    https:// or file:// address of a tarball or a package.yaml.  A setup.py in it is never run.
    Downloads are kept in a cache (NIPACK_CACHE_DIR).  A package that is there already and would be
    the same is kept; one of the same version and revision, but of other data, is refused.
    """
    from nipack.builder.flows.targets import Targets

    made = Targets()
    chosen_sources = expanded(sources)
    with console_reporter(quiet=quiet or as_json) as reporter:
        outcome = make_each(
            chosen_sources,
            lambda source: _results(
                source,
                chosen,
                out_dir,
                reporter,
                made=made,
                dry_run=dry_run,
                how={"offline": offline, "force": force, "revision": revision},
            ),
            reporter,
            silent=as_json,
        )
    if as_json:
        problems = [asdict(problem) for problem in reporter.problems]
        document = {
            "artifacts": outcome.results,
            "problems": problems,
            "errors": outcome.errors,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _print_results(outcome.results, dry_run=dry_run)
        print_sum(len(chosen_sources), outcome.failed, "built")
    if outcome.errors:
        sys.exit(1)


def _results(
    source: str,
    chosen: "tuple[Format, ...]",
    out_dir: Path,
    reporter: ConsoleReporter,
    *,
    made: "Targets",
    dry_run: bool,
    how: "Options",
) -> Iterator[dict[str, Any]]:
    """Yield what was built of a source, or what would be."""
    from nipack.builder.flows.build import (
        build,
        must_be_writable,
        must_hold_links,
        opened_package,
    )
    from nipack.builder.formats import formats

    wanted = chosen or tuple(each for each in formats().values() if each.default)
    if not dry_run:
        for artifact in build(source, wanted, out_dir, reporter, made=made, **how):
            yield _as_dict(artifact)
        return
    reading: ReadingOptions = {"offline": how["offline"], "revision": how["revision"]}
    with opened_package(source, wanted, reporter, **reading) as package:
        must_be_writable(package, wanted, out_dir, reporter, source, made, force=how["force"])
        for each in wanted:
            must_hold_links(package, each)
            made.add(out_dir / each.file_name(package), source)
            yield {
                "format": each.name,
                "path": str(out_dir / each.file_name(package)),
                "size": None,
                "payload_size": package.size,
                "payload_id": package.payload_id,
            }


def _as_dict(artifact: "Artifact") -> dict[str, Any]:
    return {
        "format": artifact.format,
        "path": str(artifact.path),
        "size": artifact.size,
        "payload_size": artifact.payload_size,
        "payload_id": artifact.payload_id,
    }


def _print_results(results: list[dict[str, Any]], *, dry_run: bool) -> None:
    if not results:
        return
    table = plain_table("would write" if dry_run else "package", "size", "payload", right=("size",))
    for result in results:
        size = result["payload_size"] if dry_run else result["size"]
        table.add_row(result["path"], size_text(size), result["payload_id"][:16])
    console().print(table)
