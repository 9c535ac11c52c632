"""A conda channel with one subdirectory, noarch.

Sources: CEP 26 (names), 36 (repodata.json, `removed`), 38 (channeldata.json), 16 (shards), 50
(attestations).
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import zstandard

from nipack.lookup.json_text import MOST_OF_OWN, json_value
from nipack.publish.artifacts.contents import checked_package_in, joined_texts
from nipack.publish.artifacts.damage import damage_as_error, read_text
from nipack.publish.artifacts.members import Members, below, read_to_end, tar_members
from nipack.publish.ecosystems import Attestations, Ecosystem, IndexFile, Reading, Snapshot
from nipack.publish.errors import RepositoryError
from nipack.publish.records import (
    PublishedArtifact,
    PublishedPackage,
    PublishedRepository,
    order_of,
)

_TOP = "conda"
_READ = ("index.json", "about.json", "licenses/")
_SUBDIR = f"{_TOP}/noarch"
_FLAT = f"{_SUBDIR}/repodata.json"
_SHARDS = f"{_SUBDIR}/repodata_shards.msgpack.zst"
_CHANNEL_DATA = f"{_TOP}/channeldata.json"
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
    rank = 10
    media_type = "application/zip"
    digests = frozenset({"md5"})  # clients of old compare it

    def read(self, artifact: Path) -> Reading:
        """Return what is in the info part, and which data is in the other."""
        with damage_as_error("a .conda"), zipfile.ZipFile(artifact) as archive:
            info = _info_files(archive)
            index, about = json_value(info["index.json"]), json_value(info["about.json"])
            package = checked_package_in(_part(archive, "pkg-"))
            for name in archive.namelist():
                if not name.endswith(".tar.zst"):
                    with archive.open(name) as content:
                        read_to_end(content)
            return _reading(package, index, about, info)

    def members(self, artifact: IO[bytes]) -> Members:
        """Yield the files of the part that is not info."""
        with zipfile.ZipFile(artifact) as archive:
            for name in archive.namelist():
                if name.startswith("pkg-"):
                    with archive.open(name) as part:
                        yield from below("", tar_members(name, part))

    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield the shards, and then what leads to them and to the packages."""
        import msgpack

        earlier = _earlier(snapshot)
        channel = earlier or _Channel()
        names = channel.put(snapshot.packages if earlier is None else snapshot.mine)
        by_name: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in sorted(names)}
        for file_name, record in channel.records.items():
            if record["name"] in names:
                by_name[record["name"]][file_name] = record
        for name, records in by_name.items():
            channel.shards.pop(name, None)
            if records:
                shard = _compressed(msgpack.packb(_shard(records)))
                digest = hashlib.sha256(shard)
                channel.shards[name] = digest.digest()
                path = f"{_SUBDIR}/shards/{digest.hexdigest()}.msgpack.zst"
                yield IndexFile(path=path, content=shard, settled=True)
        info = {"base_url": "./", "shards_base_url": "./shards/", "subdir": "noarch"}
        digests = dict(sorted(channel.shards.items()))
        shards = msgpack.packb({"info": info, "shards": digests, "version": 1})
        repodata = _json(
            {
                "info": {"subdir": "noarch"},
                "packages": {},
                "packages.conda": channel.records,
                "removed": sorted(channel.removed),
                "repodata_version": 1,
            }
        )
        yield IndexFile(path=_FLAT, content=repodata)
        yield IndexFile(path=f"{_FLAT}.zst", content=_compressed(repodata))
        yield IndexFile(path=_SHARDS, content=_compressed(shards))
        data = {"channeldata_version": 1, "packages": channel.data, "subdirs": ["noarch"]}
        yield IndexFile(path=_CHANNEL_DATA, content=_json(data))

    def carried(self, place: str, found: Attestations) -> Mapping[str, bytes]:
        """Return the sidecar of CEP 50: by its digest, and by the name that other tools try."""
        if not found.bundle:
            return {}
        sidecar = b"[" + found.bundle.strip() + b"]\n"
        digest = hashlib.sha256(sidecar).hexdigest()
        return {f"{place}.sigs.{digest}": sidecar, f"{place}.sigs": sidecar}

    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return conda's command."""
        return (f"conda install --channel {repository.address}/{_TOP} {name}",)


