"""`nipack link`, `unlink` and `env`, by both fronts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.libraries.conftest import Install, install, prefix
from tests.machine import ordinary_user

from nipack.cli import plain
from nipack.cli.app import nipack

__all__ = ["install", "prefix"]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("NILEARN_DATA", "NILEARN_SHARED_DATA", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(nipack, words)
    return result.exit_code, result.output


def alone(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = plain.main(words)
    return status, capsys.readouterr().out


def test_link_and_unlink(install: Install, user: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a", "b.nii": b"b"})
    assert run("link", "--copy", "--dry-run") == (
        0,
        "nilearn: 2 copied (nothing was done)\n",
    )
    assert run("link", "nilearn", "--copy") == (0, "nilearn: 2 copied\n")
    assert alone(capsys, "link", "--copy") == (0, "nilearn: 2 already in place\n")
    assert run("unlink") == (0, "nilearn: 2 removed\n")
    assert alone(capsys, "unlink") == (0, "nothing to do\n")
    assert not (user / "nilearn_data" / "atlas").exists()


@pytest.fixture
def own(install: Install, user: Path) -> Path:
    """Return where nilearn looks for a file of a package, in a folder that is there."""
    install("nilearn_data/atlas", {"a.nii": b"a"})
    place = user / "nilearn_data" / "atlas" / "a.nii"
    place.parent.mkdir(parents=True)
    return place


def test_what_is_not_as_the_package_has_it(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own.write_bytes(b"own")
    status, said = run("link")
    assert status == 0
    assert f"{own}: other bytes than nilearn_data/atlas has" in said.replace("\n", "")
    assert alone(capsys, "link")[1].endswith("it is not nipack's, and is kept\n")
    status, said = run("link", "--json")
    assert json.loads(said)[0]["state"] == "other bytes"


def test_a_link_of_ones_own_that_leads_nowhere_is_called_so(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own.symlink_to(own.with_name("gone.nii"))
    said = alone(capsys, "link")[1]
    assert said.endswith(f"{own}: a link of your own to data that is gone; remove it\n")
    own.unlink()
    assert alone(capsys, "link", "--copy")[1] == "nilearn: 1 copied\n"


def test_what_cannot_be_done_fails(install: Install, user: Path) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    (user / "nilearn_data").write_bytes(b"a file")
    status, said = run("link")
    assert (status, "nilearn_data/atlas/a.nii: " in said.replace("\n", "")) == (1, True)


def test_a_library_that_is_misspelt(user: Path) -> None:
    status, said = run("link", "templatefow")
    assert status == 2
    assert "did you mean templateflow?" in said


def test_variables_put_the_user_first(
    install: Install, user: Path, prefix: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    install("templateflow/tpl-X", {"tpl-X_T1w.nii.gz": b"a"})
    umbrellas = prefix / "share" / "nipy"
    status, said = run("env")
    assert status == 0
    shared = umbrellas / "nilearn_data"
    lines = [line for line in said.splitlines() if not line.startswith("#")]
    assert lines == [
        f"export TEMPLATEFLOW_HOME={umbrellas / 'templateflow'}",
        "export TEMPLATEFLOW_AUTOUPDATE=off",
        f'export NILEARN_SHARED_DATA="$HOME"/nilearn_data:{shared}',
    ]
    assert alone(capsys, "env")[1] == said
    assert json.loads(run("env", "nilearn", "--json")[1])[0]["library"] == "nilearn"
    assert run("env", "--apptainer")[1] == f"--bind {umbrellas}:{umbrellas}:ro\n"


def test_variables_are_for_the_home_of_whoever_sets_them(
    install: Install, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator's own home is closed to those whose shells get the lines."""
    install("nilearn_data/atlas", {"a.nii": b"a"})
    tree = tmp_path / "for $HOME"
    monkeypatch.setenv("NILEARN_DATA", "/scratch/$HOME")
    assert run("link", "nilearn", "--root", str(tree))[0] == 0
    said = run("env", "nilearn", "--root", str(tree))[1]
    assert str(user) not in said.replace(str(tree), "")
    shown = subprocess.run(
        ["sh", "-c", f'{said}\nprintf %s "$NILEARN_SHARED_DATA"'],
        capture_output=True,
        text=True,
        env={"HOME": "/home/ada b"},
    )
    assert shown.stdout == f"/scratch/$HOME:/home/ada b/nilearn_data:{tree}/nilearn_data"


def test_variables_of_a_shared_tree(install: Install, user: Path, tmp_path: Path) -> None:
    install("dwi/hardi", {"a.nii": b"a"}, [{"library": "dipy", "at": "hardi"}])
    tree = tmp_path / "shared tree"
    assert run("link", "--root", str(tree))[0] == 0
    said = run("env", "--root", str(tree))[1]
    assert said.splitlines()[1] == f"export DIPY_HOME='{tree / 'dipy'}'"


