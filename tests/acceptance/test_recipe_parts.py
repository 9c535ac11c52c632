"""One recipe makes all packages of data in parts: the same that nipack builds, by real builders."""

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import rattler_build
from debian.deb822 import Deb822
from debian.debfile import DebFile
from tests.acceptance.systems import Prefix, lintian_remarks, run
from tests.acceptance.test_pacman import ArchSystem
from tests.acceptance.test_parts import DATA, FILES, found_by_nibabel, is_one_and_intact, sums_hold
from tests.builder.formats.test_upgrades import System
from tests.builder.samples import IN_PARTS, in_parts

from nipack.builder.archive.members import Content
from nipack.builder.flows.build import build
from nipack.builder.flows.recipe import Recipe, RecipeOptions, make_recipes
from nipack.builder.formats import formats
from nipack.builder.recipes import RecipeFormat, recipe_formats

pytestmark = pytest.mark.slow

# The first has a version and a revision of its own, the second the version of the whole.
PARTS = """\
parts:
  - name: 1mm
    files: ["*_res-01*"]
    version: "0.2"
    revision: 2
    date: 2022-05-01
  - name: 2mm
    files: ["*_res-02*", "*odd/*"]
  - name: texts
    files: ["labels.txt", "config.ini"]
    version: "0.3"
"""
SETTLED = """\
license: CC0-1.0
redistribution: verified
homepage: https://example.org/templates
maintainer: {name: Ada Lovelace, email: ada@example.org}
description: |
  Averages of the brains of many people, each in two resolutions, for looking at
  what was found in the brain of one, and with the labels of its regions.
"""
ODD = ("-dash", "two words.txt", "$HOME;'\"&.txt", "脳.txt", ".hidden", "*[a]{b}", "%post", "a~")
REPLACES = '    replaces: [{part: texts, before: "0.3"}]\n'
# rpm's lists of files have no spelling of these.
NOT_IN_RPM = ("$HOME;'\"&.txt", "*[a]{b}")
NAMES = [f"nipy-templates{part}" for part in ("-1mm", "-2mm", "-texts", "")]
VERSIONS = dict(zip(NAMES, ("0.2", "0.3", "0.3", "0.3"), strict=True))
SPLITTING = [each for each in recipe_formats().values() if each.splits]
recipes = pytest.mark.parametrize(
    "format",
    [
        pytest.param(each, marks=pytest.mark.tools(*(program.name for program in each.programs)))
        for each in SPLITTING
    ],
    ids=lambda each: each.name,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return in_parts(tmp_path, PARTS, SETTLED)


def with_odd_files(source: Path, *without: str) -> Path:
    """Add names that mean something to shells, globs and macros, and a link to each kind."""
    odd = source / "templates" / "odd"
    odd.mkdir()
    for name in {*ODD} - {*without}:
        (odd / name).write_bytes(name.encode())
    (odd / "executable").write_bytes(b"#!/bin/sh\n")
    (odd / "executable").chmod(0o755)
    (odd / "link to a file").symlink_to("two words.txt")
    (odd / "link to a folder").symlink_to("../odd")
    return source


def of_one_version(source: Path) -> None:
    """Give all parts the version of the whole, as makepkg does."""
    text = (source / "package.yaml").read_text("utf-8")
    text = text.replace('    version: "0.2"\n    revision: 2\n', "")
    (source / "package.yaml").write_text(text, "utf-8")


def made(source: Path, format: RecipeFormat, target: Path, previous: Path | None = None) -> Recipe:
    options = RecipeOptions(
        draft=True,
        recipes=target / "recipes",
        packages=target / "dist",
        build=True,
        previous=str(previous) if previous else None,
    )
    [recipe] = make_recipes(str(source), [format], options)
    return recipe


def by_nipack(source: Path, directory: Path) -> dict[str, dict[str, Content]]:
    """Return what nipack's .deb of each name installs, by its path from /usr."""
    deb = formats()["deb"]
    return {
        artifact.path.name.partition("_")[0]: _files(
            replace(each, path=each.path.removeprefix("usr/"))
            for each in deb.contents(artifact.path, lambda count: None)
            if not each.path.startswith(("usr/share/doc/", "usr/share/lintian/"))
        )
        for artifact in build(str(source), [deb], directory)
    }


def _files(contents: Iterator[Content]) -> dict[str, Content]:
    return {each.path: each for each in contents if not each.is_directory}


@recipes
def test_a_recipe_s_packages_install_what_nipack_builds(
    source: Path, format: RecipeFormat, tmp_path: Path
) -> None:
    with_odd_files(source, *(NOT_IN_RPM if format.name == "rpm" else ()))
    if format.name == "arch":
        of_one_version(source)
    recipe = made(source, format, tmp_path)
    packages = dict(zip(NAMES, recipe.packages, strict=False))
    ours = by_nipack(source, tmp_path / "own")
    assert ours.keys() == packages.keys()
    for name, path in packages.items():
        assert path.name.startswith(name)
        work = tmp_path / name
        work.mkdir()
        theirs = _files(
            each for each in format.contents(path, work) if not format.is_own(each.path, name)
        )
        assert theirs == ours[name]


@pytest.mark.tools("dpkg-buildpackage", "dh", "lintian")
def test_a_deb_of_the_recipe_says_what_nipack_s_says(source: Path, tmp_path: Path) -> None:
    text = (source / "package.yaml").read_text("utf-8")
    moved = text.replace(
        "revision: 2\n", 'revision: 2\n    replaces: [{part: texts, before: "0.3"}]\n'
    )
    (source / "package.yaml").write_text(moved, "utf-8")
    recipe = made(source, recipe_formats()["debian"], tmp_path)
    debs = {path.name: path for path in debs_of(recipe)}
    ours = [each.path for each in build(str(source), [formats()["deb"]], tmp_path / "own")]
    assert {each.name for each in ours} == debs.keys()
    for own in ours:
        found, expected = (_control(path) for path in (debs[own.name], own))
        assert found == expected
    said = run("lintian", "-EvIL", "+pedantic", "--allow-root", "--quiet", *ours)
    # The sample does not say who holds the copyright.
    assert {line.split()[2] for line in said.splitlines()} == {"copyright-without-copyright-notice"}
    [changes] = [path for path in recipe.packages if path.suffix == ".changes"]
    remarks = {line.split()[2] for line in lintian_remarks(changes)}
    assert remarks - {"initial-upload-closes-no-bugs"} == set()


SAID = ("Package", "Version", "Architecture", "Multi-Arch", "Depends", "Breaks", "Replaces")


def _control(path: Path) -> dict[str, list[str]]:
    with DebFile(str(path)) as deb:
        control: Deb822 = deb.debcontrol()
    # dpkg-gencontrol(1) puts what a relation lists in order.
    said = {name: sorted(control[name].split(", ")) for name in SAID if name in control}
    return said | {"Description": [control["Description"]]}


def debs_of(recipe: Recipe) -> list[Path]:
    return [path for path in recipe.packages if path.suffix == ".deb"]


@pytest.mark.root
@pytest.mark.tools("dpkg-buildpackage", "dh", "dpkg")
def test_dpkg_updates_one_part_from_a_recipe_s_packages(source: Path, tmp_path: Path) -> None:
    debian, system = recipe_formats()["debian"], System(tmp_path / "system")

    def install(debs: list[Path]) -> None:
        done = system.dpkg("-i", *debs)
        assert (done.returncode, done.stderr) == (0, "")
        sums_hold(system.root / "usr")

    first = debs_of(made(source, debian, tmp_path))
    install(first)
    before = shutil.copytree(source, tmp_path / "before")
    (source / "templates" / IN_PARTS["2mm"]).write_bytes(gzip.compress(b"mended", mtime=1))
    (source / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 0.4\n", "utf-8")
    text = (source / "package.yaml").read_text("utf-8")
    (source / "package.yaml").write_text(text.replace("0.3", "0.4"), "utf-8")
    recipe = made(source, debian, tmp_path, previous=before)
    newer = [path for path in debs_of(recipe) if path.name not in {each.name for each in first}]
    assert [path.name.rpartition("_0")[0] for path in newer] == NAMES[1:]
    install(newer)
    changelog = (recipe.directory / "changelog").read_text("utf-8")
    assert changelog.index("nipy-templates (0.4-1)") < changelog.index("nipy-templates (0.3-1)")


@pytest.mark.root
@pytest.mark.tools("rpmbuild", "rpm")
def test_rpm_installs_and_updates_a_recipe_s_packages(source: Path, tmp_path: Path) -> None:
    fedora, root = recipe_formats()["rpm"], tmp_path / "root"
    rpm = ["rpm", f"--root={root}", "--define=_pkgverify_level none"]

    def installed() -> dict[str, str]:
        listed = run(*rpm, "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n")
        run(*rpm, "-Va")
        sums_hold(root / "usr")
        return dict(line.split() for line in listed.splitlines())

    rpms = [each for each in made(source, fedora, tmp_path).packages if "noarch" in each.name]
    before = rpms
    refused = subprocess.run([*rpm, "-U", rpms[-1]], capture_output=True, text=True)
    assert "nipy-templates-1mm = 0.2-3 is needed by nipy-templates-0.3-1" in refused.stderr
    run(*rpm, "-U", *rpms)
    assert installed() == dict(zip(NAMES, ("0.2-3", "0.3-1", "0.3-1", "0.3-1"), strict=True))
    # The labels go from the texts to the images of 2 mm.
    moved = '"*odd/*", "*.txt"]\n    replaces: [{part: texts, before: "0.4"}]'
    text = (source / "package.yaml").read_text("utf-8").replace("0.3", "0.4")
    text = text.replace('"*odd/*"]', moved).replace('"labels.txt", ', "")
    (source / "package.yaml").write_text(text, "utf-8")
    (source / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 0.4\n", "utf-8")
    rpms = [
        each for each in made(source, fedora, tmp_path / "new").packages if "noarch" in each.name
    ]
    refused = subprocess.run([*rpm, "-U", rpms[1]], capture_output=True, text=True)
    assert "nipy-templates-texts < 0.4 conflicts with nipy-templates-2mm-0.4" in refused.stderr
    run(*rpm, "-U", *rpms[1:])
    assert installed() == dict(zip(NAMES, ("0.2-3", "0.4-1", "0.4-1", "0.4-1"), strict=True))
    owner = run(*rpm, "-qf", f"/usr/{DATA}/labels.txt", "--qf", "%{NAME}")
    assert owner == "nipy-templates-2mm"
    run(*rpm, "-U", "--oldpackage", *before[1:])
    assert installed()["nipy-templates"] == "0.3-1"


@pytest.mark.tools("rpmbuild", "rpm2archive", "rpmlint")
def test_rpmlint_has_nothing_to_say_of_the_packaging(source: Path, tmp_path: Path) -> None:
    text = (source / "package.yaml").read_text("utf-8")
    (source / "package.yaml").write_text(
        text.replace("revision: 2\n", f"revision: 2\n{REPLACES}"), "utf-8"
    )
    recipe = made(source, recipe_formats()["rpm"], tmp_path)
    spec, filters = (recipe.directory / f"nipy-templates.{kind}" for kind in ("spec", "rpmlintrc"))
    done = subprocess.run(
        ["rpmlint", "-r", filters, *recipe.packages, spec], capture_output=True, text=True
    )
    assert f"{len(NAMES) + 1} packages and 1 specfiles checked" in done.stdout
    remarks = {
        line.split()[2] for line in done.stdout.splitlines() if ": W: " in line or ": E: " in line
    }
    # Debian's rpmlint has no list of licences, and data that no address names has no URL.
    assert remarks - {"invalid-license", "invalid-url"} == set(), done.stdout


@pytest.mark.root
@pytest.mark.tools("makepkg", "pacman")
def test_pacman_installs_a_recipe_s_packages(source: Path, tmp_path: Path) -> None:
    of_one_version(source)
    system = ArchSystem(tmp_path / "arch")
    *parts, whole = made(source, recipe_formats()["arch"], tmp_path).packages
    assert "unable to satisfy dependency 'nipy-templates-1mm=0.3-1'" in system.said("-U", whole)
    system.pacman("-U", *parts, whole)
    sums_hold(system.root / "usr")
    for name in NAMES:
        assert "0 altered files" in system.pacman("-Qkk", name)


def test_conda_installs_all_of_a_recipe_s_packages_by_the_name_of_the_whole(
    source: Path, prefix: Prefix, tmp_path: Path
) -> None:
    recipe = made(source, recipe_formats()["conda"], tmp_path)
    found = {each.name: each for each in map(rattler_build.Package.from_file, recipe.packages)}
    assert {name: str(each.version) for name, each in found.items()} == VERSIONS
    assert found["nipy-templates-1mm"].build_number == 2
    assert found["nipy-templates-1mm"].depends == ["nipy-templates-texts"]
    assert sorted(found["nipy-templates"].depends) == sorted(
        f"{name} =={VERSIONS[name]} {found[name].build_string}" for name in NAMES[:-1]
    )
    for package in recipe.packages:
        shutil.copy(package, prefix.channel / "noarch")
    said = prefix.conda_install(specs=("nipy-templates",))
    assert all(f"installed {name}-{VERSIONS[name]}-h" in said for name in NAMES)
    assert found_by_nibabel(prefix) == FILES
    is_one_and_intact(prefix, files=4)


def test_conda_installs_one_part_of_a_recipe_alone(
    source: Path, prefix: Prefix, tmp_path: Path
) -> None:
    for package in made(source, recipe_formats()["conda"], tmp_path).packages:
        shutil.copy(package, prefix.channel / "noarch")
    prefix.conda_install(specs=("nipy-templates-2mm",))
    assert found_by_nibabel(prefix) == FILES[1:]
    is_one_and_intact(prefix, files=3)


def test_with_a_channel_the_whole_is_looked_up_by_the_recipe_s_test(
    source: Path, session_channel: Path, tmp_path: Path
) -> None:
    options = RecipeOptions(
        draft=True,
        recipes=tmp_path / "recipes",
        packages=tmp_path / "dist",
        build=True,
        channels=(session_channel.as_uri(),),
    )
    [recipe] = make_recipes(str(source), [recipe_formats()["conda"]], options)
    tests = [rattler_build.Package.from_file(each).test_count for each in recipe.packages]
    assert tests == [1, 1, 1, 2]
