"""How Arch Linux spells what a definition says: versions, relations, one-line fields.

Sources: PKGBUILD(5) and alpm's .PKGINFO; vercmp(8); the mtree(5) of libarchive.
"""

import re

from nipack.builder.definition.model import Consumer
from nipack.builder.dialects.versions import upstream_version
from nipack.builder.package import DataPackage


def package_version(package: DataPackage) -> str:
    """Return pkgver: 1.0rc1, which vercmp sorts before 1.0, where dpkg has 1.0~rc1."""
    return _spelled(package.version)


def _spelled(version: str) -> str:
    return upstream_version(version).replace("~", "")


def package_release(package: DataPackage) -> int:
    """Return pkgrel, which begins with 1."""
    return package.definition.revision + 1


def full_version(package: DataPackage) -> str:
    """Return pkgver and pkgrel as a package's name and .PKGINFO have them."""
    return f"{package_version(package)}-{package_release(package)}"


def summary(package: DataPackage) -> str:
    """Return the one line on the package."""
    return package.definition.summary or f"neuroimaging data {package.definition.relpath}"


def license_name(package: DataPackage) -> str:
    """Return the SPDX expression, or Arch's word for what no list has."""
    return package.definition.license or "custom:unknown"


def depends(package: DataPackage) -> list[str]:
    """Return what is needed: of a whole its parts, of a part what has the config.ini."""
    parts = [f"{part.definition.name}={full_version(part)}" for part in package.pulls]
    return [*parts, *([package.needs] if package.needs else [])]


def conflicts(package: DataPackage) -> list[str]:
    """Return the consumers that do not take this version of the data, and what had its files."""
    refusing = [each for each in package.definition.consumers if each.refuses(package.version)]
    listed = [f"{_consumer_name(each)}>={each.since}" for each in refusing]
    listed += [f"{each.name}<{_spelled(each.before)}" for each in package.replaces]
    return list(dict.fromkeys(listed))


def _consumer_name(consumer: Consumer) -> str:
    """Return the name of a consumer's package, usually that of Python's index (PEP 503)."""
    return consumer.name_in("arch", "python-" + re.sub(r"[-_.]+", "-", consumer.package).lower())


def field(text: str) -> str:
    """Return a text as the value of a line of .PKGINFO: it ends with the line."""
    return " ".join(text.split())


def mtree_name(path: str) -> str:
    """Return a path as mtree(5) spells it: what is not plain ASCII as three octal digits."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"\\#=*?[]" else f"\\{byte:03o}"
        for byte in path.encode("utf-8")
    )
