"""Several publishers at once, in processes of their own, and what is there afterwards."""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.publish.reading import pointed_at

from nipack.publish import flow, log
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

SETTINGS = flow.Settings(name="lab", address="https://data.lab.example")


@dataclass(frozen=True)
class Rounds:
    """What became of all rounds: `seconds` each round took, `generations` were made in all."""

    seconds: tuple[float, ...]
    artifacts: int
    files: int
    generations: int


def rounds_at_once(
    address: str, publishers: Sequence[Sequence[Path]], key: Path, rounds: int, work: Path
) -> Rounds:
    """Publish at once, each round into a repository of its own; fail where anything was lost.

    Each publisher has files of its own.  After each round every index of the repository, which is
    read back from where it lies, names every artifact of every publisher, and each signature is
    good.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(publishers) + 1)
    workers = [
        context.Process(target=_publish_rounds, args=(barrier, address, list(mine), key, rounds))
        for mine in publishers
    ]
    for worker in workers:
        worker.start()
    seconds = []
    try:
        for _ in range(rounds):
            barrier.wait(300)
            start = time.monotonic()
            barrier.wait(600)
            seconds.append(time.monotonic() - start)
    finally:
        # One that failed has let the others go on alone, and has said why.
        barrier.abort() if len(seconds) < rounds else None
        for worker in workers:
            worker.join()
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    expected = {path.name for mine in publishers for path in mine}
    files = generations = 0
    for number in range(rounds):
        place = f"{address}/{number}"
        copy = copied(place, work / f"copy-{number}")
        found = pointed_at(copy)
        assert found == expected, found ^ expected
        check = check_repository(str(copy))
        assert check.problems == (), check.problems
        known = log.generations(store_at(place))
        assert known == list(range(1, len(publishers) + 1))
        files += check.files
        generations += len(known)
    return Rounds(tuple(seconds), rounds * len(expected), files, generations)


def copied(address: str, folder: Path) -> Path:
    """Read a repository back from where it lies, every file of it."""
    store = store_at(address)
    if store.folder is not None:
        return store.folder
    for path in store.files(""):
        content = store.read(path)
        assert content is not None, path
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def _publish_rounds(
    barrier: Barrier, top: str, artifacts: list[Path], key: Path, rounds: int
) -> None:
    signer = signer_of(str(key))
    try:
        for number in range(rounds):
            barrier.wait(600)
            store = store_at(f"{top}/{number}")
            done = flow.publish(artifacts, store, signer, SETTINGS)
            assert not done.refused, done.refused
            barrier.wait(600)
    except BaseException:
        barrier.abort()
        raise
