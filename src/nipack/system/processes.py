"""Other processes of this program, which share the processors with it and end with it."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from nipack.system.interruption import ending_signals
from nipack.system.parallel import share_processors

# What has something to take away when a signal ends this process.
_tidy: CodeType | None = None


@contextmanager
def local_processes(count: int, tidy: Callable[..., Any] | None = None) -> Iterator[Executor]:
    """Open so many processes, which share the processors; on an error they end at once.

    A signal ends one without a word, but raises KeyboardInterrupt within `tidy`, a function that
    has something to take away.
    """
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(count, tidy))
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(processes: int, tidy: Callable[..., Any] | None) -> None:
    """Take this process's share of the processors, and end in peace when that is asked for."""
    global _tidy
    _tidy = tidy.__code__ if tidy is not None else None
    share_processors(processes)
    for number in ending_signals():
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """Raise where there is something to take away; else end without a word."""
    while frame is not None:
        if frame.f_code is _tidy:
            raise KeyboardInterrupt
        frame = frame.f_back
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
