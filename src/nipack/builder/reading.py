"""Read a source: a data package that is valid from then on, or every problem of it at once."""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nipack.builder.check.contents import content_problems
from nipack.builder.check.names import name_problems
from nipack.builder.check.parts import part_problems
from nipack.builder.check.structure import (
    metadata_warnings,
    no_definition_warning,
    raise_or_warn,
    read_config,
    walk,
)
from nipack.builder.check.views import view_problems
from nipack.builder.definition.faults import FIRST_YEAR, LAST_YEAR
from nipack.builder.definition.model import DEFINITION_NAME, Definition, release_time
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source, Sources
from nipack.builder.known_files import KnownFiles, State, known_files_of, states_of
from nipack.builder.package import DataFile, DataLink, DataPackage
from nipack.builder.rules import problem_at
from nipack.builder.source.folders import (
    data_directory,
    definition_of_layout,
    definition_path,
    umbrella_problems,
)
from nipack.builder.source.several import open_sources
from nipack.builder.source.tree import (
    SourceTree,
    fetch_source,
    local_path,
    open_source,
)
from nipack.layout import CONFIG_NAME
from nipack.system.address import path_of
from nipack.system.buckets import is_in_bucket
from nipack.system.errors import (
    DataPackageError,
    Problem,
    SourceError,
    system_errors_as,
)
from nipack.system.fast_hash import PROOF
from nipack.system.hashing import digest_bytes, digest_files
from nipack.system.progress import Reporter

# Times come from SOURCE_DATE_EPOCH, the definition or the archive.  Where none of them speaks,
# any fixed day will do.
DEFAULT_TIME = release_time(date(2000, 1, 1))
_YAML = (".yaml", ".yml")
FIRST_TIME, LAST_TIME = release_time(date(FIRST_YEAR, 1, 1)), release_time(date(LAST_YEAR, 12, 31))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A source that was looked at: what is in it, and every problem, none of them raised."""

    definition: Definition
    version: str
    directory: Path
    paths: tuple[str, ...]
    time: int
    tree: SourceTree
    problems: tuple[Problem, ...]
    known: KnownFiles
    states: Mapping[str, State]


@system_errors_as(SourceError, "make it readable, and make sure that there is room to unpack it")
def read_package(
    source: str,
    workspace: Path,
    reporter: Reporter,
    *,
    digests: Iterable[str] = (),
    release: bool = False,
    offline: bool = False,
    afresh: bool = True,
    inside: bool = True,
) -> DataPackage:
    """Read a data package, unpacking into `workspace` where it must.

    Its files have their sha256, the digest of proofs, and the other `digests` that are named.
    Where it need not be read `afresh`, files of a folder that nothing has changed are as they were
    found at the last time; without `inside`, nothing looks for damage in the files.  Raises
    DataPackageError with every problem, or SourceError.  Warnings go to the reporter; for a
    `release`, some of them are errors.
    """
    survey = survey_source(
        source, workspace, reporter, offline=offline, afresh=afresh, inside=inside
    )
    raise_or_warn(survey.problems, survey.definition, reporter, release=release)
    return package_of(survey, reporter, digests=digests)


def package_of(survey: Survey, reporter: Reporter, *, digests: Iterable[str] = ()) -> DataPackage:
    """Return the data package that a source without an error is; its files are hashed."""
    algorithms = tuple(dict.fromkeys(("sha256", PROOF, *digests)))
    files, links = _read_payload(survey, algorithms, reporter)
    survey.known.keep(survey.directory)
    if CONFIG_NAME not in survey.paths:
        files = _with_config(files, survey.version, algorithms)
    return DataPackage(
        definition=survey.definition,
        version=survey.version,
        files=files,
        links=links,
        directory=survey.directory,
        tree=_release_tree(survey.tree),
        time=survey.time,
        archive=survey.tree.archive,
        source=survey.tree.record,
        parts=survey.tree.parts,
    )


def _release_tree(tree: SourceTree) -> Path:
    """Return what a distribution's builder takes for the top of a release: its only folder."""
    if tree.is_data:
        return tree.directory
    children = list(tree.unpacked.iterdir()) if tree.unpacked else []
    if len(children) == 1 and children[0].is_dir() and not children[0].is_symlink():
        return children[0]
    return tree.unpacked or tree.directory


@system_errors_as(SourceError, "make it readable, and make sure that there is room to unpack it")
def survey_source(
    source: str,
    workspace: Path,
    reporter: Reporter,
    *,
    offline: bool = False,
    afresh: bool = True,
    inside: bool = True,
) -> Survey:
    """Look at everything in a source; files that are known are only looked at `afresh`.

    Without `inside`, no file is opened but config.ini.

    Raises DataPackageError or SourceError only for what leaves nothing to look at.
    """
    definition = _find_definition(source, workspace, reporter, offline=offline)
    origin = _origin(source, definition)
    if isinstance(origin, Sources):
        shown = definition.relpath if definition else source
        tree = open_sources(origin, workspace, reporter, shown=shown, offline=offline)
    else:
        tree = open_source(origin, workspace, reporter, offline=offline)
    directory = data_directory(tree, definition)
    problems: list[Problem] = []
    if definition is None:
        definition = definition_of_layout(tree, directory)
        problems.append(no_definition_warning(source, definition, directory))
    problems += metadata_warnings(definition)
    problems += umbrella_problems(tree.directory, directory, definition)
    config_place = tree.place(directory / CONFIG_NAME)
    version, config_problems = (
        read_config(directory, config_place, definition)
        if (directory / CONFIG_NAME).is_file()
        else (definition.version or "", [])
    )
    paths, payload_problems = walk(directory, definition.relpath)
    time, time_problems = _package_time(definition, tree)
    problems += [*config_problems, *payload_problems, *time_problems]
    problems += name_problems(paths, definition.relpath)
    # What is unpacked for this run alone was never read before.
    is_folder = tree.unpacked is None and not afresh
    known = known_files_of(directory, definition.relpath) if is_folder else KnownFiles()
    states = states_of(directory, paths)
    if inside:
        problems += content_problems(directory, states, definition.relpath, reporter, known)
    problems += view_problems(definition, directory, paths)
    problems += part_problems(definition, directory, paths)
    return Survey(
        definition=definition,
        version=version,
        directory=directory,
        paths=tuple(paths),
        time=time,
        tree=tree,
        problems=tuple(problems),
        known=known,
        states=states,
    )


