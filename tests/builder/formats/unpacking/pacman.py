"""A package of Arch Linux, by tar and zstd."""

import subprocess
from pathlib import Path

from tests.builder.formats.unpacking import Places, ini_below, installed

from nipack.builder.package import DataPackage

TOOLS = ("tar", "zstd")


def unpack(artifact: Path, directory: Path, package: DataPackage) -> Places:
    directory.mkdir()
    command = ["tar", "--zstd", "-xf", str(artifact), "-C", str(directory), "--no-same-owner"]
    subprocess.run([*command, "--exclude=.PKGINFO", "--exclude=.MTREE"], check=True)
    ini = ini_below(directory, package)
    return installed(directory / "usr", package, ini, "/usr/share/nipy")
