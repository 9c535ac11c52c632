"""The commands that make data found: by a package manager, or by moving it there."""

from __future__ import annotations

import os
import sys

from ..layout import is_package_name, is_relpath, package_name
from ..lookup.records import Record
from ..lookup.version import normal

DEBIAN = frozenset({"debian", "ubuntu"})
FEDORA = frozenset({"fedora", "rhel", "centos"})
SUSE = frozenset({"suse", "opensuse"})


class Interpreter(Record):
    """What decides which package manager owns an interpreter."""

    __slots__ = (
        "executable",
        "has_pip",
        "is_conda",
        "is_managed",
        "is_windows",
        "prefix",
        "systems",
    )
    prefix: str
    executable: str
    # uv makes environments without
    has_pip: bool
    is_conda: bool
    # by its distribution: pip installs nothing there unless it is told to (PEP 668)
    is_managed: bool
    is_windows: bool
    # ID and ID_LIKE of /etc/os-release
    systems: frozenset[str]


def this_interpreter() -> Interpreter:
    """Return what is known of the running interpreter."""
    from importlib.util import find_spec

    return Interpreter(
        prefix=sys.prefix,
        executable=sys.executable or "python",
        has_pip=find_spec("pip") is not None or not _is_made_by_uv(),
        is_conda=os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
        is_managed=_is_managed(),
        is_windows=os.name == "nt",
        systems=_systems() if sys.prefix == "/usr" else frozenset(),
    )


def _is_managed() -> bool:
    from sysconfig import get_path

    if sys.prefix != sys.base_prefix:
        return False
    return os.path.exists(os.path.join(get_path("stdlib"), "EXTERNALLY-MANAGED"))


def _is_made_by_uv(prefix: str | None = None) -> bool:
    try:
        file = os.path.join(prefix or sys.prefix, "pyvenv.cfg")
        with open(file, encoding="utf-8") as settings:
            return any(line.partition("=")[0].strip() == "uv" for line in settings)
    except (OSError, UnicodeDecodeError):
        return False


def _systems() -> frozenset[str]:
    # Only where a distribution may own the interpreter: it takes a while to import.
    import platform

    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return frozenset()
    return frozenset([release["ID"], *release.get("ID_LIKE", "").split()])


def installable_name(relpath: str, name: str | None = None) -> str | None:
    """Return the name to install a package by; None where no package can have such a name."""
    package = package_name(name or relpath)
    if name is None:
        # An umbrella such as `_` gives the name nothing.
        return package if is_relpath(relpath) and "-" in package else None
    spelled = name.replace("_", "-").replace(".", "-").lower()
    return package if package == spelled and is_package_name(package) else None


def install_command(
    name: str, interpreter: Interpreter | None = None, *, minimum: str | None = None
) -> str:
    """Return the line that installs a package; with a minimum it replaces an older one."""
    there = interpreter or this_interpreter()
    package = name if minimum is None else f"{name}>={normal(minimum)}"
    if there.is_conda:
        return _quoted(["conda", "install", "--prefix", there.prefix, package], there)
    # These two take the newest that the distribution has.
    if there.prefix == "/usr" and there.systems & DEBIAN:
        return _quoted(["sudo", "apt", "install", name], there)
    if there.prefix == "/usr" and there.systems & FEDORA:
        return _quoted(["sudo", "dnf", "install", name], there)
    if there.prefix == "/usr" and there.systems & SUSE:
        return _quoted(["sudo", "zypper", "install", name], there)
    return pip_command(package, there)


def pip_command(requirement: str, interpreter: Interpreter | None = None) -> str:
    """Return the line with which this interpreter's pip installs something."""
    there = interpreter or this_interpreter()
    return _quoted([*_pip(there), requirement], there)


