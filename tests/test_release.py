"""A release states its version everywhere, and a dry run of one leaves the checkout as it is."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "release.py"


def git(*words: str, cwd: Path = REPOSITORY) -> str:
    done = subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository that holds what this checkout does, committed."""
    tree = tmp_path / "nipack"
    git("clone", "--quiet", str(REPOSITORY), str(tree), cwd=tmp_path)
    patch = subprocess.run(
        ["git", "diff", "HEAD", "--binary"], cwd=REPOSITORY, check=True, capture_output=True
    ).stdout
    if patch:
        subprocess.run(["git", "apply", "--index"], cwd=tree, input=patch, check=True)
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git("config", key, value, cwd=tree)
    (tree / "changelog.d" / "+one.feature.md").write_text("It does more.\n", "utf-8")
    git("add", "-A", cwd=tree)
    git("commit", "--quiet", "-m", "all", cwd=tree)
    return tree


def release(
    tree: Path, monkeypatch: pytest.MonkeyPatch, *words: str
) -> subprocess.CompletedProcess[str]:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    command = [sys.executable, str(tree / "scripts" / "release.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_dry_run_changes_nothing_and_a_release_all(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    before = git("log", "--format=%H", cwd=clone)
    done = release(clone, monkeypatch, "9.8.7", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "dist/nipack-9.8.7-py3-none-any.whl\n" in done.stdout
    assert "dist/nipack_build-9.8.7.tar.gz\n" in done.stdout
    assert "dist/nipack_autolink-9.8.7-py3-none-any.whl\n" in done.stdout
    assert git("log", "--format=%H", cwd=clone) == before
    assert git("status", "--porcelain", cwd=clone) == ""
    assert git("tag", "--list", "v9.8.7", cwd=clone) == ""

    done = release(clone, monkeypatch, "9.8.7")
    assert done.returncode == 0, done.stderr
    assert git("describe", cwd=clone) == "v9.8.7\n"
    assert git("status", "--porcelain", cwd=clone) == ""
    assert len(list((clone / "dist").iterdir())) == 6
    changed = set(git("diff", "--name-only", "HEAD~1", cwd=clone).split())
    assert {"CITATION.cff", "debian/changelog", "CHANGELOG.md", "pyproject.toml"} <= changed
    text = (clone / "CHANGELOG.md").read_text("utf-8")
    _, found, news = text.partition("## 9.8.7, 2023-11-14\n\n### New\n\n")
    assert found
    assert "- It does more.\n" in news.partition("\n## ")[0]
    assert not (clone / "changelog.d" / "+one.feature.md").exists()
    again = release(clone, monkeypatch, "9.8.7")
    assert again.returncode == 1
    assert again.stderr == "release: there is a tag v9.8.7; choose the next version\n"


@pytest.mark.slow
def test_what_is_not_committed_stops_a_release(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone / "README.md").write_text("changed\n", "utf-8")
    done = release(clone, monkeypatch, "9.8.7")
    assert (done.returncode, done.stdout) == (1, "")
    assert "commit or stash them first" in done.stderr
    assert release(clone, monkeypatch, "new").returncode == 2
