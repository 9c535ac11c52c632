"""What changed since the version before, as a page shows it: from the log and stored answers."""

import json
import math
from dataclasses import replace
from io import BytesIO
from typing import IO, Any

import numpy as np
import pytest
from PIL import Image
from tests.publish.catalogue.samples import HARM, package, repository
from tests.publish.catalogue.test_pages import Page
from tests.publish.catalogue.test_pictures import Repository, image, wheel

from nipack.difference.voxels import ImageDifference, ImageSide
from nipack.publish.catalogue import changes, render
from nipack.publish.records import PublishedPackage

PAGE = "packages/nipy-templates/index.html"


class Versions(Repository):
    """A repository in memory with the data of several versions of one package."""

    def __init__(self) -> None:
        super().__init__({})
        self.packages: list[PublishedPackage] = []

    def add(self, version: str, files: dict[str, bytes], *, data: bool = True) -> None:
        self.packages.append(package(version=version, files=files))
        if data:
            self.artifacts[version] = wheel(files)

    def open(self, package: PublishedPackage) -> tuple[str, IO[bytes]] | None:
        self.opened.append(package.version)
        found = self.artifacts.get(package.version)
        return (f"{package.name}.whl", BytesIO(found)) if found else None

    def text(self) -> str:
        return " ".join(Page(self.publish(*self.packages)[PAGE]).text.split())

    def answer(self) -> Any:
        older, newer = self.packages
        return json.loads(self.files[changes.answer_path(older, newer)])


def volume(corner: float, kind: Any = np.float32) -> bytes:
    data = np.random.default_rng(1).random((20, 24, 22)).astype(kind)
    data[3, 4, 5] = corner
    return image(data)


@pytest.fixture
def two() -> Versions:
    there = Versions()
    there.add("0.2", {"T1.nii.gz": volume(1), "notes": b"1", "gone": b"2"})
    there.add("0.3", {"T1.nii.gz": volume(9), "notes": b"3", "new": b"4"})
    return there


def test_a_page_says_how_images_differ_and_shows_it(two: Versions) -> None:
    text = two.text()
    assert "Results of analyses that read what changed may change: run them again." in text
    assert "2 changed, 1 added, 1 removed since 0.2" in text
    assert "values: 1 of 10,560 (0.01%), by up to 8 at [3, 4, 5]" in text
    assert "by digest alone" not in text
    older, newer = two.packages
    path = changes.answer_path(older, newer)
    assert newer.payload_id[:32] in path
    assert older.payload_id[:32] in path
    picture = two.answer()["images"]["T1.nii.gz"]["picture"]
    with Image.open(BytesIO(two.files[picture["path"]])) as drawn:
        assert drawn.size == (picture["width"], picture["height"])
    assert f'src="../../{picture["path"]}"'.encode() in two.files[PAGE]


def test_what_is_stored_only_otherwise_leaves_results_as_they_are() -> None:
    there, data = Versions(), np.arange(64, dtype=np.int16).reshape(4, 4, 4)
    there.add("0.2", {"a.nii.gz": image(data)})
    there.add("0.3", {"a.nii.gz": image(data.astype(np.float32))})
    text = there.text()
    assert "Every path leads to the same values as before: results stay as they are." in text
    assert "data type: int16 is now float32" in text
    assert there.answer()["images"]["a.nii.gz"]["picture"] is None


def test_everyone_makes_the_same_page_of_what_is_stored(two: Versions) -> None:
    made = two.publish(*two.packages)

    class Reader:
        def read(self, path: str) -> bytes | None:
            return two.files.get(path)

    assert dict(render(repository(), two.packages, Reader())) == made
    two.opened.clear()
    assert two.publish(*two.packages) == made
    assert two.opened == []


@pytest.mark.parametrize("missing", ["0.2", "0.3"])
def test_without_the_data_of_one_the_digests_say_what_changed(missing: str) -> None:
    there = Versions()
    for version, corner in (("0.2", 1), ("0.3", 2)):
        there.add(version, {"T1.nii.gz": volume(corner)}, data=version != missing)
    text = there.text()
    assert "1 changed since 0.2" in text
    assert "1 image was compared by digest alone: the data of both versions, or a library" in text
    assert not [path for path in there.files if "since" in path]


def test_data_that_is_not_what_the_log_says_is_not_compared(two: Versions) -> None:
    two.artifacts["0.2"] = wheel({"T1.nii.gz": volume(7), "notes": b"1"})
    assert "1 image was compared by digest alone" in two.text()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_damaged_artifact_is_compared_by_digest(two: Versions, content: bytes) -> None:
    two.artifacts["0.2"] = content or b"x"
    assert "1 image was compared by digest alone" in two.text()


def test_images_that_are_too_large_are_said_to_be(two: Versions) -> None:
    two.packages = [
        replace(each, files=tuple(replace(file, size=300_000_000) for file in each.files))
        for each in two.packages
    ]
    text = two.text()
    assert "compared by digest alone: at most 512 MB of images is compared by voxel." in text
    assert two.opened.count("0.2") == 1  # for its own picture


def test_an_image_that_is_large_once_unpacked_ends_the_comparison(
    two: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_MOST_DECOMPRESSED", 50_000)
    assert "1 image was compared by digest alone" in two.text()


def test_what_json_has_no_number_for_is_left_out() -> None:
    side = ImageSide(shape=(1, 1, 1), zooms=(math.nan, 2.0), data_type="int16")
    found = changes._finite(ImageDifference(old=side, new=side, affine=math.inf))
    assert (found.affine, found.old.zooms, found.new.zooms) == (None, (2.0,), (2.0,))


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"images": {"T1.nii.gz": {}}}', b"{}"])
def test_a_damaged_answer_is_no_answer(two: Versions, content: bytes) -> None:
    two.publish(*two.packages)
    two.files[changes.answer_path(*two.packages)] = content
    text = " ".join(Page(dict(render(repository(), two.packages, two))[PAGE]).text.split())
    assert "1 image was compared by digest alone" in text


def test_names_of_images_that_are_code_are_shown() -> None:
    there, path = Versions(), f"{HARM}.nii.gz".replace("\u202e", "")
    there.add("0.2", {path: volume(1)})
    there.add("0.3", {path: volume(2)})
    assert "values: 1 of" in there.text()
    page = there.files[PAGE].decode()
    assert "<script>window.harmed" not in page
    assert '<figure class="difference"><img src="../../pictures/' in page


def test_a_version_between_two_gets_both_its_neighbours() -> None:
    there = Versions()
    for version, corner in (("0.2", 1), ("0.4", 3), ("0.3", 2)):
        there.add(version, {"T1.nii.gz": volume(corner)})
    old, new, between = there.packages
    there.publish(old, new)
    there.publish(old, new, between, new={between.key})
    stored = {path for path in there.files if "since" in path and path.endswith(".json")}
    pairs = ((old, new), (old, between), (between, new))
    assert stored == {changes.answer_path(*pair) for pair in pairs}


def test_a_file_of_an_answer_is_of_both_payloads() -> None:
    old, new = package(version="0.2"), package(version="0.3")
    path, ids = changes.answer_path(old, new), [old.payload_id[:32], new.payload_id[:32]]
    assert changes.is_of(path, ids)
    assert not changes.is_of(path, ids[:1])
    assert not changes.is_of(path, ids[1:])
    assert changes.is_of(f"pictures/{ids[1]}/facts.json", ids[1:])
