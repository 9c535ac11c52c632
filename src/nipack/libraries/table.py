"""Every library that installed data is linked for: where it looks, and how it judges what is there.

A further library is one record here and one test.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ..lookup.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class View(Protocol):
        """What of a view decides where its library looks: `views` knows the table."""

        @property
        def at(self) -> str: ...  # noqa: D102

        @property
        def project(self) -> str | None: ...  # noqa: D102

        @property
        def variable(self) -> str | None: ...  # noqa: D102


class Surroundings(Record):
    """What decides where a library looks: variables, the user's home and the platform."""

    __slots__ = ("home", "platform", "variables")
    variables: Mapping[str, str]
    home: str
    # as sys.platform has it
    platform: str

    @classmethod
    def now(cls) -> Surroundings:
        """Return those of this process."""
        home = os.path.expanduser("~")
        return cls(variables=os.environ, home=home, platform=sys.platform)

    def cache(self, project: str) -> str:
        """Return the user's cache of a project, as platformdirs has it, and so pooch."""
        if self.platform == "win32":
            local = self.variables.get("LOCALAPPDATA") or os.path.join(
                self.home, "AppData", "Local"
            )
            return os.path.join(local, project, project, "Cache")
        if self.platform == "darwin":
            return os.path.join(self.home, "Library", "Caches", project)
        above = self.variables.get("XDG_CACHE_HOME", "").strip()
        return os.path.join(above or os.path.join(self.home, ".cache"), project)

    def expand(self, path: str) -> str:
        """Return a path with the home in place of a `~`."""
        return self.home + path[1:] if path[:2] in ("~", "~/", "~\\") else path


class Library(Record):
    """A library that looks for data in a directory of its own."""

    __slots__ = (
        "compares",
        "configured",
        "default",
        "is_list",
        "modules",
        "name",
        "notes",
        "shared",
        "tree",
        "umbrella",
        "variables",
        "whole",
    )
    # as views name it
    name: str
    # what is imported by those who use it; none of what is no Python
    modules: tuple[str, ...]
    # the umbrella that is this library's directory as it is, if one is
    umbrella: str | None
    # its directory in a tree that is shared: below the tree's top
    tree: str
    # the variables that name its directory, the first that is set counting; lists, if `is_list`
    variables: tuple[str, ...]
    is_list: bool
    # what its own configuration file says
    configured: Callable[[Surroundings], str | None]
    # where it looks where nothing else is said; None of what has no such place
    default: Callable[[Surroundings], str | None]
    # whether it wants directories, which are linked as one where nobody can write into them
    whole: bool
    # how it judges a file that is there: by "existence", "md5" or "sha256"
    compares: str
    # a variable for a list of further directories, which it reads and does not write
    shared: str | None
    # what it does that people should know
    notes: str


def _unconfigured(_here: Surroundings) -> str | None:
    return None


def _library(
    name: str,
    *,
    default: Callable[[Surroundings], str | None],
    modules: tuple[str, ...] = (),
    umbrella: str | None = None,
    tree: str | None = None,
    variables: tuple[str, ...] = (),
    is_list: bool = False,
    configured: Callable[[Surroundings], str | None] = _unconfigured,
    whole: bool = False,
    compares: str = "existence",
    shared: str | None = None,
    notes: str = "",
) -> Library:
    return Library(
        name=name,
        modules=modules,
        umbrella=umbrella,
        tree=tree or umbrella or name,
        variables=variables,
        is_list=is_list,
        configured=configured,
        default=default,
        whole=whole,
        compares=compares,
        shared=shared,
        notes=notes,
    )


def _at_home(*names: str) -> Callable[[Surroundings], str]:
    return lambda here: os.path.join(here.home, *names)


def _cached(project: str) -> Callable[[Surroundings], str]:
    return lambda here: here.cache(project)


def mne_settings(here: Surroundings) -> str:
    """Return the file in which MNE-Python keeps the paths that it has used."""
    home = here.variables.get("_MNE_FAKE_HOME_DIR") or here.home
    if here.platform == "win32":
        home = here.variables.get("APPDATA") or home
    return os.path.join(home, ".mne", "mne-python.json")


def _mne_data(here: Surroundings) -> str | None:
    from ..inventory.payload import read_json

    said = read_json(mne_settings(here)).get("MNE_DATA")
    return said if isinstance(said, str) else None


def brainglobe_settings(here: Surroundings) -> str:
    """Return the file in which BrainGlobe says where its atlases are."""
    folder = here.variables.get("BRAINGLOBE_CONFIG_DIR")
    folder = folder or os.path.join(here.home, ".config", "brainglobe")
    return os.path.join(folder, "bg_config.conf")


def _brainglobe_directory(here: Surroundings) -> str | None:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(brainglobe_settings(here), encoding="utf-8")
        return parser.get("default_dirs", "brainglobe_dir")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return None


def _freesurfer_subjects(here: Surroundings) -> str | None:
    top = here.variables.get("FREESURFER_HOME")
    return os.path.join(top, "subjects") if top else None


