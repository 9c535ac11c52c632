"""What a call may say of a repository, what it may not, and what becomes of each file."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.publish.catalogue.samples import repository
from tests.publish.handwritten import PACKAGES

from nipack.publish import flow, indexes, log
from nipack.publish.errors import RepositoryError
from nipack.publish.flow import Settings
from nipack.publish.indexes import Payloads, Written
from nipack.publish.log import State
from nipack.publish.packages import Packages
from nipack.publish.signing import Signer, signer_of
from nipack.publish.stores.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "Ada's Lab")


@pytest.fixture(scope="module")
def signer(key: Path) -> Signer:
    return signer_of(str(key))


def first(store: Any, signer: Signer | None, **settings: Any) -> Any:
    return flow.first_record(store, Settings(**settings), signer)


def first_refused(store: Any, signer: Signer | None, **settings: Any) -> str:
    with pytest.raises(RepositoryError) as caught:
        first(store, signer, **settings)
    return str(caught.value)


def test_what_a_repository_begins_as(store: FolderStore, signer: Signer) -> None:
    made = first(store, None, unsigned=True)
    assert (made.name, made.title, made.origin, made.label) == ("ada-s-lab",) * 4
    assert made.suites == ("stable",)
    assert store.folder is not None
    assert made.address == store.folder.as_uri()
    assert (made.fingerprint, made.certificate, made.valid_days) == (None, None, None)
    said = {"name": "ada", "title": "Ada", "address": "https://x.example/y//", "valid_days": 9}
    made = first(store, signer, **said, suites=("a", "b.1-c_2"), also_trust=signer.certificate)
    assert (made.name, made.title, made.origin, made.label) == ("ada", "Ada", "Ada", "Ada")
    assert (made.address, made.valid_days) == ("https://x.example/y", 9)
    assert (made.suites, made.fingerprint) == (("a", "b.1-c_2"), signer.fingerprint)
    assert made.certificate == f"{signer.certificate.strip()}\n" * 2


def test_what_must_be_said_of_a_new_repository(store: FolderStore, signer: Signer) -> None:
    assert first_refused(store, None) == (
        f"{store.address}: a new repository needs a key: use --key (nipack keygen makes one), or "
        "use --unsigned, and apt will trust anyone who answers in its place"
    )
    for name in ("Ada", "-ada", "a_b", "a\n"):
        assert first_refused(store, signer, name=name) == (
            f"'{name}' is not allowed in file names: use --name with a-z, 0-9 and -"
        )
    for address in (
        "data.lab.example",
        "ftp://x.example",
        "https://",
        "https://x y",
        "https://x\n",
        "https://x/?of=1",
        "https://x/#top",
        "https://x/$(id)",
        "https://x/;id",
        "https://x/'",
        "https://\u00e4.example",
    ):
        assert first_refused(store, signer, address=address) == (
            f"'{address}' is not an address; write it as https://data.lab.example"
        )
    for address in ("http://[::1]:80/~ada/a%20b", "s3://lab/data", "file:///srv/a+b"):
        made = flow.first_record(store, flow.Settings(name="lab", address=address), signer)
        assert made.address == address
    for suite in ("", "-a", "a b", "a/b"):
        assert first_refused(store, signer, suites=("ok", suite)) == (
            f"'{suite}' is not a valid suite; use letters, digits, . and -"
        )
    elsewhere = FolderStore(Path("x"))
    elsewhere.folder = None
    assert first_refused(elsewhere, signer) == (
        "x: give the address that will serve it: --address https://..."
    )
    assert "a certificate cannot be read" in first_refused(
        store, signer, also_trust=signer.certificate[:-99] + signer.certificate[-40:]
    )


def refused(state: State, signer: Signer | None, **settings: Any) -> str:
    with pytest.raises(RepositoryError) as caught:
        flow.check_call(state, Settings(**settings), signer)
    return str(caught.value)


def test_what_no_call_may_change(signer: Signer) -> None:
    known = repository(fingerprint=signer.fingerprint, certificate=signer.certificate)
    state = State(repository=known, packages=Packages())
    suites = known.suites
    assert flow.check_call(state, Settings(name="neuro", suites=suites), signer) is known
    assert refused(state, None) == (
        f"Neuro data: is signed by {signer.fingerprint}; use that key: --key"
    )
    assert refused(state, signer, name="other") == (
        "Neuro data: is called neuro, which cannot be changed"
    )
    assert refused(state, signer, suites=("stable", "next")) == (
        "Neuro data: has the suites stable, which cannot be changed: the .sources of its users "
        "name them"
    )
    assert "is not an address" in refused(state, signer, address="x")

    class Other:
        fingerprint, certificate = "0" * 40, signer.certificate

    assert refused(state, Other()).startswith(  # type: ignore[arg-type]
        f"Neuro data: no user of it trusts {'0' * 40} yet; first publish with the old key and "
        "--also-trust CERTIFICATE of the new one, and let users upgrade neuro-archive-keyring"
    )
    unsigned = State(repository=repository(fingerprint=None), packages=Packages())
    assert flow.check_call(unsigned, Settings(), None) is unsigned.repository
    assert flow.check_call(unsigned, Settings(), signer) is unsigned.repository


def test_files_that_go_with_others_are_passed_over() -> None:
    paths = [Path(name) for name in ("a.deb", "a.src.rpm", "a.deb.sigstore.json", "a.rpm")]
    assert flow.passed_over(paths) == {
        Path("a.src.rpm"): "a.src.rpm: is a source package, from which dnf installs nothing",
        Path("a.deb.sigstore.json"): "a.deb.sigstore.json: goes with a.deb, and is published "
        "beside it",
    }


def test_what_was_written_is_read_as_far_as_it_is_the_same(store: FolderStore) -> None:
    store.write("a", b"a")
    digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    written = Written(store=store, generation=1, digests={"a": digest, "b": digest})
    assert written.read("a") == written.read_named("a", digest) == b"a"
    assert written.read("b") is None
    assert written.read("c") is None
    store.write("a", b"b")
    store.write("c", b"a")
    assert written.read("a") is None
    assert written.read("c") is None, "it names no such file"


def test_an_artifact_that_is_at_hand_is_not_looked_for(store: FolderStore, tmp_path: Path) -> None:
    path = PACKAGES[0].artifacts[0].path
    local = tmp_path / "here.deb"
    local.write_bytes(b"here")
    assert Payloads(store, {}).open(PACKAGES[0]) is None
    for known, content in (({path: local}, b"here"), ({}, b"there")):
        found = Payloads(store, known).open(PACKAGES[0])
        assert found is not None
        name, stream = found
        with stream:
            assert (name, stream.read()) == (path.rpartition("/")[2], content)
        store.write(path, b"there")


def test_a_repository_of_handwritten_packages_is_written_whole(store: FolderStore) -> None:
    made = first(store, None, unsigned=True, valid_days=2)
    state = log.append(store, None, lambda now: log.Change(add=PACKAGES[:1]), first=made)
    assert state is not None
    assert not indexes.is_written(store, state)
    assert indexes.write(store, state, None) == state
    assert indexes.is_written(store, state)
    written = indexes.written(store, None)
    assert written.signed
    assert written.generation == 1
    about, sums = store.read("repository.json") or b"", store.read("SHA256SUMS") or b""
    assert written.digests == indexes.read_sums(sums)
    paths = {path for path in store.files("") if not path.startswith(".nipack")}
    artifacts = {each.path: each.sha256 for each in PACKAGES[0].artifacts}
    assert written.digests.items() >= artifacts.items()
    # What is called after its content is named by what is listed.
    unlisted = paths - written.digests.keys() - {"repository.json", "SHA256SUMS"}
    assert all(re.search(r"[0-9a-f]{64}|\.metadata$", path) for path in unlisted)
    said = json.loads(about)
    assert (said["entry"], said["previous"]) == (state.digest, "")
    made_at, until = (datetime.fromisoformat(at[:-1]) for at in (said["date"], said["expires"]))
    assert until - made_at == timedelta(days=2)
    store.write("SHA256SUMS", sums + b"x")
    assert indexes.written(store, None).generation == 0
    # Another generation is told from this one.
    later = replace(state, repository=replace(state.repository, generation=2))
    assert not indexes.is_written(store, later)
