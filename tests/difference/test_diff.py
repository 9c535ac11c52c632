"""`nipack diff`: what changed, and whether results would."""

import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from nipack.cli.app import nipack
from nipack.difference.versions import (
    Content,
    Release,
    Side,
    changed_images,
    compare_versions,
    document,
)
from nipack.difference.voxels import compare_images
from nipack.difference.words import changelog_lines

nib: Any = importlib.import_module("nibabel")
gifti = nib.gifti
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def volume(shape: tuple[int, ...] = (6, 7, 8), kind: type = np.int16) -> Any:
    return np.arange(np.prod(shape)).reshape(shape).astype(kind)


def save(path: Path, data: Any, affine: Any = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine)
    nib.save(image, path)
    return path


def package(top: Path, version: str, files: dict[str, Any]) -> Path:
    """Write a data package: bytes as they are, arrays as images."""
    data = top / "templates"
    data.mkdir(parents=True)
    (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
    for name, content in files.items():
        if isinstance(content, bytes):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_bytes(content)
        else:
            save(data / name, content)
    return top


def side(version: str, contents: dict[str, str]) -> Side:
    """Return a side of which no more than the digests is known."""
    release = Release(source="x", version=version, payload_id="", size=0)
    sizes = {path: None if each.startswith("-> ") else 1 for path, each in contents.items()}
    return Side(
        release=release,
        contents={path: Content(each, sizes[path]) for path, each in contents.items()},
    )


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(nipack, ["diff", *map(str, words)])
    return result.exit_code, result.stdout


def test_a_value_that_changed_is_counted_and_found(tmp_path: Path) -> None:
    data = volume()
    changed = data.copy()
    changed[1, 2, 3] += 100
    changed[0, 0, 0] -= 1
    found = compare_images(save(tmp_path / "a.nii.gz", data), save(tmp_path / "b.nii.gz", changed))
    assert found is not None
    assert (found.values, found.differing, found.largest, found.where) == (336, 2, 100.0, (1, 2, 3))
    assert not found.same_for_analysis


@pytest.mark.parametrize("name", ["b.nii", "b.nii.gz", "b.mgz", "b.img"])
def test_another_file_format_or_compression_is_no_difference(tmp_path: Path, name: str) -> None:
    old = save(tmp_path / "a.nii", volume())
    new = tmp_path / name
    save(new, volume(), nib.load(old).affine)
    found = compare_images(old, new)
    assert found is not None
    assert found.same_for_analysis, found


def test_values_are_compared_as_they_are_scaled(tmp_path: Path) -> None:
    old = save(tmp_path / "a.nii", volume(kind=np.float32))
    halves = nib.Nifti1Image((volume() * 2).astype(np.int16), AFFINE)
    halves.header.set_slope_inter(1, 0)
    nib.save(halves, tmp_path / "b.nii")
    raw = bytearray((tmp_path / "b.nii").read_bytes())
    raw[112:116] = np.float32(0.5).tobytes()  # scl_slope of NIfTI-1
    (tmp_path / "b.nii").write_bytes(raw)
    found = compare_images(old, tmp_path / "b.nii")
    assert found is not None
    assert (found.differing, found.old.data_type, found.new.data_type) == (0, "float32", "int16")


def test_nan_is_nan(tmp_path: Path) -> None:
    data = volume(kind=np.float32)
    data[0, 0, 0] = np.nan
    other = data.copy()
    other[5, 5, 5] = np.nan
    old, same = save(tmp_path / "a.nii", data), save(tmp_path / "b.nii.gz", data)
    found = compare_images(old, same)
    assert found is not None
    assert found.differing == 0
    found = compare_images(old, save(tmp_path / "c.nii", other))
    assert found is not None
    assert (found.differing, found.largest, found.where) == (1, None, None)


def test_a_moved_image_is_told_by_how_far(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] = 1.5
    found = compare_images(
        save(tmp_path / "a.nii", volume()), save(tmp_path / "b.nii", volume(), moved)
    )
    assert found is not None
    assert (found.affine, found.differing, found.same_for_analysis) == (1.5, 0, False)
    assert "affine: voxels moved by up to 1.5 mm" in found.lines()


def test_images_of_other_shapes_are_told_and_not_compared(tmp_path: Path) -> None:
    found = compare_images(
        save(tmp_path / "a.nii", volume()), save(tmp_path / "b.nii", volume((6, 7, 9)))
    )
    assert found is not None
    assert found.lines()[0] == "shape: 6 x 7 x 8 is now 6 x 7 x 9"
    assert (found.differing, found.not_compared) == (None, "the shapes differ")


def test_a_surface_is_compared_by_its_numbers(tmp_path: Path) -> None:
    def surface(path: Path, points: Any) -> Path:
        array = gifti.GiftiDataArray(points, intent="NIFTI_INTENT_POINTSET")
        nib.save(gifti.GiftiImage(darrays=[array]), path)
        return path

    points = np.arange(30, dtype=np.float32).reshape(10, 3)
    moved = points.copy()
    moved[4, 1] += 0.25
    found = compare_images(surface(tmp_path / "a.gii", points), surface(tmp_path / "b.gii", moved))
    assert found is not None
    assert (found.values, found.differing, found.largest) == (30, 1, 0.25)


def test_what_is_no_image_is_not_compared(tmp_path: Path) -> None:
    old, new = tmp_path / "a.nii", tmp_path / "b.nii"
    old.write_bytes(b"x" * 400)
    new.write_bytes(b"y" * 400)
    assert compare_images(old, new) is None


def test_the_command_tells_what_came_went_moved_and_changed(tmp_path: Path) -> None:
    changed = volume()
    changed[3, 3, 3] = 0
    old = {"T1.nii.gz": volume(), "gone.txt": b"gone", "before.txt": b"the same"}
    new = {"T1.nii.gz": changed, "new.txt": b"new", "after.txt": b"the same"}
    sides = package(tmp_path / "old", "0.2", old), package(tmp_path / "new", "0.3", new)
    code, out = run(*sides, "--exit-code")
    assert code == 1
    assert out.startswith("0.2 (")
    assert "\nAdded:\n  new.txt\n" in out
    assert "\nRemoved:\n  gone.txt\n" in out
    assert "\nMoved:\n  before.txt -> after.txt\n" in out
    assert "    values: 1 of 336 (0.30%), by up to 195 at [3, 3, 3]\n" in out
    assert out.endswith("may change: run them again.\n")
    document = json.loads(run(*sides, "--json")[1])
    assert (document["same_data"], document["same_for_analysis"]) == (False, False)
    assert document["changed"][0]["image"]["where"] == [3, 3, 3]


def test_data_that_only_got_company_or_other_compression_stays_as_it_is(tmp_path: Path) -> None:
    old = package(tmp_path / "old", "0.2", {"T1.nii.gz": volume()})
    image = (old / "templates" / "T1.nii.gz").read_bytes()
    stored = gzip.compress(gzip.decompress(image), 1, mtime=1)
    new = package(tmp_path / "new", "0.3", {"T1.nii.gz": stored, "more.txt": b"more"})
    code, out = run(old, new, "--exit-code")
    assert code == 0
    assert "only the way it is stored changed" in out
    assert out.endswith(
        "Every path leads to the same values as before: results stay as they are.\n"
    )


def test_a_new_version_of_the_same_data_is_the_same_data(tmp_path: Path) -> None:
    files = {"T1.nii.gz": volume(), "a.txt": b"a"}
    sides = (package(tmp_path / f"{n}", f"0.{n}", files) for n in (2, 3))
    assert run(*sides, "--exit-code")[1].endswith(
        "\nThe data is the same: results stay as they are.\n"
    )


def test_the_picture_shows_where_the_largest_difference_is(tmp_path: Path) -> None:
    data = np.zeros((20, 30, 40), np.int16)
    data[5:15, 5:25, 5:35] = 50
    changed = data.copy()
    changed[7, 8, 9] = 500
    sides = (
        package(tmp_path / "old", "0.2", {"sub/T1.nii.gz": data}),
        package(tmp_path / "new", "0.3", {"sub/T1.nii.gz": changed}),
    )
    code, out = run(*sides, "--picture", tmp_path / "pictures")
    target = tmp_path / "pictures" / "sub" / "T1.nii.gz.png"
    assert code == 0
    assert f"picture: {target}" in out
    pixels = np.asarray(Image.open(target)).astype(int)
    red = (pixels[..., 0] - pixels[..., 2]) > 100
    third = pixels.shape[0] * 2 // 3
    assert red[third:].any()
    assert not red[:third].any()


def test_what_is_said_of_many_is_short_in_a_changelog_and_whole_in_data() -> None:
    old = side("0.2", {f"{number}.txt": "a" for number in range(8)})
    new = side("0.3", {f"{number}.txt": "b" for number in range(8)} | {"x\n* y.txt": "c"})
    found = compare_versions(old, new)
    assert changelog_lines(found) == [
        "Added: x?? y.txt",
        "Changed: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more",
    ]
    assert len(document(found)["changed"]) == 8
    assert changelog_lines(compare_versions(old, old)) == ["The data is the same"]


def test_config_ini_counts_where_the_version_is_the_same() -> None:
    old, new = side("0.3", {"config.ini": "a"}), side("0.3", {"config.ini": "b"})
    assert [each.path for each in compare_versions(old, new).changed] == ["config.ini"]
    assert compare_versions(old, side("0.4", {"config.ini": "b"})).same_data


def test_images_that_need_their_files_are_named_beforehand() -> None:
    old = side("0.2", {"a.nii": "a", "b.nii": "b", "t.txt": "t", "l.nii": "-> a.nii"})
    new = side("0.3", {"a.nii": "A", "b.nii": "b", "t.txt": "T", "l.nii": "L", "n.nii": "n"})
    assert changed_images(old, new) == ("a.nii",)
    found = compare_versions(old, new)
    assert not found.images_compared
    assert [(each.path, each.image) for each in found.changed] == [
        ("a.nii", None),
        ("l.nii", None),
        ("t.txt", None),
    ]


def test_a_bad_side_is_an_error(tmp_path: Path) -> None:
    good = package(tmp_path / "old", "0.2", {"a.txt": b"a"})
    assert run(good, tmp_path / "nowhere")[0] == 1
