"""Look-ups while packages come and go: nothing is raised but DataError, and half is never a whole.

A process that installs and removes says what it is doing; those that look up believe what they find
of a package only where it has done the same thing all the while.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

from nipack.builder.flows.build import build
from nipack.builder.formats import formats

CYCLES, LOOKERS, LOOKS = 6, 2, 500
SIZES = {f"{letter}.bin": 1000 * number for number, letter in enumerate("Abcdefghijkz", 1)}
# Looks up in four threads, so often and until it has met both answers; prints what it found wrong,
# and how often the data was there and was not.
LOOKER = """
import json, os, sys, threading, traceback
import nipack
from nipack.data import DataError, make_datasource
phase_file, least, sizes = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
lock, count, wrong = threading.Lock(), {"found": 0, "missing": 0}, []

def phase():
    with open(phase_file) as stream:
        return stream.read()

def size(path):
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None

def look():
    before = phase()
    try:
        source = make_datasource({"relpath": "nipy/x"})
    except DataError:
        if before.startswith("there") and phase() == before:
            wrong.append(f"{before}: is not found")
        return "missing"
    found = {name: size(source.get_filename(name)) for name in sizes}
    if phase() == before and not before.startswith("removing"):
        if before.startswith("gone"):
            wrong.append(f"{before}: is found")
        elif found != sizes:
            wrong.append(f"{before}: half of it: {found}")
    return "found"

def ask():
    nipack.list_packages()
    nipack.list_packages(quick=True)
    nipack.explain("nipy/x")
    nipack.diagnose("nipy/x")
    try:
        nipack.verify("nipy/x")
    except DataError:
        pass

def run():
    tried = 0
    while tried < least or not all(count.values()):
        try:
            answer = look()
            if tried % 50 == 0:
                ask()
        except BaseException:
            wrong.append(traceback.format_exc())
            return
        tried += 1
        with lock:
            count[answer] += 1

threads = [threading.Thread(target=run) for _ in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(json.dumps([count, wrong[:5]]))
"""
Changer = tuple[Callable[[], object], Callable[[], object], Path]


def source_in(folder: Path) -> Path:
    """Write data whose names come before and after that of config.ini."""
    data = folder / "nipy-x-0.1" / "x"
    data.mkdir(parents=True)
    for name, size in SIZES.items():
        (data / name).write_bytes(b"x" * size)
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    return data


def built(folder: Path, format: str) -> Path:
    source = source_in(folder).parent
    [artifact] = build(str(source), [formats()[format]], folder / "channel" / "noarch")
    return artifact.path


def by_dpkg(folder: Path) -> Changer:
    root = folder / "root"
    for name in ("info", "updates", "triggers"):
        (root / "var" / "lib" / "dpkg" / name).mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var" / "lib" / "dpkg" / name).touch()
    deb = built(folder, "deb")
    dpkg = ["dpkg", f"--root={root}", "--force-not-root", "--log=/dev/null", "--force-depends"]

    def run(*words: str | Path) -> None:
        subprocess.run([*dpkg, *words], check=True, capture_output=True)

    return lambda: run("-i", deb), lambda: run("--purge", "nipy-x"), root / "usr"


# What it installs it removes where it is told to want nothing.
REMOVE = """
import asyncio, os, sys; from pathlib import Path
import rattler
asyncio.run(rattler.install([], Path(sys.argv[1]), show_progress=False))
os._exit(0)
"""


def by_rattler(folder: Path) -> Changer:
    built(folder, "conda")
    prefix = folder / "prefix"
    script = str(REPOSITORY / "scripts" / "conda_install.py")
    install = [sys.executable, script, str(folder / "channel"), str(prefix), "nipy-x"]
    remove = [sys.executable, "-c", REMOVE, str(prefix)]

    def run(command: list[str]) -> None:
        subprocess.run(command, check=True, capture_output=True)

    return lambda: run(install), lambda: run(remove), prefix


def by_moves(folder: Path) -> Changer:
    data, place = source_in(folder), folder / "prefix" / "share" / "nipy" / "nipy" / "x"
    place.parent.mkdir(parents=True)
    return lambda: data.rename(place), lambda: place.rename(data), folder / "prefix"


def must_hold(folder: Path, changer: Changer, unpacking: str) -> None:
    """Install and remove, while other processes look up; `unpacking` is what that is called."""
    install, remove, prefix = changer
    phase = folder / "phase"

    def say(text: str) -> None:
        (folder / "next").write_text(text, "utf-8")
        (folder / "next").replace(phase)

    say("gone 0")
    words = [sys.executable, "-c", LOOKER, str(phase), str(LOOKS // 4), json.dumps(SIZES)]
    environment = {**os.environ, "NIPY_DATA_PATH": str(prefix / "share" / "nipy")}
    lookers = [
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(LOOKERS)
    ]
    cycle = 0
    while cycle < CYCLES or any(each.poll() is None for each in lookers):
        say(f"{unpacking} {cycle}")
        install()
        say(f"there {cycle}")
        say(f"removing {cycle}")
        remove()
        cycle += 1
        say(f"gone {cycle}")
    counts, wrong = zip(*(json.loads(each.communicate()[0]) for each in lookers), strict=True)
    assert [each for some in wrong for each in some] == []
    assert sum(count for each in counts for count in each.values()) >= LOOKERS * LOOKS


@pytest.mark.slow(60)
@pytest.mark.parametrize(
    "changer",
    [pytest.param(by_dpkg, marks=pytest.mark.tools("dpkg")), by_moves],
    ids=lambda each: each.__name__,
)
def test_look_ups_while_a_package_comes_and_goes(
    changer: Callable[[Path], Changer], tmp_path: Path
) -> None:
    must_hold(tmp_path, changer(tmp_path), "installing")


@pytest.mark.slow(60)
def test_look_ups_while_conda_links_a_package(tmp_path: Path) -> None:
    """Its threads link files in no order, so that a part of one may be found meanwhile."""
    must_hold(tmp_path, by_rattler(tmp_path), "removing and installing")
