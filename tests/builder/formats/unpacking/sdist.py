"""A source tarball, by Python's tarfile."""

import tarfile
from pathlib import Path

from tests.builder.formats.unpacking import Places, extract

from nipack.builder.package import DataPackage

TOOLS: tuple[str, ...] = ()


def unpack(artifact: Path, directory: Path, package: DataPackage) -> Places:
    with tarfile.open(artifact) as tar:
        for info in tar:
            extract(tar, info, directory)
    [top] = directory.iterdir()
    return Places(top / package.definition.relpath.partition("/")[2], top)
