"""Make data of many files, and collections of many packages; and a cluster of two workers."""

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTE = 1_000_000
_DEFINITION = """\
name: lab-data{number:04d}
relpath: lab/data{number:04d}
version: "1.0"
date: 2026-01-01
summary: synthetic data set {number}
license: CC0-1.0
redistribution: verified
homepage: https://lab.example/data{number:04d}
maintainer: {{name: Ada Lovelace, email: ada@lab.example}}
"""
_CONFIG = "[DEFAULT]\nversion = 1.0\n"


def make_files(top: Path, count: int) -> Path:
    """Make a data directory of so many files, tables of 200 bytes; return it."""
    directory = top / "lab" / "many"
    directory.mkdir(parents=True)
    (directory / "config.ini").write_text(_CONFIG, "utf-8")
    generator = random.Random(2026)
    for number in range(count - 1):
        folder = directory / f"sub-{number // 100:04d}"
        folder.mkdir(exist_ok=True)
        rows = "".join(f"{generator.random():.6f}\t{row}\n" for row in range(18))
        (folder / f"run-{number % 100:02d}_events.tsv").write_text(rows, "utf-8")
    return directory


def make_collection(top: Path, count: int, megabytes: int) -> list[str]:
    """Make so many packages of a size, of 9 small files where that is 0; return their definitions.

    Four fifths of a large one are noise, as compressed images are, and a fifth has four bits of it.
    """
    generator = random.Random(2026)
    made = []
    for number in range(count):
        home = top / f"data{number:04d}"
        directory = home / home.name
        directory.mkdir(parents=True)
        (home / "package.yaml").write_text(_DEFINITION.format(number=number), "utf-8")
        (directory / "config.ini").write_text(_CONFIG, "utf-8")
        for name in range(8):
            rows = f"index\tname\n{name}\tregion{number}\n" * 5
            (directory / f"labels-{name}.tsv").write_text(rows, "utf-8")
        noise = bytes(byte & 0x0F for byte in range(256))
        for place in range(megabytes):
            content = generator.randbytes(MEGABYTE)
            # What has no ending of an image is read, and not opened as one.
            with (directory / f"volume-{place % 5}.dat").open("ab") as stream:
                stream.write(content.translate(noise) if place % 5 == 4 else content)
        made.append(str(home / "package.yaml"))
    return made


@contextmanager
def cluster(processors: list[int]) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler of Dask that this machine alone reaches, and a worker on each processor.

    Gives its address, and the numbers of its processes.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    started = [subprocess.Popen([*dask, *local, "--port", str(port)], **quiet)]
    try:
        for each in processors:
            words = [*worker, "--no-nanny", "--host", "127.0.0.1", "--no-dashboard"]
            started.append(subprocess.Popen(["taskset", "-c", str(each), *words], **quiet))
        yield address, [process.pid for process in started]
    finally:
        for process in started:
            process.kill()  # a worker without its scheduler waits for it
            process.wait()


def processor_seconds(pids: list[int]) -> float:
    """Return the time that processes have had of the processors, which Linux alone tells."""
    lines = [Path(f"/proc/{pid}/stat").read_text("utf-8") for pid in pids]
    fields = [line.rpartition(")")[2].split() for line in lines]  # a name may have blanks
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")
