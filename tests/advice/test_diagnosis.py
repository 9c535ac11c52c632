"""`nipack.diagnose`, `check_installed` and `nipack doctor`."""

import importlib
import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.machine import Machine, add_records, install, make_machine, ordinary_user, write

import nipack
from nipack.advice import mistakes
from nipack.advice.diagnosis import PackageDiagnosis
from nipack.advice.sources import deb_near_by, in_apt_archive
from nipack.cli.app import nipack as command_line
from nipack.data import MissingDataWarning, check_installed, make_datasource
from nipack.inventory import owners


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path / "a mächine", monkeypatch)


def only(minimum: str | None = None, *, full: bool = False) -> PackageDiagnosis:
    [package] = nipack.diagnose("nipy/templates", min_version=minimum, full=full).packages
    return package


def nobody(package: str) -> list[str]:
    """What is said of a package that no source on this machine is known to have."""
    return [
        f"No package manager here is known to have {package}:",
        f"  put its release, {package}-VERSION.tar.gz, into ~/Downloads and ask again, or",
        f"  make packages of it: nipack build {package}-VERSION.tar.gz",
    ]


def add_channel(machine: Machine, *packages: str) -> None:
    """Make the prefix a conda environment, whose local channel has these packages."""
    channel = machine.directory / "a channel"
    names = {f"{each}-0.3-0.conda": {"name": each} for each in packages}
    write(channel / "noarch/repodata.json", json.dumps({"packages.conda": names}))
    record = {"name": "python", "channel": channel.as_uri()}
    write(machine.prefix / "conda-meta/python-3.11-0.json", json.dumps(record))


def test_a_source_is_named_that_is_known_to_have_the_package(machine: Machine) -> None:
    """A stranger may publish under a name that nobody has taken."""
    add_channel(machine, "nipy-data", "nipy-templates-extra")
    assert str(only()).splitlines()[1:] == nobody("nipy-templates")
    add_channel(machine, "nipy-data", "nipy-templates")
    [command] = only().commands
    assert command == f"conda install --prefix '{machine.prefix}' nipy-templates"
    install(machine.own_root, "0.2")
    assert only("0.3").commands[0].endswith(" 'nipy-templates>=0.3'")


