"""Raise the version, in config.ini and in the definition, and its date; no other byte changes.

A definition whose source is an archive at an address follows a release of it.
"""

import configparser
import io
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from packaging.version import Version

from nipack.builder.authoring.outdated import definition_of
from nipack.builder.authoring.releases import address_of, newest_release
from nipack.builder.check.structure import read_config
from nipack.builder.definition.model import DEFINITION_NAME, Definition
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source, Sources
from nipack.builder.definition.yaml_lines import FieldPath
from nipack.builder.rules import problem_at
from nipack.builder.source.folders import definition_path, find_data_directory
from nipack.builder.source.tree import SourceTree, fetch_source, local_path
from nipack.layout import CONFIG_NAME
from nipack.system.atomic import written_beside
from nipack.system.errors import DataPackageError, SourceError, system_errors_as
from nipack.system.hashing import digest_file
from nipack.system.progress import Reporter

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
    """A version, the next one, and the changes that make it so.

    `parts` has the new versions of the parts that are raised with it, by their names.
    """

    before: str
    after: str
    changes: tuple[Change, ...]
    definition: Definition | None
    parts: Mapping[str, str] = field(default_factory=dict)

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
def plan_bump(directory: Path, part: Part, released: date, *, parts: Sequence[str] = ()) -> Bump:
    """Return what raises the version of the data in a directory, or in the one folder of it.

    A definition stands for the folder that its source names, else for its own, and its relpath says
    which of several folders is the data.  Its date, if it has one, becomes that of the release.
    With it rise those of `parts` that have a version of their own.
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
    begun = _begun(data, definition, part)
    before = begun or _version(data, definition, str(directory))
    after = next_version(before, part)
    raised = dict(_raised(definition, parts, after, part, begun=begun is not None))
    changes = []
    if data is not None:
        path = directory / data.relative_to(tree.directory) / CONFIG_NAME
        changes.append(_config_change(path, after))
    if definition is not None and definition.path is not None:
        values: dict[FieldPath, str] = {("version",): after, ("date",): released.isoformat()}
        for index, each in enumerate(definition.parts):
            if each.name in raised:
                values["parts", index, "version"] = raised[each.name]
                values["parts", index, "date"] = released.isoformat()
        changes.append(_definition_change(definition.path, values))
    return Bump(
        before=before, after=after, changes=tuple(changes), definition=definition, parts=raised
    )


def _raised(
    definition: Definition | None, names: Sequence[str], after: str, by: Part, *, begun: bool
) -> Iterator[tuple[str, str]]:
    """Yield the parts of some names, with the versions that they get.

    That is the whole's, unless it would not be newer.  Raises SourceError for a name that no
    part has, or one of a part without a version, which follows the whole by itself.
    """
    versions = {each.name: each.version for each in definition.parts} if definition else {}
    for name in names:
        version = versions.get(name)
        if version is None:
            place = str(definition.path) if definition else DEFINITION_NAME
            told = "has no version of its own" if name in versions else "is not there"
            own = ", ".join(each for each, own in versions.items() if own)
            remedy = f"name one of {own}" if own else "leave --part out"
            raise SourceError(f"{place}: the part {name} {told}; {remedy}")
        if Version(version) < Version(after):
            version = after
        elif not begun:
            version = next_version(version, by)
        yield name, version


def plan_follow(
    directory: Path,
    version: str | None,
    released: date,
    reporter: Reporter,
    *,
    offline: bool = False,
) -> Bump:
    """Return what makes a definition that of another release of its source, the newest if None.

    The release is downloaded, and its digests and size are written where those of the old one
    stood.  Raises SourceError where there is no such release, or nothing newer.
    """
    definition = definition_of(directory)
    source, before = definition.source, definition.version
    if not isinstance(source, Source) or before is None or definition.path is None:
        raise SourceError(
            f"{definition.path}: a release can be followed where the definition states a version "
            "and its source is one archive at an address; change this one by hand"
        )
    after = version or newest_release(source, before).version
    if Version(after) <= Version(before):
        raise SourceError(f"{definition.path}: {before} is the newest release at its source")
    address = address_of(source.address, before, after)
    if address == source.address:
        raise SourceError(
            f"{definition.path}: the address of the source has no {before} in it, so that of "
            f"{after} is not known; write it there"
        )
    path, _ = fetch_source(Source(address=address), reporter, offline=offline)
    values: dict[FieldPath, str] = {
        ("version",): after,
        ("date",): released.isoformat(),
        ("revision",): "0",
        ("source", "address"): address,
        ("source", "size"): str(path.stat().st_size),
    }
    digests = digest_file(path, source.digests).by_algorithm
    values |= {("source", name): digest for name, digest in digests.items()}
    change = _definition_change(definition.path, values)
    return Bump(before=before, after=after, changes=(change,), definition=None)


def _definition_beside(directory: Path) -> Definition | None:
    """Return the definition in the directory, or in the folder around the data directory."""
    path = definition_path(directory)
    if path is None and (directory / CONFIG_NAME).is_file():
        path = definition_path(directory.absolute().parent)
    return read_definition(path) if path is not None else None


def _begun(data: Path | None, definition: Definition | None, part: Part) -> str | None:
    """Return the version before a bump that was killed when it had changed the definition alone."""
    if data is None or definition is None or definition.version is None:
        return None
    before, problems = read_config(data, CONFIG_NAME, Definition(name="", relpath=""))
    begun = not problems and definition.version == next_version(before, part)
    return before if begun else None


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


def _definition_change(path: Path, values: Mapping[FieldPath, str]) -> Change:
    """Replace the values of those of the fields that the definition has."""
    before = path.read_bytes()
    # Positions count characters, so the byte order mark must stay one of them.
    text = before.decode("utf-8")
    mark = text[: text.startswith("\ufeff")]
    root = yaml.compose(text.removeprefix(mark), yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode), "a definition that was read has fields"
    nodes = [(node, values[place]) for place, node in _fields(root) if place in values]
    # From the end, so that the places of those before stay.
    for node, value in sorted(nodes, key=lambda each: -each[0].start_mark.index):
        quote = node.style or ""
        start, end = node.start_mark.index + len(mark), node.end_mark.index + len(mark)
        text = f"{text[:start]}{quote}{value}{quote}{text[end:]}"
    return Change(path=path, before=before, after=text.encode("utf-8"))


def _fields(node: yaml.CollectionNode, above: FieldPath = ()) -> Iterator[tuple[FieldPath, Any]]:
    """Yield every field of a mapping, and of the mappings and lists in it."""
    is_list = isinstance(node, yaml.SequenceNode)
    pairs = enumerate(node.value) if is_list else ((key.value, each) for key, each in node.value)
    for name, value in pairs:
        yield (*above, name), value
        if isinstance(value, yaml.CollectionNode):
            yield from _fields(value, (*above, name))


def apply_bump(bump: Bump) -> None:
    """Write every change beside its file, and only when all are written put them in place.

    The definition is the first: a bump that was killed is known by that, and the next ends it.
    """
    with ExitStack() as stack:
        for change in bump.changes:
            output = stack.enter_context(written_beside(change.path, SourceError))
            output.write(change.after)
            output.flush()
            shutil.copymode(change.path, output.name)
