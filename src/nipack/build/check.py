"""What can be wrong with a data package: each problem with its place and its remedy."""

import configparser
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from packaging.version import InvalidVersion, Version

from nipack.build.definition import DEFINITION_NAME, Definition
from nipack.build.errors import DataPackageError, Problem, SourceError
from nipack.build.progress import Reporter

CONFIG_NAME = "config.ini"


def error_at(code: str, where: str, message: str, remedy: str) -> Problem:
    """Return a problem that stops a build."""
    return Problem(severity="error", code=code, where=where, message=message, remedy=remedy)


def warning_at(code: str, where: str, message: str, remedy: str) -> Problem:
    """Return a problem that does not stop a build."""
    return Problem(severity="warning", code=code, where=where, message=message, remedy=remedy)


def raise_or_warn(problems: list[Problem], definition: Definition, reporter: Reporter) -> None:
    """Raise if a problem is an error; warn of the others, but for what the definition excepts."""
    left = [problem for problem in problems if not _excepted(problem, definition)]
    if any(problem.severity == "error" for problem in left):
        raise DataPackageError(left)
    for problem in left:
        reporter.warn(problem)


def _excepted(problem: Problem, definition: Definition) -> bool:
    path = problem.where.removeprefix(f"{definition.relpath}/")
    return problem.severity == "warning" and any(
        problem.code == each.code and fnmatchcase(path, each.path) for each in definition.exceptions
    )


def nothing_defined(source: str, definition: Definition, directory: Path) -> list[Problem]:
    """Return what is not known of a package without a definition."""
    message = (
        f"no definition, so the folders {directory.parent.name}/{directory.name} give the name "
        f"{definition.name} and the relpath {definition.relpath}, and there is no licence, "
        "summary, maintainer or citation"
    )
    remedy = f"write a {DEFINITION_NAME} before you pass the packages on"
    return [warning_at("no-definition", source, message, remedy)]


def definition_warnings(definition: Definition) -> list[Problem]:
    """Return what a definition leaves out or says that its users should know."""
    if definition.path is None:
        return []
    missing = [
        name
        for name in ("license", "copyright", "summary", "description", "homepage", "maintainer")
        if not getattr(definition, name)
    ]
    problems = []
    if missing:
        message = f"it does not say {', '.join(missing)}"
        remedy = "add them, so that users know what they get"
        problems.append(warning_at("missing-metadata", definition.where(), message, remedy))
    if definition.redistribution != "verified":
        message = f"redistribution is {definition.redistribution}"
        remedy = (
            "keep the packages to yourself"
            if definition.redistribution == "forbidden"
            else "before you pass the packages on, make sure that the licence allows it"
        )
        where = definition.where("redistribution")
        problems.append(
            warning_at(f"redistribution-{definition.redistribution}", where, message, remedy)
        )
    return problems


def read_config(directory: Path, definition: Definition) -> tuple[str, list[Problem]]:
    """Return the version that config.ini states, and the problems of it.

    nibabel reads the file with ConfigParser and takes the first two parts of the version for
    integers, so what it cannot read is an error here.
    """
    path = directory / CONFIG_NAME
    try:
        text = path.read_bytes().decode("utf-8")
        parser = configparser.ConfigParser()
        parser.read_string(text)
        version = parser.get("DEFAULT", "version")
    except OSError as error:
        remedy = "make it readable"
        return "", [error_at("config-unreadable", str(path), f"{error.strerror}", remedy)]
    except UnicodeDecodeError:
        return "", [error_at("config-unreadable", str(path), "it is not UTF-8", "save it as UTF-8")]
    except configparser.NoOptionError:
        remedy = "add 'version = 0.1' below a line '[DEFAULT]'"
        return "", [error_at("config-no-version", str(path), "it states no version", remedy)]
    except configparser.Error as error:
        reason = str(error).replace("\n", " ")
        remedy = "write '[DEFAULT]' and 'version = 0.1', a line each"
        return "", [
            error_at("config-malformed", str(path), f"nibabel cannot read it: {reason}", remedy)
        ]
    where = f"{path}:{_version_line(text)}"
    return version, _version_problems(version, where, definition)


def _version_line(text: str) -> int:
    lines = text.splitlines()
    return next(
        (n for n, line in enumerate(lines, 1) if re.match(r"version\s*[=:]", line, re.I)), 1
    )


def _version_problems(version: str, where: str, definition: Definition) -> list[Problem]:
    problems = []
    try:
        Version(version)
        readable = re.fullmatch(r"[0-9]+\.[0-9]+(\.[0-9A-Za-z]+)*", version) is not None
    except InvalidVersion:
        readable = False
    if not readable:
        message = f"version '{version}' is not of the form 1.2: nibabel cannot read it"
        problems.append(error_at("config-version", where, message, "write e.g. version = 0.3"))
    if definition.version is not None and definition.version != version:
        message = (
            f"version is {version}, but {definition.where('version')} says {definition.version}"
        )
        remedy = "make the two equal"
        problems.append(error_at("version-differs", where, message, remedy))
    return problems


def walk(directory: Path, relpath: str) -> tuple[list[str], list[Problem]]:
    """Return the sorted paths of the files and links below a directory, and what is wrong there."""
    paths: list[str] = []
    problems: list[Problem] = []
    for entry in _entries(directory):
        path = Path(entry.path).relative_to(directory).as_posix()
        where = f"{relpath}/{path}".encode("utf-8", "backslashreplace").decode()
        problem = _name_problem(path, where)
        if problem is None and entry.is_symlink():
            problem = _link_problem(Path(entry.path), directory, where)
        elif problem is None and entry.is_dir(follow_symlinks=False):
            if not os.listdir(entry.path):
                message, remedy = (
                    "the folder is empty",
                    "package managers drop it; put a file there",
                )
                problems.append(warning_at("empty-directory", where, message, remedy))
            continue
        elif problem is None and not entry.is_file(follow_symlinks=False):
            message = "it is neither a file, a folder nor a link"
            problem = error_at("special-file", where, message, "remove it")
        if problem is None:
            paths.append(path)
        else:
            problems.append(problem)
    return sorted(paths, key=os.fsencode), problems


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise SourceError(f"{directory}: {error.strerror}; make it readable") from error
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))


def _name_problem(path: str, where: str) -> Problem | None:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return error_at("name-not-utf8", where, "its name is not UTF-8", "rename it")
    if re.search(r"[\x00-\x1f\x7f\\]", path):
        message = "its name has a control character or a backslash"
        return error_at("name-unportable", where, message, "rename it")
    return None


def _link_problem(path: Path, directory: Path, where: str) -> Problem | None:
    target = os.readlink(path)
    if os.path.isabs(target) or not Path(os.path.realpath(path)).is_relative_to(
        directory.resolve()
    ):
        message = f"it is a link that leaves the data directory, to {target}"
        return error_at("link-escapes", where, message, "put a copy of the file there")
    if not path.exists():
        message = f"it is a link to {target}, which is not there"
        return error_at("link-dangling", where, message, "mend or remove the link")
    return None
