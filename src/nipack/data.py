"""Find installed neuroimaging data: a drop-in for `nibabel.data`.

Wherever nibabel returns something, so does this module, and the same, but that it
- reads the ini files of the prefix (`sys.prefix/etc/nipy/*.ini`) before those of the system,
- expands a `~` that begins a path, and takes a `%` that ConfigParser cannot replace for itself,
- skips a malformed ini file, with a `ConfigWarning` that has file, line and remedy,
- passes over a directory that cannot be used, and one below `min version`, for a later good one,
- raises ValueError for a `min version` that is no version, before it looks for anything,
- reads ini files as UTF-8, whatever the locale,
- returns `list_files` sorted.
"""

from __future__ import annotations

import os

from .environment import get_nipy_system_dir, get_nipy_user_dir
from .layout import CONFIG_NAME
from .lookup import settings as _settings
from .lookup.errors import (
    DEFAULT_INSTALL_HINT,
    BomberError,
    ConfigWarning,
    DataError,
    IniError,
    MissingDataWarning,
)
from .lookup.files import walk
from .lookup.ini import decode, find_setting, read_bytes
from .lookup.search import (
    Wanted,
    candidates,
    find_data_path,
    given_data_path,
    roots_in_order,
)
from .lookup.version import major_minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from configparser import ConfigParser
    from pathlib import Path
    from typing import IO, Any, NoReturn

    from .advice.diagnosis import Diagnosis
    from .lookup.definition import PackageDefinition
    from .lookup.search import Candidate, DataPath, IniProblem, Root, SearchSettings

__all__ = [
    "DEFAULT_INSTALL_HINT",
    "Bomber",
    "BomberError",
    "ConfigWarning",
    "DataError",
    "Datasource",
    "MissingDataWarning",
    "PackageDefinition",
    "VersionedDatasource",
    "check_installed",
    "datasource_or_bomber",
    "find_data_dir",
    "get_data_path",
    "make_datasource",
]


def __getattr__(name: str) -> object:
    if name != "PackageDefinition":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Types are for who checks them: no look-up waits for the module that makes them.
    from .lookup.definition import PackageDefinition

    return PackageDefinition


class Datasource:
    """A directory of data files."""

    def __init__(self, base_path: str) -> None:
        """Take the directory that all names are relative to."""
        self.base_path = base_path

    @property
    def path(self) -> Path:
        """The directory, as a `pathlib.Path`."""
        from pathlib import Path

        return Path(self.base_path)

    def get_filename(self, *path_parts: str, must_exist: bool = False) -> str:
        """Return the path of a file; whether it is there is not looked at.

        With `must_exist` it is, and DataError names the nearest files that are there.
        """
        file = os.path.join(self.base_path, *path_parts)
        if must_exist and not os.path.exists(file):
            from .advice.nearest import not_there

            name = os.path.join(*path_parts) if path_parts else ""
            raise DataError(not_there(name, self.base_path, self.list_files()))
        return file

    def exists(self, *path_parts: str) -> bool:
        """Return whether a file, or a directory, is there."""
        return os.path.exists(self.get_filename(*path_parts))

    def open(self, *path_parts: str, mode: str = "rb", encoding: str | None = None) -> IO[Any]:
        """Open a file to read it, as bytes, or with mode 'r' as text, in UTF-8 by default.

        Raises DataError where it is not there, with the nearest names, and ValueError for a mode
        that writes: data that is installed belongs to its package.
        """
        if set(mode) & set("wax+"):
            raise ValueError(f"installed data is only read: mode 'rb' or 'r', not {mode!r}")
        if "b" not in mode and encoding is None:
            encoding = "utf-8"
        file = self.get_filename(*path_parts, must_exist=True)
        try:
            return open(file, mode, encoding=encoding)
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror})") from error

    def glob(self, pattern: str) -> list[Path]:
        """Return the paths that match, sorted; `**/*.nii.gz` looks into all directories."""
        return sorted(self.path.glob(pattern))

    def __iter__(self) -> Iterator[Path]:
        """Yield the path of each file, sorted."""
        base = self.path
        return (base / name for name in self.list_files())

    def list_files(self, relative: bool = True) -> list[str]:
        """Return the paths of all files, sorted, relative to the directory or not."""
        files = [
            os.path.join(directory, name)
            for directory, names, _ in walk(self.base_path)
            for name in names
        ]
        if relative:
            files = [os.path.relpath(file, self.base_path) for file in files]
        return sorted(files)


