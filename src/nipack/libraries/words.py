"""What `nipack link` says, in lines that both of its fronts print."""

from __future__ import annotations

import os
from collections import Counter

from .linking import leads_nowhere
from .shells import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .linking import Placed, State

_DONE: dict[State, str] = {
    "linked": "linked",
    "copied": "copied",
    "there": "already in place",
    "same bytes": "already there with the same bytes",
    "removed": "removed",
}


def summary(placed: Sequence[Placed], *, dry_run: bool) -> Iterator[str]:
    """Yield a line for each library and what came of its files."""
    counts = Counter((each.library, each.state) for each in placed if each.state in _DONE)
    for library in dict.fromkeys(each.library for each in placed):
        said = [
            f"{counts[library, state]} {words}"
            for state, words in _DONE.items()
            if counts[library, state]
        ]
        if said:
            yield f"{library}: {', '.join(said)}{' (nothing was done)' if dry_run else ''}"


def complaints(placed: Iterable[Placed]) -> Iterator[str]:
    """Yield a line for each place that is not as a package has it, with the reason."""
    for each in placed:
        if each.state == "other bytes" and leads_nowhere(each.path):
            yield f"{each.path}: a link of your own to data that is gone; remove it"
        elif each.state == "other bytes":
            yield f"{each.path}: other bytes than {each.package} has; {each.reason}"
        elif each.state in ("failed", "no place"):
            where = f"{each.path}: " if each.path else ""
            yield f"{each.library}: {where}{each.reason}"


def closed(tree: str | None) -> Iterator[str]:
    """Yield what to do about a tree for many users that its maker alone can read, by the umask."""
    if tree is None:
        return
    tree = os.path.abspath(os.path.expanduser(tree))
    try:
        with os.scandir(tree) as entries:
            places = [tree, *(each.path for each in entries if each.is_dir(follow_symlinks=False))]
        if any(os.stat(place).st_mode & 0o055 == 0 for place in places):
            yield f"{tree}: nobody else can read it; run chmod -R go+rX {quoted(tree, 'sh')}"
    except OSError:
        return  # what could not be made is told of by its file


def is_failure(placed: Iterable[Placed]) -> bool:
    """Tell whether something could not be done: a file of the user's own that stays is none."""
    return any(each.state in ("failed", "no place") for each in placed)
