"""The flow of recipes: read a package, render recipes, have them built, check what they hold."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import quote, unquote

from nipack.builder.archive.compression import gzip_level, gzip_writer, plain_gzip_writer
from nipack.builder.archive.installed import Installed, InstalledFile, InstalledLink, Role
from nipack.builder.archive.members import differences, expected_content, write_tar
from nipack.builder.changes import side_of
from nipack.builder.flows.parts import recipe_parts
from nipack.builder.flows.targets import Targets, must_lie_outside
from nipack.builder.manifest import installed_tree
from nipack.builder.package import DataPackage
from nipack.builder.parts import packages_of
from nipack.builder.reading import read_package
from nipack.builder.recipes import (
    RecipeFile,
    RecipeFormat,
    RecipeRequest,
    RecipeSource,
    left_obstacles,
    recipe_formats,
    source_obstacles,
)
from nipack.difference.versions import Difference, compare_versions
from nipack.system.address import path_of
from nipack.system.atomic import written_beside
from nipack.system.buckets import is_in_bucket
from nipack.system.errors import Problem, RecipeError
from nipack.system.hashing import CHUNK, digest_file
from nipack.system.leftovers import workspace
from nipack.system.programs import require
from nipack.system.progress import Advance, Reporter, SilentReporter

_TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file of a recipe on disk, and what became of it: new, changed or unchanged."""

    path: Path
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A rendered recipe, and the packages built from it, which is none without a build."""

    format: str
    directory: Path
    files: tuple[WrittenFile, ...]
    packages: tuple[Path, ...]
    payload_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeOptions:
    """How recipes are made: where they go, where packages go, and what is done.

    A `draft` is not to be submitted, so its licence and redistribution need not be settled.  With
    `channels` of conda's, a build runs the tests that need what is there.  A `suite` is the release
    of a distribution that the recipe is for.
    """

    recipes: Path
    packages: Path
    previous: str | None = None
    draft: bool = False
    offline: bool = False
    build: bool = False
    dry_run: bool = False
    channels: tuple[str, ...] = ()
    suite: str | None = None


def make_recipes(
    source: str,
    formats: Sequence[RecipeFormat],
    options: RecipeOptions,
    reporter: Reporter | None = None,
    *,
    made: Targets | None = None,
) -> Iterator[Recipe]:
    """Render a recipe of each format, build it where that is asked for, and yield each.

    Nothing is written before every format has rendered.  `made` is what the run has made of other
    sources, and gets what it makes of this one.  Raises DataPackageError, SourceError, RecipeError,
    ArtifactError or ToolError.
    """
    reporter, made = reporter or SilentReporter(), made or Targets()
    if is_in_bucket(source):
        raise RecipeError(
            f"{source}: a distribution's builders cannot fetch it from a bucket; name its "
            "https:// address, or download it and name its path"
        )
    with workspace() as folder, _previous(options, reporter) as previous:
        noting = _DamageNoting(reporter)
        package = read_package(
            source, folder, noting, release=not options.draft, offline=options.offline
        )
        _must_be_one(package, formats)
        home = options.recipes.absolute() / package.definition.name
        must_lie_outside(package, home)
        if options.build:
            must_lie_outside(package, options.packages, "--dist")
        made.must_be_free([home], source, "change a name")
        archive, parts = _recipe_source(package, folder, home), recipe_parts(package)
        difference = _difference(previous, package, options, source, reporter)
        requests = {
            each.name: RecipeRequest(
                package=package,
                source=archive.final,
                directory=home / each.name,
                previous=previous,
                difference=difference,
                damaged=noting.damaged(package),
                channels=options.channels,
                suite=options.suite if options.suite in each.suites else None,
                parts=parts,
                packages=packages_of(package),
                earlier=packages_of(previous) if previous else (),
            )
            for each in formats
        }
        _check_obstacles(formats, requests)
        rendered = {each.name: each.render(requests[each.name]) for each in formats}
        made.add(home, source)
        if not options.dry_run and not (parts and all(each.takes_parts for each in formats)):
            archive.put_in_place()
        for each in formats:
            yield _finish(each, requests[each.name], rendered[each.name], options, reporter)


def _must_be_one(package: DataPackage, formats: Sequence[RecipeFormat]) -> None:
    """Raise RecipeError for data in parts where a recipe makes one package only."""
    definition = package.definition
    unable = [each.name for each in formats if not each.splits]
    if definition.parts and unable:
        able = [each.name for each in recipe_formats().values() if each.splits]
        raise RecipeError(
            f"{definition.where('parts')}: {_recipes(unable)} not carry parts yet; render "
            f"{' and '.join(able)}, build artifacts with nipack build, or remove parts from the "
            "definition"
        )


def _recipes(names: Sequence[str]) -> str:
    """Return the names as the subject of a sentence."""
    return f"the {' and '.join(names)} recipe{'s do' if len(names) > 1 else ' does'}"


_DAMAGE = ("image-unreadable", "gzip-damaged")


@dataclass(frozen=True, slots=True)
class _DamageNoting:
    """A reporter that keeps the places of images that the check could not read."""

    reporter: Reporter
    places: set[str] = field(default_factory=set)

    def step(self, name: str, total: int | None) -> Advance:
        """Pass a step on."""
        return self.reporter.step(name, total)

    def warn(self, problem: Problem) -> None:
        """Keep the place of damage, and pass the problem on."""
        if problem.code in _DAMAGE:
            self.places.add(problem.where)
        self.reporter.warn(problem)

    def damaged(self, package: DataPackage) -> frozenset[str]:
        """Return the paths of such images, and of those whose damage is excepted."""
        relpath = package.definition.relpath
        excepted = [each for each in package.definition.exceptions if each.code in _DAMAGE]
        return frozenset(
            path
            for path in package.paths
            if f"{relpath}/{path}" in self.places
            or any(fnmatchcase(path, each.path) for each in excepted)
        )


@contextmanager
def _previous(options: RecipeOptions, reporter: Reporter) -> Iterator[DataPackage | None]:
    if options.previous is None:
        yield None
        return
    with workspace() as folder:
        yield read_package(options.previous, folder, reporter, offline=options.offline)


def _difference(
    previous: DataPackage | None,
    package: DataPackage,
    options: RecipeOptions,
    source: str,
    reporter: Reporter,
) -> Difference | None:
    if previous is None or options.previous is None:
        return None
    sides = side_of(previous, options.previous), side_of(package, source)
    return compare_versions(*sides, reporter)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Archive:
    """The archive of a source where it is now, and as the recipes see it."""

    now: Path
    final: RecipeSource

    def put_in_place(self) -> None:
        if self.now != self.final.path:
            _replace(self.now, self.final.path)


def _recipe_source(package: DataPackage, workspace: Path, home: Path) -> _Archive:
    """Return the archive to build from: the release itself, or one that is made of the payload.

    It is made where the source is a directory, or has no config.ini and so is not whole.
    """
    data = package.directory.relative_to(package.tree).as_posix()
    address = package.source.address if package.source else ""
    remote = address.startswith("https://")
    # A download lies in the cache, under another name.
    name = archive_name(address) if remote else address
    whole = all(file.content is None for file in package.files)
    if whole and package.archive is not None and name.endswith(_TAR_SUFFIXES):
        now = package.archive.absolute()
        # It is unpacked into source/NAME, and what is all in one folder is one level below.
        top = package.tree.name if package.tree.parent != workspace / "source" else None
    else:
        remote, top = False, f"{package.definition.name}-{package.version}"
        name = f"{top}.tar.gz"
        now = _archive_of_tree(package, workspace / name, top, data)
    # What was made of a directory is kept beside the recipes: they are built from it.
    final = home / name if now.is_relative_to(workspace) else now
    sha256 = digest_file(now, ["sha256"]).by_algorithm["sha256"]
    return _Archive(
        now=now,
        final=RecipeSource(
            name=name,
            path=final,
            # RFC 3986, 2: what an address may not have stands in it as %20 and the like.
            address=quote(address, safe="%:/?#[]@!$&'()*+,;=~") if remote else None,
            sha256=sha256,
            top=top,
            data=data,
        ),
    )


def archive_name(address: str) -> str:
    """Return the name that an archive gets here; an escaped slash in an address parts folders."""
    name = PurePosixPath(unquote(path_of(address))).name
    return "" if name == ".." else name


def _archive_of_tree(package: DataPackage, target: Path, top: str, data: str) -> Path:
    """Write the payload as a source tarball, reproducibly."""
    base = f"{top}/" if data == "." else f"{top}/{data}/"
    files = [
        InstalledFile(
            path=base + file.path,
            size=file.size,
            digests=file.digests,
            content=str(package.directory / file.path) if file.content is None else file.content,
            role=Role.PAYLOAD,
        )
        for file in package.files
    ]
    links = [
        InstalledLink(path=base + link.path, target=link.target, leads_to=None)
        for link in package.links
    ]
    with target.open("xb") as output, _packed(output, package) as stream:
        # By its paths alone, as debian/get-orig-source does it: nobody looks data up in a source.
        tree: list[Installed] = [*files, *links]
        tree.sort(key=lambda each: os.fsencode(each.path))
        write_tar(stream, tree, time=package.time, advance=lambda count: None)
    return target


def _packed(output: IO[bytes], package: DataPackage) -> AbstractContextManager[IO[bytes]]:
    """Return what packs a source tarball; others make that of several files again, to the byte."""
    if package.parts:
        return plain_gzip_writer(output, gzip_level(package.files))
    return gzip_writer(output)


def _check_obstacles(formats: Sequence[RecipeFormat], requests: dict[str, RecipeRequest]) -> None:
    problems = [
        f"  {path}: the {each.name} recipe cannot carry it: {reason}; {remedy} [recipe-{each.name}]"
        for each in formats
        for path, reason, remedy in (
            *source_obstacles(requests[each.name].source),
            *left_obstacles(requests[each.name]),
            *each.obstacles(requests[each.name]),
        )
    ]
    if problems:
        name = next(iter(requests.values())).package.definition.name
        raise RecipeError("\n".join([f"{name}: no recipe was written:", *problems]))


def _finish(
    format: RecipeFormat,
    request: RecipeRequest,
    files: list[RecipeFile],
    options: RecipeOptions,
    reporter: Reporter,
) -> Recipe:
    written = [_write(request.directory, file, dry_run=options.dry_run) for file in files]
    packages: tuple[Path, ...] = ()
    if options.build and not options.dry_run:
        size = request.package.size
        advance = reporter.step(f"build the {format.name} recipe", size)
        packages = _build(format, request, options.packages)
        advance(size)
    return Recipe(
        format=format.name,
        directory=request.directory,
        files=tuple(written),
        packages=packages,
        payload_id=request.package.payload_id,
    )


def _write(directory: Path, file: RecipeFile, *, dry_run: bool) -> WrittenFile:
    """Write a file unless it is there as it should be; a reader sees the old one or the new."""
    path = directory / file.path
    content, mode = file.content.encode("utf-8"), 0o755 if file.executable else 0o644
    before = path.read_bytes() if path.is_file() else None
    if before == content and path.stat().st_mode & 0o777 == mode:
        return WrittenFile(path=path, state="unchanged")
    if not dry_run:
        with written_beside(path, RecipeError) as output:
            output.write(content)
            Path(output.name).chmod(mode)
    return WrittenFile(path=path, state="new" if before is None else "changed")


def _build(format: RecipeFormat, request: RecipeRequest, target: Path) -> tuple[Path, ...]:
    """Have a recipe built, prove each package, and only then move all where they shall be."""
    require(format.programs)
    with workspace() as folder:
        made = format.build(request, folder)
        for number, (package, artifact) in enumerate(zip(request.packages, made, strict=False)):
            reading = folder / f"read-{number}"
            reading.mkdir()
            _verify(format, package, artifact, reading)
        for path in made:
            _replace(path, target / path.name)
    return tuple(target / path.name for path in made)


def _verify(format: RecipeFormat, package: DataPackage, artifact: Path, workspace: Path) -> None:
    """Compare what a package installs with what `nipack build` installs, path by path."""
    expected = {
        each.path: expected_content(each) for each in installed_tree(package, format.prefix)
    }
    found = {
        each.path: each
        for each in format.contents(artifact, workspace)
        if each.path in expected or not format.is_own(each.path, package.definition.name)
    }
    problems = list(differences(expected, found))
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise RecipeError(
            f"{artifact.name}: what the recipe built differs from what nipack builds, so it was "
            f"discarded:\n{listed}\n  report this bug, or undo what was changed in the recipe by "
            "hand"
        )


def _replace(path: Path, target: Path) -> None:
    """Move a file, onto another file system too, so that the target is never half written."""
    with path.open("rb") as source, written_beside(target, RecipeError) as output:
        shutil.copyfileobj(source, output, CHUNK)
