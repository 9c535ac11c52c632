"""A machine in a directory: a prefix, a user's home and a system, for the search to go by."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nipack import data, environment
from nipack.advice import commands, near_misses


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Give up root's rights, for whom nothing is unreadable."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def write(file: Path, text: str) -> Path:
    """Write a file and the directories it needs; returns its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def install(root: Path, version: str = "0.3", relpath: str = "nipy/templates") -> Path:
    """Put a data package below a root; returns its directory."""
    return write(root / relpath / "config.ini", f"[DEFAULT]\nversion = {version}\n").parent


@dataclass(frozen=True)
class Machine:
    """The directories that stand for the prefix, its base, the home and the system."""

    directory: Path

    @property
    def prefix(self) -> Path:
        return self.directory / "prefix"

    @property
    def base(self) -> Path:
        return self.directory / "base"

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def system(self) -> Path:
        """Its /usr/share/nipy."""
        return self.directory / "usr" / "share" / "nipy"

    @property
    def etc(self) -> Path:
        """Its /etc/nipy."""
        return self.directory / "etc" / "nipy"

    @property
    def own_root(self) -> Path:
        """The root of the prefix."""
        return self.prefix / "share" / "nipy"

    def short(self, text: str) -> str:
        """Return a text with T for this directory."""
        return text.replace(os.path.realpath(self.directory), "T").replace(str(self.directory), "T")


def set_system_dir(directory: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ini files of the system be in this directory."""
    for module in (data, environment):
        monkeypatch.setattr(module, "get_nipy_system_dir", lambda: directory)


def make_machine(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine, as which nipack and nibabel see the running one."""
    machine = Machine(directory)
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("USERPROFILE", str(machine.home))
    variables = ("CONDA_PREFIX", "CONDA_EXE", "MAMBA_ROOT_PREFIX")
    for name in (*variables, "PYTHONUSERBASE", "XDG_CONFIG_HOME", "XDG_DOWNLOAD_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "prefix", str(machine.prefix))
    monkeypatch.setattr(sys, "base_prefix", str(machine.base))
    monkeypatch.setattr(sys, "executable", str(machine.prefix / "bin" / "python"))
    set_system_dir(str(machine.etc), monkeypatch)
    monkeypatch.setattr(near_misses, "SYSTEM_ROOTS", (str(machine.system),))
    monkeypatch.setattr(commands, "_systems", frozenset)
    # Each test sees its own warnings, whatever was warned of before.
    vars(data).pop("__warningregistry__", None)
    return machine


def add_records(prefix: Path, relpath: str = "nipy/templates", **metadata: object) -> Path:
    """Leave a package's records in a prefix, of the data that is there; returns their folder."""
    data = prefix / "share" / "nipy" / relpath
    files = [path for path in sorted(data.rglob("*")) if path.is_file() and not path.is_symlink()]
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(prefix).as_posix()}\n"
        for path in files
    ]
    lines += [
        f"# symlink {path.relative_to(prefix).as_posix()} -> {path.readlink()}\n"
        for path in sorted(data.rglob("*"))
        if path.is_symlink()
    ]
    folder = prefix / "share" / "nipack" / relpath.replace("/", "-")
    sizes = {path.relative_to(data).as_posix(): path.stat().st_size for path in files}
    write(folder / "SHA256SUMS", "".join(lines))
    document = {"relpath": relpath, "files": sizes, "size": sum(sizes.values()), **metadata}
    write(folder / "package.json", json.dumps(document))
    return folder