@dataclass(frozen=True, slots=True)
class _Channel:
    """What the indexes have: records and what is hidden by file name, the rest by package."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    shards: dict[str, bytes] = field(default_factory=dict)
    data: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, packages: Iterable[PublishedPackage]) -> set[str]:
        """Put packages in the place of what is there of them; return the names they have here."""
        names = set()
        for package in sorted(packages, key=order_of):
            for artifact in package.artifacts_of(CondaChannel.name):
                names.add(artifact.index["name"])
                self._put(package, artifact)
        return names

    def _put(self, package: PublishedPackage, artifact: PublishedArtifact) -> None:
        if package.retracted is not None:
            self.records.pop(artifact.file_name, None)
            self.removed.add(artifact.file_name)
            return
        self.removed.discard(artifact.file_name)
        self.records[artifact.file_name] = _record(artifact)
        # The last version stands.
        self.data[artifact.index["name"]] = _about(package, artifact)


def _earlier(snapshot: Snapshot) -> _Channel | None:
    """Return what the indexes had of all but the packages that changed; None if that is unknown."""
    import msgpack

    if snapshot.before is None:
        return None
    flat, about, shards = map(snapshot.before.read, (_FLAT, _CHANNEL_DATA, _SHARDS))
    if flat is None or about is None or shards is None:
        return None
    document = json_value(flat, MOST_OF_OWN)
    data = json_value(about, MOST_OF_OWN)["packages"]
    mine = [each for package in snapshot.mine for each in package.artifacts_of("conda")]
    names, files = {each.index["name"] for each in mine}, {each.file_name for each in mine}
    records = document["packages.conda"]
    if any(each["name"] in names and name not in files for name, each in records.items()):
        return None  # Another package of the repository has the same name here.
    plain = zstandard.ZstdDecompressor().decompress(shards)
    return _Channel(
        records=records,
        removed={*document["removed"]},
        shards=msgpack.unpackb(plain)["shards"],
        data={name: each for name, each in data.items() if name not in names},
    )


def _info_files(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the index, what is said about it and the licences, by their paths below info/."""
    return {
        path: read_text(content, path)
        for member, content in _part(archive, "info-")
        if (path := member.removeprefix("info/")).startswith(_READ)
    }


def _part(archive: zipfile.ZipFile, prefix: str) -> Members:
    names = [name for name in archive.namelist() if name.startswith(prefix)]
    if len(names) != 1:
        raise RepositoryError(f"has {len(names)} parts {prefix}*; build it again")
    with archive.open(names[0]) as member:
        yield from tar_members(names[0], member)


def _reading(
    package: PublishedPackage, index: dict[str, Any], about: dict[str, Any], info: dict[str, bytes]
) -> Reading:
    name, version, build = (str(index[field]) for field in ("name", "version", "build"))
    if not _NAME.fullmatch(name) or not all(map(_FIELD.fullmatch, (version, build))):
        raise RepositoryError(
            f"'{name} {version} {build}' is not the name of a conda package; rename it"
        )
    if index.get("subdir") != "noarch":
        raise RepositoryError(
            "is for one platform; data is the same on all of them: build it as noarch"
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
        checked=True,
    )


def _record(artifact: PublishedArtifact) -> dict[str, Any]:
    """Return a package's record: its index.json, and which file it is."""
    # CEP 36: null stands for what is not there, and is left out.
    index = {key: value for key, value in artifact.index.items() if value is not None}
    if sidecar := artifact.carried.get(f"{artifact.path}.sigs"):
        index["attestations_sha256"] = sidecar
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


def _about(package: PublishedPackage, artifact: PublishedArtifact) -> dict[str, Any]:
    """Return what channeldata.json says of a package."""
    return {
        "description": package.description or None,
        "home": package.homepage,
        "license": package.license,
        "subdirs": ["noarch"],
        "summary": package.summary,
        "timestamp": int(artifact.index.get("timestamp") or 0) // 1000,
        "version": package.version,
    }


def _json(document: Any) -> bytes:
    return (json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _compressed(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(content)


ECOSYSTEM: Ecosystem = CondaChannel()
