"""Get a package: from its name to data that every look-up finds."""

import difflib
import hashlib
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nipack import layout
from nipack.lookup.json_text import json_value
from nipack.publish.artifacts.contents import package_in, parts_said
from nipack.publish.artifacts.damage import damage_as_error
from nipack.publish.artifacts.payload import payload_files
from nipack.publish.client import transfer
from nipack.publish.client.known import KnownRepository
from nipack.publish.ecosystems import Ecosystem, ecosystems
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedPackage
from nipack.system.atomic import written_beside
from nipack.system.errors import system_errors_as
from nipack.system.limits import limits
from nipack.system.progress import Reporter

log = logging.getLogger(__name__)

_RELPATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+")
_WORK = ".nipack"
_CHUNK = 1 << 20
_UNFINISHED = "unfinished"  # in place of a payload's id
_REMEDY = "check the folder's permissions and the free space on its disk"
# Nobody waits for more with an error message in sight.
_MOST_COMPARED = 20_000
_TELL = "tell whoever runs the repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """Data that was got, or was there: `new` tells which."""

    name: str
    version: str
    relpath: str
    directory: Path
    repository: str
    new: bool


class TakenError(RepositoryError):
    """The data directory is there already, and `nipack get` did not put this package there."""

    def __init__(self, directory: Path, relpath: str) -> None:
        self.directory, self.relpath = directory, relpath
        super().__init__(
            f"{directory}: exists, but nipack get did not make it, so it is not replaced; move it "
            "away, or choose another folder with --into"
        )


def get(name: str, known: list[KnownRepository], root: Path, reporter: Reporter) -> Got:
    """Put a package's payload below a root; raises RepositoryError, and then the root is as before.

    The newest of what the repositories have is taken, the first of two that have the same.  Raises
    TakenError where the data is another's: whose, is for those to ask who know what is installed.
    """
    repository, row = _choice(name, known)
    if whole := row.get("part_of"):
        raise _only_whole(str(row["name"]), str(whole))
    relpath, payload_id = str(row["relpath"]), str(row["payload_id"])
    if not _RELPATH.fullmatch(relpath):
        raise RepositoryError(
            f"{name}: '{relpath}' is not a relpath; tell whoever runs {repository.title}"
        )
    target = root / relpath
    records = root / "share" / "nipack" / str(row["name"])
    answer = Got(
        name=str(row["name"]),
        version=str(row["version"]),
        relpath=relpath,
        directory=target,
        repository=repository.name,
        new=True,
    )
    with system_errors_as(RepositoryError, _REMEDY, place=str(root)), _alone(root):
        _clear(root)
        if _payload_id(records) == payload_id and target.is_dir():
            for each in repository.packages:
                if each.get("relpath") == relpath:
                    _clear_downloads(each, root)
            return Got(**{**_fields(answer), "new": False})
        if target.exists() and _payload_id(records) is None:
            raise TakenError(target, relpath)
        with _workplace(root) as work:
            artifacts, package = _all_unpacked(repository, row, root, work, reporter)
            _put(work, target, records, package)
        for artifact in artifacts:
            shutil.rmtree(artifact.parent)
    return answer


def _only_whole(name: str, whole: str) -> RepositoryError:
    if not layout.is_package_name(whole):
        return RepositoryError(f"{name}: is a part of '{whole}', which is not a name; {_TELL}")
    return RepositoryError(
        f"{name}: is a part of {whole}, and nipack get has the whole only: nipack get {whole}, or "
        "install the part with conda, apt or pip"
    )


def _fields(got: Got) -> dict[str, Any]:
    return {name: getattr(got, name) for name in Got.__slots__}


def _choice(name: str, known: list[KnownRepository]) -> tuple[KnownRepository, dict[str, Any]]:
    if not known:
        raise RepositoryError(
            f"{name}: there is no repository to get it from; add one: nipack repository add ADDRESS"
        )
    found = [(each, row) for each in known if (row := each.find(name)) is not None]
    if not found:
        titles = ", ".join(each.title for each in known)
        near = _near(name, known)
        meant = f"did you mean {' or '.join(near)}? Or add" if near else "check the name, or add"
        raise RepositoryError(
            f"{name}: no repository that you have added has it ({titles}); {meant} "
            "the one that has it: nipack repository add ADDRESS"
        )
    living = [each for each in found if not each[1].get("retracted")]
    if not living:
        why = found[0][1]["retracted"]
        raise RepositoryError(f"{name}: is retracted: {why}; ask its authors what to use instead")
    return max(living, key=lambda each: str(each[1].get("date", "")))


def _near(name: str, known: list[KnownRepository]) -> list[str]:
    """Return up to three packages whose names are like what may be one with a version."""
    rows = [row for each in known for row in each.packages]
    names = sorted({each for row in rows if layout.is_package_name(each := str(row.get("name")))})
    wanted = re.split("[=<>!~ @]", name.lower(), maxsplit=1)[0].replace("/", "-")
    same = [each for each in names if each == wanted or each.endswith(f"-{wanted}")]
    return same[:3] or difflib.get_close_matches(wanted, names[:_MOST_COMPARED], 3, 0.75)


def _all_unpacked(
    repository: KnownRepository, row: dict[str, Any], root: Path, work: Path, reporter: Reporter
) -> tuple[list[Path], PublishedPackage]:
    """Unpack a package, and the parts that it is the whole of; return all their artifacts."""
    artifact, package = _first_unpacked(repository, row, root, work, reporter)
    document = json_value((work / "record" / layout.METADATA_NAME).read_bytes(), limits().record)
    if "part_of" in document:
        shutil.rmtree(artifact.parent)
        # The lists of an older nipack do not say it.
        raise _only_whole(package.name, str(document["part_of"]))
    artifacts, got = [artifact], set[str]()
    for number, (name, wanted) in enumerate((document.get("parts") or {}).items()):
        folder = work / f"part-{number}"
        folder.mkdir()
        found = _part_row(repository, package.name, str(name), wanted)
        artifact, part = _first_unpacked(repository, found, root, folder, reporter)
        artifacts.append(artifact)
        got |= _taken_in(folder / "data", part, work / "data", package)
    if len(artifacts) > 1:
        if missing := {each.path for each in package.files} - got:
            raise RepositoryError(f"{package.name}: no part has its {min(missing)}; {_TELL}")
        _make_links(work / "data", package)
    return artifacts, package


def _part_row(
    repository: KnownRepository, whole: str, name: str, wanted: dict[str, Any]
) -> dict[str, Any]:
    """Return the row of the part that a whole wants; raises RepositoryError for another."""
    row = next((each for each in repository.packages if each.get("name") == name), None)
    if row is None or row.get("payload_id") != wanted["payload_id"]:
        there = f"{name} {row['version']} of another content" if row else f"no {name}"
        raise RepositoryError(
            f"{whole}: wants its part {name} {wanted['version']}, and {repository.title} has "
            f"{there}; {_TELL}"
        )
    if row.get("retracted"):
        raise RepositoryError(f"{name}: is retracted: {row['retracted']}; {_TELL}")
    return row


def _taken_in(
    source: Path, part: PublishedPackage, data: Path, whole: PublishedPackage
) -> set[str]:
    """Move the files of a part to those of the whole, which knows each; return their paths."""
    known = {each.path: each.sha256 for each in whole.files}
    for each in part.files:
        if part.relpath != whole.relpath or known.get(each.path) != each.sha256:
            raise RepositoryError(
                f"{part.name}: its {each.path} is not what {whole.name} has there; {_TELL}"
            )
        place = _below(data, each.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        _below(source, each.path).rename(place)
    return {each.path for each in part.files}


def _first_unpacked(
    repository: KnownRepository, row: dict[str, Any], root: Path, work: Path, reporter: Reporter
) -> tuple[Path, PublishedPackage]:
    """Unpack the smallest artifact, or the next one where that cannot be; return it."""
    failed = None
    for ecosystem, artifact in _offered(row):
        if failed is not None:
            log.warning("%s; using %s instead", failed, artifact["path"])
        file = _downloaded(repository, row, artifact, root, reporter)
        try:
            return file, _unpacked(file, ecosystem, work, str(row["payload_id"]), reporter)
        except RepositoryError as error:
            failed = RepositoryError(f"{file.name}: {error}")
            failed.__cause__ = error
            shutil.rmtree(file.parent)
            for each in work.iterdir():
                shutil.rmtree(each)
    raise failed or RepositoryError(
        f"{row['name']}: {repository.title} has it in no format that can be unpacked here; install "
        f"it with its package manager, or {_TELL}"
    )


def _offered(row: dict[str, Any]) -> list[tuple[Ecosystem, dict[str, Any]]]:
    """Return the artifacts whose files can be read here, the smallest first."""
    found = [(ecosystems().get(each["ecosystem"]), each) for each in row.get("artifacts") or []]
    known = [(ecosystem, each) for ecosystem, each in found if ecosystem and ecosystem.unpacks]
    return sorted(known, key=lambda each: int(each[1]["size"]))


def _downloaded(
    repository: KnownRepository,
    row: dict[str, Any],
    artifact: dict[str, Any],
    root: Path,
    reporter: Reporter,
) -> Path:
    """Return the artifact, in the root's folder for work, where an earlier call may have begun."""
    sha256 = str(artifact["sha256"])
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise RepositoryError(f"{row['name']}: '{sha256}' is not a digest")
    # An ecosystem may know a file by its name.
    file_name = str(artifact["path"]).rpartition("/")[2]
    target = root / _WORK / "partial" / sha256 / file_name
    advance = reporter.step("download", int(artifact["size"]))
    transfer.download(repository.address, str(artifact["path"]), target, sha256, advance)
    return target


