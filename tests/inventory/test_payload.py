"""What the records of an installed package say, and what of them is not believed."""

import json
from pathlib import Path

import pytest

from nipack.data import DataError
from nipack.inventory.payload import (
    NO_METADATA,
    find_manifest,
    metadata_of,
    read_manifest,
    read_metadata,
)

DIGEST = "a" * 64


def manifest(folder: Path, *lines: str) -> str:
    file = folder / "SHA256SUMS"
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return str(file)


def test_both_kinds_of_lines_and_links_are_read(tmp_path: Path) -> None:
    found = read_manifest(
        manifest(
            tmp_path,
            f"{DIGEST}  x/config.ini",
            f"{DIGEST.upper()} *x/deep/config.ini",
            "# symlink x/link -> deep/config.ini",
            "# any other remark",
            "",
        )
    )
    assert (found.directory, found.packages) == ("x", (str(tmp_path),))
    assert found.digests == {"config.ini": DIGEST, "deep/config.ini": DIGEST}
    assert found.links == {"link": "deep/config.ini"}


def test_data_beside_its_manifest_has_no_folder(tmp_path: Path) -> None:
    found = read_manifest(manifest(tmp_path, f"{DIGEST}  config.ini", f"{DIGEST}  a/b.nii"))
    assert (found.directory, set(found.digests)) == (".", {"config.ini", "a/b.nii"})
    other = read_manifest(found.file, "a")
    assert (other.directory, set(other.digests)) == ("a", {"config.ini", "b.nii"})


@pytest.mark.parametrize(
    "line", [f"{DIGEST[1:]}  x/a", f"{DIGEST}a  x/a", DIGEST, f"{DIGEST} ", f"{DIGEST}  ", "words"]
)
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    file = manifest(tmp_path, f"{DIGEST}  x/config.ini", line)
    with pytest.raises(DataError, match=r"SHA256SUMS:2: this is not of the form 'sha256  path'"):
        read_manifest(file)


def test_a_manifest_of_other_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"names no config\.ini, so it does not belong"):
        read_manifest(manifest(tmp_path, f"{DIGEST}  x/my-config.ini"))


def metadata(folder: Path, **document: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text(json.dumps(document), "utf-8")
    return folder


def test_every_field_of_metadata_is_read(tmp_path: Path) -> None:
    found = read_metadata(
        str(
            metadata(
                tmp_path,
                name="nipy-x",
                relpath="nipy/x",
                license="CC0-1.0",
                size=0,
                files={"a": 1, "b": 0},
                citation=[{"doi": "10.1/x"}, "text"],
            )
        )
    )
    assert (found.name, found.relpath, found.license) == ("nipy-x", "nipy/x", "CC0-1.0")
    assert (found.size, found.files) == (0, {"a": 1, "b": 0})
    assert found.citation == ({"doi": "10.1/x"},)


def test_a_part_has_the_name_of_its_whole(tmp_path: Path) -> None:
    folder = metadata(tmp_path, name="nipy-x-a", part_of="nipy-x")
    assert read_metadata(str(folder)).name == "nipy-x"


@pytest.mark.parametrize("size", [-1, 1 << 63, True, 1.0, "1", None])
def test_what_is_no_size_is_not_believed(tmp_path: Path, size: object) -> None:
    found = read_metadata(str(metadata(tmp_path, size=size, files={"a": size, "b": (1 << 63) - 1})))
    assert (found.size, found.files) == (None, {"b": (1 << 63) - 1})


@pytest.mark.parametrize("relpath", ["", "..", "a/..", "./a", "a//b", "/a", "a\x1b", 1, None])
def test_what_is_no_relpath_is_not_believed(tmp_path: Path, relpath: object) -> None:
    assert read_metadata(str(metadata(tmp_path, relpath=relpath))).relpath is None


@pytest.mark.parametrize("text", ["[]", "{", "null", "\x1b"])
def test_what_is_no_object_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text(text, "utf-8")
    assert read_metadata(str(tmp_path)) == NO_METADATA
    assert read_metadata(str(tmp_path / "none")) == NO_METADATA
    assert metadata_of(None) == NO_METADATA


def test_parts_of_a_whole_without_a_name_change_nothing(tmp_path: Path) -> None:
    records = tmp_path / "share/nipack/nipy-x"
    data = tmp_path / "share/nipy/nipy/x"
    data.mkdir(parents=True)
    records.mkdir(parents=True)
    manifest(records, f"{DIGEST}  share/nipy/nipy/x/config.ini")
    metadata(records, relpath="nipy/x", parts={"nipy-x-a": {}})
    found = find_manifest(str(data))
    assert found is not None
    assert found.digests == {"config.ini": DIGEST}


def test_files_of_the_folder_itself_keep_their_names(tmp_path: Path) -> None:
    found = read_manifest(
        manifest(tmp_path, f"{DIGEST}  ./config.ini", f"{DIGEST}  config.ini"), "."
    )
    assert set(found.digests) == {"./config.ini", "config.ini"}


@pytest.mark.parametrize("has_whole", [True, False])
def test_the_parts_of_a_whole_are_checked_as_one(tmp_path: Path, has_whole: bool) -> None:
    above, data = tmp_path / "share/nipack", tmp_path / "share/nipy/nipy/x"
    data.mkdir(parents=True)
    records: dict[str, tuple[str, dict[str, object]]] = {
        "nipy-x-a": ("a.nii", {"part_of": "nipy-x"}),
        "nipy-x-b": ("b.nii", {"part_of": "nipy-x"}),
        "nipy-y-c": ("c.nii", {"part_of": "nipy-y"}),
    }
    if has_whole:
        records["nipy-x"] = ("whole.nii", {"parts": {"nipy-x-a": {}, "nipy-x-b": {}}})
    for name, (file, said) in records.items():
        (above / name).mkdir(parents=True)
        lines = [f"{DIGEST}  share/nipy/nipy/x/{each}" for each in ("config.ini", file)]
        manifest(above / name, *lines)
        metadata(above / name, name=name, relpath="nipy/x", **said)
    found = find_manifest(str(data))
    assert found is not None
    assert {Path(each).name for each in found.packages} == records.keys() - {"nipy-y-c"}
    own = {"whole.nii"} if has_whole else set()
    assert set(found.digests) == {"config.ini", "a.nii", "b.nii", *own}


def test_a_malformed_manifest_is_told_of_only_where_it_is_the_directory_s(tmp_path: Path) -> None:
    above, data = tmp_path / "share/nipack", tmp_path / "share/nipy/nipy/x"
    for folder in (data, above / "other", above / "nipy-x"):
        folder.mkdir(parents=True)
    manifest(above / "other", "words")
    assert find_manifest(str(data)) is None
    manifest(above / "nipy-x", "words")
    with pytest.raises(DataError, match=r"nipy-x.SHA256SUMS:1: "):
        find_manifest(str(data))
