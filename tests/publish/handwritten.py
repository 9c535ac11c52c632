"""Packages with an artifact of every ecosystem, as the log has them; nothing of them is a file."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.publish.catalogue.samples import package

from nipack.publish.records import PublishedArtifact, PublishedPackage


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
