"""The two distributions, as lists of the files that each has."""

import importlib.util
import shutil
from pathlib import Path

from tests.conftest import REPOSITORY

SOURCE = REPOSITORY / "src"


def tool_files() -> set[str]:
    """Return the paths below src of what nipack-build has, as its build finds them."""
    hook = REPOSITORY / "nipack-build" / "hatch_build.py"
    spec = importlib.util.spec_from_file_location("hatch_build", hook)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return set(module.tool_files(REPOSITORY))


def runtime_files() -> set[str]:
    """Return the paths below src of what nipack, the runtime, has."""
    every = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "nipack").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    return every - tool_files()


def put(files: set[str], site: Path) -> Path:
    """Copy files of src into a site directory, as pip installs them; returns it."""
    for name in files:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / name, site / name)
    return site
