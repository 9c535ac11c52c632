"""An apt archive of one component, for every architecture.

Sources: deb(5), deb822(5), sources.list(5), apt-secure(8); the Debian wiki's "Repository format".
"""

import calendar
import gzip
import hashlib
import io
import re
import tarfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import IO, Any, cast

from debian.deb822 import Deb822

from nipack.publish.artifacts.contents import Contents
from nipack.publish.artifacts.damage import damage_as_error, read_text
from nipack.publish.artifacts.members import Members, Part, below, tar_members
from nipack.publish.ecosystems import Ecosystem, IndexFile, Reader, Reading, Snapshot
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedArtifact, PublishedPackage, PublishedRepository
from nipack.publish.signing import verified

_TOP = "apt"
_COMPONENT = "main"
_PREFIX = "usr/"
_AR_MAGIC, _AR_HEADER = b"!<arch>\n", 60
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+~:-]*")
_FILENAME = re.compile(r"^Filename: (.+)$", re.MULTILINE)


class AptArchive(Ecosystem):
    """An index of each suite, signed, and what a user's apt is told of it."""

    name = "apt"
    title = "apt"
    suffix = ".deb"
    folder = _TOP
    rank = 20
    media_type = "application/vnd.debian.binary-package"

    def read(self, artifact: Path) -> Reading:
        """Return what the control file says, and which data is in it."""
        contents, control = Contents(), b""
        with damage_as_error("a .deb"), artifact.open("rb") as stream:
            for part, path, tar_file in _files(stream):
                if part == "data" and path.startswith(_PREFIX):
                    contents.take(path.removeprefix(_PREFIX), tar_file)
                elif part == "control" and path == "control":
                    control = read_text(tar_file, path)
            if not control:
                raise ValueError("it has no control file")
            return _reading(contents.checked_package(), Deb822(control))

    def members(self, artifact: IO[bytes]) -> Members:
        """Yield what is below usr/ in data.tar."""
        files = ((path, content) for _, path, content in _files(artifact, ("data",)))
        return below(_PREFIX, files)

    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield Packages by its digest, and then what leads to it."""
        keyring = _keyring(snapshot)
        stanzas = _stanzas(snapshot)
        if keyring is not None:
            yield keyring
            stanzas[keyring.path] = _keyring_stanza(keyring)
        packages = "".join(sorted(stanzas.values())).encode()
        files = {
            f"{_COMPONENT}/binary-all/Packages": packages,
            f"{_COMPONENT}/binary-all/Packages.gz": gzip.compress(packages, 6, mtime=0),
        }
        digests = {path: hashlib.sha256(each).hexdigest() for path, each in files.items()}
        suites = snapshot.repository.suites
        for suite in suites:
            for path, content in files.items():
                folder = path.rpartition("/")[0]
                named = f"{_TOP}/dists/{suite}/{folder}/by-hash/SHA256/{digests[path]}"
                yield IndexFile(path=named, content=content, settled=True)
        for suite in suites:
            yield from _suite_files(snapshot, suite, files, digests)
        sources = _sources(snapshot.repository).encode()
        yield IndexFile(path=f"{_TOP}/{snapshot.repository.name}.sources", content=sources)
        if keyring is not None:
            short = f"{_TOP}/{keyring_name(snapshot.repository)}.deb"
            yield IndexFile(path=short, content=keyring.content)

    def problems(
        self, reader: Reader, about: Mapping[str, Any], listed: Mapping[str, str]
    ) -> Iterator[str]:
        """Yield which suite's InRelease is missing, not signed, or of another generation."""
        certificate = about.get("certificate")
        if certificate is None:
            return
        for suite in about.get("suites", ()):
            path = f"{_TOP}/dists/{suite}/InRelease"
            content = reader.read(path)
            if content is None:
                yield f"{path}: is missing"
                continue
            try:
                text = verified(content, certificate)
            except RepositoryError as error:
                yield f"{path}: {error}"
                continue
            # RFC 4880, 7.1: the last line's end is not signed, and gpg gives it back without.
            if text.rstrip() != (reader.read(f"{_TOP}/dists/{suite}/Release") or b"").rstrip():
                yield f"{path}: does not belong to this generation"

    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return what adds the archive, and apt's command."""
        sources = f"{repository.name}.sources"
        fetch = f"curl -fsSL {repository.address}/{_TOP}/{sources}"
        return (
            f"{fetch} | sudo tee /etc/apt/sources.list.d/{sources} >/dev/null",
            f"sudo apt update && sudo apt install {name}",
        )


