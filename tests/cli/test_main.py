"""How the program ends when it is ended, or cannot print."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.builder.samples import plain
from tests.cli.test_build import names

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and devices of POSIX")
NIPACK = [sys.executable, "-m", "nipack"]
# A build that stops where its first package is written and not yet proven: on a machine that is
# busy it would be over before it is ended.
HALF_WAY = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from nipack.builder.flows import build
from nipack.cli import main

def verify(*arguments):
    print(flush=True)
    time.sleep(60)

build.verify = verify
main()
"""


def more_words(*words: str) -> list[Any]:
    """Return what is tried, too, where there is time."""
    return [pytest.param(each, marks=pytest.mark.slow(1)) for each in words]


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        pytest.param(signal.SIGTERM, 143, "", marks=pytest.mark.slow(1)),
        (signal.SIGINT, 130, "error: interrupted\n"),
    ],
)
def test_a_build_that_is_ended_leaves_nothing(
    tmp_path: Path, number: int, status: int, message: str
) -> None:
    tree, temporary = plain(tmp_path), tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HALF_WAY,
            "build",
            "--quiet",
            str(tree),
            "-o",
            str(tmp_path / "out"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    assert process.stdout.read(1) == "\n"
    assert names(temporary)
    assert [name.endswith(".part") for name in names(tmp_path / "out")] == [True]
    process.send_signal(number)
    printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed, said) == (status, "", message)
    assert names(tmp_path / "out") == []
    assert names(temporary) == []


def test_an_interrupt_while_it_is_loaded_ends_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n", "utf-8")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import nipack.cli as c; c.main()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("words", ["list", *more_words("where nipy/none", "build none", "verify")])
def test_a_closed_stderr_is_no_bug(words: str, tmp_path: Path) -> None:
    script = f'"{sys.executable}" -m nipack {words} 2>&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == (0 if words in ("list", "verify") else 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["list", *more_words("list --json", "where nipy/x", "--help")])
def test_a_full_disk_is_one_line(words: str, tmp_path: Path) -> None:
    (tmp_path / "nipy" / "x").mkdir(parents=True)
    (tmp_path / "nipy" / "x" / "config.ini").write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*NIPACK, *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "NIPY_DATA_PATH": str(tmp_path)},
        )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "No space left on device" in line


ODD = [
    ["where", "nipy/templates"],
    ["where", "nipy/templates", "--json"],
    ["where", "nipy/templates", "--explain"],
    ["where", "nipy/templates", "none"],
    ["where", "nipy/none"],
    ["list"],
    ["list", "--json"],
    ["verify"],
    ["doctor"],
    ["doctor", "--json"],
]


@pytest.mark.skipif(sys.platform == "darwin", reason="every name there is UTF-8")
@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii", "latin-1"])
@pytest.mark.parametrize("words", ODD, ids=" ".join)
@pytest.mark.slow
def test_every_name_of_a_file_can_be_printed(
    tmp_path: Path, words: list[str], encoding: str
) -> None:
    root = os.fsencode(tmp_path) + "/脳 é".encode() + b" \xff"
    data = root + b"/nipy/templates"
    Path(os.fsdecode(data)).mkdir(parents=True)
    Path(os.fsdecode(data), "config.ini").write_text("[DEFAULT]\nversion = 0.3\n", "utf-8")
    Path(os.fsdecode(data + b"/T1\xff.nii")).touch()
    variables = {"NIPY_DATA_PATH": os.fsdecode(root), "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [*NIPACK, *words], env={**os.environ, **variables, "COLUMNS": "40"}, capture_output=True
    )
    assert done.returncode == (1 if "none" in words[-1] else 0), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"bug in nipack" not in done.stdout + done.stderr
    if words == ["where", "nipy/templates"] and encoding.startswith("utf-8"):
        # As a shell hands it on.
        assert done.stdout == data + b"\n"


@pytest.mark.slow(1)
@pytest.mark.parametrize(
    "words", ["list", *more_words("list --json", "verify", "where nipy/x --explain")]
)
def test_a_reader_that_goes_away_is_no_error_to_tell_of(words: str, tmp_path: Path) -> None:
    for number in range(200):
        package = tmp_path / "nipy" / f"x{number or ''}"
        package.mkdir(parents=True)
        (package / "config.ini").write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    script = f'"{sys.executable}" -m nipack {words} | head -c 1'
    environment = {**os.environ, "NIPY_DATA_PATH": str(tmp_path)}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr, len(done.stdout)) == (0, "", 1)


@pytest.mark.slow(1)
def test_what_is_loaded_is_not_looked_through_for_garbage() -> None:
    program = (
        "import atexit, gc, os, nipack.cli as c\n"
        "show = lambda: print(gc.isenabled(), gc.get_freeze_count() > 20_000, "
        "os.environ['OPENBLAS_NUM_THREADS'])\n"
        "atexit.register(show); c.main()"
    )
    done = subprocess.check_output([sys.executable, "-c", program, "--version"], text=True)
    assert done.splitlines()[-1] == "True True 1"
