"""The tests within a conda recipe, run by the real builder beside the real nibabel."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import yaml
from tests.acceptance.systems import REPOSITORY, Build, Prefix, run
from tests.conftest import MakeTree

from nipack.builder.archive.installed import FILE_MODE
from nipack.builder.formats.conda import DATA_MODE
from nipack.system.rattler import RATTLER_BUILD

pytestmark = pytest.mark.slow

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
FOUND = "phantom/T1.nii.gz (24, 28, 24) uint8"


@pytest.fixture
def no_image(tmp_path: Path) -> Path:
    """The example, whose image is a sound gzip file of something else."""
    folder = tmp_path / "no image"
    shutil.copytree(EXAMPLE, folder)
    image = folder / "examplepkg" / "phantom" / "T1.nii.gz"
    image.write_bytes(gzip.compress(b"not an image" * 100, mtime=1))
    return folder


def build_recipe(
    source: Path, out: Path, *options: str | Path, programs: str = "", verbose: bool = False
) -> subprocess.CompletedProcess[str]:
    """Build the conda recipe with py-rattler-build; `programs` are before those of the system."""
    words = ["--verbose"] if verbose else []
    words += ["recipe", "-f", "conda", "--build", "-o", str(out), "--dist", str(out / "dist")]
    return subprocess.run(
        [sys.executable, "-m", "nipack", *words, *map(str, options), source],
        env=os.environ | {"PATH": f"{programs}:/usr/bin:/bin".removeprefix(":")},
        capture_output=True,
        text=True,
    )


def test_with_a_channel_the_build_looks_the_data_up(session_channel: Path, tmp_path: Path) -> None:
    done = build_recipe(EXAMPLE, tmp_path, "--channel", session_channel, "--json")
    assert done.returncode == 0, done.stderr
    [made] = json.loads(done.stdout)["recipes"]
    assert [Path(path).is_file() for path in made["packages"]] == [True]
    assert done.stderr == ""


def test_what_the_builder_says_is_shown_where_it_is_asked_for(
    session_channel: Path, tmp_path: Path
) -> None:
    done = build_recipe(EXAMPLE, tmp_path, "--channel", session_channel, verbose=True)
    assert done.returncode == 0, done.stderr
    assert FOUND in done.stderr
    assert FOUND not in done.stdout


def test_an_image_that_the_check_calls_unreadable_is_not_loaded(
    session_channel: Path, no_image: Path, tmp_path: Path
) -> None:
    done = build_recipe(no_image, tmp_path, "--channel", session_channel)
    assert done.returncode == 0, done.stderr
    assert "[image-unreadable]" in done.stderr
    assert list((tmp_path / "dist").glob("*.conda"))


def test_a_script_that_fails_is_quoted(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "cp"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho no space is left >&2\nexit 9\n", "utf-8")
    fake.chmod(0o755)
    done = build_recipe(EXAMPLE, tmp_path, programs=str(fake.parent))
    assert done.returncode == 1
    assert "\n  no space is left\n" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_the_tests_of_meta_yaml_pass_with_the_data_and_fail_without(
    build: Build, conda_environment: Prefix, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "nipack", "recipe", EXAMPLE, "-f", "conda", "-o", tmp_path)
    rendered = tmp_path / "nipy-examplepkg" / "conda"
    meta = jinja2.Template((rendered / "meta.yaml").read_text("utf-8")).render()
    test = yaml.safe_load(meta)["test"]
    conda_environment.conda_install(build(EXAMPLE)["conda"], specs=tuple(test["requires"]))
    data = conda_environment.directory / "share" / "nipy" / "nipy" / "examplepkg"

    assert FOUND in meta_yaml_tests(test, rendered, conda_environment, tmp_path / "whole").stdout

    (data / "phantom" / "T1.nii.gz").write_bytes(b"\x1f\x8b cut short")
    cut = meta_yaml_tests(test, rendered, conda_environment, tmp_path / "cut")
    assert cut.returncode != 0
    assert "phantom/T1.nii.gz: FAILED" in cut.stdout

    shutil.rmtree(data)
    test["commands"] = [each for each in test["commands"] if "lookup.py" in each]
    gone = meta_yaml_tests(test, rendered, conda_environment, tmp_path / "gone")
    assert gone.returncode != 0
    assert "DataError" in gone.stderr


def test_a_builder_writes_modes_of_its_own_and_its_package_takes_the_place_of_ours(
    build: Build, prefix: Prefix, make_tree: MakeTree, tmp_path: Path
) -> None:
    """The one difference of the two: no script can make data read-only in what a builder packs.

    Where this fails, the builder has begun to keep modes: build.sh is to say 0444, then.
    """
    prefix.conda_install(build(EXAMPLE)["conda"])
    data = prefix.directory / "share" / "nipy" / "nipy" / "examplepkg"
    ours = {path.relative_to(data): path.read_bytes() for path in files_below(data)}
    assert modes_below(data) == {DATA_MODE}

    newer = tmp_path / "newer"
    shutil.copytree(EXAMPLE, newer)
    with (newer / "package.yaml").open("a", encoding="utf-8") as stream:
        stream.write("revision: 1\n")
    recipes = tmp_path / "recipes"
    run(sys.executable, "-m", "nipack", "recipe", newer, "-f", "conda", "-o", recipes)
    recipe = recipes / "nipy-examplepkg" / "conda"
    script = (recipe / "build.sh").read_text("utf-8")
    assert 'find "$data" -type f -exec chmod 0644' in script
    (recipe / "build.sh").write_text(script.replace("chmod 0644", "chmod 0444"), "utf-8")
    run(*RATTLER_BUILD.start, recipe / "recipe.yaml", tmp_path / "built", "1", cwd=tmp_path)
    [built] = tmp_path.glob("built/noarch/*.conda")
    prefix.conda_install(built)
    assert {path.relative_to(data): path.read_bytes() for path in files_below(data)} == ours
    assert modes_below(data) == {FILE_MODE}

    prefix.conda_install(build(make_tree({"a": b"1"}), out=tmp_path / "other")["conda"])
    assert not data.exists()


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def modes_below(directory: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in files_below(directory)}


def meta_yaml_tests(
    test: dict[str, list[str]], recipe: Path, environment: Prefix, directory: Path
) -> subprocess.CompletedProcess[str]:
    """Run a recipe's tests as conda-build does: every command in one shell, beside the files."""
    directory.mkdir()
    for name in test["files"]:
        shutil.copy(recipe / name, directory)
    path = f"{environment.directory / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "-o", "errexit", "-c", "\n".join(test["commands"])],
        cwd=directory,
        env={"PREFIX": str(environment.directory), "PATH": path, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
    )
