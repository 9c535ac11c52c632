"""Who deletes and who publishes at the same time: neither loses a file to the other.

Who deletes says so, reads the log, and deletes what it does not name.  Who publishes a file that
was there already waits, once the log names it, until nobody says so, and writes it again if it is
gone.  So the log is read after it names the file, which then stays, or before, and is waited for.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from nipack.publish import log
from nipack.publish.errors import RepositoryError
from nipack.publish.stores import Store
from nipack.publish.stores.unfinished import UNFINISHED, is_abandoned, own_path
from nipack.system.progress import Reporter

_DELETING = "deleting-"
# Seconds after which one who has said so was ended; who takes half of them gives up.
_ENDED = 600.0
_PAUSE = 0.2
_BATCH = 500


def delete(store: Store, paths: Sequence[str], *, at_once: int) -> Iterator[str]:
    """Delete files in order, some at once, and yield each; what the log names by now stays."""
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        with _announced(store) as until, ThreadPoolExecutor(max_workers=at_once) as pool:
            yield from pool.map(lambda path: _deleted(store, path, until), _unnamed(store, batch))


def wait(store: Store, reporter: Reporter) -> None:
    """Wait until nobody deletes files who began before this."""
    if _somebody_deletes(store):
        reporter.step("wait for another who deletes files", None)
        while _somebody_deletes(store):
            time.sleep(_PAUSE)


def _somebody_deletes(store: Store) -> bool:
    names = {path: path.rpartition("/")[2] for path in store.files(UNFINISHED)}
    return any(
        not is_abandoned(name, age := store.age(path)) and age < _ENDED
        for path, name in names.items()
        if f".{_DELETING}" in name
    )


@contextmanager
def _announced(store: Store) -> Iterator[float]:
    """Say that files are deleted within; give the time of the monotonic clock to end by."""
    path, until = own_path(_DELETING), time.monotonic() + _ENDED / 2
    store.create(path, b"")
    try:
        yield until
    finally:
        store.delete(path)


def _unnamed(store: Store, paths: Sequence[str]) -> list[str]:
    """Return what the log does not name; what is carried beside an artifact is called after it."""
    state = log.load(store)
    named = tuple(state.packages.digests(set(paths))) if state else ()
    return [path for path in paths if not (named and path.startswith(named))]


def _deleted(store: Store, path: str, until: float) -> str:
    if time.monotonic() > until:
        raise RepositoryError(
            f"{store.address}: to delete files takes too long; nothing is lost, run this again"
        )
    store.delete(path)
    return path
