"""A small file of each kind, with words in each place that `nipack check` looks at."""

import gzip
import importlib
import json
import struct
from collections.abc import Callable
from typing import Any

import nibabel
import numpy as np
from nibabel.nifti1 import Nifti1Extension

# Without types of its own.
gifti: Any = importlib.import_module("nibabel.gifti")

SHAPE = (4, 4, 4)


def _nifti(
    kind: type = nibabel.Nifti1Image, code: int = 0, content: bytes = b"", **fields: bytes
) -> bytes:
    image = kind(np.arange(64, dtype="i2").reshape(SHAPE), np.eye(4))
    for name, value in fields.items():
        image.header[name] = value
    if content:
        image.header.extensions.append(Nifti1Extension(code, content))
    return bytes(image.to_bytes())


def _analyze(field: str, value: bytes) -> bytes:
    header = nibabel.AnalyzeImage.header_class()
    header["patient_id" if field == "PatientID" else field] = value
    return bytes(header.binaryblock)


def _xml(name: str, value: str) -> str:
    value = value.replace("&", "&amp;").replace("<", "&lt;")
    return f"<MetaData><MD><Name>{name}</Name><Value><![CDATA[{value}]]></Value></MD></MetaData>"


_LONG = (b"OB", b"SQ", b"UN", b"UT")


def _element(tag: int, kind: bytes, value: bytes, *, explicit: bool = True) -> bytes:
    value += b" " * (len(value) % 2)
    start = struct.pack("<2H", tag >> 16, tag & 0xFFFF)
    if not explicit:
        return start + struct.pack("<I", len(value)) + value
    if kind in _LONG:
        return start + kind + struct.pack("<2xI", len(value)) + value
    return start + kind + struct.pack("<H", len(value)) + value


TAGS = {
    "StudyDate": (0x00080020, b"DA"), "AcquisitionDateTime": (0x0008002A, b"DT"),
    "AccessionNumber": (0x00080050, b"SH"), "ReferringPhysicianName": (0x00080090, b"PN"),
    "PatientName": (0x00100010, b"PN"), "PatientID": (0x00100020, b"LO"),
    "PatientBirthDate": (0x00100030, b"DA"), "PatientAddress": (0x00101040, b"LO"),
    "StudyInstanceUID": (0x0020000D, b"UI"),
}  # fmt: skip


def data_set(label: str, value: str, *, explicit: bool = True, nested: bool = False) -> bytes:
    """Return a DICOM data set with an element; a label that is not a tag's goes into a comment."""
    tag, kind = TAGS.get(label, (0x00204000, b"LT"))
    words = value if label in TAGS else f"{label}: {value}" if label else value
    inner = _element(tag, kind, words.encode(), explicit=explicit)
    if nested:
        item = struct.pack("<2HI", 0xFFFE, 0xE000, len(inner)) + inner
        inner = _element(0x00081140, b"SQ", item, explicit=explicit)
    before = _element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.4", explicit=explicit)
    return before + inner + _element(0x00280010, b"US", b"\4\0", explicit=explicit)


def _gifti(name: str, value: str, *, late: bool = False) -> bytes:
    meta = gifti.GiftiMetaData({name or "Note": value})
    data = np.zeros((40_000 if late else 4, 3), "f4")
    first = gifti.GiftiDataArray(data, datatype="NIFTI_TYPE_FLOAT32")
    arrays = [first, gifti.GiftiDataArray(data[:4], datatype="NIFTI_TYPE_FLOAT32", meta=meta)]
    image = (
        gifti.GiftiImage(darrays=arrays) if late else gifti.GiftiImage(meta=meta, darrays=[first])
    )
    return bytes(image.to_xml())


def _mgh(words: bytes) -> bytes:
    image = nibabel.MGHImage(np.zeros(SHAPE, "u1"), np.eye(4))  # type: ignore[no-untyped-call]
    return bytes(image.to_bytes()) + struct.pack(">iq", 3, len(words)) + words


def _minc(label: str, words: str) -> bytes:
    """Return how a NetCDF header holds an attribute of text, with numbers about it."""
    names = {"PatientName": "full_name", "PatientID": "identification", "": "history"}
    name, value = names.get(label, label).encode(), words.encode()
    padded = name + b"\0" * (-len(name) % 4)
    content = struct.pack(">I", len(name)) + padded + struct.pack(">2I", 2, len(value)) + value
    return b"CDF\x01\0\0\0\0" + content + b"\0" * 8 + np.random.default_rng(1).bytes(9000)


def _afni(label: str, words: str) -> str:
    text = f"{label}: {words}" if label else words
    return f"type = string-attribute\nname = HISTORY_NOTE\ncount = {len(text) + 1}\n'{text}~\n"


def _line(label: str, words: str) -> str:
    return f"{label}: {words}" if label else words


def _gzip(field: int, words: bytes) -> bytes:
    packed = gzip.compress(_nifti(), mtime=0)
    return packed[:3] + bytes([field]) + packed[4:10] + words + b"\0" + packed[10:]


def _json(label: str, words: str) -> bytes:
    return json.dumps({"EchoTime": 0.1, "a": [{label or "Note": words}]}).encode()


def _json_cut_off(label: str, words: str) -> bytes:
    return json.dumps({label or "Note": words}, ensure_ascii=False)[:-1].encode()


