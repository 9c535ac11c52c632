"""Make many small packages, which publishers read as they read real ones.

Written without the builder: it packs large data, and 10,000 builds would take longer than what is
measured of them.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import zstandard

FORMATS = ("conda", "deb", "whl")
VERSIONS = 4  # of each name
_LICENSE = "CC0 1.0 Universal\n" * 20


def make_packages(folder: Path, count: int, *, start: int = 0) -> list[Path]:
    """Write so many packages, in every format: names with four versions each; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(start, start + count):
        name, version = f"lab-data{number // VERSIONS:05d}", f"0.{number % VERSIONS + 1}"
        for path, content in _artifacts(name, version):
            (folder / path).write_bytes(content)
            made.append(folder / path)
    return made


def _artifacts(name: str, version: str) -> Iterator[tuple[str, bytes]]:
    relpath = f"lab/{name.removeprefix('lab-')}"
    data = {f"share/nipy/{relpath}/config.ini": f"[DEFAULT]\nversion = {version}\n".encode()}
    for number in range(8):
        data[f"share/nipy/{relpath}/atlas/labels-{number}.bin"] = f"{number} {name}".encode() * 9
    manifest = "".join(f"{_sha256(each)}  {path}\n" for path, each in sorted(data.items())).encode()
    about = {
        "name": name,
        "version": version,
        "relpath": relpath,
        "payload_id": _sha256(manifest),
        "size": sum(map(len, data.values())),
        "files": {path.split(f"{relpath}/")[1]: len(each) for path, each in data.items()},
        "summary": f"Synthetic data set {name}, with a summary of the usual length",
        "license": "CC0-1.0",
        "authors": ["Ada Lovelace", "Charles Babbage"],
    }
    records = f"share/nipack/{name}"
    installed = {
        f"{records}/package.json": json.dumps(about).encode(),
        f"{records}/SHA256SUMS": manifest,
        **data,
    }
    yield f"{name}-{version}-0.conda", _conda(name, version, installed)
    yield f"{name}_{version}-1_all.deb", _deb(name, version, installed)
    word = name.replace("-", "_")
    yield f"{word}-{version}-py3-none-any.whl", _wheel(word, name, version, installed)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _conda(name: str, version: str, installed: Mapping[str, bytes]) -> bytes:
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": [],
             "subdir": "noarch", "noarch": "generic", "license": "CC0-1.0",
             "timestamp": 1_700_000_000_000}  # fmt: skip
    paths = {
        "paths": [
            {"_path": path, "path_type": "hardlink", "sha256": _sha256(each),
             "size_in_bytes": len(each)}
            for path, each in installed.items()
        ],
        "paths_version": 1,
    }  # fmt: skip
    info = {
        "info/index.json": json.dumps(index).encode(),
        "info/about.json": json.dumps({"summary": name, "license": "CC0-1.0"}).encode(),
        "info/paths.json": json.dumps(paths).encode(),
        "info/licenses/LICENSE": _LICENSE.encode(),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        for part, files in (("pkg", installed), ("info", info)):
            packed = zstandard.compress(_tar(files), 1)
            archive.writestr(f"{part}-{name}-{version}-0.tar.zst", packed)
    return made.getvalue()


def _deb(name: str, version: str, installed: Mapping[str, bytes]) -> bytes:
    control = (
        f"Package: {name}\nVersion: {version}-1\nArchitecture: all\n"
        "Maintainer: Ada Lovelace <ada@lab.example>\nInstalled-Size: 12\nSection: science\n"
        f"Priority: optional\nDescription: synthetic data set {name}\n It holds nothing.\n"
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": gzip.compress(_tar({"./control": control.encode()}), 1, mtime=0),
        "data.tar.gz": gzip.compress(
            _tar({f"./usr/{path}": each for path, each in installed.items()}), 1, mtime=0
        ),
    }
    output = [b"!<arch>\n"]
    for member, content in members.items():
        header = f"{member:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        output += [header.encode("ascii"), content, b"\n" * (len(content) % 2)]
    return b"".join(output)


def _wheel(word: str, name: str, version: str, installed: Mapping[str, bytes]) -> bytes:
    metadata = (
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
        f"Summary: synthetic data set {name}\nLicense-Expression: CC0-1.0\n"
        "Requires-Python: >=3.8\n\nIt holds nothing.\n"
    )
    top = f"{word}-{version}"
    files = {f"{top}.data/data/{path}": each for path, each in installed.items()}
    files |= {
        f"{top}.dist-info/METADATA": metadata.encode(),
        f"{top}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{top}.dist-info/licenses/LICENSE": _LICENSE.encode(),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, each in files.items():
            archive.writestr(path, each)
        archive.writestr(f"{top}.dist-info/RECORD", "".join(f"{path},,\n" for path in files))
    return made.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return plain.getvalue()
