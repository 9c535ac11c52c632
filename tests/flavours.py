"""A machine of either flavour: this one's, or Windows with its drives, on any machine.

Windows is an `os` with ntpath whose drives and servers are directories; it takes the place of `os`
in each module of the runtime and of its commands.
"""

import errno
import glob
import hashlib
import importlib
import importlib.util
import json
import ntpath
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import pytest
from tests.machine import make_machine, set_system_dir

_REFUSED = set('<>:"|?*') | set(map(chr, range(32)))
_ROOMS = ("nipack.lookup", "nipack.inventory", "nipack.advice")


class System:
    """The flavour of this machine: files, by their paths as its programs see them."""

    path: Any = os.path
    sep, pathsep = os.sep, os.pathsep

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def prefix(self) -> str:
        return str(self.directory / "prefix")

    @property
    def home(self) -> str:
        return str(self.directory / "home")

    @property
    def user_dir(self) -> str:
        return str(self.directory / "home" / ".nipy")

    @property
    def other(self) -> str:
        """A directory that nothing names."""
        return str(self.directory / "other")

    def real(self, path: str) -> Path:
        """Return where the file with this path is."""
        return Path(path)

    def write(self, path: str, text: str) -> str:
        """Write a file and the directories it needs; returns its path."""
        file = self.real(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8"))
        return path

    def read(self, path: str) -> str:
        return self.real(path).read_bytes().decode("utf-8")

    def join(self, *parts: str) -> str:
        return str(self.path.join(*parts))

    def install(self, root: str, version: str = "0.3", relpath: str = "nipy/templates") -> str:
        """Put a data package below a root; returns its directory."""
        data = self.join(root, *relpath.split("/"))
        self.write(self.join(data, "config.ini"), f"[DEFAULT]\nversion = {version}\n")
        return data

    def add_records(self, prefix: str, relpath: str = "nipy/templates") -> None:
        """Leave a package's records in a prefix, with the slashes of every system."""
        share = self.real(self.join(prefix, "share"))
        files = sorted(
            path
            for path in (share / "nipy" / relpath).rglob("*")
            if path.is_file() or path.is_symlink()
        )
        lines = [
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}"
            f"  share/{file.relative_to(share).as_posix()}\n"
            for file in files
            if not file.is_symlink()
        ]
        lines += [
            f"# symlink share/{file.relative_to(share).as_posix()} -> {file.readlink()}\n"
            for file in files
            if file.is_symlink()
        ]
        folder = self.join(prefix, "share", "nipack", relpath.replace("/", "-"))
        self.write(self.join(folder, "SHA256SUMS"), "".join(lines))
        self.write(self.join(folder, "package.json"), json.dumps({"relpath": relpath}))


class Windows(System):
    r"""A Windows whose C:\ is the directory C, and whose \\server\share is UNC/server/share."""

    sep, pathsep = "\\", ";"
    working_directory = r"C:\Users\Ada Lovelace\work"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.os = _System(self)
        self.path = self.os.path

    @property
    def prefix(self) -> str:
        return r"D:\envs\é"

    @property
    def home(self) -> str:
        return r"C:\Users\Ada Lovelace"

    @property
    def user_dir(self) -> str:
        return rf"{self.home}\_nipy"

    @property
    def other(self) -> str:
        return r"E:\other place"

    def absolute(self, path: str) -> str:
        joined = ntpath.join(self.working_directory, path)
        drive, rest = ntpath.splitdrive(joined)
        # Every other drive's working directory is its top.
        return ntpath.normpath(joined if rest[:1] in ("\\", "/") else f"{drive}\\{rest}")

    def real(self, path: str) -> Path:
        drive, rest = ntpath.splitdrive(self.absolute(path))
        names = [name for name in rest.split("\\") if name]
        if any(_REFUSED & set(name) for name in names):
            error = OSError(errno.EINVAL, "The filename, directory name, or volume label syntax is"
                            " incorrect", path)  # fmt: skip
            error.winerror = 123  # type: ignore[attr-defined, unused-ignore]
            raise error
        tops = ["UNC", *drive.strip("\\").split("\\")] if drive[:2] == "\\\\" else [drive[0]]
        found = self.directory
        for number, name in enumerate([*tops, *names]):
            found /= name.upper() if number == 0 else _as_it_is_written(found, name)
        return found

    def path_of(self, real: Path) -> str:
        """Return the path of a file, with its names as they are written on the disk."""
        top, *names = real.relative_to(self.directory).parts
        if top == "UNC":
            return "\\\\" + "\\".join(names)
        return f"{top}:\\" + "\\".join(names)