def _table(label: str, words: str, separator: str) -> bytes:
    if separator == ",":
        label, words = f'"{label or "note"}"', f'"{words}"'
    rows = (("filename", label or "note"), ("x.nii", words))
    return "".join(f"{separator.join(row)}\n" for row in rows).encode()


def _dicom_in_nifti(label: str, words: str, **how: bool) -> bytes:
    return _nifti(code=2, content=data_set(label, words, **how))


def _afni_in_nifti(label: str, words: str) -> bytes:
    text = f'<AFNI_atr atr_name="HISTORY_NOTE" > "{_line(label, words)}" </AFNI_atr>'
    return _nifti(code=4, content=f"<AFNI_attributes>\n{text}</AFNI_attributes>".encode())


def _json_in_nifti(label: str, words: str) -> bytes:
    content = json.dumps({"global": {"const": {label or "Note": words}}}).encode()
    return _nifti(code=0, content=content)


def _cifti(label: str, words: str) -> bytes:
    xml = f'<CIFTI Version="2"><Matrix>{_xml(label or "Note", words)}</Matrix></CIFTI>'
    return _nifti(nibabel.Nifti2Image, 32, xml.encode())


def _philips(label: str, words: str) -> bytes:
    line = f".    {label or 'Note':<35}:   {words}\n"
    return f"#  CLINICAL TRYOUT\n{line}.    Protocol name   :  T1\n".encode()


def _mrtrix(label: str, words: str) -> bytes:
    line = f"{label or 'command_history'}: {words}\n"
    return f"mrtrix tracks\n{line}count: 3\nEND\n".encode() + bytes(40)


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


Writer = Callable[[str, str], bytes]
NIFTI2 = nibabel.Nifti2Image

LABELLED: dict[str, tuple[str, Writer]] = {
    "JSON": ("T1.json", _json),
    "JSON that is cut off": ("T1.json", _json_cut_off),
    "table": ("scans.tsv", lambda n, v: _table(n, v, "\t")),
    "table with commas": ("scans.csv", lambda n, v: _table(n, v, ",")),
    "NIfTI's extension of DICOM": ("T1.nii", _dicom_in_nifti),
    "the same, implicit": ("T1.nii", lambda n, v: _dicom_in_nifti(n, v, explicit=False)),
    "the same, in a sequence": (
        "T1.nii.gz",
        lambda n, v: _packed(_dicom_in_nifti(n, v, nested=True)),
    ),
    "NIfTI's extension of AFNI": ("T1.nii", _afni_in_nifti),
    "NIfTI's comment": ("T1.nii", lambda n, v: _nifti(code=6, content=_line(n, v).encode())),
    "NIfTI-2's comment": ("T1.nii", lambda n, v: _nifti(NIFTI2, 6, _line(n, v).encode())),
    "NIfTI's extension of JSON": ("T1.nii", _json_in_nifti),
    "CIFTI": ("x.dscalar.nii", _cifti),
    "GIFTI": ("lh.gii", _gifti),
    "GIFTI, behind data": ("lh.gii", lambda n, v: _gifti(n, v, late=True)),
    "GIFTI in gzip": ("lh.gii.gz", lambda n, v: _packed(_gifti(n, v))),
    "DICOM": ("x.dcm", lambda n, v: bytes(128) + b"DICM" + data_set(n, v)),
    "MINC": ("t1.mnc", _minc),
    "MGH's footer": ("T1.mgh", lambda n, v: _mgh(_line(n, v).encode())),
    "MGH's footer in gzip": ("T1.mgz", lambda n, v: _packed(_mgh(_line(n, v).encode()))),
    "AFNI's header": ("a+orig.HEAD", lambda n, v: _afni(n, v).encode()),
    "Philips' header": ("a.PAR", _philips),
    "MRtrix's header": ("a.tck", _mrtrix),
}
"""Places in which a value has a label: the file's name, and what writes its content."""


def _trackvis(words: str) -> bytes:
    return b"TRACK\0" + bytes(100) + words.encode()[:400].ljust(894, b"\0")


FREE: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "NIfTI's descrip": ("T1.nii", lambda v: _nifti(descrip=v.encode()[:80])),
    "NIfTI-2's descrip": (
        "T1.nii.gz",
        lambda v: _packed(_nifti(NIFTI2, descrip=v.encode()[:80])),
    ),
    "NIfTI's aux_file": ("T1.nii", lambda v: _nifti(aux_file=v.encode()[:24])),
    "NIfTI's db_name": ("T1.nii", lambda v: _nifti(db_name=v.encode()[:18])),
    "Analyze's descrip": ("T1.hdr", lambda v: _analyze("descrip", v.encode()[:80])),
    "TrackVis's header": ("a.trk", _trackvis),
    "gzip's name": ("T1.nii.gz", lambda v: _gzip(8, v.encode())),
    "gzip's comment": ("T1.nii.gz", lambda v: _gzip(16, v.encode())),
    "a surface's first line": (
        "lh.white",
        lambda v: b"\xff\xff\xfe" + v.encode() + b"\n\n" + bytes(50),
    ),
}
"""Places of text only: the file's name, and what writes it of a text."""


def written(place: str, label: str, value: str) -> tuple[str, bytes]:
    """Return a file's name and its content, with a value in a place; free places have no label."""
    if place in FREE:
        name, write = FREE[place]
        return name, write(value)
    name, write_labelled = LABELLED[place]
    return name, write_labelled(label, value)
