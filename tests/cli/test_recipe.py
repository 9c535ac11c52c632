"""`nipack recipe` as a maintainer types it."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nipack.cli.app import nipack

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "recipes" / "nipy-examplepkg"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(nipack, ["recipe", *map(str, arguments)])


def test_every_format_is_rendered_by_default(tmp_path: Path) -> None:
    result = run(EXAMPLE, "-o", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    recipes = json.loads(result.stdout)["recipes"]
    assert [each["format"] for each in recipes] == ["conda", "debian", "rpm"]
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
    assert "'gentoo' is not a format; there are conda, debian, rpm" in result.output


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    spec = tmp_path / "nipy-examplepkg" / "rpm" / "nipy-examplepkg.spec"
    spec.mkdir(parents=True)
    result = run(EXAMPLE, "-o", tmp_path, "-f", "rpm")
    assert result.exit_code == 1
    assert f"error: {spec}: Is a directory; check the directory's rights" in result.output
    assert not list(spec.parent.glob(".*"))


def test_a_missing_builder_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run(EXAMPLE, "-o", tmp_path, "-f", "rpm", "--build", "--dist", tmp_path / "dist")
    assert result.exit_code == 1
    assert "rpmbuild: not found; install it: dnf install rpm-build" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "dist").exists()


def test_a_builder_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "rpmbuild"
    fake.write_text("#!/bin/sh\necho the disk is full >&2\nexit 3\n", "utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = run(EXAMPLE, "-o", tmp_path, "-f", "rpm", "--build", "--dist", tmp_path / "dist")
    assert result.exit_code == 1
    assert "ended with status 3; its last lines:\n  the disk is full" in result.output
    assert not (tmp_path / "dist").exists()


def test_conda_build_is_taken_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "conda-build"
    fake.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\nexit 1\n', "utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = run(EXAMPLE, "-o", tmp_path, "-f", "conda", "--build")
    assert result.exit_code == 1
    said = (tmp_path / "said").read_text("utf-8")
    assert "--override-channels" in said
    assert "--zstd-compression-level=" in said
    assert said.strip().endswith("nipy-examplepkg/conda/meta.yaml")


def test_offline_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    address = "https://release.invalid/nipy-templates-0.3.tar.gz"
    result = run(address, "--offline", "--draft", "-o", tmp_path / "recipes")
    assert result.exit_code == 1
    assert "offline" in result.stderr
    assert not (tmp_path / "recipes").exists()
