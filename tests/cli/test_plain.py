"""Where only the runtime is installed, the resolver's commands are there all the same."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import packaging
import pytest
from tests.distributions import put, runtime_files
from tests.machine import install, write

import nipack
from nipack import __version__
from nipack.cli.plain import tool_advice

# Nothing but the standard library, nipack and packaging.
ALONE = """
import sys
sys.path[:0] = {paths!r}
sys.prefix = {prefix!r}
sys.argv[0] = "nipack"
from nipack.cli import main
main()
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtime")
    put(runtime_files(), folder)
    (folder / "packaging").symlink_to(Path(packaging.__file__).parent)
    return folder


@pytest.fixture
def prefix(tmp_path: Path, runtime: Path) -> Path:
    install(tmp_path / "prefix" / "share" / "nipy", "0.3")
    (tmp_path / "only").symlink_to(runtime)
    return tmp_path / "prefix"


def alone(prefix: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = ALONE.format(paths=[str(prefix.parent / "only")], prefix=str(prefix))
    command = [sys.executable, "-I", "-S", "-c", script, *words]
    environ = {"NIPY_USER_DIR": str(prefix.parent / "user"), "HOME": str(prefix.parent)}
    return subprocess.run(command, capture_output=True, text=True, env=environ)


@pytest.mark.slow(1)
def test_where_prints_the_path(prefix: Path) -> None:
    data = prefix / "share" / "nipy" / "nipy" / "templates"
    done = alone(prefix, "where", "nipy/templates")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{data}\n", "")
    done = alone(prefix, "where", "nipy/templates", "config.ini")
    assert done.stdout == f"{data / 'config.ini'}\n"
    done = alone(prefix, "where", "nipy/templates", "--explain")
    assert done.stdout.startswith(f"nipy/templates 0.3 is in {data}\n")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nipy/none"], "error: nipy/none is not installed in any of the "),
        (["nipy/templates", "--min-version", "0.4"], "but 0.4 or newer is needed"),
        (["nipy/templates", "none.nii"], "error: none.nii is not in "),
        (["nipy/templates", "--min-version", "new"], "must be a version"),
    ],
)
def test_what_is_not_there_is_told_on_stderr(prefix: Path, words: list[str], reason: str) -> None:
    done = alone(prefix, "where", *words)
    assert (done.returncode, done.stdout) == (2 if "new" in words else 1, "")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow(1)
def test_list_verify_and_doctor_answer_as_the_tool_does(prefix: Path) -> None:
    listed = alone(prefix, "list", "--json")
    [package] = json.loads(listed.stdout)
    assert (package["relpath"], package["version"]) == ("nipy/templates", "0.3")
    assert "nipy/templates  0.3      by hand" in alone(prefix, "list").stdout

    checked = alone(prefix, "verify", "nipy/templates")
    assert (checked.returncode, checked.stderr) == (1, "")
    assert ": not checked" in checked.stdout
    assert alone(prefix, "verify").returncode == 0

    assert alone(prefix, "doctor", "nipy/templates").returncode == 0
    missing = alone(prefix, "doctor", "nipy/none", "--json")
    assert missing.returncode == 1
    assert json.loads(missing.stdout)["usable"] is False


def test_a_damaged_file_fails_verify(prefix: Path) -> None:
    config = prefix / "share" / "nipy" / "nipy" / "templates" / "config.ini"
    name = "share/nipy/nipy/templates/config.ini"
    sums = prefix / "share" / "nipack" / "nipy-templates"
    write(sums / "SHA256SUMS", f"{'0' * 64}  {name}\n")
    write(sums / "package.json", json.dumps({"relpath": "nipy/templates", "version": "0.3"}))
    done = alone(prefix, "verify")
    assert (done.returncode, done.stderr) == (1, "")
    assert f"{config.parent}: damaged (1 of 1 files)\n  config.ini: changed" in done.stdout


