"""`nipack build`."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.console import (
    ConsoleReporter,
    console,
    console_reporter,
    expanded,
    plain_table,
    print_table,
    size_text,
)
from nipack.cli.options import (
    dry_run_option,
    format_option,
    json_option,
    offline_option,
    place_option,
    quiet_option,
    sources_argument,
)
from nipack.cli.several import Outcome, make_each, print_failure, print_sum

if TYPE_CHECKING:
    from nipack.builder.flows.build import Artifact, BuildOptions, ReadingOptions
    from nipack.builder.flows.targets import Targets
    from nipack.builder.formats import Format
    from nipack.builder.package import DataPackage


def _formats() -> "dict[str, Format]":
    from nipack.builder.formats import formats

    return formats()


@click.command(
    short_help="Build conda, Debian, pip and pacman packages from a SOURCE.",
    epilog="""\b
Examples:
  nipack build nipy-templates-0.3.tar.gz
  nipack build recipes/nipy-templates            a folder with a package.yaml
  nipack build recipes                           a folder of such folders
  nipack build nipy-templates/templates          a folder with a config.ini
  nipack build *.tar.gz -o channel/noarch -f conda
  nipack build recipes/nipy-templates -f sdist -f wheel
  nipack build recipes/nipy-templates --sbom    and a bill of materials
  nipack build recipes/nipy-templates --since dist-0.3   only what has changed
  nipack build recipes/*/package.yaml --jobs 4   four packages at once
  nipack build recipes --scheduler tcp://head:8786 -o /shared/dist
  nipack build recipes --jobs 4 -o s3://our-packages/dist
  nipack build nipy-templates-0.3.tar.gz --dry-run

SOURCE_DATE_EPOCH sets the time that every file of the packages gets.""",
)
@sources_argument()
@format_option(_formats)
@place_option(
    "--out-dir",
    "-o",
    default="dist",
    meaning="The directory to write the packages to, or an address: s3://BUCKET/FOLDER, sftp://...",
)
@dry_run_option("Read and check everything, but write nothing.")
@click.option(
    "--force", is_flag=True, help="Rebuild existing packages, even if their data differs."
)
@click.option(
    "--revision",
    type=click.IntRange(min=0),
    help="The revision of the packages, instead of the definition's.",
)
@click.option(
    "--sbom",
    is_flag=True,
    help="Write a bill of materials (CycloneDX) beside each package.",
)
@click.option(
    "--since",
    type=click.Path(path_type=Path, file_okay=False),
    help="A directory of packages that you built before: build only what has changed since, with "
    "new versions.",
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many packages to build at once, each in its own process.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Build on the workers of this Dask scheduler, such as tcp://head:8786; the sources and "
    "-o are where all of them see them.",
)
@click.option(
    "--keep-going/--stop",
    default=True,
    show_default="keep going",
    help="Whether to build the other sources when one has failed.",
)
@offline_option
@json_option
@quiet_option()
def build(
    sources: tuple[str, ...],
    chosen: "tuple[Format, ...]",
    out_dir: Path | str,
    dry_run: bool,
    force: bool,
    revision: int | None,
    sbom: bool,
    since: Path | None,
    jobs: int,
    scheduler: str | None,
    keep_going: bool,
    offline: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Build packages from each SOURCE, and prove that each holds the data to the byte.

    SOURCE is a source tarball (.tar.gz, .tar.xz, .tar.bz2, .zip), an unpacked one, a directory of
    data with its config.ini, a package.yaml or the folder it is in, a folder of such folders, or an
    https:// or file:// address of a tarball or a package.yaml, or an s3:// or gs:// address of a
    tarball.  A setup.py in it is never run.
    Downloads are kept in a cache (NIPACK_CACHE_DIR).  A package that is there already and would be
    the same is kept; one of the same version and revision, but of other data, is refused.
    """
    from nipack.builder.flows.afar import place_at
    from nipack.builder.flows.targets import Targets
    from nipack.builder.sbom import must_be_at_hand

    if sbom:
        must_be_at_hand()
    made = Targets()
    chosen_sources = tuple(dict.fromkeys(expanded(sources)))
    wanted = chosen or tuple(each for each in _formats().values() if each.default)
    how: BuildOptions = {
        "offline": offline,
        "force": force,
        "revision": revision,
        "sbom": sbom,
        "since": since,
    }
    if scheduler and (jobs > 1 or dry_run):
        raise click.UsageError("--scheduler cannot be combined with --jobs or --dry-run")
    if isinstance(out_dir, str) and not dry_run:
        place_at(out_dir)
    at_once = 1 if dry_run else min(jobs, len(chosen_sources))
    in_turn = at_once == 1 and scheduler is None
    with console_reporter(quiet=quiet or as_json, of_bytes=in_turn) as reporter:
        if in_turn:
            outcome = make_each(
                chosen_sources,
                lambda source: _results(
                    source, wanted, out_dir, reporter, made=made, dry_run=dry_run, how=how
                ),
                reporter,
                silent=as_json,
                keep_going=keep_going,
            )
        else:
            outcome = _built_at_once(
                chosen_sources,
                wanted,
                out_dir,
                reporter,
                jobs=at_once,
                scheduler=scheduler,
                keep_going=keep_going,
                silent=as_json,
                how=how,
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
        print_sum(len(chosen_sources), outcome, "built")
    if outcome.errors:
        sys.exit(1)


def _results(
    source: str,
    wanted: "tuple[Format, ...]",
    out_dir: Path | str,
    reporter: ConsoleReporter,
    *,
    made: "Targets",
    dry_run: bool,
    how: "BuildOptions",
) -> Iterator[dict[str, Any]]:
    """Yield what was built of a source, or what would be."""
    from nipack.builder.flows.afar import build_at
    from nipack.builder.flows.build import (
        build,
        must_be_writable,
        must_hold_links,
        must_hold_parts,
        opened_package,
        planned,
    )

    if not dry_run:
        if isinstance(out_dir, str):
            artifacts = build_at(source, wanted, out_dir, reporter, **how)
        else:
            artifacts = build(source, wanted, out_dir, reporter, made=made, **how)
        yield from map(_as_dict, artifacts)
        return
    reading: ReadingOptions = {"offline": how["offline"], "revision": how["revision"]}
    with opened_package(source, wanted, reporter, **reading) as read:
        packages, standing = planned(read, wanted, how["since"], reporter, source)
        for package in packages:
            must_hold_parts(package, wanted)
            if isinstance(out_dir, Path):
                must_be_writable(
                    package, wanted, out_dir, reporter, source, made, force=how["force"]
                )
            for each in wanted:
                must_hold_links(package, each)
                if (package.definition.name, each.name) not in standing:
                    yield _planned(package, each, out_dir, made, source)


def _planned(
    package: "DataPackage", format: "Format", out_dir: "Path | str", made: "Targets", source: str
) -> dict[str, Any]:
    """Return what would be built."""
    name = format.file_name(package)
    if isinstance(out_dir, Path):
        made.add(out_dir / name, source)
    return {
        "format": format.name,
        "path": f"{out_dir}/{name}" if isinstance(out_dir, str) else str(out_dir / name),
        "size": None,
        "payload_size": package.size,
        "payload_id": package.payload_id,
    }


def _built_at_once(
    sources: tuple[str, ...],
    wanted: "tuple[Format, ...]",
    out_dir: Path | str,
    reporter: ConsoleReporter,
    *,
    jobs: int,
    scheduler: str | None,
    keep_going: bool,
    silent: bool,
    how: "BuildOptions",
) -> Outcome[dict[str, Any]]:
    """Build the sources at once, on this machine or a cluster; tell in order what came of them."""
    from nipack.builder.flows.cluster import cluster
    from nipack.builder.flows.collection import (
        Opened,
        Order,
        build_collection,
        build_processes,
        on_every_machine,
    )
    from nipack.system.address import public_address

    names = tuple(each.name for each in wanted)
    outcome: Outcome[dict[str, Any]] = Outcome()
    advance = reporter.step("packages", len(sources))
    with _claims(out_dir, scheduler) as claims:
        orders = [
            Order(source=source, formats=names, out_dir=out_dir, claims=claims, **how)
            for source in sources
        ]
        opened: Opened
        if scheduler is None:
            opened = partial(build_processes, jobs)
        else:
            orders = list(map(on_every_machine, orders))
            opened = partial(cluster, scheduler, claims)
        done = {}
        for built in build_collection(orders, opened, keep_going=keep_going):
            done[built.order] = built
            advance(1)
            if built.error:
                reporter.problems.extend(built.problems)
                continue
            for problem in built.problems:
                reporter.warn(problem)
    for order in orders:
        if order in done:
            built, source = done[order], public_address(order.source)
            outcome.results.extend(map(_as_dict, built.artifacts))
            (outcome.failed if built.error else outcome.well).append(source)
            if built.error:
                outcome.errors.append(built.error)
                if not silent:
                    print_failure(built.error, built.problems, quiet=reporter.quiet)
    return outcome


def _claims(out_dir: Path | str, scheduler: str | None) -> "AbstractContextManager[Path | None]":
    """Open a folder that all processes see and tell in who makes what; none for an address."""
    from nipack.system.leftovers import shared_workspace, workspace

    if isinstance(out_dir, str):
        return nullcontext()
    return shared_workspace(out_dir.absolute()) if scheduler else workspace()


def _as_dict(artifact: "Artifact") -> dict[str, Any]:
    return {
        "format": artifact.format,
        "path": artifact.address or str(artifact.path),
        "size": artifact.size,
        "payload_size": artifact.payload_size,
        "payload_id": artifact.payload_id,
        **({"unchanged": True} if artifact.stood else {}),
    }


def _print_results(results: list[dict[str, Any]], *, dry_run: bool) -> None:
    from rich.text import Text

    if not results:
        return
    table = plain_table("would write" if dry_run else "package", "size", "payload", right=("size",))
    stood = [Path(each["path"]) for each in results if "unchanged" in each]
    results = [each for each in results if "unchanged" not in each]
    if stood:
        names = ", ".join(path.name for path in stood)
        console().print(f"unchanged in {stood[0].parent}: {names}", markup=False)
    for result in results:
        size = result["payload_size"] if dry_run else result["size"]
        table.add_row(Text(result["path"]), size_text(size), result["payload_id"][:16])
    print_table(table)
    for result in results:
        limit = _formats()[result["format"]].index_limit
        if limit is not None and (result["size"] or 0) > limit:
            console().print(_too_large_for_an_index(result, limit))


def _too_large_for_an_index(result: dict[str, Any], limit: int) -> str:
    name = Path(result["path"]).name
    return (
        f"{name} has {size_text(result['size'])}, but the Python package index only accepts "
        f"files of {size_text(limit)} unless you ask for more: ask before you upload it, or "
        "publish a repository of your own (nipack publish)"
    )
