"""What `where`, `list`, `verify` and `doctor` answer, as data and as text, for both fronts."""

from __future__ import annotations

import os
import shlex
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nipack
from nipack import data, questions
from nipack.advice.nearest import alternatives, nearest_relpaths, not_there
from nipack.advice.report import choice, conclusions, what_to_install
from nipack.data import Bomber, ConfigWarning, DataError, VersionedDatasource
from nipack.inventory.citations import citations
from nipack.inventory.copies import installed_relpaths, is_path
from nipack.inventory.verification import is_failure
from nipack.layout import is_relpath
from nipack.lookup.records import plain
from nipack.lookup.search import Wanted
from nipack.lookup.settings import search_settings
from nipack.lookup.version import check_minimum, normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

    from nipack.inventory.installed import InstalledPackage
    from nipack.inventory.verification import Progress, Verification
    from nipack.libraries.health import LibraryState

    Tone = Literal["", "good", "bad", "dim"]

# Of one copy's files; a person reads no more, and --json has them all.
MOST_PROBLEMS = 50
_NOTHING = "no data package is installed where data is looked for"


@dataclass(frozen=True)
class Line:
    """A line with a word of its own tone before it."""

    label: str
    tone: Tone
    text: str

    def __str__(self) -> str:
        """Return it without the tone."""
        return f"{self.label}: {self.text}"


@dataclass(frozen=True)
class Table:
    """Columns with their titles, and rows with a tone each; `right` has the numbers' columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Tone, tuple[str, ...]], ...]
    right: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as lines, the columns one below the other."""
        every = [self.columns, *(cells for _, cells in self.rows)]
        widths = [max(map(len, column)) for column in zip(*every, strict=True)]
        lines = []
        for cells in every:
            pairs = zip(self.columns, cells, widths, strict=True)
            padded = [
                cell.rjust(width) if column in self.right else cell.ljust(width)
                for column, cell, width in pairs
            ]
            lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)


@dataclass(frozen=True)
class Answer:
    """What a command answers.

    `document` is for --json. `paths` are printed alone, for programs; `parts` are for people.
    `warnings` and `errors` belong on stderr; what failed ends with 1.
    """

    document: Any
    parts: tuple[str | Line | Table, ...] = ()
    paths: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    failed: bool = False


def where(relpath: str, files: Sequence[str], min_version: str | None) -> Answer:
    """Answer where data, or each file of it, is; raises DataError where there is none."""
    source, warned = _source(relpath, min_version)
    paths = [source.get_filename(*file.split("/")) for file in files]
    missing = [file for file in files if not source.exists(*file.split("/"))]
    errors = [_not_there(source, file) for file in missing]
    newer = [
        f"{source.base_path} hides a newer copy, version {each.version} in {each.path}; remove one"
        for each in questions.newer_copies(relpath, min_version)
    ]
    return Answer(
        document={
            "relpath": relpath,
            "path": source.base_path,
            "version": source.version,
            "files": paths,
            "missing": [source.get_filename(*file.split("/")) for file in missing],
            "errors": errors,
        },
        paths=() if missing else tuple(paths or [source.base_path]),
        warnings=(*warned, *newer),
        errors=tuple(errors),
        failed=bool(missing),
    )


def _source(relpath: str, min_version: str | None) -> tuple[VersionedDatasource, list[str]]:
    """Return the data, and what was warned of; where there is none, the error tells of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConfigWarning)
        source = _found(relpath, min_version)
    return source, [str(warning.message) for warning in caught]


def _found(relpath: str, min_version: str | None) -> VersionedDatasource:
    package = {"relpath": relpath}
    if min_version is None:
        return data.make_datasource(package)
    source = data.datasource_or_bomber({**package, "min version": min_version})
    if isinstance(source, Bomber):
        raise DataError(str(source.msg))
    return source


def _not_there(source: VersionedDatasource, file: str) -> str:
    base = source.base_path
    command = f'dir /s "{base}"' if os.name == "nt" else f"ls -R {shlex.quote(base)}"
    return not_there(file, base, source.list_files(), remedy=f"to see what is: {command}")


def explanation(relpath: str, min_version: str | None) -> Answer:
    """Answer with the whole search."""
    found = nipack.explain(relpath, min_version)
    rows: list[tuple[Tone, tuple[str, ...]]] = []
    for each in found.tried:
        chosen = each.status == "chosen"
        cells = ("*" if chosen else "", each.path, each.reason, str(each.root.origin))
        rows.append(("good" if chosen else "", cells))
    table = Table(("", "path", "found", "because of"), tuple(rows))
    blocks = [*conclusions(found), *what_to_install(found)]
    return Answer(
        document={"chosen": found.chosen.path if found.chosen else None, **plain(found)},
        parts=(f"{choice(found)}\n", table, *(f"\n{block}" for block in blocks)),
        failed=found.chosen is None,
    )


def installed(*, check: bool, quick: bool, cite: bool) -> Answer:
    """Answer with every copy of every data package."""
    from nipack.libraries.health import finders

    packages = nipack.list_packages(check=check, quick=quick)
    finding = finders()
    document = [{**plain(each), "libraries": finding.get(each.path, ())} for each in packages]
    if not packages:
        return Answer(document, (_NOTHING,))
    if cite:
        return Answer(document, ("\n\n".join(citations(packages)),))
    columns = ("data", "version", "from", "size", "files", "look-up", "licence", "path")
    table = Table(columns, tuple(map(_row, packages)), right=("size",))
    lines = _finding([each for each in packages if each.visible], finding)
    return Answer(document, (table, *(["", *lines] if lines else [])))


def _finding(
    packages: Iterable[InstalledPackage], finding: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return a line for each library that finds some of the data once it is linked."""
    found: dict[str, list[str]] = {}
    for each in packages:
        for library in finding.get(each.path, ()):
            found.setdefault(library, []).append(each.relpath)
    lines = [f"{library} can find {', '.join(relpaths)}" for library, relpaths in found.items()]
    return (
        [*lines, "run nipack doctor to see whether they do, and nipack link to let them"]
        if lines
        else []
    )


