"""Real clients that look after each single write of a publisher find only what is there."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.publish.clients import Clients
from tests.publish.serving import serving

from nipack.publish import flow
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at

Artifacts = dict[str, dict[str, Path]]


class Changes:
    """Tells whether anything in a folder of a repository is new since it was asked last."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._seen: dict[str, frozenset[tuple[str, int]]] = {}

    def __call__(self, top: str) -> bool:
        files = frozenset(
            (str(path), path.stat().st_mtime_ns)
            for path in (self._repository / top).rglob("*")
            if path.is_file()
        )
        is_new = files != self._seen.get(top)
        self._seen[top] = files
        return is_new


def after_each_write(action: Callable[[], object]) -> Iterator[int]:
    """Do something in a process that waits after each write until it may go on; count them."""
    (said, say), (go_on, let_go_on) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        unlink = Path.unlink

        def unlinked(path: Path, missing_ok: bool = False) -> None:
            if path.parent.name == "unfinished":
                os.write(say, b".")
                os.read(go_on, 1)
            unlink(path, missing_ok=missing_ok)

        Path.unlink = unlinked  # type: ignore[method-assign, assignment]
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    os.close(say)
    count = 0
    while os.read(said, 1):
        count += 1
        yield count
        os.write(let_go_on, b".")
    for each in (said, go_on, let_go_on):
        os.close(each)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow(60)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.tools("apt-get")
@pytest.mark.parametrize("first", [True, False], ids=["new", "existing"])
def test_clients_that_look_after_every_write_find_only_what_is_there(
    artifacts: Artifacts, key: Path, tmp_path: Path, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One after the other, so that there is one state behind each.
    monkeypatch.setattr("nipack.publish.indexes.WRITERS", 1)
    signer, repository = signer_of(str(key)), tmp_path / "lab"
    old = set() if first else {"0.1"}
    with serving(repository) as address:
        settings = flow.Settings(name="lab", address=address)

        def publish(version: str) -> object:
            files = [*artifacts[version].values()]
            return flow.publish(files, store_at(str(repository)), signer, settings)

        if not first:
            publish("0.1")
        clients, is_new = Clients(address, tmp_path / "work"), Changes(repository)
        last, count = dict[str, set[str]](), 0
        for count in after_each_write(lambda: publish("0.2")):
            for client, versions in clients.views(is_new):
                assert old <= versions <= {*old, "0.2"}, (count, client)
                assert last.get(client, set()) <= versions, (count, client)
                last[client] = versions
        last |= dict(clients.views(is_new))
    assert last == {each: {*old, "0.2"} for each in ("apt", "conda", "simple")}
    assert count > 30
    assert clients.looked > 15