class VersionedDatasource(Datasource):
    """A directory of data files with an ini file that holds their version.

    Raises DataError, with the file and the remedy, where that file does not give a version that
    begins with two numbers. Compare `version`, as PEP 440 orders it; never `version_no`, which is
    0.1 for 0.10.
    """

    def __init__(self, base_path: str, config_filename: str | None = None) -> None:
        """Take the directory, and the name of the ini file in it if it is not `config.ini`."""
        super().__init__(base_path)
        file = self.get_filename(CONFIG_NAME if config_filename is None else config_filename)
        self._config_file = file
        self._config: ConfigParser | None = None
        try:
            self._config_bytes = read_bytes(file)
            version, _ = find_setting(self._config_bytes, file, "DEFAULT", "version")
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror})") from error
        except IniError as error:
            raise DataError(str(error)) from error
        if version is None:
            raise DataError(f"{file}: no version; write version = 0.1 below [DEFAULT]")
        try:
            self.major_version, self.minor_version = major_minor(version)
        except ValueError as error:
            raise DataError(f"{file}: {error}") from error
        self.version = version
        self.version_no = float(f"{self.major_version}.{self.minor_version}")

    @property
    def config(self) -> ConfigParser:
        """All that the ini file says, as it was when this object was made."""
        if self._config is None:
            from .lookup.ini_parser import parse

            file = self._config_file
            self._config = parse(decode(self._config_bytes, file), file, "DEFAULT")
        return self._config

    @config.setter
    def config(self, config: ConfigParser) -> None:
        self._config = config


def _cfg_value(fname: str, section: str = "DATA", value: str = "path") -> str:
    """Return a value of an ini file, or '' (with a warning where the file is malformed)."""
    try:
        found, _ = find_setting(read_bytes(fname), fname, section, value)
    except OSError:
        return ""
    except IniError as error:
        _warn(str(error))
        return ""
    return found or ""


def _warn(message: str) -> None:
    import warnings

    # File and line are in the message. Since all come from this one line, Python's own filter shows
    # each message once in a process, however often data is looked for.
    warnings.warn(f"skipped {message}", ConfigWarning, stacklevel=1)


def _search_settings() -> SearchSettings:
    # The two functions are looked up in this module, where tests of other packages replace them.
    return _settings.search_settings().replace(
        user_dir=get_nipy_user_dir(), system_dir=get_nipy_system_dir()
    )


def get_data_path() -> list[str]:
    """Return the directories that data is looked for in, in order.

    1. those of the environment variable `NIPY_DATA_PATH`;
    2. `[DATA] path` of `config.ini` in the user directory;
    3. `[DATA] path` of each `*.ini`, sorted, of `sys.prefix/etc/nipy`, then of the system directory
       (of this one alone when `sys.prefix` is `/usr`);
    4. `sys.prefix/share/nipy`;
    5. `/usr/local/share/nipy`, when `sys.prefix` is `/usr`;
    6. the user directory.
    """
    data_path = find_data_path(_search_settings())
    _warn_of(data_path.problems)
    return [root.path for root in data_path.roots]


_get_data_path = get_data_path


def _warn_of(problems: Iterable[IniProblem]) -> None:
    for problem in problems:
        # One that this user may not read is no mistake of theirs, to be told of at every import:
        # HOME may be another user's. If data is missing for it, the error says so.
        if problem.line is not None:
            _warn(problem.message)


def find_data_dir(root_dirs: Iterable[str], *names: str) -> str:
    """Return the first directory `names` below one of `root_dirs`, or raise DataError.

    Nothing in it is looked at: it need not be a data package.
    """
    paths = [os.fspath(path) for path in root_dirs]
    relative = os.path.join(*names)
    for path in paths:
        directory = os.path.join(path, relative)
        if os.path.isdir(directory):
            return directory
    wanted = Wanted(relpath=relative.replace(os.path.sep, "/"), minimum=None, name=None)
    raise _not_found(wanted, given_data_path(paths))


