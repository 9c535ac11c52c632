"""A repository for dnf, of .rpm files that rpmbuild has made.

Sources: createrepo_c(8), dnf.conf(5), and rpm-metadata's XML as libsolv reads it.  createrepo_c
says what an index has of a package; that is kept in the log, and joined here.
"""

import calendar
import gzip
import hashlib
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from nipack.publish.artifacts.contents import Contents, joined_texts
from nipack.publish.artifacts.damage import damage_as_error, read_text
from nipack.publish.artifacts.members import Members, below
from nipack.publish.artifacts.rpm import check_payload_digest, rpm_files
from nipack.publish.ecosystems import Ecosystem, IndexFile, Reader, Reading, Snapshot
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedPackage, PublishedRepository
from nipack.publish.signing import verified
from nipack.system.extras import how_to_have

_TOP = "rpm"
_PREFIX = "./usr/"
_LICENSES = f"{_PREFIX}share/licenses/"
_REPO = "http://linux.duke.edu/metadata/repo"
# Each index has the root element and the namespaces that its snippets need.
_KINDS = {
    "primary": 'metadata xmlns="http://linux.duke.edu/metadata/common" '
    'xmlns:rpm="http://linux.duke.edu/metadata/rpm"',
    "filelists": 'filelists xmlns="http://linux.duke.edu/metadata/filelists"',
    "other": 'otherdata xmlns="http://linux.duke.edu/metadata/other"',
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_VERSION = re.compile(r"[A-Za-z0-9._+~^]+")
_SNIPPET = re.compile(r"^<package .*?^</package>\n", re.MULTILINE | re.DOTALL)
_PACKAGE_ID = re.compile(r'pkgid="(?:YES">)?([0-9a-f]{64})')


class RpmRepository(Ecosystem):
    """Indexes that are called by their digests, and a signed repomd.xml that leads to them."""

    name = "rpm"
    title = "dnf"
    suffix = ".rpm"
    folder = _TOP
    rank = 40
    media_type = "application/x-rpm"
    beside = ".src.rpm"

    def read(self, artifact: Path) -> Reading:
        """Return what the header says, and which data is in it."""
        header = _header(artifact)
        contents, texts = Contents(), []
        with damage_as_error("an .rpm"), artifact.open("rb") as stream:
            check_payload_digest(stream)
            stream.seek(0)
            for name, content in rpm_files(stream):
                if name.startswith(_LICENSES):
                    texts.append((name, read_text(content, name)))
                elif name.startswith(_PREFIX):
                    contents.take(name.removeprefix(_PREFIX), content)
            package = contents.checked_package()
        return _reading(header, replace(package, license_text=joined_texts(texts)))

    def members(self, artifact: IO[bytes]) -> Members:
        """Yield what is below usr/."""
        return below("usr/", rpm_files(artifact))

    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield the indexes by their digests, and then what leads to them."""
        snippets = _snippets(snapshot)
        # In the same order in each: the three are read together.
        ordered = [snippets[digest] for digest in sorted(snippets)]
        indexes = [_index(kind, [each[kind] for each in ordered]) for kind in _KINDS]
        for each in indexes:
            yield IndexFile(path=f"{_TOP}/{each.location}", content=each.content, settled=True)
        repository = snapshot.repository
        if repository.certificate is not None:
            certificate = repository.certificate.encode("ascii")
            yield IndexFile(path=f"{_TOP}/{repository.name}.asc", content=certificate)
        repomd = _repomd(indexes, repository)
        if snapshot.signer is not None:
            signature = snapshot.signer.detached(repomd)
            yield IndexFile(
                path=f"{_TOP}/repodata/repomd.xml.asc", content=signature, signature=True
            )
        yield IndexFile(path=f"{_TOP}/repodata/repomd.xml", content=repomd)
        described = _repo_file(repository).encode()
        yield IndexFile(path=f"{_TOP}/{repository.name}.repo", content=described)

    def problems(
        self, reader: Reader, about: Mapping[str, Any], listed: Mapping[str, str]
    ) -> Iterator[str]:
        """Yield what is wrong with repomd.xml's signature."""
        path, certificate = f"{_TOP}/repodata/repomd.xml", about.get("certificate")
        if certificate is None or path not in listed:
            return
        signature = reader.read(f"{path}.asc")
        if signature is None:
            yield f"{path}.asc: is missing"
            return
        try:
            verified(reader.read(path) or b"", certificate, signature)
        except RepositoryError as error:
            yield f"{path}: {error}"

    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return what adds the repository, and dnf's command."""
        file = f"{repository.name}.repo"
        return (
            f"sudo curl -fsSL {repository.address}/{_TOP}/{file} -o /etc/yum.repos.d/{file}",
            f"sudo dnf install {name}",
        )


_Snippets = dict[str, dict[str, str]]


def _snippets(snapshot: Snapshot) -> _Snippets:
    """Return what each index has of a package, by the package's sha256."""
    earlier = _earlier(snapshot)
    snippets = earlier or {}
    for package in snapshot.packages if earlier is None else snapshot.mine:
        for artifact in package.artifacts_of(RpmRepository.name):
            if package.retracted is None:
                snippets[artifact.sha256] = {kind: str(artifact.index[kind]) for kind in _KINDS}
            else:
                snippets.pop(artifact.sha256, None)
    return snippets


def _earlier(snapshot: Snapshot) -> _Snippets | None:
    """Return the snippets of the generation before; None where they are not known."""
    repomd = snapshot.before.read(f"{_TOP}/repodata/repomd.xml") if snapshot.before else None
    if snapshot.before is None or repomd is None:
        return None
    found: _Snippets = {}
    for data in ET.fromstring(repomd).iter(f"{{{_REPO}}}data"):
        place = data.find(f"{{{_REPO}}}location")
        digest = data.findtext(f"{{{_REPO}}}checksum")
        if place is None or digest is None:
            return None
        content = snapshot.before.read_named(f"{_TOP}/{place.attrib['href']}", digest)
        if content is None:
            return None
        for snippet in _SNIPPET.findall(gzip.decompress(content).decode()):
            found.setdefault(_PACKAGE_ID.findall(snippet)[0], {})[data.attrib["type"]] = snippet
    return found


def _header(artifact: Path) -> Any:
    """Return what createrepo_c reads of an .rpm; raises RepositoryError."""
    try:
        import createrepo_c
    except ImportError as error:
        why = "reading an .rpm, which works only on Linux,"
        raise RepositoryError(how_to_have("createrepo_c", why, error)) from error
    # createrepo_c raises OSError for a damaged file, too: what the system refuses is met before.
    with artifact.open("rb"):
        try:
            # The digest of a package stands in each index, so this reads the file.
            header = createrepo_c.package_from_rpm(str(artifact), checksum_type=createrepo_c.SHA256)
        except (createrepo_c.CreaterepoCError, OSError) as error:
            reason = str(error).rpartition(": ")[2]
            raise RepositoryError(
                f"is damaged, or is not an .rpm: {reason}; build it again"
            ) from error
    name, version, release = header.name, header.version, header.release
    if not _NAME.fullmatch(name) or not all(map(_VERSION.fullmatch, (version, release))):
        raise RepositoryError(
            f"'{name} {version}-{release}' is not the name of an .rpm; build it again"
        )
    if header.rpm_sourcerpm is None or header.arch != "noarch":
        kind = header.arch if header.rpm_sourcerpm else "source"
        raise RepositoryError(f"is for {kind}; data is BuildArch: noarch: publish that .rpm")
    return header


def _reading(header: Any, package: PublishedPackage) -> Reading:
    import createrepo_c

    name, version, release = header.name, header.version, header.release
    file = f"{name}-{version}-{release}.noarch.rpm"
    header.location_href = file
    # The file's own time is that of a copy.
    header.time_file = header.time_build
    primary, filelists, other = createrepo_c.xml_dump(header)
    epoch = f"{header.epoch}:" if header.epoch not in (None, "0") else ""
    return Reading(
        package=replace(package, description=header.description or ""),
        place=f"{_TOP}/{file}",
        version=f"{epoch}{version}-{release}",
        index={"primary": primary, "filelists": filelists, "other": other},
        checked=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """One of the indexes: compressed, and what repomd.xml says of it."""

    kind: str
    content: bytes
    plain_size: int
    plain_sha256: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def location(self) -> str:
        return f"repodata/{self.sha256}-{self.kind}.xml.gz"


def _index(kind: str, snippets: list[str]) -> _Index:
    root = _KINDS[kind]
    plain = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} packages="{len(snippets)}">\n'
        f"{''.join(snippets)}</{root.partition(' ')[0]}>\n"
    ).encode()
    return _Index(
        kind=kind,
        content=gzip.compress(plain, 6, mtime=0),
        plain_size=len(plain),
        plain_sha256=hashlib.sha256(plain).hexdigest(),
    )


