"""What somebody has signed is carried only if it is of this file."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nipack.publish.attestations import belongs_to, found_beside
from nipack.publish.ecosystems import Attestations
from nipack.publish.errors import RepositoryError
from nipack.system import limits

SHA256 = hashlib.sha256(b"artifact").hexdigest()
MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def statement(*digests: str) -> str:
    return encoded(json.dumps({"subject": [{"digest": {"sha256": d}} for d in digests]}).encode())


def signed(digest: str) -> dict[str, Any]:
    return {"messageDigest": {"digest": encoded(bytes.fromhex(digest))}}


def beside(tmp_path: Path, document: object, name: str = "a.deb.sigstore.json") -> Attestations:
    (tmp_path / name).write_text(json.dumps(document), "utf-8")
    return found_beside(tmp_path / "a.deb", SHA256)


@pytest.mark.parametrize(
    ("name", "artifact"),
    [
        ("a.deb.sigstore.json", "a.deb"),
        ("a.whl.publish.attestation", "a.whl"),
        ("a.deb", None),
        ("sigstore.json", None),
        ("a.sigstore.json.asc", None),
    ],
)
def test_it_is_called_after_its_artifact(name: str, artifact: str | None) -> None:
    assert belongs_to(Path("x", name)) == (None if artifact is None else Path("x", artifact))


def test_each_form_has_its_digests(tmp_path: Path) -> None:
    assert found_beside(tmp_path / "a.deb", SHA256) == Attestations()
    for document in (
        {"mediaType": MEDIA, "messageSignature": signed(SHA256)},
        {"mediaType": MEDIA, "dsseEnvelope": {"payload": statement("0" * 64, SHA256)}},
    ):
        found = beside(tmp_path, document)
        assert (json.loads(found.bundle), found.publish) == (document, b"")
    (tmp_path / "a.deb.sigstore.json").unlink()
    about: dict[str, Any] = {"version": 1, "envelope": {"statement": statement(SHA256)}}
    found = beside(tmp_path, about, "a.deb.publish.attestation")
    assert (found.bundle, json.loads(found.publish)) == (b"", about)


@pytest.mark.parametrize(
    "document",
    [
        {"mediaType": MEDIA, "messageSignature": signed("0" * 64)},
        {"mediaType": MEDIA, "dsseEnvelope": {"payload": statement("0" * 64)}},
        {"mediaType": MEDIA, "dsseEnvelope": {"payload": statement()}},
    ],
)
def test_what_is_of_another_file_is_refused(document: object, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError) as caught:
        beside(tmp_path, document)
    assert str(caught.value) == (
        "a.deb.sigstore.json is of another file than this; sign this one, or move it away"
    )


@pytest.mark.parametrize(
    ("name", "document", "why"),
    [
        ("sigstore.json", [], "list indices must be integers or slices, not str"),
        ("sigstore.json", {}, "'mediaType'"),
        ("sigstore.json", {"mediaType": "x"}, "its mediaType is x"),
        ("sigstore.json", {"mediaType": MEDIA}, "'dsseEnvelope'"),
        ("sigstore.json", {"mediaType": 1}, "'int' object has no attribute 'startswith'"),
        (
            "sigstore.json",
            {"mediaType": MEDIA, "dsseEnvelope": {"payload": "!"}},
            "Only base64 data is allowed",
        ),
        ("publish.attestation", {"version": 2}, "its version is 2"),
        ("publish.attestation", {"version": 1}, "'envelope'"),
    ],
)
def test_what_is_of_another_form_is_refused(
    name: str, document: object, why: str, tmp_path: Path
) -> None:
    with pytest.raises(RepositoryError) as caught:
        beside(tmp_path, document, f"a.deb.{name}")
    assert str(caught.value) == (
        f"a.deb.{name} is not of the form that signers write ({why}); sign it again, or move it "
        "away"
    )


def test_it_is_no_larger_than_texts_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"mediaType": MEDIA, "messageSignature": signed(SHA256)}
    size = len(json.dumps(document))
    monkeypatch.setenv(limits.VARIABLE, f"text={size}")
    assert beside(tmp_path, document).bundle
    monkeypatch.setenv(limits.VARIABLE, f"text={size - 1}")
    with pytest.raises(RepositoryError) as caught:
        beside(tmp_path, document)
    assert str(caught.value) == (
        f"a.deb.sigstore.json is larger than such files are; {limits.how_to_raise('text')}"
    )
