"""Write zip files, one member after the other, the same to the bit with every Python.

Python's zipfile writes other headers from version to version, and deflates in one way only.
Source: APPNOTE.TXT 6.3 of PKWARE, sections 4.3 to 4.5.
"""

import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import IO, Protocol

from nipack.system import fast_gzip

FILE_MODE = stat.S_IFREG | 0o644
STORED, DEFLATED = 0, 8
# Sizes and places from here on are in a zip64 field.
LIMIT = 0xFFFFFFFF
_COUNT_LIMIT = 0xFFFF
_VERSION, _ZIP64_VERSION = 20, 45
_UNIX = 3 << 8
_UTF8 = 1 << 11
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")


class _Compressor(Protocol):
    def compress(self, data: bytes | memoryview, /) -> bytes | memoryview: ...
    def flush(self) -> bytes: ...


class _Stored:
    """What compresses nothing."""

    def compress(self, data: bytes | memoryview, /) -> bytes | memoryview:
        return data

    def flush(self) -> bytes:
        return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """What stands of a member in its header and in the directory; sizes are in bytes."""

    name: bytes
    method: int
    offset: int
    is_large: bool
    crc: int = 0
    packed: int = 0
    size: int = 0


class MemberWriter:
    """What the content of one member is written into."""

    def __init__(self, output: IO[bytes], method: int) -> None:
        """Write into `output`, as the method has it."""
        self._output = output
        self._compressor: _Compressor = (
            fast_gzip.raw_compressor() if method == DEFLATED else _Stored()
        )
        self.crc = self.size = self.packed = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write some of the content; return how much."""
        self.crc = fast_gzip.crc32(data, self.crc)
        self.size += len(data)
        self._put(self._compressor.compress(data))
        return len(data)

    def finish(self) -> None:
        """Write what the compressor has kept back; there is no more to come, nor a second time."""
        self._put(self._compressor.flush())
        self._compressor = _Stored()

    def flush(self) -> None:
        """Keep what is there: a member ends with `finish`."""

    def _put(self, data: bytes | memoryview) -> None:
        self.packed += len(data)
        self._output.write(data)


class ZipWriter:
    """A zip of files with mode 0644, as made on Unix, all with one time."""

    def __init__(self, output: IO[bytes], time: int) -> None:
        """Write into a seekable file; `time` is in seconds since 1970."""
        self._output = output
        self._time, self._date = _dos_time(time)
        self._members: list[_Member] = []

    @contextmanager
    def member(
        self, name: str, *, method: int = STORED, is_large: bool = False
    ) -> Iterator[MemberWriter]:
        """Open a member for writing; one that may reach 4 GiB is to be `is_large`."""
        encoded = name.encode("utf-8")
        start = self._output.tell()
        member = _Member(name=encoded, method=method, offset=start, is_large=is_large)
        self._output.write(self._local(member))
        writer = MemberWriter(self._output, method)
        yield writer
        writer.finish()
        member = replace(member, crc=writer.crc, packed=writer.packed, size=writer.size)
        if max(member.packed, member.size) >= LIMIT and not is_large:
            raise ValueError(f"{name}: larger than it was said to be")
        self._members.append(member)
        end = self._output.tell()
        self._output.seek(start)
        self._output.write(self._local(member))
        self._output.seek(end)

    def finish(self) -> None:
        """Write the directory behind the members."""
        start = self._output.tell()
        for member in self._members:
            self._output.write(self._central(member))
        size, count = self._output.tell() - start, len(self._members)
        if count >= _COUNT_LIMIT or start + size >= LIMIT:
            place = start + size
            version = _ZIP64_VERSION
            self._output.write(_END64.pack(
                b"PK\6\6", _END64.size - 12, _UNIX | version, version, 0, 0, count, count, size,
                start,
            ))  # fmt: skip
            self._output.write(_LOCATOR.pack(b"PK\6\7", 0, place, 1))
        shown = min(count, _COUNT_LIMIT)
        self._output.write(
            _END.pack(b"PK\5\6", 0, 0, shown, shown, min(size, LIMIT), min(start, LIMIT), 0)
        )

    def _local(self, member: _Member) -> bytes:
        # Both sizes stand in the zip64 field of a large member, and never outside of it.
        extra = struct.pack("<2H2Q", 1, 16, member.size, member.packed) if member.is_large else b""
        sizes = (LIMIT, LIMIT) if member.is_large else (member.packed, member.size)
        version = _ZIP64_VERSION if member.is_large else _VERSION
        header = _LOCAL.pack(
            b"PK\3\4", version, _flags(member), member.method, self._time, self._date, member.crc,
            *sizes, len(member.name), len(extra),
        )  # fmt: skip
        return header + member.name + extra

    def _central(self, member: _Member) -> bytes:
        numbers = (member.size, member.packed, member.offset)
        beyond = [number for number in numbers if number >= LIMIT]
        extra = struct.pack(f"<2H{len(beyond)}Q", 1, 8 * len(beyond), *beyond) if beyond else b""
        version = _ZIP64_VERSION if member.is_large or beyond else _VERSION
        size, packed, offset = (min(number, LIMIT) for number in numbers)
        header = _CENTRAL.pack(
            b"PK\1\2", _UNIX | version, version, _flags(member), member.method, self._time,
            self._date, member.crc, packed, size, len(member.name), len(extra), 0, 0, 0,
            FILE_MODE << 16, offset,
        )  # fmt: skip
        return header + member.name + extra


@contextmanager
def zip_writer(output: IO[bytes], time: int) -> Iterator[ZipWriter]:
    """Write a zip into a seekable file, its directory when all members are written."""
    writer = ZipWriter(output, time)
    yield writer
    writer.finish()


def _flags(member: _Member) -> int:
    return 0 if member.name.isascii() else _UTF8


def _dos_time(time: int) -> tuple[int, int]:
    """Return a time and a day as MS-DOS has them: from 1980 on, where an epoch may lie before."""
    moment = datetime.fromtimestamp(time, timezone.utc)
    if moment.year < 1980:
        return 0, 1 << 5 | 1
    return (
        moment.hour << 11 | moment.minute << 5 | moment.second // 2,
        (moment.year - 1980) << 9 | moment.month << 5 | moment.day,
    )
