"""Headers of tar members as Python's tarfile has them, sooner where many are alike.

The files of a package differ by name and size alone.  All else of a header is made or read by
tarfile once, and what differs is put in, or read, here; what is not of the usual kind is tarfile's.
"""

import re
import tarfile
from functools import lru_cache

# tar(5): the name, then mode and owners, the size, the time, the check sum, and the rest.
_NAME, _SIZE, _TIME, _SUM, _REST = 100, 124, 136, 148, 156
_MOST = 0o77777777777  # bytes that the digits of a size can say
_NO_SIZE = b"%011o\0" % 0
_BLANKS = b" " * (_REST - _SUM)  # which are in the place of the sum while it is made
_SIMPLE_SIZE = re.compile(rb"[0-7]{11}\0").fullmatch
_KINDS = 64  # of headers that are remembered, where those of a stranger may all differ


def tar_header(info: tarfile.TarInfo) -> bytes:
    """Return a header in GNU's form, by tarfile."""
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def member(path: str, time: int, mode: int) -> tarfile.TarInfo:
    """Return what tarfile is to know of a member: root's, whoever builds."""
    info = tarfile.TarInfo(path)
    info.mtime, info.mode = time, mode
    info.uname = info.gname = "root"
    return info


def file_header(path: str, size: int, mode: int, time: int) -> bytes:
    """Return the header of a file; `size` is in bytes, `time` in seconds since 1970."""
    if not path.isascii() or len(path) > _NAME or size > _MOST:
        info = member(path, time, mode)
        info.size = size
        return tar_header(info)
    owner, moment, rest, total = _like(mode, time)
    name, digits = path.encode("ascii"), b"%011o\0" % size
    total += sum(name) + sum(digits)
    return b"%b%b%b%b%06o\0 %b" % (name.ljust(_NAME, b"\0"), owner, digits, moment, total, rest)


@lru_cache(_KINDS)
def _like(mode: int, time: int) -> tuple[bytes, bytes, bytes, int]:
    """Return what is between name and size, and behind that, of a file; and the sum of all that."""
    header = tar_header(member("", time, mode))
    parts = header[_NAME:_SIZE], header[_TIME:_SUM], header[_REST:]
    return *parts, sum(map(sum, parts)) + sum(_BLANKS)


class FastHeader(tarfile.TarInfo):
    """What tarfile knows of a member, read sooner; tarfile is to make its members by this class."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "FastHeader":
        """Return what a header says; raises what tarfile raises."""
        return cls._of_file(bytes(buf), encoding, errors) or super().frombuf(buf, encoding, errors)

    @classmethod
    def _of_file(cls, header: bytes, encoding: str, errors: str) -> "FastHeader | None":
        """Return what the header of a file says, None where it is not of the usual kind."""
        owner, moment, rest = header[_NAME:_SIZE], header[_TIME:_SUM], header[_REST:]
        like, total = _known(owner, moment, rest, encoding, errors)
        name, size = header[:_NAME].rstrip(b"\0"), header[_SIZE:_TIME]
        total += sum(name) + sum(size)
        if like is None or b"\0" in name or not _SIMPLE_SIZE(size):
            return None
        if header[_SUM:_REST] != b"%06o\0 " % total:
            return None
        made = cls(name.decode(encoding, errors))
        made.size, made.chksum = int(size[:-1], 8), total
        made.mode, made.uid, made.gid, made.mtime = like.mode, like.uid, like.gid, like.mtime
        made.uname, made.gname, made.linkname = like.uname, like.gname, like.linkname
        made.devmajor, made.devminor = like.devmajor, like.devminor
        return made


@lru_cache(_KINDS)
def _known(
    owner: bytes, moment: bytes, rest: bytes, encoding: str, errors: str
) -> tuple[tarfile.TarInfo | None, int]:
    """Return what tarfile reads of a header without name and size, and the sum of its bytes.

    It is None for what is not simply a file, or is malformed.
    """
    total = sum(owner) + sum(moment) + sum(rest) + sum(_BLANKS)
    check = b"%06o\0 " % (total + sum(_NO_SIZE))
    header = bytes(_NAME) + owner + _NO_SIZE + moment + check + rest
    try:
        like = tarfile.TarInfo.frombuf(header, encoding, errors)
    except (tarfile.HeaderError, ValueError):
        return None, total
    # A prefix would be part of the name, which is tarfile's to put together.
    return (like if like.type == tarfile.REGTYPE and not like.name else None), total
