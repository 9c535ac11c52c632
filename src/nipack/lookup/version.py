"""Data packages' versions: the two numbers nibabel reads, and which of two is newer."""

from __future__ import annotations

# More takes longer to compare than anybody waits for.
_MOST_CHARACTERS = 200


def major_minor(version: str) -> tuple[int, int]:
    """Return the two numbers a version begins with, as nibabel reads them, or raise ValueError."""
    if len(version) > _MOST_CHARACTERS:
        raise ValueError(
            f"version {version[:20]!r}... has {len(version):,} characters; write e.g. 0.1"
        )
    try:
        major, minor = (int(part) for part in version.split(".")[:2])
        float(f"{major}.{minor}")
    except ValueError:
        problem = f"version {version!r} does not begin with two numbers"
        raise ValueError(f"{problem}; write e.g. {_example(version)}") from None
    return major, minor


def _example(version: str) -> str:
    import re

    # The remedy keeps what can be kept: 0.3rc1 becomes 0.3, and 2009c 2009.0.
    numbers = re.match(r"([0-9]+)(\.[0-9]+)?", version)
    return f"{numbers[1]}{numbers[2] or '.0'}" if numbers else "0.1"


def check_minimum(minimum: object) -> None:
    """Raise ValueError unless `minimum` is a version that others can be compared with."""
    if isinstance(minimum, str):
        try:
            at_least("0", minimum)
        except ValueError:
            pass
        else:
            return
    raise ValueError(f"'min version' must be a version, such as '0.3', not {minimum!r}")


def at_least(version: str, minimum: str) -> bool:
    """Return whether `version` is `minimum` or newer (PEP 440), or raise ValueError.

    0.10 is newer than 0.9, which nibabel's `version_no` does not know.
    """
    ours, theirs = _release(version), _release(minimum)
    if ours is not None and theirs is not None:
        return ours >= theirs
    # Only now: importing it takes as long as the rest of a look-up does.
    from packaging.version import Version

    return Version(version) >= Version(minimum)


def normal(version: str) -> str:
    """Return a version as PEP 440 spells it: v1.0-rc1 is 1.0rc1."""
    if _release(version) is not None:
        return version
    from packaging.version import Version

    return str(Version(version))


def _release(version: str) -> tuple[int, ...] | None:
    """Return the numbers of a version that has nothing but numbers, without trailing zeros."""
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
