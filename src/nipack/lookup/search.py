"""The search for installed data, as data: the roots in order, and what is found in each.

Nothing is remembered from one call to the next: a package that is installed while a program runs is
found by its next look-up.
"""

from __future__ import annotations

import os
import stat

from .. import layout
from .errors import IniError
from .ini import find_setting, read_bytes
from .records import Record
from .version import at_least, check_minimum, major_minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Literal

    # What put a root on the data path; "data_path" is a caller's argument.
    Source = Literal[
        "NIPY_DATA_PATH", "ini file", "sys.prefix", "/usr/local", "user directory", "data_path"
    ]
    # What was found where the data would be. "usable" becomes "chosen" or "hidden" (by an earlier
    # one) when all are seen together; "repeated" is a place that was looked at before.
    Status = Literal[
        "absent",
        "not a directory",
        "unreadable",
        "no config.ini",
        "malformed config.ini",
        "no version",
        "malformed version",
        "version not comparable",
        "too old",
        "usable",
        "chosen",
        "hidden",
        "repeated",
    ]


class Origin(Record):
    """What put a root on the data path; `file` and `line` are those of an ini file."""

    __slots__ = ("file", "line", "source")
    source: Source
    file: str | None
    line: int | None

    def __str__(self) -> str:
        """Return it as a person would point at it."""
        if self.file is None:
            return self.source
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Root(Record):
    """A directory that holds umbrellas, and why it is searched."""

    __slots__ = ("origin", "path")
    path: str
    origin: Origin


class IniProblem(Record):
    """An ini file that was passed over; `line` is None where the file could not even be read."""

    __slots__ = ("file", "line", "message")
    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        """Return the message, which has file and line."""
        return self.message


class DataPath(Record):
    """The roots in the order they are searched, and the ini files that were passed over."""

    __slots__ = ("problems", "roots")
    roots: tuple[Root, ...]
    problems: tuple[IniProblem, ...]


class SearchSettings(Record):
    """What the data path is made from; `system_dir` is None where this system has none."""

    __slots__ = ("environ", "prefix", "system_dir", "user_dir")
    environ: Mapping[str, str]
    user_dir: str
    prefix: str
    system_dir: str | None


def find_data_path(settings: SearchSettings) -> DataPath:
    """Return the data path that these settings give.

    The order is that of the NIPY design, with the prefix's own ini files before the system's. A
    root that is named twice is there twice, as in nibabel.
    """
    problems: list[IniProblem] = []
    roots = tuple(roots_in_order(settings, problems))
    return DataPath(roots=roots, problems=tuple(problems))


def roots_in_order(settings: SearchSettings, problems: list[IniProblem]) -> Iterator[Root]:
    """Yield the roots of the data path, and add the ini files that are passed over to `problems`.

    Lazily: who stops at the first root that holds the data opens no ini file after the one that
    leads to it, however many packages are installed.
    """
    prefix, user_dir = settings.prefix, settings.user_dir
    yield from _split(settings.environ.get("NIPY_DATA_PATH", ""), _origin("NIPY_DATA_PATH"))
    yield from _roots_of_inis(
        user_dir, prefix, _ini_directories(prefix, settings.system_dir), problems
    )
    yield Root(path=data_root(prefix), origin=_origin("sys.prefix"))
    if prefix == "/usr":
        # Debian's Python installs into /usr/local what does not come from its packages.
        yield Root(path=data_root("/usr/local"), origin=_origin("/usr/local"))
    yield Root(path=user_dir, origin=_origin("user directory"))


def data_root(prefix: str) -> str:
    """Return the root of a prefix, with this system's slashes."""
    return os.path.join(prefix, *layout.DATA_ROOT.split("/"))


def ini_files(settings: SearchSettings) -> list[str]:
    """Return the ini files that name roots, in the order they are read; they need not be there."""
    directories = _ini_directories(settings.prefix, settings.system_dir)
    return [file for _, file in _all_ini_files(settings.user_dir, directories, [])]


def given_data_path(paths: Iterable[str]) -> DataPath:
    """Return the data path that a caller has given as a sequence of directories."""
    origin = _origin("data_path")
    return DataPath(roots=tuple(Root(path=path, origin=origin) for path in paths), problems=())


def _origin(source: Source, file: str | None = None, line: int | None = None) -> Origin:
    return Origin(source=source, file=file, line=line)


def _split(value: str, origin: Origin) -> list[Root]:
    # An empty part (a::b) is the working directory, as for nibabel; an empty value is none at all.
    parts = value.split(os.path.pathsep) if value else []
    return [Root(path=os.path.expanduser(part), origin=origin) for part in parts]


def _own_directory(prefix: str) -> str:
    return os.path.join(prefix, *layout.CONFIGURATION.split("/"))


