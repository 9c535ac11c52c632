"""Say in words what a search found: why there is nothing, or what was chosen and why."""

from __future__ import annotations

from .hint import install_command, installable_name
from .nearest import alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..lookup.search import Candidate, Wanted
    from .explanation import Explanation
    from .near_misses import NearMiss


def failure(found: Explanation) -> str:
    """Return the message for data that was not found, or found in no usable state.

    The search may be later than the one that failed: what is there by now is said.
    """
    if found.chosen is not None:
        return (
            f"{found.wanted.relpath} was not found, but by now version {found.chosen.version} is "
            f"in {found.chosen.path}: start the program again, or look it up once more"
        )
    # Each place once: who installs data does not care how often a place is named.
    tried = [each for each in found.tried if each.status != "repeated"]
    blocks = [first_line(found.wanted, tried)]
    if tried:
        blocks.append("Tried, in this order:\n" + _table(tried))
    return "\n\n".join([*blocks, *remarks(found), *what_to_install(found)])


def installation(found: Explanation) -> list[str]:
    """Return the command that installs the data for this interpreter, where there can be one."""
    package = installable_name(found.wanted.relpath, found.wanted.name)
    if package is None:
        return []
    # Where an old one is installed, some installers are content with it unless told what is wanted.
    outdated = any(candidate.status == "too old" for candidate in found.tried)
    return [install_command(package, minimum=found.wanted.minimum if outdated else None)]


def first_line(wanted: Wanted, tried: Sequence[Candidate]) -> str:
    """Return why the data was not found, in one line."""
    relpath = wanted.relpath
    tried = [each for each in tried if each.status != "repeated"]
    there = [each for each in tried if each.status != "absent"]
    if not tried:
        return f"{relpath} is not found: the data path is empty"
    if not there:
        places = "the one place" if len(tried) == 1 else f"any of the {len(tried)} places"
        return f"{relpath} is not installed in {places} where it is looked for"
    old = [candidate for candidate in there if candidate.status == "too old"]
    if old:
        newest = ", ".join(dict.fromkeys(str(candidate.version) for candidate in old))
        return f"{relpath} {newest} is installed, but {wanted.minimum} or newer is needed"
    path, reason = there[0].path, there[0].reason
    if reason.startswith("cannot be read"):
        return f"{relpath} may be in {path}, which {reason}"
    return f"{relpath} is in {path}, but cannot be used: {reason}"


def remarks(found: Explanation) -> list[str]:
    """Return a block of text for each kind of thing there is to say beside the search itself."""
    blocks = []
    if found.alike:
        blocks.append(f"Did you mean {alternatives(list(found.alike))}, which is installed?")
    if found.problems:
        blocks.append(_block("Skipped", map(str, found.problems)))
    if found.mistakes:
        blocks.append(_block("To mend", found.mistakes))
    if found.near_misses:
        blocks.append("Not looked at, but there:\n" + "\n".join(map(near_text, found.near_misses)))
    return blocks


def near_text(near: NearMiss) -> str:
    """Return a near miss on two lines: what and why, and what to do."""
    version = "" if near.version is None else f"version {near.version}, "
    return f"  {near.path}  {version}{near.reason}\n    to use it: {near.remedy}"


def explanation_text(found: Explanation) -> str:
    """Return a whole search as text."""
    table = [_table(found.tried, mark=True)] if found.tried else []
    return "\n\n".join([choice(found), *table, *conclusions(found), *what_to_install(found)])


def what_to_install(found: Explanation) -> list[str]:
    """Return the block with the command that installs the data, where it is not there."""
    commands = [] if found.chosen else installation(found)
    package = installable_name(found.wanted.relpath, found.wanted.name)
    return [_block(f"To install {package} for this interpreter", commands)] if commands else []


def choice(found: Explanation) -> str:
    """Return what was chosen, or why nothing was, in one line."""
    chosen = found.chosen
    if chosen is None:
        return first_line(found.wanted, found.tried)
    return f"{found.wanted.relpath} {chosen.version} is in {chosen.path}"


def conclusions(found: Explanation) -> list[str]:
    """Return a block of text for each kind of thing that follows from a search."""
    blocks = remarks(found)
    nibabel = found.nibabel
    if nibabel is not None and nibabel.differs:
        lines = [str(nibabel), f"for the same as nipack's: {nibabel.remedy}"]
        blocks.append(_block("Unmodified nibabel differs", lines))
    return blocks


def _block(title: str, lines: Iterable[str]) -> str:
    return f"{title}:\n" + "\n".join(f"  {line}" for line in lines)


def _table(tried: Sequence[Candidate], *, mark: bool = False) -> str:
    width = max(len(candidate.path) for candidate in tried)
    return "\n".join(
        f"{'*' if mark and candidate.status == 'chosen' else ' '} "
        f"{candidate.path:{width}}  {candidate.reason}  [{candidate.root.origin}]"
        for candidate in tried
    )
