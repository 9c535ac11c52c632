"""Publishing beside what indexes conda, apt and pip repositories each by itself."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from bench_packages import VERSIONS, make_packages

NIPACK = [sys.executable, "-m", "nipack"]
# Its threads outlive it, and Python's own end at times dies of them.
CONDA = """
import asyncio, os, sys, rattler
from rattler.index import index_fs
asyncio.run(index_fs(sys.argv[1], write_zst=True, write_shards=True))
os._exit(0)
"""
PIP = """
import json, pathlib, sys
from dumb_pypi.main import main
wheels, lists, out = map(pathlib.Path, sys.argv[1:])
new, old = lists / "new", lists / "old"
new.rename(old) if new.exists() else None
names = sorted(path.name for path in wheels.iterdir())
new.write_text("".join(json.dumps({"filename": name}) + "\\n" for name in names))
before = ["--previous-package-list-json", str(old)] if old.exists() else []
main(["--package-list-json", str(new), *before, "--packages-url", "../../wheels",
      "--output-dir", str(out)])
"""
# As a shell would give them, if it could give so many.
PUBLISH = """
import pathlib, sys
from nipack.cli.app import nipack
folder, *words = sys.argv[1:]
nipack(["publish", *sorted(map(str, pathlib.Path(folder).iterdir())), *words])
"""

Words = list[str]


class Publishing:
    """A repository of ours and one of each peer, of the same packages."""

    def __init__(self, workspace: Path, count: int, runs: int) -> None:
        """Make the packages: those to begin with, and one for each run."""
        self._top = workspace
        make_packages(workspace / "begin", count)
        for number in range(runs):
            # A name of its own, for a version of one that is there is less to do for some.
            start = (count // VERSIONS + number + 1) * VERSIONS
            make_packages(workspace / f"add{number}", 1, start=start)
        self._key = workspace / "lab.key"
        subprocess.run([*NIPACK, "keygen", "Ada <ada@lab.example>", "-o", str(self._key)],
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip

    @property
    def peers(self) -> str:
        """What the peers are called, as far as they are there."""
        names = ["index_fs", "apt-ftparchive"]
        return " + ".join([*names, *["dumb-pypi"] * (find_spec("dumb_pypi") is not None)])

    def ours(self, number: int | None) -> Words:
        """Return what publishes a package, or all of the beginning."""
        options = ["-q", "--key", str(self._key), str(self._top / "lab")]
        if number is None:
            options += ["--address", "https://data.lab.example"]
            return [sys.executable, "-c", PUBLISH, str(self._folder(None)), *options]
        return [*NIPACK, "publish", *map(str, sorted(self._folder(number).iterdir())), *options]

    def theirs(self, number: int | None) -> Words:
        """Return what puts the same files to those of the peers, and makes their indexes."""
        folder, top = self._folder(number), self._top / "peers"
        steps = [f"mkdir -p {top}/conda/noarch {top}/apt/pool {top}/wheels {top}/lists"]
        for suffix, place in (
            ("conda", "conda/noarch"),
            ("deb", "apt/pool"),
            ("whl", "wheels"),
        ):
            steps.append(f"find {folder}/ -name '*.{suffix}' -exec cp -lt {top}/{place} {{}} +")
        steps += [
            f"{sys.executable} -c '{CONDA}' {top}/conda",
            f"cd {top}/apt",
            "apt-ftparchive --db cache packages pool > Packages",
            "gzip -kf Packages",
            "apt-ftparchive release . > Release",
        ]
        if find_spec("dumb_pypi") is not None:
            steps.append(f"{sys.executable} -c '{PIP}' {top}/wheels {top}/lists {top}/simple")
        return ["sh", "-ec", "\n".join(steps)]

    def _folder(self, number: int | None) -> Path:
        return self._top / ("begin" if number is None else f"add{number}")


def is_comparable() -> bool:
    """Tell whether the peers are there."""
    return shutil.which("apt-ftparchive") is not None and find_spec("rattler") is not None
