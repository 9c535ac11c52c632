"""Python loads this at its start where this folder is on its path: work that is done in turn.

strace counts the calls of each thread, so that the one which is to be killed at its tenth is
seldom come to if many threads share them.
"""

import concurrent.futures
import concurrent.futures.thread
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class InTurn(Executor):
    """Does what it is given in the thread that gives it."""

    def __init__(self, *words: Any, **named: Any) -> None:
        """Take what a pool of threads takes."""

    def submit(self, call: Callable[..., Any], /, *words: Any, **named: Any) -> "Future[Any]":
        """Do it, and return what came of it."""
        future: Future[Any] = Future()
        try:
            future.set_result(call(*words, **named))
        except Exception as error:
            future.set_exception(error)
        return future


concurrent.futures.ThreadPoolExecutor = InTurn  # type: ignore[misc, assignment]
concurrent.futures.thread.ThreadPoolExecutor = InTurn  # type: ignore[misc, assignment]
