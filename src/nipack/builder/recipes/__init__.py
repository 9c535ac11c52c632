"""The recipe formats: one module and one folder of templates each.

They are found by being here, or by an entry point `nipack.recipes`.  A module of this package holds
`RECIPE: RecipeFormat`.  Recipe formats do not import one another, and a new one changes no other
file.
"""

import os
import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeGuard, runtime_checkable

from nipack import layout
from nipack.builder.archive.members import Content
from nipack.builder.escaping import has_controls
from nipack.builder.manifest import metadata_text
from nipack.builder.package import DataPackage
from nipack.difference.versions import Difference, without_images
from nipack.difference.words import changelog_lines
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
class RecipeRequest:
    """What a recipe is rendered from, and where its files go.

    `previous` is the version before this one, and `difference` what changed since, None where it
    is not known.  `channels` are where conda's builders find what the tests of a recipe need;
    without any, such tests are not run.  `damaged` has the paths that the check of the data
    remarked on.
    """

    package: DataPackage
    source: RecipeSource
    directory: Path
    previous: DataPackage | None = None
    difference: Difference | None = None
    damaged: frozenset[str] = frozenset()
    channels: tuple[str, ...] = ()


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
        reason = "an archive's name has letters, digits and '_.+~()@,=-' alone"
        yield ascii(source.name)[1:-1], reason, "rename the archive"
    folder = f"{source.top or '.'}/{source.data}"
    if has_controls(folder):
        reason = "a folder's name has a line break or a control character, or is not UTF-8"
        yield ascii(folder)[1:-1], reason, "rename the folder"


def own_files(request: RecipeRequest, folder: str) -> dict[str, str]:
    """Return what every recipe takes beside the release, which has it not.

    `folder` is that of the data in the release as the distribution's builder unpacks it: it stands
    in a list file, for a name is no code.
    """
    package = request.package
    return {
        "data-folder": f"{folder}\n",
        layout.MANIFEST_NAME: package.manifest,
        layout.METADATA_NAME: metadata_text(package),
    }


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
        """Build the recipe with the distribution's tool; return what it made, the package first.

        Works and leaves its results below `workspace`.  Raises ToolError.
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