def _ini_directories(prefix: str, system_dir: str | None) -> list[str]:
    own = _own_directory(prefix)
    directories = [] if system_dir is None else [system_dir]
    # The ini files of /usr are in /etc; and with a prefix of '/' the two are the same.
    if prefix != "/usr" and own != system_dir:
        directories.insert(0, own)
    return directories


def _ini_files(directory: str, problems: list[IniProblem]) -> list[str]:
    """Return what sorted(glob('*.ini')) does, but for any character in the directory's name."""
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems.append(_unreadable(directory, error))
        return []
    inis = (name for name in names if os.path.normcase(name).endswith(".ini") and name[0] != ".")
    return [os.path.join(directory, name) for name in sorted(inis)]


def _roots_of_inis(
    user_dir: str, prefix: str, directories: Iterable[str], problems: list[IniProblem]
) -> Iterator[Root]:
    # Every package of a prefix brings an ini with the same bytes, so each text is read once.
    known: dict[bytes, tuple[str | None, int | None]] = {}
    own = _own_directory(prefix)
    for directory, file in _all_ini_files(user_dir, directories, problems):
        value, line = _path_setting(file, known, problems)
        for root in _split(value or "", _origin("ini file", file, line)):
            # A wheel does not know the prefix that its ini will be in: `path = share/nipy`.
            yield _from_prefix(root, prefix) if directory == own else root


def _from_prefix(root: Root, prefix: str) -> Root:
    if root.path and not os.path.isabs(root.path):
        return root.replace(path=os.path.normpath(os.path.join(prefix, root.path)))
    return root


def _all_ini_files(
    user_dir: str, directories: Iterable[str], problems: list[IniProblem]
) -> Iterator[tuple[str, str]]:
    """Yield each ini file, behind its directory."""
    yield user_dir, os.path.join(user_dir, layout.CONFIG_NAME)
    for directory in directories:
        for file in _ini_files(directory, problems):
            yield directory, file


def _path_setting(
    file: str, known: dict[bytes, tuple[str | None, int | None]], problems: list[IniProblem]
) -> tuple[str | None, int | None]:
    try:
        data = read_bytes(file)
        if data not in known:
            known[data] = find_setting(data, file, "DATA", "path")
        return known[data]
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        problems.append(_unreadable(file, error))
    except IniError as error:
        problems.append(IniProblem(file=file, line=error.line, message=str(error)))
    return None, None


def _unreadable(file: str, error: OSError) -> IniProblem:
    message = f"{file}: cannot be read ({error.strerror}); make it readable, or remove it"
    return IniProblem(file=file, line=None, message=message)


class Wanted(Record):
    """The data that is asked for."""

    __slots__ = ("minimum", "name", "relpath")
    relpath: str
    minimum: str | None
    name: str | None

    @classmethod
    def read(cls, pkg_def: Mapping[str, Any]) -> Wanted:
        """Return what a package's definition asks for, or raise an error."""
        _check_definition(pkg_def)
        minimum = pkg_def.get("min version")
        if minimum is not None:
            check_minimum(minimum)
        return cls(relpath=pkg_def["relpath"], minimum=minimum, name=pkg_def.get("name"))

    @property
    def relative(self) -> str:
        """The relpath with this system's slashes."""
        return os.path.join(*self.relpath.split("/"))


_FIELDS = ("relpath", "name", "min version", "install hint")


def _check_definition(pkg_def: Any) -> None:
    example = "{'relpath': 'nipy/templates'}"
    if not hasattr(pkg_def, "get"):
        raise TypeError(f"a definition is a mapping such as {example}, not {pkg_def!r}")
    problem = f"a definition has a relpath, as in {example}, unlike {pkg_def!r}"
    if "relpath" not in pkg_def:
        raise KeyError(problem)  # nibabel's error
    if not isinstance(pkg_def["relpath"], str):
        raise TypeError(problem)
    # What else a definition holds is its author's.
    for key in pkg_def:
        meant = _meant(key)
        if meant is not None and meant not in pkg_def:
            import warnings

            # The fourth is who calls make_datasource and its like.
            message = f"{key!r} of {pkg_def['relpath']} is ignored; write {meant!r}"
            warnings.warn(message, UserWarning, stacklevel=5)


def _meant(key: object) -> str | None:
    """Return the field of a definition that a key is a misspelling of, or None."""
    if not isinstance(key, str) or key in _FIELDS:
        return None
    letters = "".join(filter(str.isalpha, key)).lower()
    if letters.startswith(("minimum", "minv")):
        return "min version"
    spelled = {each.replace(" ", ""): each for each in _FIELDS}
    if letters in spelled:
        return spelled[letters]
    from difflib import get_close_matches

    # What is like a short one is a word of its own: names, title.
    near = get_close_matches(letters, [each for each in spelled if len(each) > 4], 1, 0.85)
    return spelled[near[0]] if near else None


