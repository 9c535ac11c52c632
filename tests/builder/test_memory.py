"""What a build and a comparison may take of the memory, however well data compresses."""

import gzip
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.commands import peak_memory

MEBIBYTE = 1 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="the module resource is of Unix")
@pytest.mark.slow
def test_a_build_of_what_compresses_well_stays_small(tmp_path: Path) -> None:
    data = tmp_path / "nipy-templates-0.3" / "templates"
    data.mkdir(parents=True)
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.3\n", "utf-8")
    zeros = bytes(MEBIBYTE)
    for name in ("labels.nii.gz", "more_labels.nii.gz"):
        with gzip.open(data / name, "wb", compresslevel=9) as output:
            for _ in range(400):
                output.write(zeros)
    with (data / "events.json").open("wb") as output:
        output.write(b"[")
        for _ in range(30):
            output.write(b'{"a": 1, "b": 2},' * (MEBIBYTE // 17))
        output.write(b"0]")
    out = str(tmp_path / "dist")
    peak = peak_memory(sys.executable, "-m", "nipack", "build", str(data), "-q", "-o", out)
    assert peak < 150 * MEBIBYTE
    assert len(list((tmp_path / "dist").iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="the module resource is of Unix")
@pytest.mark.slow
def test_a_comparison_of_large_images_stays_small(tmp_path: Path) -> None:
    nibabel: Any = importlib.import_module("nibabel")
    sides = [tmp_path / "old", tmp_path / "new"]
    header = nibabel.Nifti1Image(np.zeros((1, 1, 1), np.float32), np.eye(4)).header
    header.set_data_shape((512, 512, 400))
    for number, side in enumerate(sides):
        side.mkdir()
        (side / "config.ini").write_text(f"[DEFAULT]\nversion = 0.{number + 2}\n", "utf-8")
        with gzip.open(side / "T1.nii.gz", "wb", compresslevel=1) as output:
            output.write(bytes(header.binaryblock) + bytes(4))
            for _ in range(400):
                output.write(bytes([number]) * MEBIBYTE)
    program = [sys.executable, "-m", "nipack", "diff", "-q", "--picture", str(tmp_path / "png")]
    peak = peak_memory(*program, *map(str, sides))
    assert peak < 300_000_000
    assert (tmp_path / "png" / "T1.nii.gz.png").is_file()
