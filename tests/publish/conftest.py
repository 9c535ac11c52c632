"""Artifacts of a small data package in two versions, and a key."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.publish.serving import EXAMPLE, PUBLISHERS, made_artifacts, made_key


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """The artifacts of the example by version and suffix; 0.2 has other data."""
    return made_artifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A secret key's file; its certificate lies beside it, as .asc."""
    return made_key(tmp_path_factory.mktemp("keys") / "lab.key")


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[list[Path]]:
    """The artifacts of as many packages as there are publishers."""
    top = tmp_path_factory.mktemp("many")
    for number in range(PUBLISHERS):
        shutil.copytree(EXAMPLE, top / "recipes" / str(number))
        definition = top / "recipes" / str(number) / "package.yaml"
        text = definition.read_text("utf-8").replace("examplepkg\n", f"example{number}\n")
        definition.write_text(text.replace(f"data: example{number}", "data: examplepkg"), "utf-8")
    words = ["-f", "conda", "-f", "deb", "-f", "wheel", "-q", "-o", str(top / "dist")]
    subprocess.run([sys.executable, "-m", "nipack", "build", str(top / "recipes"), *words],
                   check=True, capture_output=True)  # fmt: skip
    built = sorted((top / "dist").iterdir())
    return [[path for path in built if f"example{n}" in path.name] for n in range(PUBLISHERS)]
