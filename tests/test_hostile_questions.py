"""What the runtime is asked, with whatever arguments and of whatever tree, it answers or refuses.

A refusal is DataError or ValueError, or TypeError for what no signature allows: nothing else comes
out of a public function, and each of them is asked here.
"""

import contextlib
import inspect
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.inventory.test_hostile_records import DOCUMENTS
from tests.machine import Machine, add_records, install, make_machine

import nipack
from nipack import data

ODD = (
    *("", "/", ".", "..", "../..", "~", "~nobody-of-that-name/x", "nipy", "nipy/templates", "a\0b"),
    *("nipy/templates/", "//nipy//templates", "nipy\\templates", "C:\\nipy", "\ud800", "\udcff"),
    *("x" * 300, "a/" * 3000, "\x1b[31m", "\u202e", "%2f", "$HOME/x", "*", "[", "nipy/[a", "-x"),
    *("./nipy/templates", "/dev/null", "/proc/self/mem", "0.3", "1.0.foo", "9" * 5000, "1!2"),
)
TEXTS = st.sampled_from(ODD) | st.text(max_size=30) | st.text(st.characters(categories=["C"]))
PLACES = st.lists(TEXTS, max_size=3)
DEFINITIONS = st.fixed_dictionaries(
    {"relpath": TEXTS}, optional={"name": TEXTS, "install hint": TEXTS, "min version": TEXTS}
)

# Of each public function: what it is asked with.
CALLS: dict[str, Callable[[st.DataObject], object]] = {
    "explain": lambda d: nipack.explain(
        d.draw(TEXTS), d.draw(st.none() | TEXTS), data_path=d.draw(st.none() | PLACES)
    ),
    "diagnose": lambda d: nipack.diagnose(
        *d.draw(PLACES), min_version=d.draw(st.none() | TEXTS), full=d.draw(st.booleans())
    ),
    "list_packages": lambda d: nipack.list_packages(
        check=d.draw(st.booleans()), quick=d.draw(st.booleans())
    ),
    "verify": lambda d: nipack.verify(
        *d.draw(PLACES), quick=d.draw(st.booleans()), manifest=d.draw(st.none() | TEXTS)
    ),
    "find_data_dir": lambda d: data.find_data_dir(d.draw(PLACES), d.draw(TEXTS), *d.draw(PLACES)),
    "make_datasource": lambda d: used(
        data.make_datasource(d.draw(DEFINITIONS), data_path=d.draw(st.none() | PLACES)), d
    ),
    "datasource_or_bomber": lambda d: used(data.datasource_or_bomber(d.draw(DEFINITIONS)), d),
    "check_installed": lambda d: data.check_installed({"a": d.draw(DEFINITIONS)}),
    "get_data_path": lambda d: data.get_data_path(),
    "Datasource": lambda d: used(data.Datasource(d.draw(TEXTS)), d),
    "VersionedDatasource": lambda d: used(
        data.VersionedDatasource(d.draw(TEXTS), d.draw(st.none() | TEXTS)), d
    ),
}


def used(source: Any, d: st.DataObject) -> None:
    """Ask a data source for all that it has."""
    names = d.draw(PLACES)
    source.get_filename(*names)
    source.exists(*names)
    source.list_files()
    list(source)
    source.get_filename(*names, must_exist=True)


def test_every_public_function_is_asked() -> None:
    public = {
        name
        for module in (nipack, data)
        for name in module.__all__
        if inspect.isfunction(getattr(module, name)) or "Datasource" in name
    }
    assert public == CALLS.keys()


def ask(name: str, d: st.DataObject) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(nipack.data.DataError, ValueError):
            CALLS[name](d)


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = make_machine(tmp_path_factory.mktemp("m"), monkeypatch)
    install(machine.own_root)
    add_records(machine.prefix)
    monkeypatch.chdir(machine.directory)
    return machine


ON_ONE_MACHINE = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
@ON_ONE_MACHINE
@given(d=st.data())
def test_odd_arguments_are_answered_or_refused(
    name: str, machine: Machine, d: st.DataObject
) -> None:
    ask(name, d)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path) -> None:
    path.mkdir()


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def of(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


MAKERS = (
    *((fifo, device) if hasattr(os, "mkfifo") else ()),
    *(circle, folder),
    *map(of, (b"", b"\0", b"\xff\xfe", b"[DEFAULT]\nversion = %(version)s\n", b"\n" * 300_000)),
    *map(of, (b"[DEFAULT]\nversion = 1.0.foo\n", b"[DEFAULT]\nversion = " + b"9" * 5000)),
    *map(of, (b"[DATA]\npath = ~/\x1b[31m\n  \xc2\x85\n", b"[DATA]\npath = \0\n", b"[")),
    *map(of, (b"0" * 64 + b"  ../../../etc/passwd\n", b"# symlink a -> a\n", b"z" * 64 + b"  a\n")),
    *(of(each.encode("utf-8", "surrogatepass")) for each in DOCUMENTS[::7]),
    of(json.dumps({"relpath": "nipy/templates", "files": {"config.ini": 1 << 70}}).encode()),
)
FILES = (
    "prefix/share/nipy/nipy/templates/config.ini",
    "prefix/share/nipack/nipy-templates/SHA256SUMS",
    "prefix/share/nipack/nipy-templates/package.json",
    "prefix/etc/nipy/nipy_templates.ini",
    "prefix/conda-meta/nipy-templates-0.3-0.json",
    "prefix/share/nipy/nipy/templates/more",
    "prefix/share/nipy/nipy",
    "home/.nipy/config.ini",
    "home/.nipy",
    "etc/nipy/a.ini",
)
PLAIN: dict[str, Callable[[], object]] = {
    "explain": lambda: str(nipack.explain("nipy/templates")),
    "diagnose": lambda: str(nipack.diagnose(full=True)),
    "list_packages": lambda: nipack.list_packages(check=True),
    "verify": lambda: nipack.verify(),
    "find_data_dir": lambda: data.find_data_dir(data.get_data_path(), "nipy", "templates"),
    "make_datasource": lambda: data.make_datasource({"relpath": "nipy/templates"}).list_files(),
    "datasource_or_bomber": lambda: str(data.datasource_or_bomber({"relpath": "nipy/a"})),
    "check_installed": lambda: str(data.check_installed({"a": {"relpath": "nipy/templates"}})),
}


@pytest.mark.slow
@settings(ON_ONE_MACHINE, max_examples=40)
@given(
    put=st.dictionaries(st.sampled_from(FILES), st.sampled_from(MAKERS), min_size=1, max_size=3),
    data_path=st.none() | st.sampled_from(["prefix/share/nipy", "", ":", "\x1b", "a" * 5000]),
)
def test_odd_trees_are_answered_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    put: dict[str, Callable[[Path], None]],
    data_path: str | None,
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        machine = make_machine(tmp_path_factory.mktemp("m"), monkeypatch)
        install(machine.own_root)
        add_records(machine.prefix)
        monkeypatch.chdir(machine.directory)
        if data_path is not None:
            monkeypatch.setenv("NIPY_DATA_PATH", data_path)
        for name in sorted(put, key=len, reverse=True):
            place = machine.directory / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(place):
                place.rename(machine.directory / f"away-{len(name)}")
            put[name](place)
        for ask_plainly in PLAIN.values():
            with contextlib.suppress(nipack.data.DataError, ValueError):
                ask_plainly()