def _files(
    artifact: IO[bytes], parts: Collection[str] = ("control", "data")
) -> Iterator[tuple[str, str, IO[bytes]]]:
    """Yield each file of a .deb's parts: which part it is in, its path in that, and its content."""
    for name, size in _ar_members(artifact):
        stream = cast("IO[bytes]", Part(artifact, size))
        part = name.partition(".")[0]
        if name == "debian-binary":
            if not stream.read().startswith(b"2."):
                raise ValueError("its debian-binary does not say that it is of format 2")
        elif part in parts:
            for path, content in tar_members(name, stream):
                yield part, path.removeprefix("./"), content


def _ar_members(artifact: IO[bytes]) -> Iterator[tuple[str, int]]:
    """Yield the name and the size in bytes of each member, at whose first byte the stream is then.

    Raises ValueError where it is not an ar archive, or a size is none, and EOFError where it is cut
    off.
    """
    if artifact.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise ValueError("it does not start like an ar archive")
    while header := artifact.read(_AR_HEADER):
        if len(header) < _AR_HEADER:
            raise EOFError("it ends in the middle of a header")
        if header[58:] != b"`\n":
            raise ValueError("the header of a member is damaged")
        name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
        if size < 0:
            raise ValueError(f"a member of the .deb has {size} bytes")
        following = artifact.tell() + size + size % 2
        yield name, size
        artifact.seek(following)


def _reading(package: PublishedPackage, control: Deb822) -> Reading:
    name, version, architecture = (
        str(control[field]) for field in ("Package", "Version", "Architecture")
    )
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        raise RepositoryError(
            f"'{name} {version}' is not the name and version of a Debian package; build it again"
        )
    if architecture != "all":
        raise RepositoryError(f"is for {architecture}; data is Architecture: all: build it so")
    # A control field's lines begin with a space, and a dot stands for an empty one (Policy 5.6.13).
    _, *long = str(control.get("Description", "")).split("\n")
    description = "\n".join(line[1:] if line != " ." else "" for line in long)
    file_version = version.partition(":")[2] or version
    return Reading(
        package=replace(package, description=description),
        place=f"{_TOP}/pool/{_COMPONENT}/{name[0]}/{name}/{name}_{file_version}_all.deb",
        version=version,
        index={"control": control.dump() or ""},
        checked=True,
    )


def _stanzas(snapshot: Snapshot) -> dict[str, str]:
    """Return what Packages has of each artifact, by its path."""
    found = _earlier_stanzas(snapshot)
    stanzas = found or {}
    for package in snapshot.packages if found is None else snapshot.mine:
        for artifact in package.artifacts_of(AptArchive.name):
            if package.retracted is None:
                stanzas[artifact.path] = _stanza(artifact)
            else:
                stanzas.pop(artifact.path, None)
    return stanzas


def _earlier_stanzas(snapshot: Snapshot) -> dict[str, str] | None:
    """Return the stanzas of the generation before; None where they are not known."""
    path = f"{_TOP}/dists/{snapshot.repository.suites[0]}/{_COMPONENT}/binary-all/Packages"
    content = snapshot.before.read(path) if snapshot.before else None
    if content is None:
        return None
    stanzas = (f"{each}\n\n" for each in content.decode().split("\n\n") if each)
    return {f"{_TOP}/{_FILENAME.findall(each)[-1]}": each for each in stanzas}


def _stanza(artifact: PublishedArtifact) -> str:
    return _with_file(str(artifact.index["control"]), artifact.path, artifact.size, artifact.sha256)


def _with_file(control: str, path: str, size: int, sha256: str) -> str:
    file_name = path.removeprefix(f"{_TOP}/")
    return f"{control.rstrip()}\nFilename: {file_name}\nSize: {size}\nSHA256: {sha256}\n\n"


def _suite_files(
    snapshot: Snapshot, suite: str, files: dict[str, bytes], digests: dict[str, str]
) -> Iterator[IndexFile]:
    folder = f"{_TOP}/dists/{suite}"
    # Without the line of the uncompressed file apt updates, says nothing and knows no package.
    listed = "".join(f" {digests[path]} {len(each)} {path}\n" for path, each in files.items())
    release = _release(snapshot.repository, suite, listed).encode()
    # A client that does not ask by digest wants them, and no signed file names others than these.
    for path, content in files.items():
        yield IndexFile(path=f"{folder}/{path}", content=content)
    yield IndexFile(path=f"{folder}/Release", content=release)
    if snapshot.signer is not None:
        signed = snapshot.signer.clear(release)
        yield IndexFile(path=f"{folder}/InRelease", content=signed, signature=True)


