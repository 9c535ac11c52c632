"""Miniature data packages, and what the builder's tests do with them again and again."""

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nipack.builder.definition.model import Definition
from nipack.builder.definition.reading import read_definition
from nipack.builder.package import DataPackage
from nipack.builder.reading import read_package
from nipack.system.errors import Problem

MINIMAL = "name: nipy-templates\nrelpath: nipy/templates\nversion: '0.3'\n"
CONFIG = b"[DEFAULT]\nversion = 0.3\n"


def _image() -> bytes:
    """Return a gzip file with a time of its own, the same with every Python and every zlib."""
    content = bytes(range(256)) * 64
    header = b"\x1f\x8b\x08\0" + struct.pack("<I", 1_234_567_890) + b"\0\x03"
    stored = b"\1" + struct.pack("<2H", len(content), len(content) ^ 0xFFFF) + content
    return header + stored + struct.pack("<2I", zlib.crc32(content), len(content))


IMAGE = _image()
# A definition of which nothing is missing but the version and the source.
READY = {
    "name": "nipy-x",
    "relpath": "nipy/x",
    "date": "2023-05-01",
    "license": "CC0-1.0",
    "redistribution": "verified",
    "summary": "brain data",
    "maintainer": {"name": "Ada", "email": "ada@example.org"},
}
# What the plain package becomes; conda's name has some of its payload id.
PLAIN_CONDA = "nipy-templates-0.3-h8921d19_0.conda"
PLAIN_DEB = "nipy-templates_0.3-1_all.deb"


@dataclass
class RecordingReporter:
    """Keeps what it is told: each step's name with [total, done], and the warnings."""

    steps: dict[str, list[int | None]] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)

    def step(self, name: str, total: int | None) -> Callable[[int], object]:
        counts = self.steps.setdefault(name, [total, 0])

        def advance(count: int) -> None:
            counts[1] = (counts[1] or 0) + count

        return advance

    def warn(self, problem: Problem) -> None:
        self.warnings.append(problem)

    @property
    def codes(self) -> set[str]:
        return {problem.code for problem in self.warnings}


def read(
    source: Path | str, workspace: Path, reporter: RecordingReporter | None = None
) -> DataPackage:
    """Read a package as a build for every format does."""
    workspace.mkdir(exist_ok=True)
    return read_package(str(source), workspace, reporter or RecordingReporter(), digests=["md5"])


def define(directory: Path, more: str = "", base: str = MINIMAL) -> Definition:
    """Write a definition and read it."""
    path = directory / "package.yaml"
    path.write_text(base + more, "utf-8")
    return read_definition(path)


def tar_gz(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """Write a .tar.gz of just these members, whatever they are."""
    return compressed_tar(path, gzip.compress, *members)


def compressed_tar(
    path: Path, compress: Callable[[bytes], bytes], *members: tuple[tarfile.TarInfo, bytes]
) -> Path:
    """Write a tar of just these members, compressed."""
    path.write_bytes(compress(tar_bytes(*members)))
    return path


def tar_bytes(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a tar of just these members, whatever they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(
    name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, target: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member for `tar_gz`."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.mtime = len(content), kind, target, 1_400_000_000
    return info, content


def tree_of(directory: Path) -> dict[str, bytes | str]:
    """Return everything below a directory: a file's bytes, or a link's target, by path."""
    found: dict[str, bytes | str] = {}
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def plain(directory: Path) -> Path:
    """Make the documented layout, without a definition."""
    tree = directory / "nipy-templates-0.3"
    (tree / "templates" / "ICBM152").mkdir(parents=True)
    (tree / "templates" / "config.ini").write_bytes(CONFIG)
    (tree / "templates" / "ICBM152" / "T1.nii.gz").write_bytes(IMAGE)
    (tree / "setup.py").write_text("raise SystemExit('never run')\n", "utf-8")
    return tree


def odd(directory: Path) -> Path:
    """Make a package of everything that a name or a size may be, and of a full definition."""
    tree = plain(directory)
    data = tree / "templates"
    for name, content in {
        "two words/a file.txt": b"spaces\n",
        "Gehirn-Übersicht/脳.txt": "脳\n".encode(),
        "a/b/c/d/deep.txt": b"deep\n",
        "-dash": b"not an option\n",
        "$HOME;'\"&.txt": b"not for a shell\n",
        "empty.txt": b"",
        ".hidden": b"dot\n",
        f"{'long/' * 60}file.txt": b"more than a tar header holds\n",
        "x" * 255: b"as long as a name can be\n",
        "executable.txt": b"no mode is taken over\n",
        "upper.TXT": b"one\n",
        "crlf.txt": b"one\r\ntwo\r\n",
        "ini/config.ini": CONFIG,
    }.items():
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (data / "executable.txt").chmod(0o777)
    (data / "empty.txt").chmod(0o600)
    (tree / "package.yaml").write_text(
        f"{MINIMAL}date: 2023-05-01\nsummary: Übersicht of brains\nlicense: CC-BY-4.0\n"
        "maintainer: {name: Ada Ünal, email: ada@example.org}\n"
        "description: |\n  One.\n\n  .nii images, in two paragraphs.\n"
        "consumers: [{package: nipy, version: '>=0.6', needs: '>=0.4'}]\n",
        "utf-8",
    )
    return tree


def linked(directory: Path) -> Path:
    """Make the odd package with links to a file, to a folder and to a link."""
    tree = odd(directory)
    links = tree / "templates" / "links"
    links.mkdir()
    (links / "file").symlink_to("../two words/a file.txt")
    (links / "folder").symlink_to("../a/b")
    (links / "link").symlink_to("file")
    return tree


def umbrella(directory: Path) -> Path:
    """Make a package of another umbrella, which lies in a folder of the umbrella's name."""
    tree = directory / "pbrain-surfaces-1.0"
    data = tree / "pbrain" / "surfaces"
    data.mkdir(parents=True)
    (data / "config.ini").write_text("[DEFAULT]\nversion = 1.0.2\n", "utf-8")
    (data / "left.gii").write_bytes(b"<GIFTI/>")
    (tree / "package.yaml").write_text(
        "name: pbrain-surfaces\nrelpath: pbrain/surfaces\nversion: 1.0.2\nrevision: 4\n"
        "date: 2023-05-01\n",
        "utf-8",
    )
    return tree


PARTS = """\
parts:
  - name: 1mm
    files: ["*_res-01*"]
    version: "0.3"
  - name: 2mm
    files: ["*_res-02*"]
    version: "0.3"
  - name: texts
    files: ["*.txt", "config.ini"]
    version: "0.3"
"""
IN_PARTS = {"1mm": "ICBM152/T1_res-01.nii.gz", "2mm": "ICBM152/T1_res-02.nii.gz"}


def in_parts(directory: Path, parts: str = PARTS, more: str = "") -> Path:
    """Make a package of three parts, of two images and of texts."""
    tree = directory / "nipy-templates-0.3"
    (tree / "templates" / "ICBM152").mkdir(parents=True)
    (tree / "templates" / "config.ini").write_bytes(CONFIG)
    (tree / "templates" / "labels.txt").write_bytes(b"1 cortex\n")
    for path in IN_PARTS.values():
        (tree / "templates" / path).write_bytes(IMAGE)
    define(tree, f"date: 2023-05-01\nsummary: brain templates\n{parts}{more}")
    return tree


SAMPLES = {"plain": plain, "odd": odd, "linked": linked, "umbrella": umbrella}
