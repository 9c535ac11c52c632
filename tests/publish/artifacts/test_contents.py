"""What an artifact's package.json and SHA256SUMS tell of it, field by field."""

import hashlib
import io
import json
from typing import Any

import pytest

from nipack.publish.artifacts.contents import (
    Contents,
    checked_package_in,
    digest_of,
    joined_texts,
    package_in,
    package_of,
    parts_said,
)
from nipack.publish.errors import RepositoryError
from nipack.system import limits

ROOT = "share/nipy/nipy/x"
DIGEST = "a" * 64
SUMS = f"{DIGEST}  {ROOT}/deep/a.nii\n# symlink {ROOT}/link -> deep/a.nii\n".encode()
STATED: dict[str, Any] = {
    "name": "nipy-x",
    "version": "1.0",
    "relpath": "nipy/x",
    "payload_id": hashlib.sha256(SUMS).hexdigest(),
    "size": 5,
    "files": {"deep/a.nii": 5},
    "summary": "brain data",
    "description": "more of it",
    "homepage": "https://lab.example/x",
    "license": "CC0-1.0",
    "authors": ["Ada", "Bob"],
    "citation": [{"doi": "10.1/x"}],
    "keywords": ["mri"],
    "species": ["human"],
    "space": ["MNI"],
    "resolution": ["1 mm"],
}


def document(**changes: object) -> bytes:
    kept = {name: value for name, value in (STATED | changes).items() if value is not None}
    return json.dumps(kept).encode()


def test_every_field_arrives() -> None:
    package = package_of(document(), SUMS)
    for name, value in STATED.items():
        if name != "files":
            expected = tuple(value) if isinstance(value, list) else value
            assert getattr(package, name) == expected
    assert [(each.path, each.size, each.sha256) for each in package.files] == [
        ("deep/a.nii", 5, DIGEST)
    ]
    assert [(each.path, each.target) for each in package.links] == [("link", "deep/a.nii")]


def test_what_is_not_said_is_empty() -> None:
    needed = ("name", "version", "relpath", "payload_id", "size", "files")
    package = package_of(document(**dict.fromkeys(STATED.keys() - set(needed))), SUMS)
    assert (package.summary, package.description) == ("", "")
    assert (package.homepage, package.license) == (None, None)
    for name in ("authors", "citation", "keywords", "species", "space", "resolution", "libraries"):
        assert getattr(package, name) == ()


def test_a_template_of_templateflow_is_for_templateflow() -> None:
    root = "share/nipy/templateflow/tpl-x"
    sums = f"{DIGEST}  {root}/a.nii\n".encode()
    stated = document(
        relpath="templateflow/tpl-x",
        payload_id=hashlib.sha256(sums).hexdigest(),
        files={"a.nii": 5},
    )
    assert package_of(stated, sums).libraries == ("templateflow",)


@pytest.mark.parametrize("name", ["name", "version", "relpath", "payload_id", "size", "files"])
def test_what_is_needed_is_named(name: str) -> None:
    with pytest.raises(RepositoryError, match=f"not of the form that nipack writes: '{name}'"):
        package_of(document(**{name: None}), SUMS)


@pytest.mark.parametrize("name", ["", "-x", ".x", "X", "a b", "a/b", "a\n"])
def test_an_odd_name_is_refused(name: str) -> None:
    with pytest.raises(RepositoryError, match="is not a package name; build it again"):
        package_of(document(name=name), SUMS)


@pytest.mark.parametrize(
    "line",
    [
        f"{DIGEST[1:]}  {ROOT}/b",
        f"{DIGEST}a  {ROOT}/b",
        f"{'A' * 64}  {ROOT}/b",
        f"{DIGEST} {ROOT}/b",
        f"{DIGEST}  share/nipy/nipy/other/b",
        "words",
    ],
)
def test_a_line_that_is_not_of_the_manifest_is_refused(line: str) -> None:
    sums = f"{line}\n".encode()
    stated = document(payload_id=hashlib.sha256(sums).hexdigest(), files={"b": 1})
    with pytest.raises(RepositoryError, match="its SHA256SUMS has '"):
        package_of(stated, sums)


def test_another_manifest_is_refused() -> None:
    with pytest.raises(RepositoryError, match="its SHA256SUMS has the digest"):
        package_of(document(payload_id="b" * 64), SUMS)


def test_the_records_are_taken_where_they_lie_and_no_more_is_read() -> None:
    folder = "share/nipack/nipy-x"

    def members() -> Any:
        yield "package.json", io.BytesIO(b"of somebody else")
        yield f"{folder}/SHA256SUMS", io.BytesIO(SUMS)
        yield f"{folder}/package.json", io.BytesIO(document())
        raise AssertionError("nothing is to be read behind the records")

    assert package_in(members()).name == "nipy-x"
    with pytest.raises(RepositoryError, match=r"has no share/nipack/NAME/package\.json"):
        package_in(iter([(f"{folder}/SHA256SUMS", io.BytesIO(SUMS))]))


def test_parts_and_their_whole_are_told_from_others() -> None:
    assert parts_said(document(parts={"nipy-x-a": {}})) == "whole"
    assert parts_said(document(part_of="nipy-x")) == "part"
    assert parts_said(document()) == ""


