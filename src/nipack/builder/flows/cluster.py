"""The processes of a Dask cluster, as an executor: what builds here builds there.

Every worker has this version of nipack, and sees the sources and the packages at the same paths or
addresses.
"""

import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nipack import __version__
from nipack.system.errors import ToolError
from nipack.system.extras import how_to_have
from nipack.system.parallel import processors, use_threads

# How long a scheduler may take to answer, and the first worker to be there.
_SECONDS = 30


@contextmanager
def cluster(address: str, shared: Path | None) -> Iterator[Executor]:
    """Connect to a scheduler; raises ToolError where it, or one of its workers, is of no use.

    `shared` is a folder that every worker has to see, None where there is none.  What
    has not ended with the context is cancelled.
    """
    try:
        import distributed
    except ImportError as error:
        raise ToolError(how_to_have("distributed", "--scheduler", error)) from error
    connect: Any = distributed.Client  # which says nothing of its types
    try:
        client = connect(address, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ToolError(
            f"{address}: the scheduler cannot be reached: {error}; check the address"
        ) from error
    with client:
        _must_be_fit(client, address, shared)
        executor = client.get_executor(pure=False, retries=0)
        try:
            yield _OnCluster(executor)
        finally:
            with suppress(Exception):  # of a scheduler that is gone
                executor.shutdown(wait=False)


class _OnCluster(Executor):
    """Takes the share of a worker that one of its threads has, and tells a lost worker as such."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Submit a call."""
        import distributed

        told: Future[Any] = Future()

        def tell(done: "Future[Any]") -> None:
            error = BrokenExecutor("cancelled") if done.cancelled() else done.exception()
            if error is None:
                told.set_result(done.result())
            elif isinstance(error, distributed.scheduler.KilledWorker):
                told.set_exception(BrokenExecutor(str(error)))
            else:
                told.set_exception(error)

        self._inner.submit(_on_worker, fn, *args, **kwargs).add_done_callback(tell)
        return told


def _on_worker(fn: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function on a worker, with as many threads as it has processors for one of its own."""
    import distributed

    use_threads(max(1, processors() // distributed.get_worker().state.nthreads))
    return fn(*args, **kwargs)


def _must_be_fit(client: Any, address: str, shared: Path | None) -> None:
    """Raise ToolError that names every worker which would build something else, or nothing."""
    try:
        client.wait_for_workers(1, timeout=_SECONDS)
    except TimeoutError as error:
        advice = f"start one on each machine: dask worker {address} --nthreads 1"
        raise ToolError(f"{address}: the scheduler has no workers; {advice}") from error
    states = client.run(_state, str(shared or ""), on_error="return")
    problems = []
    for worker, state in sorted(states.items()):
        if isinstance(state, BaseException):
            reason = f"it has no nipack-build: {state}; install {__version__} there"
        elif state[0] != __version__:
            reason = f"it has nipack {state[0]}; install {__version__} there, as here"
        elif not state[1]:
            remedy = "name a folder that all workers share, or an address, with -o"
            reason = f"it does not see {shared}: {remedy}"
        else:
            continue
        problems.append(f"{worker}: the worker cannot build: {reason}")
    if problems:
        raise ToolError("\n".join(problems))


def _state(shared: str) -> tuple[str, bool]:
    return __version__, not shared or os.path.isdir(shared)
