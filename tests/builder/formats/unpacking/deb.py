"""A .deb, by dpkg-deb."""

import subprocess
from pathlib import Path

from tests.builder.formats.unpacking import Places, ini_below, installed

from nipack.builder.package import DataPackage

TOOLS = ("dpkg-deb",)


def unpack(artifact: Path, directory: Path, package: DataPackage) -> Places:
    subprocess.run(["dpkg-deb", "-x", str(artifact), str(directory)], check=True)
    ini = ini_below(directory, package)
    return installed(directory / "usr", package, ini, "/usr/share/nipy")
