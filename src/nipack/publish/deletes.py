"""Who deletes and who publishes at the same time: neither loses a file to the other.

Who deletes says so, reads the log, and deletes what it does not name.  Who publishes a file that
was there already waits, once the log names it, until nobody says so, and writes it again if it is
gone.  So the log is read after it names the file, which then stays, or before, and is waited for.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from nipack.publish import log
from nipack.publish.errors import RepositoryError
from nipack.publish.stores import Store

FOLDER = ".nipack/deleting"
# Seconds after which one who has said so was ended; who takes half of them gives up.
_ENDED = 600.0
_PAUSE = 0.2
_BATCH = 500


def delete(store: Store, paths: Sequence[str], *, at_once: int) -> None:
    """Delete files in order, some at once, but for those that the log names by now."""
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        with _announced(store) as until, ThreadPoolExecutor(max_workers=at_once) as pool:
            named = _named(store, batch)
            for done in pool.map(lambda path: _delete(store, path, until), _others(batch, named)):
                assert done is None


def wait(store: Store) -> None:
    """Wait until nobody deletes files who began before this."""
    while any(store.age(path) < _ENDED for path in store.files(FOLDER)):
        time.sleep(_PAUSE)


@contextmanager
def _announced(store: Store) -> Iterator[float]:
    """Say that files are deleted within; give the time of the monotonic clock to end by."""
    for path in store.files(FOLDER):
        if store.age(path) >= _ENDED:
            store.delete(path)
    path, until = f"{FOLDER}/{secrets.token_hex(8)}", time.monotonic() + _ENDED / 2
    store.create(path, b"")
    try:
        yield until
    finally:
        store.delete(path)


def _named(store: Store, paths: Sequence[str]) -> tuple[str, ...]:
    state = log.load(store)
    return tuple(state.packages.digests(set(paths))) if state else ()


def _others(paths: Sequence[str], named: tuple[str, ...]) -> list[str]:
    """Return what is not named; what is carried beside an artifact is called after it."""
    return [path for path in paths if not (named and path.startswith(named))]


def _delete(store: Store, path: str, until: float) -> None:
    if time.monotonic() > until:
        raise RepositoryError(
            f"{store.address}: to delete files takes too long; nothing is lost, run this again"
        )
    store.delete(path)
