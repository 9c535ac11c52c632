"""The recipe formats: one module and one folder of templates each.

They are found by being here, or by an entry point `nipack.recipes`.  A module of this package holds
`RECIPE: RecipeFormat`.  Recipe formats do not import one another, and a new one changes no other
file.
"""

import os
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from shutil import copyfile
from typing import Protocol, TypeGuard, runtime_checkable

from nipack import layout
from nipack.builder.archive.members import Content
from nipack.builder.changes import new_directories, new_files, new_links
from nipack.builder.escaping import has_controls
from nipack.builder.manifest import metadata_text
from nipack.builder.package import DataPackage
from nipack.difference.versions import Difference, without_images
from nipack.difference.words import changelog_lines
from nipack.system.programs import Program
from nipack.system.registry import registered


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSource:
    """The archive that a recipe builds from, as it is called where it is published.

    `address` is where everybody gets it, None where only this machine has it, at `path`.  `top` is
    the folder that everything in it is in, None where there is none; `data` is the data directory
    below that folder ('.' for the folder itself).
    """

    name: str
    path: Path
    address: str | None
    sha256: str
    top: str | None
    data: str

    @property
    def folder(self) -> str:
        """The data directory's path in the archive."""
        return str(PurePosixPath(self.top or ".", self.data))

    def seen_from(self, directory: Path) -> str:
        """Return the path from a recipe's directory, with forward slashes."""
        return Path(os.path.relpath(self.path, directory)).as_posix()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipePart:
    """One of several files that a recipe puts its data together of.

    `number` counts from 1, `size` is in bytes.  `suffix` is the ending of an archive, empty for a
    file that is none.  `places` and `top` are as in `SourcePart`.  `address` is None for a copy on
    this machine.
    """

    number: int
    address: str | None
    path: Path
    size: int
    sha256: str
    suffix: str
    places: tuple[tuple[str | None, str], ...]
    top: str | None

    @property
    def is_archive(self) -> bool:
        """Tell whether it is unpacked."""
        return bool(self.suffix)

    @property
    def folder(self) -> str:
        """What the file, or the folder that it is unpacked into, is called while it is built."""
        return f"part-{self.number}"

    @property
    def name(self) -> str:
        """What the file is called where it is kept for a build."""
        return self.folder + self.suffix

    def seen_from(self, directory: Path) -> str:
        """Return the path from a recipe's directory, with forward slashes."""
        return Path(os.path.relpath(self.path, directory)).as_posix()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRequest:
    """What a recipe is rendered from, and where its files go.

    `previous` is the version before this one, and `difference` what changed since, None where it
    is not known.  `channels` are where conda's builders find what the tests of a recipe need;
    without any, such tests are not run.  `damaged` has the paths that the check of the data
    remarked on.  `parts` are what takes the place of `source` where everybody can put the data
    together of several files.  `suite` is the release of a distribution that it is for, one of the
    format's, or None for the first of them.  `packages` are what the recipe makes: the package, or
    its parts and the whole of them, which is last; `earlier` are those of the version before.
    """

    package: DataPackage
    source: RecipeSource
    directory: Path
    previous: DataPackage | None = None
    difference: Difference | None = None
    damaged: frozenset[str] = frozenset()
    channels: tuple[str, ...] = ()
    parts: tuple[RecipePart, ...] = ()
    suite: str | None = None
    packages: tuple[DataPackage, ...] = ()
    earlier: tuple[DataPackage, ...] = ()

    @property
    def is_split(self) -> bool:
        """Tell whether it makes several packages, the parts of the data and their whole."""
        return bool(self.package.definition.parts)

    @property
    def home(self) -> str:
        """The name of the package that has the ini file."""
        return next(each.definition.name for each in self.packages if each.has_ini)

    @property
    def adds_config(self) -> bool:
        """Tell whether the several files have no config.ini, which the recipe then brings."""
        return bool(self.parts) and any(each.content is not None for each in self.package.files)