def test_what_is_no_relpath_is_refused(prefix: Path) -> None:
    done = alone(prefix, "where", "templates")
    assert done.returncode == 2
    assert (
        "'templates': a relpath is umbrella/directory, did you mean nipy/templates?" in done.stderr
    )


def test_an_option_of_the_tool_says_where_it_is(prefix: Path) -> None:
    done = alone(prefix, "doctor", "nipy/none", "--fix")
    assert done.returncode == 2
    assert "the runtime has no --fix; nipack-build may: install it from a " in done.stderr


def test_the_other_commands_say_what_they_need(prefix: Path) -> None:
    done = alone(prefix, "build", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "nipack: where, list, verify, doctor, link, unlink and env work as they are; "
        "build needs the tool, "
        "nipack-build; install it from a checkout of nipack, in its folder: "
    )
    assert done.stderr.endswith(" -m pip install ./nipack-build\n")


@pytest.mark.parametrize("option", ["--version", "-V", "--help", "-h"])
def test_version_and_help_are_no_errors(prefix: Path, option: str) -> None:
    done = alone(prefix, option)
    assert (done.returncode, done.stderr) == (0, "")
    if option in ("--version", "-V"):
        assert done.stdout == f"nipack, version {__version__}\n"
    else:
        assert {"where", "list", "verify", "doctor"} <= set(done.stdout.split())
        assert "nipack-build" in done.stdout


@pytest.mark.parametrize("managed", [True, False])
def test_a_system_s_python_gets_an_environment_for_the_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, managed: bool
) -> None:
    """PEP 668: pip installs nothing into it."""
    if managed:
        (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    command = tool_advice().partition(": ")[2]
    assert command == (
        "/usr/bin/python3 -m venv ~/nipack && ~/nipack/bin/python -m pip install . ./nipack-build"
        if managed
        else "/usr/bin/python3 -m pip install ./nipack-build"
    )


@pytest.mark.slow(1)
def test_without_the_library_of_the_tables_the_plain_front_answers(prefix: Path) -> None:
    """`click` comes with many programs, and `rich` with few."""
    done = alone(prefix, "list")
    script = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'rich' else find(name, *rest)\n"
        "sys.modules['rich'] = None\n"
        f"sys.prefix = {str(prefix)!r}; sys.argv[0] = 'nipack'\n"
        "from nipack.cli import main; main()"
    )
    for words in (["list"], ["where", "nipy/templates", "--explain"], ["doctor"], ["verify"]):
        environ = {"NIPY_USER_DIR": str(prefix.parent / "user"), "HOME": str(prefix.parent)}
        environ["PYTHONPATH"] = str(Path(nipack.__file__).parent.parent)
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, env=environ
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert str(prefix / "share/nipy/nipy/templates") in done.stdout


@pytest.mark.slow(2)
@pytest.mark.parametrize(
    "words",
    [
        ["where", "nipy/templates", "--json"],
        ["where", "nipy/templates", "none.nii", "--json"],
        ["where", "nipy/templates", "--explain", "--json"],
        ["where", "nipy/none", "--json"],
        ["list", "--check", "--json"],
        ["verify", "--quick", "--json"],
        ["doctor", "nipy/none", "nipy/templates", "--min-version", "0.2", "--json"],
    ],
    ids=" ".join,
)
def test_both_fronts_give_the_same_document(prefix: Path, words: list[str]) -> None:
    plain = alone(prefix, *words)
    code = f"import sys; sys.prefix = {str(prefix)!r}; sys.argv[0] = 'nipack'\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}from nipack.cli import main; main()", *words],
        capture_output=True,
        text=True,
        env={
            "NIPY_USER_DIR": str(prefix.parent / "user"),
            "HOME": str(prefix.parent),
            "PYTHONPATH": str(Path(nipack.__file__).parent.parent),
        },
    )
    assert json.loads(plain.stdout) == json.loads(done.stdout)
    assert plain.returncode == done.returncode
    assert plain.stderr == done.stderr == ""
