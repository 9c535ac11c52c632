"""Say why a search found nothing: a short first line, what was tried, and what to do."""

from __future__ import annotations

from .hint import install_command, package_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .search import Candidate, IniProblem


def failure(
    relpath: str,
    tried: Sequence[Candidate],
    problems: Sequence[IniProblem] = (),
    *,
    minimum: str | None = None,
    name: str | None = None,
) -> str:
    """Return the message for data that was not found, or found in no usable state."""
    blocks = [_first_line(relpath, tried, minimum)]
    if tried:
        blocks.append("Tried, in this order:\n" + _table(tried))
    if problems:
        blocks.append("Skipped:\n" + "\n".join(f"  {problem}" for problem in problems))
    package = package_name(relpath, name)
    # Where an old one is installed, some installers are content with it unless told what is wanted.
    outdated = any(candidate.status == "too old" for candidate in tried)
    command = install_command(package, minimum=minimum if outdated else None)
    blocks.append(f"To install {package} for this interpreter:\n  {command}")
    return "\n\n".join(blocks)


def _first_line(relpath: str, tried: Sequence[Candidate], minimum: str | None) -> str:
    there = [candidate for candidate in tried if candidate.status != "absent"]
    if not tried:
        return f"{relpath} is not found: the data path is empty"
    if not there:
        places = "the one place" if len(tried) == 1 else f"any of the {len(tried)} places"
        return f"{relpath} is not installed in {places} where it is looked for"
    old = [candidate for candidate in there if candidate.status == "too old"]
    if old:
        newest = ", ".join(dict.fromkeys(str(candidate.version) for candidate in old))
        return f"{relpath} {newest} is installed, but {minimum} or newer is needed"
    return f"{relpath} is in {there[0].path}, but cannot be used: {there[0].reason}"


def _table(tried: Sequence[Candidate]) -> str:
    width = max(len(candidate.path) for candidate in tried)
    return "\n".join(
        f"  {candidate.path:{width}}  {candidate.reason}  [{candidate.root.origin}]"
        for candidate in tried
    )
