"""What the builder tells of its work while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nipack.system.errors import Problem

Advance = Callable[[int], object]
"""Takes the number of bytes done since the last call.  It is called from several threads."""


class Reporter(Protocol):
    """Receives the steps of the work and the warnings on the way."""

    def step(self, name: str, total: int | None) -> Advance:
        """Begin a step of `total` bytes (None: not known) and return what counts them."""
        ...

    def warn(self, problem: Problem) -> None:
        """Receive a problem that does not stop the work."""
        ...


class SilentReporter:
    """A reporter that says nothing."""

    def step(self, name: str, total: int | None) -> Advance:
        """Count nothing."""
        return lambda count: None

    def warn(self, problem: Problem) -> None:
        """Drop the problem."""


@dataclass(frozen=True, slots=True)
class StepsAlone:
    """A reporter that passes steps on to another, and drops problems."""

    reporter: Reporter

    def step(self, name: str, total: int | None) -> Advance:
        """Pass a step on."""
        return self.reporter.step(name, total)

    def warn(self, problem: Problem) -> None:
        """Drop the problem."""