def _unpacked(
    artifact: Path, ecosystem: Ecosystem, work: Path, payload_id: str, reporter: Reporter
) -> PublishedPackage:
    """Write the payload of an artifact to data/ of a folder, every file compared with its digest.

    What its package.json says goes to record/.
    """
    with (
        damage_as_error(f"a {ecosystem.suffix} that can be read", remedy=_TELL),
        artifact.open("rb") as stream,
    ):
        package = package_in(ecosystem.members(stream))
    if package.payload_id != payload_id:
        raise RepositoryError(
            f"has the payload {package.payload_id[:16]}, and the repository's list "
            f"says {payload_id[:16]}; tell whoever runs it"
        )
    expected = {each.path: each.sha256 for each in package.files}
    advance = reporter.step("unpack", package.size)
    folder, record = work / "data", work / "record" / layout.METADATA_NAME
    folder.mkdir()
    record.parent.mkdir()
    missing = set(expected)
    with (
        damage_as_error(f"a {ecosystem.suffix} that can be read", remedy=_TELL),
        artifact.open("rb") as stream,
    ):
        members = ecosystem.members(stream)
        for path, content in payload_files(package, members, take_record=record.write_bytes):
            found = hashlib.sha256()
            target = _below(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as output:
                while chunk := content.read(_CHUNK):
                    found.update(chunk)
                    output.write(chunk)
                    advance(len(chunk))
            if found.hexdigest() == expected[path]:
                missing.discard(path)
    # The whole of several parts names the files that they have, and has none itself.
    if len(missing) == len(expected) and parts_said(record.read_bytes()) == "whole":
        return package
    if missing:
        raise RepositoryError(f"its {min(missing)} is not the file of its manifest; {_TELL}")
    _make_links(folder, package)
    return package


def _make_links(folder: Path, package: PublishedPackage) -> None:
    for link in package.links:
        place = _below(folder, link.path)
        _below(folder, os.path.normpath(os.path.join(os.path.dirname(link.path), link.target)))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(link.target)


def _below(folder: Path, path: str) -> Path:
    """Return a path below a folder; raises RepositoryError for one that leads out of it."""
    if path.startswith("/") or ".." in path.split("/"):
        raise RepositoryError(f"'{path}' leads out of the data; nothing of it is unpacked")
    return folder / path


def _put(work: Path, target: Path, records: Path, package: PublishedPackage) -> None:
    """Give the unpacked data its place; what was there is gone only when the new is there.

    Until all is done the records say that it is unfinished, so that a call after one that was
    killed does it again; an error leaves data and records as they were.
    """
    before, old = work / "before", work / "old"
    if records.is_dir():
        shutil.copytree(records, before)
    lines = [f"{each.sha256}  {package.relpath}/{each.path}" for each in package.files]
    lines += [f"# symlink {package.relpath}/{each.path} -> {each.target}" for each in package.links]
    _write(work / "record" / "SHA256SUMS", "\n".join(lines))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        records.mkdir(parents=True, exist_ok=True)
        _write(records / layout.PAYLOAD_ID_NAME, _UNFINISHED)
        if target.exists():
            (work / "relpath").write_text(package.relpath, "utf-8")
            target.rename(old)
        (work / "data").rename(target)
        for file in (work / "record").iterdir():
            file.replace(records / file.name)
        _write(records / layout.PAYLOAD_ID_NAME, package.payload_id)
    except BaseException:
        _put_back(work, target, records)
        raise


def _put_back(work: Path, target: Path, records: Path) -> None:
    """Take back the data and the records of a `_put` that failed, at whatever place."""
    before, old = work / "before", work / "old"
    if target.exists() and not (work / "data").exists():
        target.rename(work / "data")
    if old.exists():
        old.rename(target)
    if records.is_dir():
        records.rename(work / "failed")
    if before.is_dir():
        before.rename(records)


def _write(path: Path, text: str) -> None:
    with written_beside(path, RepositoryError) as output:
        output.write(f"{text}\n".encode("utf-8", "surrogateescape"))


def _clear(root: Path) -> None:
    """Delete what a killed call has left; data that it had just moved away gets its place again."""
    for work in (root / _WORK).glob("unpacked-*"):
        note, old = work / "relpath", work / "old"
        target = root / note.read_text("utf-8") if note.is_file() else None
        if target is not None and old.is_dir() and not os.path.lexists(target):
            old.rename(target)
        shutil.rmtree(work)


def _payload_id(records: Path) -> str | None:
    try:
        return (records / layout.PAYLOAD_ID_NAME).read_text("ascii").strip()
    except FileNotFoundError:
        return None


def _clear_downloads(row: dict[str, Any], root: Path) -> None:
    """Delete what a call that was killed at its very end has left of a package that is there."""
    for artifact in row.get("artifacts") or []:
        sha256 = str(artifact["sha256"])
        if re.fullmatch("[0-9a-f]{64}", sha256):
            shutil.rmtree(root / _WORK / "partial" / sha256, ignore_errors=True)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one call at a time work in a root."""
    import filelock

    (root / _WORK).mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(root / _WORK / "lock"):
        yield


@contextmanager
def _workplace(root: Path) -> Iterator[Path]:
    """Make a folder on the root's disk that is gone at the end."""
    work = root / _WORK / f"unpacked-{secrets.token_hex(6)}"
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
