"""Check installed data against the manifest of its package."""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from ..lookup.errors import DataError
from ..lookup.files import walk
from ..lookup.records import Record
from .copies import copy_in, other_copies
from .payload import Manifest, find_manifest, metadata_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Literal

    from ..lookup.search import SearchSettings
    from .copies import Copy

    # Takes the bytes done so far and those in all; it is called from several threads, one by one.
    Progress = Callable[[int, int], object]
    State = Literal["intact", "damaged", "not checked"]
    Damage = Literal["missing", "changed", "truncated", "extra", "unreadable"]

CHUNK = 1 << 18  # Larger chunks leave the processor's cache between the read and the hash.


# Links to folders can stand for more files than any memory holds the names of.
MOST_BEHIND_LINKS = 200_000


class FileProblem(Record):
    """A file that is not as its package has it; `path` is relative to the data directory."""

    __slots__ = ("damage", "path", "reason")
    path: str
    damage: Damage
    reason: str

    def __str__(self) -> str:
        """Return it as a line for people."""
        return f"{_shown(self.path)}: {self.damage}" + (f" ({self.reason})" if self.reason else "")


def _shown(path: str) -> str:
    """Return a path on one line, a terminal's commands in it spelled out."""
    # A byte that is not UTF-8 is not printable either, but is no command.
    kept = (each.isprintable() or "\udc80" <= each <= "\udcff" for each in path)
    pairs = zip(path, kept, strict=True)
    return "".join(each if keep else each.encode("unicode_escape").decode() for each, keep in pairs)


class Verification(Record):
    """What was found of one copy of a data package.

    `relpath` is None for a directory that was named by its path. `manifest` is the file that it was
    checked against: None where there is none, so that it was not checked. `reason` says more where
    there is more to say. `files` are those of the manifest, `size` is what was found of them.
    """

    __slots__ = (
        "files",
        "manifest",
        "path",
        "problems",
        "quick",
        "reason",
        "relpath",
        "size",
        "state",
        "version",
    )
    relpath: str | None
    path: str
    version: str | None
    state: State
    manifest: str | None
    quick: bool
    reason: str
    files: int
    size: int
    problems: tuple[FileProblem, ...]

    @property
    def extent(self) -> str:
        """How much is not as packaged: an extra file is none of those that the package has."""
        extra = sum(problem.damage == "extra" for problem in self.problems)
        spoiled = len(self.problems) - extra
        parts = [f"{spoiled} of {self.files} files"] if spoiled else []
        return ", ".join([*parts, f"{extra} extra"] if extra else parts)


def is_failure(found: Iterable[Verification], *, asked_for: bool) -> bool:
    """Tell whether data is damaged or, where it was asked for by its name, could not be checked."""
    unwanted = {"damaged", "not checked"} if asked_for else {"damaged"}
    return any(each.state in unwanted for each in found)


def verify_directory(
    directory: str, relpath: str, settings: SearchSettings, *, quick: bool
) -> Verification:
    """Check the one copy in a directory."""
    copy = copy_in(directory).replace(relpath=relpath)
    return verify_copies([copy], settings, quick=quick)[0]


def verify_copies(
    copies: Iterable[Copy],
    settings: SearchSettings,
    *,
    quick: bool = False,
    manifest: Manifest | None = None,
    progress: Progress | None = None,
) -> tuple[Verification, ...]:
    """Check copies, on all processors; each byte is read once."""
    checks = [_Check(copy, manifest, settings, quick=quick) for copy in copies]
    count = _Count(sum(check.bytes_to_read for check in checks), progress)
    # No more threads than processors, which the hash keeps busy.
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        return tuple(check.run(pool, count) for check in checks)
    finally:
        # Ctrl-C waits neither for the files that have not begun nor for the end of a large one.
        count.stopped = True
        pool.shutdown(cancel_futures=True)


