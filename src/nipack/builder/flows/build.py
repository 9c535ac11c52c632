"""The one flow: read a package, assemble an artifact of each format, check what it holds."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from nipack import layout
from nipack.builder.archive.compression import malformed_archive_as
from nipack.builder.archive.growing import GrowingFile, read_again
from nipack.builder.archive.installed import Installed, InstalledFile, InstalledLink, Tree
from nipack.builder.archive.members import (
    Content,
    differences,
    expected_content,
    expected_directories,
    read_otherwise,
)
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.flows.standing import keep_record, kept, must_be_of_this_data
from nipack.builder.flows.targets import Targets, must_lie_outside
from nipack.builder.formats import Format
from nipack.builder.formats import formats as every_format
from nipack.builder.package import DataPackage, id_of_lines, manifest_lines
from nipack.builder.parts import packages_of
from nipack.builder.reading import read_package
from nipack.builder.sbom import bill_beside, must_be_at_hand, write_sbom
from nipack.system.atomic import written_beside
from nipack.system.errors import ArtifactError
from nipack.system.fast_hash import PROOF
from nipack.system.leftovers import workspace
from nipack.system.progress import Advance, Reporter, SilentReporter


class ReadingOptions(TypedDict):
    """How a source is read."""

    offline: bool
    revision: int | None


class BuildOptions(ReadingOptions):
    """How packages are built of it."""

    force: bool
    sbom: bool
    since: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A built package; sizes are in bytes, `payload_id` was read back from it.

    `edition` is the glob pattern of the names that its version and revision may have; `address` is
    where it was stored, "" where that is `path`.  One that `stood` was built before, and is where
    it was.
    """

    format: str
    path: Path
    size: int
    payload_size: int
    payload_id: str
    edition: str
    address: str = ""
    stood: bool = False


def build(
    source: str,
    formats: Sequence[Format],
    out_dir: Path,
    reporter: Reporter | None = None,
    *,
    offline: bool = False,
    force: bool = False,
    revision: int | None = None,
    sbom: bool = False,
    since: Path | None = None,
    made: Targets | None = None,
) -> Iterator[Artifact]:
    """Build an artifact of each format from a source, and yield each when it is proven.

    Files of a folder that nothing has changed since the last build are not checked again; what is
    there already, and is what would be built, is kept; what is of other data but of the same
    version and revision is an error.  `force` checks and replaces all of it.  `revision` takes the
    place of the definition's.  With `sbom` there is a bill of materials beside each artifact.  What
    is as it was in the folder `since` is not built again (`flows/since.py`).
    `made` is what the run has made of other sources, and gets what it makes of this one.
    Raises DataPackageError, SourceError, or ArtifactError; an artifact that was not proven is
    not left behind.
    """
    reporter, made = reporter or SilentReporter(), made or Targets()
    if sbom:
        must_be_at_hand()
    opened = opened_package(
        source, formats, reporter, offline=offline, afresh=force, revision=revision
    )
    with opened as read:
        packages, standing = planned(read, formats, since, reporter, source)
        for package in packages:
            must_hold_parts(package, formats)
            must_be_writable(package, formats, out_dir, reporter, source, made, force=force)
        for package in packages:
            for each in formats:
                there = standing.get((package.definition.name, each.name))
                if there is not None:
                    yield _artifact(package, each, there, package.payload_id, stood=True)
                    continue
                artifact = build_artifact(package, each, out_dir, reporter, force=force)
                made.add(artifact.path, source)
                if sbom:
                    write_sbom(package, artifact.path)
                yield artifact


def planned(
    package: DataPackage,
    formats: Sequence[Format],
    before: Path | None,
    reporter: Reporter,
    source: str,
) -> tuple[Sequence[DataPackage], Mapping[tuple[str, str], Path]]:
    """Return the packages that are to be, and the artifacts of them that need not be built."""
    if before is None:
        return packages_of(package), {}
    from nipack.builder.flows.since import changes_since  # which needs what reads repositories

    found = changes_since(package, before, formats, reporter, source=source)
    return found.packages, found.standing


def must_be_writable(
    package: DataPackage,
    formats: Iterable[Format],
    out_dir: Path,
    reporter: Reporter,
    source: str,
    made: Targets,
    *,
    force: bool,
) -> None:
    """Raise ArtifactError if what is to be written would take the place of something else."""
    must_lie_outside(package, out_dir)
    made.must_be_free([out_dir / each.file_name(package) for each in formats], source)
    if not force:
        must_be_of_this_data(package, every_format().values(), out_dir, reporter)


@contextmanager
def opened_package(
    source: str,
    formats: Iterable[Format],
    reporter: Reporter,
    *,
    offline: bool = False,
    afresh: bool = True,
    revision: int | None = None,
) -> Iterator[DataPackage]:
    """Read a package for these formats; what was unpacked for it is gone afterwards.

    `afresh` is that of `read_package`.
    """
    with workspace() as folder:
        digests = sorted(frozenset().union(*(each.digests for each in formats)))
        package = read_package(
            source, folder, reporter, digests=digests, offline=offline, afresh=afresh
        )
        if revision is not None:
            package = replace(package, definition=replace(package.definition, revision=revision))
        yield package


def build_artifact(
    package: DataPackage,
    format: Format,
    out_dir: Path,
    reporter: Reporter,
    *,
    force: bool = True,
) -> Artifact:
    """Assemble one artifact under a temporary name, prove it, then give it its own name.

    Without `force`, one that is there already is kept if it is just this one.
    """
    must_hold_links(package, format)
    target = out_dir / format.file_name(package)
    tree = format.tree(package)
    if force or not (record := kept(package, format, tree, target, reporter)):
        proven_id, fingerprint = _assembled(package, format, tree, target, reporter)
        keep_record(package, format, tree, target, fingerprint)
    else:
        proven_id = record.payload_id
    if force:
        for other in set(out_dir.glob(format.edition_pattern(package))) - {target}:
            other.unlink()  # the same version and revision, of other data
            bill_beside(other).unlink(missing_ok=True)
    return _artifact(package, format, target, proven_id)


