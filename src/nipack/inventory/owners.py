"""What installed a data directory, a package manager or `nipack get`: read from its own records.

Only rpm is run, and only where there is a database of its own: no library reads all kinds of it.
"""

from __future__ import annotations

import glob
import json
import os

from ..layout import (
    CONFIG_NAME,
    CONFIGURATION,
    METADATA_NAME,
    PAYLOAD_ID_NAME,
    RECORDS,
    is_package_name,
    manifest_path,
    package_name,
    payload_directory,
)
from ..lookup.files import read_regular
from ..lookup.records import Record
from .payload import parse_json, read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Literal

    Manager = Literal["conda", "dpkg", "rpm", "pip", "nipack get", "by hand"]

GET: Manager = "nipack get"
"""What `nipack get` is called where package managers are named."""
# Where the wheels of a prefix leave their RECORD; the last two are Windows'.
_SITES = (
    "lib/python3*/site-packages",
    "lib/python3*/dist-packages",
    "local/lib/python3*/dist-packages",
    "lib64/python3*/site-packages",
    "Lib/site-packages",
    "Python3*/site-packages",
)
_RPM_DATABASES = ("usr/lib/sysimage/rpm", "var/lib/rpm")
# for a program that is asked; a database may be locked
MOST_SECONDS = 10.0
# of sqlite, ndb and the old Berkeley DB
_RPM_FILES = ("rpmdb.sqlite", "Packages.db", "Packages")


class Owner(Record):
    """The package that a data directory belongs to; by hand, it has no name and version."""

    __slots__ = ("manager", "name", "version")
    manager: Manager
    name: str | None
    version: str | None

    def __str__(self) -> str:
        """Return it as a person would say it."""
        return self.manager if self.name is None else f"{self.manager}: {self.name} {self.version}"


BY_HAND = Owner(manager="by hand", name=None, version=None)


def find_owner(directory: str, relpath: str, name: str = CONFIG_NAME) -> Owner:
    """Return the package that a data directory belongs to, or a file of it that may be gone.

    What `nipack get` has put there is a package, too.
    """
    inner = payload_directory(relpath)
    path = os.path.abspath(directory)
    if os.path.normcase(path).endswith(os.path.normcase(f"/{inner}")):
        prefix, file = os.path.dirname(path[: -len(inner)]), f"{inner}/{name}"
        likely = package_name(relpath)
        for find in (_conda, _dpkg, _rpm, _pip):
            owner = find(prefix, file, likely)
            if owner is not None:
                return owner
    return _got(path, relpath) or BY_HAND


def root_of(directory: str, relpath: str) -> str | None:
    """Return the root that a data directory is found below by its relpath; None elsewhere."""
    path = os.path.abspath(directory)
    ending = os.path.normcase(f"/{relpath}")
    return path[: -len(ending)] or os.sep if os.path.normcase(path).endswith(ending) else None


def _got(directory: str, relpath: str) -> Owner | None:
    """Return the package that `nipack get` has put there: its records are below the same root."""
    root = root_of(directory, relpath)
    if root is None:
        return None
    pattern = os.path.join(glob.escape(root), *RECORDS.split("/"), "*", PAYLOAD_ID_NAME)
    for file in _first(glob.glob(pattern), package_name(relpath), parents=1):
        folder = os.path.dirname(file)
        document, name = read_json(os.path.join(folder, METADATA_NAME)), os.path.basename(folder)
        if document.get("relpath") == relpath and is_package_name(name):
            return Owner(manager=GET, name=name, version=_text(document.get("version")))
    return None


def _conda(prefix: str, file: str, likely: str) -> Owner | None:
    records = glob.glob(os.path.join(glob.escape(prefix), "conda-meta", "*.json"))
    for record in _first(records, f"{likely}-"):
        data = _bytes(record)
        if not data and (owner := _closed(prefix, file, record)):
            return owner
        # Most records are of other packages, and are not worth the parsing.
        if any(_utf8(json.dumps(file, ensure_ascii=way)) in data for way in (True, False)):
            package = parse_json(data)
            files, name, version = (package.get(each) for each in ("files", "name", "version"))
            if isinstance(files, list) and file in files:
                return Owner(manager="conda", name=_text(name), version=_text(version))
    return None


