"""What pip and uv install from: the simple repository API.

Source: "Simple repository API" of Python's packaging specifications (PEP 503, 592, 629, 658, 691,
700, 714, 740).
"""

import hashlib
import html
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from nipack.lookup.json_text import MOST_OF_OWN, json_value
from nipack.publish.artifacts.contents import Contents, joined_texts
from nipack.publish.artifacts.damage import damage_as_error, read_text
from nipack.publish.artifacts.members import Members, read_to_end
from nipack.publish.ecosystems import Attestations, Ecosystem, IndexFile, Reading, Snapshot
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedArtifact, PublishedPackage, PublishedRepository

_TOP = "simple"
_VERSION = "1.3"


class SimpleIndex(Ecosystem):
    """A page for each project, for clients of HTML and of JSON."""

    name = "pip"
    title = "pip, uv"
    suffix = ".whl"
    folder = _TOP
    rank = 30
    media_type = "application/zip"

    def read(self, artifact: Path) -> Reading:
        """Return what the wheel's METADATA says."""
        with damage_as_error("a wheel"):
            project, version, _, _ = parse_wheel_filename(artifact.name)
            with zipfile.ZipFile(artifact) as archive:
                return _reading(archive, artifact.name, project, version)

    def members(self, artifact: IO[bytes]) -> Members:
        """Yield what is below NAME.data/data/."""
        with zipfile.ZipFile(artifact) as archive:
            for name in archive.namelist():
                _, found, path = name.partition(".data/data/")
                if found:
                    with archive.open(name) as content:
                        yield path, content

    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield each wheel's metadata, each project's pages, and those of all."""
        earlier = _earlier(snapshot)
        projects = _projects(snapshot.packages if earlier is None else snapshot.mine)
        for project, wheels in sorted(projects.items()):
            if any(snapshot.wants(package.name) for package, _ in wheels):
                yield from _project_files(project, wheels, snapshot.repository.address)
        names = sorted({*projects, *(earlier or ())})
        links = [f'<a href="{name}/">{name}</a>' for name in names]
        yield IndexFile(path=f"{_TOP}/index.html", content=_page("Simple index", links))
        document = {"meta": _meta(), "projects": [{"name": name} for name in names]}
        yield IndexFile(path=f"{_TOP}/index.json", content=_json(document))

    def carried(self, place: str, found: Attestations) -> Mapping[str, bytes]:
        """Return the bundle, and PEP 740's provenance of the attestation."""
        files = dict(super().carried(place, found))
        if found.publish:
            bundle = {"publisher": {"kind": "nipack"}, "attestations": [json_value(found.publish)]}
            files[f"{place}.provenance"] = _json({"version": 1, "attestation_bundles": [bundle]})
        return files

    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return pip's command."""
        # As an extra index beside another, anybody's package of that name could win.
        return (f"pip install --index-url {repository.address}/{_TOP}/ {name}",)


_Wheels = list[tuple[PublishedPackage, PublishedArtifact]]


def _projects(packages: Iterable[PublishedPackage]) -> dict[str, _Wheels]:
    """Return the wheels of each project."""
    projects: dict[str, _Wheels] = {}
    for package in packages:
        for artifact in package.artifacts_of(SimpleIndex.name):
            projects.setdefault(artifact.index["project"], []).append((package, artifact))
    return projects


def _earlier(snapshot: Snapshot) -> list[str] | None:
    """Return the projects of the generation before; None where they are not known."""
    content = snapshot.before.read(f"{_TOP}/index.json") if snapshot.before else None
    if snapshot.before is None or content is None:
        return None
    names = [each["name"] for each in json_value(content, MOST_OF_OWN)["projects"]]
    known = frozenset(names)
    for project, wheels in _projects(snapshot.mine).items():
        if project not in known:
            continue
        page = snapshot.before.read(f"{_TOP}/{project}/index.json")
        there = (
            {each["filename"] for each in json_value(page, MOST_OF_OWN)["files"]} if page else None
        )
        if there is None or there - {wheel.file_name for _, wheel in wheels}:
            return None  # Another package of the repository has wheels of this project.
    return names


