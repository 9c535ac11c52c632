"""What can be wrong with a repository."""

from collections.abc import Iterator
from contextlib import contextmanager

from nipack.system.errors import NipackError


class RepositoryError(NipackError):
    """A repository cannot be read or written, or does not take what it is given."""


class StoreError(RepositoryError):
    """A place does not take or give a file: its disk is full, say, or the connection broke."""


class ExistsError(RepositoryError):
    """What was to be made by exclusive creation is there already."""


@contextmanager
def store_errors_say(what: str) -> Iterator[None]:
    """Let an error of a store say, too, what that means for the repository."""
    try:
        yield
    except StoreError as error:
        if str(error).endswith(what):
            raise
        raise StoreError(f"{error}; {what}") from error


AS_IT_WAS = "the repository is as it was"
