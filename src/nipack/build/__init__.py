"""Make packages of a data package: `build` reads a source, writes artifacts and checks each."""

from nipack.build.flow import build
from nipack.build.package import DataFile, DataLink, DataPackage

__all__ = ["DataFile", "DataLink", "DataPackage", "build"]
