"""An installed data package, and a user who has nothing yet."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nipack.libraries.table import Surroundings

Install = Callable[..., Path]


def digests(directory: Path) -> dict[str, str]:
    """Return what is below a directory: each file's sha256 and mode, each link's target."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = f"{digest} {path.stat().st_mode & 0o777:o}"
    return found


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prefix whose data is looked for, with nothing in it."""
    top = tmp_path / "prefix"
    (top / "share" / "nipy").mkdir(parents=True)
    monkeypatch.setenv("NIPY_DATA_PATH", str(top / "share" / "nipy"))
    return top


@pytest.fixture
def install(prefix: Path) -> Install:
    """Install data as packages do: read-only files, config.ini and package.json."""

    def make(
        relpath: str, files: dict[str, bytes], views: list[dict[str, Any]] | None = None
    ) -> Path:
        directory = prefix / "share" / "nipy" / relpath
        for name, content in {"config.ini": b"[DEFAULT]\nversion = 1.0\n", **files}.items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o444)
        record = prefix / "share" / "nipack" / relpath.replace("/", "-").lower()
        record.mkdir(parents=True, exist_ok=True)
        document = {"name": record.name, "relpath": relpath, "views": views or []}
        (record / "package.json").write_text(json.dumps(document), "utf-8")
        return directory

    return make


@pytest.fixture
def here(tmp_path: Path) -> Surroundings:
    """The surroundings of a user whose home is empty."""
    (tmp_path / "user").mkdir()
    return Surroundings(variables={}, home=str(tmp_path / "user"), platform="linux")


@pytest.fixture
def user(here: Surroundings) -> Path:
    return Path(here.home)


@pytest.fixture
def cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be somebody who may write to nothing that is installed, which is not so of root."""
    monkeypatch.setattr("nipack.libraries.linking.may_write", lambda path: False)


@pytest.fixture
def can_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be somebody who may write to everything that is installed."""
    monkeypatch.setattr("nipack.libraries.linking.may_write", lambda path: True)