def _repomd(indexes: list[_Index], repository: PublishedRepository) -> bytes:
    seconds = calendar.timegm(time.strptime(repository.date, "%Y-%m-%dT%H:%M:%SZ"))
    root = ET.Element("repomd", xmlns=_REPO)
    ET.SubElement(root, "revision").text = str(repository.generation)
    for each in indexes:
        data = ET.SubElement(root, "data", type=each.kind)
        ET.SubElement(data, "checksum", type="sha256").text = each.sha256
        ET.SubElement(data, "open-checksum", type="sha256").text = each.plain_sha256
        ET.SubElement(data, "location", href=each.location)
        ET.SubElement(data, "timestamp").text = str(seconds)
        ET.SubElement(data, "size").text = str(len(each.content))
        ET.SubElement(data, "open-size").text = str(each.plain_size)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _repo_file(repository: PublishedRepository) -> str:
    """Return what goes into /etc/yum.repos.d."""
    # What was published never changes, so no signature is put into an .rpm: its digest is in an
    # index whose digest is in what is signed.
    lines = [
        f"[{repository.name}]",
        f"name={' '.join(repository.title.split())}",
        f"baseurl={repository.address}/{_TOP}",
        "enabled=1",
        "gpgcheck=0",
        f"repo_gpgcheck={int(repository.certificate is not None)}",
    ]
    if repository.certificate is not None:
        lines.append(f"gpgkey={repository.address}/{_TOP}/{repository.name}.asc")
    return "\n".join(lines) + "\n"


ECOSYSTEM: Ecosystem = RpmRepository()
