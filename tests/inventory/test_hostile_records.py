"""Records that nobody's builder wrote: none of them stops a command, or is believed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.machine import Machine, add_records, install, make_machine, write

import nipack
from nipack.cli.app import nipack as command_line
from nipack.inventory.citations import bibtex
from nipack.inventory.owners import find_owner
from nipack.inventory.payload import NO_METADATA, read_metadata

COMMANDS = (
    ["list"],
    ["list", "--check", "--json"],
    ["list", "--cite"],
    ["verify"],
    ["verify", "nipy/templates", "--json"],
    ["doctor"],
    ["doctor", "nipy/templates", "--full", "--json"],
    ["where", "nipy/template"],
)
VALUES: tuple[object, ...] = (
    3,
    -1,
    True,
    None,
    "x",
    "\ud800",
    "\x1b[31m",
    [],
    ["x"],
    {},
    {"a": 1},
    10**400,
    [[3]],
    1e400,
)
DOCUMENTS = (
    *(f'{{"relpath": "nipy/templates", "{name}": {json.dumps(value)}}}'
      for name in ("name", "license", "size", "files", "citation")
      for value in VALUES),
    *(json.dumps({"relpath": value}) for value in VALUES),
    *(json.dumps({"files": {"config.ini": value}}) for value in VALUES),
    *(json.dumps({"citation": [{"text": value, "doi": value}]}) for value in VALUES),
    *(json.dumps({"citation": [{"doi": "x", "metadata": {name: value}}]})
      for name in ("author", "issued", "title", "type", "DOI")
      for value in (*VALUES, [{"family": 3, "given": []}, None])),
    "[" * 100_000,
    '{"a":' * 100_000,
    "nonsense",
    "\x00",
    "[]",
    '"' + "x" * 5_000_000 + '"',
)  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = make_machine(tmp_path, monkeypatch)
    install(machine.own_root)
    add_records(machine.prefix)
    return machine


def write_metadata(machine: Machine, document: str) -> None:
    write(machine.prefix / "share/nipack/nipy-templates/package.json", document)


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_stops_at_a_hostile_package_json(machine: Machine, words: list[str]) -> None:
    for document in DOCUMENTS:
        write_metadata(machine, document)
        result = CliRunner().invoke(command_line, words)
        assert result.exit_code in (0, 1), (document[:200], result.output)
        assert "bug in nipack" not in result.output, (document[:200], result.output)
        assert "\x1b" not in result.output, document[:200]


def test_what_is_not_of_the_form_is_not_there(machine: Machine) -> None:
    folder = str(machine.prefix / "share/nipack/nipy-templates")
    for value in (3, True, None, "\ud800", "\x1b", ["x"], {"a": 1}):
        document = dict.fromkeys(("relpath", "name", "license", "size", "citation"), value)
        write_metadata(machine, json.dumps({**document, "files": {"a": "x", "b": -1, "c": True}}))
        found = read_metadata(folder)
        assert found == NO_METADATA.replace(size=3 if value == 3 and value is not True else None)
    assert nipack.list_packages()[0].size == 24


@pytest.mark.parametrize("relpath", ["../x", "/etc/x", "", "a//b", "a/..", "a\0b/c", "./a"])
def test_a_recorded_relpath_leads_nowhere_else(machine: Machine, relpath: str) -> None:
    write_metadata(machine, json.dumps({"relpath": relpath}))
    assert [each.relpath for each in nipack.list_packages()] == ["nipy/templates"]


@pytest.mark.parametrize(
    "record",
    [
        '{"files": "share/nipy/nipy/templates/config.ini"}',
        '{"files": {"share/nipy/nipy/templates/config.ini": 1}}',
        '["share/nipy/nipy/templates/config.ini"]',
        "[" * 100_000 + '"share/nipy/nipy/templates/config.ini"',
    ],
)
def test_a_hostile_record_of_conda_owns_nothing(machine: Machine, record: str) -> None:
    write(machine.prefix / "conda-meta/nipy-templates-0.3-0.json", record)
    data = str(machine.own_root / "nipy/templates")
    assert str(find_owner(data, "nipy/templates")) == "by hand"


def test_a_name_of_conda_is_text(machine: Machine) -> None:
    files = ["share/nipy/nipy/templates/config.ini"]
    record = json.dumps({"name": ["x"], "version": 3, "files": files})
    write(machine.prefix / "conda-meta/nipy-templates-0.3-0.json", record)
    data = str(machine.own_root / "nipy/templates")
    owner = find_owner(data, "nipy/templates")
    assert (owner.manager, owner.name, owner.version) == ("conda", None, None)


@pytest.mark.parametrize(
    "status",
    [
        "Package: x\nVersion: 1-1",
        "Old-Package: x\nVersion: 3\n\nPackage: x\nVersion: 1-1\n\nPackage: y\nVersion: 2\n",
    ],
)
def test_a_version_is_found_wherever_its_stanza_is(tmp_path: Path, status: str) -> None:
    data = install(tmp_path / "usr/share/nipy")
    write(tmp_path / "var/lib/dpkg/info/x.list", "/usr/share/nipy/nipy/templates/config.ini\n")
    write(tmp_path / "var/lib/dpkg/status", status)
    assert str(find_owner(str(data), "nipy/templates")) == "dpkg: x 1-1"
    write(tmp_path / "var/lib/dpkg/status", status.replace("Package: x\n", "Package: xx\n"))
    assert find_owner(str(data), "nipy/templates").version is None


def test_a_work_is_what_can_be_read_of_it() -> None:
    odd = {"author": [None, {"family": "A", "given": 3}], "issued": [], "title": ["T"], "type": {}}
    assert bibtex(odd) == "@misc{a,\n  author = {A, 3},\n  title = {T},\n}"
