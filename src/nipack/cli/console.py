"""How the command line looks: messages and progress on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from nipack.cli.answers import Line
from nipack.cli.answers import size_text as size_text
from nipack.cli.visible import exact, folded, print_paths

if TYPE_CHECKING:
    # rich is loaded when something is printed with it: `nipack where` shall not wait for it.
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table as RichTable

    from nipack.cli.answers import Answer, Table
    from nipack.system.errors import Problem

# Where no terminal reads, a line is as long as what is in it.
_UNLIMITED = 10_000
_MOST_OF_A_KIND = 10
# Bytes that take long enough for a bar to be seen.
_WORTH_A_BAR = 1_000_000
# What is printed on the console that shows bars comes above them.
_WITH_BARS: ContextVar[Console | None] = ContextVar("_WITH_BARS", default=None)


def console(*, stderr: bool = False) -> Console:
    """Return a console for what is stdout or stderr now."""
    from nipack.cli.visible_console import VisibleConsole

    shown = _WITH_BARS.get()
    if stderr and shown is not None:
        return shown
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _UNLIMITED
    # Paths are printed as they are: no [markup] and no :emoji: of rich's in them.
    return VisibleConsole(
        file=exact(stream), width=width, highlight=False, soft_wrap=True, markup=False, emoji=False
    )


def print_error(message: str) -> None:
    """Print why a command failed."""
    _print_message("error", "bold red", message)


def print_warning(message: str) -> None:
    """Print what a command went on in spite of."""
    _print_message("warning", "bold yellow", message)


def print_problem(problem: Problem) -> None:
    """Print a problem as pip and compilers do: its severity first."""
    style = {"error": "bold red", "warning": "bold yellow"}[problem.severity]
    _print_message(problem.severity, style, str(problem))


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems, but of one kind no more than a screen can use."""
    count = Counter[str]()
    for problem in problems:
        count[problem.code] += 1
        if count[problem.code] <= _MOST_OF_A_KIND:
            print_problem(problem)
    print_rest(count)


def print_rest(count: Counter[str]) -> None:
    """Print how many problems of each code were left out."""
    from rich.text import Text

    for code, number in count.items():
        if number > _MOST_OF_A_KIND:
            rest = f"{number - _MOST_OF_A_KIND} more like it [{code}]; --json lists them all"
            console(stderr=True).print(Text.assemble(("and ", "bold"), rest))


def _print_message(word: str, style: str, message: str) -> None:
    from rich.text import Text

    # A file's name may hold what is not UTF-8; a terminal could not show it.
    shown = message.encode("utf-8", "backslashreplace").decode()
    output = console(stderr=True)
    text = folded(f"{word}: {shown}", output.width)
    output.print(Text.assemble((text[: len(word) + 2], style), text[len(word) + 2 :]))


def plain_table(*columns: str, right: tuple[str, ...] = ()) -> RichTable:
    """Return a table without lines, whose cells are never cut."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def print_table(table: RichTable) -> None:
    """Print a table; where the terminal is too narrow, a block of lines for each of its rows.

    A path that is folded cannot be copied.
    """
    from rich.text import Text

    output = console()
    if (
        output.measure(table, options=output.options.update(width=_UNLIMITED)).maximum
        <= output.width
    ):
        output.print(table)
        return
    titles = [str(column.header) for column in table.columns]
    # What has no title marks the row, as in the table: before its first line.
    has_mark = "" in titles
    width = max(map(len, titles))
    rows = zip(*(column.cells for column in table.columns), strict=True)
    for number, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
        if number:
            output.print()
        named = dict(zip(titles, map(str, cells), strict=True))
        mark = f"{named.pop('', ''):3}" if has_mark else ""
        for title, cell in named.items():
            if cell:
                output.print(Text(f"{mark}{title:{width}}  {cell}", style=row.style or ""))
                mark = " " * len(mark)


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer; exits with 1 if what was asked for failed."""
    if as_json:
        click.echo(json.dumps(answer.document, indent=2))
    else:
        for warning in answer.warnings:
            print_warning(warning)
        for error in answer.errors:
            print_error(error)
        print_paths(answer.paths)
        for part in answer.parts:
            _show_part(part)
    if answer.failed:
        sys.exit(1)


_STYLES = {"good": "bold green", "bad": "bold red", "dim": "dim", "": ""}


def _show_part(part: str | Line | Table) -> None:
    from rich.text import Text

    output = console()
    if isinstance(part, str):
        click.echo(folded(part, output.width))
    elif isinstance(part, Line):
        text, end = folded(str(part), output.width), len(part.label) + 2
        output.print(Text.assemble((text[:end], _STYLES[part.tone]), text[end:]))
    else:
        table = plain_table(*part.columns, right=part.right)
        for tone, cells in part.rows:
            table.add_row(*map(Text, cells), style=_STYLES[tone] or None)
        print_table(table)


@dataclass(frozen=True, slots=True)
class ConsoleReporter:
    """Shows the steps of a build as bars, and its warnings above them."""

    progress: Progress
    problems: list[Problem] = field(default_factory=list)
    quiet: bool = False
    of_bytes: bool = True
    count: Counter[str] = field(default_factory=Counter)

    def step(self, name: str, total: int | None) -> Callable[[int], object]:
        """Show a bar for a step of so many bytes."""
        if self.progress.disable:  # where nobody sees it, it costs each file its time
            return lambda count: None
        visible = total is None or total >= _WORTH_A_BAR or not self.of_bytes
        task = self.progress.add_task(name, total=total, visible=visible)
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            # An archive has more bytes than the data in it, of which the step is.
            self.progress.update(task, completed=done if total is None else min(done, total))

        return advance

    def warn(self, problem: Problem) -> None:
        """Print a warning at once, and keep it for --json."""
        self.problems.append(problem)
        self.count[problem.code] += not self.quiet
        if not self.quiet and self.count[problem.code] <= _MOST_OF_A_KIND:
            print_problem(problem)


@contextmanager
def console_reporter(*, quiet: bool = False, of_bytes: bool = True) -> Iterator[ConsoleReporter]:
    """Give a reporter whose bars are gone at the end; without a terminal there are none.

    Its steps are of bytes, or else of packages.
    """
    from rich import progress as bars

    units = (bars.DownloadColumn(), bars.TransferSpeedColumn())
    shown = not quiet and sys.stderr.isatty()
    progress = bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        *(units if of_bytes else (bars.MofNCompleteColumn(),)),
        bars.TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        disable=not shown,
    )
    token = _WITH_BARS.set(progress.console)
    try:
        # Before rich 14, what is disabled ends with an empty line all the same.
        with progress if shown else nullcontext():
            reporter = ConsoleReporter(progress, quiet=quiet, of_bytes=of_bytes)
            yield reporter
    finally:
        _WITH_BARS.reset(token)
    print_rest(reporter.count)


def expanded(sources: Iterable[str]) -> tuple[str, ...]:
    """Return the sources, each folder of definitions as all that is in it."""
    from nipack.builder.source.folders import expand_folder

    return tuple(each for source in sources for each in expand_folder(source))