def drafts(request: RecipeRequest) -> list[RecipeRequest]:
    """Return the request, and as it may have been when a changelog's entry was written.

    That was without nibabel, or without the version before: such an entry is nobody's own text.
    """
    found = request.difference
    return [
        request,
        *([replace(request, difference=without_images(found))] if found else []),
        replace(request, previous=None, difference=None),
    ]


def changes_since(request: RecipeRequest) -> list[str]:
    """Return what changed since the version before, an item of a changelog in each line."""
    return changelog_lines(request.difference) if request.difference else []


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFile:
    """A file of a recipe; `path` is relative to the recipe's directory."""

    path: str
    content: str
    executable: bool = False


# Every distribution's tools take such a name for one file, whatever language it stands in.
_ARCHIVE_NAME = re.compile(r"\w[\w.+~()@,=-]*")


def source_obstacles(source: RecipeSource) -> Iterator[tuple[str, str, str]]:
    """Yield (path, reason, remedy) of names that no recipe can carry.

    The folder of the data stands in a list file, a line for each name.
    """
    if not _ARCHIVE_NAME.fullmatch(source.name):
        reason = "an archive's name may only have letters, digits and '_.+~()@,=-'"
        yield ascii(source.name)[1:-1], reason, "rename the archive"
    folder = f"{source.top or '.'}/{source.data}"
    if has_controls(folder):
        reason = "a folder's name has a line break or a control character, or is not UTF-8"
        yield ascii(folder)[1:-1], reason, "rename the folder"


_OF_ONE = (layout.MANIFEST_NAME, layout.METADATA_NAME, "install", "maintscript", "meta.yaml")
_OF_SEVERAL = "packages"


def left_obstacles(request: RecipeRequest) -> Iterator[tuple[str, str, str]]:
    """Yield (path, reason, remedy) of what is left of a recipe that made other packages."""
    name = request.package.definition.name
    there = [_OF_SEVERAL, f"{name}.{layout.MANIFEST_NAME}"]
    if request.is_split:
        there = [*_OF_ONE, f"{name}.lintian-overrides"]
    made = "one package" if request.is_split else "several packages"
    for path in (request.directory / name for name in there):
        if path.exists():
            reason = f"it is of the recipe that made {made} of the data, and would be read still"
            yield str(path), reason, "delete it"


def own_files(
    request: RecipeRequest,
    folder: str,
    *,
    takes_parts: bool = True,
    without_top: bool = False,
    flat: bool = False,
) -> dict[str, str]:
    """Return what every recipe takes beside the release, which has it not.

    `folder` is that of the data in the release as the distribution's builder unpacks it: it stands
    in a list file, for a name is no code.  Where the data is put together of several files, and the
    recipe `takes_parts`, another list has what goes where; some builders unpack an archive
    `without_top`, the folder that all of it is in.  Each of several packages has a folder with its
    records, and with the list of its files; where a distribution's builder wants all sources in one
    folder, they are `flat`.
    """
    package = request.package
    files = {"data-folder": f"{folder}\n"}
    if request.is_split:
        for each in request.packages:
            records = _records_and_list(each)
            start = f"{each.definition.name}." if flat else f"{own_folder(each)}/"
            files |= {f"{start}{name}": text for name, text in records.items()}
    else:
        files |= _records(package)
    if request.parts and takes_parts:
        files["data-folder"] = "data\n"
        files["data-files"] = "".join(_placements(request.parts, without_top=without_top))
        for file in package.files:
            if file.content is not None:
                files[file.path] = file.content.decode("utf-8")
    return files


def own_folder(package: DataPackage) -> str:
    """Return the folder beside a recipe that has what one of its several packages takes."""
    return f"{_OF_SEVERAL}/{package.definition.name}"


def _records(package: DataPackage) -> dict[str, str]:
    return {
        layout.MANIFEST_NAME: package.manifest.decode(),
        layout.METADATA_NAME: metadata_text(package),
    }


def _records_and_list(package: DataPackage) -> dict[str, str]:
    listed = sorted(package.paths, key=os.fsencode)
    return {**_records(package), "files": "".join(f"{path}\n" for path in listed)}


