"""`nipack check`: what it prints, and how it exits."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.conftest import REPOSITORY, MakeTree

from nipack.builder.rules import RULES
from nipack.cli.app import nipack

CUT_SHORT = b"\x1f\x8b\x08\0\0\0\0\0\0\3"


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(nipack, [str(each) for each in ("check", *arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_warnings_are_printed_and_do_not_fail(make_tree: MakeTree) -> None:
    code, out, err = run(make_tree({"T1.txt": b"x"}))
    assert (code, out) == (0, "2 warnings\n")
    assert "[no-definition]" in err
    assert "[no-date]" in err


def test_errors_fail(make_tree: MakeTree) -> None:
    code, out, err = run(make_tree({"T1.nii.gz": CUT_SHORT}))
    assert (code, out) == (1, "1 error and 2 warnings\n")
    assert "error: nipy/templates/T1.nii.gz: it is truncated" in err


def test_warnings_fail_where_it_is_strict(make_tree: MakeTree) -> None:
    assert run("--strict", make_tree())[0] == 1


def test_quiet_prints_errors_alone(make_tree: MakeTree) -> None:
    code, out, err = run("-q", make_tree({"T1.nii.gz": CUT_SHORT}))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1


def test_a_whole_package_has_no_problem() -> None:
    assert run(REPOSITORY / "recipes" / "nipy-examplepkg") == (0, "no problem\n", "")


def test_json_lists_every_problem(make_tree: MakeTree) -> None:
    code, out, err = run("--json", make_tree({f"{n}.gz": CUT_SHORT for n in range(30)}))
    problems = json.loads(out)["problems"]
    assert (code, err) == (1, "")
    assert [each["code"] for each in problems].count("gzip-damaged") == 30
    assert set(problems[0]) == {"severity", "code", "where", "message", "remedy"}


def test_of_one_kind_no_more_than_a_screen_is_printed(make_tree: MakeTree) -> None:
    _, _, err = run(make_tree({f"{n}.gz": CUT_SHORT for n in range(30)}))
    assert err.count("it is truncated") == 10
    assert "and 20 more like it [gzip-damaged]; --json lists them all" in err


def test_a_source_that_is_not_there_is_a_problem_too() -> None:
    code, out, err = run("absent.tar.gz")
    assert (code, out) == (1, "1 error\n")
    assert err.startswith("error: absent.tar.gz: there is no such file; check the spelling")


def test_explain_prints_what_why_and_how() -> None:
    code, out, _ = run("--explain", "name-collision")
    assert code == 0
    assert out.startswith("name-collision (warning)\n")
    assert "\nWhy: " in out
    assert "\nRemedy: " in out


def test_explain_all_explains_every_code() -> None:
    _, out, _ = run("--explain", "all", "--json")
    assert [each["code"] for each in json.loads(out)] == list(RULES)


def test_explain_knows_what_was_meant() -> None:
    code, _, err = run("--explain", "jnuk")
    assert code == 2
    assert "'jnuk' is not a code; did you mean junk?" in err


def test_without_nibabel_it_says_that_no_image_was_opened(
    make_tree: MakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("nipack.system.images", "nipack.builder.check.images"):
        monkeypatch.setattr(f"{module}.can_read_images", lambda: False)
    code, out, _ = run(make_tree({"T1.nii": b"no image"}))
    assert code == 0
    assert out == "2 warnings; images were not opened, as nibabel is not installed\n"


def test_a_password_in_an_address_is_not_printed() -> None:
    code, _, err = run("https://ada:secret@localhost/package.yaml")
    assert code == 1
    assert err.startswith(
        "error: https://localhost/package.yaml: the address has a user name or a password"
    )
    assert "secret" not in err


def two_versions(top: Path) -> tuple[Path, Path]:
    """Write two versions of a package: the second has a file more, and another value in a text."""
    sides = []
    for version, files in (("0.2", {"a.txt": "1"}), ("0.3", {"a.txt": "2", "b.txt": "3"})):
        data = top / f"nipy-atlas-{version}" / "atlas"
        data.mkdir(parents=True)
        (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
        for name, text in files.items():
            (data / name).write_text(text, "utf-8")
        sides.append(data.parent)
    return sides[0], sides[1]


def test_with_the_version_before_it_says_what_diff_says(tmp_path: Path) -> None:
    old, new = two_versions(tmp_path)
    code, out, err = run(new, "--previous", old)
    said = CliRunner().invoke(nipack, ["diff", str(old), str(new)]).stdout
    assert "\nAdded:\n  b.txt\n" in said
    assert (code, out) == (0, f"2 warnings\n\n{said}")
    assert str(old) not in err
    document = json.loads(run(new, "--previous", old, "--json")[1])
    asked = CliRunner().invoke(nipack, ["diff", str(old), str(new), "--json"]).stdout
    assert document["difference"] == json.loads(asked)
    assert len(document["problems"]) == 2


def test_what_has_errors_is_compared_with_nothing(tmp_path: Path) -> None:
    old, new = two_versions(tmp_path)
    (new / "atlas" / "T1.nii.gz").write_bytes(CUT_SHORT)
    code, out, _ = run(new, "--previous", old)
    assert code == 1
    assert out.endswith(f"\n\nnot compared with {old}: fix the errors first\n")
    assert json.loads(run(new, "--previous", old, "--json")[1])["difference"] is None


def test_a_version_before_belongs_to_one_source(tmp_path: Path) -> None:
    old, new = two_versions(tmp_path)
    code, _, err = run(new, old, "--previous", old)
    assert code == 2
    assert "--previous needs exactly one SOURCE" in err
    assert run(new, "--previous", tmp_path / "absent")[0] == 1
