"""What was read back waits in little memory until it is compared."""

import sys

import pytest

from nipack.builder.archive import packed
from nipack.builder.archive.members import Content
from nipack.builder.archive.packed import Kept

CONTENTS = [
    Content(path="a", mode=0o755, is_directory=True),
    Content(path="a/caf\udce9", mode=0o644, size=5 << 40, digest="0" * 64, algorithm="blake3"),
    Content(path="a/link", mode=0o777, target="ü"),
]


@pytest.mark.parametrize("piece", [1, 2, 3, 4])
def test_what_is_kept_is_what_there_was(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_PIECE", piece)
    kept = Kept(iter(CONTENTS))
    assert list(kept) == CONTENTS
    assert list(kept) == CONTENTS, "it can be asked twice"
    assert list(Kept([])) == []


def test_it_is_small() -> None:
    files = (Content(path=f"{n:060}", mode=0o644, size=n, digest=f"{n:064}") for n in range(1000))
    assert sum(map(sys.getsizeof, Kept(files)._pieces)) < 80 * 1000
