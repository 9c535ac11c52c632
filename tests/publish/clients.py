"""Real clients of a repository that is served: apt, a conda client and pip."""

import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from nipack.publish.stores.web import WebReader

NAME = "nipy-examplepkg"
# Its threads outlive it, and Python's own end at times dies of them.
CONDA = """
import asyncio, json, os, sys, rattler
async def main(address, cache):
    found = []
    for sharded in (True, False):
        config = rattler.SourceConfig(sharded_enabled=sharded)
        gateway = rattler.Gateway(cache_dir=cache, default_config=config)
        answer = await gateway.query([rattler.Channel(address)], ["noarch"], ["nipy-examplepkg"],
                                     recursive=False)
        found.append([[str(r.version), r.url, r.sha256.hex()] for each in answer for r in each])
    print(json.dumps(found), flush=True)
asyncio.run(main(*sys.argv[1:]))
os._exit(0)
"""


def run(*words: object, cwd: Path | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "LC_ALL": "C"}
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


class Clients:
    """What apt, a conda client and pip know of the package in a repository that is served."""

    def __init__(self, address: str, work: Path) -> None:
        """Take where it is served, and a folder for what they keep."""
        self.address, self.work = address, work
        self.looked = 0
        self._reader = WebReader(address)
        for name in ("etc/sources.list.d", "state/lists/partial", "cache/archives/partial", "got"):
            (work / name).mkdir(parents=True)
        (work / "status").touch()
        self._apt = ["-o", f"Dir::Etc={work}/etc", "-o", f"Dir::State={work}/state",
                     "-o", f"Dir::Cache={work}/cache", "-o", f"Dir::State::status={work}/status",
                     "-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none"]  # fmt: skip

    def views(self, is_new: Callable[[str], bool]) -> Iterator[tuple[str, set[str]]]:
        """Yield the versions that each client finds and can fetch, where its folder is new."""
        looks: dict[str, Callable[[], set[str]]] = {
            "apt": self.apt, "conda": self.conda, "simple": self.pip,
        }  # fmt: skip
        for top, look in looks.items():
            if is_new(top):
                self.looked += 1
                yield top, look()

    def apt(self) -> set[str]:
        told = self._reader.read("apt/lab.sources")
        if told is None or self._reader.read("apt/dists/stable/InRelease") is None:
            return set()
        (self.work / "etc/sources.list.d/lab.sources").write_bytes(told)
        run("apt-get", *self._apt, "update", "--error-on=any")
        said = run("apt-cache", *self._apt, "madison", NAME)
        versions = set(re.findall(r"\| *(\S+)-1 \|", said))
        for each in versions:
            run("apt-get", *self._apt, "download", f"{NAME}={each}-1", cwd=self.work / "got")
        return versions

    def conda(self) -> set[str]:
        if self._reader.read("conda/noarch/repodata_shards.msgpack.zst") is None:
            return set()  # A client of one form may find the others first.
        # A client that keeps an index asks by its date, and a second has several writes.
        cache = self.work / f"conda-{self.looked}"
        sharded, flat = json.loads(run(sys.executable, "-c", CONDA, f"{self.address}/conda", cache))
        for _, url, sha256 in [*sharded, *flat]:
            with urllib.request.urlopen(url) as answer:
                assert hashlib.sha256(answer.read()).hexdigest() == sha256
        assert {each[0] for each in sharded} <= {each[0] for each in flat}
        return {version for version, *_ in sharded}

    def pip(self) -> set[str]:
        if self._reader.read(f"simple/{NAME}/index.html") is None:
            return set()
        index = ["--no-cache-dir", "--index-url", f"{self.address}/simple/"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        said = json.loads(run(*pip, "index", "versions", NAME, "--json", *index))
        for each in said["versions"]:
            run(*pip, "download", "--no-deps", "-q", "-d", self.work / "got", *index,
                f"{NAME}=={each}")  # fmt: skip
        return {*said["versions"]}
