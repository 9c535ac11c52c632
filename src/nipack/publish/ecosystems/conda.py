"""A conda channel with one subdirectory, noarch.

Sources: CEP 26 (names), 36 (repodata.json, `removed`), 38 (channeldata.json), 16 (shards).
"""

import hashlib
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import zstandard

from nipack.publish.damage import damage_as_error, read_text
from nipack.publish.ecosystems import Ecosystem, IndexFile, Reading, Snapshot
from nipack.publish.errors import RepositoryError
from nipack.publish.payload import RecordFiles, joined_texts
from nipack.publish.records import PublishedArtifact, PublishedPackage, PublishedRepository

_TOP = "conda"
_READ = ("index.json", "about.json", "licenses/")
_SUBDIR = f"{_TOP}/noarch"
# Level 19 takes a hundred times as long for a sixth less.
_LEVEL = 3
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_FIELD = re.compile(r"[A-Za-z0-9_.!+-]+")


class CondaChannel(Ecosystem):
    """repodata.json, the same compressed, and in shards."""

    name = "conda"
    title = "conda"
    suffix = ".conda"
    folder = _TOP
    digests = frozenset({"md5"})  # clients of old compare it

    def read(self, artifact: Path) -> Reading:
        """Return what is in the info part, and which data is in the other."""
        with damage_as_error("a .conda"), zipfile.ZipFile(artifact) as archive:
            info = _info_files(archive)
            index, about = json.loads(info["index.json"]), json.loads(info["about.json"])
            package = _payload_of(archive)
            return _reading(package, index, about, info)

    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield the shards, and then what leads to them and to the packages."""
        import msgpack

        records: dict[str, dict[str, Any]] = {}
        removed: list[str] = []
        by_name: dict[str, dict[str, dict[str, Any]]] = {}
        for package in snapshot.packages:
            for artifact in package.artifacts_of(self.name):
                if package.retracted is not None:
                    removed.append(artifact.file_name)
                    continue
                record = _record(artifact)
                records[artifact.file_name] = record
                by_name.setdefault(record["name"], {})[artifact.file_name] = record
        digests = {}
        for name, mine in sorted(by_name.items()):
            shard = _compressed(msgpack.packb(_shard(mine)))
            digest = hashlib.sha256(shard)
            digests[name] = digest.digest()
            # Which one changed is not asked: a shard that is there has the same bytes.
            yield IndexFile(
                path=f"{_SUBDIR}/shards/{digest.hexdigest()}.msgpack.zst",
                content=shard,
                settled=True,
            )
        info = {"base_url": "./", "shards_base_url": "./shards/", "subdir": "noarch"}
        shards = msgpack.packb({"info": info, "shards": digests, "version": 1})
        repodata = _json(
            {
                "info": {"subdir": "noarch"},
                "packages": {},
                "packages.conda": dict(sorted(records.items())),
                "removed": sorted(removed),
                "repodata_version": 1,
            }
        )
        yield IndexFile(path=f"{_SUBDIR}/repodata.json", content=repodata)
        yield IndexFile(path=f"{_SUBDIR}/repodata.json.zst", content=_compressed(repodata))
        yield IndexFile(path=f"{_SUBDIR}/repodata_shards.msgpack.zst", content=_compressed(shards))
        yield IndexFile(path=f"{_TOP}/channeldata.json", content=_channel_data(snapshot))

    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return conda's command."""
        return (f"conda install --channel {repository.address}/{_TOP} {name}",)


def _info_files(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the index, what is said about it and the licences, by their paths below info/."""
    with _part(archive, "info-") as tar:
        return {
            path: read_text(content, path)
            for member in tar
            if (path := member.name.removeprefix("info/")).startswith(_READ)
            and member.isfile()
            and (content := tar.extractfile(member)) is not None
        }


def _payload_of(archive: zipfile.ZipFile) -> PublishedPackage:
    records = RecordFiles("")
    with _part(archive, "pkg-") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and records.offer(member.name, content):
                break
    return records.package()


@contextmanager
def _part(archive: zipfile.ZipFile, prefix: str) -> Iterator[tarfile.TarFile]:
    names = [name for name in archive.namelist() if name.startswith(prefix)]
    if len(names) != 1:
        raise RepositoryError(f"has {len(names)} parts {prefix}*; build it again")
    with (
        archive.open(names[0]) as member,
        zstandard.ZstdDecompressor().stream_reader(member) as stream,
        tarfile.open(fileobj=_plain(stream), mode="r|") as tar,
    ):
        yield tar


def _plain(stream: Any) -> IO[bytes]:
    opened: IO[bytes] = stream
    return opened


def _reading(
    package: PublishedPackage, index: dict[str, Any], about: dict[str, Any], info: dict[str, bytes]
) -> Reading:
    name, version, build = (str(index[field]) for field in ("name", "version", "build"))
    if not _NAME.fullmatch(name) or not all(map(_FIELD.fullmatch, (version, build))):
        raise RepositoryError(f"'{name} {version} {build}' cannot be a conda package's; rename it")
    if index.get("subdir") != "noarch":
        raise RepositoryError(
            "is of one platform; data is the same on all of them: build it noarch"
        )
    licenses = ((path, text) for path, text in info.items() if path.startswith("licenses/"))
    return Reading(
        package=replace(
            package,
            description=str(about.get("description") or ""),
            license_text=joined_texts(licenses),
        ),
        place=f"{_SUBDIR}/{name}-{version}-{build}.conda",
        version=f"{version}-{build}",
        index=index,
    )


def _record(artifact: PublishedArtifact) -> dict[str, Any]:
    """Return a package's record: its index.json, and which file it is."""
    # CEP 36: null stands for what is not there, and is left out.
    index = {key: value for key, value in artifact.index.items() if value is not None}
    return index | {"sha256": artifact.sha256, "size": artifact.size}


def _shard(records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a shard; in it digests are bytes."""
    return {
        "packages": {},
        "packages.conda": {
            name: record
            | {"sha256": bytes.fromhex(record["sha256"])}
            | ({"md5": bytes.fromhex(record["md5"])} if "md5" in record else {})
            for name, record in sorted(records.items())
        },
        "removed": [],
    }


def _channel_data(snapshot: Snapshot) -> bytes:
    packages = {}
    for package in snapshot.packages:
        for artifact in package.artifacts_of("conda"):
            if package.retracted is None:
                # The last version stands; they come in order.
                packages[artifact.index["name"]] = {
                    "description": package.description or None,
                    "home": package.homepage,
                    "license": package.license,
                    "subdirs": ["noarch"],
                    "summary": package.summary,
                    "timestamp": int(artifact.index.get("timestamp") or 0) // 1000,
                    "version": package.version,
                }
    return _json({"channeldata_version": 1, "packages": packages, "subdirs": ["noarch"]})


def _json(document: Any) -> bytes:
    return (json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _compressed(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(content)


ECOSYSTEM: Ecosystem = CondaChannel()
