"""zstd's level, by samples: what makes a package small at little time."""

import logging
import random
from pathlib import Path

import pytest
import zstandard

from nipack.builder.archive.installed import InstalledFile, Role, text_file
from nipack.builder.archive.sampling import QUICK, TUNINGS, tuning_for

GENERATOR = random.Random(1)
LOW_BITS = bytes(byte & 0x0F for byte in range(256))
NOISE = GENERATOR.randbytes(1 << 20)
# A volume of 16 bits, its lower byte a little noisy and its upper one the same for long.
_raw = bytearray(1 << 20)
_raw[::2] = NOISE[: 1 << 19].translate(LOW_BITS)
_raw[1::2] = b"".join(bytes([high]) * 4096 for high in range(128))
RAW = bytes(_raw)
SHORT = TUNINGS[1]


def packed(content: bytes, level: int) -> int:
    return len(zstandard.ZstdCompressor(level=level).compress(content))


def test_what_is_compressed_already_is_packed_quickly() -> None:
    assert tuning_for([text_file("T1.nii.gz", NOISE)]) == QUICK
    assert tuning_for([]) == tuning_for([text_file("empty", b"")]) == QUICK


def test_a_raw_volume_is_packed_with_more_care() -> None:
    tuning = tuning_for([text_file("T1.nii", RAW)])
    assert tuning == SHORT
    compressor = zstandard.ZstdCompressor(compression_params=tuning.parameters())
    assert len(compressor.compress(RAW)) < 0.97 * packed(RAW, 1)


@pytest.mark.parametrize(("size", "chosen"), [(1 << 20, SHORT), (20, QUICK)])
def test_the_largest_files_decide(size: int, chosen: object) -> None:
    noise = [text_file(f"{number:02}.gz", NOISE[: 1 << 18]) for number in range(20)]
    assert tuning_for([*noise, text_file("raw", RAW[:size])]) == chosen


def test_the_middle_of_a_file_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "T1.nii"
    path.write_bytes(bytes(1 << 18) + RAW + bytes(1 << 18))
    file = InstalledFile(
        path="T1.nii", size=path.stat().st_size, digests={}, content=str(path), role=Role.PAYLOAD
    )
    assert tuning_for([file]) == SHORT


def test_verbose_says_what_was_chosen(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tuning_for([text_file("T1.nii.gz", NOISE)])
    assert "zstd level 1: samples become 100.0 % of their size" in caplog.text
