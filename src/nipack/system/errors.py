"""What can be wrong with a data package, and the errors that say so."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: its place, the reason and the remedy.

    `code` is stable and is what a definition's `exceptions` name.  `where` is a path, with
    `:line` behind it where there is one.
    """

    severity: Severity
    code: str
    where: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}; {self.remedy} [{self.code}]"


class NipackError(Exception):
    """The base of every error that the builder raises on purpose."""


class DataPackageError(NipackError):
    """A data package or its definition is not valid; `problems` has every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SourceError(NipackError):
    """A source cannot be fetched, is not what its digests say, or does not unpack safely."""

    code = "source-unreadable"


class SourceDigestError(SourceError):
    """A source is not the file whose digests the definition states."""

    code = "source-digest"


class RecipeError(NipackError):
    """A recipe's format cannot carry the package, or what was built from it is another one."""


class ToolError(NipackError):
    """Another program is missing, or it failed; the message has its last lines."""


class ArtifactError(NipackError):
    """An artifact cannot carry the payload, or does not hold it to the byte."""


@contextmanager
def system_errors_as(kind: type[NipackError], remedy: str, *, place: str = "") -> Iterator[None]:
    """Raise what the system refuses (rights, a full disk) as an error of the builder.

    `place` is what the message begins with where the system names no file.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or place
        raise kind(f"{where}: {error.strerror or error}; {remedy}".removeprefix(": ")) from error
