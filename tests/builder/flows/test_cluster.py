"""Builds on the workers of a real Dask scheduler: the same bytes, whatever becomes of a worker."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.builder.flows.test_collection import contents, recipe
from tests.commands import run_nipack
from tests.publish.test_buckets import bucket, bucket_server, endpoint  # noqa: F401

from nipack.publish.stores import store_at

pytestmark = pytest.mark.slow(60)
LIMIT = 120  # seconds, after which a test that hangs is given up


@dataclass
class Cluster:
    """A scheduler, and the processes of it and its workers."""

    address: str
    folder: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def worker(self, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a worker of one thread; its log is in the folder."""
        log = self.folder / f"worker-{len(self.processes)}.log"
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--host", "127.0.0.1", "--local-directory", str(self.folder / "space")]
        return self.start(log, *words, **variables)

    def start(self, log: Path, *words: str, **variables: str) -> "subprocess.Popen[bytes]":
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
                stdout=stream, stderr=subprocess.STDOUT, cwd=self.folder,
                env=os.environ | variables,
            )  # fmt: skip
        self.processes.append(process)
        return process


def wait_for(holds: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster("", folder)
    log = folder / "scheduler.log"
    words = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    made.start(log, *words)
    try:
        wait_for(lambda: re.search(rb"Scheduler at: +(tcp://\S+)", log.read_bytes()))
        found = re.search(r"Scheduler at: +(tcp://\S+)", log.read_text())
        assert found is not None
        made.address = found[1]
        yield made
    finally:
        for process in made.processes:
            process.kill()
        for process in made.processes:
            process.wait()


def test_a_collection_is_the_same_and_a_lost_worker_s_builds_are_tried_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    for number in range(6):
        recipe(tmp_path, number, size=20_000_000)
    recipe(tmp_path, 6, config=b"[DEFAULT]\nversion = 7.0\n")
    words = ("build", "recipes", "-q", "-o")
    local = run_nipack(*words, "local", cwd=tmp_path)
    first, _ = cluster.worker(), cluster.worker()
    shared = tmp_path / "shared"
    command = [sys.executable, "-m", "nipack", *words, "shared", "--scheduler", cluster.address]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(lambda: shared.exists() and list(shared.glob("*.conda")))
        first.kill()
        out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == local.returncode == 1
    left = {path.name for path in shared.iterdir() if path.name.startswith(".")}
    assert all(name.endswith(".part") for name in left), "what the lost worker was writing"
    # The next run clears that, and finds every package as it would be.
    again = run_nipack(*words, "shared", "--json", cwd=tmp_path)
    assert len(json.loads(again.stdout)["artifacts"]) == 12
    assert contents(shared) == contents(tmp_path / "local")
    assert len(contents(shared)) == 12
    assert "config.ini:2: version is 7.0, but" in err
    assert err.splitlines()[-1].startswith("6 of 7 sources built, 1 failed: ")
    assert out.count(".conda") == 6


def test_workers_store_their_packages_in_a_bucket(
    cluster: Cluster,
    tmp_path: Path,
    bucket: str,  # noqa: F811
) -> None:
    for number in range(3):
        recipe(tmp_path, number)
    words = ("build", "recipes", "-q", "-o")
    assert run_nipack(*words, "local", cwd=tmp_path).returncode == 0
    for _ in range(2):
        cluster.worker()
    run = run_nipack(*words, bucket, "--scheduler", cluster.address, "--json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    stored = store_at(bucket)
    assert {name: stored.read(name) for name in stored.files("")} == contents(tmp_path / "local")
    told = {each["path"] for each in json.loads(run.stdout)["artifacts"]}
    assert told == {f"{bucket}/{name}" for name in contents(tmp_path / "local")}


def test_what_makes_a_cluster_of_no_use_is_told(cluster: Cluster, tmp_path: Path) -> None:
    recipe(tmp_path, 0)
    words = ("build", "recipes", "-q", "-o", "dist", "--scheduler")
    absent = run_nipack(*words, "tcp://127.0.0.1:1", cwd=tmp_path)
    assert absent.returncode == 1
    assert "tcp://127.0.0.1:1: the scheduler cannot be reached" in absent.stderr
    other = tmp_path / "other" / "nipack"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("__version__ = '9.9'\n", "utf-8")
    cluster.worker(PYTHONPATH=str(other.parent))
    unfit = run_nipack(*words, cluster.address, cwd=tmp_path)
    assert unfit.returncode == 1
    assert "the worker cannot build: it has no nipack-build" in unfit.stderr
    assert "Traceback" not in unfit.stderr
    assert not list((tmp_path / "dist").glob("*"))
