"""The whole of a search, with what is near and what is mistaken."""

from __future__ import annotations

import os
import sys

from ..lookup.search import every_candidate, find_data_path, ini_files, mark_choice
from .mistakes import misspelt, mistakes
from .near_misses import Surroundings, near_misses
from .report import Explanation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..lookup.search import Candidate, DataPath, Root, SearchSettings, Wanted


def explanation(
    wanted: Wanted, settings: SearchSettings, given: DataPath | None = None
) -> Explanation:
    """Return the search, with what unmodified nibabel would choose."""
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
    causes = [*mistakes(data_path.roots), *misspelt(ini_files(settings))]
    near = near_misses(wanted, searched, _surroundings(settings))
    return Explanation(
        wanted=wanted,
        tried=tried,
        problems=data_path.problems,
        mistakes=tuple(dict.fromkeys(causes)),
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
