"""The wheel: a zip that pip installs into any environment, its data below sys.prefix.

Source: "Binary distribution format" of Python's packaging specifications (PEP 427).
"""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from nipack import __version__, layout
from nipack.builder.archive.installed import InstalledFile, Tree, text_file
from nipack.builder.archive.members import Content
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.archive.zipped import read_zip, write_zip
from nipack.builder.dialects import python_metadata
from nipack.builder.formats import Format
from nipack.builder.manifest import installed_tree
from nipack.builder.package import DataPackage
from nipack.system.progress import Advance


class WheelFormat(Format):
    """py3-none-any: its data goes to the `data` scheme, which is sys.prefix.

    A wheel knows no prefix, so the path in its ini is relative to that: with it, an environment's
    own data comes before the system's.
    """

    name = "wheel"
    ending = "-py3-none-any.whl"
    index_limit = python_metadata.INDEX_LIMIT
    holds_parts = True

    def file_name(self, package: DataPackage) -> str:
        """Return NAME-VERSION[-REVISION]-py3-none-any.whl."""
        revision = package.definition.revision
        build = f"-{revision}" if revision else ""
        return f"{python_metadata.file_stem(package)}{build}{self.ending}"

    def payload_root(self, package: DataPackage) -> str:
        """Return its folder below the data scheme's."""
        return f"{_scheme(package)}/{layout.payload_directory(package.definition.relpath)}"

    def tree(self, package: DataPackage) -> Tree:
        """Return the installed tree, and the metadata behind it, RECORD at the end."""
        scheme = _scheme(package)
        installed = [
            replace(each, path=f"{scheme}/{each.path}")
            for each in installed_tree(package, None)
            if isinstance(each, InstalledFile)
        ]
        files = [*installed, *_metadata(package)]
        return (*files, _record(files, f"{_dist_info(package)}/RECORD"))

    def assemble(
        self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
    ) -> None:
        """Write the zip in one pass."""
        files = (each for each in tree if isinstance(each, InstalledFile))
        write_zip(output, files, time=package.time, advance=advance)

    def contents(
        self,
        artifact: Path,
        advance: Advance,
        found: ReadBack = NOTHING,
        algorithm: str = "sha256",
    ) -> Iterator[Content]:
        """Yield every member."""
        yield from read_zip(artifact, advance, found, algorithm)


def _scheme(package: DataPackage) -> str:
    return f"{python_metadata.file_stem(package)}.data/data"


def _dist_info(package: DataPackage) -> str:
    return f"{python_metadata.file_stem(package)}.dist-info"


def _metadata(package: DataPackage) -> list[InstalledFile]:
    wheel = (
        f"Wheel-Version: 1.0\nGenerator: nipack {__version__}\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n"
    )
    build = package.definition.revision
    files = {
        "METADATA": python_metadata.core_metadata(package),
        "WHEEL": f"{wheel}Build: {build}\n" if build else wheel,
        **{
            f"licenses/{path}": text
            for path, text in python_metadata.license_files(package.definition).items()
        },
    }
    return [text_file(f"{_dist_info(package)}/{name}", text) for name, text in files.items()]


def _record(files: list[InstalledFile], path: str) -> InstalledFile:
    """Return RECORD: each file's path, digest and size; its own line has the path alone."""
    lines = [
        f"{_csv(file.path)},sha256={_base64(bytes.fromhex(file.sha256))},{file.size}\n"
        for file in files
    ]
    return text_file(path, "".join([*lines, f"{path},,\n"]))


def _csv(path: str) -> str:
    """Return a path as a field of a CSV file (RFC 4180)."""
    quoted = path.replace('"', '""')
    return f'"{quoted}"' if "," in path or '"' in path else path


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


FORMAT: Format = WheelFormat()
