"""`nipack build`."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from nipack.cli.console import (
    ConsoleReporter,
    console,
    console_reporter,
    plain_table,
    print_error,
    print_problems,
    size_text,
)

if TYPE_CHECKING:
    from nipack.build.flow import Artifact
    from nipack.build.formats import Format


class FormatName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """The name of a format; the formats are loaded only when one is asked for."""

    name = "format"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Format":
        """Return the format of a name."""
        from nipack.build.formats import formats

        if value not in formats():
            self.fail(f"'{value}' is not a format; there are {', '.join(formats())}", param, ctx)
        return formats()[value]

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the formats that begin so."""
        from nipack.build.formats import formats

        return [CompletionItem(name) for name in formats() if name.startswith(incomplete)]


@click.command(
    short_help="Build conda and Debian packages of a SOURCE.",
    epilog="""\b
Examples:
  nipack build nipy-templates-0.3.tar.gz
  nipack build recipes/nipy-templates            a folder with a package.yaml
  nipack build nipy-templates/templates -f deb   a directory with its config.ini
  nipack build *.tar.gz -o channel/noarch -f conda
  nipack build recipes/nipy-templates -f sdist -f wheel
  nipack build nipy-templates-0.3.tar.gz --dry-run

SOURCE_DATE_EPOCH sets the time that every file of the packages gets.""",
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "--format",
    "-f",
    "chosen",
    type=FormatName(),
    multiple=True,
    help="conda, deb, sdist or wheel.  Can be given more than once.  [default: conda and deb]",
)
@click.option(
    "--out-dir",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="The directory that gets the packages.",
)
@click.option("--dry-run", "-n", is_flag=True, help="Read and check everything, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print no warnings and no progress.")
def build(
    sources: tuple[str, ...],
    chosen: "tuple[Format, ...]",
    out_dir: Path,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Build packages from each SOURCE, and prove that each holds the data to the byte.

    SOURCE is a source tarball (.tar.gz, .tar.xz, .tar.bz2, .zip), an unpacked one, a directory of
    data with its config.ini, a package.yaml or the folder it is in, or an https:// or file://
    address of a tarball.  A setup.py in it is never run.
    """
    from nipack.build.errors import DataPackageError, NipackError

    results: list[dict[str, Any]] = []
    errors: list[str] = []
    with console_reporter(quiet=quiet or as_json) as reporter:
        for source in sources:
            try:
                # One by one: what was built before an error is built.
                for result in _results(source, chosen, out_dir, reporter, dry_run=dry_run):
                    results.append(result)  # noqa: PERF402
            except NipackError as error:
                # The other sources have their turn all the same.
                errors.append(str(error))
                if isinstance(error, DataPackageError):
                    reporter.problems.extend(error.problems)
                if not as_json:
                    _print_failure(error)
    if as_json:
        problems = [asdict(problem) for problem in reporter.problems]
        document = {"artifacts": results, "problems": problems, "errors": errors}
        click.echo(json.dumps(document, indent=2))
    else:
        _print_results(results, dry_run=dry_run)
    if errors:
        sys.exit(1)


def _results(
    source: str,
    chosen: "tuple[Format, ...]",
    out_dir: Path,
    reporter: ConsoleReporter,
    *,
    dry_run: bool,
) -> Iterator[dict[str, Any]]:
    """Yield what was built of a source, or what would be."""
    from nipack.build.flow import build, opened_package
    from nipack.build.formats import formats
    from nipack.build.manifest import payload_id

    wanted = chosen or tuple(each for each in formats().values() if each.default)
    if not dry_run:
        for artifact in build(source, wanted, out_dir, reporter):
            yield _as_dict(artifact)
        return
    with opened_package(source, wanted, reporter) as package:
        for each in wanted:
            each.tree(package)  # raises where the format cannot hold it
            yield {
                "format": each.name,
                "path": str(out_dir / each.file_name(package)),
                "size": None,
                "payload_size": package.size,
                "payload_id": payload_id(package),
            }


def _as_dict(artifact: "Artifact") -> dict[str, Any]:
    return {
        "format": artifact.format,
        "path": str(artifact.path),
        "size": artifact.size,
        "payload_size": artifact.payload_size,
        "payload_id": artifact.payload_id,
    }


def _print_failure(error: Exception) -> None:
    from nipack.build.errors import DataPackageError

    if isinstance(error, DataPackageError):
        print_problems(error.problems)
    else:
        print_error(str(error))


def _print_results(results: list[dict[str, Any]], *, dry_run: bool) -> None:
    if not results:
        return
    table = plain_table("would write" if dry_run else "package", "size", "payload", right=("size",))
    for result in results:
        size = result["payload_size"] if dry_run else result["size"]
        table.add_row(result["path"], size_text(size), result["payload_id"][:16])
    console().print(table)
