"""What `nipack link` says, in lines that both of its fronts print."""

from __future__ import annotations

from collections import Counter

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
        if each.state == "other bytes":
            yield f"{each.path}: other bytes than {each.package} has; {each.reason}"
        elif each.state in ("failed", "no place"):
            where = f"{each.path}: " if each.path else ""
            yield f"{each.library}: {where}{each.reason}"


def is_failure(placed: Iterable[Placed]) -> bool:
    """Tell whether something could not be done: a file of the user's own that stays is none."""
    return any(each.state in ("failed", "no place") for each in placed)
