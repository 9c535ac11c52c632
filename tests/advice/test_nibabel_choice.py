"""What unmodified nibabel would choose, held against unmodified nibabel."""

import configparser
import subprocess
import sys
from pathlib import Path

import nibabel.data as theirs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.machine import Machine, install, make_machine, write

import nipack
from nipack.advice import nibabel_choice
from nipack.advice.nibabel_choice import NibabelChoice

VERSIONS = ("0.2", "0.3", "0.10", "1", "2009c", "0.4.x y")
CONFIGS = [None, "", "[DEFAULT]\n", "junk", *(f"[DEFAULT]\nversion = {v}\n" for v in VERSIONS)]
INIS = [
    "[DATA]\npath = {root}\n",
    "path = {root}\n",
    "[DATA]\npath = {root}/100%\n",
    "[other]\n",
    "[DATA]\npath = ~/x\n",
]


def explained(minimum: str | None = None) -> NibabelChoice:
    choice = nipack.explain("nipy/templates", minimum).nibabel
    assert choice is not None
    return choice


def really(minimum: str | None, etc: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return what nibabel does: the status, and the directory it takes or its error's name."""
    monkeypatch.setattr(theirs, "get_nipy_system_dir", lambda: etc)
    wanted = {"relpath": "nipy/templates"} | ({"min version": minimum} if minimum else {})
    try:
        source = theirs.datasource_or_bomber(wanted)  # type: ignore[no-untyped-call]
    except (configparser.Error, ValueError, IndexError) as error:
        return "error", type(error).__name__
    if isinstance(source, theirs.Bomber):
        found = "Could not find datasource" not in str(source.msg)
        return ("unusable" if found else "not found"), ""
    return "chosen", source.base_path


@given(
    configs=st.tuples(*[st.sampled_from(CONFIGS)] * 4),
    ini=st.sampled_from(INIS),
    own_ini=st.sampled_from(INIS),
    minimum=st.sampled_from([None, "0.3", "0.9"]),
    user_dir=st.sampled_from([None, "~/mine"]),
)
@settings(max_examples=150)
@pytest.mark.slow
def test_it_is_what_nibabel_does(
    tmp_path_factory: pytest.TempPathFactory,
    configs: tuple[str | None, ...],
    ini: str,
    own_ini: str,
    minimum: str | None,
    user_dir: str | None,
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        machine = make_machine(tmp_path_factory.mktemp("machine"), monkeypatch)
        monkeypatch.delenv("NIPY_DATA_PATH", raising=False)
        if user_dir:
            monkeypatch.setenv("NIPY_USER_DIR", user_dir)
        roots = [machine.directory / "env", machine.system, machine.own_root, machine.home / "mine"]
        for root, config in zip(roots, configs, strict=True):
            if config is not None:
                write(root / "nipy/templates/config.ini", config)
        if configs[0] is not None:
            monkeypatch.setenv("NIPY_DATA_PATH", str(roots[0]))
        write(machine.etc / "a.ini", ini.format(root=machine.system))
        write(machine.prefix / "etc/nipy/a.ini", own_ini.format(root=machine.system))
        choice = explained(minimum)
        status, what = really(minimum, str(machine.etc), monkeypatch)
    assert choice.status == status
    if status == "chosen":
        assert choice.path == what
    if status == "error":
        assert what in choice.reason


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def test_nothing_to_say_where_the_choice_is_one(machine: Machine) -> None:
    install(machine.own_root)
    assert not explained().differs
    assert explained().remedy is None
    install(machine.own_root, "0.2")
    assert not explained("0.3").differs


def followed(machine: Machine, monkeypatch: pytest.MonkeyPatch, minimum: str = "0.3") -> None:
    """Do what the remedy says about the variable; nibabel then chooses what we do."""
    found = nipack.explain("nipy/templates", minimum)
    assert found.nibabel is not None
    assert found.nibabel.differs
    assert found.chosen is not None
    setting = str(found.nibabel.remedy).partition(", or")[0]
    shell = f'{setting}; printf %s "$NIPY_DATA_PATH"'
    monkeypatch.setenv("NIPY_DATA_PATH", subprocess.check_output(["sh", "-c", shell], text=True))
    assert really(minimum, str(machine.etc), monkeypatch) == ("chosen", found.chosen.path)
    assert not explained(minimum).differs


def test_it_does_not_read_the_ini_of_the_prefix(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(machine.directory / "my data")
    write(machine.prefix / "etc/nipy/a.ini", f"[DATA]\npath = {machine.directory / 'my data'}\n")
    assert explained().reason == "it finds nothing"
    followed(machine, monkeypatch)


def test_it_stops_at_the_first_directory(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine.directory / "env/nipy/templates").mkdir(parents=True)
    monkeypatch.setenv("NIPY_DATA_PATH", str(machine.directory / "env"))
    install(machine.own_root)
    assert "looks no further" in explained().reason
    followed(machine, monkeypatch)


def test_it_stops_at_what_is_too_old(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    write(machine.etc / "a.ini", f"[DATA]\npath = {machine.system}\n")
    install(machine.system, "0.2")
    install(machine.own_root, "0.3")
    assert "too old" in explained("0.3").reason
    followed(machine, monkeypatch)


def test_it_dies_of_a_malformed_ini(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = write(machine.etc / "bad.ini", "path = /x\n")
    choice = explained()
    assert choice.differs
    assert choice.remedy == f"fix {bad}:1"
    assert choice.reason == "it stops with MissingSectionHeaderError"
    assert str(choice) == f"{bad}:1: it stops with MissingSectionHeaderError"


def test_it_does_not_expand_a_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine.home / "mine")
    write(machine.etc / "a.ini", "[DATA]\npath = ~/mine\n")
    assert explained().status == "not found"
    followed(machine, monkeypatch)
    monkeypatch.delenv("NIPY_DATA_PATH")
    (machine.etc / "a.ini").unlink()
    monkeypatch.setenv("NIPY_USER_DIR", "~/mine")
    assert explained().status == "not found"
    assert really(None, str(machine.etc), monkeypatch)[0] == "not found"


@pytest.mark.parametrize("prefix", ["/usr", "/opt/env"])
def test_it_looks_at_the_same_places(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(theirs, "get_nipy_system_dir", lambda: str(machine.etc))
    monkeypatch.setenv("NIPY_DATA_PATH", "~/a::/b")
    write(machine.etc / "B.ini", "[DATA]\npath = ~/c:/d\n")
    write(machine.etc / ".hidden.ini", "nonsense")
    write(machine.home / ".nipy/config.ini", "[DATA]\npath = /100%\n")
    expected = theirs.get_data_path()  # type: ignore[no-untyped-call]
    assert list(nibabel_choice._data_path(str(machine.etc))) == expected
