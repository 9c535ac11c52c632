"""Debian's own gates for the recipes: lintian, a clean build, autopkgtest, piuparts, debrepro."""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from tests.acceptance.systems import (
    REPOSITORY,
    DebianSystem,
    assert_in_order,
    lintian_remarks,
    run,
)

from nipack.builder.flows.recipe import Recipe, RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
DEBIAN = recipe_formats()["debian"]
NOBODY = 65534
pytestmark = [pytest.mark.slow, pytest.mark.tools("dpkg-buildpackage", "dh", "lintian")]


def make(source: Path, target: Path, *, previous: Path | None = None) -> Recipe:
    options = RecipeOptions(
        draft=True,
        recipes=target / "recipes",
        packages=target / "dist",
        previous=str(previous) if previous else None,
        build=True,
    )
    [recipe] = make_recipes(str(source), [DEBIAN], options)
    return recipe


def one(recipe: Recipe, suffix: str) -> Path:
    [path] = [path for path in recipe.packages if path.name.endswith(suffix)]
    return path


# What is odd about the awkward data itself stays for its maintainer to read.
TRUE_REMARKS = {
    "backup-file-in-package",
    "lengthy-symlink",
    "script-not-executable",
    "symlink-contains-spurious-segments",
    "unusual-interpreter",
}


