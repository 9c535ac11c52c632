"""Publishing takes no more memory for a large package than for a small one."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SIZE, MOST = 300_000_000, 110_000_000
PROGRAM = """
import resource, sys
from nipack.cli.app import nipack
nipack(sys.argv[1:], standalone_mode=False)
unit = 1 if sys.platform == "darwin" else 1024
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


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
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True
    )
    [published] = (tmp_path / "lab").rglob(f"*{suffix}")
    assert published.stat().st_size > SIZE
    assert int(done.stdout.rpartition("peak ")[2]) < MOST
