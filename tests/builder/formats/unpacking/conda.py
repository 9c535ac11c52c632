"""A .conda, by conda-package-streaming."""

from dataclasses import replace
from pathlib import Path

from conda_package_streaming.package_streaming import stream_conda_component
from tests.builder.formats.unpacking import Places, extract, ini_below, installed

from nipack.builder.formats.conda import PREFIX_PLACEHOLDER
from nipack.builder.package import DataPackage

TOOLS: tuple[str, ...] = ()


def unpack(artifact: Path, directory: Path, package: DataPackage) -> Places:
    with artifact.open("rb") as stream:
        for tar, info in stream_conda_component(artifact.name, stream, "pkg"):
            extract(tar, info, directory)
    root = f"{PREFIX_PLACEHOLDER}/share/nipy"
    # The one difference between the formats: a prefix is its user's own to write into.
    return replace(installed(directory, package, ini_below(directory, package), root), mode=0o444)
