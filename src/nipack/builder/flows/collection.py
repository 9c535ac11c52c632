"""Many packages at once, each built in one of several processes."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from nipack.builder.flows.afar import build_at
from nipack.builder.flows.build import Artifact, BuildOptions, build
from nipack.builder.flows.targets import SharedTargets
from nipack.builder.formats import Format, formats
from nipack.system.errors import DataPackageError, NipackError, Problem
from nipack.system.processes import local_processes
from nipack.system.progress import Advance, Reporter

log = logging.getLogger(__name__)

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One source, and how its packages are to be built: what another process is told.

    `formats` are names; `out_dir` is a folder, or the address where packages are stored; `claims`
    is the folder that tells who makes which artifact, None where the place at the address does.
    """

    source: str
    formats: tuple[str, ...]
    out_dir: Path | str
    claims: Path | None
    offline: bool = False
    force: bool = False
    revision: int | None = None
    sbom: bool = False
    since: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of an order: the packages, the warnings, and why there are no more of them.

    The problems of a data package that is not valid are among `problems`, and in `error` as well.
    """

    order: Order
    artifacts: tuple[Artifact, ...] = ()
    problems: tuple[Problem, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Listener:
    """Keeps warnings for the process that asked for the build."""

    problems: list[Problem] = field(default_factory=list)

    def step(self, name: str, total: int | None) -> Advance:
        return lambda count: None

    def warn(self, problem: Problem) -> None:
        self.problems.append(problem)


def on_every_machine(order: Order) -> Order:
    """Return an order whose paths say the same in whatever folder, and on whatever machine."""
    source = order.source
    local = "://" not in source
    return replace(
        order,
        source=str(Path(source).absolute()) if local else source,
        out_dir=order.out_dir if isinstance(order.out_dir, str) else order.out_dir.absolute(),
        claims=order.claims.absolute() if order.claims else None,
        since=order.since.absolute() if order.since else None,
    )


def build_one(order: Order) -> Built:
    """Build what one order asks for; what is wrong with it is told, not raised."""
    listener, artifacts = _Listener(), []
    chosen = [formats()[name] for name in order.formats]
    try:
        for artifact in _built(order, chosen, listener):
            artifacts.append(artifact)  # noqa: PERF402  # those before an error are there
    except NipackError as error:
        if isinstance(error, DataPackageError):
            listener.problems.extend(error.problems)
        return Built(
            order=order,
            artifacts=tuple(artifacts),
            problems=tuple(listener.problems),
            error=str(error),
        )
    return Built(order=order, artifacts=tuple(artifacts), problems=tuple(listener.problems))


def _built(order: Order, chosen: Sequence[Format], reporter: Reporter) -> Iterator[Artifact]:
    how: BuildOptions = {
        "offline": order.offline,
        "force": order.force,
        "revision": order.revision,
        "sbom": order.sbom,
        "since": order.since,
    }
    if isinstance(order.out_dir, str):
        return build_at(order.source, chosen, order.out_dir, reporter, **how)
    made = SharedTargets(order.claims) if order.claims else None
    return build(order.source, chosen, order.out_dir, reporter, made=made, **how)


Opened = Callable[[], AbstractContextManager[Executor]]


def build_collection(
    orders: Sequence[Order], opened: Opened, *, keep_going: bool = True
) -> Iterator[Built]:
    """Build every order on an executor that is opened, and yield what came of each when it is done.

    Where a process is lost, killed by the system for its memory say, its builds are begun again on
    a new executor; what was lost three times has failed.  Without `keep_going`, what was not begun
    when the first has failed is not built.
    """
    waiting = list(orders)
    for attempt in range(1, _ATTEMPTS + 1):
        lost: list[Order] = []
        with opened() as executor:
            futures: dict[Future[Built], Order] = {}
            for order in waiting:
                try:
                    futures[executor.submit(build_one, order)] = order
                except BrokenExecutor:  # A process was lost before all were given out.
                    lost.append(order)
            for future in as_completed(futures):
                try:
                    built = future.result()
                except BrokenExecutor:
                    lost.append(futures[future])
                    continue
                yield built
                if built.error and not keep_going:
                    return
        if not lost:
            return
        log.warning(
            "a process was lost; %d builds are started again (attempt %d)", len(lost), attempt + 1
        )
        waiting = lost
    reason = f"its process was lost {_ATTEMPTS} times; give it more memory, or lower --jobs"
    for order in waiting:
        yield Built(order=order, error=f"{order.source}: {reason}")


def build_processes(count: int) -> AbstractContextManager[Executor]:
    """Open so many processes for builds, of which an interrupted one takes away what it began."""
    return local_processes(count, tidy=build_one)
