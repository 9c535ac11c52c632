"""`nipack build`, in this process and as a person runs it."""

import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.builder.samples import PLAIN_CONDA, PLAIN_DEB, define, plain
from tests.commands import run_nipack
from tests.conftest import REPOSITORY

from nipack.builder.formats import formats
from nipack.cli.app import nipack

ARTIFACTS = [PLAIN_CONDA, PLAIN_DEB]


def invoke(*words: object) -> Result:
    return CliRunner().invoke(nipack, ["build", *map(str, words)])


def run(*words: object, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run nipack in a process of its own; whatever happens, it prints no traceback."""
    done = run_nipack("build", *words, cwd=cwd, env=env)
    assert "Traceback" not in done.stderr + done.stdout
    assert "this is a bug" not in done.stderr
    return done


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


@pytest.mark.slow(1)
def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    done = run(plain(tmp_path), cwd=tmp_path)
    assert done.returncode == 0
    assert names(tmp_path / "dist") == ARTIFACTS
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "package",
        *(f"dist/{name}" for name in ARTIFACTS),
    ]
    assert done.stderr.startswith("warning: ")
    assert "[no-definition]" in done.stderr
    # Every line is whole, however narrow a terminal may be where none reads.
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("format", "name"), [("conda", ARTIFACTS[0]), ("deb", ARTIFACTS[1])])
def test_one_format(format: str, name: str, tmp_path: Path) -> None:
    result = invoke(plain(tmp_path), "-f", format, "-o", tmp_path / "out", "-q")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert names(tmp_path / "out") == [name]


@pytest.mark.parametrize("format", ["wheel", "sdist"])
def test_what_no_index_takes_unasked_is_said(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is built all the same: an index is one place of several."""
    words = (plain(tmp_path), "-f", format, "-f", "conda", "-o", tmp_path / "dist", "-q")
    assert "unless you ask" not in invoke(*words).stdout
    assert formats()[format].index_limit == 100 * 1024 * 1024
    monkeypatch.setattr(type(formats()[format]), "index_limit", 100)
    result = invoke(*words)
    assert result.exit_code == 0
    assert result.stdout.count("files of 100 bytes unless you ask for more") == 1


def test_json_of_a_success(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree, "date: 2023-05-01\n")
    result = invoke(tree, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document.keys() == {"artifacts", "problems", "errors"}
    assert document["errors"] == []
    codes = {problem["code"] for problem in document["problems"]}
    assert codes >= {"missing-metadata", "redistribution-unverified"}
    assert {problem["severity"] for problem in document["problems"]} == {"warning"}
    for artifact in document["artifacts"]:
        path = Path(artifact["path"])
        assert artifact["size"] == path.stat().st_size
        assert artifact.keys() == {"format", "path", "size", "payload_size", "payload_id"}
    default = {name for name, format in formats().items() if format.default}
    assert {artifact["format"] for artifact in document["artifacts"]} == default


def test_json_of_a_failure(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 1\n", "utf-8")
    result = invoke(tree, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document["artifacts"] == []
    assert len(document["errors"]) == 1
    [problem] = [each for each in document["problems"] if each["severity"] == "error"]
    assert problem["code"] == "config-version"
    assert problem["where"] == f"{tree}/templates/config.ini:2"
    assert problem["remedy"] == "write e.g. version = 0.3"


def test_several_sources_of_which_two_are_bad(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(b"<html>")
    unwritable = tmp_path / "missing"
    result = invoke(bad, plain(tmp_path), unwritable, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert [error.partition(": ")[0] for error in document["errors"]] == [
        str(bad),
        str(unwritable),
    ]
    assert len(document["artifacts"]) == 2
    assert names(tmp_path / "out") == ARTIFACTS


@pytest.mark.parametrize("json_too", [False, True])
def test_a_dry_run_writes_nothing(json_too: bool, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke(plain(tmp_path), "-o", out, "--dry-run", *(["--json"] if json_too else []))
    assert result.exit_code == 0
    assert not out.exists()
    if json_too:
        artifacts = json.loads(result.stdout)["artifacts"]
        assert [artifact["path"] for artifact in artifacts] == [str(out / n) for n in ARTIFACTS]
        assert {artifact["size"] for artifact in artifacts} == {None}
    else:
        assert result.stdout.startswith("would write")
        assert all(str(out / name) in result.stdout for name in ARTIFACTS)


def test_a_dry_run_finds_what_is_wrong(tmp_path: Path) -> None:
    (plain(tmp_path) / "templates" / "link").symlink_to("nothing")
    result = invoke(tmp_path / "nipy-templates-0.3", "--dry-run")
    assert result.exit_code == 1
    assert (
        "error: nipy/templates/link: it is a link to nothing, which is not there" in result.stderr
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing argument 'SOURCE...'"),
        (["x", "-f", "wheels"], "'wheels' is not a format; did you mean wheel?"),
        (["x", "--no-such-option"], "No such option"),
        (["x", "-o", "a-file"], "Directory 'a-file' is a file"),
    ],
)
def test_wrong_usage_exits_with_2(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_bytes(b"")
    result = invoke(*words)
    assert result.exit_code == 2
    assert message in result.stderr


def no_config(tmp_path: Path) -> object:
    tree = plain(tmp_path)
    (tree / "templates" / "config.ini").unlink()
    return tree


def bad_name(tmp_path: Path) -> object:
    tree = plain(tmp_path)
    with open(os.fsencode(tree / "templates") + b"/\xff\x1b[31m", "wb"):  # noqa: PTH123
        pass
    return tree


def bad_definition(tmp_path: Path) -> object:
    (tmp_path / "package.yaml").write_bytes(b"name: \xff")
    return tmp_path


def fifo(tmp_path: Path) -> object:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda tmp_path: tmp_path / "missing", "missing: there is no such file; check"),
        (lambda tmp_path: tmp_path / "missing.yaml", "No such file or directory"),
        (lambda tmp_path: "", "no folder in it has a config.ini"),
        (lambda tmp_path: "x" * 5000, "File name too long"),
        pytest.param(
            lambda tmp_path: "https://127.0.0.1:1/a.tar.gz",
            "cannot be fetched",
            marks=pytest.mark.slow(2),
        ),
        (lambda tmp_path: "http://127.0.0.1:1/a.tar.gz", "only https://, s3://, gs:// and file://"),
        (
            no_config,
            "no folder in it has a config.ini, so it is unclear which one is the data; put",
        ),
        (bad_name, "nipy/templates/\\udcff\\x1b[31m: its name is not UTF-8; rename it"),
        (bad_definition, "package.yaml:1: not UTF-8; save it as UTF-8"),
        (fifo, "neither a file nor a folder"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_failures_are_one_clear_message(
    make: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    done = run(make(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("epoch", ["yesterday", "-1", ""])
def test_a_bad_epoch(epoch: str, tmp_path: Path) -> None:
    done = run(plain(tmp_path), cwd=tmp_path, SOURCE_DATE_EPOCH=epoch)
    assert done.returncode == 1
    assert f"error: SOURCE_DATE_EPOCH: it is '{epoch}', not a number of seconds" in done.stderr


def run_without_rights(*words: object) -> "subprocess.CompletedProcess[str]":
    """Run nipack so that modes of files bind it; a root who runs the tests drops that power."""
    command = [sys.executable, "-m", "nipack", "build", *map(str, words)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    assert "this is a bug" not in done.stderr
    return done


@pytest.mark.tools("setpriv")
@pytest.mark.parametrize(
    "unreadable",
    [
        "templates/config.ini",
        *(
            pytest.param(each, marks=pytest.mark.slow(1))
            for each in ("templates/ICBM152/T1.nii.gz", "templates/ICBM152", "templates", ".")
        ),
    ],
)
def test_what_cannot_be_read(unreadable: str, tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / unreadable).chmod(0)
    done = run_without_rights(tree, "-o", tmp_path / "out")
    (tree / unreadable).chmod(0o755)
    assert done.returncode == 1, done.stderr
    assert "error: " in done.stderr
    assert unreadable.removesuffix(".") in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.tools("setpriv")
@pytest.mark.slow
def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tmp_path / "out").mkdir(mode=0o555)
    for out in (tmp_path / "out", tmp_path / "out" / "below"):
        done = run_without_rights(tree, "-o", out, "--json")
        assert done.returncode == 1
        [error] = json.loads(done.stdout)["errors"]
        assert error.startswith(f"{out}: Permission denied; check the directory's permissions")
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize("out", ["templates", "templates/ICBM152", "templates/new/dist", "link"])
def test_nothing_is_written_into_the_data(out: str, more: list[str], tmp_path: Path) -> None:
    """The next build would take it for data."""
    tree = plain(tmp_path)
    (tree / "link").symlink_to("templates/ICBM152")
    before = sorted(tree.rglob("*"))
    result = invoke(tree, "-o", tree / out, *more)
    assert result.exit_code == 1
    assert f"error: {tree / out}: lies in the data directory" in result.stderr
    assert "name another with -o" in result.stderr
    assert sorted(tree.rglob("*")) == before
    assert invoke(tree, "-o", tree / "templates2", *more).exit_code == 0


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_two_sources_of_one_artifact(more: list[str], tmp_path: Path) -> None:
    """The second does not take the place of the first."""
    (tmp_path / "b").mkdir()
    first, second = plain(tmp_path), plain(tmp_path / "b")
    (second / "templates" / "other").write_bytes(b"other")
    out = tmp_path / "out"
    result = invoke(first, second, "-o", out, "--json", *more)
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert [Path(each["path"]).name for each in document["artifacts"]] == ARTIFACTS
    [error] = document["errors"]
    assert error == (
        f"{out / ARTIFACTS[1]}: would be made of {second}, but is made of {first} already; "
        "change a name or a version, or put one into another directory with -o"
    )
    if not more:
        alone = invoke(first, "-o", tmp_path / "alone", "-q")
        assert alone.exit_code == 0
        for name in ARTIFACTS:
            assert (out / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_a_format_that_is_asked_for_twice(tmp_path: Path) -> None:
    assert invoke(plain(tmp_path), "-f", "conda", "-f", "conda", "-o", tmp_path).exit_code == 0


def test_a_path_is_printed_as_it_is(tmp_path: Path) -> None:
    """rich would take the one for markup and the other for an emoji."""
    out = tmp_path / "[red]x[" / "]:brain:["
    result = invoke(plain(tmp_path), "-o", out)
    assert result.exit_code == 0
    assert all(str(out / name) in result.stdout for name in ARTIFACTS)
    result = invoke(tmp_path / "[/red]:brain:")
    assert f"error: {tmp_path}/[/red]:brain:: there is no such file" in result.stderr


@pytest.mark.slow(1)
def test_names_that_no_terminal_shows(tmp_path: Path) -> None:
    out = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    command = [sys.executable, "-m", "nipack", "build", str(plain(tmp_path)), "-q", "-o", out]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert names(Path(out)) == ARTIFACTS


def test_what_is_built_before_an_error_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    (out / ARTIFACTS[1]).mkdir(parents=True)
    result = invoke(plain(tmp_path), "-o", out, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert [artifact["format"] for artifact in document["artifacts"]] == ["conda"]
    assert "Is a directory" in document["errors"][0]


def test_a_definition_with_errors_lists_them_all(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree)
    with (tree / "package.yaml").open("a", encoding="utf-8") as file:
        file.write("licence: MIT\nsummary: It is a sentence.\n")
    result = invoke(tree)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["error", f"{tree}/package.yaml:4"],
        ["error", f"{tree}/package.yaml:5"],
    ]


def test_help_is_for_a_newcomer() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    text = result.stdout
    for word in (
        "SOURCE",
        "config.ini",
        "Examples:",
        "--dry-run",
        "SOURCE_DATE_EPOCH",
        "conda, deb",
    ):
        assert word in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_help_s_examples_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The others are fetched from where there is no network here.
    example = "recipes/nipy-examplepkg"
    shutil.copytree(REPOSITORY / example, tmp_path / example)
    tree = plain(tmp_path)
    shutil.copytree(tree / "templates", tmp_path / "nipy-templates" / "templates")
    shutil.make_archive(str(tree), "gztar", tmp_path, tree.name)
    monkeypatch.chdir(tmp_path)
    assert invoke(example, "-q", "-o", "dist-0.3").exit_code == 0
    lines = [line.strip() for line in invoke("--help").stdout.splitlines()]
    # What stands behind three spaces says what an example is for.
    examples = [line.partition("   ")[0] for line in lines if line.startswith("nipack build ")]
    assert len(examples) >= 5
    for example in examples:
        if "--scheduler" in example:  # flows/test_cluster.py has one
            continue
        words = shlex.split(example.replace("recipes/nipy-templates", "recipes/nipy-examplepkg"))
        sources = [
            name for word in words[2:] for name in sorted(map(str, Path().glob(word))) or [word]
        ]
        result = invoke(*sources, "--dry-run")
        assert result.exit_code == 0, (example, result.stderr)


@pytest.mark.slow(2)
def test_an_interrupt_ends_without_a_traceback(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "large").write_bytes(os.urandom(60 << 20))
    # Who runs the tests may not be interrupted (nohup), and a child inherits that.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "import nipack.cli; nipack.cli.main()"
    )
    command = [sys.executable, "-c", program, "build", str(tree), "-o", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not names(tmp_path / "out"):
        time.sleep(0.005)
    process.send_signal(2)
    _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Traceback" not in said
    assert names(tmp_path / "out") == []


def test_a_bug_is_one_message_unless_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("nipack.builder.flows.build.read_package", broken)
    result = invoke(plain(tmp_path))
    assert result.exit_code == 70
    assert "this is a bug in nipack" in result.stderr
    assert "ZeroDivisionError: by nought" in result.stderr
    monkeypatch.setenv("NIPACK_DEBUG", "1")
    assert isinstance(invoke(tmp_path).exception, ZeroDivisionError)


def test_gzip_members_are_not_touched(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    image = tree / "templates" / "ICBM152" / "T1.nii.gz"
    before = image.read_bytes()
    assert gzip.decompress(before)
    assert invoke(tree, "-o", tmp_path / "out").exit_code == 0
    assert image.read_bytes() == before
