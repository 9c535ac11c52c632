"""What is wrong inside the files of a payload; every file is looked at, on all processors."""

import json
import os
import re
import stat
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from nipack.builder.check import images, privacy
from nipack.builder.known_files import KnownFiles, State
from nipack.builder.rules import problem_at
from nipack.builder.source.unpack import EXECUTABLE
from nipack.lookup.json_text import json_value
from nipack.system import fast_gzip
from nipack.system.errors import Problem
from nipack.system.hashing import CHUNK
from nipack.system.images import headers_of_pairs, is_image, quiet_nibabel
from nipack.system.parallel import for_each_file
from nipack.system.progress import Advance, Reporter
from nipack.system.small_files import start_of

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_NAMES = (".gz", ".mgz", ".tgz")
# A label map may be a thousand times larger than its gzip file, so its content is met in parts,
# which stay in the processor's cache.
_PART = CHUNK
_START = 1 << 15  # bytes, which most texts do not exceed
_LONGEST_POINTER = 1024
# Objects take ten times the memory of their JSON; what is larger is no sidecar.
_LARGEST_JSON = 2 << 20
# What an empty file is there for is in its name.
_MEANT_EMPTY = re.compile(r"__init__\.py|py\.typed|\.(git|hg)?keep|\.nojekyll|\.\w+ignore|\..*done")
_POINTERS = {
    b"version https://git-lfs.github.com/spec/": "Git LFS",
    b"/annex/objects/": "git-annex",
}


class DamagedError(Exception):
    """A gzip file is not what it should be; the message says how."""


def content_problems(
    directory: Path,
    states: Mapping[str, State],
    relpath: str,
    reporter: Reporter,
    known: KnownFiles,
) -> list[Problem]:
    """Return what is wrong in the files of a payload, in the order of the paths.

    `states` has each file and link, from before it is read.  A file of which that is `known` is not
    looked at, unless it is one of two that make an image.
    """
    headers = headers_of_pairs(states)
    top = f"{directory}/"
    regular = [path for path, state in states.items() if not stat.S_ISLNK(state.mode)]
    found = {
        path: problems
        for path in regular
        if path not in headers and (problems := known.problems(path, states[path])) is not None
    }
    files = [path for path in regular if path not in found]
    sizes = [states[path].size for path in files]
    advance = reporter.step("check", sum(sizes))

    def inspect(path: str) -> tuple[Problem, ...]:
        image = is_image(path, headers)
        where = f"{relpath}/{path}"
        return tuple(_file_problems(f"{top}{path}", states[path], where, advance, image=image))

    with quiet_nibabel():
        inspected = for_each_file(inspect, files, sizes)
    for path, problems in zip(files, inspected, strict=True):
        known.add_problems(path, states[path], problems)
        found[path] = problems
    return [problem for path in regular for problem in found[path]]


def _file_problems(
    path: str, state: State, where: str, advance: Advance, *, image: bool
) -> Iterator[Problem]:
    if os.name != "nt" and state.mode & EXECUTABLE:
        message = "it is executable, but will be installed as data, which is not"
        yield problem_at("executable", where, message, "remove the bit: chmod a-x")
    if state.size == 0:
        if not _MEANT_EMPTY.fullmatch(path.rpartition("/")[2]):
            yield problem_at("empty-file", where, "it is empty", "put the real file there")
        advance(0)
        return
    start = start_of(path, _START)
    if system := _pointer(start[:_LONGEST_POINTER]):
        message = f"it is a pointer of {system}, not the data"
        yield problem_at("pointer-file", where, message, "fetch the data, then build")
        return
    size = yield from _readable(path, state.size, where, start, advance)
    if size is None:
        return
    yield from privacy.file_problems(path, where, start, state.size)
    if image:
        yield from images.image_problems(Path(path), where, size, start)


def _readable(
    path: str, size: int, where: str, start: bytes, advance: Advance
) -> Generator[Problem, None, int | None]:
    """Yield what keeps a file's readers from its content; return its size, None if it has none."""
    name = path.lower()
    if not start.startswith(_GZIP_MAGIC):
        advance(size)
        if name.endswith(_GZIP_NAMES):
            message = "it is not gzip, despite its name"
            yield problem_at("gzip-name", where, message, "compress or rename it")
            return None
        content_size = size
    else:
        try:
            content_size = read_gzip(Path(path), advance)
        except DamagedError as error:
            yield problem_at("gzip-damaged", where, f"{error}", "download or write it again")
            return None
        yield from privacy.gzip_problems(start, where)
    if name.endswith(".json") and size <= _LARGEST_JSON:
        yield from _json_problems(start if len(start) == size else Path(path).read_bytes(), where)
    return content_size


def _pointer(start: bytes) -> str:
    return next(
        (
            system
            for mark, system in _POINTERS.items()
            if mark in start and b"\0" not in start and len(start) < _LONGEST_POINTER
        ),
        "",
    )


def read_gzip(path: Path, advance: Advance) -> int:
    """Return the size of what is in a gzip file; raises where one of its members is damaged."""
    size = 0
    with path.open("rb", buffering=0) as stream:
        chunk = stream.read(CHUNK)
        while chunk.rstrip(b"\0"):
            if not chunk.startswith(_GZIP_MAGIC):
                raise DamagedError("there is extra data after its end")
            member = fast_gzip.decompressor()
            while True:
                advance(len(chunk))
                try:
                    size += _content_size(member, chunk)
                except fast_gzip.GzipError as error:
                    raise DamagedError(f"it is damaged: {error}") from error
                if member.eof:
                    break
                chunk = stream.read(CHUNK)
                if not chunk:
                    raise DamagedError(f"it is truncated after {size:,} bytes of its content")
            chunk = member.unused_data
            advance(-len(chunk))
            chunk += stream.read(CHUNK)
    return size


def _content_size(member: Any, chunk: bytes) -> int:
    """Return how many bytes a chunk of a gzip member has in it, never holding all of them."""
    part = member.decompress(chunk, _PART)
    size = len(part)
    # A full part may have more behind it, even where no input is left.
    while not member.eof and (member.unconsumed_tail or len(part) == _PART):
        part = member.decompress(member.unconsumed_tail, _PART)
        size += len(part)
    return size


def _json_problems(content: bytes, where: str) -> Iterator[Problem]:
    remedy = "fix it there"
    try:
        json_value(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        yield problem_at("json-invalid", f"{where}:{line}", "it is not UTF-8", "save it as UTF-8")
    except json.JSONDecodeError as error:
        message = f"it is not JSON: {error.msg} (column {error.colno})"
        yield problem_at("json-invalid", f"{where}:{error.lineno}", message, remedy)
    except ValueError as error:
        yield problem_at("json-invalid", where, f"it is not JSON: {error}", remedy)
