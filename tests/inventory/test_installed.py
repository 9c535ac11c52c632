"""`nipack.list_packages`, `nipack list` and what to cite."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.machine import Machine, add_records, install, make_machine, write

import nipack
from nipack.cli.app import nipack as command_line
from nipack.inventory.citations import bibtex, citations
from nipack.inventory.owners import find_owner, removed_owner

PAPER = {"doi": "10.1016/j.neuroimage.2010.07.033", "text": "Fonov et al. (2011). Atlases."}
METADATA = {
    "type": "article-journal",
    "title": "Unbiased & {average} atlases",
    "author": [{"family": "Fonov", "given": "Vladimir"}, {"literal": "The Group"}],
    "container-title": ["NeuroImage"],
    "issued": {"date-parts": [[2011, 1]]},
    "page": "313-327",
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def test_every_copy_over_all_roots(machine: Machine) -> None:
    install(machine.own_root)
    add_records(machine.prefix, license="CC0-1.0", name="nipy-templates", citation=[PAPER])
    install(machine.home / ".nipy", "0.4")
    install(machine.home / ".nipy", "1.0", "lab/atlas")
    (machine.home / ".nipy/lab/empty").mkdir()
    write(machine.home / ".nipy/lab/broken/config.ini", "nonsense")
    found = nipack.list_packages()
    assert [(each.relpath, each.version, each.status, each.visible) for each in found] == [
        ("lab/atlas", "1.0", "chosen", True),
        ("lab/broken", None, "malformed config.ini", False),
        ("nipy/templates", "0.3", "chosen", True),
        ("nipy/templates", "0.4", "hidden", False),
    ]
    assert (found[2].license, found[2].name, found[2].citation) == (
        "CC0-1.0",
        "nipy-templates",
        (PAPER,),
    )
    assert [each.check for each in nipack.list_packages(check=True)] == [
        "not checked",
        "not checked",
        "intact",
        "not checked",
    ]
    write(machine.own_root / "nipy/templates/config.ini", "[DEFAULT]\nversion=0.30\n")
    assert nipack.list_packages(quick=True)[2].check == "damaged"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command_line, ["list", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table(machine: Machine) -> None:
    assert run() == "no data package is installed where data is looked for\n"
    install(machine.own_root)
    install(machine.home / ".nipy", "0.4")
    lines = [" ".join(line.split()) for line in machine.short(run("--check")).splitlines()]
    by_hand = "by hand 24 bytes not checked"
    assert lines == [
        "data version from size files look-up licence path",
        f"nipy/templates 0.3 {by_hand} visible T/prefix/share/nipy/nipy/templates",
        f"nipy/templates 0.4 {by_hand} hidden T/home/.nipy/nipy/templates",
    ]
    assert [each["version"] for each in json.loads(run("--json"))] == ["0.3", "0.4"]


def test_what_to_cite(machine: Machine) -> None:
    install(machine.own_root)
    add_records(machine.prefix, citation=[{**PAPER, "metadata": METADATA}])
    install(machine.home / ".nipy", "0.4")
    install(machine.home / ".nipy", "1.0", "lab/atlas")
    assert run("--cite") == (
        "lab/atlas 1.0:\n"
        "  its package does not say what to cite\n"
        "\n"
        "nipy/templates 0.3:\n"
        "  Fonov et al. (2011). Atlases.\n"
        "  https://doi.org/10.1016/j.neuroimage.2010.07.033\n"
        "  @article{fonov2011,\n"
        "    author = {Fonov, Vladimir and {The Group}},\n"
        "    title = {Unbiased \\& average atlases},\n"
        "    journal = {NeuroImage},\n"
        "    pages = {313-327},\n"
        "    doi = {10.1016/j.neuroimage.2010.07.033},\n"
        "    year = {2011},\n"
        "  }\n"
    )


def test_latex_can_read_every_character_of_a_work() -> None:
    metadata = {
        "title": r"T1_map {of} #1: 5$ ~ 2^3 \ 100% & more",
        "author": [
            {"family": "Berg", "given": "Ada", "non-dropping-particle": "van den"},
            {"literal": "R&D {Group}"},
        ],
        "DOI": "10.1000/978_1-2%3",
    }
    assert bibtex(metadata).splitlines()[1:-1] == [
        r"  author = {van den Berg, Ada and {R\&D Group}},",
        (
            r"  title = {T1\_map of \#1: 5\$ \textasciitilde{} 2\textasciicircum{}3 "
            r"\textbackslash{} 100\% \& more},"
        ),
        "  doi = {10.1000/978_1-2%3},",
    ]


def test_a_work_of_which_little_is_known() -> None:
    assert bibtex({"title": "Data"}) == "@misc{data,\n  title = {Data},\n}"
    assert list(citations([])) == []


def test_records_that_cannot_be_read_are_passed_over(machine: Machine) -> None:
    data = install(machine.own_root)
    record = machine.prefix / "conda-meta/nipy-templates-0.3-0.json"
    for text in (
        '"share/nipy/nipy/templates/config.ini"',
        '{"share/nipy/nipy/templates/config.ini"',
    ):
        write(record, text)
        assert str(find_owner(str(data), "nipy/templates")) == "by hand"
    write(record, '{"name": "x", "files": ["share/nipy/nipy/templates/config.ini"]}')
    assert find_owner(str(data), "nipy/templates").name == "x"


def test_a_record_that_only_its_owner_can_read(machine: Machine) -> None:
    """rattler writes them so, and on a cluster an environment is somebody else's."""
    data = install(machine.own_root)
    # What root reads is closed to nobody; a record without content says as little.
    write(machine.prefix / "conda-meta/nipy-templates-0.3-h12_0.json", "")
    assert find_owner(str(data), "nipy/templates").manager == "by hand"
    records = machine.prefix / "share/nipack/nipy-templates"
    write(records / "SHA256SUMS", f"{'0' * 64}  share/nipy/nipy/templates/config.ini\n")
    assert str(find_owner(str(data), "nipy/templates")) == "conda: nipy-templates 0.3"
    assert find_owner(str(data), "nipy/templates", "other").manager == "by hand"


