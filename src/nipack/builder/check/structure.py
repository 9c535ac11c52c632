"""What can be wrong with a data package: each problem with its place and its remedy."""

import configparser
import difflib
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from nipack.builder.definition.model import DEFINITION_NAME, Definition, is_version
from nipack.builder.rules import RULES, problem_at
from nipack.builder.source.unpack import end_of_link, leads_out
from nipack.layout import CONFIG_NAME
from nipack.system.errors import DataPackageError, Problem
from nipack.system.foreign import read_ini
from nipack.system.progress import Reporter


def raise_or_warn(
    problems: Iterable[Problem],
    definition: Definition,
    reporter: Reporter,
    *,
    release: bool = False,
) -> None:
    """Raise if a problem is an error; warn of the others, but for what the definition excepts.

    For a `release`, what must not be passed on is an error too.
    """
    left = [problem for problem in problems if not is_excepted(problem, definition)]
    if release:
        left = [for_release(problem) for problem in left]
    if any(problem.severity == "error" for problem in left):
        raise DataPackageError(left)
    for problem in left:
        reporter.warn(problem)


def is_excepted(problem: Problem, definition: Definition) -> bool:
    """Tell whether a definition lets a problem stay."""
    path = problem.where.removeprefix(f"{definition.relpath}/")
    places = (path, re.sub(r":[0-9]+$", "", path))
    return RULES[problem.code].can_except and any(
        problem.code == each.code and any(fnmatchcase(place, each.path) for place in places)
        for each in definition.exceptions
    )


def for_release(problem: Problem) -> Problem:
    """Return a problem as it is for what is passed on: no licence is an error there."""
    if RULES[problem.code].stops_release:
        return replace(problem, severity="error")
    return problem


def no_definition_warning(source: str, definition: Definition, directory: Path) -> Problem:
    """Return what is not known of a package whose name and relpath its folders gave."""
    message = (
        f"no definition, so the folders {directory.parent.name}/{directory.name} give the name "
        f"{definition.name} and the relpath {definition.relpath}, and there is no licence, "
        "summary, maintainer or citation"
    )
    remedy = f"write a {DEFINITION_NAME} before you redistribute the packages"
    return problem_at("no-definition", source, message, remedy)


def _licenses_without_text(definition: Definition) -> list[str]:
    """Return the licences that are stated and of which no stanza has the text."""
    stanzas = definition.copyright
    stated = [each.license for each in stanzas] or [definition.license or ""]
    written = {each.license for each in stanzas if each.text}
    return [each for each in dict.fromkeys(stated) if each and each not in written]


def metadata_warnings(definition: Definition) -> list[Problem]:
    """Return what a definition leaves out or says that its users should know."""
    if definition.path is None:
        return []
    missing = [
        name
        for name in ("copyright", "summary", "description", "homepage", "maintainer")
        if not getattr(definition, name)
    ]
    problems = list(_exception_problems(definition))
    if not definition.license:
        message = "it states no licence"
        remedy = "ask the authors of the data, then add e.g. license: CC0-1.0"
        problems.append(problem_at("no-license", definition.where(), message, remedy))
    unwritten = _licenses_without_text(definition)
    if unwritten:
        message = f"it has no text of {' and '.join(unwritten)}"
        remedy = "copy the licence beside it, and name it as text_file in a stanza of copyright"
        where = definition.where("copyright" if definition.copyright else "license")
        problems.append(problem_at("no-license-text", where, message, remedy))
    if missing:
        message = f"it does not say {', '.join(missing)}"
        remedy = "add them, so that users know what they get"
        problems.append(problem_at("missing-metadata", definition.where(), message, remedy))
    if definition.redistribution != "verified":
        message = f"redistribution is {definition.redistribution}"
        remedy = (
            "keep the packages to yourself"
            if definition.redistribution == "forbidden"
            else "before you redistribute the packages, make sure that the licence allows it"
        )
        where = definition.where("redistribution")
        problems.append(
            problem_at(f"redistribution-{definition.redistribution}", where, message, remedy)
        )
    return problems


def release_warnings(definition: Definition) -> Iterator[Problem]:
    """Yield what a recipe for some distribution will ask for."""
    if definition.maintainer is not None and definition.maintainer.github is None:
        message = "it does not have the maintainer's name on GitHub, which conda-forge asks for"
        where = definition.where("maintainer")
        yield problem_at("no-github-name", where, message, "add e.g. github: ada")


def _exception_problems(definition: Definition) -> Iterator[Problem]:
    for index, each in enumerate(definition.exceptions):
        if each.code not in RULES or not RULES[each.code].can_except:
            known = "cannot be excepted" if each.code in RULES else "is not a problem code"
            where = definition.where("exceptions", index, "code")
            near = difflib.get_close_matches(each.code, RULES, n=1)
            remedy = f"did you mean {near[0]}?" if near and known.startswith("is") else "remove it"
            yield problem_at("exception-unknown", where, f"{each.code} {known}", remedy)


def read_config(directory: Path, place: str, definition: Definition) -> tuple[str, list[Problem]]:
    """Return the version that config.ini states, and the problems of it, which is at `place`.

    nibabel reads the file with ConfigParser and takes the first two parts of the version for
    integers, so what it cannot read is an error here.
    """
    text = ""
    try:
        text = read_ini(directory / CONFIG_NAME)
        parser = configparser.ConfigParser()
        # All of \n, \r\n and \r end a line, as in the file that nibabel opens.
        parser.read_file(io.StringIO(text, newline=None), CONFIG_NAME)
        version = parser.get("DEFAULT", "version")
    except OSError as error:
        remedy = "make it readable"
        return "", [problem_at("config-unreadable", place, f"{error.strerror}", remedy)]
    except UnicodeDecodeError:
        return "", [problem_at("config-unreadable", place, "it is not UTF-8", "save it as UTF-8")]
    except configparser.NoOptionError:
        remedy = "add 'version = 0.1' below a line '[DEFAULT]'"
        return "", [problem_at("config-no-version", place, "it states no version", remedy)]
    except configparser.Error as error:
        reason = " ".join(str(error).split())
        remedy = "write '[DEFAULT]' and 'version = 0.1', a line each"
        if text.startswith("\ufeff"):
            reason, remedy = "it begins with a byte order mark", "save it as UTF-8 without one"
        message = f"nibabel cannot read it: {reason}"
        return "", [problem_at("config-malformed", place, message, remedy)]
    where = f"{place}:{_version_line(text)}"
    return version, _version_problems(version, where, definition)


