"""What is printed while bars are shown."""

import io
import sys

import pytest
from rich.text import Text

from nipack.cli.console import console, console_reporter, plain_table, print_error, print_table
from nipack.system.errors import Problem

_PROBLEM = Problem(
    severity="warning", code="code", where="a place", message="is odd", remedy="fix it"
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_messages_are_printed_above_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with console_reporter() as reporter:
        reporter.step("hash", 10_000_000)(5_000_000)
        reporter.progress.refresh()
        reporter.warn(_PROBLEM)
        print_error("it failed")
        assert console(stderr=True) is reporter.progress.console
    assert console(stderr=True) is not reporter.progress.console
    lines = terminal.getvalue().splitlines()
    [warning] = [line for line in lines if "a place" in line]
    [error] = [line for line in lines if "it failed" in line]
    # The bar's line is erased first, and drawn again below.
    assert "hash" not in warning + error
    assert "\x1b[2K" in warning
    assert "\x1b[2K" in error


def test_a_bar_ends_with_its_total_and_tiny_steps_have_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with console_reporter() as reporter:
        reporter.step("check", 1_000_000)(1_500_000)
        reporter.step("tiny", 26)(2365)
        reporter.step("unknown", None)(7)
        check, tiny, unknown = reporter.progress.tasks
    assert (check.completed, check.visible) == (1_000_000, True)
    assert (tiny.completed, tiny.visible) == (26, False)
    assert (unknown.completed, unknown.visible) == (7, True)


def test_where_nobody_sees_a_bar_there_is_none() -> None:
    with console_reporter() as reporter:
        reporter.step("check", 1_000_000)(1_500_000)
        assert reporter.progress.tasks == []


@pytest.mark.parametrize(("columns", "vertical"), [("80", True), ("300", False)])
def test_no_path_is_folded(columns: str, vertical: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", "25")
    table = plain_table("", "data", "path")
    path = "/a long/" + "directory/" * 9
    table.add_row("*", "nipy/templates", Text(path))
    table.add_row("", "nipy/data", Text(path))
    print_table(table)
    lines = terminal.getvalue().splitlines()
    assert sum(path in line for line in lines) == 2
    firsts = [line.split()[0] for line in lines if line]
    assert (firsts == ["*", "path", "data", "path"]) == vertical
