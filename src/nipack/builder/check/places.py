"""Where a file may carry words about people: for each kind of file one function that reads them.

Each reads a bounded part of a stream, and yields texts with the place that each is from.  None of
them needs a library, or raises for what a damaged file holds.
"""

import csv
import io
import math
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from nipack.lookup.json_text import json_value

LONGEST = 256 << 10  # bytes of one text that are looked at
_MOST_EXTENSIONS = 16 << 20  # bytes of NIfTI's extensions, all together
_MOST_XML = 256 << 20  # bytes of a GIFTI file, of which one MB is held
_MOST_BEFORE_FOOTER = 1 << 30  # bytes of voxels that are read to get behind them
_MOST_JSON = 2 << 20  # objects take ten times the memory of their JSON
_LONGEST_PAIR = 64 << 10  # bytes of the XML of one name and its value
_LONGEST_VALUE = 1024  # bytes of a DICOM element
_ROWS = 100

Text = tuple[str, bytes]
"""A place within a file, in words, and what it holds."""

BY_LABEL = "the value of"
"""The place of a text whose lines begin with their labels; that of the line found is added."""


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of file that has words in it.

    `where` says where it has them.  `remedy` is how they are removed, with the problem's code where
    it has CODE.  `for_readers`: addresses in it are meant to be there.  `as_written`: every word of
    its texts is in the file, unless that has a backslash.
    """

    kind: str
    where: str
    endings: tuple[str, ...]
    texts: Callable[[IO[bytes]], Iterator[Text]]
    remedy: str
    for_readers: bool = False
    as_written: bool = False


def place_of(path: str, start: bytes) -> Place | None:
    """Return what kind of file with words in it one is, by its name or how its content begins."""
    if start.startswith(_SURFACE):
        return _SURFACES
    if start[128:132] == b"DICM":
        return _DICOM
    ending = os.path.splitext(path.lower().removesuffix(".gz"))[1]
    return _BY_ENDING.get(ending)


# -- NIfTI and Analyze --------------------------------------------------------------------------

# The text fields by the size of the header: name, offset, size.
_BOTH = (("db_name", 14, 18), ("descrip", 148, 80), ("aux_file", 228, 24))
_NIFTI1 = (*_BOTH, ("intent_name", 328, 16))
_NIFTI2 = (("descrip", 240, 80), ("aux_file", 320, 24), ("intent_name", 508, 16))
# Analyze 7.5 has these where NIfTI has its orientation.
_ANALYZE = (*_BOTH, ("generated", 263, 10), ("patient_id", 283, 10), ("exp_date", 293, 10))
_DICOM_CODE = 2


def _nifti(stream: IO[bytes]) -> Iterator[Text]:
    header = stream.read(348)
    if len(header) < 348:
        return
    if header[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c"):  # 540
        header = (header + stream.read(540 - 348)).ljust(540, b"\0")
    order = ">" if header[:2] == b"\0\0" else "<"
    nifti2 = len(header) == 540
    analyze = not nifti2 and header[344:346] != b"n+" and header[344:346] != b"ni"
    for name, offset, size in _ANALYZE if analyze else _NIFTI2 if nifti2 else _NIFTI1:
        value = header[offset : offset + size].rstrip(b"\0 ")
        if value:
            label = f"{name}: ".encode() if analyze else b""
            yield f"the header's {name}", label + value
    if not analyze and stream.read(4)[:1] not in (b"", b"\0"):
        yield from _extensions(stream, order, _room(header, order))


def _room(header: bytes, order: str) -> int:
    """Return how many bytes a NIfTI file's extensions may have."""
    form, place = ("f", 108) if len(header) == 348 else ("q", 168)
    room = struct.unpack_from(f"{order}{form}", header, place)[0] - len(header) - 4
    # In a file of its own a header ends where the file does, and an offset may be NaN.
    return int(room) if 0 <= room <= _MOST_EXTENSIONS else _MOST_EXTENSIONS


def _extensions(stream: IO[bytes], order: str, left: int) -> Iterator[Text]:
    """Yield the texts of a NIfTI file's extensions, which have their size in front."""
    while len(start := stream.read(8)) == 8:
        size, code = struct.unpack(f"{order}2i", start)
        if not 8 < size <= left:  # the voxels begin
            return
        left -= size
        content = stream.read(min(size - 8, LONGEST))
        yield from _extension(code, content)
        stream.seek(max(0, size - 8 - LONGEST), os.SEEK_CUR)


