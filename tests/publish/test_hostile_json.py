"""JSON that is nested without an end, too large or of odd numbers is refused with its place."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.commands import peak_memory

from nipack.publish.artifacts.contents import package_of
from nipack.publish.attestations import found_beside
from nipack.publish.client.known import add, repositories
from nipack.publish.errors import RepositoryError
from nipack.publish.log import entry_path, load
from nipack.publish.stores.folder import FolderStore
from nipack.publish.verification import check_repository

ODD = {
    "deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deeper than is needed": b"[" * 500 + b"]" * 500,
    "infinite": b'{"name": "a", "title": "a", "date": "", "generation": 1e999}',
    "no number": b'{"name": "a", "title": "a", "date": "", "generation": NaN}',
    "another encoding": '{"name": "a"}'.encode("utf-16"),
}


def of_a_log(content: bytes, folder: Path) -> None:
    path = folder / entry_path(1)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    load(FolderStore(folder))


def of_a_repository(content: bytes, folder: Path) -> None:
    (folder / "repository.json").write_bytes(content)
    add(str(folder), folder / "known", unsigned=True)


def of_its_packages(content: bytes, folder: Path) -> None:
    sums = f"{hashlib.sha256(content).hexdigest()}  packages.json\n".encode()
    digest = hashlib.sha256(sums).hexdigest()
    about = {"name": "a", "title": "A", "generation": 1, "date": "", "sha256sums": digest}
    (folder / "packages.json").write_bytes(content)
    (folder / "SHA256SUMS").write_bytes(sums)
    (folder / "repository.json").write_text(json.dumps(about), "utf-8")
    add(str(folder), folder / "known", unsigned=True)


def of_a_known_one(content: bytes, folder: Path) -> None:
    (folder / "a.json").write_bytes(content)
    list(repositories(folder))


def of_a_checked_one(content: bytes, folder: Path) -> None:
    (folder / "repository.json").write_bytes(content)
    check_repository(str(folder))


def of_a_package(content: bytes, folder: Path) -> None:
    package_of(content, b"")


def of_a_signature(content: bytes, folder: Path) -> None:
    (folder / "a.whl.sigstore.json").write_bytes(content)
    found_beside(folder / "a.whl", "0" * 64)


READERS: tuple[Callable[[bytes, Path], None], ...] = (
    of_a_log,
    of_a_repository,
    of_its_packages,
    of_a_known_one,
    of_a_checked_one,
    of_a_package,
    of_a_signature,
)


@pytest.mark.parametrize("content", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("read", READERS, ids=lambda each: each.__name__)
def test_it_is_refused(read: Callable[[bytes, Path], None], content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.whl").touch()
    with pytest.raises(RepositoryError) as refused:
        read(content, tmp_path)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("name", ["certificate", "fingerprint", "expires"])
def test_what_is_compared_and_parsed_is_text(name: str, tmp_path: Path) -> None:
    about = {"generation": 1, "date": "", name: 1}
    (tmp_path / "repository.json").write_text(json.dumps(about), "utf-8")
    with pytest.raises(RepositoryError, match=r"repository.json: is damaged"):
        check_repository(str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["repository.json", "packages.json"])
def test_a_list_without_an_end_is_not_read_to_it(name: str, tmp_path: Path) -> None:
    of_its_packages(b'{"packages": []}', tmp_path)
    with (tmp_path / name).open("wb") as output:
        output.truncate(1 << 40)
    program = (
        "import sys; from pathlib import Path; from nipack.publish.client.known import add\n"
        "try: add(sys.argv[1], Path(sys.argv[1]) / 'new', unsigned=True)\n"
        "except Exception as error: sys.exit('has more than 33,554,432 bytes' not in str(error))"
    )
    assert peak_memory(sys.executable, "-c", program, str(tmp_path)) < 200 << 20
