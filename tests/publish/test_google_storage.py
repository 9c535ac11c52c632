"""A repository in Google Cloud Storage: by gcsfs, against a server on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.publish.at_once import rounds_at_once
from tests.publish.google_storage import Bucket, google
from tests.publish.promises import check_promises

from nipack.builder.source.bucket import object_at
from nipack.publish import flow
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository
from nipack.system.errors import SourceError

Artifacts = dict[str, dict[str, Path]]
UNSIGNED = flow.Settings(name="lab", unsigned=True, address="https://data.lab.example")
pytestmark = [
    pytest.mark.slow(3),
    # aiohttp says so of what gcsfs hands to it.
    pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning"),
]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def address(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty place in the bucket."""
    with google(tmp_path, bucket) as place:
        for name, value in place.environment.items():
            monkeypatch.setenv(name, value)
        yield place.address


# gcsfs sends what is larger than 5 MiB in another way.
@pytest.mark.parametrize("size", [100_000, 6_000_000])
def test_it_keeps_the_promises_of_every_store(address: str, tmp_path: Path, size: int) -> None:
    check_promises(store_at(address), tmp_path, size=size)


def test_a_repository_there_is_what_it_is_in_a_folder(
    address: str, bucket: Bucket, artifacts: Artifacts, key: Path, tmp_path: Path
) -> None:
    signer, settings = signer_of(str(key)), flow.Settings(name="lab", address=UNSIGNED.address)
    for version in ("0.1", "0.2"):
        for each in (address, str(tmp_path / "lab")):
            files = [*artifacts[version].values()]
            assert not flow.publish(files, store_at(each), signer, settings).refused
    there, here = store_at(address).files(""), store_at(str(tmp_path / "lab")).files("")
    assert {path for path in here if "by-hash" not in path} <= there.keys()
    assert len(there) == len(here)
    assert check_repository(address).problems == ()
    assert bucket.objects["data/simple/"].kind == "text/html; charset=utf-8"
    json_page = bucket.objects["data/simple/nipy-examplepkg/index.json"]
    assert json_page.kind == "application/vnd.pypi.simple.v1+json"


@pytest.mark.slow(12)
def test_two_publishers_at_once_lose_nothing(
    address: str, many: list[list[Path]], key: Path, tmp_path: Path
) -> None:
    done = rounds_at_once(address, many[:2], key, 2, tmp_path)
    assert (done.artifacts, done.generations) == (2 * sum(map(len, many[:2])), 4)


def test_a_server_that_does_not_heed_conditions_is_refused(
    address: str, bucket: Bucket, artifacts: Artifacts
) -> None:
    bucket.heeds = False
    with pytest.raises(RepositoryError, match="does not heed ifGenerationMatch"):
        flow.publish([artifacts["0.1"][".whl"]], store_at(address), None, UNSIGNED)
    assert bucket.objects == {}


def test_an_archive_there_is_a_source_and_another_in_its_place_is_told_from_it(
    address: str,
) -> None:
    store = store_at(address)
    store.write("a.tar", b"first")
    before = object_at(f"{address}/a.tar", "it")
    assert (before.size, b"".join(before.chunks(2))) == (5, b"rst")
    store.write("a.tar", b"again")
    assert object_at(f"{address}/a.tar", "it").tag not in ("", before.tag)
    with pytest.raises(SourceError, match="the bucket does not have it"):
        object_at(f"{address}/b.tar", "it")


def test_who_may_not_write_is_told_how_to_log_in(
    address: str, bucket: Bucket, artifacts: Artifacts, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket.forbidden = True
    with pytest.raises(RepositoryError, match="gcloud auth application-default login") as raised:
        flow.publish([artifacts["0.1"][".whl"]], store_at(address), None, UNSIGNED)
    assert "Forbidden" in str(raised.value)
    assert capfd.readouterr() == ("", "")  # gcsfs would log a traceback