def test_the_record_of_a_windows_wheel(machine: Machine) -> None:
    data = install(machine.own_root)
    record = machine.prefix / "Lib/site-packages/nipy_templates-0.3.dist-info/RECORD"
    write(record, '"..\\..\\share\\nipy\\nipy\\templates\\config.ini",sha256=x,24\r\n')
    assert str(find_owner(str(data), "nipy/templates")) == "pip: nipy-templates 0.3"
    write(record, "../../share/nipy/nipy/templates/config.ini.old,,\n")
    assert find_owner(str(data), "nipy/templates").manager == "by hand"


def test_a_conffile_that_a_removed_package_has_left(tmp_path: Path) -> None:
    status = write(
        tmp_path / "status",
        "Package: other\nStatus: install ok installed\nConffiles:\n /etc/other 0\n\n"
        "Package: nipy-data\nStatus: deinstall ok config-files\nVersion: 0.3-1\nConffiles:\n"
        " /etc/nipy/nipy_data.ini d41d8\n\n"
        "Package: nipy-templates\nStatus: install ok installed\nConffiles:\n"
        " /etc/nipy/nipy_templates.ini d41d8\n",
    )
    assert removed_owner("/etc/nipy/nipy_data.ini", str(status)) == "nipy-data"
    assert removed_owner("/etc/nipy/nipy_templates.ini", str(status)) is None
    assert removed_owner("/etc/nipy/mine.ini", str(status)) is None


def test_a_folder_without_a_config_ini_is_no_data(machine: Machine) -> None:
    install(machine.own_root)
    (machine.home / ".nipy/nipy/templates/left").mkdir(parents=True)
    assert [each.path for each in nipack.list_packages()] == [
        str(machine.own_root / "nipy/templates")
    ]
