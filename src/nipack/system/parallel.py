"""Work on many files: the large ones on all processors, the small ones one after the other."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

File = TypeVar("File")
Result = TypeVar("Result")


def processors() -> int:
    """Return how many processors this process may use, which a cluster's manager may limit."""
    if hasattr(os, "sched_getaffinity"):  # of Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# More threads than these wait for the disk, and each has its memory.
THREADS = min(8, processors())
# Python hands a smaller file to a thread, and takes the result, for more than its bytes cost.
LARGE = 1 << 18


_share: int | None = None


def threads() -> int:
    """Return how many threads this process may keep busy."""
    return _share or THREADS


def share_processors(processes: int) -> None:
    """Leave the other processors to as many processes beside this one."""
    use_threads(max(1, THREADS // processes))


def use_threads(count: int) -> None:
    """Let this process keep so many threads busy, and no more than there may be."""
    global _share
    _share = min(THREADS, count)


def for_each_file(
    work: Callable[[File], Result], files: Sequence[File], sizes: Sequence[int]
) -> list[Result]:
    """Return what `work` makes of each of the files, in order; `sizes` are in bytes.

    Raises what `work` raises, and then begins with no further file.
    """
    large = [number for number, size in enumerate(sizes) if size >= LARGE]
    if not large:
        return [work(file) for file in files]
    pool = ThreadPoolExecutor(max_workers=threads())
    try:
        futures = {number: pool.submit(work, files[number]) for number in large}
        small = {number: work(file) for number, file in enumerate(files) if number not in futures}
        return [
            futures[number].result() if number in futures else small[number]
            for number in range(len(files))
        ]
    finally:
        pool.shutdown(cancel_futures=True)
