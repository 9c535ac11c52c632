"""The same source gives the same artifacts to the bit: anywhere, any day, for anyone."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.builder.samples import CONFIG, linked, member, read, tar_gz

from nipack.builder.formats import formats

HERE = {
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "umask": "022",
    "when": "202301020304",
    "processors": None,
}
ELSEWHERE: list[dict[str, str | None]] = [
    {"TZ": "Pacific/Kiritimati", "umask": "077", "when": "203506070809", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "4711", "processors": "0", "TZ": "America/St_Johns"},
]


def digests(base: Path, name: str, more: dict[str, str | None]) -> dict[str, str]:
    """Build in a process of its own, in a place of its own; return the artifacts' digests."""
    where = HERE | more
    place = base / name
    tree = linked(place)
    # In another order too: a directory lists its files as they came.
    data = tree / "templates"
    for path in sorted(data.iterdir(), reverse=name == "elsewhere"):
        path.rename(data / f"{path.name[:200]}~")
        (data / f"{path.name[:200]}~").rename(path)
    for path in [*tree.rglob("*"), tree]:
        subprocess.run(["touch", "-h", "-t", str(where["when"]), path], check=True)
    env = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "PYTHONPATH")},
        **{key: value for key, value in where.items() if key.isupper() and value is not None},
        "HOME": str(place),
    }
    command = ["sh", "-c", 'umask "$1"; shift; exec "$@"', "sh", str(where["umask"])]
    if where["processors"] is not None:
        command += ["taskset", "-c", where["processors"]]
    command += [sys.executable, "-m", "nipack", "build", str(tree), "-o", "out", "--json"]
    run = subprocess.run(command, cwd=place, env=env, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return {
        artifact["format"]: hashlib.sha256((place / artifact["path"]).read_bytes()).hexdigest()
        for artifact in json.loads(run.stdout)["artifacts"]
    }


@pytest.mark.tools("touch", "taskset")
@pytest.mark.parametrize("more", ELSEWHERE, ids=["other-day", "other-machine"])
@pytest.mark.slow
def test_the_artifacts_are_the_same(more: dict[str, str | None], tmp_path: Path) -> None:
    here = digests(tmp_path, "here", {})
    assert here.keys() == {name for name, format in formats().items() if format.default}
    assert digests(tmp_path, "elsewhere", more) == here


def test_the_time_of_an_archive_is_its_own(tmp_path: Path) -> None:
    """Where neither the definition nor a variable says it, the newest file of the archive does."""
    archive = tar_gz(tmp_path / "nipy-templates-0.3.tar.gz", member("templates/config.ini", CONFIG))
    times = set()
    for when in ("202301020304", "203506070809"):
        subprocess.run(["touch", "-t", when, archive], check=True)
        times.add(read(archive, tmp_path / when).time)
    assert times == {1_400_000_000}