def _extension(code: int, content: bytes) -> Iterator[Text]:
    content = content.rstrip(b"\0")
    place = f"the header's extension {code}"
    if code == _DICOM_CODE and b"<" not in content[:4]:
        for name, value in dicom_texts(content):
            yield f"{place}, {name}", value
    elif content.lstrip()[:1] == b"{":
        yield from ((f"{place}, {name}", value) for name, value in json_texts(content))
    else:
        yield from ((f"{place}, {name}", value) for name, value in _xml(io.BytesIO(content)))
        yield place, content.partition(b"<MetaData")[0]


# -- FreeSurfer ---------------------------------------------------------------------------------

_SURFACE = b"\xff\xff\xfe"
_VOXEL = {0: 1, 1: 4, 3: 4, 4: 2}  # bytes by MGH's code of a type
_LENGTH = re.compile(rb"\0{6}(?:\0[^\0]|[^\0]{2})")  # of a tag, up to 65,535


def _mgh(stream: IO[bytes]) -> Iterator[Text]:
    """Yield what is behind the voxels: the commands that made it, and the paths of transforms."""
    header = stream.read(284)
    if len(header) < 284:
        return
    _, *shape, kind = struct.unpack_from(">6i", header)
    size = math.prod(max(0, length) for length in shape) * _VOXEL.get(kind, 0)
    if 0 < size <= _MOST_BEFORE_FOOTER:
        stream.seek(284 + size)
        # Five numbers come before the tags.
        yield "the footer", _LENGTH.sub(b"\n", stream.read(LONGEST)[20:])


def _surface(stream: IO[bytes]) -> Iterator[Text]:
    """Yield the line of a surface that says by whom and when it was created."""
    yield "the first line", stream.read(_LONGEST_VALUE)[3:].partition(b"\n\n")[0]


# -- GIFTI --------------------------------------------------------------------------------------

_EXTERNAL = re.compile(rb'ExternalFileName="([^"]{1,1024})"')
_CDATA = re.compile(rb"<!\[CDATA\[|\]\]>")
_PAIR = re.compile(rb"<Name>([^<]{1,200})</Name>\s{0,99}<Value>([^<]{1,8000})")
_CHUNK = 1 << 20


