"""`nipack recipe` as a maintainer types it."""

import json
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nipack.builder.recipes import recipe_formats
from nipack.cli.app import nipack

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "recipes" / "nipy-examplepkg"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(nipack, ["recipe", *map(str, arguments)])


def test_every_format_is_rendered_by_default(tmp_path: Path) -> None:
    result = run(EXAMPLE, "-o", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    recipes = json.loads(result.stdout)["recipes"]
    default = [name for name, each in recipe_formats().items() if each.default]
    assert [each["format"] for each in recipes] == default
    for each in recipes:
        assert each["packages"] == []
        for file in each["files"]:
            assert Path(file["path"]).is_file()
            assert file["state"] == "new"
    rules = tmp_path / "nipy-examplepkg" / "debian" / "rules"
    assert stat.S_IMODE(rules.stat().st_mode) == 0o755


def test_a_dry_run_says_what_it_would_write(tmp_path: Path) -> None:
    result = run(EXAMPLE, "-o", tmp_path / "recipes", "--dry-run", "-f", "rpm")
    assert result.exit_code == 0, result.output
    assert "nipy-examplepkg.spec" in result.stdout
    assert not (tmp_path / "recipes").exists()


def test_a_format_that_is_none_is_named_with_those_there_are() -> None:
    result = run(EXAMPLE, "-f", "gentoo")
    assert result.exit_code == 2
    there_are = ", ".join(recipe_formats())
    assert f"'gentoo' is not a format; there are {there_are}" in result.output


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    spec = tmp_path / "nipy-examplepkg" / "rpm" / "nipy-examplepkg.spec"
    spec.mkdir(parents=True)
    result = run(EXAMPLE, "-o", tmp_path, "-f", "rpm")
    assert result.exit_code == 1
    assert f"error: {spec}: Is a directory; check the directory's permissions" in result.output
    assert not list(spec.parent.glob(".*"))


@pytest.fixture
def two_definitions(tmp_path: Path) -> Path:
    """Two definitions with their data; nobody has verified the rights of the second."""
    for name in ("first", "second"):
        shutil.copytree(EXAMPLE, tmp_path / "definitions" / name)
        path = tmp_path / "definitions" / name / "package.yaml"
        text = path.read_text("utf-8").replace("name: nipy-examplepkg", f"name: mylab-{name}")
        path.write_text(text, "utf-8")
    path.write_text(text.replace("redistribution: verified\n", ""), "utf-8")
    return tmp_path / "definitions"


def test_each_source_has_its_turn_and_every_error_is_told(
    two_definitions: Path, tmp_path: Path
) -> None:
    absent = tmp_path / "absent.tar.gz"
    result = run(absent, two_definitions, "-o", tmp_path / "recipes", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    folders = {Path(each["directory"]).parent.name for each in document["recipes"]}
    assert folders == {"mylab-first"}
    assert len(document["recipes"]) == 3
    first, second = document["errors"]
    assert f"{absent}: there is no such file" in first
    assert "second/package.yaml" in second
    assert [each["code"] for each in document["problems"] if each["severity"] == "error"] == [
        "redistribution-unverified"
    ]
    assert not (tmp_path / "recipes" / "mylab-second").exists()


def test_the_sum_of_several_sources_is_printed(two_definitions: Path, tmp_path: Path) -> None:
    result = run(two_definitions, "-o", tmp_path / "recipes", "-f", "debian")
    assert result.exit_code == 1
    second = two_definitions / "second"
    assert f"1 of 2 sources rendered, 1 failed: {second}" in result.stderr
    assert "redistribution is unverified" in result.stderr
    drafts = run(two_definitions, "-o", tmp_path / "recipes", "-f", "debian", "--draft")
    assert drafts.exit_code == 0
    assert "2 of 2 sources rendered" in drafts.stdout


def test_no_source_takes_another_s_place(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "same")
    result = run(EXAMPLE, tmp_path / "same", "-o", tmp_path / "recipes", "-f", "debian")
    assert result.exit_code == 1
    home = tmp_path / "recipes" / "nipy-examplepkg"
    assert (
        f"error: {home}: would be made of {tmp_path / 'same'}, but is made of {EXAMPLE} already; "
        "change a name, or put one into another directory with -o\n"
    ) in result.stderr


def test_a_source_of_which_nothing_was_made_takes_no_place(tmp_path: Path) -> None:
    unfit = tmp_path / "unfit"
    shutil.copytree(EXAMPLE, unfit)
    (unfit / "examplepkg" / "a.la").write_bytes(b"what conda leaves out")
    result = run(unfit, EXAMPLE, "-o", tmp_path / "recipes", "-f", "conda")
    assert f"1 of 2 sources rendered, 1 failed: {unfit}" in result.stderr
    assert (tmp_path / "recipes" / "nipy-examplepkg" / "conda" / "recipe.yaml").is_file()


def test_the_version_before_is_that_of_one_source(two_definitions: Path) -> None:
    result = run(two_definitions, "--previous", EXAMPLE)
    assert result.exit_code == 2
    assert "--previous needs exactly one SOURCE" in result.stderr


@pytest.fixture
def bare_data(tmp_path: Path) -> Path:
    """A definition whose folder is the data directory itself."""
    data = tmp_path / "recipes" / "nipy-examplepkg"
    shutil.copytree(EXAMPLE / "examplepkg", data)
    shutil.copy(EXAMPLE / "package.yaml", data)
    return data


def test_recipes_do_not_become_data(bare_data: Path) -> None:
    before = sorted(bare_data.rglob("*"))
    for folder in (bare_data.parent, bare_data / "recipes"):
        result = run(bare_data, "-o", folder)
        assert result.exit_code == 1
        place = folder / "nipy-examplepkg"
        assert f"error: {place}: lies in the data directory" in result.stderr
        assert "name another with -o" in result.stderr
    result = run(bare_data, "-o", bare_data.parents[1] / "r", "--build", "--dist", bare_data / "d")
    assert result.exit_code == 1
    assert f"error: {bare_data / 'd'}: lies in the data directory" in result.stderr
    assert "name another with --dist" in result.stderr
    assert sorted(bare_data.rglob("*")) == before
    assert not (bare_data.parents[1] / "r").exists()


def test_a_missing_builder_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run(EXAMPLE, "-o", tmp_path, "-f", "rpm", "--build", "--dist", tmp_path / "dist")
    assert result.exit_code == 1
    assert "rpmbuild: not found; install it: dnf install rpm-build" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "dist").exists()


@pytest.mark.tools("rpm2archive")
def test_a_builder_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "rpmbuild"
    fake.write_text("#!/bin/sh\necho the disk is full >&2\nexit 3\n", "utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = run(EXAMPLE, "-o", tmp_path, "-f", "rpm", "--build", "--dist", tmp_path / "dist")
    assert result.exit_code == 1
    assert "ended with status 3; its last lines:\n  the disk is full" in result.output
    assert not (tmp_path / "dist").exists()


@pytest.fixture
def conda_build_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A conda-build that fails, and the file that gets its arguments."""
    fake, said = tmp_path / "conda-build", tmp_path / "said"
    fake.write_text(f'#!/bin/sh\necho "$@" > {said}\nexit 1\n', "utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return said


def test_conda_build_is_taken_where_there_is_one(tmp_path: Path, conda_build_said: Path) -> None:
    result = run(EXAMPLE, "-o", tmp_path, "-f", "conda", "--build")
    assert result.exit_code == 1
    said = conda_build_said.read_text("utf-8").split()
    assert "--override-channels" in said
    assert "--no-test" in said
    assert any(word.startswith("--zstd-compression-level=") for word in said)
    assert said[-1].endswith("nipy-examplepkg/conda/meta.yaml")


def test_a_builder_finds_a_recipe_in_a_folder_that_was_named_from_here(
    tmp_path: Path, conda_build_said: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in a directory of its own, from which a relative path would lead elsewhere."""
    monkeypatch.chdir(tmp_path)
    run(EXAMPLE, "-o", "recipes", "-f", "conda", "--build", "--dist", "dist")
    recipe = conda_build_said.read_text("utf-8").split()[-1]
    assert recipe == str(tmp_path / "recipes/nipy-examplepkg/conda/meta.yaml")


def test_with_channels_conda_build_runs_the_tests(tmp_path: Path, conda_build_said: Path) -> None:
    folder = tmp_path / "channel" / "noarch"
    folder.mkdir(parents=True)
    (folder / "repodata.json").write_text("{}", "utf-8")
    channels = ["--channel", "conda-forge", "--channel", str(folder.parent)]
    result = run(EXAMPLE, "-o", tmp_path, "-f", "conda", "--build", *channels)
    assert result.exit_code == 1
    said = conda_build_said.read_text("utf-8").split()
    assert "--no-test" not in said
    assert "--override-channels" in said
    named = [word for word in said if word.startswith("--channel=")]
    assert named == ["--channel=conda-forge", f"--channel={folder.parent.as_uri()}"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "--channel is for the tests of a build: add --build"),
        (["--build", "-f", "rpm"], "--channel is for the conda recipe: add -f conda"),
        (["--build", "--offline"], "--offline fetches nothing, and --channel conda-forge would"),
        (["--build", "--channel", "./none"], "./none is not a conda channel: it has no noarch/"),
        (
            ["--build", "--channel", "~nobody-of-this-name/c"],
            "~nobody-of-this-name/c is not a conda",
        ),
    ],
)
def test_a_channel_that_is_of_no_use_is_refused(
    words: list[str], reason: str, tmp_path: Path
) -> None:
    result = run(EXAMPLE, "-o", tmp_path / "recipes", "--channel", "conda-forge", *words)
    assert result.exit_code == 2
    assert reason in " ".join(result.output.split())
    assert not (tmp_path / "recipes").exists()


