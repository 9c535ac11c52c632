"""Publishing takes no more memory for a large package than for a small one."""

import sys
import zipfile
from pathlib import Path

import pytest
from tests.commands import peak_memory

SIZE, MOST = 300_000_000, 110_000_000


@pytest.mark.slow(6)
@pytest.mark.skipif(sys.platform == "win32", reason="it has no getrusage")
@pytest.mark.parametrize("suffix", [".whl", ".conda"])
def test_a_large_package_is_never_in_memory(
    artifacts: dict[str, dict[str, Path]], tmp_path: Path, suffix: str
) -> None:
    small = artifacts["0.1"][suffix]
    large = tmp_path / small.name
    large.write_bytes(small.read_bytes())
    with zipfile.ZipFile(large, "a") as archive, archive.open("large.bin", "w") as member:
        for _ in range(SIZE // 1_000_000):
            member.write(bytes(1_000_000))
    words = ["publish", str(large), str(tmp_path / "lab"), "--unsigned", "-q"]
    peak = peak_memory(sys.executable, "-m", "nipack", *words)
    [published] = (tmp_path / "lab").rglob(f"*{suffix}")
    assert published.stat().st_size > SIZE
    assert peak < MOST
