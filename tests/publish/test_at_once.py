"""Publishers who work at once lose nothing, and one who is killed leaves a whole repository."""

import hashlib
import json
import multiprocessing
import os
import re
import shutil
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from urllib.parse import unquote

import msgpack
import pytest
import zstandard
from debian.deb822 import Deb822, Release
from tests.publish.serving import PUBLISHERS

from nipack.publish import flow, log
from nipack.publish.signing import signer_of, verified
from nipack.publish.stores import folder, store_at
from nipack.publish.verification import check_repository

ROUNDS = 20
SETTINGS = flow.Settings(name="lab", address="https://data.lab.example")
Artifacts = dict[str, dict[str, Path]]


def publish_rounds(
    barrier: Barrier, top: str, artifacts: list[Path], key: Path, rounds: int
) -> None:
    signer = signer_of(str(key))
    for number in range(rounds):
        barrier.wait()
        store = store_at(f"{top}/{number}")
        done = flow.publish(artifacts, store, signer, SETTINGS)
        assert not done.refused


@pytest.mark.slow
def test_eight_publishers_at_once_lose_nothing(
    many: list[list[Path]], key: Path, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PUBLISHERS)
    workers = [
        context.Process(target=publish_rounds, args=(barrier, str(tmp_path), mine, key, ROUNDS))
        for mine in many
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    expected = {path.name for mine in many for path in mine}
    for number in range(ROUNDS):
        repository = tmp_path / str(number)
        assert pointed_at(repository) == expected
        assert check_repository(str(repository)).problems == ()
        assert log.generations(store_at(str(repository))) == list(range(1, PUBLISHERS + 1))


def pointed_at(repository: Path) -> set[str]:
    """Return the names of all artifacts that every index leads to; each must be there, as it says.

    It reads as clients do, and knows nothing of how the indexes are written.
    """
    return {*_conda(repository), *_apt(repository), *_simple(repository)}


def is_there(path: Path, sha256: str) -> str:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256, path
    return path.name


def _conda(repository: Path) -> set[str]:
    """Read each form that there is; one may be newer than another, and each must hold."""
    channel = repository / "conda" / "noarch"
    found: dict[str, dict[str, str]] = {}
    if (flat := channel / "repodata.json").exists():
        found |= json.loads(flat.read_bytes())["packages.conda"]
    if (flat := channel / "repodata.json.zst").exists():
        found |= json.loads(decompressed(flat))["packages.conda"]
    names = {is_there(channel / name, record["sha256"]) for name, record in found.items()}
    if (shards := channel / "repodata_shards.msgpack.zst").exists():
        for digest in msgpack.unpackb(decompressed(shards))["shards"].values():
            shard = channel / "shards" / f"{digest.hex()}.msgpack.zst"
            is_there(shard, digest.hex())
            for name, record in msgpack.unpackb(decompressed(shard))["packages.conda"].items():
                names.add(is_there(channel / name, record["sha256"].hex()))
    return names


def decompressed(path: Path) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())


def _apt(repository: Path) -> set[str]:
    signed = repository / "apt/dists/stable/InRelease"
    if not signed.exists():
        return set()
    about = json.loads((repository / log.entry_path(1)).read_bytes())["everything"]["repository"]
    release = Release(verified(signed.read_bytes(), about["certificate"]).decode())
    found = set()
    for each in release["SHA256"]:
        by_hash = signed.parent / Path(each["name"]).parent / "by-hash/SHA256" / each["sha256"]
        is_there(by_hash, each["sha256"])
        if each["name"].endswith("Packages"):
            for stanza in Deb822.iter_paragraphs(by_hash.read_text("utf-8")):
                path = repository / "apt" / stanza["Filename"]
                found.add(is_there(path, stanza["SHA256"]))
    return {name for name in found if "keyring" not in name}


def _simple(repository: Path) -> set[str]:
    index = repository / "simple" / "index.html"
    if not index.exists():
        return set()
    found = set()
    for project in re.findall(r'href="([^"]+)/"', index.read_text("utf-8")):
        folder = index.parent / project
        page = (folder / "index.html").read_text("utf-8")
        for name, digest in re.findall(r'href="([^"#]+)#sha256=([0-9a-f]+)"', page):
            found.add(is_there(folder / unquote(name), digest))
            assert (folder / f"{unquote(name)}.metadata").exists()
    return found


def killed(action: Callable[[], object], *, at: int, early: bool) -> bool:
    """Do something in a process that is killed at its n-th write; tell whether it got there.

    `early`: all bytes are on the disk, and the file has not got its name; else it has just got it.
    """
    child = os.fork()
    if child == 0:
        count = 0
        flush, unlink = folder._flush, Path.unlink

        def counted() -> None:
            nonlocal count
            count += 1
            if count == at:
                os._exit(9)

        def flushed(output: object) -> None:
            flush(output)  # type: ignore[arg-type]
            if early:
                counted()

        def unlinked(path: Path, missing_ok: bool = False) -> None:
            if not early and path.parent.name == "unfinished":
                counted()
            unlink(path, missing_ok=missing_ok)

        folder._flush = flushed
        Path.unlink = unlinked  # type: ignore[method-assign, assignment]
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("early", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("first", [True, False], ids=["new", "existing"])
def test_a_publisher_killed_at_any_of_its_writes_leaves_a_whole_repository(
    artifacts: Artifacts, key: Path, tmp_path: Path, early: bool, first: bool
) -> None:
    signer = signer_of(str(key))
    begun = tmp_path / "begun"
    if not first:
        flow.publish([*artifacts["0.1"].values()], store_at(str(begun)), signer,
                     flow.Settings(name="lab"))  # fmt: skip
    files = [*artifacts["0.2"].values()]

    def publish(repository: Path) -> object:
        return flow.publish(files, store_at(str(repository)), signer, flow.Settings(name="lab"))

    whole = {path.name for path in files}
    old = set() if first else {path.name for path in artifacts["0.1"].values()}
    at = 0
    while True:
        at += 1
        repository = tmp_path / f"killed-{at}"
        if not first:
            shutil.copytree(begun, repository)
        if not killed(lambda: publish(repository), at=at, early=early):  # noqa: B023
            break
        assert pointed_at(repository) >= old
        publish(repository)
        assert pointed_at(repository) == old | whole
        assert check_repository(str(repository)).problems == ()
        assert not list((repository / ".nipack" / "unfinished").iterdir())
        shutil.rmtree(repository)
    assert at > 20  # it has been killed at so many
