"""A repository in an object store: that of moto over HTTP, and fsspec's own in memory."""

import json
import multiprocessing
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from tests.publish.promises import check_promises

from nipack.publish import flow, log
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of
from nipack.publish.stores import Store, store_at
from nipack.publish.stores.bucket import BucketStore
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of an empty bucket."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "ada"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint),
    ):
        monkeypatch.setenv(name, value)
    name = f"lab-{abs(hash(request.node.nodeid))}"
    store = BucketStore(f"s3://{name}/data")
    store._system.mkdir(name)
    return store.address


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return store_at(str(tmp_path / "lab"))
    if request.param == "memory":
        return store_at(f"memory://{tmp_path.name}/lab")
    return store_at(request.getfixturevalue("bucket"))


def test_every_store_keeps_its_promises(store: Store, tmp_path: Path) -> None:
    check_promises(store, tmp_path, size=100_000)


@pytest.mark.slow
def test_a_repository_in_a_bucket_is_what_it_is_in_a_folder(
    bucket: str, artifacts: Artifacts, key: Path, tmp_path: Path
) -> None:
    files, signer = [*artifacts["0.1"].values()], signer_of(str(key))
    settings = flow.Settings(name="lab", address="https://data.lab.example")
    for each in (bucket, str(tmp_path / "lab")):
        assert not flow.publish(files, store_at(each), signer, settings).refused
    there, here = store_at(bucket), store_at(str(tmp_path / "lab"))
    assert there.files("").keys() == here.files("").keys()
    assert check_repository(bucket).problems == ()
    again = flow.publish(files, store_at(bucket), signer, settings)
    assert len(again.known) == 3


@pytest.mark.slow
def test_pip_is_answered_where_a_bucket_has_no_index_of_a_directory(
    bucket: str, artifacts: Artifacts
) -> None:
    store = BucketStore(bucket)
    settings = flow.Settings(name="lab", unsigned=True, address="https://data.lab.example")
    flow.publish([artifacts["0.1"][".whl"]], store, None, settings)
    name, _, top = bucket.removeprefix("s3://").partition("/")
    for key in (f"{top}/simple/", f"{top}/simple/nipy-examplepkg/"):
        answer = store._system.call_s3("get_object", Bucket=name, Key=key)
        assert answer["ContentType"] == "text/html; charset=utf-8"


def test_a_store_that_does_not_heed_conditions_is_refused(
    artifacts: Artifacts, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BucketStore(bucket)
    send = store._system.pipe_file
    # As rclone's server does, which takes the condition and overwrites.
    monkeypatch.setattr(
        store._system, "pipe_file", lambda path, content, mode="", **more: send(path, content)
    )
    settings = flow.Settings(name="lab", unsigned=True, address="https://data.lab.example")
    with pytest.raises(RepositoryError, match="does not heed If-None-Match"):
        flow.publish([artifacts["0.1"][".whl"]], store, None, settings)
    assert store.files("") == {}


def test_a_connection_that_is_refused_is_a_clear_error(
    artifacts: Artifacts, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    settings = flow.Settings(name="lab", unsigned=True, address="https://data.lab.example")
    with pytest.raises(RepositoryError, match="the repository is as it was"):
        flow.publish([artifacts["0.1"][".whl"]], store_at(bucket), None, settings)


def _publish_at_once(barrier: Barrier, bucket: str, wheel: Path, key: Path) -> None:
    store, signer = store_at(bucket), signer_of(str(key))
    barrier.wait()
    settings = flow.Settings(name="lab", address="https://data.lab.example")
    assert not flow.publish([wheel], store, signer, settings).refused


@pytest.mark.slow
def test_publishers_of_one_bucket_at_once_lose_nothing(
    bucket: str, artifacts: Artifacts, key: Path
) -> None:
    files = [path for each in artifacts.values() for path in each.values()]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(files))
    workers = [
        context.Process(target=_publish_at_once, args=(barrier, bucket, path, key))
        for path in files
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    store = store_at(bucket)
    assert log.generations(store) == list(range(1, len(files) + 1))
    assert check_repository(bucket).problems == ()
    state = log.load(store)
    assert state is not None
    there = {each.file_name for package in state.ordered() for each in package.artifacts}
    assert there == {path.name for path in files}
    repodata = json.loads(store.read("conda/noarch/repodata.json") or b"")
    assert len(repodata["packages.conda"]) == 2