def _artifact(
    package: DataPackage, format: Format, path: Path, payload_id: str, *, stood: bool = False
) -> Artifact:
    return Artifact(
        format=format.name,
        path=path,
        size=path.stat().st_size,
        payload_size=package.size,
        payload_id=payload_id,
        edition=format.edition_pattern(package),
        stood=stood,
    )


def _assembled(
    package: DataPackage, format: Format, tree: Tree, target: Path, reporter: Reporter
) -> tuple[str, str]:
    """Write an artifact and prove it; return the payload id that it holds, and its fingerprint."""
    written = reporter.step(f"write {target.name}", package.size)
    checked = reporter.step(f"check {target.name}", package.size)
    with written_beside(target, ArtifactError) as file:
        artifact = Path(file.name)
        with GrowingFile[Iterable[Content]](artifact, checked) as output:
            format.assemble(package, tree, output, written)
        # The disk writes what was assembled while the rest of it is read back from memory.
        with ThreadPoolExecutor(max_workers=1) as disk:
            synced = disk.submit(os.fsync, file.fileno())
            proven_id = verify(package, format, tree, artifact, checked, output.found)
            fingerprint = must_be_as_read(target.name, artifact, output.found)
            synced.result()
    return proven_id, fingerprint


def must_be_as_read(name: str, artifact: Path, found: ReadBack) -> str:
    """Return an artifact's fingerprint; raises ArtifactError where it changed since it was read."""
    crcs = {part: read.crc for part, read in found.items()}
    fingerprint, changed = read_again(artifact, crcs)
    if changed:
        raise _not_kept(
            name,
            [
                f"{each.size:,} bytes from {each.start:,} on: changed since they were read back"
                for each in changed
            ],
        )
    return fingerprint


def must_hold_parts(package: DataPackage, formats: Iterable[Format]) -> None:
    """Raise ArtifactError if a package is a part, or pulls some in, and a format has none."""
    if package.part_of or package.pulls:
        for format in formats:
            if not format.holds_parts:
                good = ", ".join(each.name for each in every_format().values() if each.holds_parts)
                why = f": {format.why_no_parts}" if format.why_no_parts else " yet"
                raise ArtifactError(
                    f"{package.whole}: {format.name} does not carry parts{why}; build other "
                    f"formats ({good}), or remove parts from the definition"
                )


def must_hold_links(package: DataPackage, format: Format) -> None:
    """Raise ArtifactError if a package has links and a format cannot hold them."""
    if package.links and not format.holds_links:
        listed = "\n".join(f"  {link.path} -> {link.target}" for link in package.links)
        raise ArtifactError(
            f"{format.file_name(package)}: {format.name} cannot hold symbolic links:\n{listed}\n"
            "  put copies of the files there, or build other formats"
        )


def verify(
    package: DataPackage,
    format: Format,
    tree: Tree,
    artifact: Path,
    advance: Advance,
    found: ReadBack = NOTHING,
) -> str:
    """Read an artifact back and compare it with its tree; return the payload id found in it.

    What was `found` while it was written is not read again: that it is still so is to be seen.
    Raises ArtifactError with every path that is missing, strange or different.
    """
    name = format.file_name(package)
    with malformed_archive_as(lambda reason: _not_kept(name, [f"cannot be read back: {reason}"])):
        directories = expected_directories(tree, base=format.base)
        folders = {each.path: each for each in directories if format.holds_directories}
        read = format.contents(artifact, advance, found, PROOF)
        otherwise = read_otherwise(tree, read, folders, PROOF)
    problems = [] if otherwise is None else _differences(tree, otherwise, folders)
    # What differs in nothing has the digests of the tree.
    found_id = payload_id_of(tree, format.payload_root(package), package.definition.relpath)
    if not problems and found_id != package.carried_id:
        problems.append(f"the payload id is {found_id}, not {package.carried_id}")
    if problems:
        raise _not_kept(name, problems)
    return package.payload_id


def _differences(tree: Tree, contents: Iterable[Content], folders: dict[str, Content]) -> list[str]:
    """Return in words how what was read back differs from a tree, but for the order."""
    counts = Counter(content.path for content in contents)
    several = [f"{path}: is there {count} times" for path, count in counts.items() if count > 1]
    expected = {each.path: expected_content(each, PROOF) for each in tree} | folders
    return several + list(differences(expected, {content.path: content for content in contents}))


def _not_kept(name: str, problems: list[str]) -> ArtifactError:
    listed = "\n".join(f"  {problem}" for problem in problems)
    return ArtifactError(
        f"{name}: it does not match what was packed, so it was discarded:\n{listed}"
        "\n  build again when nothing is writing to the data; if it stays, report this bug"
    )


def payload_id_of(tree: Tree, folder: str, relpath: str) -> str:
    """Compute the payload id of the files and links that a tree has in `folder`."""
    inside, installed = f"{folder}/", layout.payload_directory(relpath)
    found = (each for each in tree if each.path.startswith(inside))
    payload = sorted(found, key=lambda each: os.fsencode(each.path))

    def place(each: Installed) -> str:
        return f"{installed}/{each.path.removeprefix(inside)}"

    files = ((place(each), each.sha256) for each in payload if isinstance(each, InstalledFile))
    links = ((place(each), each.target) for each in payload if isinstance(each, InstalledLink))
    return id_of_lines(manifest_lines(files, links))