def _as_it_is_written(directory: Path, name: str) -> str:
    """Return the name of a file as its directory has it, whatever the case that is asked for."""
    try:
        names = [each.name for each in directory.iterdir()]
    except OSError:
        return name
    return next((each for each in names if each.casefold() == name.casefold()), name)


class _System:
    """`os` as Windows has it; what the runtime does not use is not there."""

    sep, altsep, pathsep, linesep, name, devnull = "\\", "/", ";", "\r\n", "nt", "nul"
    environ, fspath, getpid, fsync, cpu_count = (
        os.environ, os.fspath, os.getpid, os.fsync, os.cpu_count)  # fmt: skip

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        for name in ("listdir", "stat", "lstat", "scandir", "unlink", "chmod", "makedirs"):
            setattr(self, name, self._translated(getattr(os, name)))
        self.path = _paths(windows, self)

    def _translated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def translated(path: Any, *arguments: Any, **options: Any) -> Any:
            real = self._windows.real(path) if isinstance(path, str) else path
            try:
                return function(real, *arguments, **options)
            except OSError as error:
                error.filename = path
                raise

        return translated

    def open_file(self, path: str, *arguments: Any, **options: Any) -> IO[Any]:
        if self._windows.real(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return self._translated(open)(path, *arguments, **options)  # type: ignore[no-any-return]

    def getcwd(self) -> str:
        return self._windows.working_directory

    def readlink(self, path: str) -> str:
        return str(self._windows.real(path).readlink()).replace("/", "\\")

    def replace(self, old: str, new: str) -> None:
        self._windows.real(old).replace(self._windows.real(new))

    def walk(self, top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        try:
            real = self._windows.real(top)
        except OSError:
            return
        for folder, folders, names in os.walk(real):
            inner = os.path.relpath(folder, real).replace("/", "\\")
            yield top if inner == "." else ntpath.join(top, inner), folders, names


def _copy_of(module: ModuleType) -> Any:
    """Return a second copy of a module, to be changed as this test needs it."""
    assert module.__file__
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    assert spec
    assert spec.loader
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


def _paths(windows: Windows, system: _System) -> Any:
    """Return ntpath, whose questions are answered by the files of this Windows."""
    paths = _copy_of(ntpath)
    paths.os = system

    def ask(question: Callable[[Any], bool]) -> Callable[[str], bool]:
        def answer(path: str) -> bool:
            try:
                return question(windows.real(path))
            except OSError:
                return False

        return answer

    for name in ("exists", "lexists", "isdir", "isfile", "islink"):
        setattr(paths, name, ask(getattr(os.path, name)))
    paths.abspath = windows.absolute

    def realpath(path: str) -> str:
        try:
            real = windows.real(path)
            return windows.path_of(Path(os.path.realpath(real)))
        except (OSError, ValueError):
            return windows.absolute(path)

    paths.realpath = realpath
    return paths


def _runtime() -> Iterator[ModuleType]:
    """Yield each module of the runtime and of its commands; all are imported first."""
    for room in _ROOMS:
        package = importlib.import_module(room)
        yield package
        for each in pkgutil.iter_modules(package.__path__, f"{room}."):
            yield importlib.import_module(each.name)
    commands = ("answers", "doctor")
    for name in (
        "nipack.data",
        "nipack.questions",
        "nipack.environment",
        *(f"nipack.cli.{each}" for each in commands),
    ):
        yield importlib.import_module(name)


def make_posix(directory: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Return this machine, as which nipack sees the running one."""
    make_machine(directory, monkeypatch)
    return System(directory)


def make_windows(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Windows:
    """Return a Windows machine, as which nipack sees the running one."""
    make_machine(directory, monkeypatch)
    windows = Windows(directory.resolve())
    for drive in "CDE":
        (windows.directory / drive).mkdir(parents=True)
    globs, parser = _copy_of(glob), _copy_of(importlib.import_module("configparser"))
    globs.os, parser.open = windows.os, windows.os.open_file
    stand_ins = {"os": windows.os, "glob": globs, "configparser": parser}
    for module in _runtime():
        for name, stand_in in stand_ins.items():
            if isinstance(vars(module).get(name), ModuleType):
                monkeypatch.setattr(module, name, stand_in)
        monkeypatch.setattr(module, "open", windows.os.open_file, raising=False)
    set_system_dir(r"C:\etc\nipy", monkeypatch)
    monkeypatch.setenv("USERPROFILE", windows.home)
    monkeypatch.setattr(sys, "prefix", windows.prefix)
    monkeypatch.setattr(sys, "base_prefix", r"C:\Python311")
    monkeypatch.setattr(sys, "executable", rf"{windows.prefix}\python.exe")
    return windows