def wheel_command(wheel: str, interpreter: Interpreter | None = None) -> str:
    """Return the line that installs a wheel of data, which has no code that could break a system.

    pip would put it where nobody looks for data, were it not root that installs into a system.
    """
    there = interpreter or this_interpreter()
    if there.is_managed:
        return _quoted(["sudo", *_pip(there), "--break-system-packages", wheel], there)
    return pip_command(wheel, there)


def _pip(there: Interpreter) -> list[str]:
    if there.has_pip:
        return [there.executable, "-m", "pip", "install"]
    return ["uv", "pip", "install", "--python", there.executable]


def reinstall_command(
    manager: str,
    package: str,
    interpreter: Interpreter | None = None,
    *,
    prefix: str | None = None,
) -> str:
    """Return the line that installs a package again, over its damaged files.

    `prefix` is where they are, which need not be the interpreter's: a setting can name any place.
    """
    there = interpreter or this_interpreter()
    if manager == "conda":
        words = ["conda", "install", "--force-reinstall", "--prefix", prefix or there.prefix]
        return _quoted([*words, package], there)
    if manager not in ("dpkg", "rpm"):
        words = _pip_again(there, prefix or there.prefix)
        return _quoted([*words, "--force-reinstall", "--no-deps", package], there)
    top = system_of(prefix)
    again = ["apt", "install", "--reinstall"] if manager == "dpkg" else _rpm_again(there, top)
    inside = [] if top == os.path.sep else ["chroot", top]
    return _quoted(["sudo", *inside, *again, package], there)


def system_of(prefix: str | None) -> str:
    """Return the top of the system whose /usr a prefix is: the running one, or one in a folder."""
    top, name = os.path.split(prefix or "/usr")
    return top if name == "usr" else os.path.sep


def _rpm_again(there: Interpreter, top: str) -> list[str]:
    dnf, zypper = (os.path.exists(os.path.join(top, "usr/bin", it)) for it in ("dnf", "zypper"))
    if there.systems & SUSE if there.systems else zypper and not dnf:
        return ["zypper", "install", "--force"]
    return ["dnf", "reinstall"]


def _pip_again(there: Interpreter, prefix: str) -> list[str]:
    """Return the pip that installs into a prefix, as it did before."""
    import site

    is_other = prefix != there.prefix and any(
        os.path.exists(os.path.join(prefix, name)) for name in ("pyvenv.cfg", "conda-meta")
    )
    if is_other:
        inner = ("Scripts", "python.exe") if there.is_windows else ("bin", "python")
        python, has_pip = os.path.join(prefix, *inner), not _is_made_by_uv(prefix)
        return _pip(there.replace(executable=python, has_pip=has_pip))
    managed = ["--break-system-packages"] if there.is_managed else []
    user = ["--user"] if prefix == site.getuserbase() else []
    return [*_pip(there), *managed, *user]


def _quoted(arguments: list[str], there: Interpreter) -> str:
    if there.is_windows:
        # As cmd.exe reads it: '>' would write into a file but for the quotes.
        return " ".join(f'"{part}"' if set(part) & set(" &()^<>|") else part for part in arguments)
    from shlex import join

    return join(arguments)


def move_command(path: str, directory: str) -> str:
    """Return the line that moves something into a directory, which it makes."""
    move = "move" if os.name == "nt" else "mv"
    return f"{make_directory(quoted(directory))} {move} {quoted(path)} {quoted(directory)}"


def remove_command(directory: str) -> str:
    """Return the line that removes a directory and what is in it."""
    return f"{'rmdir /s /q' if os.name == 'nt' else 'rm -r'} {quoted(directory)}"


def make_directory(directory: str) -> str:
    """Return the beginning of a line that needs a directory, quoted already."""
    # cmd.exe's mkdir makes the directories above, too, and fails for one that is there.
    return f"mkdir {directory} 2>nul &" if os.name == "nt" else f"mkdir -p {directory} &&"


def quoted(path: str) -> str:
    """Return a path as this system's shell reads it."""
    if os.name == "nt":
        return f'"{path}"'
    from shlex import quote

    return quote(path)