def _placements(parts: Iterable[RecipePart], *, without_top: bool) -> Iterator[str]:
    """Yield a line for each file: where it is once everything is unpacked, a tab, its place."""
    for part in parts:
        for member, place in part.places:
            inner = member or ""
            if without_top and part.top:
                inner = inner.removeprefix(f"{part.top}/")
            yield f"{PurePosixPath(part.folder, inner)}\t{place}\n"


_IMAGES = (".nii", ".nii.gz", ".mgz", ".mgh")
_IMAGES_TESTED = 3


def sample_images(request: RecipeRequest) -> list[str]:
    """Return the digests of a few images that a recipe's test loads with nibabel.

    They stand for the names, which are no code: SHA256SUMS has both.  What a check called damaged
    is not loaded.
    """
    images = [
        file.sha256
        for file in request.package.files
        if file.path.endswith(_IMAGES) and file.size and file.path not in request.damaged
    ]
    return list(dict.fromkeys(images))[:_IMAGES_TESTED]


def copied_parts(request: RecipeRequest, folder: Path) -> RecipeRequest:
    """Copy the several files into a folder; return the request that takes them from there."""
    copies = [replace(each, address=None, path=folder / each.name) for each in request.parts]
    for part, copy in zip(request.parts, copies, strict=True):
        copyfile(part.path, copy.path)
    return replace(request, parts=tuple(copies))


def swapped_between_parts(request: RecipeRequest) -> Iterator[str]:
    """Yield the folders that became something else, or came of a link, of several packages."""
    package, previous = request.package, request.previous
    if previous is None or not request.is_split:
        return
    owned = [
        (path, each.definition.name)
        for each in (*request.packages, *request.earlier)
        for path in each.paths
    ]
    links = (*new_links(package, previous), *new_directories(package, previous))
    for swapped in (*(path for path, _ in links), *new_files(package, previous)):
        owners = {name for path, name in owned if path == swapped or path.startswith(f"{swapped}/")}
        if len(owners) > 1:
            yield swapped


@runtime_checkable
class RecipeFormat(Protocol):
    """How a data package becomes a recipe, and how the recipe is built and read back.

    A recipe format inherits from it, and states what is not as it is in most of them.
    """

    name: str
    """What the command line calls it, and the name of the recipe's folder."""
    default: bool = False
    """Whether it is rendered when no format is asked for."""
    prefix: str = "/usr"
    """The prefix that is written into the ini file that `contents` reads."""
    takes_parts: bool = False
    """Whether it puts data together of several files, or wants one archive of it."""
    programs: tuple[Program, ...] = ()
    """What `build` and `contents` run, all of which has to be there before anything is built."""
    suites: tuple[str, ...] = ()
    """The releases of the distribution that a recipe can be for; the first unless one is named."""
    splits: bool = False
    """Whether it makes the several packages of data that is in parts."""
    takes_channels: bool = False
    """Whether its builders find in channels of conda what the tests of a recipe need."""

    @abstractmethod
    def obstacles(self, request: RecipeRequest) -> Iterator[tuple[str, str, str]]:
        """Yield (path, reason, remedy) of everything that this format cannot carry."""
        ...

    @abstractmethod
    def render(self, request: RecipeRequest) -> list[RecipeFile]:
        """Return the recipe's files; rendering twice gives the same."""
        ...

    @abstractmethod
    def build(self, request: RecipeRequest, workspace: Path) -> list[Path]:
        """Build the recipe with the distribution's tool; return what it made, the packages first.

        They are in the request's order.  Works and leaves its results below `workspace`.  Raises
        ToolError.
        """
        ...

    @abstractmethod
    def contents(self, artifact: Path, workspace: Path) -> Iterator[Content]:
        """Read back what the package installs, with paths from the prefix."""
        ...

    @abstractmethod
    def is_own(self, path: str, name: str) -> bool:
        """Tell whether a path, for a package's name, is the distribution's own documentation."""
        ...


@cache
def recipe_formats() -> dict[str, RecipeFormat]:
    """Return every recipe format by its name."""
    return registered(__name__, "RECIPE", "nipack.recipes", _is_recipe_format)


def _is_recipe_format(value: object) -> TypeGuard[RecipeFormat]:
    return isinstance(value, RecipeFormat)