@pytest.mark.skipif(os.name == "nt", reason="it has no umask")
def test_a_tree_that_only_its_maker_can_read(
    install: Install, user: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Administrators have such an umask, and nilearn fails for everybody else in such a tree."""
    install("nilearn_data/atlas", {"a.nii": b"a"})
    tree = tmp_path / "shared tree"
    before = os.umask(0o077)
    try:
        said = " ".join(run("link", "--root", str(tree))[1].split())
    finally:
        os.umask(before)
    remedy = f"chmod -R go+rX '{tree}'"
    assert f"{tree}: nobody else can read it; run {remedy}" in said
    assert remedy in alone(capsys, "link", "--root", str(tree))[1]
    subprocess.run(["sh", "-c", remedy], check=True)
    assert run("link", "--root", str(tree)) == (0, "nilearn: 1 already in place\n")
    assert (tree / "nilearn_data" / "atlas").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("odd", ["a b", "it's", "$(touch hit)", "a\\b", "semi;colon", "no!bang"])
def test_every_path_is_one_word_of_a_shell(odd: str, tmp_path: Path) -> None:
    from nipack.libraries.shells import assignment

    script = assignment("DATA", odd, "sh") + '\nprintf %s "$DATA"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == odd
    assert not (tmp_path / "hit").exists()


def test_words_of_other_shells() -> None:
    from nipack.libraries.shells import assignment, quoted

    assert quoted("it's a\\b", "fish") == "'it\\'s a\\\\b'"
    assert quoted("it's no!", "csh") == "'it'\\''s no\\!'"
    assert assignment("A", "$HOME/a:/$HOME", "fish") == "set -gx A \"$HOME\"'/a:/$HOME'"
    assert assignment("A", "/b:$HOME/a", "csh") == "setenv A '/b:'\"$HOME\"'/a'"


def test_as_an_ordinary_user_it_is_a_link(install: Install, tmp_path: Path) -> None:
    """By the process's own rights, not a stand-in for them."""
    data = install("nilearn_data/atlas", {"a.nii": b"a"})
    home = tmp_path / "ordinary"
    home.mkdir()
    home.chmod(0o777)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o055)
    from nipack.libraries.linking import link
    from nipack.libraries.table import Surroundings

    here = Surroundings(variables={}, home=str(home), platform=sys.platform)
    with ordinary_user():
        [found] = link(here=here)
    assert (found.state, Path(found.path).readlink()) == ("linked", data / "a.nii")


def test_doctor_says_what_a_library_finds(
    install: Install, user: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    place = user / "nilearn_data"
    said = f"nilearn: 0 of 1 files in place in {place}\nTo link the rest:\n  nipack link nilearn\n"
    assert alone(capsys, "doctor", "nilearn") == (0, said)
    status, shown = run("doctor")
    assert status == 0
    assert "nilearn_data/atlas 1.0 in " in shown.replace("\n", " ")
    assert "nipack link nilearn" in shown
    run("link", "nilearn", "--copy")
    assert "nilearn: 1 of 1 files in place" in run("doctor", "nilearn")[1]
    own = place / "atlas" / "a.nii"
    own.unlink()
    own.write_bytes(b"own")
    # A library that was asked for, and does not find the package's files, is a failure.
    assert (run("doctor", "nilearn")[0], run("doctor")[0]) == (1, 0)
    status, shown = run("doctor", "nilearn", "--json")
    document = json.loads(shown)
    assert (document["usable"], document["packages"]) == (False, [])
    assert document["libraries"][0]["problems"][0].startswith(f"{own}: a file of your own")


def test_list_says_which_libraries_can_find_a_package(
    install: Install, user: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    install("nipy/templates", {"b.nii": b"b"})
    assert "\nnilearn can find nilearn_data/atlas\n" in alone(capsys, "list")[1]
    listed = json.loads(run("list", "--json")[1])
    assert {each["relpath"]: each["libraries"] for each in listed} == {
        "nilearn_data/atlas": ["nilearn"],
        "nipy/templates": [],
    }


def test_env_warns_of_what_nilearn_wants_to_write(
    install: Install, prefix: Path, user: Path
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    said = run("env", "nilearn")[1].replace("\n", " ")
    assert f"{prefix / 'share' / 'nipy' / 'nilearn_data'} has no README.md" in said
    run("link", "nilearn", "--root", str(user / "tree"))
    assert "README.md" not in run("env", "nilearn", "--root", str(user / "tree"))[1]
