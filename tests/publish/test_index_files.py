"""What every ecosystem's clients are led by, whole: `pytest --update-golden` writes it anew."""

import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zstandard
from debian.debfile import DebFile
from tests.publish.catalogue.samples import package, repository

from nipack.publish.ecosystems import IndexFile, Snapshot, ecosystems
from nipack.publish.packages import OrderedPackages, Packages
from nipack.publish.records import PublishedArtifact, PublishedPackage, PublishedRepository

GOLDEN = Path(__file__).parent / "golden"
LED_BY = [name for name in ecosystems() if name != "sources"]
CERTIFICATE = (
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ0==\n-----END PGP PUBLIC KEY BLOCK-----\n"
)
SIGNED = repository(
    title="Ada's lab,\n two lines",
    suites=("stable", "next"),
    valid_days=30,
    certificate=CERTIFICATE,
)
PLAIN = repository(address="http://data.example.org", fingerprint=None)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def artifact(path: str, version: str, size: int, index: Mapping[str, Any]) -> PublishedArtifact:
    top = path.partition("/")[0]
    return PublishedArtifact(
        ecosystem={"simple": "pip"}.get(top, top),
        path=path,
        version=version,
        size=size,
        sha256=sha256(path.encode()),
        date=f"2026-11-{10 + size}T12:00:00Z",
        index=index,
    )


def rpm_index(path: str, name: str) -> dict[str, str]:
    digest = sha256(path.encode())
    about = f'<package pkgid="{digest}" name="{name}">\n</package>\n'
    primary = f'<package type="rpm">\n<checksum pkgid="YES">{digest}</checksum>\n</package>\n'
    return {"primary": primary, "filelists": about, "other": about}


def artifacts_of(name: str, version: str, size: int) -> Iterator[PublishedArtifact]:
    """Yield one of each ecosystem; their size tells the versions apart."""
    control = f"Package: {name}\nVersion: {version}-1\n\n"
    path = f"apt/pool/main/n/{name}/{name}_{version}-1_all.deb"
    yield artifact(path, f"{version}-1", size, {"control": control})
    record = {"name": name, "version": version, "build": "0", "license": None, "md5": "0" * 32}
    path = f"conda/noarch/{name}-{version}-0.conda"
    time = {"timestamp": size * 1_600_000_000_123}
    yield artifact(path, f"{version}-0", size, {**record, **time} if size > 1 else record)
    path = f"rpm/{name}-{version}-1.noarch.rpm"
    yield artifact(path, f"{version}-1", size, rpm_index(path, name))
    path = f"simple/{name}/{name.replace('-', '_')}-{version}-py3-none-any.whl"
    index = {"project": name, "metadata": f"Name: {name}\nVersion: {version}\n"}
    wheel = artifact(path, version, size, index | ({"requires-python": ">=3"} if size > 1 else {}))
    yield replace(wheel, carried={f"{path}.provenance": "0" * 64})


def version_of(name: str, version: str, size: int, **changes: Any) -> PublishedPackage:
    return package(name, version, artifacts=tuple(artifacts_of(name, version, size)), **changes)


PACKAGES = (
    version_of("nipy-a&b", "0.9", 1, description="Long.", homepage="https://a.example"),
    version_of("nipy-a&b", "0.10", 2, license=None),
    version_of("nipy-old", "1.0", 3, retracted='its "left" is right'),
    version_of("nipy-old", "1.1", 4, retracted=""),
)


def snapshot(of: PublishedRepository, **fields: Any) -> Snapshot:
    known = OrderedPackages(Packages({each.key: each for each in PACKAGES}))
    return Snapshot(repository=of, packages=known, keyring=7, **fields)


def files_of(name: str, of: PublishedRepository) -> list[IndexFile]:
    return list(ecosystems()[name].indexes(snapshot(of)))


