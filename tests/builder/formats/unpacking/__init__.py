"""How each format's artifacts are unpacked by programs that are not ours: one module for each."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

from nipack.builder.package import DataPackage


@dataclass(frozen=True)
class Places:
    """Where an unpacked artifact has what is installed, and the data root that its ini names."""

    payload: Path
    records: Path
    ini: Path | None = None
    named_root: str = ""
    # of data; what nipack writes itself has 0644
    mode: int = 0o644


def installed(
    prefix: Path, package: DataPackage, ini: Path | None = None, named_root: str = ""
) -> Places:
    """Return the places below a prefix, as the documentation has them."""
    definition = package.definition
    payload = prefix / "share" / "nipy" / definition.relpath
    records = prefix / "share" / "nipack" / definition.name
    return Places(payload, records, ini, named_root)


def ini_below(prefix: Path, package: DataPackage) -> Path:
    """Return where a prefix has the package's ini file."""
    return prefix / "etc" / "nipy" / f"{package.definition.name.replace('-', '_')}.ini"


def extract(tar: tarfile.TarFile, info: tarfile.TarInfo, directory: Path) -> None:
    """Write a file or a link of a tar below a directory, with its mode."""
    path = directory / info.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if info.issym():
        path.symlink_to(info.linkname)
        return
    content = tar.extractfile(info)
    assert content is not None, f"{info.name} is neither a file nor a link"
    path.write_bytes(content.read())
    path.chmod(info.mode)
