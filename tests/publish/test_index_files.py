"""What every ecosystem's clients are led by, whole: `pytest --update-golden` writes it anew."""

import gzip
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zstandard
from debian.debfile import DebFile
from tests.publish.catalogue.samples import repository
from tests.publish.handwritten import PACKAGES, sha256

from nipack.publish.ecosystems import IndexFile, Snapshot, ecosystems
from nipack.publish.packages import OrderedPackages, Packages
from nipack.publish.records import PublishedRepository

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
    # Of the packages none is looked at but those that changed.
    new = Snapshot(
        repository=SIGNED, packages=(), before=before, mine=PACKAGES, changed=changed, keyring=7
    )
    assert before.files
    found = {file.path: file.content for file in ecosystem.indexes(new)}
    assert before.asked, "it was looked at"
    assert found == {file.path: file.content for file in files_of(name, SIGNED)}
    # What nobody changed is taken as it was: nothing of the packages is looked at.
    none = Snapshot(repository=SIGNED, packages=(), changed=frozenset(), before=before, keyring=7)
    again = {file.path: file.content for file in ecosystem.indexes(none)}
    assert again.items() <= before.files.items()
