"""How much of what strangers made is taken: one table, which the environment can raise."""

import os
import re
from dataclasses import dataclass, fields

from nipack.system.errors import NipackError

VARIABLE = "NIPACK_LIMITS"


class LimitsError(NipackError):
    """The variable that raises the limits is not what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run takes at most; `NIPACK_LIMITS="members=500000 text=2000000"` raises two of them.

    `text`: bytes of a text that is read whole: a definition, a licence, CITATION.cff.
    `header`: bytes of what a tar says of one member before it (PAX records, long names).
    `record`: bytes of what lists files or packages: package.json and SHA256SUMS of an artifact,
    packages.json of a repository.
    `members`: files, folders and links in one archive.
    `ratio`: how much larger than its archive is what is unpacked; the first GB is free.
    `seconds`: of one download.
    `rate`: bytes a second that a download brings at least, over any minute of it.
    `wait`: seconds that a busy server may ask for before the next attempt.
    `silence`: seconds that an sftp server may leave every question unanswered.
    """

    text: int = 512 << 10
    header: int = 256 << 10
    record: int = 32 << 20
    members: int = 100_000
    ratio: int = 250
    seconds: int = 6 * 3600
    rate: int = 1000
    wait: int = 60
    silence: int = 60


def limits() -> Limits:
    """Return the limits of this run; raises LimitsError where the environment names no such."""
    stated = os.environ.get(VARIABLE, "")
    known = [each.name for each in fields(Limits)]
    values: dict[str, int] = {}
    for word in stated.split():
        name, _, value = word.partition("=")
        if name not in known or not re.fullmatch("[0-9]{1,15}", value):
            raise LimitsError(
                f"{VARIABLE}: '{word}' is not a limit and its number; "
                f"write e.g. members=500000, of {', '.join(known)}"
            )
        values[name] = int(value)
    return Limits(**values)


def how_to_raise(name: str) -> str:
    """Return the remedy for what a limit does not take, and is meant all the same."""
    return f"if that is meant, set {VARIABLE}={name}=NUMBER to more than {getattr(limits(), name)}"