def _reading(archive: zipfile.ZipFile, file_name: str, project: str, version: Version) -> Reading:
    contents, metadata, licenses = Contents(), b"", []
    for member in archive.namelist():
        folder, _, path = member.partition("/")
        with archive.open(member) as content:
            if folder.endswith(".dist-info") and path == "METADATA":
                metadata = read_text(content, path)
            elif folder.endswith(".dist-info") and path.startswith("licenses/"):
                licenses.append((path, read_text(content, path)))
            elif folder.endswith(".data") and path.startswith("data/"):
                contents.take(path.removeprefix("data/"), content)
            # What is damaged elsewhere cannot be installed either.
            read_to_end(content)
    package = contents.checked_package()
    fields = message_from_bytes(metadata)
    if (canonicalize_name(fields["Name"] or ""), fields["Version"]) != (project, str(version)):
        raise RepositoryError(
            f"its METADATA is of {fields['Name']} {fields['Version']}; restore its original name"
        )
    body = fields.get_payload(decode=True)
    return Reading(
        package=replace(
            package,
            description=body.decode("utf-8", "replace").strip() if isinstance(body, bytes) else "",
            license_text=joined_texts(licenses),
        ),
        place=f"{_TOP}/{project}/{file_name}",
        version=str(version),
        index={
            "project": project,
            "metadata": metadata.decode("utf-8"),
            "requires-python": fields["Requires-Python"],
        },
        checked=True,
    )


def _project_files(project: str, wheels: _Wheels, address: str | None) -> Iterator[IndexFile]:
    for _, wheel in wheels:
        yield IndexFile(path=f"{wheel.path}.metadata", content=_metadata(wheel), settled=True)
    ordered = sorted(wheels, key=lambda each: (Version(each[1].version), each[1].file_name))
    links = [_link(package, wheel, address) for package, wheel in ordered]
    page = _page(f"Links for {project}", links)
    yield IndexFile(path=f"{_TOP}/{project}/index.html", content=page, own=1)
    document = {
        "files": [_file(package, wheel, address) for package, wheel in ordered],
        "meta": _meta(),
        "name": project,
        "versions": list(dict.fromkeys(wheel.version for _, wheel in ordered)),
    }
    yield IndexFile(path=f"{_TOP}/{project}/index.json", content=_json(document), own=1)


def _metadata(wheel: PublishedArtifact) -> bytes:
    return str(wheel.index["metadata"]).encode()


def _digest_of_metadata(wheel: PublishedArtifact) -> str:
    return hashlib.sha256(_metadata(wheel)).hexdigest()


def _provenance(wheel: PublishedArtifact, address: str | None) -> str | None:
    """Return the address of a wheel's provenance, which PEP 740 wants to be whole and secure."""
    path = f"{wheel.path}.provenance"
    if path not in wheel.carried or not (address or "").startswith("https://"):
        return None
    return f"{address}/{quote(path)}"


def _link(package: PublishedPackage, wheel: PublishedArtifact, address: str | None) -> str:
    metadata = f"sha256={_digest_of_metadata(wheel)}"
    attributes = {
        "href": f"{quote(wheel.file_name)}#sha256={wheel.sha256}",
        "data-core-metadata": metadata,
        "data-dist-info-metadata": metadata,
        # No standard has it in HTML, and uv --exclude-newer wants it.
        "data-upload-time": wheel.date,
    }
    if wheel.index.get("requires-python"):
        attributes["data-requires-python"] = wheel.index["requires-python"]
    if package.retracted is not None:
        attributes["data-yanked"] = package.retracted
    if provenance := _provenance(wheel, address):
        attributes["data-provenance"] = provenance
    listed = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a {listed}>{html.escape(wheel.file_name)}</a>"


def _file(
    package: PublishedPackage, wheel: PublishedArtifact, address: str | None
) -> dict[str, Any]:
    metadata = {"sha256": _digest_of_metadata(wheel)}
    file = {
        "core-metadata": metadata,
        "dist-info-metadata": metadata,
        "filename": wheel.file_name,
        "hashes": {"sha256": wheel.sha256},
        "size": wheel.size,
        "upload-time": wheel.date,
        "url": quote(wheel.file_name),
    }
    if wheel.index.get("requires-python"):
        file["requires-python"] = wheel.index["requires-python"]
    if package.retracted is not None:
        file["yanked"] = package.retracted or True
    if provenance := _provenance(wheel, address):
        file["provenance"] = provenance
    return file


def _page(title: str, links: list[str]) -> bytes:
    lines = "".join(f"{link}<br>\n" for link in links)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="pypi:repository-version" content="{_VERSION}">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n<body>\n{lines}</body>\n</html>\n"
    ).encode()


def _meta() -> dict[str, str]:
    return {"api-version": _VERSION}


def _json(document: Any) -> bytes:
    return (json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n").encode()


ECOSYSTEM: Ecosystem = SimpleIndex()
