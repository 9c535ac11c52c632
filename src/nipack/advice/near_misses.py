"""Data that is on the machine, but where the search does not look. Nothing of it is used."""

from __future__ import annotations

import os
import re

from ..inventory.owners import owner_without_ini
from ..layout import CONFIG_NAME, DATA_ROOT, package_name
from ..lookup.ini import read_bytes
from ..lookup.records import Record
from ..lookup.search import candidates, data_root, given_data_path
from ..lookup.version import at_least
from .commands import make_directory, move_command, quoted, wheel_command
from .sources import deb_near_by, in_apt_archive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from ..lookup.search import Candidate, Wanted

    Kind = Literal[
        "base prefix",
        "conda environment",
        "system",
        "user",
        "data directory as root",
        "umbrella forgotten",
        "unpacked tarball",
        "archive",
    ]

SYSTEM_ROOTS = (f"/usr/{DATA_ROOT}", f"/usr/local/{DATA_ROOT}")
PACMAN = ".pkg.tar.zst"
TARBALLS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
ARCHIVES = (*TARBALLS, ".zip", ".conda", ".deb", ".whl", PACMAN)


class NearMiss(Record):
    """Data, or an archive of it, where the search does not look.

    `root` is the root that would make the search find it, None where it has to be moved or
    installed; `remedy` is the line to run, or to write into an ini file.
    """

    __slots__ = ("kind", "path", "reason", "remedy", "root", "version")
    kind: Kind
    path: str
    version: str | None
    root: str | None
    reason: str
    remedy: str


class Surroundings(Record):
    """The places around an interpreter."""

    __slots__ = ("base_prefix", "environ", "home", "prefix", "user_dir")
    prefix: str
    base_prefix: str
    home: str
    user_dir: str
    environ: Mapping[str, str]


def near_misses(
    wanted: Wanted, searched: Sequence[str], there: Surroundings
) -> tuple[NearMiss, ...]:
    """Return the usable data that is near, but below none of the roots that were searched."""
    seen = {_identity(os.path.join(root, wanted.relative)) for root in searched}
    found: list[NearMiss] = []
    for near in _all(wanted, searched, there):
        if near is not None and _identity(near.path) not in seen:
            seen.add(_identity(near.path))
            if near.root is not None and not near.remedy:
                # The first such is the one that doctor names.
                first = not any(each.root for each in found)
                near = near.replace(remedy=_named(near.root, wanted, there, fix=first))
            found.append(near)
    return tuple(found)


