"""nipack-autolink, installed: the link is there once a library is imported, and nothing else is."""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import packaging
import pytest
from tests.conftest import REPOSITORY
from tests.libraries.conftest import Install, install, prefix

import nipack
from nipack.libraries.table import LIBRARIES

__all__ = ["install", "prefix"]

SOURCE = REPOSITORY / "nipack-autolink"
# A library that looks for its data when it is imported.
LIBRARY = """
import os
print(os.path.lexists(os.path.expanduser("~/nilearn_data/atlas/a.nii")))
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose environment has nipack-autolink's wheel, the runtime and a library."""
    directory = tmp_path_factory.mktemp("autolink")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=SOURCE, check=True, capture_output=True)
    [wheel] = directory.glob("*.whl")
    venv.create(directory / "environment", with_pip=False, symlinks=True)
    [site] = directory.glob("environment/lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert {"nipack_autolink.py", "nipack_autolink.pth", "nipack_autolink.start"} <= {
        each.name for each in site.iterdir()
    }
    for module in (nipack, packaging):
        path = Path(module.__file__ or "").parent
        (site / path.name).symlink_to(path)
    (site / "nilearn.py").write_text(LIBRARY, "utf-8")
    return directory / "environment" / "bin" / "python"


@pytest.fixture
def run(python: Path, tmp_path: Path) -> Run:
    (tmp_path / "user").mkdir()

    def run_code(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(tmp_path / "user"),
            "NIPY_DATA_PATH": os.environ.get("NIPY_DATA_PATH", str(tmp_path)),
            **variables,
        }
        command = [str(python), *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    return run_code


@pytest.mark.slow(1)
def test_an_import_finds_what_is_installed(install: Install, run: Run) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    done = run("-W", "error", "-c", "import nilearn")
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_also_where_python_is_isolated(install: Install, run: Run) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    # -I leaves NIPY_DATA_PATH, which is not Python's.
    assert run("-I", "-c", "import nilearn").stdout == "True\n"


def test_nothing_is_done_before_the_import_or_against_the_user_s_will(
    install: Install, run: Run, tmp_path: Path
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    assert run("-c", "import json").returncode == 0
    assert run("-c", "import nilearn", NIPACK_NO_LINK="1").stdout == "False\n"
    assert not list((tmp_path / "user").iterdir())


def test_it_never_raises(install: Install, run: Run, tmp_path: Path) -> None:
    """A home that is a file, a runtime that is broken: the import works as it did before."""
    install("nilearn_data/atlas", {"a.nii": b"a"})
    (tmp_path / "file").write_bytes(b"")
    done = run("-c", "import nilearn", HOME=str(tmp_path / "file"))
    assert (done.stdout, done.stderr) == ("False\n", "")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "nipack.py").write_text("raise RuntimeError('broken')", "utf-8")
    done = run("-c", "import nilearn", PYTHONPATH=str(tmp_path / "broken"))
    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)


STARTED = """
import os, sys  # which site imports in any case
before = set(sys.modules)
import nipack_autolink
nipack_autolink.install()
print(sorted(set(sys.modules) - before))
"""


def test_a_start_of_python_imports_nothing_else(run: Run) -> None:
    """What a start costs is measured by scripts/bench; what could make it dear is shut out here."""
    # -S leaves out site, which has run it already.
    source = str(SOURCE / "src")
    done = run("-S", "-c", STARTED, PYTHONPATH=source)
    assert (done.stdout, done.stderr) == ("['nipack_autolink']\n", "")


def test_it_knows_every_library_that_is_imported(python: Path, run: Run) -> None:
    done = run("-c", "import nipack_autolink as a; print(sorted(a.LIBRARIES.items()))")
    known = sorted((module, each.name) for each in LIBRARIES.values() for module in each.modules)
    assert done.stdout == f"{known}\n"
