"""A repository in an object store: that of moto over HTTP, and fsspec's own in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.publish.promises import check_promises
from tests.publish.servers import Place, moto

from nipack.publish import flow
from nipack.publish.errors import ExistsError, RepositoryError, StoreError
from nipack.publish.signing import signer_of
from nipack.publish.stores import Store, store_at
from nipack.publish.stores.bucket import BucketStore, content_type
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]


@pytest.fixture(scope="module")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with moto(tmp_path_factory.mktemp("moto")) as place:
        yield place


@pytest.fixture(scope="module")
def endpoint(bucket_server: Place) -> str:
    return bucket_server.environment["AWS_ENDPOINT_URL"]


@pytest.fixture
def bucket(
    bucket_server: Place, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> str:
    """The address of an empty place in a bucket."""
    for name, value in bucket_server.environment.items():
        monkeypatch.setenv(name, value)
    return f"{bucket_server.address}/{abs(hash(request.node.nodeid))}"


@pytest.fixture(params=["folder", "memory", pytest.param("s3", marks=pytest.mark.slow(2))])
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


@pytest.mark.slow(1)
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


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("At least one of the Pre-conditions did not hold", ExistsError), ("the quota", StoreError)],
)
def test_what_a_server_says_of_a_file_that_is_there(
    reason: str, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BucketStore(f"memory://{tmp_path.name}/lab")
    store.write("a", b"1")
    (tmp_path / "a").write_bytes(b"1")

    def refuse(*words: object, **more: object) -> None:
        raise OSError(reason)

    for name in ("pipe_file", "put_file"):
        monkeypatch.setattr(store._system, name, refuse)
    with pytest.raises(kind):
        store.create("a", b"2")
    with pytest.raises(kind):
        store.create_from("a", tmp_path / "a", lambda count: None)
    if kind is ExistsError:
        store.create("a", b"1")  # a request that was repeated finds what it has written
    assert store.read("a") == b"1"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("packages.json", "application/json"),
        ("simple/index.json", "application/vnd.pypi.simple.v1+json"),
        ("simple/x/index.json", "application/vnd.pypi.simple.v1+json"),
        ("simple/x/index.html", "text/html; charset=utf-8"),
        ("rpm/repodata/repomd.xml", "application/xml"),
        ("style.css", "text/css"),
        ("search.js", "text/javascript"),
        ("a.png", "image/png"),
        ("icon.svg", "image/svg+xml"),
        ("repository.json.asc", "text/plain; charset=utf-8"),
        ("apt/lab.sources", "text/plain; charset=utf-8"),
        ("apt/dists/stable/InRelease", "text/plain"),
        ("conda/noarch/repodata.json.zst", "application/zstd"),
        ("conda/noarch/a.conda.sigs", "application/json"),
        ("conda/noarch/a.conda.sigs.0a1b", "application/json"),
        ("simple/x/a.whl.provenance", "application/vnd.pypi.integrity.v1+json"),
        ("apt/pool/a.deb", "application/octet-stream"),
        ("SHA256SUMS", "application/octet-stream"),
    ],
)
def test_each_file_is_served_as_what_it_is(path: str, kind: str) -> None:
    assert content_type(path) == kind
