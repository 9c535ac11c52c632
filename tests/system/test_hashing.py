"""Digests, compared with hashlib over the whole content."""

import hashlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nipack.system.fast_hash import FINGERPRINT, new_hash
from nipack.system.hashing import (
    CHUNK,
    PackedDigests,
    chunks,
    digest_bytes,
    digest_file,
    digest_files,
    digest_stream,
    fingerprint_of,
)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_digests_of_every_size(size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    counts: list[int] = []
    found = digest_stream(io.BytesIO(content), ["sha256", "md5", "sha512"], counts.append)
    assert found.size == size == sum(counts)
    assert found.by_algorithm == {
        name: hashlib.new(name, content).hexdigest() for name in ("sha256", "md5", "sha512")
    }


def test_many_files_keep_their_order(tmp_path: Path) -> None:
    paths = []
    for n in range(50):
        path = tmp_path / str(n)
        path.write_bytes(b"x" * (n * 7919 % 5000))
        paths.append(path)
    counts: list[int] = []
    found = digest_files(paths, ["sha256"], counts.append)
    assert found == [digest_file(path, ["sha256"]) for path in paths]
    assert sum(counts) == sum(path.stat().st_size for path in paths)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest_files([tmp_path / "missing"], ["sha256"], lambda count: None)


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, sys.maxsize])
def test_a_part_of_a_stream_and_no_more_is_read_in_chunks(size: int) -> None:
    content = bytes(range(251)) * 2500
    stream = io.BytesIO(content)
    found = [bytes(chunk) for chunk in chunks(stream, size)]
    assert b"".join(found) == content[:size]
    assert stream.read() == content[size:]
    assert max(map(len, found), default=0) <= CHUNK


def test_packed_digests_are_as_those_of_a_dictionary() -> None:
    digests = dict(digest_bytes(b"content", ["sha256", "md5", "sha1"]).by_algorithm)
    packed = PackedDigests(digests)
    assert packed == digests
    assert list(packed) == list(digests)
    assert packed["md5"] == digests["md5"]
    assert "sha512" not in packed
    assert packed != PackedDigests(digests | {"md5": "00" * 16})


@pytest.mark.parametrize("digest", ["x" * 64, "é", "abc"])
def test_what_is_no_digest_is_not_packed(digest: str) -> None:
    with pytest.raises(ValueError, match="fromhex"):
        PackedDigests({"sha256": digest})


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1234])
def test_what_is_read_for_a_fingerprint_is_seen_part_by_part(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.system.hashing._PART", 100)
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    seen: dict[int, bytes] = {}

    def watch(start: int) -> Callable[[memoryview], object]:
        return lambda chunk: seen.update({start: seen.get(start, b"") + chunk})

    parts = {start: content[start : start + 100] for start in range(0, size, 100)}
    whole = new_hash(FINGERPRINT)
    for part in parts.values():
        whole.update(bytes.fromhex(digest_bytes(part, [FINGERPRINT]).by_algorithm[FINGERPRINT]))
    assert fingerprint_of(tmp_path / "file", watch=watch) == whole.hexdigest()
    assert seen == parts
