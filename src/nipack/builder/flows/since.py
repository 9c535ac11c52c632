"""What has changed since packages that were built before: only that is built."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from nipack.builder.definition.model import DEFINITION_NAME, Definition, Part
from nipack.builder.formats import Format
from nipack.builder.package import DataPackage
from nipack.builder.parts import packages_of, part_name, parts_with
from nipack.layout import CONFIG_NAME
from nipack.publish.ecosystems import ecosystem_of
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedPackage
from nipack.system.errors import ArtifactError, system_errors_as
from nipack.system.progress import Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The packages that there are now, and the artifacts of them that were built before.

    `standing` has those that hold what a build would put into them, by package and format.
    """

    packages: tuple[DataPackage, ...]
    standing: Mapping[tuple[str, str], Path]


def changes_since(
    package: DataPackage,
    folder: Path,
    formats: Sequence[Format],
    reporter: Reporter,
    *,
    source: str,
) -> Since:
    """Compare a data package with the newest packages of it in a folder.

    A part without a version of its own keeps the one that it has there while its files are what
    they were, and else has that of the whole.  Raises ArtifactError with every package that has
    changed under its version, what raises those in `source`, from which the data was read, and
    every file that has moved without a word in the definition.
    """
    before = _newest(package, folder, reporter)
    packages = packages_of(replace(package, definition=_as_before(package, before)))
    same = list(_same_versions(packages, before))
    problems = [*_told_versions(same, before), *_unsaid_moves(packages, before)]
    if problems:
        ways = _bump(package.definition, same, packages, source) if same else ()
        listed = "\n".join(f"  {each}" for each in (*problems, *ways))
        raise ArtifactError(f"{package.definition.name}: nothing was built:\n{listed}")
    standing = {
        (each.definition.name, format.name): folder / format.file_name(each)
        for each in packages
        # What a whole pulls in may be others of the same data.
        if not each.pulls and _is_as_before(each, before)
        for format in formats
        if (folder / format.file_name(each)).is_file()
    }
    return Since(packages=packages, standing=standing)


@system_errors_as(ArtifactError, "name a folder of packages that nipack built")
def _newest(package: DataPackage, folder: Path, reporter: Reporter) -> dict[str, PublishedPackage]:
    """Return the newest package of each name that the data package has, or its parts have."""
    definition = package.definition
    names = {definition.name, *(part_name(definition, each.name) for each in definition.parts)}
    paths = [path for path in sorted(folder.iterdir()) if _may_be_of(path, definition.name)]
    found: dict[str, PublishedPackage] = {}
    advance = reporter.step(f"look into {folder}", len(paths))
    for path in paths:
        read = _read(path)
        advance(1)
        if read is not None and read.name in names:
            other = found.get(read.name)
            if other is None or Version(read.version) > Version(other.version):
                found[read.name] = read
    if not found:
        raise ArtifactError(
            f"{folder}: has no .conda, .deb or wheel of {definition.name}; name the folder of the "
            "packages that you built before, or leave --since out"
        )
    return found


def _may_be_of(path: Path, name: str) -> bool:
    return path.is_file() and path.name.replace("_", "-").startswith(f"{name}-")


def _read(path: Path) -> PublishedPackage | None:
    """Return the package of an artifact; None for what is no artifact of a repository."""
    ecosystem = ecosystem_of(path.name)
    if ecosystem is None:
        return None
    try:
        return ecosystem.read(path).package
    except RepositoryError as error:
        raise ArtifactError(f"{path}: {error}") from error


def _is_as_before(package: DataPackage, before: Mapping[str, PublishedPackage]) -> bool:
    there = before.get(package.definition.name)
    return there is not None and (there.version, there.payload_id) == (
        package.version,
        package.payload_id,
    )


def _as_before(package: DataPackage, before: Mapping[str, PublishedPackage]) -> Definition:
    """Return the definition with the versions that its parts keep, and its config.ini at home."""
    definition = package.definition
    home = _home(definition, before)
    if home is not None:
        definition = _with_files(definition, home, CONFIG_NAME)
    packages = packages_of(replace(package, definition=definition))
    kept = {
        each.definition.name: there.version
        for each in packages
        if (there := before.get(each.definition.name)) and there.payload_id == each.payload_id
    }
    parts = tuple(
        replace(part, version=part.version or kept.get(part_name(definition, part.name)))
        for part in definition.parts
    )
    return replace(definition, parts=parts)


def _home(definition: Definition, before: Mapping[str, PublishedPackage]) -> Part | None:
    """Return the part that had the config.ini, unless the definition says which one has it."""
    if parts_with(definition, CONFIG_NAME):
        return None
    for part in definition.parts:
        there = before.get(part_name(definition, part.name))
        if there and any(file.path == CONFIG_NAME for file in there.files):
            return part
    return None


def _with_files(definition: Definition, part: Part, path: str) -> Definition:
    parts = tuple(
        replace(each, files=(*each.files, path)) if each is part else each
        for each in definition.parts
    )
    return replace(definition, parts=parts)


def _same_versions(
    packages: Sequence[DataPackage], before: Mapping[str, PublishedPackage]
) -> Iterator[DataPackage]:
    """Yield what has changed, and has not a newer version."""
    for each in packages:
        there = before.get(each.definition.name)
        if there is None or there.payload_id == each.payload_id:
            continue
        if Version(each.version) <= Version(there.version):
            yield each


def _told_versions(
    same: Sequence[DataPackage], before: Mapping[str, PublishedPackage]
) -> Iterator[str]:
    for each in same:
        name = each.definition.name
        yield (
            f"{name}: its files have changed since {before[name].version}, and it has version "
            f"{each.version}; raise it"
        )


def _bump(
    definition: Definition,
    same: Sequence[DataPackage],
    packages: Sequence[DataPackage],
    source: str,
) -> Iterator[str]:
    """Yield the command that raises the versions of packages, and of nothing else.

    The config.ini has the version of the whole, so what changes with that is the part that has it.
    """
    place = Path(source)
    if not place.is_dir() and place.name != DEFINITION_NAME:
        yield "to raise a version, use nipack bump where the data is not packed, or its definition"
        return
    changed = {each.definition.name for each in same}
    changed |= {each.definition.name for each in packages if each.part_of and each.needs is None}
    words = ["nipack", "bump", "minor", source]
    for part in definition.parts:
        if part.version and part_name(definition, part.name) in changed:
            words += ["--part", part.name]
    yield f"to raise what has changed, and nothing else: {shlex.join(words)}"


def _unsaid_moves(
    packages: Sequence[DataPackage], before: Mapping[str, PublishedPackage]
) -> Iterator[str]:
    """Yield each two parts between which a file has gone, where the definition does not say so."""
    parts = {each.definition.name: each for each in packages if each.part_of}
    there = {name: before[name] for name in parts if name in before}
    owners = {file.path: name for name, each in there.items() for file in each.files}
    owners |= {link.path: name for name, each in there.items() for link in each.links}
    told = set()
    for name, part in parts.items():
        said = {each.name for each in part.replaces}
        for path in part.paths:
            giver = owners.get(path, name)
            if giver not in {name, *said} and (giver, name) not in told:
                told.add((giver, name))
                short = giver.removeprefix(f"{part.part_of}-")
                line = f'replaces: [{{part: {short}, before: "{parts[giver].version}"}}]'
                yield f"{name}: has {path}, which {giver} had; add to that part: {line}"
