"""Where a package is known to be published: read from what package managers keep on this machine.

Nothing is asked over the network, so nobody is told of a name that a stranger could have taken.
"""

from __future__ import annotations

import glob
import os
import re

from ..environment import get_nipy_user_dir
from ..inventory.owners import output_of
from ..inventory.payload import read_json
from ..layout import REPOSITORIES
from ..lookup.files import read_regular
from ..lookup.records import Record
from ..lookup.version import at_least
from .commands import DEBIAN, FEDORA, SUSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .commands import Interpreter

_NAME = re.compile(r"[a-z0-9][a-z0-9.+_-]*")
# A line of `apt-cache policy` that is of an archive, as that of what is installed is not.
_ARCHIVE = re.compile(r"^\s+-?[0-9]+ (?!/var/lib/dpkg/status)\S+:\S+", re.MULTILINE)


def is_published(package: str, there: Interpreter) -> bool:
    """Tell whether this interpreter's package manager is known to have a package."""
    if there.is_conda:
        return any(_has(index, package) for index in _conda_indexes(there.prefix))
    if there.systems & DEBIAN:
        return in_apt_archive(package)
    if there.systems & FEDORA:
        return bool(output_of("dnf", "--quiet", "--cacheonly", "repoquery", package).strip())
    if there.systems & SUSE:
        found = output_of("zypper", "--no-refresh", "--quiet", "search", "--match-exact", package)
        return package in found
    return False  # pip keeps no list of what its index has


def in_apt_archive(package: str, top: str = os.path.sep) -> bool:
    """Tell whether an archive has a package that apt knows, of this system or one in a folder."""
    place = [] if top == os.path.sep else ["-o", f"RootDir={top}"]
    return _ARCHIVE.search(output_of("apt-cache", *place, "policy", package)) is not None


def deb_near_by(package: str, version: str) -> str | None:
    """Return a .deb of this version: here, in ./dist, in Downloads or in apt's own cache."""
    # A file's name has no epoch (deb-version(7)), but for apt, which spells the colon %3a.
    names = (version.partition(":")[2] or version, version.replace(":", "%3a"))
    downloads = os.path.join(os.path.expanduser("~"), "Downloads")
    for folder in (os.getcwd(), os.path.abspath("dist"), downloads, "/var/cache/apt/archives"):
        for name in names:
            pattern = f"{glob.escape(os.path.join(folder, f'{package}_{name}'))}_*.deb"
            for found in sorted(glob.glob(pattern)):
                return found
    return None


class Offered(Record):
    """A package in the list of a repository that the user has added, as it was read last."""

    __slots__ = ("package", "repository")
    package: str
    repository: str


def offered(relpath: str, minimum: str | None) -> Offered | None:
    """Return the package of some data in a repository that the user has added, if one has it.

    One that is retracted, a part, or older than `minimum`, is none.
    """
    folder = os.path.join(get_nipy_user_dir(), *REPOSITORIES)
    for file in sorted(glob.glob(os.path.join(glob.escape(folder), "*.json"))):
        listed = read_json(file).get("packages")
        for row in listed if isinstance(listed, list) else ():
            if isinstance(row, dict) and row.get("relpath") == relpath and _is_got(row):
                name, version = str(row.get("name")), str(row.get("version"))
                if _NAME.fullmatch(name) and _is_enough(version, minimum):
                    return Offered(package=name, repository=os.path.basename(file)[: -len(".json")])
    return None


def _is_got(row: Mapping[str, object]) -> bool:
    """Tell whether `nipack get` has what a row tells of: neither a part nor what is retracted."""
    return not row.get("retracted") and not row.get("part_of")


def _is_enough(version: str, minimum: str | None) -> bool:
    try:
        return minimum is None or at_least(version, minimum)
    except ValueError:
        return False


def _has(index: str, package: str) -> bool:
    try:
        data = read_regular(index)
    except OSError:
        return False
    return re.search(rb'"name":\s*"%s"' % re.escape(package.encode()), data) is not None


def _conda_indexes(prefix: str) -> Iterator[str]:
    """Yield the indexes of the channels that a conda environment was made from."""
    for channel in sorted(_local_channels(prefix)):
        yield os.path.join(channel, "repodata.json")
        yield os.path.join(channel, "noarch", "repodata.json")
    for top in (prefix, os.path.dirname(os.path.dirname(prefix))):
        yield from sorted(glob.glob(os.path.join(glob.escape(top), "pkgs", "cache", "*.json")))


def _local_channels(prefix: str) -> set[str]:
    from urllib.parse import unquote, urlsplit

    channels = set()
    for record in glob.glob(os.path.join(glob.escape(prefix), "conda-meta", "*.json")):
        try:
            found = re.search(rb'"channel":\s*"(file:[^"]*)"', read_regular(record))
        except OSError:
            continue
        if found is not None:
            channels.add(unquote(urlsplit(found[1].decode("utf-8", "replace")).path))
    return channels