def _version_line(text: str) -> int:
    lines = text.splitlines()
    return next(
        (n for n, line in enumerate(lines, 1) if re.match(r"version\s*[=:]", line, re.I)), 1
    )


def _version_problems(version: str, where: str, definition: Definition) -> list[Problem]:
    problems = []
    if not is_version(version):
        message = (
            f"version {version[:60]!r} is not of the form 1.2 or 1.2.rc1: nibabel cannot read it, "
            "or package managers sort it in different ways"
        )
        problems.append(problem_at("config-version", where, message, "write e.g. version = 0.3"))
    if definition.version is not None and definition.version != version:
        message = (
            f"version is {version}, but {definition.where('version')} says {definition.version}"
        )
        remedy = "make them the same"
        problems.append(problem_at("version-differs", where, message, remedy))
    return problems


def walk(directory: Path, relpath: str) -> tuple[list[str], list[Problem]]:
    """Return the sorted paths of the files and links below a directory, and what is wrong there."""
    paths: list[str] = []
    problems: list[Problem] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        entries = _entries(directory / folder)
        if not entries:
            remedy = "package managers drop it; put a file there"
            where = f"{relpath}/{folder}".rstrip("/")
            problems.append(problem_at("empty-directory", where, "the folder is empty", remedy))
        for entry in entries:
            path, where = folder + entry.name, _shown(f"{relpath}/{folder}{entry.name}")
            problem = _entry_problem(entry, path, directory, where)
            if problem is not None:
                problems.append(problem)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(f"{path}/")
            else:
                paths.append(path)
                if entry.is_dir():
                    problems.append(_folder_link(directory / path, where))
    problems += _collisions(paths, relpath)
    return sorted(paths, key=os.fsencode), sorted(problems, key=lambda problem: problem.where)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def _shown(path: str) -> str:
    """Return a path that can be printed, whatever bytes are in it."""
    return path.encode("utf-8", "backslashreplace").decode()


def _entry_problem(
    entry: os.DirEntry[str], path: str, directory: Path, where: str
) -> Problem | None:
    problem = _name_problem(path, where)
    if problem is not None:
        return problem
    if entry.is_symlink():
        return _link_problem(path, directory, where)
    if not entry.is_dir(follow_symlinks=False) and not entry.is_file(follow_symlinks=False):
        message = "it is neither a file, a folder nor a link"
        return problem_at("special-file", where, message, "remove it")
    return None


def _name_problem(path: str, where: str) -> Problem | None:
    raw = os.fsencode(path)
    try:
        if raw.decode("utf-8") != path:
            message = f"this locale ({sys.getfilesystemencoding()}) cannot spell its name"
            return problem_at("name-not-utf8", where, message, "set LC_ALL=C.UTF-8")
    except UnicodeDecodeError:
        return problem_at("name-not-utf8", where, "its name is not UTF-8", "rename it")
    if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\\\\]", path):
        message = "its name has a line break, a control character or a backslash"
        return problem_at("name-unportable", where, message, "rename it")
    return None


def _link_problem(path: str, directory: Path, where: str) -> Problem | None:
    link = directory / path
    target = os.readlink(link)
    if ".git/annex/objects/" in target:
        return _annex_problem(link, where)
    # The words count too: a link that goes out by '..' and comes back in by the folder's name is
    # lost where the folder is installed under another name.
    end = end_of_link(link)
    if leads_out(path, target) or (end is not None and not end.is_relative_to(directory.resolve())):
        message = f"it is a link that leaves the data directory, to {_shown(target)}"
        return problem_at("link-escapes", where, message, "put a copy of the file there")
    if not link.exists():
        message = f"it is a link to {_shown(target)}, which is not there"
        return problem_at("link-dangling", where, message, "fix or remove the link")
    return None


def _folder_link(link: Path, where: str) -> Problem:
    message = f"it is a link to the folder {_shown(os.readlink(link))}, of which conda leaves "
    remedy = "put the folder there, or link its files"
    return problem_at("link-to-folder", where, f"{message}{_shown(link.name)}.c~ behind", remedy)


def _annex_problem(link: Path, where: str) -> Problem:
    """Return what is to be done about a link of git-annex, as DataLad's data sets are made of."""
    if link.exists():
        message = "it is a link into git-annex's store, which no package has"
        return problem_at("link-escapes", where, message, "put the file there: git annex unlock")
    message = "it is a link of git-annex to content that was not fetched"
    remedy = f"fetch it: datalad get {_shown(link.name)}, then git annex unlock"
    return problem_at("link-dangling", where, message, remedy)


def _collisions(paths: list[str], relpath: str) -> Iterator[Problem]:
    """Yield what macOS and Windows take for one file: they ignore case, and Unicode's forms."""
    first: dict[str, str] = {}
    for path in sorted(paths):
        other = first.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if other != path:
            message = f"macOS and Windows do not tell its name from {other}"
            yield problem_at("name-collision", f"{relpath}/{path}", message, "rename one of them")
