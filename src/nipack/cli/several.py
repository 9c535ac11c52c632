"""A command on several sources: each has its turn, and what went wrong is told of all."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from nipack.cli.console import ConsoleReporter, console, print_error, print_problems

if TYPE_CHECKING:
    from nipack.system.errors import Problem

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What was made of some sources, and why nothing was made of others."""

    results: list[Result] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    well: list[str] = field(default_factory=list)


def make_each(
    sources: Iterable[str],
    make: Callable[[str], Iterator[Result]],
    reporter: ConsoleReporter,
    *,
    silent: bool,
    keep_going: bool = True,
) -> Outcome[Result]:
    """Make what is asked for of each source; an error is printed at once, unless it is `silent`.

    Without `keep_going`, nothing is made after the first error.
    """
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
            problems = error.problems if isinstance(error, DataPackageError) else ()
            reporter.problems.extend(problems)
            if not silent:
                print_failure(str(error), problems, quiet=reporter.quiet)
            if not keep_going:
                break
        else:
            outcome.well.append(public_address(source))
    return outcome


def print_failure(error: str, problems: Iterable["Problem"], *, quiet: bool) -> None:
    """Print why nothing was made of a source: its problems, or else the message."""
    found = [each for each in problems if each.severity == "error" or not quiet]
    if any(each.severity == "error" for each in found):
        print_problems(found)
    else:
        print_error(error)


def print_sum(count: int, outcome: Outcome[Result], done: str) -> None:
    """Print how many of several sources went well, and which did not."""
    if count > 1:
        failed, left_out = outcome.failed, count - len(outcome.failed) - len(outcome.well)
        rest = f", {len(failed)} failed: {', '.join(failed)}" if failed else ""
        rest += f", {left_out} not begun" if left_out else ""
        console(stderr=bool(rest)).print(f"{len(outcome.well)} of {count} sources {done}{rest}")
