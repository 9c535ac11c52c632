"""Lists of files with their digests, as others keep them: SHA256SUMS, pooch's, git-annex's."""

import re
import shlex
from dataclasses import dataclass, field

from nipack.builder.definition.sources import DIGEST_ALGORITHMS
from nipack.system.foreign import why_unplaceable

_DIGITS = {"sha256": 64, "sha512": 128, "md5": 32}
_BY_DIGITS = {digits: name for name, digits in _DIGITS.items()}
_MOST_FAULTS = 20

# GNU coreutils: a backslash before the digest says that the name has escapes in it.
_SUMS = re.compile(r"(?P<escaped>\\?)(?P<digest>[0-9A-Fa-f]{32,128}) [ *](?P<path>.+)")
# BSD's, which sha256sum --tag writes too.
_TAGGED = re.compile(r"(?P<name>[A-Z0-9]+) \((?P<path>.+)\) = (?P<digest>[0-9A-Fa-f]+)")
# git-annex's keys: backend, fields, digest and extension (its page "key format").
_ANNEXED = re.compile(
    r"(?P<backend>[A-Z0-9_]+)(?P<fields>(-[a-zA-Z][0-9]+)*)--(?P<rest>\S+)[ \t]+(?P<path>\S.*)"
)
_KEY = re.compile(r"(?P<backend>[A-Z0-9_]+)(?P<fields>(-[a-zA-Z][0-9]+)*)--(?P<rest>[^\s/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file of a list: its line, its path, and what the list says of it.

    `address` is given where the list has one of its own for the file; `size` is in bytes.
    """

    line: int
    path: str
    digests: dict[str, str]
    size: int | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The files of a list, and what is wrong with it: pairs of a line and a reason."""

    files: tuple[Listed, ...] = ()
    faults: tuple[tuple[int, str], ...] = field(default=())


class _WrongLine(Exception):
    """Why a line cannot be read."""


def read_registry(text: str) -> Registry:
    """Return the files that a list names; lines that are wrong are told of, the first of them."""
    files: list[Listed] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            files.append(_listed(line.rstrip("\r"), number))
        except _WrongLine as error:
            faults.append((number, str(error)))
    if not files and not faults:
        faults.append((1, "it does not name a file"))
    return Registry(files=tuple(files), faults=tuple(faults[:_MOST_FAULTS]))


def _listed(line: str, number: int) -> Listed:
    found = _read(line, number)
    reason = why_unplaceable(found.path)
    if reason:
        raise _WrongLine(f"the path {found.path!r} {reason}")
    return found


def _read(line: str, number: int) -> Listed:
    if sums := _SUMS.fullmatch(line):
        if sums["escaped"]:
            raise _WrongLine("its name has a line break or a backslash in it")
        return Listed(line=number, path=sums["path"], digests=_by_length(sums["digest"]))
    if tagged := _TAGGED.fullmatch(line):
        digests = _digest(tagged["name"].lower(), tagged["digest"])
        return Listed(line=number, path=tagged["path"], digests=digests)
    if annexed := _ANNEXED.fullmatch(line):
        digests, size = _of_key(annexed)
        return Listed(line=number, path=annexed["path"], digests=digests, size=size)
    return _of_pooch(line, number)


def _of_pooch(line: str, number: int) -> Listed:
    """Read a line of pooch's registry: a path, in quotes where it has blanks, digest, address."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise _WrongLine("its quotes do not match") from error
    if len(words) not in (2, 3):
        raise _WrongLine(
            "neither 'DIGEST  PATH' of sha256sum, 'PATH DIGEST' of pooch, nor 'KEY PATH' of "
            "git-annex"
        )
    algorithm, colon, digits = words[1].rpartition(":")
    digests = _digest(algorithm.lower(), digits) if colon else _by_length(words[1])
    return Listed(
        line=number, path=words[0], digests=digests, address=words[2] if words[2:] else None
    )


def key_facts(key: str) -> tuple[dict[str, str], int | None] | None:
    """Return the digest and the size that a key of git-annex states, None where it states none."""
    found = _KEY.fullmatch(key)
    try:
        return _of_key(found) if found else None
    except _WrongLine:
        return None


def _of_key(key: re.Match[str]) -> tuple[dict[str, str], int | None]:
    name = key["backend"].lower().removesuffix("e")
    if name not in DIGEST_ALGORITHMS:
        known = ", ".join(each.upper() for each in DIGEST_ALGORITHMS)
        raise _WrongLine(f"a key of the backend {key['backend']} states no {known}")
    size = re.search(r"-s([0-9]{1,18})(?:-|$)", key["fields"])
    digits = key["rest"].partition(".")[0] if key["backend"].endswith("E") else key["rest"]
    return _digest(name, digits), int(size[1]) if size else None


def _digest(algorithm: str, digits: str) -> dict[str, str]:
    if algorithm not in _DIGITS:
        raise _WrongLine(f"its digest is {algorithm}; known are {', '.join(_DIGITS)}")
    if not re.fullmatch(f"[0-9A-Fa-f]{{{_DIGITS[algorithm]}}}", digits):
        raise _WrongLine(f"its {algorithm} has not {_DIGITS[algorithm]} hexadecimal digits")
    return {algorithm: digits.lower()}


def _by_length(digits: str) -> dict[str, str]:
    if len(digits) not in _BY_DIGITS:
        raise _WrongLine("its digest is neither a sha256, a sha512 nor an md5")
    return _digest(_BY_DIGITS[len(digits)], digits)
