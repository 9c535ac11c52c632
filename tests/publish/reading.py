"""Read a repository as clients do, by code that knows nothing of how the indexes are written."""

import hashlib
import json
import re
from pathlib import Path
from urllib.parse import unquote

import msgpack
import zstandard
from debian.deb822 import Deb822, Release

from nipack.publish import log
from nipack.publish.signing import verified


def pointed_at(repository: Path) -> set[str]:
    """Return the names of all artifacts that indexes lead to; each must be there, as it says."""
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
