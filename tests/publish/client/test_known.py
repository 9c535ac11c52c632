"""Repositories that were added: what is believed of one, and what is said of the others."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.publish.client.repositories import Lab

from nipack.publish.client import known
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path / "lab")
    made.put()
    made.write()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "config" / "repositories"


def refusal(lab: Lab, folder: Path, **words: Any) -> str:
    with pytest.raises(RepositoryError) as caught:
        known.add(str(lab.folder), folder, **words)
    return str(caught.value)


def test_what_was_added_is_kept_and_forgotten(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lab.folder.parent)
    added = known.add("lab/", folder, unsigned=True)
    assert added == lab.known()
    assert known.repositories(folder) == [added]
    assert known.named("lab", [added]) is known.named(f"{lab.folder}/", [added]) is added
    with pytest.raises(RepositoryError) as caught:
        known.named("other", [added])
    assert str(caught.value) == (
        "other: is not a repository that you have added; nipack repository add ADDRESS does, and "
        "nipack repository list has all"
    )
    assert known.remove("lab", folder) == added
    assert known.repositories(folder) == []


def test_nobody_s_signature_is_said_to_be_missing(lab: Lab, folder: Path) -> None:
    said = f"{lab.folder}: is not signed, so nobody can verify who made it; if you trust it anyway,"
    assert refusal(lab, folder) == f"{said} use --unsigned"
    assert not folder.exists()


def test_another_repository_of_the_same_name_takes_no_place(
    lab: Lab, folder: Path, tmp_path: Path
) -> None:
    added = known.add(str(lab.folder), folder, unsigned=True)
    other = Lab(tmp_path / "other")
    other.write()
    assert refusal(other, folder, unsigned=True) == (
        f"{other.folder}: calls itself lab, as a repository that you have from {lab.folder}; if it "
        "moved: nipack repository remove lab"
    )
    assert known.repositories(folder) == [added]


def test_one_that_was_put_back_is_refused_and_one_of_another_name_is_the_same(
    lab: Lab, folder: Path
) -> None:
    added = known.add(str(lab.folder), folder, unsigned=True)
    lab.about["generation"] = 2
    lab.write()
    with pytest.raises(RepositoryError, match="is at generation 2, and you have seen 3: it was"):
        known.refreshed(added, folder)
    lab.about |= {"generation": 3, "name": "renamed"}
    lab.write()
    assert known.refreshed(added, folder).name == "lab"
    assert known.add(str(lab.folder), folder, unsigned=True).name == "lab"
    assert [path.name for path in folder.iterdir()] == ["lab.json"]


def test_a_damaged_file_of_the_user_s_is_named(lab: Lab, folder: Path) -> None:
    known.add(str(lab.folder), folder, unsigned=True)
    path = folder / "lab.json"
    document = json.loads(path.read_bytes())
    for damaged in ("", "[]", "{}", json.dumps({**document, "more": 1})):
        path.write_text(damaged, "utf-8")
        with pytest.raises(RepositoryError) as caught:
            known.repositories(folder)
        assert str(caught.value).startswith(f"{path}: cannot be read: ")
        assert str(caught.value).endswith("; delete it and add the repository again")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("repository.json", None, "is not a repository: it has no repository.json; check the ad"),
        ("repository.json", b"[1]", "is not of the form that nipack publishes: it has no name; c"),
        ("repository.json", b"{", "is not of the form that nipack publishes: "),
        ("repository.json", b'{"name": "A b"}', "it has no name"),
        ("SHA256SUMS", b"", "its SHA256SUMS or packages.json does not match its signature; try"),
        ("packages.json", b"{}", "its SHA256SUMS or packages.json does not match its signature"),
        ("packages.json", None, "its SHA256SUMS or packages.json does not match its signature"),
    ],
)
def test_what_is_no_repository_is_said(
    name: str, content: bytes | None, said: str, lab: Lab, folder: Path
) -> None:
    path = lab.folder / name
    path.write_bytes(content) if content is not None else path.unlink()
    assert said in refusal(lab, folder, unsigned=True)


@pytest.mark.parametrize("field", ["title", "generation", "date"])
def test_lists_of_another_form_are_refused(field: str, lab: Lab, folder: Path) -> None:
    del lab.about[field]
    lab.write()
    assert "its lists are not of the form that nipack publishes: " in refusal(
        lab, folder, unsigned=True
    )


def test_one_that_is_published_to_meanwhile_is_read_again(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (lab.folder / "packages.json").read_bytes()
    (lab.folder / "packages.json").write_bytes(b"{}")
    pauses: list[float] = []

    def published(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            (lab.folder / "packages.json").write_bytes(rows)

    monkeypatch.setattr(known, "time", SimpleNamespace(sleep=published))
    assert known.add(str(lab.folder), folder, unsigned=True).packages == tuple(lab.rows)
    assert len(pauses) == 3


def test_the_key_that_it_had_is_the_one_that_is_believed(
    lab: Lab, folder: Path, key: Path, tmp_path: Path
) -> None:
    signer = signer_of(str(key))
    lab.about["certificate"] = f"a comment\n{signer.certificate}"
    lab.write()
    assert "is not signed: the signature is not good: " in refusal(lab, folder)
    content = (lab.folder / "repository.json").read_bytes()
    (lab.folder / "repository.json.asc").write_bytes(signer.detached(content))
    added = known.add(str(lab.folder), folder)
    assert added.fingerprint == signer.fingerprint
    assert added.certificate is not None
    assert added.certificate.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    # Whoever drops the certificate is not believed to have none.
    del lab.about["certificate"]
    lab.write()
    with pytest.raises(RepositoryError) as caught:
        known.refreshed(added, folder)
    assert f"is not signed by the key that it had when you added it, {signer.fingerprint}: " in str(
        caught.value
    )
    assert f"nipack repository remove {lab.folder}, and add it again" in str(caught.value)


def test_a_package_is_found_by_its_name_and_the_whole_by_its_relpath(lab: Lab) -> None:
    lab.rows.clear()
    part = lab.put(name="nipy-x-a", part_of="nipy-x")
    old_part = lab.put(name="nipy-x-longer")
    whole = lab.put(name="nipy-x")
    found = lab.known()
    assert found.find("nipy-x") == whole
    assert found.find("nipy-x-a") == part
    assert found.find("nipy-x-longer") == old_part
    assert found.find("nipy/x") == whole
    assert found.find("nipy/y") is None
