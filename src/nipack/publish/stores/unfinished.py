"""Half-written files: they lie in the repository, so that they get their name at once."""

import os
import secrets
import socket
from collections.abc import Callable, Iterable

UNFINISHED = ".nipack/unfinished"
# Of another machine's process nothing is known but how long ago it wrote.
_ABANDONED_AFTER = 24 * 3600


def own_path(what: str = "") -> str:
    """Return where this process may write what it has not finished; `what` is in its name."""
    return f"{UNFINISHED}/{socket.gethostname()}.{os.getpid()}.{what}{secrets.token_hex(4)}"


def is_abandoned(name: str, age: float) -> bool:
    """Tell of a half-written file whether its writer has ended, or has not been seen for a day."""
    host, process, _ = (*name.rsplit(".", 2), "", "")[:3]
    ended = host == socket.gethostname() and process.isdigit() and not _runs(int(process))
    return ended or age > _ABANDONED_AFTER


def tidy_unfinished(
    files: Callable[[str], Iterable[str]],
    age: Callable[[str], float],
    delete: Callable[[str], object],
) -> None:
    """Delete what is abandoned, by what a store does."""
    for path in files(UNFINISHED):
        if is_abandoned(path.rpartition("/")[2], age(path)):
            delete(path)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
