"""A data package: its definition and its payload, read once and valid from then on."""

import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nipack.build.check import (
    CONFIG_NAME,
    definition_warnings,
    error_at,
    nothing_defined,
    raise_or_warn,
    read_config,
    walk,
    warning_at,
)
from nipack.build.definition import (
    DEFINITION_NAME,
    Definition,
    Source,
    read_definition,
    release_time,
)
from nipack.build.errors import DataPackageError, Problem, SourceError
from nipack.build.hashing import digest_files
from nipack.build.progress import Reporter
from nipack.build.source import SourceRecord, SourceTree, open_source

# Times come from SOURCE_DATE_EPOCH, the definition or the archive.  Where none of them speaks,
# any fixed day will do, so long as lintian does not call it ancient (before 1984).
DEFAULT_TIME = release_time(date(2000, 1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of the payload; `path` is relative to the data directory, with forward slashes.

    `size` is in bytes, the digests are hexadecimal; `md5` is None where no format asked for it.
    """

    path: str
    size: int
    sha256: str
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLink:
    """A symbolic link of the payload, to another place inside the data directory.

    `leads_to` is the path of the file at its end, None where that is a folder.
    """

    path: str
    target: str
    leads_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPackage:
    """A valid data package, its payload lying unpacked in `directory`, inside the source `tree`.

    `archive` is the file that the tree was unpacked from, None where the source is a directory.
    `files` and `links` are sorted by path; `time` is in seconds since 1970.
    """

    definition: Definition
    version: str
    files: tuple[DataFile, ...]
    links: tuple[DataLink, ...]
    directory: Path
    tree: Path
    time: int
    archive: Path | None = None
    source: SourceRecord | None = None

    @property
    def size(self) -> int:
        """The payload's size in bytes."""
        return sum(file.size for file in self.files)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all files and links, relative to the data directory."""
        return (*(file.path for file in self.files), *(link.path for link in self.links))


def read_package(
    source: str, workspace: Path, reporter: Reporter, *, md5: bool = False
) -> DataPackage:
    """Read a data package, unpacking into `workspace` where it must.

    Raises DataPackageError with every problem, or SourceError.  Warnings go to the reporter.
    """
    definition = _find_definition(source)
    tree = open_source(_origin(source, definition), workspace, reporter)
    directory = _data_directory(tree.directory, definition)
    problems: list[Problem] = []
    if definition is None:
        definition = _definition_of_layout(directory)
        problems += nothing_defined(source, definition, directory)
    problems += definition_warnings(definition)
    version, config_problems = read_config(directory, definition)
    paths, payload_problems = walk(directory, definition.relpath)
    problems += [*config_problems, *payload_problems]
    raise_or_warn(problems, definition, reporter)
    time, time_problems = _package_time(definition, tree)
    raise_or_warn(time_problems, definition, reporter)
    files, links = _read_payload(directory, paths, reporter, md5=md5)
    return DataPackage(
        definition=definition,
        version=version,
        files=files,
        links=links,
        directory=directory,
        tree=tree.directory,
        time=time,
        archive=tree.archive,
        source=tree.record,
    )


def _find_definition(source: str) -> Definition | None:
    if "://" in source:
        return None
    path = Path(source)
    if path.is_dir() and (path / DEFINITION_NAME).is_file():
        return read_definition(path / DEFINITION_NAME)
    if path.suffix in (".yaml", ".yml"):
        return read_definition(path)
    return None


def _origin(source: str, definition: Definition | None) -> Source:
    if definition is None:
        return Source(address=source, digests={})
    if definition.source is None:
        assert definition.path is not None, "a definition that was read has a path"
        return Source(address=str(definition.path.parent), digests={})
    return definition.source


def _data_directory(tree: Path, definition: Definition | None) -> Path:
    """Return the one directory of a source tree that holds a config.ini.

    It is the tree itself, a folder of it (the documented layout), or one in a folder that is the
    umbrella.  A definition's relpath decides between several.
    """
    if (tree / CONFIG_NAME).is_file():
        return tree
    found = sorted(
        {p.parent for depth in ("*", "*/*") for p in tree.glob(f"{depth}/{CONFIG_NAME}")}
    )
    if definition is not None and len(found) > 1:
        last = definition.relpath.rpartition("/")[2]
        found = [each for each in found if each.name == last] or found
    if len(found) == 1:
        return found[0]
    if not found:
        message = f"no folder in it has a {CONFIG_NAME}, so nothing says which one is the data"
        remedy = "put a config.ini with '[DEFAULT]' and 'version = 0.1' into the data directory"
        raise DataPackageError([error_at("no-data-directory", str(tree), message, remedy)])
    names = ", ".join(each.relative_to(tree).as_posix() for each in found)
    message = f"several folders have a {CONFIG_NAME}: {names}"
    remedy = f"write a {DEFINITION_NAME} for each, with its relpath"
    raise DataPackageError([error_at("several-data-directories", str(tree), message, remedy)])


def _definition_of_layout(directory: Path) -> Definition:
    """Return name and relpath as the folders say them.

    `nipy-templates-0.1/templates` is nipy-templates, at nipy/templates; any other folder around
    the data directory is taken for the umbrella.
    """
    parent, child = directory.parent.name, directory.name
    release = re.fullmatch(r"(?P<name>.+?)(-v?[0-9][^-]*)?", parent)
    name = release["name"] if release else parent
    umbrella = name.removesuffix(f"-{child}")
    relpath = f"{umbrella}/{child}"
    valid_name = relpath.replace("/", "-").replace("_", "-").replace(".", "-").lower()
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", valid_name):
        message = f"the folders {parent}/{child} do not give a valid name and relpath"
        remedy = f"write a {DEFINITION_NAME} with name, relpath, version and source"
        raise DataPackageError([error_at("no-name", str(directory), message, remedy)])
    return Definition(name=valid_name, relpath=relpath)


def _package_time(definition: Definition, tree: SourceTree) -> tuple[int, list[Problem]]:
    """Return the time that everything in the packages gets.

    SOURCE_DATE_EPOCH (reproducible-builds.org), the definition's date, or the archive's newest
    file; never the clock, nor the times of a copy.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is not None:
        if not re.fullmatch(r"[0-9]{1,11}", epoch):
            message = f"it is '{epoch}', not a number of seconds"
            remedy = "set it to e.g. $(git log -1 --format=%ct), or unset it"
            raise DataPackageError([error_at("bad-epoch", "SOURCE_DATE_EPOCH", message, remedy)])
        return int(epoch), []
    if definition.date is not None:
        return release_time(definition.date), []
    if tree.newest is not None:
        return tree.newest, []
    message = "nothing says when this version was released, so its files get the day 2000-01-01"
    remedy = "add e.g. date: 2023-05-01"
    return DEFAULT_TIME, [warning_at("no-date", definition.where(), message, remedy)]


def _read_payload(
    directory: Path, paths: list[str], reporter: Reporter, *, md5: bool
) -> tuple[tuple[DataFile, ...], tuple[DataLink, ...]]:
    links = [path for path in paths if (directory / path).is_symlink()]
    names = sorted(set(paths) - set(links), key=os.fsencode)
    try:
        total = sum((directory / name).stat().st_size for name in names)
        advance = reporter.step("hash", total)
        algorithms = ("sha256", "md5") if md5 else ("sha256",)
        digests = digest_files([directory / name for name in names], algorithms, advance)
    except OSError as error:
        raise SourceError(f"{error.filename}: {error.strerror}; make it readable") from error
    files = tuple(
        DataFile(
            path=name,
            size=found.size,
            sha256=found.by_algorithm["sha256"],
            md5=found.by_algorithm.get("md5"),
        )
        for name, found in zip(names, digests, strict=True)
    )
    return files, tuple(_data_link(directory, path) for path in links)


def _data_link(directory: Path, path: str) -> DataLink:
    end = (directory / path).resolve()
    leads_to = end.relative_to(directory.resolve()).as_posix() if end.is_file() else None
    return DataLink(path=path, target=os.readlink(directory / path), leads_to=leads_to)
