"""Small files are read without a file object."""

from pathlib import Path

import pytest

from nipack.system.small_files import start_of


@pytest.mark.parametrize("content", [b"", b"1\r\n2\x1a3", bytes(range(256))])
def test_the_start_of_a_file_is_its_bytes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert start_of(str(path), 100) == content[:100]


def test_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        start_of(str(tmp_path / "absent"), 100)
