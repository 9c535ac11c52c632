"""What every test may ask for."""

import gc
import gzip
import io
import itertools
import multiprocessing.util
import os
import re
import shutil
import signal
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
# The real inputs lie beside a developer's checkout; a user's clone has none.
SHARED = REPOSITORY.parent / "shared"


# What starts the tests may ignore signals (nohup, a shell's "&"), and programs would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in ("SIGHUP", "SIGTERM"):
    if hasattr(signal, _number) and signal.getsignal(getattr(signal, _number)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _number), signal.SIG_DFL)


# Each worker, and each nipack that a test starts, reads the same modules: they are compiled once,
# whatever the environment says.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# A property is tried with the same values every time, whatever else the machine does meanwhile: new
# ones are looked for by scripts/fuzz.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-tools",
        action="store_true",
        help="fail, rather than skip, where a program, root or a real input is missing",
    )
    parser.addoption(
        "--public",
        action="store_true",
        help="leave out the tests of the real inputs, which no clone has beside it",
    )
    parser.addoption(
        "--reach", action="store_true", help="run the tests marked reach, with real libraries"
    )
    parser.addoption(
        "--update-golden", action="store_true", help="write what is found into the golden files"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over a folder of which every test is slow, where those are left out."""
    acceptance = collection_path.name == "acceptance" and collection_path.parent.name == "tests"
    return True if acceptance and config.option.markexpr == "not slow" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run; with --require-tools, refuse to run at all.

    The tests of other libraries are left out unless they are asked for: uv fetches gigabytes.
    """
    if not config.getoption("--reach"):
        left_out = [item for item in items if item.get_closest_marker("reach")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if config.getoption("--public"):
        items[:] = [item for item in items if not item.get_closest_marker("shared")]
    reasons = {item.nodeid: reason for item in items if (reason := _missing(item))}
    if reasons and config.getoption("--require-tools"):
        listed = "\n".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise pytest.UsageError(f"these tests cannot run here:\n{listed}")
    for item in items:
        if item.nodeid in reasons:
            item.add_marker(pytest.mark.skip(reason=reasons[item.nodeid]))
    _longest_files_first(items)


def pytest_collection_finish() -> None:
    """Look no more through what four thousand tests are made of for what can be freed."""
    gc.collect()
    gc.freeze()


def _longest_files_first(items: list[pytest.Item]) -> None:
    """Put the files that take long before others: one left for the end keeps a single core busy.

    `slow(SECONDS)` says how long a test takes, about; without a number it is ten seconds.
    """
    seconds: dict[Path, float] = defaultdict(float)
    for item in items:
        mark = item.get_closest_marker("slow")
        seconds[item.path] += (mark.args or (10,))[0] if mark else 0.1
    items.sort(key=lambda item: -seconds[item.path])


def _missing(item: pytest.Item) -> str:
    wanted = [str(tool) for mark in item.iter_markers("tools") for tool in mark.args]
    absent = [tool for tool in wanted if shutil.which(tool) is None]
    if absent:
        return f"needs {', '.join(absent)}"
    if item.get_closest_marker("root") and (not hasattr(os, "geteuid") or os.geteuid() != 0):
        return "needs root"
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        return f"needs the real inputs in {SHARED.name}/ beside the checkout"
    return ""


_numbers = itertools.count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own, as pytest makes it, which looks through those of all others."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    return tmp_path_factory.mktemp(f"{name}{next(_numbers)}", numbered=False)


@pytest.fixture(autouse=True, scope="session")
def _no_litter() -> Iterator[None]:
    """Delete in the end whatever a program leaves behind in its folder for temporary files.

    Other users can look into it, and its name is short enough for sockets.
    """
    # What it keeps for its processes it deletes by itself, when this folder is gone.
    multiprocessing.util.get_temp_dir()
    with tempfile.TemporaryDirectory(prefix="nipack-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("TMPDIR", folder)
            patched.setattr("tempfile.tempdir", None)
            yield


@pytest.fixture(autouse=True, scope="session")
def _short_pauses() -> Iterator[None]:
    """Let the next attempt of a download come at once."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (
            "builder.source.download",
            "publish.client.transfer",
            "publish.client.known",
        ):
            patched.setattr(f"nipack.{module}._PAUSE", 0.01)
        yield


@pytest.fixture(autouse=True)
def _no_configuration_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Let no variable and no home of whoever runs the tests decide what they find."""
    for name in ("NIPY_DATA_PATH", "NIPY_USER_DIR", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    cache = tmp_path_factory.getbasetemp() / "caches" / tmp_path.name  # made where it is used
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(cache))


@pytest.fixture
def real_tarball() -> Path:
    """The first public release of nipy-templates; the test is marked `shared`."""
    return SHARED / "data" / "nipy-templates-0.1.tar.gz"


MakeTree = Callable[..., Path]


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """Make a source tree in the documented layout; returns the tree's directory."""

    def make(
        files: dict[str, bytes] | None = None,
        *,
        name: str = "nipy-templates-0.3",
        data: str = "templates",
        version: str = "0.3",
    ) -> Path:
        tree = tmp_path / name
        contents = files if files is not None else {"T1.nii.gz": gzip.compress(b"image", mtime=1)}
        for path, content in contents.items():
            target = tree / data / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (tree / data).mkdir(parents=True, exist_ok=True)
        (tree / data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
        (tree / "setup.py").write_text("raise SystemExit('never run')\n", "utf-8")
        return tree

    return make


# What a recipe may have to carry; `real` needs the real inputs.
SAMPLES = ("examplepkg", "awkward", "pbrain", "real")


@pytest.fixture(params=[*SAMPLES[:-1], pytest.param("real", marks=pytest.mark.shared)])
def sample(request: pytest.FixtureRequest, tmp_path: Path, real_tarball: Path) -> Path:
    """A folder with a package.yaml and what it names: each of the sample packages in turn."""
    if request.param == "examplepkg":
        return REPOSITORY / "recipes" / "nipy-examplepkg"
    folder = tmp_path / "sample"
    folder.mkdir()
    name = f"{request.param}.yaml"
    shutil.copy(Path(__file__).parent / "samples" / name, folder / "package.yaml")
    if request.param == "real":
        shutil.copy(real_tarball, folder)
    else:
        _AWKWARD[request.param](folder)
    return folder


def _make_awkward(folder: Path) -> None:
    """A release with everything that some builder is known to drop, rename or rewrite."""
    gzipped = io.BytesIO()
    with gzip.GzipFile("original-name.nii", "wb", fileobj=gzipped, mtime=1234567890) as member:
        member.write(b"image" * 100)
    files = {
        "setup.py": b"raise SystemExit('never run')\n",
        "odd data/config.ini": b"[DEFAULT]\nversion = 1.2\n",
        "odd data/a name with spaces.nii.gz": gzipped.getvalue(),
        "odd data/gr\u00f6\u00dfe \u8133.txt": "\u03b2\n".encode(),
        "odd data/deep/er/still/empty": b"",
        "odd data/.hidden": b"a dotfile\n",
        "odd data/deep/run.sh": b"#!/usr/bin/env python\necho data, not code\n",
        "odd data/deep/code.py": b"print('data, not code')\n",
        "odd data/deep/backup.nii~": b"data\n",
        "odd data/deep/labels.bak": b"data\n",
        "odd data/deep/100% [a] $b 'c' {d}.txt": b"name\n",
    }
    links = {
        "odd data/deep/link.nii.gz": "../deep/../a name with spaces.nii.gz",
        "odd data/folder-link": "deep/er",
    }
    with tarfile.open(folder / "nipy-awkward-1.2.tar", "w") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(f"nipy-awkward-1.2/{path}")
            info.size, info.mode = len(content), 0o755 if path.endswith(".sh") else 0o600
            info.mtime = 0  # an ancient one
            tar.addfile(info, io.BytesIO(content))
        for path, target in links.items():
            info = tarfile.TarInfo(f"nipy-awkward-1.2/{path}")
            info.type, info.linkname, info.mtime = tarfile.SYMTYPE, target, 1300000000
            tar.addfile(info)
    plain = (folder / "nipy-awkward-1.2.tar").read_bytes()
    (folder / "nipy-awkward-1.2.tar.gz").write_bytes(gzip.compress(plain, mtime=0))
    (folder / "nipy-awkward-1.2.tar").unlink()


def _make_pbrain(folder: Path) -> None:
    """A directory whose files are the data directory, below another umbrella."""
    (folder / "config.ini").write_bytes(b"[DEFAULT]\nversion = 0.10\n")
    (folder / "mesh one.txt").write_bytes(b"0 0 1\n")
    (folder / ".order").write_bytes(b"1\n")
    (folder / "hemispheres").mkdir()
    (folder / "hemispheres" / "left.txt").write_bytes(b"0 1 0\n")


_AWKWARD = {"awkward": _make_awkward, "pbrain": _make_pbrain}
