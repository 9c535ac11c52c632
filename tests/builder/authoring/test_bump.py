"""`nipack bump`: the next version, and no other byte."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.conftest import MakeTree

from nipack.builder.authoring.bump import Part, next_version
from nipack.cli.app import nipack

CONFIGS = [
    (b"[DEFAULT]\nversion = 0.2\n", b"[DEFAULT]\nversion = 0.3\n"),
    (b"[DEFAULT]\r\nversion=0.2  \r\n; end", b"[DEFAULT]\r\nversion=0.3  \r\n; end"),
    (b"[DEFAULT]\nVersion: 0.2", b"[DEFAULT]\nVersion: 0.3"),
    (
        b"# version = 0.2\n[other]\nversion = 0.2\n[DEFAULT]\nversion = 0.2\nnote = 0.2\n",
        b"# version = 0.2\n[other]\nversion = 0.2\n[DEFAULT]\nversion = 0.3\nnote = 0.2\n",
    ),
    (b"[DEFAULT]\nname = caf\xc3\xa9\n\nversion\t=\t0.2\n",
     b"[DEFAULT]\nname = caf\xc3\xa9\n\nversion\t=\t0.3\n"),
]  # fmt: skip
DEFINITIONS = [
    ('version: "0.2" # the newest\n', 'version: "0.3" # the newest\n'),
    ("version: 0.2\r\n", "version: 0.3\r\n"),
    ("version:   '0.2'\n", "version:   '0.3'\n"),
    ("summary: café 0.2 version\nversion: 0.2\n", "summary: café 0.2 version\nversion: 0.3\n"),
]
HEAD = "# \N{GREEK SMALL LETTER MU}\nname: nipy-templates\nrelpath: nipy/templates\n"


def bump(*arguments: str | Path) -> Result:
    return CliRunner().invoke(nipack, ["bump", *map(str, arguments)])


@pytest.mark.parametrize(
    ("before", "part", "after"),
    [
        ("0.2", "minor", "0.3"), ("0.9", "minor", "0.10"), ("0.2", "major", "1.0"),
        ("1.2.3", "minor", "1.3"), ("1.9.rc1", "major", "2.0"),
    ],
)  # fmt: skip
def test_next_version(before: str, part: Part, after: str) -> None:
    assert next_version(before, part) == after


@pytest.mark.parametrize(("before", "after"), CONFIGS)
def test_no_other_byte_of_config_ini_changes(
    before: bytes, after: bytes, make_tree: MakeTree
) -> None:
    config = make_tree() / "templates" / "config.ini"
    config.write_bytes(before)
    config.chmod(0o640)
    result = bump("minor", config.parent)
    assert result.stdout == f"{config}: version 0.2 is now 0.3\n"
    assert config.read_bytes() == after
    assert config.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in config.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("before", "after"), DEFINITIONS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("place", ["", "templates"])
def test_the_definition_beside_it_changes_too(
    before: str, after: str, mark: bytes, place: str, make_tree: MakeTree
) -> None:
    tree = make_tree(version="0.2")
    definition = tree / "package.yaml"
    definition.write_bytes(mark + (HEAD + before).encode())
    result = bump("minor", tree / place)
    assert result.exit_code == 0, result.stderr
    assert definition.read_bytes() == mark + (HEAD + after).encode()
    assert b"version = 0.3" in (tree / "templates" / "config.ini").read_bytes()


def test_dry_run_changes_nothing(make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    config = tree / "templates" / "config.ini"
    before = config.read_bytes()
    result = bump("major", tree, "--dry-run")
    assert result.stdout == f"{config}: version 0.2 would become 1.0\n"
    assert config.read_bytes() == before


def test_data_without_config_ini_has_its_version_in_the_definition(tmp_path: Path) -> None:
    (tmp_path / "package.yaml").write_text(f"{HEAD}version: '0.2'\n", "utf-8")
    assert bump("minor", tmp_path).exit_code == 0
    assert "version: '0.3'" in (tmp_path / "package.yaml").read_text("utf-8")


def test_it_says_that_the_archive_is_still_of_the_version_before(make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    more = "version: '0.2'\nsource: {address: x.tar.gz}\n"
    (tree / "package.yaml").write_text(HEAD + more, "utf-8")
    result = bump("minor", tree)
    assert "change source in the definition too, which is of 0.2" in result.stdout


def test_the_date_of_the_definition_is_that_of_the_release(
    make_tree: MakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = make_tree(version="0.2")
    definition = tree / "package.yaml"
    text = f"{HEAD}date: 2020-01-01 # of 0.2\nversion: '0.2'\nsummary: of 2020-01-01\n"
    definition.write_text(text, "utf-8")
    after = text.replace("'0.2'", "'0.3'").replace("date: 2020-01-01", "date: 2024-02-29")
    assert bump("minor", tree, "--date", "2024-02-29").exit_code == 0
    assert definition.read_text("utf-8") == after
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert bump("minor", tree).exit_code == 0
    assert "date: 1970-01-02 #" in definition.read_text("utf-8")


def test_a_definition_elsewhere_and_the_folder_that_it_names_change_together(
    make_tree: MakeTree, tmp_path: Path
) -> None:
    tree = make_tree(version="0.2")
    recipe = tmp_path / "recipes" / "nipy-templates"
    recipe.mkdir(parents=True)
    definition = recipe / "package.yaml"
    source = f"source: {{address: {tree}}}\n"
    definition.write_text(f"{HEAD}version: '0.2'\n{source}", "utf-8")
    result = bump("minor", recipe)
    assert result.exit_code == 0, result.stderr
    assert "version: '0.3'" in definition.read_text("utf-8")
    assert b"version = 0.3" in (tree / "templates" / "config.ini").read_bytes()
    assert "change source" not in result.stdout


def test_json(make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    document = json.loads(bump("minor", tree, "--json").stdout)
    config = str(tree / "templates" / "config.ini")
    assert document == {"before": "0.2", "after": "0.3", "files": [config], "stale": []}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("[DEFAULT]\nversion = 2009c\n", "not of the form 1.2"),
        ("[DEFAULT]\n", "states no version"),
        ("[DEFAULT]\nversion =\n  0.2\n", "not of the form 1.2"),
    ],
)
def test_a_version_that_cannot_be_raised(config: str, reason: str, make_tree: MakeTree) -> None:
    path = make_tree() / "templates" / "config.ini"
    path.write_text(config, "utf-8")
    result = bump("minor", path.parent)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert path.read_text("utf-8") == config


def test_two_versions_that_differ_are_not_raised(make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    (tree / "package.yaml").write_text(f"{HEAD}version: '0.5'\n", "utf-8")
    result = bump("minor", tree)
    assert result.exit_code == 1
    assert "version-differs" in result.stderr
    assert b"0.2" in (tree / "templates" / "config.ini").read_bytes()


def test_a_bump_that_was_killed_half_way_is_ended_by_the_next(make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    (tree / "package.yaml").write_text(f"{HEAD}version: '0.3'\n", "utf-8")
    assert bump("major", tree).exit_code == 1
    result = bump("minor", tree)
    assert result.exit_code == 0, result.stderr
    assert b"0.3" in (tree / "templates" / "config.ini").read_bytes()
    assert "version: '0.3'" in (tree / "package.yaml").read_text("utf-8")


@pytest.mark.parametrize("given", ["", "package.yaml"])
def test_the_relpath_says_which_of_several_is_meant(given: str, make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    make_tree(data="other", version="0.7")
    (tree / "package.yaml").write_text(f"{HEAD}version: '0.2'\n", "utf-8")
    result = bump("minor", tree / given)
    assert result.exit_code == 0, result.stderr
    assert b"0.3" in (tree / "templates" / "config.ini").read_bytes()
    assert b"0.7" in (tree / "other" / "config.ini").read_bytes()
    assert "version: '0.3'" in (tree / "package.yaml").read_text("utf-8")


def test_a_definition_with_a_misspelt_name_is_not_left_behind(make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    (tree / "package.yml").write_text(f"{HEAD}version: '0.2'\n", "utf-8")
    assert "rename it to package.yaml" in bump("minor", tree).stderr


@pytest.mark.parametrize("name", ["", "absent"])
def test_nothing_to_raise(name: str, tmp_path: Path) -> None:
    result = bump("minor", tmp_path / name)
    assert result.exit_code == 1
    assert "name the" in result.stderr


def test_a_half_that_cannot_be_written_changes_neither(
    make_tree: MakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = make_tree(version="0.2")
    (tree / "package.yaml").write_text(f"{HEAD}version: '0.2'\n", "utf-8")
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    really_open = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.parent == tree and path.suffix == ".part":
            raise OSError(28, "No space left on device", str(path))
        return really_open(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    result = bump("minor", tree)
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


PARTS = "parts:\n- {name: a, files: [a*], version: '0.1'}\n- {name: b, files: [b*]}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("minor", "--part", "c"), "part c is not there; name one of a"),
        (("minor", "--part", "b"), "part b has no version of its own; name one of a"),
        (("0.4", "--part", "a"), "0.4 is a release of the source; write major or minor"),
    ],
)
def test_a_part_that_is_not_raised(words: tuple[str, ...], said: str, make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    (tree / "package.yaml").write_text(f"{HEAD}version: '0.2'\n{PARTS}", "utf-8")
    result = bump(words[0], tree, *words[1:])
    assert result.exit_code != 0
    assert said in " ".join(result.output.split())
    assert "0.2" in (tree / "package.yaml").read_text("utf-8")


def test_a_part_is_raised_once_though_the_first_bump_was_killed(make_tree: MakeTree) -> None:
    tree = make_tree(version="0.2")
    (tree / "package.yaml").write_text(f"{HEAD}version: '0.2'\n{PARTS}", "utf-8")
    config = tree / "templates" / "config.ini"
    before = config.read_bytes()
    result = bump("minor", tree, "--part", "a", "--json")
    assert json.loads(result.stdout)["parts"] == {"a": "0.3"}
    after = (tree / "package.yaml").read_text("utf-8")
    assert "name: a, files: [a*], version: '0.3'" in after
    config.write_bytes(before)
    assert "its part a is now 0.3" in bump("minor", tree, "--part", "a").stdout
    assert (tree / "package.yaml").read_text("utf-8") == after