def _closed(prefix: str, file: str, record: str) -> Owner | None:
    """Return the package of a record that cannot be read, if the data package itself says so.

    pixi and all else that is made of rattler let nobody but the owner of an environment read it.
    """
    stem = os.path.basename(record).removesuffix(".json").rpartition("-")[0]
    name, _, version = stem.rpartition("-")
    manifest = _bytes(os.path.join(prefix, *manifest_path(name).split("/"))) if name else b""
    is_its = any(_utf8(f" {kind}{file}\n") in manifest for kind in " *")
    return Owner(manager="conda", name=name, version=version) if is_its else None


def _utf8(text: str) -> bytes:
    # The bytes of a name that are no UTF-8 are themselves.
    return text.encode("utf-8", "surrogateescape")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def conda_cache_of(prefix: str, name: str) -> str | None:
    """Return the folder of conda's cache whose files a package's are hard links to, if it is there.

    What damages the one in place damages the other.
    """
    for record in glob.glob(os.path.join(glob.escape(prefix), "conda-meta", f"{name}-*.json")):
        package = parse_json(_bytes(record))
        folder = _text(package.get("extracted_package_dir"))
        if package.get("name") == name and folder and os.path.isdir(folder):
            return folder
    return None


def installed_from(prefix: str, owner: Owner) -> str | None:
    """Return the file that conda or pip installed a package from; None where it was an index.

    Each says so in its record: conda's `url`, and direct_url.json (PEP 610).
    """
    name = glob.escape(owner.name or "")
    if owner.manager == "conda":
        records = glob.glob(os.path.join(glob.escape(prefix), "conda-meta", f"{name}-*.json"))
    else:
        folder = f"{name.replace('-', '_')}-*.dist-info"
        found = (os.path.dirname(each) for each in _wheel_records(prefix, folder))
        records = [os.path.join(each, "direct_url.json") for each in found]
    for record in records:
        package = parse_json(_bytes(record))
        url = _text(package.get("url")) or ""
        is_it = owner.manager == "pip" or package.get("name") == owner.name
        if is_it and url.startswith("file:"):
            from urllib.parse import urlsplit
            from urllib.request import url2pathname

            return url2pathname(urlsplit(url).path)
    return None


def _dpkg(prefix: str, file: str, likely: str) -> Owner | None:
    top = _system(prefix)
    if top is None:
        return None
    database = os.path.join(top, "var", "lib", "dpkg")
    lists = glob.glob(os.path.join(glob.escape(os.path.join(database, "info")), "*.list"))
    line = _utf8(f"/usr/{file}")
    for listed in _first(lists, likely):
        if _has_line(_bytes(listed), line):
            name = os.path.basename(listed).removesuffix(".list").partition(":")[0]
            version = _dpkg_version(os.path.join(database, "status"), name)
            return Owner(manager="dpkg", name=name, version=version)
    return None


def _has_line(text: bytes, line: bytes) -> bool:
    # A list of the lines takes many times the memory, where there is nothing in them.
    start = text.find(line)
    while start >= 0:
        end = start + len(line)
        if text[max(0, start - 1) : start] in (b"", b"\n") and text[end : end + 1] in (b"", b"\n"):
            return True
        start = text.find(line, start + 1)
    return False


def _dpkg_version(status: str, name: str) -> str | None:
    # Searched as it is: a copy of it would take as much memory again.
    data, first = _bytes(status), f"Package: {name}\n".encode()
    start = 0 if data.startswith(first) else data.find(b"\n" + first) + 1
    if not data.startswith(first, start):
        return None
    end = data.find(b"\n\n", start)
    for line in data[start : None if end < 0 else end].splitlines():
        if line.startswith(b"Version: "):
            return line.removeprefix(b"Version: ").decode("utf-8", "replace")
    return None


