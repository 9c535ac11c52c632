"""Real clients that look after each single write of a publisher find only what is there."""

import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.publish.serving import serving

from nipack.publish import flow
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at

Artifacts = dict[str, dict[str, Path]]
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

    def __init__(self, repository: Path, address: str, work: Path) -> None:
        self.repository, self.address, self.work = repository, address, work
        self.looked = 0
        self._seen: dict[str, frozenset[tuple[str, int]]] = {}
        for name in ("etc/sources.list.d", "state/lists/partial", "cache/archives/partial", "got"):
            (work / name).mkdir(parents=True)
        (work / "status").touch()
        self._apt = ["-o", f"Dir::Etc={work}/etc", "-o", f"Dir::State={work}/state",
                     "-o", f"Dir::Cache={work}/cache", "-o", f"Dir::State::status={work}/status",
                     "-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none"]  # fmt: skip

    def views(self) -> Iterator[tuple[str, set[str]]]:
        """Yield the versions that each client finds and can fetch, where anything is new for it."""
        looks: dict[str, Callable[[], set[str]]] = {
            "apt": self.apt, "conda": self.conda, "simple": self.pip,
        }  # fmt: skip
        for top, look in looks.items():
            files = frozenset(
                (str(path), path.stat().st_mtime_ns)
                for path in (self.repository / top).rglob("*")
                if path.is_file()
            )
            if files != self._seen.get(top):
                self._seen[top] = files
                self.looked += 1
                yield top, look()

    def apt(self) -> set[str]:
        top = self.repository / "apt"
        if not (top / "dists/stable/InRelease").exists() or not (top / "lab.sources").exists():
            return set()
        source = self.work / "etc/sources.list.d/lab.sources"
        source.write_bytes((top / "lab.sources").read_bytes())
        run("apt-get", *self._apt, "update", "--error-on=any")
        said = run("apt-cache", *self._apt, "madison", NAME)
        versions = set(re.findall(r"\| *(\S+)-1 \|", said))
        for each in versions:
            run("apt-get", *self._apt, "download", f"{NAME}={each}-1", cwd=self.work / "got")
        return versions

    def conda(self) -> set[str]:
        channel = self.repository / "conda" / "noarch"
        if not (channel / "repodata_shards.msgpack.zst").exists():
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
        if not (self.repository / "simple" / NAME / "index.html").exists():
            return set()
        index = ["--no-cache-dir", "--index-url", f"{self.address}/simple/"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        said = json.loads(run(*pip, "index", "versions", NAME, "--json", *index))
        for each in said["versions"]:
            run(*pip, "download", "--no-deps", "-q", "-d", self.work / "got", *index,
                f"{NAME}=={each}")  # fmt: skip
        return {*said["versions"]}


def after_each_write(action: Callable[[], object]) -> Iterator[int]:
    """Do something in a process that waits after each write until it may go on; count them."""
    (said, say), (go_on, let_go_on) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        unlink = Path.unlink

        def unlinked(path: Path, missing_ok: bool = False) -> None:
            if path.parent.name == "unfinished":
                os.write(say, b".")
                os.read(go_on, 1)
            unlink(path, missing_ok=missing_ok)

        Path.unlink = unlinked  # type: ignore[method-assign, assignment]
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    os.close(say)
    count = 0
    while os.read(said, 1):
        count += 1
        yield count
        os.write(let_go_on, b".")
    for each in (said, go_on, let_go_on):
        os.close(each)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow(60)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.tools("apt-get")
@pytest.mark.parametrize("first", [True, False], ids=["new", "existing"])
def test_clients_that_look_after_every_write_find_only_what_is_there(
    artifacts: Artifacts, key: Path, tmp_path: Path, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One after the other, so that there is one state behind each.
    monkeypatch.setattr("nipack.publish.indexes.WRITERS", 1)
    signer, repository = signer_of(str(key)), tmp_path / "lab"
    old = set() if first else {"0.1"}
    with serving(repository) as address:
        settings = flow.Settings(name="lab", address=address)

        def publish(version: str) -> object:
            files = [*artifacts[version].values()]
            return flow.publish(files, store_at(str(repository)), signer, settings)

        if not first:
            publish("0.1")
        clients, last, count = (
            Clients(repository, address, tmp_path / "work"),
            dict[str, set[str]](),
            0,
        )
        for count in after_each_write(lambda: publish("0.2")):
            for client, versions in clients.views():
                assert old <= versions <= {*old, "0.2"}, (count, client)
                assert last.get(client, set()) <= versions, (count, client)
                last[client] = versions
        last |= dict(clients.views())
    assert last == {each: {*old, "0.2"} for each in ("apt", "conda", "simple")}
    assert count > 30
    assert clients.looked > 15