def make_datasource(pkg_def: Mapping[str, Any], **kwargs: Any) -> VersionedDatasource:
    """Return the first usable data that `pkg_def` describes, or raise DataError.

    `pkg_def` is a `PackageDefinition`: it has a `relpath` (`nipy/templates`) and may have a `name`,
    an `install hint` for the error, and a `min version`. The one keyword is `data_path`, the
    directories to look in; without it they are those of `get_data_path()`.

    Older data than `min version` is passed over for newer in a later directory. Where there is none
    the old is returned, since nibabel's function of this name does not look at the version;
    `datasource_or_bomber` does, and returns a Bomber.
    """
    return _open(pkg_def, kwargs, even_outdated=True)


def datasource_or_bomber(
    pkg_def: Mapping[str, Any], **options: Any
) -> VersionedDatasource | Bomber:
    """Return the first usable data that `pkg_def` describes, or a Bomber that says why not.

    For modules that make their data sources when they are imported. The arguments are those of
    `make_datasource`, but data older than `min version` is never returned.
    """
    try:
        return _open(pkg_def, options, even_outdated=False)
    except DataError as error:
        # The text alone: str() would make it now, and the error's traceback keeps much alive.
        return Bomber(pkg_def["relpath"].replace("/", os.path.sep), error.args[0])


class Bomber:
    """Stand in for data that is not there, and say so on the first use."""

    def __init__(self, name: str, msg: object) -> None:
        """Take the name of the data, and the message for who asks for it."""
        self.name = name
        self._msg = msg

    @property
    def msg(self) -> str:
        """The message, made when it is first read."""
        return str(self.__dict__.get("_msg"))

    def __getattr__(self, attr_name: str) -> NoReturn:
        """Raise BomberError."""
        # Not self.name: a copy has none while it is made, and this would call itself for ever.
        name, message = self.__dict__.get("name"), self.__dict__.get("_msg")
        first = f"{attr_name!r} was asked of {name}, which is not there"
        from .lookup.late_text import LateText

        raise BomberError(LateText(lambda: f"{first}\n\n{message}"))

    def __iter__(self) -> NoReturn:
        """Raise BomberError."""
        # Python looks for this one on the class alone.
        self.__getattr__("__iter__")


def check_installed(packages: Mapping[str, Mapping[str, Any]], *, warn: bool = True) -> Diagnosis:
    """Return what `nipack doctor` finds of these packages, and warn of each that is not usable.

    `packages` holds definitions as `make_datasource` takes them, by any name: nipy's `DATA_PKGS`.
    For a package's set-up step: it raises nothing for data that is not there, and the result is
    true where all are usable.
    """
    from .questions import diagnosis_of

    if not hasattr(packages, "values"):
        example = "{'templates': {'relpath': 'nipy/templates'}}"
        raise TypeError(f"packages is a mapping of definitions such as {example}, not {packages!r}")
    wanted = [Wanted.read(definition) for definition in packages.values()]
    diagnosis = diagnosis_of(wanted, _search_settings())
    if warn:
        import warnings

        for package in diagnosis.packages:
            if not package.usable:
                warnings.warn(str(package), MissingDataWarning, stacklevel=2)
    return diagnosis


def _open(
    pkg_def: Mapping[str, Any], options: Mapping[str, Any], *, even_outdated: bool
) -> VersionedDatasource:
    if options.keys() - {"data_path"}:
        raise ValueError(f"data_path is the only keyword, not {', '.join(options)}")
    wanted = Wanted.read(pkg_def)
    problems: list[IniProblem] = []
    path = options.get("data_path")
    if path is None and get_data_path is not _get_data_path:
        # Tests of other packages, nibabel's own among them, replace this one too.
        path = get_data_path()
    given = None if path is None else given_data_path(os.fspath(each) for each in path)
    roots = roots_in_order(_search_settings(), problems) if given is None else given.roots
    found = _best(roots, wanted)
    _warn_of(problems)
    if found is not None and (even_outdated or found.status == "usable"):
        return VersionedDatasource(found.path)
    hint = pkg_def.get("install hint", DEFAULT_INSTALL_HINT)
    raise _not_found(wanted, given, hint)


def _best(roots: Iterable[Root], wanted: Wanted) -> Candidate | None:
    """Return the first usable data, or the first that is too old where there is none."""
    outdated = None
    for candidate in candidates(roots, wanted.relative, wanted.minimum):
        if candidate.status == "usable":
            return candidate
        if candidate.status in ("too old", "version not comparable"):
            outdated = outdated or candidate
    return outdated


def _not_found(wanted: Wanted, given: DataPath | None, hint: str | None = None) -> DataError:
    from .advice.missing import not_found

    return not_found(wanted, _search_settings(), given, hint)