def test_an_ini_that_a_removed_package_has_left_is_purged(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken out by hand, it would be missing after the next installation, too."""
    write(machine.etc / "nipy_data.ini", f"[DATA]\npath = {machine.directory}/gone\n")
    monkeypatch.setattr(mistakes, "removed_owner", lambda file: "nipy-data")
    said = str(nipack.diagnose())
    assert "is not a directory, since nipy-data was removed" in said
    assert "sudo apt purge nipy-data" in said


@pytest.mark.tools("apt-cache")
@pytest.mark.slow
def test_apt_knows_what_its_archives_have(monkeypatch: pytest.MonkeyPatch) -> None:
    # However busy the machine is, and apt reads all its lists where it keeps no index of them.
    monkeypatch.setattr(owners, "MOST_SECONDS", 300.0)
    assert in_apt_archive("dpkg")
    assert not in_apt_archive("nipy-no-such-templates")


@pytest.mark.parametrize("name", ["d_1.2-1_all.deb", "dist/d_1.2-1_all.deb", "d_2%3a1.2-1_all.deb"])
def test_a_deb_is_near_by(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "d_1.2-10_all.deb", "")
    assert deb_near_by("d", "2:1.2-1") is None
    file = write(tmp_path / name, "")
    assert deb_near_by("d", "2:1.2-1") == str(file)


def test_the_cache_that_conda_links_damage_from_is_removed_first(machine: Machine) -> None:
    data = install(machine.own_root)
    add_records(machine.prefix)
    cache = machine.directory / "pkgs/nipy-templates-0.3-0"
    cache.mkdir(parents=True)
    record = {
        "name": "nipy-templates",
        "files": ["share/nipy/nipy/templates/config.ini"],
        "extracted_package_dir": str(cache),
    }
    write(machine.prefix / "conda-meta/nipy-templates-0.3-0.json", json.dumps(record))
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.30\n", "utf-8")
    first, second = only().commands
    assert first == f"rm -r '{cache}'"
    assert second.startswith("conda install --force-reinstall --prefix ")
    # A copy of the damage is removed, one that is as packaged is not.
    cached = install(cache / "share/nipy")
    add_records(cache)
    assert only().commands == (second,)
    (cached / "config.ini").write_text("[DEFAULT]\nversion = 0.30\n", "utf-8")
    assert only().commands == (first, second)
    shutil.rmtree(cache)
    assert only().commands == (second,)


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_a_folder_that_conda_left_is_not_called_data(machine: Machine) -> None:
    """Its fault: a link to a folder stays under another name where the package goes."""
    data = machine.own_root / "nipy/templates"
    (data / "ICBM152").mkdir(parents=True)
    assert only().summary == f"nipy/templates is not installed: {data} is an empty directory"
    (data / "ICBM152" / "2mm.c~").symlink_to("1mm")
    (data / "gm.c~").symlink_to("ICBM152")
    assert only().summary == (
        f"nipy/templates is not installed: {data} holds only what conda left behind"
    )
    (data / "ICBM152" / "T1.nii").touch()
    assert only().summary == f"nipy/templates is in {data}, but cannot be used: no config.ini"


def test_there_is_one_list_of_what_fixes_it_and_the_cause_is_first(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPY_DATA_PATH", "/not there")
    cause = "  NIPY_DATA_PATH: '/not there' is not a directory; correct or remove it"
    data = install(machine.own_root)
    add_records(machine.prefix)
    assert str(nipack.diagnose("nipy/templates")).splitlines()[1:] == ["", "To fix this:", cause]
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.30\n", "utf-8")
    lines = str(nipack.diagnose("nipy/templates", "nipy/data")).splitlines()
    assert lines.count("To fix this:") == lines.count(cause) == 1
    place = lines.index("To fix this:")
    again = f"  put {data} there again, from where it came"
    assert lines[place : place + 3] == ["To fix this:", cause, again]
    lines = str(nipack.diagnose("nipy/data")).splitlines()
    assert lines[1:] == ["To fix this:", cause, *nobody("nipy-data")]


def test_what_nobody_may_read_is_opened_rather_than_installed(machine: Machine) -> None:
    data = install(machine.own_root)
    for directory in [machine.directory, *machine.directory.parents][:-2]:
        directory.chmod(0o755)
    only()  # what is imported may not be readable for others
    data.chmod(0)
    with ordinary_user():
        found = only()
        said = str(found.explanation)
    data.chmod(0o755)
    assert found.verdict == "unusable"
    assert f"{data} is of user {os.getuid()}, with mode 0000; let its owner" in said
    assert f"chmod -R a+rX '{data}'" in said
    assert "No package manager" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[data]\npath = /x\n", "[data] is not read; write [DATA]"),
        ("[DATA]\npaths = /x\n", ":2: [DATA] has 'paths', and no path; write path = DIRECTORY"),
    ],
)
def test_a_misspelt_setting_is_told(machine: Machine, text: str, said: str) -> None:
    write(machine.etc / "mine.ini", text)
    assert said in str(nipack.diagnose("nipy/templates"))
    write(machine.etc / "mine.ini", f"[DATA]\npath = {machine.home}\n[other]\npaths = x\n")
    assert "mine.ini" not in str(nipack.diagnose("nipy/templates")).replace("mine.ini:2", "")


def test_each_verdict(machine: Machine) -> None:
    assert only().verdict == "missing"
    (machine.own_root / "nipy/templates").mkdir(parents=True)
    assert only().verdict == "missing"
    write(machine.own_root / "nipy/templates/T1.nii", "")
    assert only().verdict == "unusable"
    data = install(machine.own_root, "0.2")
    assert only("0.3").verdict == "too old"
    assert only().verdict == "usable"
    assert "no SHA256SUMS" in only().summary
    write(data / "T1.nii", "image")
    add_records(machine.prefix)
    assert only().summary.endswith("2 files intact by name and size")
    write(data / "T1.nii", "IMAGE")
    assert only().verdict == "usable"
    damaged = only(full=True)
    assert damaged.verdict == "damaged"
    assert str(damaged).splitlines()[1] == "  T1.nii: changed (its sha256 differs)"


def test_a_place_that_is_named_twice_is_one_place(machine: Machine) -> None:
    write(machine.etc / "a.ini", f"[DATA]\npath = {machine.own_root}\n")
    assert "any of the 2 places" in only().summary


def test_what_is_damaged_is_installed_again_by_who_installed_it(machine: Machine) -> None:
    data = install(machine.own_root)
    add_records(machine.prefix)
    (data / "extra").touch()
    assert only().commands == (f"put {data} there again, from where it came",)
    record = machine.prefix / "lib/python3.11/site-packages/nipy_templates-0.3.dist-info/RECORD"
    write(record, "../../../share/nipy/nipy/templates/config.ini,,\n")
    [command] = only().commands
    assert command.endswith("-m pip install --force-reinstall --no-deps nipy-templates")
    write(
        machine.prefix / "conda-meta/nipy-templates-0.3-0.json",
        '{"name": "nipy-templates", "files": ["share/nipy/nipy/templates/config.ini"]}',
    )
    [command] = only().commands
    assert command.startswith("conda install --force-reinstall --prefix ")


@pytest.mark.parametrize("manager", ["conda", "pip"])
def test_what_was_installed_from_a_file_is_installed_from_it_again(
    machine: Machine, manager: str
) -> None:
    """By its name, it would be whatever a stranger has published under that."""
    data = install(machine.own_root)
    add_records(machine.prefix)
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.30\n", "utf-8")
    ending = "conda" if manager == "conda" else "whl"
    file = write(machine.directory / "ä package" / f"nipy-templates.{ending}", "")
    inner = "share/nipy/nipy/templates/config.ini"
    if manager == "conda":
        record = {"name": "nipy-templates", "files": [inner], "url": file.as_uri()}
        write(machine.prefix / "conda-meta/nipy-templates-0.3-0.json", json.dumps(record))
    else:
        site = machine.prefix / "lib/python3.11/site-packages/nipy_templates-0.3.dist-info"
        write(site / "RECORD", f"../../../{inner},,\n")
        write(site / "direct_url.json", json.dumps({"url": file.as_uri(), "archive_info": {}}))
    [command] = only().commands
    assert command.endswith(f" '{file}'")
    file.unlink()
    [said] = only().commands
    built = "conda" if manager == "conda" else "wheel"
    assert said == (
        f"nipy-templates was installed from {file}, which is gone: put it there again "
        f"(nipack build -f {built} nipy-templates-VERSION.tar.gz), and ask again"
    )


def test_an_extra_file_is_none_of_those_that_are_not_as_packaged(machine: Machine) -> None:
    data = install(machine.own_root)
    add_records(machine.prefix)
    for name in ("a", "b"):
        (data / name).touch()
    assert only().summary.endswith(f"in {data}: not as packaged: 2 extra")
    write(data / "config.ini", "[DEFAULT]\nversion = 0.30\n")
    assert only().summary.endswith(f"in {data}: not as packaged: 1 of 1 files, 2 extra")


def test_what_cannot_be_used_is_installed_again_where_it_is_installed(machine: Machine) -> None:
    """An installer does nothing for what it has installed already, unless it is told to."""
    config = install(machine.own_root) / "config.ini"
    record = machine.prefix / "lib/python3.11/site-packages/nipy_templates-0.3.dist-info/RECORD"
    write(record, "../../../share/nipy/nipy/templates/config.ini,,\n")
    config.unlink()
    found = only()
    assert found.verdict == "unusable"
    [command] = found.commands
    assert command.endswith("-m pip install --force-reinstall --no-deps nipy-templates")
    config.write_text("[DEFAULT]\n", "utf-8")
    assert only().commands == (command,)
    record.unlink()
    assert only().commands == ()
    assert str(only()).splitlines()[1:] == nobody("nipy-templates")


def test_a_newer_copy_that_is_hidden_is_told(machine: Machine) -> None:
    install(machine.own_root, "0.3")
    install(machine.home / ".nipy", "0.10")
    found = nipack.diagnose("nipy/templates")
    assert found
    assert [each.version for each in found.packages[0].hidden] == ["0.10"]
    assert "version 0.10, hidden by" in found.remarks()[0]
    install(machine.home / ".nipy", "0.2")
    assert nipack.diagnose("nipy/templates").remarks() == []


def test_without_a_relpath_it_is_all_that_is_installed(machine: Machine) -> None:
    bad = write(machine.etc / "bad.ini", "nonsense")
    assert nipack.diagnose()
    assert str(nipack.diagnose()).startswith(f"{bad}:1: no section")
    install(machine.own_root)
    install(machine.home / ".nipy", "1.0", "lab/atlas")
    found = nipack.diagnose()
    assert [each.explanation.wanted.relpath for each in found.packages] == [
        "lab/atlas",
        "nipy/templates",
    ]
    assert found.problems[0].file == str(bad)
    # Once for us and once for nibabel, not once for each package.
    assert len(found.remarks()) == 2


# What nipy calls


def test_nipys_own_packages(machine: Machine) -> None:
    packages = importlib.import_module("nipy.info").DATA_PKGS
    with pytest.warns(MissingDataWarning) as caught:
        assert not check_installed(packages)
    assert [str(warning.message).splitlines() for warning in caught] == [
        [
            "nipy/data is not installed in any of the 2 places where it is looked for",
            *nobody("nipy-data"),
        ],
        [
            "nipy/templates is not installed in any of the 2 places where it is looked for",
            *nobody("nipy-templates"),
        ],
    ]
    # The warning is of the line that called.
    assert {warning.filename for warning in caught} == {__file__}
    for package in packages.values():
        install(machine.own_root, package["min version"], package["relpath"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_installed(packages)


def test_it_is_silent_where_it_is_told_to(machine: Machine) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = check_installed({"x": {"relpath": "lab/x", "name": "lab-extra"}}, warn=False)
    assert "known to have lab-extra:" in str(found.packages[0])
    with pytest.raises(ValueError, match="must be a version"):
        check_installed({"x": {"relpath": "lab/x", "min version": "new"}})


# The command line


def run(*arguments: str, **options: str) -> Result:
    return CliRunner().invoke(command_line, ["doctor", *arguments], **options)  # type: ignore[arg-type]


def test_the_exit_status_tells_whether_all_is_usable(machine: Machine) -> None:
    assert run().output == "no data package is installed where data is looked for\n"
    install(machine.own_root, "0.3")
    assert run("nipy/templates").exit_code == 0
    assert run("nipy/templates", "--min-version", "0.4").exit_code == 1
    assert run("nipy/templates", "nipy/data").exit_code == 1
    result = run("nipy/data", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["usable"] is False
    assert document["packages"][0]["verdict"] == "missing"
    assert run("nipy/data", "--min-version", "new").exit_code == 2
    assert run("nipy/data", "--fix", "--json").exit_code == 2


def test_fix_names_what_is_near_in_the_users_ini(machine: Machine) -> None:
    root = machine.base / "share/nipy"
    data = install(root)
    ini = write(machine.home / ".nipy/config.ini", "# mine\n[DATA]\npath = /kept\n[other]\nx = 1")
    before = ini.read_text("utf-8")
    result = run("nipy/templates", "--fix", input="n\n")
    assert result.exit_code == 1
    assert ini.read_text("utf-8") == before
    result = run("nipy/templates", "--fix", input="y\n")
    assert result.exit_code == 0, result.output
    assert f"-path = /kept\n+path = /kept:{root}\n" in result.stdout
    assert ini.read_text("utf-8") == before.replace("/kept", f"/kept:{root}")
    assert make_datasource({"relpath": "nipy/templates"}).base_path == str(data)
    assert list(ini.parent.iterdir()) == [ini]


def test_fix_writes_a_new_ini(machine: Machine) -> None:
    install(machine.system)
    result = run("nipy/templates", "--fix", "--yes")
    assert result.exit_code == 0, result.output
    ini = machine.home / ".nipy/config.ini"
    assert ini.read_text("utf-8") == f"[DATA]\npath = {machine.system}\n"
    # What needs no fixing is not touched.
    ini.chmod(0o600)
    assert run("nipy/templates", "--fix", "--yes").exit_code == 0
    assert ini.stat().st_mode & 0o777 == 0o600


def test_fix_has_nothing_to_write(machine: Machine) -> None:
    result = run("nipy/templates", "--fix", "--yes")
    assert result.exit_code == 1
    assert "nothing to write" in result.stdout
    assert not machine.home.exists()


def test_fix_leaves_a_malformed_ini_to_its_owner(machine: Machine) -> None:
    install(machine.system)
    ini = write(machine.home / ".nipy/config.ini", "nonsense\n")
    result = run("nipy/templates", "--fix", "--yes")
    assert result.exit_code == 1
    assert f"{ini}:1: no section" in result.stderr
    assert ini.read_text("utf-8") == "nonsense\n"
