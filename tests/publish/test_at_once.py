"""Publishers who work at once lose nothing, and one who is killed leaves a whole repository."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.publish.at_once import rounds_at_once
from tests.publish.reading import pointed_at
from tests.publish.servers import PLACES

from nipack.publish import flow
from nipack.publish.signing import signer_of
from nipack.publish.stores import folder, store_at
from nipack.publish.verification import check_repository

# scripts/at-once has twenty of each.
ROUNDS = {"folder": 4, "moto": 2, "seaweedfs": 2, "sftp": 1}
Artifacts = dict[str, dict[str, Path]]


@pytest.mark.slow(40)
@pytest.mark.parametrize("place", PLACES)
def test_eight_publishers_at_once_lose_nothing(
    place: str,
    many: list[list[Path]],
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with PLACES[place](tmp_path) as there:
        for name, value in there.environment.items():
            monkeypatch.setenv(name, value)
        done = rounds_at_once(there.address, many, key, ROUNDS[place], tmp_path)
    assert done.artifacts == ROUNDS[place] * sum(map(len, many))


def killed(action: Callable[[], object], *, at: int, early: bool) -> bool:
    """Do something in a process that is killed at its n-th write; tell whether it got there.

    `early`: all bytes are on the disk, and the file has not got its name; else it has just got it.
    """
    child = os.fork()
    if child == 0:
        count = 0
        flush, unlink = folder._flush, Path.unlink

        def counted() -> None:
            nonlocal count
            count += 1
            if count == at:
                os._exit(9)

        def flushed(output: object) -> None:
            flush(output)  # type: ignore[arg-type]
            if early:
                counted()

        def unlinked(path: Path, missing_ok: bool = False) -> None:
            if not early and path.parent.name == "unfinished":
                counted()
            unlink(path, missing_ok=missing_ok)

        folder._flush = flushed
        Path.unlink = unlinked  # type: ignore[method-assign, assignment]
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("early", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("first", [True, False], ids=["new", "existing"])
def test_a_publisher_killed_at_any_of_its_writes_leaves_a_whole_repository(
    artifacts: Artifacts, key: Path, tmp_path: Path, early: bool, first: bool
) -> None:
    signer = signer_of(str(key))
    begun = tmp_path / "begun"
    if not first:
        flow.publish([*artifacts["0.1"].values()], store_at(str(begun)), signer,
                     flow.Settings(name="lab"))  # fmt: skip
    files = [*artifacts["0.2"].values()]

    def publish(repository: Path) -> object:
        return flow.publish(files, store_at(str(repository)), signer, flow.Settings(name="lab"))

    whole = {path.name for path in files}
    old = set() if first else {path.name for path in artifacts["0.1"].values()}
    at = 0
    while True:
        at += 1
        repository = tmp_path / f"killed-{at}"
        if not first:
            shutil.copytree(begun, repository)
        if not killed(lambda: publish(repository), at=at, early=early):  # noqa: B023
            break
        assert pointed_at(repository) >= old
        publish(repository)
        assert pointed_at(repository) == old | whole
        assert check_repository(str(repository)).problems == ()
        assert not list((repository / ".nipack" / "unfinished").iterdir())
        shutil.rmtree(repository)
    assert at > 20  # it has been killed at so many
