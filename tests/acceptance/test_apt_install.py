"""A .deb, installed by apt in a Debian system, is found by every Python there."""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, Build, DebianSystem, run
from tests.conftest import MakeTree

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
FIND = (
    "import sys, nibabel.data as d; s = d.make_datasource(dict(relpath='nipy/examplepkg')); "
    "print(sys.prefix, s.get_filename('phantom', 'T1.nii.gz'), s.version)"
)
LOAD = (
    "import sys, nibabel, nibabel.data as d; "
    "s = d.make_datasource(dict(relpath='nipy/examplepkg')); "
    "print(sys.prefix, nibabel.load(s.get_filename('phantom', 'T1.nii.gz')).shape, s.version)"
)

in_debian = [pytest.mark.slow, pytest.mark.root, pytest.mark.tools("mmdebstrap", "chroot")]


@pytest.fixture
def installed(debian: DebianSystem, build: Build) -> Iterator[DebianSystem]:
    """The Debian system with the example installed; it is purged afterwards."""
    debian.apt("install", debian.add(build(EXAMPLE)["deb"]))
    yield debian
    debian.apt("purge", "nipy-examplepkg")


class TestInDebian:
    pytestmark = in_debian

    def test_the_systems_python_finds_it(self, installed: DebianSystem) -> None:
        said = installed.run("/usr/bin/python3", "-c", LOAD)
        assert said == "/usr (24, 28, 24) 0.1\n"

    def test_a_python_elsewhere_finds_it_through_the_ini(self, installed: DebianSystem) -> None:
        installed.run("/usr/bin/python3", "-m", "venv", "--without-pip", "--system-site-packages",
                      "/tmp/elsewhere")  # fmt: skip
        said = installed.run("/tmp/elsewhere/bin/python", "-c", FIND)
        found = "/usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz"
        assert said == f"/tmp/elsewhere {found} 0.1\n"
        # Without the ini it would not: it is the ini that makes the difference.
        ini = installed.root / "etc" / "nipy" / "nipy_examplepkg.ini"
        ini.rename(ini.with_suffix(".away"))
        with pytest.raises(AssertionError, match="DataError"):
            installed.run("/tmp/elsewhere/bin/python", "-c", FIND)
        ini.with_suffix(".away").rename(ini)

    def test_nipack_finds_it_from_both(self, installed: DebianSystem) -> None:
        code = FIND.replace("nibabel.data", "nipack.data")
        library = installed.root / "tmp" / "library"
        shutil.copytree(REPOSITORY / "src" / "nipack", library / "nipack", dirs_exist_ok=True)
        installed.run("/usr/bin/python3", "-m", "venv", "--without-pip", "/tmp/other")
        for python in ("/usr/bin/python3", "/tmp/other/bin/python"):
            said = installed.run("env", "PYTHONPATH=/tmp/library", python, "-c", code)
            assert said.endswith(" /usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz 0.1\n")

    def test_upgrade_keeps_an_edited_ini_and_drops_old_files(
        self, installed: DebianSystem, build: Build, tmp_path: Path
    ) -> None:
        ini = installed.root / "etc" / "nipy" / "nipy_examplepkg.ini"
        edited = ini.read_text("utf-8") + "# kept by an administrator\n"
        ini.write_text(edited, "utf-8")
        newer = build(newer_example(tmp_path), out=tmp_path / "newer")["deb"]
        # No question about the conffile is asked, for the package's own has not changed.
        installed.apt("install", installed.add(newer))
        assert ini.read_text("utf-8") == edited
        payload = installed.root / "usr/share/nipy/nipy/examplepkg"
        assert sorted(p.name for p in payload.rglob("*") if p.is_file()) == [
            "T1.nii.gz",
            "config.ini",
        ]
        assert installed.run("/usr/bin/python3", "-c", LOAD) == "/usr (24, 28, 24) 0.2\n"

    def test_remove_leaves_the_ini_and_purge_leaves_nothing(
        self, debian: DebianSystem, build: Build
    ) -> None:
        before = debian.files()
        debian.apt("install", debian.add(build(EXAMPLE)["deb"]))
        debian.apt("remove", "nipy-examplepkg")
        left = {"etc/nipy", "etc/nipy/nipy_examplepkg.ini"}
        assert debian.files() - before == left
        debian.apt("purge", "nipy-examplepkg")
        assert debian.files() == before


def newer_example(tmp_path: Path) -> Path:
    """Return the example's definition at version 0.2, with one file less."""
    newer = tmp_path / "newer-source"
    shutil.copytree(EXAMPLE, newer)
    for name in ("package.yaml", "examplepkg/config.ini"):
        text = (newer / name).read_text("utf-8")
        (newer / name).write_text(text.replace("0.1", "0.2"), "utf-8")
    (newer / "examplepkg" / "phantom" / "T1.json").unlink()
    return newer


@pytest.mark.tools("lintian")
@pytest.mark.slow
def test_lintian_is_silent_on_the_example(build: Build) -> None:
    said = lintian(build(EXAMPLE)["deb"])
    assert said == ""


@pytest.mark.tools("lintian")
@pytest.mark.slow
def test_lintian_is_silent_on_a_package_of_many_kinds(build: Build, make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "ICBM152/2mm/T1.nii.gz": gzip.compress(b"image", mtime=1248328520),
            "surfaces/lh pial.gii": b"<GIFTI/>",
            "empty.txt": b"",
            ".hidden": b"x",
            "straße.tsv": b"a\tb\n",
        },
        name="pbrain-atlas-1.2",
        data="atlas",
        version="1.2",
    )
    (tree / "atlas" / "default.nii.gz").symlink_to("ICBM152/2mm/T1.nii.gz")
    (tree / "package.yaml").write_text(
        "name: pbrain-atlas\nrelpath: pbrain/atlas\nversion: '1.2'\ndate: 2024-02-29\n"
        "summary: atlas of everything\ndescription: |\n  An atlas.\n\n  Of everything.\n"
        "homepage: https://example.org/atlas\nlicense: CC-BY-4.0 AND LicenseRef-atlas\n"
        "maintainer: {name: Ada Lovelace, email: ada@maintainer.invalid}\n"
        "redistribution: verified\n"
        "copyright:\n"
        "- {files: ['*'], holders: [Ada Lovelace], years: '2024', license: CC-BY-4.0,"
        " text: Do what the licence says.}\n"
        "- {files: [surfaces/*], holders: [Charles Babbage], years: 2020-2023,"
        " license: LicenseRef-atlas, text: Do as you please.}\n",
        "utf-8",
    )
    assert lintian(build(tree)["deb"]) == ""


def lintian(package: Path) -> str:
    """Return all that lintian remarks of any kind and has not been overridden."""
    return run("lintian", "-EvIL", "+pedantic", "--allow-root", "--quiet", package)


@pytest.mark.tools("lintian")
@pytest.mark.slow
def test_every_override_is_needed_and_has_its_reason(build: Build) -> None:
    deb = build(EXAMPLE)["deb"]
    said = run("lintian", "-EvIL", "+pedantic", "--allow-root", "--show-overrides", deb)
    overridden = [line.split()[2] for line in said.splitlines() if line.startswith("O: ")]
    assert overridden == ["initial-upload-closes-no-bugs", "repeated-path-segment"]
    reasons = [line for line in said.splitlines() if line.startswith("N: ")]
    assert any("intent to package" in line for line in reasons)
    assert any("umbrella of a data package" in line for line in reasons)
