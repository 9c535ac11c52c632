"""What the records of an installed package say, and what of them is not believed."""

import json
from pathlib import Path

import pytest

from nipack.data import DataError
from nipack.inventory.payload import (
    NO_METADATA,
    Manifest,
    find_manifest,
    metadata_of,
    parse_json,
    read_json,
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


def test_a_part_without_a_config_is_known_by_its_relpath(tmp_path: Path) -> None:
    records, data = tmp_path / "share/nipack/nipy-x-a", tmp_path / "share/nipy/nipy/x"
    for folder in (records, data):
        folder.mkdir(parents=True)
    file = manifest(records, f"{DIGEST}  share/nipy/nipy/x/a.nii")
    metadata(records, name="nipy-x-a", part_of="nipy-x", relpath="nipy/x")
    found = find_manifest(str(data))
    assert found is not None
    assert (found.file, found.directory) == (file, "share/nipy/nipy/x")
    assert (found.digests, found.packages) == ({"a.nii": DIGEST}, (str(records),))
    metadata(records, name="nipy-x-a", part_of="nipy-x", relpath="nipy/..")
    assert find_manifest(str(data)) is None
    metadata(records, name="nipy-x-a", relpath="nipy/x")
    assert find_manifest(str(data)) is None


def test_links_of_all_parts_and_their_sizes_are_those_of_one(tmp_path: Path) -> None:
    above, data = tmp_path / "share/nipack", tmp_path / "share/nipy/nipy/x"
    data.mkdir(parents=True)
    for name, size in (("a", 3), ("b", 4)):
        (above / f"nipy-x-{name}").mkdir(parents=True)
        lines = [f"{DIGEST}  share/nipy/nipy/x/{each}" for each in ("config.ini", name)]
        link = f"# symlink share/nipy/nipy/x/to-{name} -> {name}"
        manifest(above / f"nipy-x-{name}", *lines, link)
        metadata(
            above / f"nipy-x-{name}",
            name=f"nipy-x-{name}",
            part_of="nipy-x",
            relpath="nipy/x",
            license="CC0-1.0",
            size=99,
            files={"config.ini": 1, name: size},
        )
    found = find_manifest(str(data))
    assert found is not None
    assert found.links == {"to-a": "a", "to-b": "b"}
    said = metadata_of(found)
    assert (said.name, said.license, said.size) == ("nipy-x", "CC0-1.0", 8)
    assert said.files == {"config.ini": 1, "a": 3, "b": 4}
    assert metadata_of(found.replace(packages=found.packages[:1])).size == 99
    for name in "ab":
        metadata(above / f"nipy-x-{name}", name=f"{name}", license=f"of {name}")
    assert metadata_of(found).license == "of a", "that of the whole comes first"


@pytest.mark.parametrize("depth", range(8))
def test_records_are_looked_for_below_six_folders(depth: int, tmp_path: Path) -> None:
    """For so long as the prefix may be above: `share/nipy/nipy/templates` needs four."""
    data = tmp_path.joinpath(*"abcdefgh"[:depth], "x")
    data.mkdir(parents=True)
    records = tmp_path / "share/nipack/other"
    records.mkdir(parents=True)
    inner = data.relative_to(tmp_path).as_posix()
    manifest(records, f"{DIGEST}  {inner}/config.ini")
    found = find_manifest(str(data))
    assert (found is not None) is (depth < 5)


@pytest.mark.parametrize(
    ("place", "line", "found"),
    [
        ("x", "config.ini", True),
        ("x", "share/nipy/nipy/x/config.ini", True),
        ("x", "share/nipy/nipy/y/config.ini", False),
        (".", "x/config.ini", True),
        (".", "share/nipy/nipy/x/config.ini", True),
        (".", "y/config.ini", False),
        ("..", "x/config.ini", False),
    ],
)
def test_a_manifest_beside_the_data_or_one_above_it_is_its_own(
    place: str, line: str, found: bool, tmp_path: Path
) -> None:
    top = tmp_path / "above" / "top"
    (top / "x").mkdir(parents=True)
    (top / place / "SHA256SUMS").write_text(f"{DIGEST}  {line}\n", "utf-8")
    assert (find_manifest(str(top / "x")) is not None) is found


def test_the_likely_records_are_read_first_and_by_their_names(tmp_path: Path) -> None:
    data = tmp_path / "share/nipy/nipy/x_Y"
    data.mkdir(parents=True)
    for name in ("aaa", "nipy-x-y", "zzz"):
        (tmp_path / "share/nipack" / name).mkdir(parents=True)
        lines = [f"{DIGEST}  share/nipy/nipy/x_Y/config.ini"]
        manifest(tmp_path / "share/nipack" / name, *lines)
    found = find_manifest(str(data))
    assert found is not None
    assert found.packages == (str(tmp_path / "share/nipack/nipy-x-y"),)
    (tmp_path / "link").symlink_to(data)
    assert find_manifest(str(tmp_path / "link")) == found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "is not UTF-8; install the package again"),
        (None, "cannot be read (No such file or directory); name another, or make it readable"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_told_with_the_remedy(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "SHA256SUMS"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_manifest(str(file))
    assert str(caught.value) == f"{file}: {said}"


def test_the_ends_of_lines_of_windows_and_the_topmost_config_are_read(tmp_path: Path) -> None:
    file = tmp_path / "SHA256SUMS"
    lines = [f"{DIGEST}  {path}\r\n" for path in ("a/b/config.ini", "a/config.ini", "a/c d")]
    file.write_text("".join(lines), "utf-8", newline="")
    assert read_manifest(str(file)) == Manifest(
        file=str(file),
        directory="a",
        digests=dict.fromkeys(["b/config.ini", "config.ini", "c d"], DIGEST),
        links={},
        packages=(str(tmp_path),),
    )


def test_json_is_an_object_or_nothing(tmp_path: Path) -> None:
    assert parse_json(b'{"a": 1}') == {"a": 1}
    assert parse_json(b"[1]") == parse_json(b"{") == {}
    (tmp_path / "a").write_bytes(b'{"a": 1}')
    assert read_json(str(tmp_path / "a")) == {"a": 1}
    assert read_json(str(tmp_path)) == {}


def test_a_text_of_metadata_is_one_that_can_be_printed(tmp_path: Path) -> None:
    found = read_metadata(str(metadata(tmp_path, name="a\x1b", license=7, files=[], citation={})))
    assert found == NO_METADATA
