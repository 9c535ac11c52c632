"""A publisher to S3 that is killed behind any of its requests leads no real client astray."""

import logging
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.publish.clients import Clients
from tests.publish.reading import pointed_at
from tests.publish.servers import Place, seaweedfs
from tests.publish.serving import serving_bucket

from nipack.publish import flow
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]
log = logging.getLogger(__name__)
# All of them take a quarter of an hour: without KILL_AT_EVERY_CALL=1 it is every so-manieth.
STEP = 1 if "KILL_AT_EVERY_CALL" in os.environ else 7
_WRITES = ("_pipe_file", "_put_file", "_rm_file")


@pytest.fixture(scope="module")
def served(server: Place) -> Iterator[str]:
    """The address at which clients find what is in the bucket."""
    bucket = server.address.removeprefix("s3://")
    with serving_bucket(f"{server.environment['AWS_ENDPOINT_URL']}/{bucket}") as address:
        yield address


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as place:
        yield place


class Objects:
    """What is in a repository's part of a bucket, as a set of which one can put back."""

    def __init__(self, place: Place) -> None:
        import boto3  # type: ignore[import-untyped]

        self._client = boto3.client("s3", endpoint_url=place.environment["AWS_ENDPOINT_URL"])
        self._bucket, _, self._top = place.address.removeprefix("s3://").partition("/")

    def keys(self) -> set[str]:
        found = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._top}/"
        )
        return {each["Key"] for page in found for each in page.get("Contents", ())}

    def saved(self) -> dict[str, dict[str, Any]]:
        """Return what each object is made of."""
        saved = {}
        for key in self.keys():
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            saved[key] = {"Body": answer["Body"].read(), "ContentType": answer["ContentType"]}
        return saved

    def copied(self, folder: Path) -> Path:
        """Return a folder of its own that has the same files."""
        for key, fields in self.saved().items():
            if key.endswith("/"):
                continue  # what a server without an index of a directory is asked for
            target = folder / key.removeprefix(f"{self._top}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(fields["Body"])
        return folder

    def restore(self, saved: dict[str, dict[str, Any]]) -> None:
        """Leave what was saved, and nothing else."""
        for key in self.keys() - saved.keys():
            self._client.delete_object(Bucket=self._bucket, Key=key)
        for key, fields in saved.items():
            self._client.put_object(Bucket=self._bucket, Key=key, **fields)


def killed(action: Callable[[], object], *, behind: int | None) -> int | None:
    """Do something in a process that is killed behind its n-th write; return how many it made.

    None stands for a process that was killed.
    """
    answer, give = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answer)
        code, count = 1, 0
        try:
            import s3fs  # type: ignore[import-untyped]

            def counted(original: Callable[..., Any]) -> Callable[..., Any]:
                async def write(*words: Any, **named: Any) -> Any:
                    nonlocal count
                    done = await original(*words, **named)
                    count += 1
                    if count == behind:
                        os._exit(9)
                    return done

                return write

            for name in _WRITES:
                setattr(s3fs.S3FileSystem, name, counted(getattr(s3fs.S3FileSystem, name)))
            action()
            os.write(give, str(count).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(give)
    said = os.read(answer, 16)
    os.close(answer)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return int(said) if code == 0 else None


@pytest.mark.slow(60)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.tools("apt-get")
@pytest.mark.parametrize("first", [True, False], ids=["new", "existing"])
def test_clients_of_a_bucket_find_only_what_is_there_wherever_its_publisher_is_killed(
    artifacts: Artifacts, key: Path, tmp_path: Path, first: bool, server: Place,
    served: str,     monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    # One after the other, so that there is one state behind each.
    monkeypatch.setattr("nipack.publish.indexes.WRITERS", 1)
    signer, settings = signer_of(str(key)), flow.Settings(name="lab", address=served)
    objects = Objects(server)
    objects.restore({})

    def publish(version: str) -> int | None:
        files = [*artifacts[version].values()]
        return killed(
            lambda: flow.publish(files, store_at(server.address), signer, settings), behind=behind
        )

    behind: int | None = None
    old = set() if first else {"0.1"}
    if not first:
        publish("0.1")
    begun = objects.saved()
    writes = publish("0.2")
    assert writes is not None
    assert writes > 30
    whole, files = objects.keys(), {each.name for each in artifacts["0.2"].values()}
    known = set() if first else {each.name for each in artifacts["0.1"].values()}
    looked = 0
    for behind in range(1, writes + 1, STEP):
        objects.restore(begun)
        assert publish("0.2") is None
        clients = Clients(served, tmp_path / f"clients-{behind}")
        for client, versions in clients.views(lambda top: True):
            assert old <= versions <= {*old, "0.2"}, (behind, client)
        looked += clients.looked
        there = objects.copied(tmp_path / f"copy-{behind}")
        assert known <= pointed_at(there) <= known | files, behind
        again, behind = behind, None
        assert publish("0.2") is not None
        assert objects.keys() == whole, again
        for client, versions in clients.views(lambda top: True):
            assert versions == {*old, "0.2"}, (again, client)
        assert check_repository(served).problems == (), again
    log.info("killed %d times behind %d writes", looked // 3, writes)
