"""Images that are known to be good by their header: of each of them nibabel says the same."""

import gzip
import random
import struct
from pathlib import Path

import pytest

from nipack.builder.check import images
from nipack.builder.check.plain_nifti import is_plain_nifti

SIZE = 352 + 2 * 3 * 4 * 2


def header(order: str = "<") -> bytearray:
    """Return that of an image of 2 by 3 by 4 whole numbers of 16 bits."""
    made = bytearray(352)
    struct.pack_into(f"{order}i", made, 0, 348)
    struct.pack_into(f"{order}8h", made, 40, 3, 2, 3, 4, 1, 1, 1, 1)
    struct.pack_into(f"{order}2h", made, 70, 4, 16)
    struct.pack_into(f"{order}8f", made, 76, -1, 1, 2, 0.5, 0, 0, 0, 0)
    struct.pack_into(f"{order}3f", made, 108, 352, 1, 0)
    struct.pack_into(f"{order}2h18f", made, 252, 4, 0, 0.6, 0, 0.8, *range(15))
    made[344:348] = b"n+1\0"
    return made


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_plain_image_is_one(order: str) -> None:
    start = bytes(header(order))
    assert is_plain_nifti("T1.nii", start, SIZE)
    assert is_plain_nifti("T1.NII", start + b"voxels", SIZE + 1)
    assert is_plain_nifti("T1.nii.GZ", gzip.compress(start + bytes(9999))[:1000], SIZE)


def test_what_is_cut_or_is_called_otherwise_is_none() -> None:
    start = bytes(header())
    assert not is_plain_nifti("T1.nii", start, SIZE - 1)
    assert not is_plain_nifti("T1.nii", start[:351], SIZE)
    assert not is_plain_nifti("T1.nii.gz", start, SIZE)
    assert not is_plain_nifti("T1.nii.gz", b"", SIZE)
    assert not is_plain_nifti("T1.nii.gz", gzip.compress(start[:351]), SIZE)
    assert not is_plain_nifti("T1.mgz", gzip.compress(start), SIZE)
    assert not is_plain_nifti("T1.hdr", start, SIZE)


@pytest.mark.parametrize(
    ("place", "kind", "value"),
    [
        *[(0, "i", 540), (0, "i", 349), (344, "4s", b"ni1\0"), (348, "B", 1), (351, "B", 1)],
        *[(40, "h", 0), (40, "h", 8), (40, "h", -1), (42, "h", 0), (46, "h", -1), (46, "h", 5)],
        *[(70, "h", 128), (70, "h", 512 + 1), (72, "h", 8), (108, "f", 368), (108, "f", 0)],
        *[(76, "f", 0), (76, "f", 2), (80, "f", 0), (84, "f", -1), (88, "f", float("nan"))],
        *[(104, "f", float("inf")), (112, "f", float("nan")), (116, "f", float("inf"))],
        *[(252, "h", 5), (254, "h", -1), (256, "f", 0.61), (260, "f", 1.1), (264, "f", -2)],
        *[(268, "f", float("nan")), (324, "f", float("inf"))],
    ],
)
def test_what_has_anything_odd_is_for_nibabel(place: int, kind: str, value: object) -> None:
    made = header()
    struct.pack_into(f"<{kind}", made, place, value)
    assert not is_plain_nifti("T1.nii", bytes(made), SIZE)


@pytest.mark.slow(5)
def test_nibabel_opens_what_is_plain(tmp_path: Path) -> None:
    chosen, path, plain = random.Random(2026), tmp_path / "a.nii", 0
    odd = [0.0, 1.0, -1.0, 0.5, 1e-30, 1e30, 3e38, -3e38, 0.57735026, 1e-45]
    for _ in range(1500):
        made = header(chosen.choice("<>"))
        for _ in range(chosen.randrange(4)):
            if chosen.random() < 0.5:
                made[chosen.randrange(352)] = chosen.choice([0, 1, 2, 127, 128, 255])
            else:
                struct.pack_into("<f", made, 4 * chosen.randrange(10, 80), chosen.choice(odd))
        content = bytes(made) + bytes(SIZE - 352)
        if is_plain_nifti(path.name, content, SIZE):
            plain += 1
            path.write_bytes(content)
            assert list(images.image_problems(path, "a.nii", SIZE)) == []
    assert plain > 300


@pytest.mark.parametrize("start", [b"", bytes(header())])
def test_nibabel_is_asked_of_what_is_not_plain(
    start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(images, "opened", asked.append)
    list(images.image_problems(tmp_path / "a.nii", "a.nii", SIZE, start))
    assert asked == ([] if start else [tmp_path / "a.nii"])
