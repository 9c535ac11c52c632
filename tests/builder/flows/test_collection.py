"""Many packages at once: the same bytes as one by one, whatever becomes of a process."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.builder.samples import CONFIG

from nipack.builder.flows.collection import Built, Order, build_collection, build_processes
from nipack.cli.app import nipack

LIMIT = 120  # seconds, after which a test that hangs is given up


def recipe(tmp_path: Path, number: int, size: int = 3_000, config: bytes = CONFIG) -> Path:
    """Make a folder with a definition and its data."""
    folder = tmp_path / "recipes" / f"p{number}"
    data = folder / f"d{number}"
    data.mkdir(parents=True)
    (data / "config.ini").write_bytes(config)
    (data / "noise").write_bytes(os.urandom(size))
    text = f"name: p{number}\nrelpath: nipy/d{number}\nversion: '0.3'\n"
    (folder / "package.yaml").write_text(text, "utf-8")
    return folder


def ran(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(nipack, ["build", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def orders(tmp_path: Path) -> list[Order]:
    claims = tmp_path / "claims"
    claims.mkdir()
    return [
        Order(
            source=str(recipe(tmp_path, number)),
            formats=("conda", "deb"),
            out_dir=tmp_path / "dist",
            claims=claims,
        )
        for number in range(5)
    ]


@pytest.mark.slow
def test_a_collection_is_the_same_as_its_packages_one_by_one(tmp_path: Path) -> None:
    for number in range(4):
        recipe(tmp_path, number)
    recipe(tmp_path, 4, config=b"[DEFAULT]\nversion = 7.0\n")
    recipes = tmp_path / "recipes"
    assert ran(recipes, "-q", "-o", tmp_path / "one")[0] == 1
    status, out, err = ran(recipes, "-q", "-j", "2", "-o", tmp_path / "two")
    assert status == 1
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "two")) == 8
    names = [line.split()[0] for line in out.splitlines() if "p" in line and ".conda" in line]
    assert names == sorted(names)
    said = err.splitlines()
    assert "config.ini:2: version is 7.0, but" in said[-2], "why, at the end"
    assert said[-1].startswith("4 of 5 sources built, 1 failed: ")


@pytest.mark.slow
def test_stop_begins_no_more(tmp_path: Path) -> None:
    recipe(tmp_path, 0, config=b"[DEFAULT]\nversion = 7.0\n")
    recipe(tmp_path, 1)
    status, _, err = ran(tmp_path / "recipes", "-q", "--stop", "-o", tmp_path / "dist")
    assert status == 1
    assert err.splitlines()[-1].endswith(", 1 not begun")
    assert not (tmp_path / "dist").exists()


@pytest.mark.slow
def test_two_sources_of_one_target_are_refused_across_processes(tmp_path: Path) -> None:
    first, second = recipe(tmp_path, 0), recipe(tmp_path, 1)
    for name in ("package.yaml", "d0/config.ini"):
        (second / name).parent.mkdir(exist_ok=True)
        (second / name).write_bytes((first / name).read_bytes())
    status, _, err = ran(first, second, "-q", "-j", "2", "-f", "deb", "-o", tmp_path / "dist")
    assert status == 1
    assert "p0_0.3-1_all.deb: would be made of" in err
    assert len(contents(tmp_path / "dist")) == 1


class Killing(Executor):
    """Kills one of its processes just after a first build was given to them."""

    def __init__(self, inner: Executor) -> None:
        self._inner, self._begun = inner, False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future = self._inner.submit(fn, *args, **kwargs)
        if not self._begun:
            self._begun = True
            multiprocessing.active_children()[0].kill()
            with suppress(BrokenExecutor):
                future.result()  # It is known now that one was lost.
        return future


def opening(times: list[bool]) -> Callable[[], Any]:
    """Return what opens processes, of which one is killed at each time that says so."""

    @contextmanager
    def opened() -> Iterator[Executor]:
        with build_processes(2) as pool:
            yield Killing(pool) if times.pop(0) else pool

    return opened


def sources(built: list[Built]) -> list[str]:
    return sorted(each.order.source for each in built)


@pytest.mark.slow
def test_what_a_killed_process_had_is_built_again(orders: list[Order], tmp_path: Path) -> None:
    built = list(build_collection(orders, opening([True, False])))
    assert sources(built) == sorted(order.source for order in orders)
    assert not any(each.error for each in built)
    assert len(contents(tmp_path / "dist")) == 10
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_what_is_lost_again_and_again_has_failed(orders: list[Order]) -> None:
    built = list(build_collection(orders[:1], opening([True] * 3)))
    assert "its process was lost 3 times; give it more memory" in built[0].error


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are of Unix")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_first_process_ends_all(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    for each in range(3):
        recipe(tmp_path, each, size=60_000_000)
    out = tmp_path / "dist"
    command = [sys.executable, "-m", "nipack", "build", tmp_path / "recipes", "-q", "-j", "2"]
    process = subprocess.Popen([*map(str, command), "-o", str(out)], start_new_session=True)
    try:
        wait_until(lambda: out.exists() and any(out.glob("*.part")))
        process.send_signal(number)
        assert process.wait(LIMIT) == status
        wait_until(lambda: not is_alive(process.pid))
    finally:
        if is_alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not list(out.glob(".*"))


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