class Candidate(Record):
    """What a root holds of the data asked for; `reason` says the status in words for people."""

    __slots__ = ("path", "reason", "root", "status", "version")
    root: Root
    path: str
    status: Status
    version: str | None
    reason: str


def candidates(
    roots: Iterable[Root], relative: str, minimum: str | None = None
) -> Iterator[Candidate]:
    """Yield what each root holds at `relative`, in order, each place once.

    Lazily: who wants the first usable one reads no more than what is before it.
    """
    seen: set[str] = set()
    for root in roots:
        path = os.path.join(root.path, relative)
        place = os.path.normcase(path)
        if place not in seen:
            seen.add(place)
            status, version, reason = _examine(path, minimum)
            yield Candidate(root=root, path=path, status=status, version=version, reason=reason)


def every_candidate(
    roots: Iterable[Root], relative: str, minimum: str | None = None
) -> Iterator[Candidate]:
    """Yield what each root holds, those too that lead to a place that was looked at before.

    Two roots lead to one place where their paths are equal, or the one is a link to the other.
    """
    seen: dict[str, Root] = {}
    for root in roots:
        [found] = candidates([root], relative, minimum)
        # What is not there is no other place for being a link.
        place = found.path if found.status == "absent" else os.path.realpath(found.path)
        first = seen.setdefault(os.path.normcase(place), root)
        if first is not root:
            reason = f"looked at above, for {first.origin}"
            found = found.replace(status="repeated", version=None, reason=reason)
        yield found


def mark_choice(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates, the first usable one chosen and the usable ones after it hidden."""
    marked: list[Candidate] = []
    chosen: Candidate | None = None
    for candidate in found:
        if candidate.status != "usable":
            marked.append(candidate)
        elif chosen is None:
            chosen = candidate
            marked.append(candidate.replace(status="chosen"))
        else:
            reason = f"{candidate.reason}, hidden by {chosen.path}"
            marked.append(candidate.replace(status="hidden", reason=reason))
    return tuple(marked)


def newer_than_chosen(tried: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield the hidden candidates that are newer than the chosen one, which comes before them."""
    chosen: Candidate | None = None
    for each in tried:
        if each.status == "chosen":
            chosen = each
        elif chosen is not None and each.status == "hidden":
            try:
                if not at_least(str(chosen.version), str(each.version)):
                    yield each
            except ValueError:
                continue


def _examine(path: str, minimum: str | None) -> tuple[Status, str | None, str]:
    problem = _not_a_directory(path)
    if problem is not None:
        return problem[0], None, problem[1]
    file = os.path.join(path, layout.CONFIG_NAME)
    try:
        version, _ = find_setting(read_bytes(file), file, "DEFAULT", "version")
    except FileNotFoundError:
        return "no config.ini", None, _without_config(path)
    except OSError as error:
        return "unreadable", None, f"config.ini cannot be read ({error.strerror})"
    except IniError as error:
        return "malformed config.ini", None, f"config.ini:{error.line}: {error.problem}"
    if version is None:
        return "no version", None, "config.ini has no version below [DEFAULT]"
    return _judge(version, minimum)


def _not_a_directory(path: str) -> tuple[Status, str] | None:
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "absent", "not there"
    except OSError as error:
        # A name that no file of Windows can have, such as C:\one:D:\two.
        if getattr(error, "winerror", None) == 123:
            return "absent", "not there"
        return "unreadable", f"cannot be read ({error.strerror})"
    except ValueError as error:  # a NUL in the path
        return "unreadable", f"cannot be read ({error})"
    return None if stat.S_ISDIR(mode) else ("not a directory", "not a directory")


# What a folder without a config.ini may be that holds no data at all.
EMPTY = "empty directory"
LEFTOVER = "only what conda left behind"


def _without_config(path: str) -> str:
    reason = EMPTY
    try:
        for name in _names_below(path):
            # So conda calls a link to a folder that it could not take away.
            if not name.endswith(".c~"):
                return "no config.ini"
            reason = LEFTOVER
    except OSError:
        return "no config.ini"
    return reason


def _names_below(folder: str) -> Iterator[str]:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            yield from _names_below(path)
        else:
            yield name


def _judge(version: str, minimum: str | None) -> tuple[Status, str, str]:
    try:
        major_minor(version)
    except ValueError as error:
        return "malformed version", version, str(error)
    if minimum is None:
        return "usable", version, f"version {version}"
    try:
        new_enough = at_least(version, minimum)
    except ValueError:
        reason = f"version {version!r} cannot be compared with {minimum}"
        return "version not comparable", version, reason
    if not new_enough:
        return "too old", version, f"version {version} is older than {minimum}"
    return "usable", version, f"version {version}"
