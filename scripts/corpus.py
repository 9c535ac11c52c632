"""Hostile sources and definitions, made by code, each given to the real command line.

Each case is a process of its own, forked once nipack is loaded, and must end as it should: accepted,
or refused with one clear error; no traceback, nothing left, nothing outside touched, under 256 MB
and 10 s.
"""

import argparse
import bz2
import gzip
import io
import json
import lzma
import os
import random
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

MEMORY, SECONDS = 256, 10.0  # MB, seconds of the processor
# As many members as may be are unpacked before one more is refused.
LONGER = {"100,001 members": 60.0}
CONFIG = b"[DEFAULT]\nversion = 0.3\n"
HEAD = "name: nipy-templates\nrelpath: nipy/templates\nversion: '0.3'\n"

Make = Callable[[Path], Path]
"""Makes a source in a folder and returns its path."""


@dataclass(frozen=True)
class Case:
    """One input: its class and name, what makes it, and whether it must be taken (None: either)."""

    kind: str
    name: str
    make: Make
    taken: bool | None = False


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "", **more: int
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mtime = kind, target, len(content), 1_400_000_000
    for each, value in more.items():
        setattr(info, each, value)
    return info, content


GOOD = (member("t-0.3/t/config.ini", CONFIG), member("t-0.3/t/image.dat", b"image" * 99))


def tar(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=format, encoding="utf-8", errors="surrogateescape"
    ) as output:
        for info, content in members:
            output.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(*members: tuple[str, bytes, int]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as output:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name, (2014, 5, 13, 1, 1, 1))
            info.create_system, info.external_attr = 3, mode << 16
            output.writestr(info, content)
    return buffer.getvalue()


ZIP_GOOD = (
    ("t-0.3/t/config.ini", CONFIG, 0o100644),
    ("t-0.3/t/image.dat", b"image" * 99, 0o100644),
)


