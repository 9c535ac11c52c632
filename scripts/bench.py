#!/usr/bin/env python3
"""Measure nipack beside its peers, in one run.

Each pair runs in turn, A B A B ..., as whole processes; what counts is the ratio of the medians,
for a machine's speed drifts.  Peak memory is the largest of a run's processes, as the kernel
counts it.
"""

import argparse
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from bench_collection import cluster, make_collection, make_files, processor_seconds
from bench_publish import Publishing, is_comparable
from bench_report import Comparison, Measurement, Report, read_report, worse
from isal import igzip

NIPACK = [sys.executable, "-m", "nipack"]
MEGABYTE = 1_000_000
DISTRIBUTIONS = ("nipack", "zstandard", "isal", "blake3", "py-rattler-build", "py-rattler")
BENCHMARKS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"


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


def run(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return its seconds, those of the processors, and its peak memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes, or KiB
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / MEGABYTE


@dataclass(frozen=True)
class Command:
    """What is measured: its name, its words, and the folder or file that it makes."""

    name: str
    words: list[str]
    makes: Path | None = None


def compare(runs: int, ours: Command, peer: Command) -> Comparison:
    """Run two commands in turn, and print and return what came of it."""
    results: dict[str, list[tuple[float, float, float]]] = {ours.name: [], peer.name: []}
    warm_up = runs > 1
    for number in range(runs + warm_up):
        for command in (ours, peer):
            result = run(command.words)
            if number or not warm_up:
                results[command.name].append(result)
    measured = Comparison(
        name=ours.name,
        peer=peer.name,
        ours=_measurement(results[ours.name], ours),
        theirs=_measurement(results[peer.name], peer),
    )
    print(measured, flush=True)
    return measured


def _measurement(results: list[tuple[float, float, float]], command: Command) -> Measurement:
    return Measurement(
        seconds=tuple(round(seconds, 4) for seconds, _, _ in results),
        processor=tuple(round(processor, 4) for _, processor, _ in results),
        memory=round(max(memory for _, _, memory in results), 1),
        size=round(_size(command.makes) / MEGABYTE, 3),
    )


def _size(made: Path | None) -> int:
    """Return the bytes of what was made: a file, or the only large one below a folder."""
    if made is None:
        return 0
    found = [each for each in made.rglob("*") if each.is_file()] if made.is_dir() else [made]
    return max(each.stat().st_size for each in found)


def bench_build(megabytes: int, runs: int, *, small: bool) -> Iterator[Comparison]:
    """Compare builds with what tar and a compressor alone need, and with other tools."""
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as name:
        workspace = Path(name)
        tree = workspace / "nipy" / "templates"
        make_tree(tree, megabytes)
        print(f"a package of {megabytes} MB, {runs} runs each, {os.cpu_count()} processors\n")
        packed = Command(
            "tar c | zstd -3 -T2",
            ["sh", "-c", f"tar c -C {name} nipy | zstd -3 -T2 -c > {name}/peer"],
            workspace / "peer",
        )
        conda, deb = nipack_build(workspace, "conda"), nipack_build(workspace, "deb")
        yield compare(runs, conda, packed)
        yield compare(runs, deb, packed)
        yield compare(runs, nipack_build(workspace, "conda", "deb", "sdist", "wheel"), packed)
        kept = Command("nipack build, nothing changed", [*conda.words[:-1]], conda.makes)
        yield compare(max(2, runs), kept, packed)  # the first reads what is kept in mind
        for level in ("-1", "") if not small else ():
            yield compare(1, conda, rattler_build(workspace, level))
        if shutil.which("dpkg-deb"):
            for compressor in ("gzip",) if small else ("gzip", "zstd", "xz"):
                yield compare(1, deb, dpkg_deb(workspace, compressor))
        if shutil.which("dpkg-buildpackage") and not small:
            yield compare(1, deb, dpkg_buildpackage(workspace))
        if shutil.which("conda-build") and not small:
            yield compare(1, conda, conda_build(workspace))


def nipack_build(workspace: Path, *formats: str) -> Command:
    """Return a build of the tree by nipack, whatever is there already."""
    out = workspace / f"dist-{'-'.join(formats)}"
    options = [word for each in formats for word in ("-f", each)]
    words = [*NIPACK, "build", str(workspace / "nipy" / "templates"), "-q", *options]
    title = f"nipack build -f {formats[0]}" if len(formats) == 1 else "nipack build, four formats"
    return Command(title, [*words, "-o", str(out), "--force"], out if len(formats) == 1 else None)


RATTLER = """\
package: {{name: peer, version: "0.3"}}
build: {{noarch: generic, script: "mkdir -p $PREFIX/share && cp -r {tree} $PREFIX/share/nipy"}}
"""


def rattler_build(workspace: Path, level: str) -> Command:
    """Return a build by rattler-build, which copies the tree and packs it; no level is its own."""
    recipe = workspace / f"rattler{level}" / "recipe.yaml"
    recipe.parent.mkdir()
    recipe.write_text(RATTLER.format(tree=workspace / "nipy"), "utf-8")
    code = (
        "import sys, pathlib, rattler_build as r; "
        "r.Stage0Recipe.from_file(sys.argv[1]).run_build("
        "output_dir=pathlib.Path(sys.argv[2]), channels=[], package_format=sys.argv[3])"
    )
    out = workspace / f"rattler-out{level}"
    words = [sys.executable, "-c", code, str(recipe), str(out), f"conda:{level[1:]}".rstrip(":")]
    return Command(f"py-rattler-build, level {level[1:] or 'of its own'}", words, out / "noarch")


CONTROL = """\
Package: peer
Version: 0.3
Architecture: all
Maintainer: A <a@b.org>
Description: x
"""


def dpkg_deb(workspace: Path, compressor: str) -> Command:
    """Return what packs a tree that lies there ready."""
    top = workspace / "deb"
    if not top.exists():
        (top / "DEBIAN").mkdir(parents=True)
        (top / "DEBIAN" / "control").write_text(CONTROL, "utf-8")
        shutil.copytree(workspace / "nipy", top / "usr" / "share" / "nipy")
    out = workspace / "peer.deb"
    words = ["dpkg-deb", f"-Z{compressor}", "--root-owner-group", "-b", str(top), str(out)]
    return Command(f"dpkg-deb -Z{compressor}", words, out)


RULES = """\
#!/usr/bin/make -f
build build-indep clean:
binary binary-indep:
\tmkdir -p debian/peer/DEBIAN debian/peer/usr/share
\tcp -r {tree} debian/peer/usr/share/nipy
\tcd debian/peer && find usr -type f -print0 | xargs -0 md5sum > DEBIAN/md5sums
\tdpkg-gencontrol -ppeer -Pdebian/peer
\tdpkg-deb --root-owner-group -b debian/peer ..
"""


def dpkg_buildpackage(workspace: Path) -> Command:
    """Return the build of a source package that installs the tree, with Debian's own settings."""
    debian = workspace / "source" / "peer-0.3" / "debian"
    (debian / "source").mkdir(parents=True)
    source = "Source: peer\nSection: science\nPriority: optional\nMaintainer: A <a@b.org>\n"
    binary = "Package: peer\nArchitecture: all\nDescription: x\n"
    changelog = "peer (0.3) unstable; urgency=low\n\n  * x\n\n"
    signature = " -- A <a@b.org>  Thu, 01 Jan 2026 00:00:00 +0000\n"
    (debian / "control").write_text(f"{source}\n{binary}", "utf-8")
    (debian / "changelog").write_text(changelog + signature, "utf-8")
    (debian / "source" / "format").write_text("3.0 (native)\n", "utf-8")
    (debian / "rules").write_text(RULES.format(tree=workspace / "nipy"), "utf-8")
    (debian / "rules").chmod(0o755)
    command = f"cd {debian.parent} && rm -rf debian/peer && dpkg-buildpackage -b -us -uc -d"
    return Command(
        "dpkg-buildpackage", ["sh", "-c", command], workspace / "source" / "peer_0.3_all.deb"
    )


def conda_build(workspace: Path) -> Command:
    """Return a build by conda-build, which copies the tree and packs it."""
    recipe = workspace / "conda-recipe" / "meta.yaml"
    recipe.parent.mkdir()
    recipe.write_text(
        "package: {name: peer, version: '0.3'}\nbuild:\n  noarch: generic\n"
        f"  script: mkdir -p $PREFIX/share && cp -r {workspace / 'nipy'} $PREFIX/share/nipy\n",
        "utf-8",
    )
    out = workspace / "conda-out"
    words = ["conda-build", str(recipe.parent), "--output-folder", str(out), "--no-test"]
    return Command("conda-build", words, out / "noarch")


FILES = (1_000, 10_000, 100_000)


def bench_files(runs: int, *, small: bool) -> Iterator[Comparison]:
    """Compare builds of many small files with tar and a compressor, and print what a file costs."""
    first: dict[str, float] = {}
    for count in FILES[:1] if small else FILES:
        with tempfile.TemporaryDirectory(prefix="nipack-bench-") as name:
            directory, out = make_files(Path(name), count), Path(name, "dist")
            words = f"tar c -C {name} lab | zstd -3 -T2 -c > {name}/peer"
            peer = Command("tar c | zstd -3 -T2", ["sh", "-c", words], Path(name, "peer"))
            for each in ("conda", "deb"):
                build = [*NIPACK, "build", str(directory), "-q", "--force", "-f", each]
                title = f"nipack build -f {each}, {count:,} files"
                found = compare(runs, Command(title, [*build, "-o", str(out)], out), peer)
                seconds = statistics.median(found.ours.processor)
                start = first.setdefault(each, seconds)
                if count > FILES[0]:
                    cost = 1000 * (seconds - start) / (count - FILES[0])
                    print(f"{cost:.3f} ms of processor time for each of {count:,} files\n")
                yield found


def bench_collection(runs: int, *, small: bool) -> Iterator[Comparison]:
    """Compare builds of many packages: tiny ones with tar, and two workers with one."""
    tiny, large, size = (20, 4, 2) if small else (1000, 40, 50)
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as name:
        sources = make_collection(Path(name, "tiny"), tiny, 0)
        build = [*NIPACK, "build", *sources, "-q", "--force", "--jobs", "2", "-o", f"{name}/dist"]
        pack = 'tar c -C "$(dirname "$1")" . | zstd -q -3 -c > "$1.zst"'
        words = f"printf '%s\\n' {name}/tiny/*/package.yaml | xargs -P2 -n1 sh -c '{pack}' pack"
        peer = Command("tar c | zstd for each, two at a time", ["sh", "-c", words])
        yield compare(runs, Command(f"nipack build --jobs 2, {tiny:,} tiny packages", build), peer)
    if os.cpu_count() == 1 or shutil.which("taskset") is None:
        return
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as name:
        sources = make_collection(Path(name), large, size)
        options = ["-q", "--force", "-f", "conda", "-o", f"{name}/dist"]
        build, title = [*NIPACK, "build", *options], f"{large} packages of {size} MB"
        one = ["taskset", "-c", "0", *build, "--jobs", "1", *sources]
        yield with_efficiency(
            compare(
                runs,
                Command(f"nipack build --jobs 2, {title}", [*build, "--jobs", "2", *sources]),
                Command("one at a time, on one processor", one),
            )
        )
        if find_spec("distributed") is not None:
            yield with_efficiency(compare_clusters(runs, title, build, sources))


def with_efficiency(found: Comparison) -> Comparison:
    """Print what of two processors' time is work, where the peer has one; return the same."""
    ratios = (found.ratio, found.processor_ratio)
    by_clock, by_processor = 1 / (2 * ratios[0]), 1 / ratios[1]
    print(f"efficiency {by_clock:.2f} by the clock, {by_processor:.2f} of processor time\n")
    return found


def compare_clusters(runs: int, title: str, build: list[str], sources: list[str]) -> Comparison:
    """Compare a cluster of two workers with one of one worker, in turn.

    The first package is built once before: for it, the workers import what they need.
    """
    name, peer = f"nipack build --scheduler, {title}", "one worker, on one processor"
    results: dict[str, list[tuple[float, float, float]]] = {name: [], peer: []}
    for _ in range(runs):
        for each, processors in ((name, [0, 1]), (peer, [0])):
            with cluster(processors) as (address, pids):
                words = [*build, "--scheduler", address]
                run([*words, *sources[:2]])
                before = processor_seconds(pids)
                seconds, own, memory = run([*words, *sources])
                results[each].append((seconds, own + processor_seconds(pids) - before, memory))
    ours, theirs = (_measurement(each, Command("", [])) for each in results.values())
    measured = Comparison(name=name, peer=peer, ours=ours, theirs=theirs)
    print(measured, flush=True)
    return measured


IMPORT = """
import time
began = time.perf_counter(), time.process_time()
import {module}.data
print(time.perf_counter() - began[0], time.process_time() - began[1])
"""


START = """
import sys, time
sys.path.insert(0, {source!r})
sys.modules.pop("{module}", None)
began = time.perf_counter(), time.process_time()
import {module}
({module}.install if hasattr({module}, "install") else {module}.add_shim)()
print(time.perf_counter() - began[0], time.process_time() - began[1])
"""


LOOK_UP = """
import time
from {module} import data
data.get_nipy_system_dir = lambda: {directory!r}
wanted = {{"relpath": "{relpath}", "name": "a", "install hint": "b", "min version": "0.3"}}
began = time.perf_counter(), time.process_time()
data.datasource_or_bomber(wanted)
print(time.perf_counter() - began[0], time.process_time() - began[1])
"""
INI_FILES = (1, 10, 100)
WANTED = {"look-up": "nipy/templates", "look-up that finds nothing": "nipy/absent"}


def bench_look_up(runs: int) -> Iterator[Comparison]:
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
                place = str(directory)
                yield compare_python(title, LOOK_UP, runs, directory=place, relpath=relpath)


def bench_start(runs: int) -> Iterator[Comparison]:
    """Compare what a start of Python runs for nipack-autolink with what it runs for setuptools."""
    source = Path(__file__).resolve().parent.parent / "nipack-autolink" / "src"
    peer = "_distutils_hack"  # setuptools' own .pth file imports it
    if find_spec(peer) is None:
        return
    pair = ("nipack_autolink", peer)
    yield compare_python("start with autolink", START, runs, pair, source=str(source))


def compare_python(
    name: str, code: str, runs: int, pair: tuple[str, str] = ("nipack", "nibabel"), **values: str
) -> Comparison:
    """Run code with our module and with a peer's in turn; it prints its seconds, of both kinds."""
    seconds: dict[str, list[tuple[float, float]]] = {module: [] for module in pair}
    for number in range(runs + 1):
        for module, measured in seconds.items():
            command = [sys.executable, "-c", code.format(module=module, **values)]
            said = subprocess.check_output(command, text=True)
            if number:
                wall, processor = map(float, said.split())
                measured.append((round(wall, 6), round(processor, 6)))
    ours, theirs = (
        Measurement(
            seconds=tuple(wall for wall, _ in each),
            processor=tuple(processor for _, processor in each),
        )
        for each in seconds.values()
    )
    measured_pair = Comparison(name=name, peer=pair[1], ours=ours, theirs=theirs)
    print(measured_pair, flush=True)
    return measured_pair


def bench_verify(megabytes: int, runs: int) -> Iterator[Comparison]:
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
        yield compare(
            runs,
            Command("nipack verify", [*NIPACK, "verify", data]),
            Command("openssl dgst -sha256, two processes", ["sh", "-c", openssl]),
        )


def bench_publish(count: int, runs: int) -> Iterator[Comparison]:
    """Compare publishing with the indexers of conda, apt and pip, one after the other.

    They sign nothing, and make no page for people.
    """
    if not is_comparable():
        return
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as name:
        lab = Publishing(Path(name), count, runs + 1)
        title, peer = f"nipack publish, {count:,} packages from nothing", lab.peers
        yield compare(1, Command(title, lab.ours(None)), Command(peer, lab.theirs(None)))
        results: list[list[tuple[float, float, float]]] = [[], []]
        for number in range(runs + 1):
            for measured, words in zip(
                results, (lab.ours(number), lab.theirs(number)), strict=True
            ):
                measured.append(run(words))
        title = f"nipack publish, one more to {count:,}"
        ours, theirs = Command(title, []), Command(peer, [])
        added = Comparison(
            name=title,
            peer=peer,
            ours=_measurement(results[0][1:], ours),
            theirs=_measurement(results[1][1:], theirs),
        )
        print(added, flush=True)
        yield added


READ_BOTH = """
import pathlib, sys
import nibabel, numpy
for side in sys.argv[1:]:
    for path in sorted(pathlib.Path(side).rglob("*.*")):
        if path.name.endswith(".nii.gz"):
            numpy.asanyarray(nibabel.load(path).dataobj)
        else:
            path.read_bytes()
"""


def bench_diff(megabytes: int, runs: int) -> Iterator[Comparison]:
    """Compare nipack diff with nibabel's reading of every voxel of both versions."""
    with tempfile.TemporaryDirectory(prefix="nipack-bench-") as workspace:
        sides = [str(Path(workspace, each)) for each in ("old", "new")]
        for version, side in zip(("1.0", "1.1"), sides, strict=True):
            # In a process of its own: what is measured would begin with the peak of this one.
            maker = get_context("spawn").Process(
                target=make_templates, args=(Path(side), version, megabytes)
            )
            maker.start()
            maker.join()
        yield compare(
            runs,
            Command(f"nipack diff, {megabytes} MB each", [*NIPACK, "diff", "-q", *sides]),
            Command("nibabel, reading both", [sys.executable, "-c", READ_BOTH, *sides]),
        )


def make_templates(top: Path, version: str, megabytes: int) -> None:
    """Make templates as TemplateFlow has them; in version 1.1 half of the images have other voxels.

    A template has two resolutions, each with images of floats and of integers and a segmentation.
    """
    import nibabel
    import numpy as np

    generator = np.random.default_rng(2026)
    top.mkdir(parents=True)
    (top / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
    size = number = 0
    while size < megabytes * MEGABYTE:
        shape = (193, 229, 193) if number % 2 == 0 else (97, 115, 97)
        where = np.indices(shape, dtype=np.float32)
        radius = sum((2 * where[i] / shape[i] - 1) ** 2 for i in range(3))
        noise = (generator.random(shape, dtype=np.float32) - 0.5) * 600 * (radius < 1)
        values = np.clip(1 - radius, 0, None) * 3000 + noise
        suffix = ("T1w", "T2w", "probseg", "dseg")[number // 2 % 4]
        if suffix == "dseg":
            values = (where // 12).sum(axis=0) % 200 * (radius < 0.8)
        values = values.astype(np.float32 if suffix == "probseg" else np.int16)
        if version == "1.1" and number % 2 == 0:
            values[shape[0] // 2, shape[1] // 2, 5:20] += 3
        template = f"tpl-Bench{number // 8:02d}"
        stem = top / template / f"{template}_res-{number % 2 + 1:02d}_{suffix}"
        stem.parent.mkdir(exist_ok=True)
        with igzip.open(f"{stem}.nii.gz", "wb", 2) as stream:
            stream.write(nibabel.Nifti1Image(values, np.eye(4)).to_bytes())
        size += Path(f"{stem}.nii.gz").stat().st_size
        number += 1


def about_this_run(megabytes: int, runs: int) -> dict[str, str]:
    """Return what has to be known of the machine and its programs."""
    model = [line for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = [line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    programs = {
        "zstd": ["zstd", "--version"],
        "dpkg-deb": ["dpkg-deb", "--version"],
        "openssl": ["openssl", "version"],
    }
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": model[0].partition(": ")[2].strip() if model else platform.processor(),
        "processors": str(os.cpu_count()),
        "sha256 in hardware": str(any("sha_ni" in line for line in _lines("/proc/cpuinfo"))),
        "memory": memory[0].partition(":")[2].strip() if memory else "",
        "package": f"{megabytes} MB, {runs} runs after a warm-up; slow peers once",
        "Python": platform.python_version(),
        **{
            each: version(each)
            for each in ("nipack", "zstandard", "isal", "blake3", "py-rattler-build", "py-rattler")
        },
        **{name: _first_line(words) for name, words in programs.items()},
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines() if Path(path).exists() else []


def _first_line(words: list[str]) -> str:
    if shutil.which(words[0]) is None:
        return "not there"
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return (said.splitlines() or [""])[0].strip().replace("|", " ")


PARTS = (
    *("build", "files", "collection", "verify", "diff", "look-up", "import", "start", "publish"),
)


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="the package's size [500]")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each [5]")
    parser.add_argument("--packages", type=int, default=10_000, help="a repository's [10000]")
    parser.add_argument("--small", action="store_true", help="leave out the peers that take long")
    parser.add_argument("--check", action="store_true", help="compare with docs/benchmarks only")
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="measure this part; keep the other rows"
    )
    parser.add_argument("--into", type=Path, default=BENCHMARKS, help="the folder of the report")
    arguments = parser.parse_args()
    megabytes, runs = arguments.megabytes, arguments.runs
    committed = read_report(arguments.into) if arguments.check else None
    # An installed program is compiled; one that is run from its sources only where Python may.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts = {
        "build": lambda: bench_build(megabytes, runs, small=arguments.small),
        "files": lambda: bench_files(runs, small=arguments.small),
        "collection": lambda: bench_collection(runs, small=arguments.small),
        "verify": lambda: bench_verify(megabytes, runs),
        "diff": lambda: bench_diff(megabytes, runs),
        "look-up": lambda: bench_look_up(3 * runs),
        "import": lambda: iter([compare_python("import", IMPORT, 3 * runs)]),
        "start": lambda: bench_start(3 * runs),
        "publish": lambda: bench_publish(arguments.packages, runs),
    }
    comparisons = tuple(each for name in arguments.only or PARTS for each in parts[name]())
    measured = Report(about=about_this_run(megabytes, runs), comparisons=comparisons)
    if committed is None and arguments.only:
        measured = read_report(arguments.into).with_rows(measured)
    if committed is None:
        measured.write(arguments.into)
        return
    found, count = worse(committed, measured)
    print(*found, f"{len(found)} of {count} ratios are worse by more than 25 %", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