def _find_definition(
    source: str, workspace: Path, reporter: Reporter, *, offline: bool
) -> Definition | None:
    """Return the definition that a source is, or that lies in the folder that it is."""
    if source.startswith("https://"):
        if not path_of(source).endswith(_YAML):
            return None
        return _fetched_definition(source, workspace, reporter, offline=offline)
    if is_in_bucket(source) and path_of(source).endswith(_YAML):
        raise SourceError(
            f"{source}: a definition in a bucket is not read; name the archive there, or fetch the "
            "definition and name that"
        )
    if "://" in source and not source.startswith("file://"):
        return None
    path = local_path(source)
    if path.is_dir():
        inside = definition_path(path)
        return read_definition(inside) if inside else None
    return read_definition(path) if path.suffix in _YAML else None


def _fetched_definition(
    address: str, workspace: Path, reporter: Reporter, *, offline: bool
) -> Definition:
    """Return a definition from the network; what it names is relative to its own address."""
    fetched, _ = fetch_source(Source(address=address), reporter, offline=offline)
    path = workspace / DEFINITION_NAME
    shutil.copyfile(fetched, path)
    definition = read_definition(path, address)
    if definition.source is None:
        message = "it names no source, and an address has no folder around it"
        remedy = "add the address of a tarball, or fetch the folder and name that"
        raise DataPackageError(
            [problem_at("no-data-directory", definition.where(), message, remedy)]
        )
    return definition


def _origin(source: str, definition: Definition | None) -> Source | Sources:
    if definition is None:
        return Source(address=source)
    if definition.source is None:
        assert definition.path is not None, "a definition that was read has a path"
        return Source(address=str(definition.path.parent))
    return definition.source


def _package_time(definition: Definition, tree: SourceTree) -> tuple[int, list[Problem]]:
    """Return the time that everything in the packages gets.

    SOURCE_DATE_EPOCH (reproducible-builds.org), the definition's date, or the archive's newest
    file; never the clock, nor the times of a copy.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is not None:
        if not re.fullmatch(r"[0-9]{1,11}", epoch) or int(epoch) > LAST_TIME:
            message = f"it is '{epoch}', not a number of seconds from 1970 to {LAST_YEAR}"
            remedy = "set it to e.g. $(git log -1 --format=%ct), or unset it"
            raise DataPackageError([problem_at("bad-epoch", "SOURCE_DATE_EPOCH", message, remedy)])
        return int(epoch), []
    if definition.date is not None:
        return release_time(definition.date), []
    # Tools that drop the times write 0, or the 1980 that a zip begins with.
    if tree.newest is not None and FIRST_TIME <= tree.newest <= LAST_TIME:
        return tree.newest, []
    message = "nothing says when this version was released, so its files get the day 2000-01-01"
    remedy = "add e.g. date: 2023-05-01"
    return DEFAULT_TIME, [problem_at("no-date", definition.where(), message, remedy)]


def _read_payload(
    survey: Survey, algorithms: Sequence[str], reporter: Reporter
) -> tuple[tuple[DataFile, ...], tuple[DataLink, ...]]:
    directory, states, known = survey.directory, survey.states, survey.known
    top = f"{directory}/"
    names = [path for path, state in states.items() if not stat.S_ISLNK(state.mode)]
    files: dict[str, DataFile] = {}
    for name in names:
        digests = known.digests(name, states[name], algorithms)
        if digests is not None:
            files[name] = DataFile(path=name, size=states[name].size, digests=digests)
    unknown = [name for name in names if name not in files]
    advance = reporter.step("hash", sum(states[name].size for name in unknown))
    hashed = digest_files([f"{top}{name}" for name in unknown], algorithms, advance)
    for name, found in zip(unknown, hashed, strict=True):
        known.add_digests(name, states[name], found.by_algorithm)
        files[name] = DataFile(path=name, size=found.size, digests=found.by_algorithm)
    links = [path for path, state in states.items() if stat.S_ISLNK(state.mode)]
    return (
        tuple(files[name] for name in names),
        tuple(_data_link(directory, path) for path in links),
    )


def _with_config(
    files: tuple[DataFile, ...], version: str, algorithms: Sequence[str]
) -> tuple[DataFile, ...]:
    """Return the files with a config.ini, by which nibabel knows data, for data that has none."""
    content = f"[DEFAULT]\nversion = {version}\n".encode("ascii")
    found = digest_bytes(content, algorithms)
    config = DataFile(
        path=CONFIG_NAME, size=found.size, digests=found.by_algorithm, content=content
    )
    return tuple(sorted([*files, config], key=lambda file: os.fsencode(file.path)))


def _data_link(directory: Path, path: str) -> DataLink:
    end = (directory / path).resolve()
    leads_to = end.relative_to(directory.resolve()).as_posix() if end.is_file() else None
    return DataLink(path=path, target=os.readlink(directory / path), leads_to=leads_to)
