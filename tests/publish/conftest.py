"""Artifacts of a small data package in two versions, and a key."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.publish.serving import made_key

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """The artifacts of the example by version and suffix; 0.2 has other data."""
    folder = tmp_path_factory.mktemp("artifacts")
    for version in ("0.1", "0.2"):
        shutil.copytree(EXAMPLE, folder / version)
        for name in ("package.yaml", "examplepkg/config.ini"):
            file = folder / version / name
            file.write_text(file.read_text("utf-8").replace("0.1", version), "utf-8")
    words: list[str | Path] = [
        "-f",
        "conda",
        "-f",
        "deb",
        "-f",
        "wheel",
        "-q",
        "--json",
        "-o",
        folder / "dist",
    ]
    command = [sys.executable, "-m", "nipack", "build", folder / "0.1", folder / "0.2", *words]
    done = subprocess.run(command, capture_output=True, check=True)
    found: dict[str, dict[str, Path]] = {"0.1": {}, "0.2": {}}
    for each in json.loads(done.stdout)["artifacts"]:
        path = Path(each["path"])
        version = "0.2" if "0.2" in path.name else "0.1"
        found[version][path.suffix] = path
    return found


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A secret key's file; its certificate lies beside it, as .asc."""
    return made_key(tmp_path_factory.mktemp("keys") / "lab.key")
