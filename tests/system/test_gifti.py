"""A GIFTI file takes no more memory than it says, and names no other file."""

from base64 import b64encode
from pathlib import Path
from zlib import compress

import numpy as np
import pytest
from nibabel.gifti.gifti import GiftiDataArray, GiftiImage

from nipack.builder.check.images import image_problems
from nipack.difference.voxels import compare_images
from nipack.system import gifti
from nipack.system.gifti import NotReadError, read_gifti

POINTS = np.arange(12, dtype="f4").reshape(4, 3)


def text() -> str:
    array = GiftiDataArray(POINTS, "NIFTI_INTENT_POINTSET")  # type: ignore[no-untyped-call]
    return bytes(GiftiImage(darrays=[array]).to_bytes()).decode()  # type: ignore[no-untyped-call]


def bomb() -> str:
    inside = b64encode(compress(bytes(64_000_000), 9)).decode()
    start, _, rest = text().partition("<Data>")
    return f"{start}<Data>{inside}</Data>{rest.partition('</Data>')[2]}"


def external() -> str:
    """An array that is to be read of a file without end."""
    start, _, rest = text().partition("<Data>")
    start = start.replace("GZipBase64Binary", "ExternalFileBinary")
    start = start.replace('ExternalFileName=""', 'ExternalFileName="/dev/zero"')
    return f"{start}<Data></Data>{rest.partition('</Data>')[2]}"


def saved(folder: Path, content: str) -> Path:
    path = folder / "lh.gii"
    path.write_text(content, "utf-8")
    return path


def test_it_is_what_nibabel_reads(tmp_path: Path) -> None:
    [array] = read_gifti(saved(tmp_path, text())).darrays
    assert np.array_equal(array.data, POINTS)


@pytest.mark.slow(1)
def test_an_array_that_inflates_is_damage(tmp_path: Path) -> None:
    path = saved(tmp_path, bomb())
    with pytest.raises(ValueError, match="larger than its dimensions"):
        read_gifti(path)
    [problem] = image_problems(path, "lh.gii", path.stat().st_size)
    assert "an array is larger than its dimensions" in problem.message
    assert compare_images(path, path) is None


def test_no_other_file_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path, external())
    with pytest.raises(NotReadError, match="lie in other files"):
        read_gifti(path)
    assert list(image_problems(path, "lh.gii", path.stat().st_size)) == []
    assert compare_images(path, path) is None


def test_what_is_too_large_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, text())
    for most in (100, path.stat().st_size):  # the file, then its array
        monkeypatch.setattr(gifti, "MOST_BYTES", most)
        with pytest.raises(NotReadError, match=f"larger than {most:,} bytes"):
            read_gifti(saved(tmp_path, text().replace('Dim0="4"', 'Dim0="4000"')))
    assert list(image_problems(path, "lh.gii", path.stat().st_size)) == []