def _identity(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _all(wanted: Wanted, searched: Sequence[str], there: Surroundings) -> Iterator[NearMiss | None]:
    elsewhere = list(_other_roots(there))
    for kind, root, reason in elsewhere:
        near = _below_root(wanted, kind, root, reason)
        yield near if near is None or kind != "system" else _of_a_deb(near, wanted)
    roots = list(dict.fromkeys([*searched, *(root for _, root, _ in elsewhere)]))
    for root in roots:
        yield _data_as_root(wanted, root)
        yield _without_umbrella(wanted, root)
    yield from _unpacked(wanted, there)
    yield from _archives(wanted, there)


def _other_roots(there: Surroundings) -> Iterator[tuple[Kind, str, str]]:
    if there.base_prefix != there.prefix:
        reason = "in the base of this virtual environment, which it does not search"
        yield "base prefix", data_root(there.base_prefix), reason
    for root in SYSTEM_ROOTS:
        yield "system", root, f"no ini file names {root}"
    for prefix in _conda_environments(there):
        yield "conda environment", data_root(prefix), "in another conda environment"
    reason = "where pip install --user puts it, which is not searched"
    yield "user", data_root(_user_base(there)), reason
    reason = f"the user directory is {there.user_dir}"
    for name in (".nipy", "_nipy"):
        yield "user", os.path.join(there.home, name), reason


def _user_base(there: Surroundings) -> str:
    """Return where Python's user scheme is, as `site.getuserbase` does."""
    chosen = there.environ.get("PYTHONUSERBASE")
    if chosen:
        return os.path.expanduser(chosen)
    if os.name != "nt":
        return os.path.join(there.home, ".local")
    roaming = os.path.join(there.home, "AppData", "Roaming")
    return os.path.join(there.environ.get("APPDATA") or roaming, "Python")


def _conda_environments(there: Surroundings) -> Iterator[str]:
    """Yield the conda environments that this user can be expected to have."""
    tops = [there.prefix, there.base_prefix]
    tops += [there.environ.get(name, "") for name in ("CONDA_PREFIX", "MAMBA_ROOT_PREFIX")]
    executable = there.environ.get("CONDA_EXE")
    if executable:
        tops.append(os.path.dirname(os.path.dirname(executable)))
    known = _lines(os.path.join(there.home, ".conda", "environments.txt"))
    for top in filter(None, dict.fromkeys(tops)):
        parent = os.path.dirname(top)
        if os.path.basename(parent) == "envs":
            top = os.path.dirname(parent)
        if os.path.isdir(os.path.join(top, "conda-meta")):
            envs = os.path.join(top, "envs")
            known += [top, *(os.path.join(envs, name) for name in _names(envs))]
    yield from (prefix for prefix in dict.fromkeys(known) if prefix != there.prefix)


def _below_root(wanted: Wanted, kind: Kind, root: str, reason: str) -> NearMiss | None:
    data = _usable(os.path.join(root, wanted.relative), wanted)
    return None if data is None else _near(kind, data, reason, root=root)


def _of_a_deb(near: NearMiss, wanted: Wanted) -> NearMiss:
    """Return how the ini file of a Debian package comes back, where it is that which is gone."""
    owner = owner_without_ini(near.path, wanted.relpath)
    if owner is None or owner.name is None:
        return near
    if in_apt_archive(owner.name):
        again = f"sudo apt install --reinstall -o Dpkg::Options::=--force-confmiss {owner.name}"
    else:
        name = f"{owner.name}_{owner.version}_all.deb"
        found = deb_near_by(owner.name, str(owner.version)) or name
        again = f"sudo dpkg -i --force-confmiss {quoted(found)}"
    return near.replace(reason=f"the ini file of {owner.name} was deleted", remedy=again)


def _data_as_root(wanted: Wanted, root: str) -> NearMiss | None:
    """Return what is found where a root is the data directory itself."""
    data = _usable(root, wanted)
    top = _without_end(root, wanted.relative)
    if data is None or top is None:
        return None
    reason = f"{root} is named as a root, but is the data itself"
    return _near("data directory as root", data, reason, root=top)


def _without_umbrella(wanted: Wanted, root: str) -> NearMiss | None:
    """Return what lies directly below a root: share/nipy/templates."""
    umbrella, _, rest = wanted.relpath.partition("/")
    data = _usable(os.path.join(root, *rest.split("/")), wanted) if rest else None
    if data is None:
        return None
    reason = f"the umbrella is missing: its place is {os.path.join(root, wanted.relative)}"
    top = _without_end(root, umbrella)
    if top is not None:
        return _near("umbrella forgotten", data, reason, root=top)
    remedy = move_command(data.path, os.path.join(root, umbrella))
    return _near("umbrella forgotten", data, reason, remedy=remedy)


def _without_end(path: str, end: str) -> str | None:
    """Return a path without the names that it ends with, or None where it does not."""
    path = os.path.normpath(path)
    if not os.path.normcase(path).endswith(os.path.normcase(os.path.sep + end)):
        return None
    return os.path.dirname(path[: -len(end)])


def _unpacked(wanted: Wanted, there: Surroundings) -> Iterator[NearMiss | None]:
    package = package_name(wanted.name or wanted.relpath)
    umbrella, _, rest = wanted.relative.partition(os.path.sep)
    for top in dict.fromkeys([there.user_dir, there.home, *_downloads(there)]):
        for name in _names(top):
            tree = os.path.join(top, name)
            data = _usable(os.path.join(tree, rest), wanted) if name.startswith(package) else None
            if data is not None:
                remedy = move_command(data.path, os.path.join(there.user_dir, umbrella))
                reason = f"an unpacked tarball, {name}"
                yield _near("unpacked tarball", data, reason, remedy=remedy)


def _archives(wanted: Wanted, there: Surroundings) -> Iterator[NearMiss]:
    package = package_name(wanted.name or wanted.relpath)
    stems = (f"{package}-", f"{package}_", f"{package.replace('-', '_')}-")
    for top in dict.fromkeys([*_downloads(there), there.user_dir]):
        for name in _names(top):
            if name.startswith(stems) and name.endswith(ARCHIVES):
                path, version = os.path.join(top, name), _version_in(name[len(package) + 1 :])
                if version and wanted.minimum and not at_least(version, wanted.minimum):
                    continue
                yield NearMiss(
                    kind="archive",
                    path=path,
                    version=version,
                    root=None,
                    reason="an archive that is not installed",
                    remedy=_installed(path, wanted, there),
                )


def _version_in(name: str) -> str | None:
    """Return the version that the rest of an archive's name begins with."""
    found = re.match(r"[0-9]+(\.[0-9]+)+", name)
    return found[0] if found else None


def _installed(path: str, wanted: Wanted, there: Surroundings) -> str:
    """Return the line that makes the data of an archive found."""
    name = os.path.basename(path)
    if name.endswith(".deb"):
        return f"sudo apt install {quoted(path)}"
    if name.endswith(PACMAN):
        return f"sudo pacman -U {quoted(path)}"
    if name.endswith(".conda"):
        return f"conda install --prefix {quoted(there.prefix)} {quoted(path)}"
    if name.endswith(".whl"):
        return wheel_command(path)
    ending = next(each for each in ARCHIVES if name.endswith(each))
    umbrella, _, rest = wanted.relpath.partition("/")
    if ending not in TARBALLS or not rest:
        return f"nipack build {quoted(path)}, and install the package"
    target = quoted(os.path.join(there.user_dir, umbrella))
    inner = quoted(f"{name.removesuffix(ending)}/{rest}")
    unpack = f"tar -xf {quoted(path)} -C {target} --strip-components=1 {inner}"
    return f"{make_directory(target)} {unpack}"


def _named(root: str, wanted: Wanted, there: Surroundings, *, fix: bool) -> str:
    """Return what makes a root searched."""
    setting = f"write path = {root} below [DATA] in {os.path.join(there.user_dir, CONFIG_NAME)}"
    return f"nipack doctor {wanted.relpath} --fix, or {setting}" if fix and _has_tool() else setting


def _has_tool() -> bool:
    """Tell whether `nipack doctor` is the tool's, which can write: the runtime's cannot."""
    from importlib.util import find_spec

    return find_spec("nipack.cli.doctor") is not None


def _near(
    kind: Kind, data: Candidate, reason: str, *, remedy: str = "", root: str | None = None
) -> NearMiss:
    return NearMiss(
        kind=kind, path=data.path, version=data.version, root=root, reason=reason, remedy=remedy
    )


def _usable(path: str, wanted: Wanted) -> Candidate | None:
    [found] = candidates(given_data_path([path]).roots, "", wanted.minimum)
    # A root joined with nothing ends with a slash.
    return found.replace(path=path) if found.status == "usable" else None


def _downloads(there: Surroundings) -> Iterator[str]:
    """Yield where a browser may put what it fetches: the name is in the user's language."""
    config = there.environ.get("XDG_CONFIG_HOME") or os.path.join(there.home, ".config")
    settings = [_setting(line, there) for line in _lines(os.path.join(config, "user-dirs.dirs"))]
    for directory in (there.environ.get("XDG_DOWNLOAD_DIR"), *settings):
        if directory and os.path.isabs(directory):
            yield os.path.normpath(directory)
    yield os.path.join(there.home, "Downloads")


def _setting(line: str, there: Surroundings) -> str | None:
    """Return the directory of a line such as XDG_DOWNLOAD_DIR="$HOME/Téléchargements"."""
    found = re.fullmatch(r'XDG_DOWNLOAD_DIR="(\$HOME)?(.*)"', line)
    if not found:
        return None
    # As shells read it: a character of a name may have a backslash before it.
    return (there.home if found[1] else "") + re.sub(r"\\(.)", r"\1", found[2])


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _lines(file: str) -> list[str]:
    try:
        text = read_bytes(file).decode("utf-8", "surrogateescape")
        return [line.strip() for line in text.splitlines() if line.strip()]
    except OSError:
        return []
