"""A command on several sources: each has its turn, and what went wrong is told of all."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from nipack.cli.console import ConsoleReporter, console, print_error, print_problems

if TYPE_CHECKING:
    from nipack.system.errors import NipackError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What was made of some sources, and why nothing was made of others."""

    results: list[Result] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def make_each(
    sources: Iterable[str],
    make: Callable[[str], Iterator[Result]],
    reporter: ConsoleReporter,
    *,
    silent: bool,
) -> Outcome[Result]:
    """Make what is asked for of each source; an error is printed at once, unless it is `silent`."""
    from nipack.system.address import public_address
    from nipack.system.errors import DataPackageError, NipackError

    outcome: Outcome[Result] = Outcome()
    for source in sources:
        try:
            # One by one: what was made before an error is made.
            for result in make(source):
                outcome.results.append(result)
        except NipackError as error:
            # The other sources have their turn all the same.
            outcome.errors.append(str(error))
            outcome.failed.append(public_address(source))
            if isinstance(error, DataPackageError):
                reporter.problems.extend(error.problems)
            if not silent:
                _print_failure(error, quiet=reporter.quiet)
    return outcome


def _print_failure(error: "NipackError", *, quiet: bool) -> None:
    from nipack.system.errors import DataPackageError

    if isinstance(error, DataPackageError):
        print_problems(each for each in error.problems if each.severity == "error" or not quiet)
    else:
        print_error(str(error))


def print_sum(count: int, failed: list[str], done: str) -> None:
    """Print how many of several sources went well."""
    if count > 1:
        rest = f", {len(failed)} failed: {', '.join(failed)}" if failed else ""
        console(stderr=bool(failed)).print(f"{count - len(failed)} of {count} sources {done}{rest}")
