"""What lies already where a package is to be written: this one, or one of other data.

What was built is recorded in the cache by the artifact's path: its digest, and of what it was made.
"""

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nipack import __version__, layout
from nipack.builder.archive.compression import malformed_archive_as
from nipack.builder.archive.installed import InstalledFile, Tree
from nipack.builder.archive.members import Content
from nipack.builder.changes import side_of
from nipack.builder.formats import Format
from nipack.builder.package import DataPackage
from nipack.builder.source.download import cache_directory
from nipack.builder.source.notes import forget_note, read_note, write_note
from nipack.difference.versions import Content as SideContent
from nipack.difference.versions import Difference, Side, compare_versions
from nipack.difference.words import changelog_lines
from nipack.system.errors import ArtifactError
from nipack.system.hashing import fingerprint_of
from nipack.system.progress import Reporter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """What is known of an artifact since it was proven; `made_of` stands for all that is in it."""

    fingerprint: str
    made_of: str
    payload_id: str
    size: int
    changed: int


def must_be_of_this_data(
    package: DataPackage, formats: Iterable[Format], out_dir: Path, reporter: Reporter
) -> None:
    """Raise ArtifactError if an artifact of this version and revision has another payload.

    Caches and people know a package by its name, and would take one for the other.
    """
    others = [
        (path, changes)
        for format in formats
        for path in sorted(out_dir.glob(format.edition_pattern(package)))
        if path.is_file() and (changes := _told_changes(package, format, path, reporter))
    ]
    if others:
        listed = "\n".join(
            "\n".join([f"  {path}", *(f"    {line}" for line in lines)]) for path, lines in others
        )
        raise ArtifactError(
            f"{out_dir}: has version {package.version}, revision {package.definition.revision}, of "
            f"{package.definition.name} with other data, which this could be mistaken for:\n"
            f"{listed}\n  raise the version with nipack bump, or give this a --revision of its "
            "own; --force replaces what is there"
        )


def kept(
    package: DataPackage, format: Format, tree: Tree, path: Path, reporter: Reporter
) -> BuildRecord | None:
    """Return the record of an artifact that is what a build would make, its digest compared."""
    record = _record(path)
    if record is None or not path.is_file() or record.made_of != _made_of(package, format, tree):
        return None
    advance = reporter.step(f"check {path.name}", path.stat().st_size)
    if fingerprint_of(path, advance) != record.fingerprint:
        return None
    log.info("%s: is there already, to the byte", path)
    return record


def keep_record(
    package: DataPackage, format: Format, tree: Tree, path: Path, fingerprint: str
) -> None:
    """Record an artifact that was proven; where the cache cannot be written, nothing is."""
    found = path.stat()
    record = BuildRecord(
        fingerprint=fingerprint,
        made_of=_made_of(package, format, tree),
        payload_id=package.payload_id,
        size=found.st_size,
        changed=found.st_mtime_ns,
    )
    write_note(_place(path), asdict(record))


def forget_record(path: Path) -> None:
    """Drop the record of an artifact that does not stay where it is."""
    forget_note(_place(path))


def _record(path: Path) -> BuildRecord | None:
    try:
        return BuildRecord(**read_note(_place(path)))
    except TypeError:
        return None


def _place(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return cache_directory() / "artifacts" / f"{name}.json"


def _made_of(package: DataPackage, format: Format, tree: Tree) -> str:
    """Return a digest of all that decides an artifact's bytes, but for the libraries that pack."""
    definition = package.definition
    facts = (
        __version__, format.name, format.file_name(package), package.time, package.version,
        package.source, definition, definition.text,
    )  # fmt: skip
    digest = hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape"))
    for each in tree:
        if isinstance(each, InstalledFile):
            what = f"{each.mode:o} {each.sha256}"
        else:
            what = f"-> {each.target}"
        digest.update(os.fsencode(f"{each.path}\0{what}\0"))
    return digest.hexdigest()


def _told_changes(
    package: DataPackage, format: Format, path: Path, reporter: Reporter
) -> list[str]:
    """Return in words how a package differs from the data in an artifact, nothing if it does not.

    A whole has no data of its own, but is to pull in other parts.
    """
    if package.pulls:
        before = payload_in(format, path, package, reporter)
        return ["its parts are others"] if before not in (None, package.payload_id) else []
    changes = _changes_since(package, format, path, reporter)
    return changelog_lines(changes) if changes else []


def payload_in(format: Format, path: Path, package: DataPackage, reporter: Reporter) -> str | None:
    """Return the payload id of an artifact of this package; None if it cannot be read."""
    record, found = _record(path), path.stat()
    if record and (record.size, record.changed) == (found.st_size, found.st_mtime_ns):
        return record.payload_id
    name = layout.manifest_path(package.definition.name)
    advance = reporter.step(f"look into {path.name}", None)
    try:
        with malformed_archive_as(ArtifactError):
            for each in format.contents(path, advance):
                if f"/{each.path}".endswith(f"/{name}"):
                    return each.digest  # which the payload id is
    except ArtifactError as error:
        log.info("%s: cannot be read, and may be replaced: %s", path, error)
    return None


def _changes_since(
    package: DataPackage, format: Format, path: Path, reporter: Reporter
) -> Difference | None:
    """Return how a package differs from the data in an artifact; None if it does not.

    An artifact that cannot be read is of no data, and may be replaced.
    """
    record, found = _record(path), path.stat()
    is_known = record is not None and (record.size, record.changed) == (
        found.st_size,
        found.st_mtime_ns,
    )
    if is_known and record is not None and record.payload_id == package.payload_id:
        return None
    advance = reporter.step(f"look into {path.name}", None)
    try:
        with malformed_archive_as(ArtifactError):
            before = dict(_payload(format.contents(path, advance), format.payload_root(package)))
    except ArtifactError as error:
        log.info("%s: cannot be read, and may be replaced: %s", path, error)
        return None
    now = side_of(package, str(path))
    if before == now.contents:
        return None
    # The artifact has this version too: config.ini is compared as any other file.
    there = Side(release=replace(now.release, payload_id="", size=0), contents=before)
    return compare_versions(there, now)


def _payload(contents: Iterable[Content], folder: str) -> Iterator[tuple[str, SideContent]]:
    """Yield each path of the payload with what it holds."""
    for each in contents:
        if each.path.startswith(f"{folder}/") and not each.is_directory:
            path = each.path.removeprefix(f"{folder}/")
            if each.target is None:
                yield path, SideContent(each.digest, each.size)
            else:
                yield path, SideContent(f"-> {each.target}")
