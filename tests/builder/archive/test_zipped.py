"""The files of a zip, some of which were read back while they were written."""

import os
import zipfile
from pathlib import Path

import pytest

from nipack.builder.archive.growing import GrowingFile
from nipack.builder.archive.installed import text_file
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.archive.zipped import read_zip, write_zip
from nipack.system.fast_hash import PROOF

FILES = (
    text_file("lib/noise", os.urandom(1 << 20)),
    text_file("lib/gr\u00f6\u00dfe", os.urandom(1 << 20)),
    text_file("lib/text", b"the same line\n" * 99_999),
    text_file("lib/small", os.urandom(1000)),
)


def nothing(count: int) -> None:
    """Count nothing."""


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, ReadBack]:
    path = tmp_path / "a.zip"
    path.touch()
    with GrowingFile(path) as output:  # type: ignore[var-annotated]
        write_zip(output, FILES, time=0, advance=nothing)
    return path, output.found


def test_what_was_read_back_is_not_read_again(made: tuple[Path, ReadBack]) -> None:
    counts: list[int] = []
    found = list(read_zip(made[0], counts.append, made[1], PROOF))
    assert [(each.path, each.size, each.digest) for each in found] == [
        (each.path, each.size, each.digest(PROOF)) for each in FILES
    ]
    assert {each.mode for each in found} == {0o644}
    assert sum(counts) == FILES[2].size + FILES[3].size, "the large stored ones are known"
    assert list(read_zip(made[0], nothing, NOTHING, PROOF)) == found
    assert [each.digest for each in read_zip(made[0], nothing)] == [each.sha256 for each in FILES]


def test_what_was_read_back_must_be_what_the_zip_says(made: tuple[Path, ReadBack]) -> None:
    path, known = made
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        crc = archive.getinfo("lib/noise").CRC.to_bytes(4, "little")
    path.write_bytes(content.replace(crc, bytes(4)))
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32 for file 'lib/noise'"):
        list(read_zip(path, nothing, known))
