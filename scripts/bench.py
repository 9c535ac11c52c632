#!/usr/bin/env python3
"""Measure nipack beside its peers, in one run.

Each pair runs in turn, A B A B ..., as whole processes; what counts is the ratio of the medians,
for a machine's speed drifts.  Peak memory is the largest of a run's processes, as the kernel
counts it.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from isal import igzip

NIPACK = [sys.executable, "-m", "nipack"]
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Measurement:
    """The runs of one command: wall seconds, and the peak memory in MB."""

    name: str
    seconds: list[float]
    memory: float

    def __str__(self) -> str:
        low, high = min(self.seconds), max(self.seconds)
        median = statistics.median(self.seconds)
        return f"{self.name:<44} {median:7.3f} s ({low:.3f}-{high:.3f})  {self.memory:6.0f} MB"


def make_tree(directory: Path, megabytes: int) -> None:
    """Make a data directory: four fifths compressed images, a fifth raw ones, some text.

    The bytes are the same every time.
    """
    generator = random.Random(2026)
    directory.mkdir(parents=True)
    (directory / "config.ini").write_text("[DEFAULT]\nversion = 0.3\n", "utf-8")
    noise = [bytes(byte & mask for byte in range(256)) for mask in (0x3F, 0x0F)]
    for number in range(8):
        path = directory / f"ICBM152/sub-{number:02d}/T1w.nii.gz"
        path.parent.mkdir(parents=True)
        # Six bits of noise in a byte: deflate has its work, and leaves about 0.8 of it.
        with igzip.open(path, "wb", 1) as stream:
            for _ in range(megabytes // 8):
                stream.write(generator.randbytes(MEGABYTE).translate(noise[0]))
    for number in range(2):
        path = directory / f"colin27/raw-{number:02d}.nii"
        chunks = (generator.randbytes(MEGABYTE).translate(noise[1]) for _ in range(megabytes // 10))
        write(path, chunks)
    for number in range(300):
        lines = (f'"EchoTime{k}": {generator.random()}' for k in range(300))
        write(directory / f"atlas/label-{number:03d}.json", [f"{{{','.join(lines)}}}\n".encode()])


def write(path: Path, chunks: object) -> None:
    """Write chunks of bytes into a new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.writelines(chunks)  # type: ignore[arg-type]


def run(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall seconds and the peak memory of its processes in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes, or KiB
    return seconds, usage.ru_maxrss * unit / MEGABYTE


def compare(runs: int, **commands: list[str]) -> None:
    """Run two commands in turn and print both, and the ratio of their medians."""
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            result = run(command)
            if number:  # the first is a warm-up
                results[name].append(result)
    measured = [
        Measurement(name, [s for s, _ in each], max(m for _, m in each))
        for name, each in results.items()
    ]
    ours, peer = measured
    ratio = statistics.median(ours.seconds) / statistics.median(peer.seconds)
    print(ours, peer, f"{'ratio of the medians':<44} {ratio:7.3f}\n", sep="\n", flush=True)


def bench_build(megabytes: int, runs: int) -> None:
    """Compare builds with what tar and a compressor alone need for the same tree."""
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as workspace:
        tree = Path(workspace) / "nipy" / "templates"
        make_tree(tree, megabytes)
        print(f"a package of {megabytes} MB, {runs} runs each, {os.cpu_count()} processors\n")
        for format, compressor in (("conda", "zstd -3 -T2 -c"), ("deb", "gzip -1 -c")):
            build = [*NIPACK, "build", str(tree), "-q", "-f", format, "-o", f"{workspace}/dist"]
            archive = f"{workspace}/peer"
            peer = ["sh", "-c", f"tar c -C {workspace} nipy | {compressor} > {archive}"]
            names = (f"nipack build -f {format}", f"tar c | {compressor}")
            compare(runs, **dict(zip(names, (build, peer), strict=True)))


IMPORT = """
import time
began = time.perf_counter()
import {module}.data
print(time.perf_counter() - began)
"""


LOOK_UP = """
import time
from {module} import data
data.get_nipy_system_dir = lambda: {directory!r}
wanted = {{"relpath": "{relpath}", "name": "a", "install hint": "b", "min version": "0.3"}}
began = time.perf_counter()
data.datasource_or_bomber(wanted)
print(time.perf_counter() - began)
"""
INI_FILES = (1, 10, 100)
WANTED = {"look-up": "nipy/templates", "look-up that finds nothing": "nipy/absent"}


def bench_look_up(runs: int) -> None:
    """Compare one look-up where many packages have left an ini file, in fresh processes."""
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as workspace:
        data = Path(workspace) / "share" / "nipy" / "nipy" / "templates"
        data.mkdir(parents=True)
        (data / "config.ini").write_text("[DEFAULT]\nversion = 0.3\n", "utf-8")
        for count in INI_FILES:
            directory = Path(workspace) / f"etc-{count}"
            directory.mkdir()
            for number in range(count):
                ini = directory / f"package_{number:03}.ini"
                ini.write_text(f"[DATA]\npath = {workspace}/share/nipy\n", "utf-8")
            for name, relpath in WANTED.items():
                title = f"{name}, {count} ini files"
                compare_python(title, LOOK_UP, runs, directory=str(directory), relpath=relpath)


def compare_python(name: str, code: str, runs: int, **values: str) -> None:
    """Run code with our module and with nibabel's in turn; it prints its own seconds."""
    seconds: dict[str, list[float]] = {"nipack": [], "nibabel": []}
    for number in range(runs + 1):
        for module, measured in seconds.items():
            command = [sys.executable, "-c", code.format(module=module, **values)]
            said = subprocess.check_output(command, text=True)
            if number:
                measured.append(float(said))
    ours, peer = (statistics.median(measured) for measured in seconds.values())
    for module, median in (("nipack", ours), ("nibabel", peer)):
        print(f"{name + ': ' + module:<44} {median * 1000:7.2f} ms")
    print(f"{'ratio of the medians':<44} {ours / peer:7.3f}\n", flush=True)


def bench_verify(megabytes: int, runs: int) -> None:
    """Compare nipack verify with openssl, in two processes, over the same files."""
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as workspace:
        prefix = Path(workspace)
        make_tree(prefix / "share" / "nipy" / "nipy" / "templates", megabytes)
        records = prefix / "share" / "nipack" / "nipy-templates"
        records.mkdir(parents=True)
        sums = f"find share/nipy -type f -print0 | xargs -0 sha256sum > {records}/SHA256SUMS"
        subprocess.run(["sh", "-c", sums], cwd=prefix, check=True)
        data = str(prefix / "share" / "nipy" / "nipy" / "templates")
        # The largest first, as nipack does, so that both processes are busy to the end.
        openssl = (
            f"find {data} -type f -printf '%s %p\\0' | sort -zrn | cut -z -d' ' -f2"
            " | xargs -0 -P2 -n40 openssl dgst -sha256"
        )
        commands = {
            "nipack verify": [*NIPACK, "verify", data],
            "openssl dgst -sha256, two processes": ["sh", "-c", openssl],
        }
        compare(runs, **commands)


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="the package's size [500]")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each [5]")
    arguments = parser.parse_args()
    bench_build(arguments.megabytes, arguments.runs)
    bench_verify(arguments.megabytes, arguments.runs)
    bench_look_up(3 * arguments.runs)
    compare_python("import", IMPORT, 3 * arguments.runs)


if __name__ == "__main__":
    main()