def test_lintian_is_silent(sample: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    recipe = make(sample, tmp_path)
    remarks = lintian_remarks(one(recipe, ".changes"))
    awkward = request.node.callspec.params["sample"] == "awkward"
    found = {line.split()[2] for line in remarks}
    # That an intent to package has no number yet is for its maintainer to be reminded of.
    assert found - {"initial-upload-closes-no-bugs"} == (TRUE_REMARKS if awkward else set()), (
        remarks
    )


@pytest.mark.slow(120)
@pytest.mark.root
@pytest.mark.tools("mmdebstrap", "chroot")
def test_another_suite_s_tools_build_it_and_its_lintian_is_silent(
    other_suite: tuple[str, DebianSystem],
    sample: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    suite, system = other_suite
    recipe = make(sample, tmp_path)
    work = Path(tempfile.mkdtemp(dir=system.root / "tmp"))
    for orig in tmp_path.glob("dist/*.orig.*"):
        shutil.copy(orig, work)
    run("dpkg-source", "--no-check", "-x", one(recipe, ".dsc"), work / "tree")
    shutil.rmtree(work / "tree" / "debian")
    shutil.copytree(rendered_for(suite, sample, tmp_path), work / "tree" / "debian")
    inside = f"/tmp/{work.name}"
    said = system.run("sh", "-c", f"cd {inside}/tree && dpkg-buildpackage -d -us -uc 2>&1")
    assert not re.search(r"(?i)deprecated|dpkg-source: warning", said), said
    remarks = lintian_remarks(next(work.glob("*.changes")), system)
    found = {line.split()[2] for line in remarks} - {"initial-upload-closes-no-bugs"}
    awkward = request.node.callspec.params["sample"] == "awkward"
    assert found == (TRUE_REMARKS if awkward else set()), remarks
    control = (work / "tree" / "debian" / "control").read_text("utf-8")
    assert ("Priority:" in control) == (suite == "trixie")
    assert "Rules-Requires-Root:" not in control


def rendered_for(suite: str, source: Path, target: Path) -> Path:
    """Return the recipe of a suite."""
    options = RecipeOptions(
        draft=True, recipes=target / suite, packages=target / "none", suite=suite
    )
    [recipe] = make_recipes(str(source), [DEBIAN], options)
    return recipe.directory


# What dh_clean(1) of one debhelper or another takes for leftovers.
LEFTOVERS = (
    *(
        "__pycache__/a.pyc",
        "x/autom4te.cache/b",
        "old.orig",
        "new.rej",
        "back.bak",
        "TAGS",
        "DEADJOE",
    ),
    *(
        "TAGS",
        "DEADJOE",
        "#lock#",
        ".SUMS",
        "a~",
        "CVS/Entries",
        'it\'s & "so" $(touch x).bak',
        "-v",
    ),
)


def with_leftovers(folder: Path) -> Path:
    data = folder / "nipy-x-0.1" / "x"
    for path in ("config.ini", *LEFTOVERS):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    return data.parent


def test_what_looks_like_leftovers_is_built(tmp_path: Path) -> None:
    recipe = make(with_leftovers(tmp_path), tmp_path)
    listed = run("dpkg-deb", "--contents", one(recipe, ".deb"))
    for path in LEFTOVERS:
        assert f"./usr/share/nipy/nipy/x/{path}\n" in listed


@pytest.mark.parametrize("change", ["rm", "truncate -s 3"])
def test_a_build_that_loses_or_changes_data_fails(tree: Path, change: str) -> None:
    """Whoever builds it, and however debhelper changes."""
    rules = tree / "debian" / "rules"
    text = rules.read_text("utf-8")
    image = "debian/*/usr/share/nipy/*/*/phantom/T1.nii.gz"
    lost = f"\nexecute_after_dh_installchangelogs:\n\t{change} {image}\n"
    rules.write_text(text + lost, "utf-8")
    done = subprocess.run(
        ["dpkg-buildpackage", "-b", "-us", "-uc"], cwd=tree, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "T1.nii.gz: FAILED" in done.stdout + done.stderr
    assert not list(tree.parent.glob("*.deb"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The unpacked source package of the example, as a maintainer has it."""
    recipe = make(EXAMPLE, tmp_path)
    run("dpkg-source", "--no-check", "-x", one(recipe, ".dsc"), tmp_path / "tree")
    return tmp_path / "tree"


@pytest.mark.root
def test_an_ordinary_user_builds_it(tree: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="nipack-user-") as name:
        home = Path(name)
        shutil.copytree(tree, home / "tree", symlinks=True)
        [orig] = tree.parent.glob("dist/*.orig.tar.gz")
        shutil.copy(orig, home)
        run("chown", "-R", f"{NOBODY}:{NOBODY}", home)
        environment = {"PATH": os.environ["PATH"], "HOME": name, "LC_ALL": "C.UTF-8"}
        run("dpkg-buildpackage", "-us", "-uc", cwd=home / "tree", user=NOBODY, group=NOBODY,
            env=environment, extra_groups=[])  # fmt: skip
        [theirs], [ours] = home.glob("*.deb"), tree.parent.glob("dist/*.deb")
        assert theirs.stat().st_uid == NOBODY
        assert _listing(theirs) == _listing(ours)


def _listing(deb: Path) -> str:
    listed = run("dpkg-deb", "--contents", deb)
    assert "./usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz" in listed
    return listed


@pytest.mark.tools("debrepro", "faketime")
def test_every_build_gives_the_same_bits(tree: Path) -> None:
    said = run("debrepro", cwd=tree)
    assert said.count("dpkg-deb: building package 'nipy-examplepkg'") == 2
    assert_in_order(said, "Comparing artifacts", "nipy-examplepkg_0.1-1_all.deb: files match")


@pytest.mark.root
@pytest.mark.tools("sbuild", "mmdebstrap", "zstd", "newuidmap")
def test_it_builds_in_a_clean_chroot(build_chroot: Path, tmp_path: Path) -> None:
    recipe = make(EXAMPLE, tmp_path)
    dsc = one(recipe, ".dsc")
    (tmp_path / "clean").mkdir()
    run("sbuild", "--chroot-mode=unshare", f"--chroot={build_chroot}", "--dist=unstable",
        "--arch-all", "--no-run-lintian", "--no-apt-update", "--no-apt-upgrade", dsc,
        cwd=tmp_path / "clean")  # fmt: skip
    [clean] = (tmp_path / "clean").glob("*.deb")
    assert _listing(clean) == _listing(one(recipe, ".deb"))


@pytest.mark.root
@pytest.mark.tools("autopkgtest", "mmdebstrap")
def test_its_own_tests_pass_where_it_is_installed(system_copy: Path, tmp_path: Path) -> None:
    recipe = make(EXAMPLE, tmp_path)
    printed = run("autopkgtest", "-B", one(recipe, ".deb"), one(recipe, ".dsc"), "--", "chroot",
                  system_copy)  # fmt: skip
    assert re.findall(r"(?m)^(\S+) +(PASS|FAIL|SKIP|FLAKY|NEUTRAL)\b", printed) == [
        ("digests", "PASS"),
        ("lookup", "PASS"),
    ]
    assert "Setting up nipy-examplepkg (0.1-1)" in printed
    assert "phantom/T1.nii.gz (24, 28, 24) uint8" in printed
    assert "found 0.1 in /usr/share/nipy/nipy/examplepkg" in printed


def release(directory: Path, version: str, files: dict[str, bytes], links: dict[str, str]) -> Path:
    """Make a release as a tarball, and a definition of it; returns the definition."""
    name = f"nipy-atlas-{version}"
    data = directory / name / "atlas"
    for path, content in (files | {"config.ini": _config(version)}).items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(content)
    for path, target in links.items():
        (data / path).symlink_to(target)
    with tarfile.open(directory / f"{name}.tar.gz", "w:gz") as tar:
        tar.add(directory / name, name)
    definition = directory / f"{name}.yaml"
    definition.write_text(
        f"name: nipy-atlas\nrelpath: nipy/atlas\nversion: '{version}'\ndate: 2023-05-01\n"
        f"source:\n  address: {name}.tar.gz\nsummary: atlas of the brain\n",
        "utf-8",
    )
    return definition


def _config(version: str) -> bytes:
    return f"[DEFAULT]\nversion = {version}\n".encode()


@pytest.fixture
def two_releases(tmp_path: Path) -> tuple[Recipe, Recipe]:
    """A package whose folder `mni` becomes a link, and whose link `old` becomes a folder."""
    first = release(tmp_path, "0.1", {"mni/T1.nii": b"1", "real/T1.nii": b"2"}, {"old": "real"})
    second = release(
        tmp_path, "0.2", {"mni152/T1.nii": b"1", "real/T1.nii": b"2", "old/T1.nii": b"3"},
        {"mni": "mni152"},
    )  # fmt: skip
    return make(first, tmp_path / "one"), make(second, tmp_path / "two", previous=first)


@pytest.mark.root
@pytest.mark.tools("mmdebstrap", "chroot")
def test_an_upgrade_swaps_folders_and_links(
    two_releases: tuple[Recipe, Recipe], system_copy: Path
) -> None:
    for recipe in two_releases:
        deb = one(recipe, ".deb")
        shutil.copy(deb, system_copy / "tmp")
        run("chroot", system_copy, "dpkg", "--install", f"/tmp/{deb.name}")
    data = system_copy / "usr" / "share" / "nipy" / "nipy" / "atlas"
    assert (data / "mni").readlink() == Path("mni152")
    assert not (data / "old").is_symlink()
    assert (data / "old" / "T1.nii").read_bytes() == b"3"
    assert (data / "real" / "T1.nii").read_bytes() == b"2"
    run("chroot", system_copy, "sh", "-c",
        "cd /usr && sha256sum --check --quiet share/nipack/nipy-atlas/SHA256SUMS")  # fmt: skip


@pytest.mark.root
@pytest.mark.tools("piuparts", "mmdebstrap", "dpkg-scanpackages")
def test_piuparts_finds_nothing_left_behind(
    two_releases: tuple[Recipe, Recipe], debian_base: Path, tmp_path: Path
) -> None:
    before, after = (one(recipe, ".deb") for recipe in two_releases)
    repository = tmp_path / "repository"
    repository.mkdir()
    shutil.copy(before, repository)
    index = run("dpkg-scanpackages", "--multiversion", ".", cwd=repository)
    (repository / "Packages").write_text(index, "utf-8")
    printed = run(
        "piuparts", "-d", "bookworm", "-e", debian_base, f"--bindmount={repository}",
        f"--extra-repo=deb [trusted=yes] file://{repository} ./",
        "-i", "/var/cache/debconf/tmp.ci/", after,
    )  # fmt: skip
    assert_in_order(
        printed,
        "PASS: Installation and purging test.",
        f"Get:1 file:{repository} ./ nipy-atlas 0.1-1 ",
        "Setting up nipy-atlas (0.1-1)",
        f"Get:1 /tmp/{after.name} nipy-atlas all 0.2-1 ",
        "Unpacking nipy-atlas (0.2-1) over (0.1-1)",
        "Setting up nipy-atlas (0.2-1)",
        "PASS: Installation, upgrade and purging tests",
        "PASS: All tests.",
    )