class _Count:
    """Counts the bytes of all threads."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done, self.total, self.progress, self.stopped = 0, total, progress, False
        self.lock = Lock()

    def add(self, count: int) -> None:
        if self.progress is not None:
            with self.lock:
                self.done += count
                self.progress(self.done, self.total)


class _Check:
    """One copy, and what it has to hold."""

    def __init__(
        self, copy: Copy, manifest: Manifest | None, settings: SearchSettings, *, quick: bool
    ) -> None:
        self.copy, self.quick, self.reason = copy, quick, ""
        try:
            self.manifest = (
                manifest or find_manifest(copy.path) or self._manifest_of_another(settings)
            )
            self.expected = _expected(copy.path, self.manifest) if self.manifest else {}
        except DataError as error:
            self.manifest, self.reason, self.expected = None, str(error), {}
        sizes = metadata_of(self.manifest).files
        self.sizes = {path: sizes[path] for path in self.expected if path in sizes}
        self.found = dict(_files(copy.path)) if self.manifest else {}
        both = self.found.keys() & self.expected.keys()
        self.bytes_to_read = 0 if quick else sum(self.found[path] for path in both)

    def _manifest_of_another(self, settings: SearchSettings) -> Manifest | None:
        """Return the manifest of another copy of the same version: the payload is one."""
        for other in other_copies(self.copy, settings):
            manifest = find_manifest(other.path)
            if manifest is not None:
                self.reason = f"checked against the manifest of {other.path}"
                return manifest
        return None

    def run(self, pool: ThreadPoolExecutor, count: _Count) -> Verification:
        """Check it."""
        malformed = bool(self.reason) and self.manifest is None
        problems = [] if self.manifest is None else sorted(self._problems(pool, count), key=_path)
        checked: State = "damaged" if problems or malformed else "intact"
        return Verification(
            relpath=self.copy.relpath if self.copy.root else None,
            path=self.copy.path,
            version=self.copy.version,
            state=checked if self.manifest or malformed else "not checked",
            manifest=self.manifest.file if self.manifest else None,
            quick=self.quick,
            reason=self.reason or ("" if self.manifest else "it has no SHA256SUMS"),
            files=len(self.expected),
            size=sum(self.found[path] for path in self.found.keys() & self.expected.keys()),
            problems=tuple(problems),
        )

    def _problems(self, pool: ThreadPoolExecutor, count: _Count) -> Iterator[FileProblem]:
        assert self.manifest is not None
        for path in self.found.keys() - self.expected.keys() - self.manifest.links.keys():
            yield FileProblem(path=path, damage="extra", reason=_leftover(path))
        yield from _wrong_links(self.copy.path, self.manifest)
        same_size = []
        for path in self.expected:
            problem = self._at_a_glance(path)
            if problem is not None:
                yield problem
            else:
                same_size.append(path)
        if not self.quick:
            # The largest first: none of them is still read when all else is done.
            same_size.sort(key=self.found.__getitem__, reverse=True)
            yield from filter(None, pool.map(lambda path: self._hashed(path, count), same_size))

    def _at_a_glance(self, path: str) -> FileProblem | None:
        """Return what the names and sizes alone tell."""
        size, wanted = self.found.get(path), self.sizes.get(path)
        if size is None:
            return FileProblem(path=path, damage="missing", reason="")
        if wanted is None or size == wanted:
            return None
        reason = f"{size:,} bytes instead of {wanted:,}"
        damage: Damage = "truncated" if size < wanted else "changed"
        return FileProblem(path=path, damage=damage, reason=reason)

    def _hashed(self, path: str, count: _Count) -> FileProblem | None:
        file = _within(self.copy.path, path)
        try:
            if not stat.S_ISREG(os.stat(file).st_mode):
                # A pipe, or a device, would be read for ever.
                return FileProblem(path=path, damage="changed", reason="it is not a regular file")
            digest = _sha256(file, count)
        except OSError as error:
            reason = error.strerror or str(error)
            return FileProblem(path=path, damage="unreadable", reason=reason)
        if digest == self.expected[path]:
            return None
        return FileProblem(path=path, damage="changed", reason="its sha256 differs")


def _leftover(path: str) -> str:
    """Return what an extra file is known to be."""
    if path.endswith(".c~"):
        return "conda leaves it where it replaces a link to a folder; it can be removed"
    return ""


def _path(problem: FileProblem) -> str:
    return problem.path


def _expected(directory: str, manifest: Manifest) -> dict[str, str]:
    """Return the digest of each file, those too that stand where the payload has a link.

    A wheel holds no links: there a file, or a folder of files, is in the place of each.
    """
    expected = dict(manifest.digests)
    most = len(expected) + MOST_BEHIND_LINKS
    for link, target in manifest.links.items():
        place = _within(directory, link)
        if os.path.islink(place) or not os.path.lexists(place):
            continue  # what is not there at all is one link, however many files it would lead to
        end = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
        for path, digest in manifest.digests.items():
            if path == end or path.startswith(f"{end}/"):
                expected[link + path[len(end) :]] = digest
        if len(expected) > most:
            problem = f"more than {MOST_BEHIND_LINKS:,} files would stand for its links"
            raise DataError(f"{manifest.file}: {problem}; install the package again")
    return expected


def _wrong_links(directory: str, manifest: Manifest) -> Iterator[FileProblem]:
    for link, target in manifest.links.items():
        path = _within(directory, link)
        if not os.path.lexists(path):
            yield FileProblem(path=link, damage="missing", reason=f"a link to {target}")
        elif os.path.islink(path) and os.readlink(path).replace(os.path.sep, "/") != target:
            reason = f"a link to {os.readlink(path)} instead of {target}"
            yield FileProblem(path=link, damage="changed", reason=reason)


def _within(directory: str, path: str) -> str:
    """Return the path of a manifest's file with this system's slashes."""
    return os.path.join(directory, *path.split("/"))


def _files(directory: str) -> Iterator[tuple[str, int]]:
    """Yield each file and link below a directory, and its size; with forward slashes."""
    start = len(os.path.join(directory, ""))
    for folder, names, links in walk(directory):
        for name in (*names, *links):
            path = os.path.join(folder, name)
            size = _size(path)
            if size is not None:
                yield path[start:].replace(os.path.sep, "/"), size


def _size(path: str) -> int | None:
    """Return the size of a file, or of a link that leads nowhere; None for what is gone by now."""
    for look in (os.stat, os.lstat):
        try:
            return look(path).st_size
        except OSError:
            continue
    return None


def _sha256(path: str, count: _Count) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    with open(path, "rb", buffering=0) as stream:
        while not count.stopped and (size := stream.readinto(buffer)):
            digest.update(buffer[:size])
            count.add(size)
    return digest.hexdigest()