def _xml(stream: IO[bytes]) -> Iterator[Text]:
    """Yield the names with their values that GIFTI and CIFTI have, and the files they refer to."""
    rest = b""
    for _ in range(_MOST_XML // _CHUNK):
        chunk = stream.read(_CHUNK)
        if not chunk:
            return
        data = rest + chunk
        for found in _EXTERNAL.finditer(data):
            yield "ExternalFileName", found[1]
        end = 0
        while (next_end := data.find(b"</MD>", end)) >= 0:
            begin = data.rfind(b"<MD>", max(end, next_end - _LONGEST_PAIR), next_end)
            if begin >= 0 and (pair := _PAIR.search(_CDATA.sub(b"", data[begin:next_end]))):
                name = pair[1].strip()
                yield f"the metadata's {_printable(name)}", name + b": " + pair[2]
            end = next_end + 5
        rest = data[end:][-_LONGEST_PAIR:]


def _gifti(stream: IO[bytes]) -> Iterator[Text]:
    start = stream.read(_LONGEST_VALUE)
    yield "the start", start.partition(b"<MetaData")[0]
    stream.seek(0)
    yield from _xml(stream)


# -- DICOM --------------------------------------------------------------------------------------

# What PS3.15, annex E lets no one keep, by the tag.
_KEYWORDS = {
    0x00080020: "StudyDate", 0x00080021: "SeriesDate", 0x00080022: "AcquisitionDate",
    0x00080023: "ContentDate", 0x0008002A: "AcquisitionDateTime", 0x00080050: "AccessionNumber",
    0x00080090: "ReferringPhysicianName", 0x00081050: "PerformingPhysicianName",
    0x00081070: "OperatorsName", 0x00100010: "PatientName", 0x00100020: "PatientID",
    0x00100030: "PatientBirthDate", 0x00101000: "OtherPatientIDs",
    0x00101001: "OtherPatientNames", 0x00101005: "PatientBirthName",
    0x00101040: "PatientAddress", 0x00101060: "PatientMotherBirthName",
    0x00102154: "PatientTelephoneNumbers", 0x0020000D: "StudyInstanceUID",
    0x0020000E: "SeriesInstanceUID",
    # and what has carets as names do
    0x00081030: "StudyDescription", 0x0008103E: "SeriesDescription", 0x00181030: "ProtocolName",
    0x00321060: "RequestedProcedureDescription", 0x00400007: "ScheduledProcedureStepDescription",
    0x00400254: "PerformedProcedureStepDescription",
}  # fmt: skip
_PIXELS = 0x7FE00010
_ITEM_GROUP = 0xFFFE
_ITEM = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
# PS3.5, 7.1.2: these have a length of four bytes, behind two that are reserved.
_LONG_VR = {
    b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV",
}  # fmt: skip
_SHORT_VR = {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip
_NUMBERS = {b"AT", b"FL", b"FD", b"SL", b"SS", b"UL", b"US"} | _LONG_VR - {b"UC", b"UR", b"UT"}


def dicom_texts(data: bytes) -> Iterator[Text]:
    """Yield the texts of a DICOM data set, those in its sequences too, each with its keyword.

    Whether an element states its type is looked at for each; sequences are walked through flat.
    """
    order = "<" if data[1:2] == b"\0" else ">"
    position = 0
    while position + 8 <= len(data):
        group, element = struct.unpack_from(f"{order}2H", data, position)
        tag = group << 16 | element
        if tag == _PIXELS:
            return
        kind, size, head = _element(data, position, order)
        position += 8 if group == _ITEM_GROUP else head
        value = data[position : position + min(size, _LONGEST_VALUE)]
        if group == _ITEM_GROUP or kind == b"SQ" or size == 0xFFFFFFFF or value[:4] in _ITEM:
            continue  # into it
        position += size
        name = _KEYWORDS.get(tag)
        if name:
            yield name, f"{name}: ".encode() + value
        elif kind not in _NUMBERS:
            yield f"({group:04x},{element:04x})", value


def _element(data: bytes, position: int, order: str) -> tuple[bytes, int, int]:
    """Return an element's type where it states one, and the sizes of its value and its head."""
    kind = data[position + 4 : position + 6]
    if kind in _SHORT_VR:
        return kind, struct.unpack_from(f"{order}H", data, position + 6)[0], 8
    if kind in _LONG_VR and position + 12 <= len(data):
        return kind, struct.unpack_from(f"{order}I", data, position + 8)[0], 12
    return b"", struct.unpack_from(f"{order}I", data, position + 4)[0], 8


def _dicom(stream: IO[bytes]) -> Iterator[Text]:
    start = stream.read(LONGEST)
    yield from dicom_texts(start[132:] if start[128:132] == b"DICM" else start)


# -- What is text -------------------------------------------------------------------------------


def json_texts(content: bytes) -> Iterator[Text]:
    """Yield the values of a JSON text with their keys, or all of it where it cannot be read."""
    try:
        value = json_value(content)
    except ValueError:
        yield "its text", content[:LONGEST]
        return
    lines: list[str] = []
    size = 0
    for key, each in _leaves("", value):
        lines.append(f"{key}: {each}".replace("\n", " ")[: LONGEST // 4])
        size += len(lines[-1]) + 1
        if size > LONGEST // 8:
            yield BY_LABEL, "\n".join(lines).encode("utf-8", "replace")
            lines, size = [], 0
    yield BY_LABEL, "\n".join(lines).encode("utf-8", "replace")


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(name, inner)
    elif isinstance(value, list):
        for inner in value:
            # Curves and matrices have most of the values.
            if type(inner) is not float and type(inner) is not int:
                yield from _leaves(key, inner)
    elif isinstance(value, str) or (type(value) is int and abs(value) > 999):
        yield key, value if isinstance(value, str) else str(value)[:LONGEST]


def _json(stream: IO[bytes]) -> Iterator[Text]:
    content = stream.read(_MOST_JSON + 1)
    if len(content) > _MOST_JSON:
        yield "its text", content[:LONGEST]
    else:
        yield from json_texts(content)


# In a table of people these are theirs; elsewhere a name is that of a region.
_OF_PEOPLE = re.compile(r"(?i)(participant|subject|patient)(_?id)?")
_NAME = re.compile(r"(?i)(full|first|given|middle|last|family|sur)?[ _]?name")


def _table(stream: IO[bytes]) -> Iterator[Text]:
    """Yield the first values of the columns, each with the column's name."""
    lines = stream.read(LONGEST).decode("utf-8", "replace").splitlines()
    if not lines:
        return
    separator = "\t" if "\t" in lines[0] else "," if "," in lines[0] else ";"
    try:
        names, *rows = csv.reader(
            lines[: _ROWS + 1],
            delimiter=separator,
            quoting=csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL,
        )
    except csv.Error:  # a field of more than 128 KB, or a null byte
        yield "its text", "\n".join(lines).encode()
        return
    names = [name.strip(' "\ufeff') for name in names]
    people = any(_OF_PEOPLE.fullmatch(name) for name in names)
    lines = [
        f"{'patient name' if people and _NAME.fullmatch(name) else name}: {value}"
        for row in rows
        for name, value in zip(names, row, strict=False)
    ]
    yield BY_LABEL, "\n".join(lines).encode()


def _start(stream: IO[bytes]) -> Iterator[Text]:
    yield "the header", stream.read(LONGEST)


def _mrtrix(stream: IO[bytes]) -> Iterator[Text]:
    yield "the header", stream.read(LONGEST).partition(b"\nEND\n")[0]


def _trackvis(stream: IO[bytes]) -> Iterator[Text]:
    yield "the header", stream.read(1000)


def _minc(stream: IO[bytes]) -> Iterator[Text]:
    """Yield how a MINC file starts: its attributes, those of the patient by DICOM's names."""
    start = stream.read(LONGEST)
    for name, keyword in _MINC:
        start = start.replace(name, keyword)
    yield "the header", start


_MINC = (
    (b"full_name", b"PatientName"),
    (b"other_names", b"OtherPatientNames"),
    (b"identification", b"PatientID"),
    (b"insurance_id", b"PatientID"),
    (b"referring_physician", b"ReferringPhysicianName"),
)


def _printable(name: bytes) -> str:
    return name[:60].decode("utf-8", "replace")


_CLEAR = "clear it as nipack check --explain CODE shows"
_AGAIN = "write the file again without it"
_DICOM = Place(
    "DICOM",
    "every element, in sequences too",
    (".dcm", ".ima"),
    _dicom,
    "leave DICOM out, or de-identify it as its PS3.15 says",
)
_SURFACES = Place("FreeSurfer's surfaces", "the first line", (), _surface, _CLEAR)
PLACES = (
    Place(
        "NIfTI, Analyze",
        "text fields, and the extensions: DICOM, AFNI, CIFTI, JSON, comments",
        (".nii", ".hdr"),
        _nifti,
        _CLEAR,
    ),
    Place("MGH", "the tags behind the voxels", (".mgh", ".mgz"), _mgh, _CLEAR),
    Place("GIFTI", "metadata, and names of external files", (".gii",), _gifti, _CLEAR),
    _DICOM,
    Place(
        "JSON",
        "every value with its key",
        (".json",),
        _json,
        _CLEAR,
        for_readers=True,
        as_written=True,
    ),
    Place(
        "tables",
        "the first 100 rows, with the names of columns",
        (".tsv", ".csv"),
        _table,
        "remove the column, or shift the dates",
        for_readers=True,
        as_written=True,
    ),
    Place("MINC", "the attributes", (".mnc",), _minc, _AGAIN),
    Place("MRtrix", "the header", (".tck", ".mif"), _mrtrix, _AGAIN),
    Place("TrackVis", "the header", (".trk",), _trackvis, _AGAIN),
    Place("AFNI, Philips", "the header", (".head", ".par"), _start, "edit the line in it"),
    _SURFACES,
)
"""Every kind of file that is looked at."""
_BY_ENDING = {ending: place for place in PLACES for ending in place.endings}


def gzip_texts(start: bytes) -> Iterator[Text]:
    """Yield the name and the comment of a gzip header (RFC 1952, 2.3)."""
    if len(start) < 10 or start[:2] != b"\x1f\x8b":
        return
    flags, rest = start[3], start[10:]
    if flags & 4:
        rest = rest[2 + int.from_bytes(rest[:2], "little") :]
    for bit, what in ((8, "name"), (16, "comment")):
        if flags & bit:
            text, _, rest = rest.partition(b"\0")
            yield f"the gzip header's {what}", text
