"""A wheel, by Python's zipfile."""

import zipfile
from pathlib import Path

from tests.builder.formats.unpacking import Places, ini_below, installed

from nipack.builder.package import DataPackage

TOOLS: tuple[str, ...] = ()


def unpack(artifact: Path, directory: Path, package: DataPackage) -> Places:
    with zipfile.ZipFile(artifact) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            path = Path(archive.extract(info, directory))
            path.chmod(info.external_attr >> 16 & 0o7777)
    [prefix] = directory.glob("*.data/data")
    return installed(prefix, package, ini_below(prefix, package), "share/nipy")