def test_licences_are_joined_by_name_without_empty_ones() -> None:
    texts = [("b", b"two\n"), ("a", b"\none \xff\n"), ("c", b" \n")]
    assert joined_texts(texts) == "one \ufffd\n\ntwo"


def test_a_digest_is_that_of_all_of_the_content() -> None:
    content = bytes(3_000_000)
    assert digest_of(io.BytesIO(content)) == hashlib.sha256(content).hexdigest()


TEXTS = {"deep/a.nii": b"image", "b": b"", "c\udcff": b"odd"}


def checked(
    found: dict[str, bytes], *more: tuple[str, bytes], **stated: object
) -> tuple[tuple[str, int], ...]:
    """Return the files of a package of TEXTS whose artifact has what was found."""
    digests = {path: hashlib.sha256(text).hexdigest() for path, text in TEXTS.items()}
    lines = [f"{digest}  {ROOT}/{path}\n" for path, digest in digests.items()]
    sums = "".join(lines).encode("utf-8", "surrogateescape")
    sizes = {path: len(text) for path, text in TEXTS.items()}
    said = document(payload_id=hashlib.sha256(sums).hexdigest(), files=sizes, **stated)
    members = [(f"{ROOT}/{path}", text) for path, text in found.items()]
    members += [("share/nipack/nipy-x/SHA256SUMS", sums), ("etc/nipy/x.ini", b"[DATA]"), *more]
    members += [("share/nipack/nipy-x/package.json", said)]
    package = checked_package_in((path, io.BytesIO(text)) for path, text in members)
    return tuple((each.path, each.size) for each in package.files)


def test_all_of_the_data_is_compared() -> None:
    assert checked(TEXTS) == (("deep/a.nii", 5), ("b", 0), ("c\udcff", 3))
    assert checked({}, parts={"nipy-x-a": {}}) == checked(TEXTS)
    assert checked(TEXTS, parts={"nipy-x-a": {}}) == checked(TEXTS)
    digest = hashlib.sha256(b"other").hexdigest()[:16]
    with pytest.raises(RepositoryError) as caught:
        checked(TEXTS | {"deep/a.nii": b"other"})
    assert str(caught.value) == (
        f"its deep/a.nii has the digest {digest}, which its SHA256SUMS does not say; build it again"
    )


@pytest.mark.parametrize(
    ("found", "stated"),
    [
        ({"deep/a.nii"}, {}),
        ({"deep/a.nii"}, {"parts": {"nipy-x-a": {}}}),
        (set(), {"part_of": "nipy-x"}),
        (set(), {}),
    ],
)
def test_what_is_not_there_is_named_but_of_a_whole_that_has_none(
    found: set[str], stated: dict[str, object]
) -> None:
    with pytest.raises(RepositoryError) as caught:
        checked({path: TEXTS[path] for path in found}, **stated)
    assert str(caught.value) == "has no b, which its SHA256SUMS names; build it again"


@pytest.mark.parametrize("path", [f"{ROOT}/b", "share/nipack/nipy-x/package.json"])
def test_no_file_is_there_twice(path: str) -> None:
    said = path if path.startswith(ROOT) else "package.json"
    with pytest.raises(RepositoryError) as caught:
        checked(TEXTS, (path, b""))
    assert str(caught.value) == f"has two files {said}; build it again"


def test_records_are_taken_only_below_their_folder_and_told_when_both_are_there() -> None:
    contents = Contents()
    for path in ("package.json", "share/package.json", "share/nipack/x/other"):
        assert not contents.take_record(path, io.BytesIO(b""))
    assert not contents.take_record("share/nipack/x/SHA256SUMS", io.BytesIO(SUMS))
    assert contents.take_record("share/nipack/x/package.json", io.BytesIO(document()))
    assert contents.package().name == "nipy-x"
    with pytest.raises(RepositoryError) as caught:
        Contents().package()
    assert str(caught.value) == (
        "has no share/nipack/NAME/package.json, so nipack did not make it; "
        "make one with nipack build"
    )


def test_both_digests_are_named_where_the_records_do_not_agree() -> None:
    with pytest.raises(RepositoryError) as caught:
        package_of(document(payload_id="b" * 64), SUMS)
    assert str(caught.value) == (
        f"its SHA256SUMS has the digest {hashlib.sha256(SUMS).hexdigest()[:16]}, and its "
        f"package.json says {'b' * 16}; build it again"
    )


def test_a_whole_has_a_name_or_there_is_none() -> None:
    assert package_of(document(part_of="nipy-y"), SUMS).part_of == "nipy-y"
    assert package_of(document(), SUMS).part_of is None
    for name in ("", "Y", "a b", "-"):
        with pytest.raises(RepositoryError, match=f"'{name}' is not a package name"):
            package_of(document(part_of=name), SUMS)


def test_a_record_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    said = document()
    monkeypatch.setenv(limits.VARIABLE, f"record={len(said)}")
    assert package_of(said, SUMS).name == "nipy-x"
    assert parts_said(said) == ""
    monkeypatch.setenv(limits.VARIABLE, f"record={len(said) - 1}")
    with pytest.raises(RepositoryError, match="it has more than"):
        package_of(said, SUMS)