def file(content: bytes | Callable[[], bytes], name: str = "t-0.3.tar.gz") -> Make:
    """Make a file of a content, or of what takes long to make and is made when it is wanted."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content())
        return folder / name

    return make


NAMES = [
    *("/etc/x", "//x", "../x", "t/../../x", "a/../../../x", "..", "t/..", "./../x", "C:/x", "c:x"),
    *("t\\x", "..\\x", "\\x", "\\\\host\\x", "t/a\\..\\..\\x", "t/" + "d/" * 250 + "x"),
    *("t/" + "n" * 300, "t/./../../x", "t/../t/../../x", "/", "t//../../x", "x/../../y"),
]
ODD_NAMES = [
    *(
        "t/a\nb",
        "t/a\rb",
        "t/a\tb",
        "t/\x1b[31mred",
        "t/\x07",
        "t/\x7f",
        "t/\u202egpj.exe",
        "t/\u2028",
    ),
    *(
        "t/a\udcffb",
        "t/\udce9",
        "t/ ",
        "t/ a",
        "t/a ",
        "t/.",
        "t/...",
        "t/-rf",
        "t/%s",
        "t/{{ x }}",
    ),
    *(
        "t/$(id)",
        "t/`id`",
        "t/;id",
        "t/'\"",
        "t/con",
        "t/nul.txt",
        "t/a:b",
        "t/a*?",
        "t/é",
        "t/e\u0301",
    ),
    *("t/Config.ini", "t/config.ini/x", "config.ini", "t/\x9b31m", "t/\ufeff", "t/" + "é" * 120),
]
TARGETS = [
    *(
        "/etc/passwd",
        "../../../x",
        "..",
        "../..",
        "../../t-0.3/../..",
        "",
        "/",
        "C:\\x",
        "\\x",
        "a\\b",
    ),
    *("../../../../../../../../../../etc/passwd", "./../../../x", "config.ini/../../../../x"),
]


def archives() -> Iterator[Case]:
    for name in NAMES:
        inside = name if name.startswith(("/", "\\", "..", "C", "c")) else f"t-0.3/{name}"
        bad = member(inside, b"x")
        yield Case("unsafe name, tar", name[:40], file(gzip.compress(tar(*GOOD, bad))))
        yield Case(
            "unsafe name, zip", name[:40], file(zipped(*ZIP_GOOD, (inside, b"x", 0o100644)), "t.zip"),
            None,
        )  # fmt: skip
    for name in ODD_NAMES:
        bad = member(f"t-0.3/{name}", b"x")
        yield Case("odd name, tar", name[:40], file(gzip.compress(tar(*GOOD, bad))), None)
        if not any("\udc80" <= c <= "\udcff" for c in name):
            other = (f"t-0.3/{name}", b"x", 0o100644)
            yield Case("odd name, zip", name[:40], file(zipped(*ZIP_GOOD, other), "t.zip"), None)
    for target in TARGETS:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            bad = member("t-0.3/t/link", kind=kind, target=target)
            yield Case("link out, tar", f"{kind!r} {target}", file(gzip.compress(tar(*GOOD, bad))))
        link = ("t-0.3/t/link", target.encode(), 0o120777)
        yield Case("link out, zip", target, file(zipped(*ZIP_GOOD, link), "t.zip"))
    for kind in (*(bytes([c]) for c in b"346QZ~SVMNA"), b"\0"):
        bad = member("t-0.3/t/x", kind=kind)
        taken = None if kind in (b"\0", b"S", b"M", b"N", b"A", b"V") else False
        yield Case("kind of member", repr(kind), file(gzip.compress(tar(*GOOD, bad))), taken)
    yield from damaged()
    yield from headers()
    yield from bombs()
    yield from chains()


def wholes() -> dict[str, bytes]:
    noise = random.Random(1).randbytes(100_000)
    plain = tar(*GOOD, member("t-0.3/t/noise", noise))
    return {
        "t-0.3.tar": plain,
        "t-0.3.tar.gz": gzip.compress(plain, 1, mtime=0),
        "t-0.3.tar.xz": lzma.compress(plain),
        "t-0.3.tar.bz2": bz2.compress(plain),
        "t-0.3.zip": zipped(*ZIP_GOOD, ("t-0.3/t/noise", noise, 0o100644)),
    }


def damaged() -> Iterator[Case]:
    for name, whole in wholes().items():
        yield Case("whole", name, file(whole, name), taken=True)
        for tenth in range(10):
            cut = whole[: len(whole) * tenth // 10 + 1]
            yield Case("cut short", f"{name} {tenth}", file(cut, name))
            changed = bytearray(whole)
            place = len(whole) * tenth // 10 + 5
            changed[place : place + 6] = b"\xa5\x5a\x00\xff\x13\x37"
            # A tar has no check sum of its content.
            taken = None if name.endswith((".tar", ".zip")) else False
            yield Case("changed bytes", f"{name} {tenth}", file(bytes(changed), name), taken)
        for rest in (b"x", b"garbage" * 999, bytes(700) + b"x", whole):
            # Two archives of one kind in one file, or a stranger's bytes behind it.
            yield Case("bytes behind the end", f"{name} {rest[:9]!r}", file(whole + rest, name))
    middle = tar(GOOD[0])[:1536]
    for compress in (bytes, gzip.compress, lzma.compress, bz2.compress):
        for blocks in (1, 2, 20):
            content = middle[:1024] + bytes(512 * blocks) + tar(GOOD[1])
            yield Case("zeros in the midst", f"{blocks}", file(compress(content), "t.tar"))
    for content in (b"", b"\0", b"x", b"PK", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", bytes(9999),
                    b"<html>", b"PK\x05\x06" + bytes(18), b"PK\x05\x06" + b"\xff" * 18):  # fmt: skip
        yield Case("no archive", repr(content[:8]), file(content, "t.tar.gz"))


def announced(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("t-0.3/t/x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def headers() -> Iterator[Case]:
    for kind in (b"x", b"g", b"L", b"K"):
        for size in (1 << 20, 512 << 20, 2 << 30, 1 << 60):
            head = tar(GOOD[0])[:1024] + announced(kind, size)

            def sparse(folder: Path, head: bytes = head) -> Path:
                with (folder / "t.tar").open("wb") as output:
                    output.write(head)
                    output.truncate(400 << 20)  # more than the memory that a case may take
                return folder / "t.tar"

            yield Case("huge header", f"{kind!r} {size:,}", sparse)

            def packed(head: bytes = head, size: int = size) -> bytes:
                return gzip.compress(head + bytes(min(size, 64 << 20)), 1)

            yield Case("huge header, packed", f"{kind!r} {size:,}", file(packed))
        record = b"11 path=xy\n" if kind in b"xg" else b"name\0"
        one = announced(kind, len(record)) + record + bytes(512 - len(record))
        yield Case("headers of headers", repr(kind), file(gzip.compress(one * 20_000 + tar(*GOOD))))
    for record in (b"99999999999 path=x\n", b"x", b"-5 path=x\n", b"0 path=x\n", b"11 size=-1\n",
                   b"12 size=abc\n", b"15 mtime=1e999\n", b"13 mtime=nan\n", b"10 path=\0\n",
                   b"30 GNU.sparse.major=1000000\n", b"22 GNU.sparse.major=1\n"):  # fmt: skip
        content = announced(b"x", len(record)) + record + bytes(512 - len(record)) + tar(*GOOD)
        yield Case(
            "odd record", record.decode("latin-1").strip(), file(gzip.compress(content)), None
        )


def bombs() -> Iterator[Case]:
    yield Case("bomb", "a gzip of 4 GB", bomb(4 << 30))
    yield Case("bomb", "a member of 1 TB", file(gzip.compress(announced(b"0", 1 << 40))))
    yield Case("bomb", "a member of 8 EB", file(gzip.compress(announced(b"0", 1 << 62))))
    small = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}
    hungry = partial(lzma.compress, tar(*GOOD), filters=[small])
    yield Case("bomb", "an xz of 1 GB of memory", file(hungry))
    yield Case("bomb", "100,001 members", many(100_001))
    yield Case("bomb", "a zip that lies of a size", file(lying_zip, "t.zip"))
    yield Case("bomb", "overlapping members", file(partial(overlapping, 300), "t.zip"), None)


def lying_zip() -> bytes:
    """A zip whose directory says that 32 MB are nine bytes."""
    lie = bytearray(zipped(*ZIP_GOOD, ("t-0.3/t/x", bytes(32 << 20), 0o100644)))
    at = lie.rindex(b"PK\x01\x02")
    lie[at + 24 : at + 28] = struct.pack("<I", 9)
    return bytes(lie)


def bomb(size: int) -> Make:
    def make(folder: Path) -> Path:
        with gzip.open(folder / "t.tar.gz", "wb", 1) as output:
            output.write(tar(GOOD[0])[:1024] + announced(b"0", size))
            for _ in range(64):
                output.write(bytes(1 << 20))
        return folder / "t.tar.gz"

    return make


def many(count: int) -> Make:
    def make(folder: Path) -> Path:
        with gzip.open(folder / "t.tar.gz", "wb", 1) as output:
            output.write(tar(GOOD[0])[:1024])
            for number in range(count):
                output.write(tarfile.TarInfo(f"t-0.3/t/{number}").tobuf(tarfile.GNU_FORMAT))
            output.write(bytes(1024))
        return folder / "t.tar.gz"

    return make


def overlapping(count: int) -> bytes:
    """A zip whose directory names one member again and again."""
    whole = zipped(("t/x", bytes(8 << 20), 0o100644))
    begin = whole.index(b"PK\x01\x02")
    entry = whole[begin : whole.index(b"PK\x05\x06")]
    entries = b"".join(entry.replace(b"t/x", b"t/%c" % (33 + n % 90)) for n in range(count))
    end = bytearray(whole[whole.index(b"PK\x05\x06") :])
    end[8:16] = struct.pack("<HHI", count, count, len(entries))
    return whole[:begin] + entries + bytes(end)


def chains() -> Iterator[Case]:
    for length in (39, 41, 1000, 5000):
        links = [
            member(f"t-0.3/t/{n}", kind=tarfile.SYMTYPE, target=str(n + 1)) for n in range(length)
        ]
        content = tar(*GOOD, *links, member(f"t-0.3/t/{length}", b"x"))
        yield Case("chain of links", f"{length}", file(gzip.compress(content)), length < 40)
    for target in ("link", ".", "../t/link"):
        bad = member("t-0.3/t/link", kind=tarfile.SYMTYPE, target=target)
        taken = None if target == "." else False
        yield Case("loop of links", target, file(gzip.compress(tar(*GOOD, bad))), taken)
    folders = [member(f"t-0.3/t/{'d/' * n}d", kind=tarfile.DIRTYPE) for n in range(0, 400, 20)]
    yield Case("deep folders", "400", file(gzip.compress(tar(*GOOD, *folders))))


CONFIGS = [
    *(
        b"",
        b"\0",
        b"\xff\xfe",
        b"[DEFAULT]",
        b"version = 0.3",
        b"[DEFAULT]\nversion =",
        b"[" * 9999,
    ),
    *(b"[DEFAULT]\nversion = 1.0.foo", b"[DEFAULT]\nversion = " + b"9" * 5000),
    *(
        b"[DEFAULT]\nversion = 0." + b"1" * 5000,
        b"[DEFAULT]\nversion = 1",
        b"[DEFAULT]\nversion = 1.x",
    ),
    *(b"[DEFAULT]\nversion = 0.3\nversion = 0.4", b"[DEFAULT]\n[DEFAULT]\nversion = 0.3\n" * 2),
    *(
        b"[DEFAULT]\nversion = %(version)s",
        b"[DEFAULT]\nversion = %(x)s",
        b"[DEFAULT]\nversion = %",
    ),
    *(
        b"[DEFAULT]\nversion = " + b"%(a)s\na = %(b)s\nb = %(a)s",
        b"[DEFAULT]\na" + b" " * 300_000 + b"b",
    ),
    *(
        b"[DEFAULT]\n" + b"a = b\n" * 100_000,
        b"[DEFAULT]\nversion = 1!0.3",
        b"[DEFAULT]\nversion = -1.0",
    ),
    *(
        b"[DEFAULT]\nversion = \xd9\xa3.\xd9\xa3",
        b"[DEFAULT]\nversion = 0.3; rm",
        b"[DEFAULT]\rversion = 0.x",
    ),
    *(
        "[DEFAULT]\nversion = ²".encode(),
        b"[DEFAULT]\nversion = 0.3\x00",
        b"[DEFAULT]\nversion = 2009c",
    ),
    *(
        b"[DEFAULT]\nversion = 0.3.",
        b"[DEFAULT]\nversion = ..",
        b"[DEFAULT]\nversion = 1e5.0",
        b"=\n",
        b"][",
    ),
]


def nifti(**fields: object) -> bytes:
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 2, 2, 2, 1, 1, 1, 1)
    struct.pack_into("<hh", head, 70, 2, 8)
    struct.pack_into("<8f", head, 76, *[1.0] * 8)
    struct.pack_into("<f", head, 108, 352.0)
    head[344:348] = b"n+1\0"
    for place, (form, *values) in fields.items():
        struct.pack_into(form, head, int(place[1:]), *values)  # type: ignore[misc]
    return bytes(head) + bytes(8)


def images() -> Iterator[tuple[str, bytes]]:
    for value in (float("nan"), float("inf"), -1.0, 0.0, 1e30, 3e9, 1e8):
        yield f"offset {value}.nii", nifti(p108=("<f", value))
        yield f"offset {value}.nii.gz", gzip.compress(nifti(p108=("<f", value)))
    for dims in ((-1,), (0,), (8,), (7, *[32767] * 7), (3, -5, 2, 2), (3, 0, 0, 0)):
        yield f"dims {dims}.nii", nifti(p40=(f"<{len(dims)}h", *dims))
    for kind in (0, 1, -1, 9999, 128):
        yield f"type {kind}.nii", nifti(p70=("<h", kind))
    for size, code in ((2**31 - 1, 6), (-1, 6), (0, 6), (7, 6), (16, 2), (1 << 30, 4)):
        ext = b"\1\0\0\0" + struct.pack("<ii", size, code)
        yield (
            f"extension {size} {code}.nii",
            nifti(p108=("<f", 1 << 20))[:348] + ext + bytes(1 << 20),
        )
    big = gzip.compress(nifti(p108=("<f", 2e9))[:348] + b"\1\0\0\0" + bytes(64 << 20), 1)
    yield "extension of zeros.nii.gz", big
    yield (
        "letters.nii",
        nifti(p148=("80s", b"a" * 80), p108=("<f", 300_352))[:348]
        + b"\1\0\0\0"
        + (struct.pack("<ii", 300_000, 6) + b"ab" * 149_996 + bytes(9)),
    )
    bomb_xml = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "xx">'
        + b"".join(
            b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (str(n - 1).encode() if n else b"") * 10)
            for n in range(12)
        )
        + b"]><GIFTI>&a11;</GIFTI>"
    )
    yield "laughs.gii", bomb_xml
    yield "deep.gii", b"<GIFTI>" + b"<a>" * 100_000
    yield "none.gii", b"<GIFTI"
    yield "none.mgz", gzip.compress(b"\0\0\0\1" + b"\x7f" * 300)
    yield "none.mgh", b"\0\0\0\1" + b"\x7f" * 300
    yield "none.trk", b"TRACK" + b"\xff" * 995
    yield "none.tck", b"mrtrix tracks\n" + b"count: 9\n" * 999
    yield "none.mnc", b"CDF\x01" + b"\xff" * 300
    yield "cut.nii.gz", gzip.compress(nifti())[:40]
    yield "behind.nii.gz", gzip.compress(nifti()) + b"x" * 99
    yield "deep.json", b"[" * 200_000
    yield "number.json", b"1" * 9999
    yield "bytes.json", b"\xff\xfe"
    yield "pointer.nii", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    named = gzip.compress(nifti())
    yield "name.nii.gz", named[:3] + b"\x08" + named[4:10] + b"a" * 250_000 + b"\0" + named[10:]


def folders() -> Iterator[Case]:
    def data(folder: Path) -> Path:
        (folder / "t-0.3" / "t").mkdir(parents=True)
        (folder / "t-0.3" / "t" / "config.ini").write_bytes(CONFIG)
        return folder / "t-0.3" / "t"

    def with_(change: Callable[[Path], object]) -> Make:
        def make(folder: Path) -> Path:
            change(data(folder))
            return folder / "t-0.3"

        return make

    def deep(inside: Path) -> None:
        here = os.open(inside, os.O_RDONLY)
        for _ in range(1200):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)

    for content in CONFIGS:
        yield Case("config.ini", repr(content[:30]), with_(
            lambda inside, content=content: (inside / "config.ini").write_bytes(content)), None)  # fmt: skip
    for name, content in images():
        yield Case("image", name, with_(
            lambda inside, name=name, content=content: (inside / name).write_bytes(content)), None)  # fmt: skip
    yield Case("folder", "pipe", with_(lambda inside: os.mkfifo(inside / "pipe")))
    yield Case("folder", "pipe for config.ini", with_(lambda inside: (
        (inside / "config.ini").unlink(), os.mkfifo(inside / "config.ini"))))  # fmt: skip
    yield Case("folder", "/dev/zero for config.ini", with_(lambda inside: (
        (inside / "config.ini").unlink(), (inside / "config.ini").symlink_to("/dev/zero"))))  # fmt: skip
    yield Case("folder", "large config.ini", with_(
        lambda inside: os.truncate(inside / "config.ini", 3 << 30)))  # fmt: skip
    yield Case("folder", "link out", with_(lambda inside: (inside / "x").symlink_to("/etc/passwd")))
    yield Case("folder", "link up", with_(lambda inside: (inside / "x").symlink_to("../..")))
    yield Case("folder", "link to itself", with_(lambda inside: (inside / "x").symlink_to("x")))
    yield Case("folder", "link to nothing", with_(lambda inside: (inside / "x").symlink_to("y")))
    yield Case("folder", "1,000 links in a chain", with_(
        lambda inside: [(inside / str(n)).symlink_to(str(n + 1)) for n in range(1000)]))  # fmt: skip
    yield Case("folder", "1,200 folders deep", with_(deep), None)
    for name in (b"\xff", b"a\nb", b"a\x1b[31m", b"a\\b", b"\xe2\x80\xae"):
        yield Case("folder", f"name {name!r}", with_(
            lambda inside, name=name: Path(os.fsdecode(os.fsencode(inside) + b"/" + name)).touch()),
            None)  # fmt: skip


def definitions() -> Iterator[Case]:
    fields = {
        "name": HEAD, "relpath": HEAD, "version": HEAD, "summary": HEAD, "description": HEAD,
        "homepage": HEAD, "license": HEAD, "date": HEAD, "revision": HEAD, "redistribution": HEAD,
        "maintainer": HEAD, "authors": HEAD, "citation": HEAD, "consumers": HEAD,
        "copyright": HEAD, "exceptions": HEAD, "source": HEAD, "requires_nonfree": HEAD,
    }  # fmt: skip
    values = [
        '""', "null", "[]", "{}", "-1", "!!int ''", "!!binary é", "&a [*a]", "[" * 3000, "'\\e[31m'",
        '"\\e[31m\\u202e"', "x" * 300_000, "'{{ 7*7 }}'", "'${{ 7 }}'", "'%{lua:os.exit()}'", "'$(id)'",
        "0x_", "{name: a, email: b@c}", "[{a: b}]", "9" * 400, "'../../x'", "'https://['",
    ]  # fmt: skip
    for name, head in fields.items():
        for value in values:
            lines = [line for line in head.splitlines() if not line.startswith(f"{name}:")]
            text = "\n".join([*lines, f"{name}: {value}", ""])
            yield Case("definition", f"{name}: {value[:30]}", definition(text), None)
    for version in (
        "1.0.foo",
        "9" * 5000,
        "1." + "0" * 5000,
        "²",
        "1e5",
        "0x1",
        "1.0\n2.0",
        "v1",
        " 1.0",
    ):
        yield Case("definition", f"version {version[:20]!r}", definition(
            HEAD.replace("'0.3'", json.dumps(version)), config=False), None)  # fmt: skip
    for text in ("", "\0", "- a", "a: b: c", "%YAML 9.9\n---\na", "? " * 4000, "- " * 4000, "{a: " * 4000,
                 "a: &a b\nc: *a", "#" * 600_000, "'" * 99_999, "a: |\n" + " x\n" * 100_000, "---\n---\n",
                 "\ufeff", "<<: {a: b}", "? [a]\n: b", "!!python/object/apply:os.system [id]"):  # fmt: skip
        yield Case("definition", repr(text[:20]), definition(text))
    for kind in ("link", "pipe", "/dev/zero", "large", "/etc/passwd", "../x", "folder"):
        yield Case("text_file", kind, text_file(kind))


def definition(text: str, *, config: bool = True) -> Make:
    def make(folder: Path) -> Path:
        if config:
            (folder / "config.ini").write_bytes(CONFIG)
        (folder / "image.dat").write_bytes(b"image")
        (folder / "package.yaml").write_text(text, "utf-8", "surrogatepass")
        return folder

    return make


def text_file(kind: str) -> Make:
    def make(folder: Path) -> Path:
        name = kind if kind.startswith((".", "/etc")) else "LICENSE"
        if kind == "link":
            (folder / name).symlink_to(folder.parent / "canary")
        elif kind == "pipe":
            os.mkfifo(folder / name)
        elif kind == "/dev/zero":
            (folder / name).symlink_to(kind)
        elif kind == "large":
            (folder / name).write_bytes(b"x" * 2_000_000)
        elif kind == "folder":
            (folder / name).mkdir()
        stanza = f"{{files: ['*'], holders: [Ada], license: MIT, text_file: {name}}}"
        return definition(f"{HEAD}copyright:\n  - {stanza}\n")(folder)

    return make


def run(case: Case, top: Path, memory: int) -> list[str]:
    """Run a case in a folder of its own; return what is not as it should be."""
    place, temporary, out = top / "in", top / "tmp", top / "out"
    for each in (place, temporary):
        each.mkdir(parents=True)
    canary = top / "canary"
    canary.write_text("untouched")
    source = case.make(place)
    log = top / "log"
    child = os.fork()
    if child == 0:
        _be_nipack(["build", "--quiet", str(source), "-o", str(out)], temporary, log)
    # By the clock, on a machine that has other work too.
    killer = threading.Timer(12 * LONGER.get(case.name, SECONDS), os.kill, [child, 9])
    killer.start()
    _, status, usage = os.wait4(child, 0)
    killer.cancel()
    said, code = log.read_text("utf-8", "replace"), os.waitstatus_to_exitcode(status)
    wrong = []
    if code not in (0, 1):
        wrong.append(f"ended with {code}")
    if case.taken is not None and (code == 0) != case.taken:
        wrong.append("was taken" if code == 0 else "was refused")
    if "Traceback" in said or "bug in nipack" in said:
        wrong.append("called itself a bug")
    if code and "error: " not in said:
        wrong.append("gave no reason")
    if usage.ru_maxrss > memory << 10:
        wrong.append(f"took {usage.ru_maxrss >> 10} MB")
    if usage.ru_utime + usage.ru_stime > LONGER.get(case.name, SECONDS):
        wrong.append(f"took {usage.ru_utime + usage.ru_stime:.1f} s")
    if list(temporary.iterdir()):
        wrong.append(f"left {[each.name for each in temporary.iterdir()]}")
    made = sorted(each.name for each in out.iterdir()) if out.exists() else []
    if any(name.startswith(".") for name in made) or (code and made):
        wrong.append(f"left {made}")
    if canary.read_text() != "untouched" or {each.name for each in top.iterdir()} - {
        *("in", "tmp", "out", "log", "canary")
    }:
        wrong.append("wrote outside")
    return [f"{each}: {said.strip()[-300:]}" for each in wrong]


def _be_nipack(words: list[str], temporary: Path, log: Path) -> None:
    """Be the command, in this process, and end."""
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ["TMPDIR"], tempfile.tempdir = str(temporary), None
        sys.argv = ["nipack", *words]
        from nipack.cli import main

        main()
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        os._exit(error.code if isinstance(error.code, int) else int(error.code is not None))
    except BaseException:
        traceback.print_exc()
        os._exit(99)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="run only each so-manieth case")
    parser.add_argument("--memory", type=int, default=MEMORY, help="what is too much, in MB")
    parser.add_argument("--only", default="", help="run only the classes with this in their name")
    options = parser.parse_args()
    import nibabel  # noqa: F401

    import nipack.builder.flows.build
    import nipack.cli.app  # noqa: F401

    groups = {"sources": [*archives(), *folders()], "definitions": [*definitions()]}
    failures = 0
    for group, cases in groups.items():
        counts, start = Counter[str](), time.monotonic()
        chosen = [case for case in cases if options.only in case.kind][:: options.every]
        for case in chosen:
            folder = tempfile.mkdtemp(prefix="corpus-")
            wrong = run(case, Path(folder) / "case", options.memory)
            # Python's own way of removing calls itself once for each level of a folder.
            subprocess.run(["rm", "-rf", folder], check=True)
            counts["as it should"] += not wrong
            for each in wrong:
                print(f"{case.kind}: {case.name!r}: {each}", flush=True)
        failures += len(chosen) - counts["as it should"]
        seconds = time.monotonic() - start
        print(
            f"{group}: {counts['as it should']} of {len(chosen)} end as they should ({seconds:.0f} s)"
        )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
