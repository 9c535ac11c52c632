"""A connection that is lost in the middle of an upload: a clear error, and nothing lost."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.publish.at_once import copied
from tests.publish.proxy import Proxy, proxy_to
from tests.publish.reading import pointed_at
from tests.publish.servers import moto, ssh_server

from nipack.publish import flow, log
from nipack.publish.errors import AS_IT_WAS, RepositoryError
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository
from nipack.system.buckets import BOTOCORE_TRIES, S3FS_TRIES

Artifacts = dict[str, dict[str, Path]]
SETTINGS = flow.Settings(name="lab", address="https://data.lab.example")
COMPLETES = "the next nipack publish completes them"


@dataclass(frozen=True)
class Line:
    """A store, and the network between it and the publisher."""

    address: str
    proxy: Proxy


@pytest.fixture(params=["s3", "sftp"])
def line(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Line]:
    if request.param == "s3":
        with moto(tmp_path) as place:
            port = int(place.environment["AWS_ENDPOINT_URL"].rpartition(":")[2])
            with proxy_to(port) as proxy:
                for name, value in place.environment.items():
                    monkeypatch.setenv(name, value)
                monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
                yield Line(place.address, proxy)
        return
    with ssh_server(tmp_path) as server:
        port = int(server.address.rpartition(":")[2].partition("/")[0])
        with proxy_to(port) as proxy:
            monkeypatch.setenv("HOME", str(server.home))
            monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
            known = server.home / ".ssh/known_hosts"
            known.write_text(known.read_text("ascii").replace(str(port), str(proxy.port)), "ascii")
            yield Line(server.address.replace(str(port), str(proxy.port)), proxy)


@pytest.mark.slow(60)
def test_a_network_that_breaks_anywhere_leaves_a_whole_repository(
    line: Line, artifacts: Artifacts, key: Path, tmp_path: Path
) -> None:
    signer = signer_of(str(key))
    old, new = ([*artifacts[version].values()] for version in ("0.1", "0.2"))

    def publish(number: int, files: list[Path]) -> None:
        store = store_at(f"{line.address}/{number}")
        assert not flow.publish(files, store, signer, SETTINGS).refused

    publish(0, old)
    start = line.proxy.passed
    publish(0, new)
    needed = line.proxy.passed - start
    said = []
    for number, eighth in enumerate((1, 3, 6), 1):
        publish(number, old)
        line.proxy.cut_after(needed * eighth // 8)
        with pytest.raises(RepositoryError) as caught:
            publish(number, new)
        said.append(str(caught.value))
        # It has tried again, and it has given up: so often for each file that was on its way.
        assert line.proxy.refused <= 64 * S3FS_TRIES * BOTOCORE_TRIES
        line.proxy.cut_after(None)
        address = f"{line.address}/{number}"
        there = copied(address, tmp_path / "copy")
        assert pointed_at(there) >= {path.name for path in old}
        if said[-1].endswith(AS_IT_WAS):
            assert check_repository(str(there)).problems == ()
            assert log.generations(store_at(address)) == [1]
        shutil.rmtree(there)
        publish(number, new)
        there = copied(address, tmp_path / "copy")
        assert pointed_at(there) == {path.name for path in [*old, *new]}
        assert check_repository(str(there)).problems == ()
        # Nobody could delete what was on its way; once this process has ended, the next one does.
        left = store_at(address).files(".nipack/unfinished")
        assert all(f".{os.getpid()}." in path for path in left)
        shutil.rmtree(there)
    assert all(each.endswith((AS_IT_WAS, COMPLETES)) for each in said), said
    assert {each.endswith(AS_IT_WAS) for each in said} == {True, False}
    assert all("check " in each and line.address.partition("://")[0] in each for each in said)
