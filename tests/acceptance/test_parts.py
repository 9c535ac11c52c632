"""Data in several packages, installed by the real clients: all else sees one data package."""

import shutil
from pathlib import Path

import pytest
from tests.acceptance.systems import Prefix, run
from tests.acceptance.test_author_install import PIP
from tests.acceptance.test_installed import nipack
from tests.acceptance.test_pacman import ArchSystem
from tests.builder.formats.test_upgrades import System
from tests.builder.samples import IN_PARTS, in_parts

from nipack.builder.flows.build import build
from nipack.builder.formats import formats

pytestmark = pytest.mark.slow

LOOK_UP = """
from nibabel.data import make_datasource
source = make_datasource({"relpath": "nipy/templates"})
print(source.version, " ".join(source.list_files()))
"""
FILES = ["ICBM152/T1_res-01.nii.gz", "ICBM152/T1_res-02.nii.gz", "config.ini", "labels.txt"]
NAMES = [f"nipy-templates{part}" for part in ("-1mm", "-2mm", "-texts", "")]
DATA = "share/nipy/nipy/templates"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return in_parts(tmp_path)


def built(source: Path, format: str, out: Path) -> list[Path]:
    """Return the packages of a format, the whole last."""
    return [each.path for each in build(str(source), [formats()[format]], out)]


def found_by_nibabel(prefix: Prefix) -> list[str]:
    version, *files = prefix.run_python(LOOK_UP).split()
    assert version == "0.3"
    return sorted(files)


def owners_in(prefix: Prefix) -> list[tuple[str, str, str]]:
    """Return the relpath, owner and state of each data package that is listed."""
    _, listed = nipack("list", "--check", python=prefix.python)
    return [(each["relpath"], each["owner"]["name"], each["check"]) for each in listed]


def is_one_and_intact(prefix: Prefix, files: int) -> None:
    assert owners_in(prefix) == [("nipy/templates", "nipy-templates", "intact")]
    status, [verified] = nipack("verify", "nipy/templates", python=prefix.python)
    assert (status, verified["state"], verified["files"]) == (0, "intact", files)
    status, doctor = nipack("doctor", "nipy/templates", python=prefix.python)
    assert (status, [each["verdict"] for each in doctor["packages"]]) == (0, ["usable"])


def damage(prefix: Prefix) -> list[tuple[str, str]]:
    _, [verified] = nipack("verify", "nipy/templates", python=prefix.python)
    return [(each["path"], each["damage"]) for each in verified["problems"]]


def test_conda_installs_all_by_the_name_of_the_whole(source: Path, prefix: Prefix) -> None:
    *parts, whole = built(source, "conda", source.parent / "dist")
    for part in parts:
        shutil.copy(part, prefix.channel / "noarch")
    said = prefix.conda_install(whole)
    assert all(f"installed {name}-0.3-h" in said for name in NAMES)
    assert found_by_nibabel(prefix) == FILES
    is_one_and_intact(prefix, files=4)
    image = prefix.directory / DATA / IN_PARTS["1mm"]
    image.unlink()
    assert damage(prefix) == [(IN_PARTS["1mm"], "missing")]
    _, doctor = nipack("doctor", "nipy/templates", python=prefix.python)
    [package] = doctor["packages"]
    assert [line.split()[-1] for line in package["commands"]] == ["nipy-templates-1mm"]


def test_conda_installs_one_part_alone(source: Path, prefix: Prefix) -> None:
    """The part with the config.ini comes with it, and the rest is not missed."""
    for part in built(source, "conda", source.parent / "dist"):
        shutil.copy(part, prefix.channel / "noarch")
    prefix.conda_install(specs=("nipy-templates-2mm",))
    assert found_by_nibabel(prefix) == FILES[1:]
    is_one_and_intact(prefix, files=3)


def test_pip_installs_all_by_the_name_of_the_whole(source: Path, prefix: Prefix) -> None:
    out = source.parent / "dist"
    built(source, "wheel", out)
    pip = [word for word in PIP if word != "--no-deps"]
    run(prefix.python, *pip, "--find-links", out, "nipy-templates", cwd=prefix.directory)
    assert found_by_nibabel(prefix) == FILES
    is_one_and_intact(prefix, files=4)
    run(prefix.python, "-m", "pip", "check", cwd=prefix.directory)


@pytest.mark.root
@pytest.mark.tools("dpkg", "dpkg-deb")
def test_dpkg_installs_and_updates_one_part(source: Path, tmp_path: Path) -> None:
    system = System(tmp_path / "system")
    debs = built(source, "deb", tmp_path / "dist")
    done = system.dpkg("-i", debs[-1])
    assert "nipy-templates depends on nipy-templates-1mm (= 0.3-1)" in done.stderr
    done = system.dpkg("-i", *debs)
    assert (done.returncode, done.stderr) == (0, "")
    prefix = system.root / "usr"
    run("sha256sum", "--check", "--strict", "share/nipack/nipy-templates/SHA256SUMS", cwd=prefix)
    environment = {"NIPY_DATA_PATH": str(prefix / "share/nipy")}
    _, [listed] = nipack("list", "--check", **environment)
    assert (listed["owner"]["manager"], listed["owner"]["name"]) == ("dpkg", "nipy-templates")
    assert listed["check"] == "intact"


@pytest.mark.root
@pytest.mark.tools("pacman")
def test_pacman_installs_them(source: Path, tmp_path: Path) -> None:
    system = ArchSystem(tmp_path / "arch")
    *parts, whole = built(source, "pacman", tmp_path / "dist")
    assert "unable to satisfy dependency 'nipy-templates-1mm=0.3-1'" in system.said("-U", whole)
    system.pacman("-U", *parts, whole)
    sums = "share/nipack/nipy-templates/SHA256SUMS"
    run("sha256sum", "--check", "--strict", sums, cwd=system.root / "usr")
    for name in NAMES:
        assert "0 altered files" in system.pacman("-Qkk", name)


@pytest.mark.root
@pytest.mark.tools("dpkg", "dpkg-deb")
def test_dpkg_gives_the_files_of_one_package_to_its_parts(source: Path, tmp_path: Path) -> None:
    """A definition that gets parts: the whole had all files before."""
    system = System(tmp_path / "system")
    definition = source / "package.yaml"
    text = definition.read_text("utf-8")
    definition.write_text(text.partition("parts:")[0], "utf-8")
    [one] = built(source, "deb", tmp_path / "one")
    system.install(one)
    definition.write_text(text.replace("parts:", "revision: 1\nparts:"), "utf-8")
    done = system.dpkg("-i", *built(source, "deb", tmp_path / "parts"))
    assert (done.returncode, done.stderr) == (0, "")
    sums = "share/nipack/nipy-templates/SHA256SUMS"
    run("sha256sum", "--check", "--strict", sums, cwd=system.root / "usr")
    assert (system.root / "etc/nipy/nipy_templates.ini").is_file()
    audit = system.dpkg("--audit")
    assert (audit.returncode, audit.stdout) == (0, "")