def _row(each: InstalledPackage) -> tuple[Tone, tuple[str, ...]]:
    visibility = {"chosen": "visible", "hidden": "hidden"}.get(each.status, each.reason)
    cells = (
        each.relpath,
        each.version or "",
        each.owner.manager,
        size_text(each.size),
        each.check,
        visibility,
        each.license or "",
        each.path,
    )
    return "bad" if each.check == "damaged" else "" if each.visible else "dim", cells


def verification(
    places: Sequence[str],
    *,
    quick: bool,
    manifest: str | None,
    quiet: bool,
    progress: Progress | None = None,
) -> Answer:
    """Answer with what was found of each copy; `quiet` says nothing of what is not damaged."""
    found = nipack.verify(*places, quick=quick, manifest=manifest, progress=progress)
    parts = [line for each in found for line in _state_lines(each, quiet=quiet)]
    if not found and not quiet:
        parts = ["no data package is installed: nothing to check"]
    return Answer(plain(found), tuple(parts), failed=is_failure(found, asked_for=bool(places)))


def _state_lines(found: Verification, *, quiet: bool) -> list[str]:
    if quiet and found.state != "damaged":
        return []
    lines = [_state_line(found), *(f"  {each}" for each in found.problems[:MOST_PROBLEMS])]
    more = len(found.problems) - MOST_PROBLEMS
    return [*lines, f"  and {more:,} more; --json lists them all"] if more > 0 else lines


def _state_line(each: Verification) -> str:
    version = f" {each.version}" if each.version else ""
    place = f"{each.relpath}{version} in {each.path}" if each.relpath else f"{each.path}{version}"
    line = f"{place}: {each.state}"
    if each.state == "intact":
        how = "by name and size" if each.quick else "to the byte"
        line += f" {how} ({each.files} files, {size_text(each.size)})"
    elif each.problems:
        line += f" ({each.extent})"
    return line + (f"; {each.reason}" if each.reason else "")


def diagnosis(words: Sequence[str], min_version: str | None, *, full: bool) -> Answer:
    """Answer with what is wrong with data or a library's view of it, and how to fix it.

    `words` are relpaths and libraries' names; without any, all that is installed is looked at.
    """
    named = [word for word in words if _is_library(word)]
    relpaths = [word for word in words if word not in named]
    if not named:
        found = nipack.diagnose(*relpaths, min_version=min_version, full=full)
    else:
        found = questions.diagnosis_of(
            [Wanted.read({"relpath": each, "min version": min_version}) for each in relpaths],
            search_settings(),
            full=full,
        )
    states = questions.diagnose_libraries(*named) if named or not relpaths else ()
    parts: list[str | Line] = [
        Line(each.verdict, "good" if each.usable else "bad", text)
        for each, text in zip(found.packages, found.texts(), strict=True)
    ]
    if not parts and not named:
        parts = [_NOTHING]
    parts += [f"\n{remark}" for remark in found.remarks()]
    usable = bool(found) and all(each.healthy for each in states if each.library in named)
    return Answer(
        document={"usable": usable, **plain(found), "libraries": plain(states)},
        parts=(*parts, *_library_lines(states, first=not parts)),
        failed=not usable,
    )


def _library_lines(states: Sequence[LibraryState], *, first: bool) -> list[str]:
    lines = [str(each) for each in states]
    return lines if first or not lines else [f"\n{lines[0]}", *lines[1:]]


def size_text(size: int) -> str:
    """Return a size in bytes as people read it, in powers of ten: 1.1 MB."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"


def problem_of_place(
    word: str, *, or_directory: bool = False, or_library: bool = False
) -> str | None:
    """Return why a word is not a relpath, or None.

    It may be a directory's path or a library's name where one of these can be meant.
    """
    if is_relpath(word) or (or_directory and is_path(word)) or (or_library and _is_library(word)):
        return None
    if or_directory and os.path.isdir(word):
        return f"'{word}' is a directory here; write {os.path.join('.', word)}"
    near = nearest_relpaths(word, installed_relpaths(search_settings()))
    example = f"did you mean {alternatives(near)}?" if near else "e.g. nipy/templates"
    return f"'{word}': a relpath is umbrella/directory, {example}"


def _is_library(word: str) -> bool:
    from nipack.libraries.table import LIBRARIES

    return word in LIBRARIES


def normal_minimum(word: str) -> str:
    """Return a version that others are compared with, as PEP 440 spells it, or raise ValueError."""
    check_minimum(word)
    return normal(word)