def _release(repository: PublishedRepository, suite: str, listed: str) -> str:
    """Return Release; `listed` has a line for each file: its sha256, its size and its path."""
    seconds = _seconds(repository.date)
    fields = {
        # apt asks a person wherever these two change.
        "Origin": repository.origin,
        "Label": repository.label,
        "Suite": suite,
        "Codename": suite,
        "Date": formatdate(seconds, usegmt=True),
    }
    if repository.valid_days:
        until = formatdate(seconds + repository.valid_days * 86400, usegmt=True)
        fields["Valid-Until"] = until
    fields |= {
        "Architectures": "all",
        "Components": _COMPONENT,
        "Description": repository.title,
        "Acquire-By-Hash": "yes",
    }
    stated = "".join(f"{name}: {_one_line(value)}\n" for name, value in fields.items())
    return f"{stated}SHA256:\n{listed}"


def _seconds(date: str) -> int:
    return calendar.timegm(time.strptime(date, "%Y-%m-%dT%H:%M:%SZ"))


def _one_line(value: str) -> str:
    """Return a value that cannot begin another field."""
    return " ".join(value.split())


def _sources(repository: PublishedRepository) -> str:
    """Return what goes into /etc/apt/sources.list.d, with the key in it."""
    lines = [
        "Types: deb",
        f"URIs: {repository.address}/{_TOP}",
        f"Suites: {' '.join(repository.suites)}",
        f"Components: {_COMPONENT}",
    ]
    if repository.certificate is None:
        lines.append("Trusted: yes")
    else:
        key = repository.certificate.strip().split("\n")
        lines += ["Signed-By:", *(f" {line.strip() or '.'}" for line in key)]
    return "\n".join(lines) + "\n"


def keyring_name(repository: PublishedRepository) -> str:
    """Return the name of the package that keeps users' keys up to date."""
    return f"{repository.name}-archive-keyring"


def _keyring(snapshot: Snapshot) -> IndexFile | None:
    """Return the package that installs the .sources, so that an upgrade brings the next key.

    The file is what a user was told to put there, to the byte, so dpkg has nothing to ask.
    """
    repository = snapshot.repository
    if repository.certificate is None:
        return None
    name = keyring_name(repository)
    sources = f"etc/apt/sources.list.d/{repository.name}.sources"
    control = _keyring_control(repository, snapshot.keyring)
    conffiles = f"/{sources}\n"
    content = _deb(
        {"./control": control.encode(), "./conffiles": conffiles.encode()},
        {f"./{sources}": _sources(repository).encode()},
    )
    path = f"{_TOP}/pool/{_COMPONENT}/{name[0]}/{name}/{name}_{snapshot.keyring}_all.deb"
    return IndexFile(path=path, content=content, settled=True)


def _keyring_control(repository: PublishedRepository, version: int) -> str:
    control = Deb822(
        {
            "Package": keyring_name(repository),
            "Version": str(version),
            "Architecture": "all",
            "Maintainer": f"{_one_line(repository.title)} <nobody@{repository.name}.invalid>",
            "Section": "misc",
            "Priority": "optional",
            "Description": f"address and key of the archive {repository.name}\n"
            f" It installs the apt source of {_one_line(repository.title)}, whose key it keeps\n"
            " up to date.",
        }
    )
    return control.dump() or ""


def _keyring_stanza(keyring: IndexFile) -> str:
    files = _files(io.BytesIO(keyring.content), ("control",))
    control = next(content.read() for _, path, content in files if path == "control")
    digest = hashlib.sha256(keyring.content).hexdigest()
    return _with_file(control.decode(), keyring.path, len(keyring.content), digest)


def _deb(control: dict[str, bytes], data: dict[str, bytes]) -> bytes:
    """Return a small .deb; the same files give the same bytes."""
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar_gz(control),
        "data.tar.gz": _tar_gz(data),
    }
    output = [b"!<arch>\n"]
    for name, content in members.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        output += [header.encode("ascii"), content, b"\n" * (len(content) % 2)]
    return b"".join(output)


def _tar_gz(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        folders = {"./"}
        for path in files:
            parts = path.split("/")[1:-1]
            folders |= {f"./{'/'.join(parts[:depth])}/" for depth in range(1, len(parts) + 1)}
        for folder in sorted(folders):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


ECOSYSTEM: Ecosystem = AptArchive()
