"""The whole of a search: `nipack.explain`."""

from __future__ import annotations

import os
import sys

from .. import data
from ..lookup.records import Record
from ..lookup.search import Wanted, every_candidate, find_data_path, given_data_path, mark_choice
from .mistakes import mistakes
from .near_misses import Surroundings, near_misses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..lookup.search import Candidate, DataPath, IniProblem, Root, SearchSettings
    from .near_misses import NearMiss
    from .nibabel_choice import NibabelChoice


class Explanation(Record):
    """A search, with all that was looked at and why; `str()` of it is a table for people.

    `tried` has every root in order. `mistakes` are those in the settings that name the roots.
    `near_misses` are places that the search does not look at. `alike` are the relpaths below the
    roots that may be meant, where there is nothing at, or near, the one that is wanted.
    `nibabel` is what unmodified nibabel would choose; None where it was not asked for.
    """

    __slots__ = ("alike", "mistakes", "near_misses", "nibabel", "problems", "tried", "wanted")
    wanted: Wanted
    tried: tuple[Candidate, ...]
    problems: tuple[IniProblem, ...]
    mistakes: tuple[str, ...]
    near_misses: tuple[NearMiss, ...]
    alike: tuple[str, ...]
    nibabel: NibabelChoice | None

    @property
    def chosen(self) -> Candidate | None:
        """What `make_datasource` takes; None where nothing is usable."""
        return next((each for each in self.tried if each.status == "chosen"), None)

    @property
    def nowhere(self) -> bool:
        """Whether there is no trace of the data: nothing in any root, or near, or alike."""
        traces = self.mistakes or self.near_misses or self.alike
        return not traces and all(each.status in ("absent", "repeated") for each in self.tried)

    def __str__(self) -> str:
        """Return it as text."""
        from .report import explanation_text

        return explanation_text(self)


def explain(
    relpath: str, min_version: str | None = None, *, data_path: Iterable[str] | None = None
) -> Explanation:
    """Return the whole search for the data at `relpath`, as `make_datasource` does it.

    Nothing is raised for data that is not there: then `chosen` is None. Raises ValueError for a
    `min_version` that is no version.
    """
    wanted = Wanted.read({"relpath": relpath, "min version": min_version})
    given = None if data_path is None else given_data_path(os.fspath(path) for path in data_path)
    settings = data.search_settings()
    found = search(wanted, settings, given)
    # Not at the top: an error message, which has no need of it, does not wait for it.
    from .nibabel_choice import nibabel_choice

    choice = nibabel_choice(
        wanted,
        found.chosen,
        data_path=None if given is None else [root.path for root in given.roots],
        system_dir=settings.system_dir,
    )
    return found.replace(nibabel=choice)


def search(wanted: Wanted, settings: SearchSettings, given: DataPath | None = None) -> Explanation:
    """Return the search in the given data path, or in the one that the settings make."""
    data_path = find_data_path(settings)
    # What put each directory there is known of those that this machine's settings give.
    if given is not None and [r.path for r in given.roots] != [r.path for r in data_path.roots]:
        data_path = given
    tried = mark_choice(every_candidate(data_path.roots, wanted.relative, wanted.minimum))
    searched = list(dict.fromkeys(root.path for root in data_path.roots))
    near = near_misses(wanted, searched, _surroundings(settings))
    return Explanation(
        wanted=wanted,
        tried=tried,
        problems=data_path.problems,
        mistakes=tuple(dict.fromkeys(mistakes(data_path.roots))),
        near_misses=near,
        alike=() if near else _alike(wanted, tried, data_path.roots),
        nibabel=None,
    )


def _alike(wanted: Wanted, tried: Iterable[Candidate], roots: Iterable[Root]) -> tuple[str, ...]:
    # A system that does not tell Nipy/data from nipy/data finds it.
    if any(each.status not in ("absent", "repeated") for each in tried):
        return ()
    from ..inventory.copies import relpaths_below
    from .nearest import nearest_relpaths

    return tuple(nearest_relpaths(wanted.relpath, relpaths_below(roots)))


def _surroundings(settings: SearchSettings) -> Surroundings:
    """Return what is known of the places around this interpreter."""
    return Surroundings(
        prefix=settings.prefix,
        base_prefix=sys.base_prefix,
        home=os.path.expanduser("~"),
        user_dir=settings.user_dir,
        environ=settings.environ,
    )