def plain(file: IndexFile) -> bytes:
    """Return what a file holds, whatever a library made of it when it was compressed."""
    if file.content.startswith(b"\x1f\x8b"):
        return gzip.decompress(file.content)
    if file.path.endswith(".zst"):
        found = zstandard.ZstdDecompressor().decompress(file.content)
        if ".msgpack" not in file.path:
            return found
        return json.dumps(msgpack.unpackb(found), indent=1, default=bytes.hex).encode()
    if file.path.endswith(".deb"):
        deb = DebFile(fileobj=io.BytesIO(file.content))
        control = b"".join(
            deb.control.get_content(each) or b"" for each in ("control", "conffiles")
        )
        members = "".join(
            f"{each.mode:o} {each.uid} {each.mtime} {each.name}\n"
            for part in (deb.control, deb.data)
            for each in part.tgz()
        )
        [path] = (each.name for each in deb.data.tgz() if each.isfile())
        return control + members.encode() + (deb.data.get_content(path) or b"")
    return file.content


def shown(files: list[IndexFile]) -> str:
    """Return files as text, in which a digest of one of them is named, as it need not be there."""
    text, seen = "", dict[str, str]()
    for file in files:
        marks = [word for word in ("settled", "signature") if getattr(file, word)]
        marks += [f"own={file.own}"] if file.own else []
        content = plain(file).decode().rstrip()
        first = seen.setdefault(content, file.path)
        # What is there twice is shown once.
        content = content if first == file.path else f"as {first}"
        text += f"==== {file.path} {' '.join(marks)}".rstrip() + f"\n{content}\n"
    for file in files:
        name = re.sub(r"[0-9a-f]{64}", "DIGEST", file.path).rpartition("/")[2]
        text = text.replace(f"{sha256(file.content)} {len(file.content)} ", f"<{name}> SIZE ")
        text = text.replace(sha256(file.content), f"<{name}>")
        text = text.replace(f"<size>{len(file.content)}<", "<size>SIZE<")
        text = text.replace(f"Size: {len(file.content)}\n", "Size: SIZE\n")
    return text


@pytest.mark.parametrize("of", [SIGNED, PLAIN], ids=["signed", "plain"])
@pytest.mark.parametrize("name", LED_BY)
def test_indexes_are_golden(
    name: str, of: PublishedRepository, request: pytest.FixtureRequest
) -> None:
    found = shown(files_of(name, of))
    path = GOLDEN / f"{name}-{'signed' if of is SIGNED else 'plain'}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


@pytest.mark.parametrize("of", [SIGNED, PLAIN], ids=["signed", "plain"])
def test_what_is_typed_to_install_is_golden(
    of: PublishedRepository, request: pytest.FixtureRequest
) -> None:
    lines = {each.title: each.lines(of, "nipy-a") for each in ecosystems().values()}
    found = "".join(
        f"{title}:\n" + "".join(f"  {line}\n" for line in lines[title]) for title in lines
    )
    path = GOLDEN / f"lines-{'signed' if of is SIGNED else 'plain'}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


class Before:
    """The files of an earlier generation."""

    def __init__(self, files: list[IndexFile]) -> None:
        self.files = {file.path: file.content for file in files}
        self.asked: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self.files.get(path)

    def read_named(self, path: str, sha256_: str) -> bytes | None:
        content = self.read(path)
        return content if content is not None and sha256(content) == sha256_ else None


@pytest.mark.parametrize("name", LED_BY)
def test_an_index_that_is_extended_is_that_of_all(name: str) -> None:
    ecosystem = ecosystems()[name]
    # Before, there was another version, and what is retracted now was not.
    earlier = {each.key: replace(each, retracted=None) for each in PACKAGES[1:]}
    old = Snapshot(repository=SIGNED, packages=Packages(earlier).ordered(), keyring=7)
    before = Before(list(ecosystem.indexes(old)))
    changed = frozenset(each.name for each in PACKAGES)
    new = snapshot(SIGNED, before=before, mine=PACKAGES, changed=changed)
    assert before.files
    found = {file.path: file.content for file in ecosystem.indexes(new)}
    assert before.asked, "it was looked at"
    assert found == {file.path: file.content for file in files_of(name, SIGNED)}
    # What nobody changed is taken as it was: nothing of the packages is looked at.
    none = Snapshot(repository=SIGNED, packages=(), changed=frozenset(), before=before, keyring=7)
    again = {file.path: file.content for file in ecosystem.indexes(none)}
    assert again.items() <= before.files.items()
