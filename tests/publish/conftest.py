"""Artifacts of a small data package in two versions, and a key."""

from pathlib import Path

import pytest
from tests.publish.serving import made_artifacts, made_by_each, made_key


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
    return made_by_each(tmp_path_factory.mktemp("many"))
