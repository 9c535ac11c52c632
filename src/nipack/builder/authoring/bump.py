"""Raise the version, in config.ini and in the definition, and its date; no other byte changes."""

import configparser
import io
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import yaml

from nipack.builder.check.structure import read_config
from nipack.builder.definition.model import DEFINITION_NAME, Definition
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source, Sources
from nipack.builder.rules import problem_at
from nipack.builder.source.folders import definition_path, find_data_directory
from nipack.builder.source.tree import SourceTree, local_path
from nipack.layout import CONFIG_NAME
from nipack.system.atomic import written_beside
from nipack.system.errors import DataPackageError, SourceError, system_errors_as

Part = Literal["major", "minor"]

_VERSION_LINE = re.compile(rb"^(version[ \t]*[=:][ \t]*)([^\r\n]*?)(?=[ \t]*\r?$)", re.M | re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a file is, and what it becomes."""

    path: Path
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bump:
    """A version, the next one, and the changes that make it so."""

    before: str
    after: str
    changes: tuple[Change, ...]
    definition: Definition | None

    @property
    def stale(self) -> list[str]:
        """The fields of the definition that are still of the version before."""
        source = self.definition and self.definition.source
        return ["source"] if source and _local_folder(source) is None else []


def next_version(version: str, part: Part) -> str:
    """Return the next version: after 0.9.2 comes 1.0 or 0.10."""
    major, minor = (int(each) for each in version.split(".")[:2])
    return f"{major + 1}.0" if part == "major" else f"{major}.{minor + 1}"


@system_errors_as(SourceError, "make it readable")
def plan_bump(directory: Path, part: Part, released: date) -> Bump:
    """Return what raises the version of the data in a directory, or in the one folder of it.

    A definition stands for the folder that its source names, else for its own, and its relpath says
    which of several folders is the data.  Its date, if it has one, becomes that of the release.
    Raises DataPackageError where there is no version to raise, or two that differ.
    """
    if directory.name == DEFINITION_NAME and directory.is_file():
        directory = directory.parent
    if not directory.is_dir():
        raise SourceError(f"{directory}: not a directory; name the one with {CONFIG_NAME}")
    definition = _definition_beside(directory)
    if definition and definition.source:
        directory = _local_folder(definition.source) or directory
    tree = SourceTree(address=str(directory), directory=directory.absolute())
    data = find_data_directory(tree, definition.relpath if definition else None)
    before = _version(data, definition, str(directory))
    after = next_version(before, part)
    changes = []
    if data is not None:
        path = directory / data.relative_to(tree.directory) / CONFIG_NAME
        changes.append(_config_change(path, after))
    if definition is not None and definition.path is not None:
        values = {"version": after, "date": released.isoformat()}
        changes.append(_definition_change(definition.path, values))
    return Bump(before=before, after=after, changes=tuple(changes), definition=definition)


def _definition_beside(directory: Path) -> Definition | None:
    """Return the definition in the directory, or in the folder around the data directory."""
    path = definition_path(directory)
    if path is None and (directory / CONFIG_NAME).is_file():
        path = definition_path(directory.absolute().parent)
    return read_definition(path) if path is not None else None


def _version(data: Path | None, definition: Definition | None, place: str) -> str:
    if data is None and definition is None:
        message = f"no {CONFIG_NAME} in it or in a folder of it, and no {DEFINITION_NAME}"
        remedy = "name the data directory"
        raise DataPackageError([problem_at("no-data-directory", place, message, remedy)])
    if data is None:
        return (definition and definition.version) or ""
    stand_in = definition or Definition(name="", relpath="")
    version, problems = read_config(data, str(data / CONFIG_NAME), stand_in)
    if problems:
        raise DataPackageError(problems)
    return version


def _config_change(path: Path, after: str) -> Change:
    """Replace the value of the one line that nibabel takes the version from."""
    before = path.read_bytes()
    for match in _VERSION_LINE.finditer(before):
        changed = before[: match.start(2)] + after.encode("ascii") + before[match.end(2) :]
        if _stated(changed) == after:
            return Change(path=path, before=before, after=changed)
    message = "its version is not on a line of its own"
    remedy = f"write 'version = {after}' there"
    raise DataPackageError([problem_at("config-malformed", str(path), message, remedy)])


def _stated(config: bytes) -> str:
    parser = configparser.ConfigParser()
    parser.read_file(io.StringIO(config.decode("utf-8"), newline=None))
    return parser.get("DEFAULT", "version", fallback="")


def _local_folder(source: Source | Sources) -> Path | None:
    """Return the folder that a definition's source is, None where it is an archive or address."""
    if isinstance(source, Sources):
        return None
    if "://" in source.address and not source.address.startswith("file://"):
        return None
    path = local_path(source.address)
    return path if path.is_dir() else None


def _definition_change(path: Path, values: dict[str, str]) -> Change:
    """Replace the values of those of the fields that the definition has."""
    before = path.read_bytes()
    # Positions count characters, so the byte order mark must stay one of them.
    text = before.decode("utf-8")
    mark = text[: text.startswith("\ufeff")]
    root = yaml.compose(text.removeprefix(mark), yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode), "a definition that was read has fields"
    nodes = [(node, values[key.value]) for key, node in root.value if key.value in values]
    # From the end, so that the places of those before stay.
    for node, value in sorted(nodes, key=lambda each: -each[0].start_mark.index):
        quote = node.style or ""
        start, end = node.start_mark.index + len(mark), node.end_mark.index + len(mark)
        text = f"{text[:start]}{quote}{value}{quote}{text[end:]}"
    return Change(path=path, before=before, after=text.encode("utf-8"))


def apply_bump(bump: Bump) -> None:
    """Write every change beside its file, and only when all are written put them in place."""
    with ExitStack() as stack:
        for change in bump.changes:
            output = stack.enter_context(written_beside(change.path, SourceError))
            output.write(change.after)
            output.flush()
            shutil.copymode(change.path, output.name)
