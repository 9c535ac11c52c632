"""Fetch many files: a few at a time, counted as one, and every failure told at once."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from nipack.builder.definition.sources import Source
from nipack.builder.source.tree import fetch_source
from nipack.system.errors import Problem, SourceDigestError, SourceError
from nipack.system.progress import Advance, Reporter
from nipack.system.words import counted

# Servers of data ask for no more connections at a time, and more bring no more bytes.
_AT_A_TIME = 4
# A server that is gone would be asked for each of a thousand files.
_MOST_FAILURES = 20

Fetched = tuple[Path, dict[str, str]]


@dataclass(slots=True)
class _Common:
    """What all downloads share: one step of the reporter, and whether to go on."""

    reporter: Reporter
    advance: Advance
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)
    failures: list[tuple[int, SourceError]] = field(default_factory=list)

    def fail(self, number: int, error: SourceError) -> None:
        with self.lock:
            self.failures.append((number, error))
            if len(self.failures) >= _MOST_FAILURES:
                self.over.set()


class _Stopped(Exception):
    """The other downloads have failed, or the run was interrupted."""


@dataclass(slots=True)
class _OneOfMany:
    """The reporter of one download: an attempt that begins again counts nothing twice."""

    common: _Common
    counted: int = 0
    position: int = 0

    def step(self, name: str, total: int | None) -> Advance:
        """Count the bytes of the download, and of nothing else."""
        if name != "download":
            return lambda count: None
        self.position = 0
        return self._advance

    def _advance(self, count: int) -> None:
        if self.common.over.is_set():
            raise _Stopped
        self.position += count
        self.count_up_to(self.position)

    def count_up_to(self, position: int) -> None:
        """Count what has come and was not counted yet."""
        if position > self.counted:
            self.common.advance(position - self.counted)
            self.counted = position

    def warn(self, problem: Problem) -> None:
        """Pass a warning on."""
        with self.common.lock:
            self.common.reporter.warn(problem)


def fetch_together(
    sources: Sequence[Source], reporter: Reporter, *, offline: bool = False
) -> list[Fetched]:
    """Return each source as a file of this machine with its digests, in order.

    Raises SourceError with every failure, of which twenty end the rest.
    """
    sizes = [source.size for source in sources]
    total = sum(size for size in sizes if size is not None) if None not in sizes else None
    step = f"download {counted(len(sources), 'file')}"
    common = _Common(reporter, reporter.step(step, total))

    def fetch(number: int) -> Fetched | None:
        return _fetched(number, sources[number], common, offline=offline)

    pool = ThreadPoolExecutor(max_workers=_AT_A_TIME)
    try:
        found = list(pool.map(fetch, range(len(sources))))
    finally:
        common.over.set()
        pool.shutdown(cancel_futures=True)
    if common.failures:
        raise _all_of([error for _, error in sorted(common.failures, key=lambda each: each[0])])
    return [each for each in found if each is not None]


def _fetched(number: int, source: Source, common: _Common, *, offline: bool) -> Fetched | None:
    if common.over.is_set():
        return None
    reporter = _OneOfMany(common)
    try:
        path, digests = fetch_source(source, reporter, offline=offline, as_file=True)
        reporter.count_up_to(path.stat().st_size)
    except SourceError as error:
        common.fail(number, error)
    except OSError as error:
        place = error.filename or source.address
        common.fail(number, SourceError(f"{place}: {error.strerror or error}; make it readable"))
    except _Stopped:
        pass
    else:
        return path, digests
    return None


def _all_of(errors: list[SourceError]) -> SourceError:
    """Return one error that says what several say; of digests only where all are."""
    kind = type(errors[0]) if len({type(each) for each in errors}) == 1 else SourceError
    lines = [str(each) for each in errors]
    if len(errors) >= _MOST_FAILURES:
        lines.append(f"after {len(errors)} failures the rest was not tried")
    return (kind if issubclass(kind, SourceDigestError) else SourceError)("\n".join(lines))