def owner_without_ini(directory: str, relpath: str) -> Owner | None:
    """Return dpkg's package of a data directory, where its file in /etc/nipy has been deleted.

    dpkg takes that for an administrator's wish, and installs no such file again by itself.
    """
    owner = find_owner(directory, relpath)
    top = _system(os.path.abspath(directory)[: -len(payload_directory(relpath)) - 1])
    if owner.manager != "dpkg" or top is None:
        return None
    listed = os.path.join(top, "var", "lib", "dpkg", "info", f"{owner.name}.conffiles")
    for line in _bytes(listed).decode("utf-8", "surrogateescape").splitlines():
        if line.startswith(f"/{CONFIGURATION}/") and not os.path.lexists(top.rstrip("/") + line):
            return owner
    return None


def removed_owner(conffile: str, status: str = "/var/lib/dpkg/status") -> str | None:
    """Return the package that dpkg has removed, but for this file, which only a purge takes."""
    line = b"\n " + _utf8(conffile) + b" "
    data = _bytes(status)
    place = data.find(line)
    if place < 0:
        return None
    start = data.rfind(b"\n\n", 0, place) + 2 if b"\n\n" in data[:place] else 0
    fields = data[start:place].split(b"\n")
    if b"Status: deinstall ok config-files" not in fields:
        return None
    name = next((each for each in fields if each.startswith(b"Package: ")), b"")
    return name.removeprefix(b"Package: ").decode("utf-8", "replace") or None


def _rpm(prefix: str, file: str, likely: str) -> Owner | None:
    top = _system(prefix)
    database = None if top is None else _rpm_database(top)
    if database is None:
        return None
    form = "%{NAME}\\t%{VERSION}-%{RELEASE}\\n"
    said = output_of("rpm", "--dbpath", database, "-qf", "--qf", form, f"/usr/{file}")
    name, tab, version = said.partition("\n")[0].partition("\t")
    return Owner(manager="rpm", name=name, version=version) if tab else None


def _rpm_database(top: str) -> str | None:
    # Looked for, since rpm would make one where there is none.
    for place in _RPM_DATABASES:
        directory = os.path.join(top, *place.split("/"))
        if any(os.path.exists(os.path.join(directory, name)) for name in _RPM_FILES):
            return directory
    return None


def output_of(*command: str) -> str:
    """Return what a program prints, nothing where it is not there or fails."""
    import shutil
    import subprocess

    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MOST_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _system(prefix: str) -> str | None:
    """Return the top of the system whose /usr this is: the running one, or one in a directory."""
    top, name = os.path.split(prefix)
    return top if name == "usr" else None


def _pip(prefix: str, file: str, likely: str) -> Owner | None:
    for record in _first(_wheel_records(prefix), likely.replace("-", "_"), parents=1):
        if _is_recorded(file, _bytes(record)):
            folder = os.path.basename(os.path.dirname(record)).removesuffix(".dist-info")
            name, _, version = folder.partition("-")
            return Owner(manager="pip", name=name.replace("_", "-"), version=version)
    return None


def _wheel_records(prefix: str, folder: str = "*.dist-info") -> Iterator[str]:
    for site in _SITES:
        pattern = os.path.join(glob.escape(prefix), *site.split("/"), folder, "RECORD")
        yield from glob.iglob(pattern)


def _is_recorded(file: str, record: bytes) -> bool:
    # ../../../share/nipy/nipy/templates/config.ini,sha256=...,24
    text = record.replace(b"\\", b"/").replace(b'"', b"")
    name = _utf8(f"{file},")
    return text.startswith(name) or b"/" + name in text or b"\n" + name in text


def _first(paths: Iterable[str], likely: str, *, parents: int = 0) -> list[str]:
    """Return the paths, those with the likely name first."""

    def is_other(path: str) -> bool:
        for _ in range(parents):
            path = os.path.dirname(path)
        return not os.path.basename(path).startswith(likely)

    return sorted(paths, key=lambda path: (is_other(path), path))


def _bytes(file: str) -> bytes:
    try:
        return read_regular(file)
    except OSError:
        return b""