_ALL = (
    _library(
        "templateflow",
        modules=("templateflow",),
        umbrella="templateflow",
        variables=("TEMPLATEFLOW_HOME",),
        default=_cached("templateflow"),
        notes="up to 24.2.0 it writes into its directory at every import",
    ),
    _library(
        "nilearn",
        modules=("nilearn",),
        umbrella="nilearn_data",
        variables=("NILEARN_SHARED_DATA", "NILEARN_DATA"),
        is_list=True,
        default=_at_home("nilearn_data"),
        shared="NILEARN_SHARED_DATA",
        notes="it rewrites the surfaces fsaverage3 and fsaverage4 where they are",
    ),
    _library(
        "pooch",
        modules=("pooch",),
        default=_cached("pooch"),
        compares="sha256",
        notes="a file with another digest than its registry's is fetched",
    ),
    _library(
        "scikit-image",
        modules=("skimage",),
        variables=("SKIMAGE_DATADIR",),
        default=_cached("scikit-image"),
        compares="sha256",
        notes="its directory has its version's name, so each version has its links",
    ),
    _library(
        "mne",
        modules=("mne",),
        umbrella="mne_data",
        variables=("MNE_DATA",),
        configured=_mne_data,
        default=_at_home("mne_data"),
        whole=True,
        notes="it writes the path that it used into its own configuration",
    ),
    _library(
        "dipy",
        modules=("dipy",),
        variables=("DIPY_HOME",),
        default=_at_home(".dipy"),
        compares="md5",
        notes="archives are unpacked at every call, and other files overwritten in place",
    ),
    _library(
        "brainglobe",
        modules=("brainglobe_atlasapi",),
        configured=_brainglobe_directory,
        default=_at_home(".brainglobe"),
        whole=True,
        notes="version 2 needs last_versions.conf without a network",
    ),
    _library(
        "neuromaps",
        modules=("neuromaps",),
        umbrella="neuromaps-data",
        variables=("NEUROMAPS_DATA",),
        default=_at_home("neuromaps-data"),
    ),
    _library(
        "netneurotools",
        modules=("netneurotools",),
        umbrella="nnt-data",
        variables=("NNT_DATA",),
        default=_at_home("nnt-data"),
        whole=True,
    ),
    _library(
        "nimare",
        modules=("nimare",),
        variables=("NIMARE_SHARED_DATA", "NIMARE_DATA"),
        is_list=True,
        default=_at_home(".nimare"),
        shared="NIMARE_SHARED_DATA",
    ),
    _library(
        "abagen",
        modules=("abagen",),
        umbrella="abagen-data",
        variables=("ABAGEN_DATA",),
        default=_at_home("abagen-data"),
    ),
    _library("antspyx", modules=("ants",), tree="antspy", default=_at_home(".antspy")),
    _library(
        "antspynet", modules=("antspynet",), tree="ANTsXNet", default=_at_home(".keras", "ANTsXNet")
    ),
    _library(
        "freesurfer",
        tree="subjects",
        variables=("SUBJECTS_DIR",),
        default=_freesurfer_subjects,
        whole=True,
    ),
)

LIBRARIES: dict[str, Library] = {library.name: library for library in _ALL}
"""Every library by the name that views have for it."""


def directories(library: Library, view: View, here: Surroundings) -> tuple[str, ...]:
    """Return where a library looks for what a view offers, in its order; empty of no such place."""
    if view.variable and here.variables.get(view.variable):
        return (here.expand(here.variables[view.variable]),)
    if library.name == "pooch":
        return (here.cache(view.project),) if view.project else ()
    if library.name == "mne" and (said := _mne_data_set(view.at, here)):
        return (here.expand(said),)
    return library_directories(library, here)


def _mne_data_set(at: str, here: Surroundings) -> str | None:
    """Return where MNE-Python was told that one of its data sets is, `MNE-sample-data` say."""
    from ..inventory.payload import read_json

    name = at.removeprefix("MNE-").removesuffix("-data").replace("-", "_").upper()
    key = f"MNE_DATASETS_{name}_PATH"
    said = here.variables.get(key) or read_json(mne_settings(here)).get(key)
    return said if isinstance(said, str) else None


def library_directories(library: Library, here: Surroundings) -> tuple[str, ...]:
    """Return where a library looks, in its order, whatever is looked for."""
    said = [here.variables[name] for name in library.variables if here.variables.get(name)]
    if library.is_list:
        found = [here.expand(path) for each in said for path in each.split(os.pathsep) if path]
        found += [path for path in [library.default(here)] if path]
        return tuple(dict.fromkeys(found))
    place = said[0] if said else library.configured(here) or library.default(here)
    return (here.expand(place),) if place else ()


def target_directories(library: Library, view: View, here: Surroundings) -> tuple[str, ...]:
    """Return the directories that what a view offers belongs into; empty of no such place.

    It is one: of a list the first that has the data set, which hides those behind it, or else the
    last, which is the user's own. A library with its version in the path has one for each.
    """
    found = directories(library, view, here)
    if library.name == "scikit-image":
        return tuple(
            os.path.join(each, version, "data") for each in found for version in _skimage(each)
        )
    if not library.is_list or not found:
        return found
    data_set = view.at.partition("/")[0]
    having = [each for each in found if os.path.isdir(os.path.join(each, data_set))]
    return (having[0] if having else found[-1],)


def _skimage(directory: str) -> list[str]:
    """Return the versions that this interpreter has, or that have looked for data before."""
    from importlib.metadata import PackageNotFoundError, version

    versions = set()
    with suppress(PackageNotFoundError):
        versions.add(version("scikit-image"))
    try:
        names = os.listdir(directory)
    except OSError:
        names = []
    versions.update(name for name in names if os.path.isdir(os.path.join(directory, name, "data")))
    return sorted(versions)
