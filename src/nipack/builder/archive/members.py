"""Write and read tar streams, the inside of every artifact, one file at a time."""

import io
import itertools
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, cast

from nipack.builder.archive.headers import FastHeader, file_header, member, tar_header
from nipack.builder.archive.installed import (
    Installed,
    InstalledFile,
    InstalledLink,
    Tree,
    directories_of,
)
from nipack.builder.archive.streams import BlockWriter, ForwardReader
from nipack.system.errors import ArtifactError
from nipack.system.hashing import CHUNK, digest_stream
from nipack.system.progress import Advance

DIRECTORY_MODE, LINK_MODE = 0o755, 0o777


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file, link or directory as it was read back from an artifact.

    A file alone has a digest, of an algorithm, and a link alone a target.  `crc` is the CRC-32 of a
    file, where somebody is to compare it with what an archive says of it.
    """

    path: str
    mode: int
    size: int = 0
    digest: str = ""
    algorithm: str = "sha256"
    target: str | None = None
    is_directory: bool = False
    crc: int | None = field(default=None, compare=False)


def write_tar(
    output: IO[bytes],
    tree: Iterable[Installed],
    *,
    time: int,
    advance: Advance,
    base: str = "",
    directories: bool = False,
) -> None:
    """Write a tree as a tar stream: root's, with fixed modes and one time, in the given order.

    `base`, which is empty or "./", is put before each path.  With `directories`, each directory
    has a member before what is in it.  The format is GNU's, the one that dpkg reads (deb(5)).
    """
    tar = BlockWriter(output, CHUNK)
    made: set[str] = set()
    for installed in tree:
        if directories:
            _write_parents(tar, base, installed.path, time, made)
        _write_member(tar, base, installed, time, advance)
    # Two blocks of zeros, and a whole record (tar(5)).
    tar.write(bytes(2 * tarfile.BLOCKSIZE))
    tar.fill(tarfile.RECORDSIZE)
    tar.flush()


def _write_parents(tar: BlockWriter, base: str, path: str, time: int, made: set[str]) -> None:
    """Write the directories above a path that have no member yet; the first of all only by "./"."""
    missing: list[str] = []
    while path:
        path = path.rpartition("/")[0]
        name = f"{base}{path}" if path else base.rstrip("/")
        if name in made:
            break
        made.add(name)
        missing.append(name)
    for name in filter(None, reversed(missing)):
        info = member(name, time, DIRECTORY_MODE)
        info.type = tarfile.DIRTYPE
        tar.write(tar_header(info))


def _write_member(
    tar: BlockWriter, base: str, installed: Installed, time: int, advance: Advance
) -> None:
    if isinstance(installed, InstalledLink):
        info = member(base + installed.path, time, LINK_MODE)
        info.type, info.linkname = tarfile.SYMTYPE, installed.target
        tar.write(tar_header(info))
        return
    tar.write(file_header(base + installed.path, installed.size, installed.mode, time))
    with open_content(installed) as content:
        left = tar.read_from(content, installed.size, advance)
    if left:
        raise ArtifactError(
            f"{installed.path}: it shrank while it was being packed ({left:,} bytes are missing)"
            "; build again when nothing is writing to the data"
        )
    tar.fill(tarfile.BLOCKSIZE)


@contextmanager
def open_content(installed: InstalledFile) -> Iterator[IO[bytes]]:
    """Open the bytes of a file, wherever they are."""
    if isinstance(installed.content, bytes):
        yield io.BytesIO(installed.content)
    else:
        folder, below = installed.content, installed.below
        path = folder if below is None else f"{folder}/{below}"
        with open(path, "rb", buffering=0) as stream:  # a Path takes its time
            yield stream


def read_tar(
    stream: IO[bytes],
    advance: Advance,
    *,
    base: str | None = None,
    directories: bool = False,
    algorithm: str = "sha256",
) -> Iterator[Content]:
    """Yield the files and links of a tar stream with their digests; each byte is read once.

    With `directories`, it yields those too.  Where each path must begin with a `base`, one that
    does not is yielded as it is, from '/', so that it is found to be strange.
    """
    forward = ForwardReader(stream)
    file = cast("IO[bytes]", forward)
    with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", tarinfo=FastHeader) as tar:
        # In this mode it leaves the content to be read from the stream itself, and copies nothing.
        while info := tar.next():
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep all that it has met
            path = _path_below(info.name, base)
            if info.isreg() and not info.issparse():
                digests = digest_stream(stream, [algorithm], advance, size=info.size)
                forward.passed(digests.size)
                if digests.size < info.size:
                    raise tarfile.ReadError("unexpected end of data")
                yield Content(
                    path=path,
                    mode=info.mode,
                    size=digests.size,
                    digest=digests.by_algorithm[algorithm],
                    algorithm=algorithm,
                )
            elif info.issym():
                yield Content(path=path, mode=info.mode, target=info.linkname)
            elif not info.isdir():
                raise ArtifactError(f"{path}: a member of the kind {info.type!r}; report this bug")
            elif directories:
                yield Content(path=path, mode=info.mode, is_directory=True)


def _path_below(name: str, base: str | None) -> str:
    if base is None or name == base.rstrip("/"):
        return name.removeprefix("./")
    return name.removeprefix(base) if name.startswith(base) else f"/{name}"


def expected_content(installed: Installed, algorithm: str = "sha256") -> Content:
    """Return how a file or link must be read back, with a digest of an algorithm."""
    if isinstance(installed, InstalledLink):
        return Content(path=installed.path, mode=LINK_MODE, target=installed.target)
    return Content(
        path=installed.path,
        mode=installed.mode,
        size=installed.size,
        digest=installed.digest(algorithm),
        algorithm=algorithm,
    )


def expected_directories(tree: Iterable[Installed], *, base: str) -> Iterator[Content]:
    """Yield the directories that must be read back of a tree written with members for them."""
    for path in directories_of(tree):
        if path != "." or base:
            yield Content(path=path, mode=DIRECTORY_MODE, is_directory=True)


def read_otherwise(
    tree: Tree, contents: Iterator[Content], folders: Mapping[str, Content], algorithm: str
) -> list[Content] | None:
    """Return what was read back if it is not the tree in its order, and each of the folders once.

    It is None otherwise: of a hundred thousand files that are as they are to be, nothing is kept.
    """
    missing, same = dict(folders), 0
    for each in contents:
        if each.is_directory and missing.get(each.path) == each:
            del missing[each.path]
        elif same < len(tree) and expected_content(tree[same], algorithm) == each:
            same += 1
        else:
            contents = itertools.chain([each], contents)
            break
    else:
        if not missing and same == len(tree):
            return None
    before = [expected_content(each, algorithm) for each in tree[:same]]
    return [*(each for path, each in folders.items() if path not in missing), *before, *contents]


def differences(expected: dict[str, Content], found: dict[str, Content]) -> Iterator[str]:
    """Yield in words what is missing, strange or different in what was read back, by path."""
    for path in sorted(expected.keys() | found.keys()):
        if path not in found:
            yield f"{path}: is missing"
        elif path not in expected:
            yield f"{path}: should not be there"
        elif found[path] != expected[path]:
            yield f"{path}: is {_described(found[path])}, not {_described(expected[path])}"


def _described(content: Content) -> str:
    if content.is_directory:
        return f"a directory with mode {content.mode:o}"
    if content.target is not None:
        return f"a link to {content.target}"
    digest = f"{content.algorithm} {content.digest}"
    return f"{content.size} bytes with mode {content.mode:o} and {digest}"
