"""What `nipack verify ADDRESS` finds of a repository that is not as it was signed."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from tests.publish.serving import made_key

from nipack.publish import flow, log, verification
from nipack.publish.client import known
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.stores.folder import FolderStore
from nipack.publish.stores.web import WebReader
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]


@pytest.fixture(scope="module")
def published(artifacts: Artifacts, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, signer = tmp_path_factory.mktemp("published") / "lab", signer_of(str(key))
    settings = flow.Settings(name="lab", address="https://data.lab.example")
    for version in ("0.1", "0.2"):
        flow.publish([artifacts[version][".deb"]], store_at(str(folder)), signer, settings)
    return folder


@pytest.fixture
def repository(published: Path, tmp_path: Path) -> Path:
    """One of two generations, to be damaged."""
    return Path(shutil.copytree(published, tmp_path / "lab"))


def test_one_that_nobody_has_touched_has_no_problem(repository: Path) -> None:
    assert check_repository(str(repository)).problems == ()


def test_the_key_is_the_one_that_is_asked_for(repository: Path, key: Path) -> None:
    fingerprint = signer_of(str(key)).fingerprint
    spelt = " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4)).lower()
    for asked in (fingerprint, spelt):
        check = check_repository(str(repository), fingerprint=asked)
        assert (check.problems, check.fingerprint) == ((), fingerprint)
    other = "0" * 40
    assert check_repository(str(repository), fingerprint=other).problems == (
        f"repository.json: is signed by {fingerprint}, and not by {other}",
    )


def test_what_it_says_of_itself_is_answered(repository: Path, tmp_path: Path) -> None:
    counts: list[int] = []
    check = check_repository(str(repository), against=str(repository), advance=counts.append)
    listed = (repository / "SHA256SUMS").read_text("utf-8").splitlines()
    assert (check.title, check.generation, check.behind) == ("lab", 2, 0)
    assert check.files == len(counts) == len(listed)
    assert sum(counts) == sum((repository / line[66:]).stat().st_size for line in listed)
    about = json.loads((repository / "repository.json").read_bytes())
    assert check.date == check.newest == about["date"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("repository.json", b"{}", "is damaged; publish again, or copy it again"),
        ("repository.json", b'{"generation": "x", "date": ""}', "is damaged; publish again"),
        ("repository.json", b'{"generation": 1, "date": "", "expires": 1}', "is damaged"),
        ("repository.json", None, "has no repository.json, so it is not a repository; check the"),
    ],
)
def test_what_is_no_repository_is_an_error(
    name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RepositoryError) as caught:
        check_repository(str(tmp_path))
    assert said in str(caught.value)


def test_what_is_not_signed_and_should_be_is_a_problem(repository: Path) -> None:
    about = json.loads((repository / "repository.json").read_bytes())
    del about["certificate"]
    (repository / "repository.json").write_text(json.dumps(about), "utf-8")
    assert check_repository(str(repository)).problems == ()
    assert check_repository(str(repository), fingerprint="AB 12").problems == (
        "repository.json: is not signed, and AB 12 should have signed it",
    )


@pytest.mark.parametrize("name", ["repository.json", "SHA256SUMS"])
def test_a_signature_that_is_gone_or_of_others_is_a_problem(repository: Path, name: str) -> None:
    path = repository / f"{name}.asc"
    signature = path.read_bytes()
    path.unlink()
    assert check_repository(str(repository)).problems == (f"{name}.asc: is missing",)
    other = {"repository.json": "SHA256SUMS", "SHA256SUMS": "repository.json"}[name]
    path.write_bytes((repository / f"{other}.asc").read_bytes())
    [problem] = check_repository(str(repository)).problems
    assert problem.startswith(f"{name}: the signature is not good: ")
    path.write_bytes(signature)
    assert check_repository(str(repository)).problems == ()


def test_an_artifact_and_an_index_are_what_was_published(repository: Path) -> None:
    [artifact] = (repository / "apt/pool").rglob("*0.1*.deb")
    path = artifact.relative_to(repository).as_posix()
    content = artifact.read_bytes()
    artifact.write_bytes(content + b" ")
    assert check_repository(str(repository)).problems == (f"{path}: is changed",)
    artifact.unlink()
    assert check_repository(str(repository)).problems == (f"{path}: is missing",)


def test_sums_of_another_generation_are_a_problem(repository: Path, key: Path) -> None:
    sums = (repository / "SHA256SUMS").read_bytes().splitlines(keepends=True)[1:]
    (repository / "SHA256SUMS").write_bytes(b"".join(sums))
    signature = signer_of(str(key)).detached(b"".join(sums))
    (repository / "SHA256SUMS.asc").write_bytes(signature)
    assert check_repository(str(repository)).problems == (
        "SHA256SUMS: does not belong to generation 2",
    )


def test_one_that_has_expired_is_a_problem(
    repository: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = json.loads((repository / "repository.json").read_bytes())
    about["expires"] = "2026-01-01T00:00:00Z"
    content = json.dumps(about).encode()
    (repository / "repository.json").write_bytes(content)
    (repository / "repository.json.asc").write_bytes(signer_of(str(key)).detached(content))
    monkeypatch.setattr(log, "now", lambda: "2026-01-01T00:00:00Z")
    assert check_repository(str(repository)).problems == ()
    monkeypatch.setattr(log, "now", lambda: "2026-01-01T00:00:01Z")
    assert check_repository(str(repository)).problems == (
        "repository.json: expired at 2026-01-01T00:00:00Z; refresh it",
    )


@pytest.mark.parametrize("generation", [1, 2])
def test_an_entry_of_the_log_is_the_one_that_was_signed(repository: Path, generation: int) -> None:
    path = log.entry_path(generation)
    entry = json.loads((repository / path).read_bytes())
    entry["nonce"] = "0" * 16
    (repository / path).write_text(json.dumps(entry), "utf-8")
    assert check_repository(str(repository)).problems == (f"{path}: is changed",)
    (repository / path).unlink()
    assert check_repository(str(repository)).problems == (f"{path}: is missing",)


@pytest.mark.parametrize("entry", [b"[]", b"{}", b"{"])
def test_an_entry_that_is_none_is_a_problem(entry: bytes) -> None:
    """One that was signed, so that its digest is right: by a publisher with a fault."""

    class Reader:
        address = "https://data.lab.example"

        def read(self, path: str) -> bytes | None:
            return entry

        def digest(self, path: str) -> tuple[int, str] | None:
            return None

    about = {"generation": 3, "entry": hashlib.sha256(entry).hexdigest()}
    assert list(verification._log_problems(Reader(), about)) == [
        ".nipack/log/00000003.json: is not of the form of an entry"
    ]


def test_an_address_of_the_web_is_read_by_http() -> None:
    reader = verification.reader_of("https://data.lab.example/lab/")
    assert isinstance(reader, WebReader)
    assert reader.address == "https://data.lab.example/lab"
    assert isinstance(verification.reader_of("lab"), FolderStore)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("InRelease", None, "is missing"),
        ("InRelease", b"Origin: another\n", "none of it can be trusted"),
        ("Release", b"Origin: another\n", "is changed"),
    ],
)
def test_what_apt_is_led_by_is_looked_at(
    repository: Path, name: str, content: bytes | None, said: str
) -> None:
    path = repository / "apt/dists/stable" / name
    path.write_bytes(content) if content else path.unlink()
    problems = check_repository(str(repository)).problems
    assert any(f"{name}: " in each and said in each for each in problems), problems


def test_a_repomd_without_its_signature_is_a_problem(repository: Path) -> None:
    (repository / "rpm/repodata/repomd.xml.asc").unlink()
    assert check_repository(str(repository)).problems == (
        "rpm/repodata/repomd.xml.asc: is missing",
    )


class Known:
    """A repository of a few files, which counts what is read."""

    address = "https://data.lab.example"

    def __init__(self, **files: bytes) -> None:
        self.files = {name.replace("__", "."): content for name, content in files.items()}

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def digest(self, path: str) -> tuple[int, str] | None:
        content = self.files.get(path)
        return None if content is None else (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "has no repository.json, so it is not a repository; check the "),
        (b"[]", "/repository.json: is damaged; publish again, or copy it again"),
        (b"{", "/repository.json: is damaged; publish again, or copy it again"),
        (b"{}", "/repository.json: is damaged; publish again, or copy it again"),
    ],
)
def test_what_says_nothing_of_itself_is_an_error(content: bytes | None, said: str) -> None:
    reader = Known() if content is None else Known(repository__json=content)
    with pytest.raises(RepositoryError) as caught:
        verification._about(reader)
    assert said in str(caught.value)
    assert str(caught.value).startswith(reader.address)


@pytest.mark.parametrize("name", ["certificate", "fingerprint", "expires"])
def test_what_it_says_of_its_key_and_end_is_text(name: str) -> None:
    about = {"generation": 1, "date": "2026-11-20T12:00:00Z", "title": "Lab"}
    for value in ("a", None):
        said = json.dumps(about | {name: value}).encode()
        assert verification._about(Known(repository__json=said))[0][name] == value
    with pytest.raises(RepositoryError, match="is damaged; publish again"):
        verification._about(Known(repository__json=json.dumps(about | {name: 1}).encode()))


def test_what_is_wrong_since_somebody_publishes_is_told_as_that(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile = "it was published to in the meantime; check it again"
    (repository / "SHA256SUMS.asc").unlink()
    assert meanwhile not in check_repository(str(repository)).problems

    def problems(*_: object) -> list[str]:
        with (repository / "repository.json").open("ab") as about:
            about.write(b" ")
        return ["a: is missing"]

    monkeypatch.setattr(verification, "_file_problems", problems)
    assert check_repository(str(repository)).problems[-1] == meanwhile


def test_each_file_is_compared_and_counted() -> None:
    reader = Known(b=b"good", a=b"other", c=b"")
    listed = {
        "b": hashlib.sha256(b"good").hexdigest(),
        "d": "0" * 64,
        "c": hashlib.sha256(b"").hexdigest(),
        "a": hashlib.sha256(b"good").hexdigest(),
    }
    counts: list[int] = []
    found = list(verification._file_problems(reader, listed, counts.append))
    assert found == ["a: is changed", "d: is missing"]
    assert sorted(counts) == [0, 4, 5]


def test_a_log_is_followed_to_where_everything_is_said() -> None:
    entries, previous = {}, None
    for generation in range(1, 5):
        document: dict[str, object] = {"previous": previous}
        if generation == 2:
            document["everything"] = {}
        content = json.dumps(document).encode()
        entries[log.entry_path(generation)] = content
        previous = hashlib.sha256(content).hexdigest()
    about = {"generation": 4, "entry": previous}
    reader = Known()
    reader.files = dict(entries)
    assert list(verification._log_problems(reader, about)) == []
    del reader.files[log.entry_path(1)]
    assert list(verification._log_problems(reader, about)) == []
    reader.files[log.entry_path(2)] += b" "
    assert list(verification._log_problems(reader, about)) == [
        ".nipack/log/00000002.json: is changed"
    ]
    del reader.files[log.entry_path(3)]
    assert list(verification._log_problems(reader, about)) == [
        ".nipack/log/00000003.json: is missing"
    ]


def test_a_key_is_named_where_another_has_signed(repository: Path) -> None:
    said = json.loads((repository / "repository.json").read_bytes())["fingerprint"]
    spaced = " ".join(said[n : n + 4] for n in range(0, 40, 4)).lower()
    assert check_repository(str(repository), fingerprint=spaced).problems == ()
    assert check_repository(str(repository), fingerprint="ab cd").problems == (
        f"repository.json: is signed by {said}, and not by ABCD",
    )
    assert verification._signature_problems(Known(), {}, b"") == (None, [])
    assert list(verification._key_problems({}, None, None, None)) == []
    assert list(verification._key_problems({}, None, "ABCD", None)) == [
        "repository.json: is not signed, and ABCD should have signed it"
    ]


def forged(repository: Path, folder: Path) -> tuple[str, str]:
    """Sign a repository with another's key, beside the certificate and the name of its own one.

    Return the fingerprint of the first, and that of who signed.
    """
    eve = signer_of(str(made_key(folder / "eve.key")))
    about = json.loads((repository / "repository.json").read_bytes())
    about["certificate"] += eve.certificate
    content = json.dumps(about).encode()
    sums = (repository / "SHA256SUMS").read_bytes()
    for name, signed in (("repository.json", content), ("SHA256SUMS", sums)):
        (repository / name).write_bytes(signed)
        (repository / f"{name}.asc").write_bytes(eve.detached(signed))
    return about["fingerprint"], eve.fingerprint


def test_who_signs_beside_the_certificate_of_another_is_not_taken_for_him(
    repository: Path, tmp_path: Path
) -> None:
    ada, eve = forged(repository, tmp_path)
    assert check_repository(str(repository)).fingerprint == eve
    assert check_repository(str(repository), fingerprint=ada).problems == (
        f"repository.json: is signed by {eve}, and not by {ada}",
    )
    assert known.add(str(repository), tmp_path / "added").fingerprint == eve


def test_a_repository_that_was_added_must_have_the_key_that_it_had(
    repository: Path, tmp_path: Path
) -> None:
    added = known.add(str(repository), tmp_path / "added")
    for address in (str(repository), f"{repository}/"):
        assert known.pinned_certificates(address, tmp_path / "added") == added.certificate
    assert known.pinned_certificates("https://elsewhere.example", tmp_path / "added") is None
    assert check_repository(str(repository), pinned=added.certificate).problems == ()
    ada, eve = forged(repository, tmp_path)
    told = f"repository.json: is signed by {eve}, and not by a key that it had when you added it, "
    assert check_repository(str(repository), pinned=added.certificate).problems == (told + ada,)
    about = json.loads((repository / "repository.json").read_bytes())
    (repository / "repository.json").write_text(json.dumps(about | {"certificate": None}), "utf-8")
    problems = check_repository(str(repository), pinned=added.certificate).problems
    assert "repository.json: is not signed, and was when you added it" in problems


def test_a_mirror_is_behind_by_generations(
    repository: Path, published: Path, tmp_path: Path
) -> None:
    found = check_repository(str(repository), against=str(published))
    about = json.loads((published / "repository.json").read_bytes())
    assert (found.behind, found.generation, found.title) == (0, 2, about["title"])
    assert (found.newest, found.date) == (about["date"], about["date"])
    assert found.files == len((published / "SHA256SUMS").read_text().splitlines())
    newer = shutil.copytree(published, tmp_path / "newer")
    (newer / "repository.json").write_text(json.dumps(about | {"generation": 9}), "utf-8")
    assert check_repository(str(repository), against=str(newer)).behind == 7
    del about["title"], about["certificate"], about["fingerprint"]
    (repository / "repository.json").write_text(json.dumps(about), "utf-8")
    alone = check_repository(str(repository))
    assert (alone.behind, alone.newest) == (None, None)
    assert (alone.title, alone.fingerprint) == ("", None)