def test_a_channel_s_folder_is_not_taken_for_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "noarch").mkdir(parents=True)
    (tmp_path / "mine" / "noarch" / "repodata.json").write_text("{}", "utf-8")
    result = run(EXAMPLE, "-o", tmp_path, "--build", "--channel", "mine")
    assert result.exit_code == 2
    assert "for the folder write ./mine" in " ".join(result.output.split())


def test_no_conda_builder_at_all_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("nipack.system.rattler.is_installed", lambda: False)
    result = run(EXAMPLE, "-o", tmp_path, "-f", "conda", "--build", "--dist", tmp_path / "dist")
    assert result.exit_code == 1
    assert "conda install conda-build, or pip install py-rattler-build" in result.output
    assert not (tmp_path / "dist").exists()


def test_offline_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    address = "https://release.invalid/nipy-templates-0.3.tar.gz"
    result = run(address, "--offline", "--draft", "-o", tmp_path / "recipes")
    assert result.exit_code == 1
    assert "offline" in result.stderr
    assert not (tmp_path / "recipes").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--suite", "buster"], "'buster' is not a suite; there are bookworm"),
        (["--suite", "sid", "-f", "conda"], "--suite is for the debian recipe: add -f debian"),
    ],
)
def test_a_suite_that_cannot_be_followed(words: list[str], said: str, tmp_path: Path) -> None:
    result = run(EXAMPLE, "-o", tmp_path, *words)
    assert result.exit_code == 2
    assert said in result.output
    assert not list(tmp_path.iterdir())


def test_the_recipe_is_for_a_suite(tmp_path: Path) -> None:
    assert run(EXAMPLE, "-o", tmp_path, "--suite", "sid", "--draft").exit_code == 0
    control = tmp_path / "nipy-examplepkg" / "debian" / "control"
    assert "debhelper-compat (= 14)" in control.read_text("utf-8")
