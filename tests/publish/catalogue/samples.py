"""Repositories to look at: ordinary ones, large ones, and one that means harm."""

import hashlib
from collections.abc import Iterator
from typing import Any

from nipack.publish.records import (
    PublishedArtifact,
    PublishedFile,
    PublishedPackage,
    PublishedRepository,
)

HARM = "\"><script>window.harmed=1</script><img src=x onerror='window.harmed=1'>{{7*7}}\u202e"
HARMFUL_ADDRESS = "javascript:window.harmed=1"


def repository(**changes: Any) -> PublishedRepository:
    fields: dict[str, Any] = {
        "name": "neuro",
        "title": "Neuro data",
        "origin": "Neuro data",
        "label": "Neuro data",
        "suites": ("stable",),
        "address": "https://data.example.org/neuro",
        "fingerprint": "0123456789ABCDEF0123456789ABCDEF01234567",
        "generation": 3,
        "date": "2026-11-20T12:00:00Z",
    }
    return PublishedRepository(**{**fields, **changes})


def package(name: str = "nipy-templates", version: str = "0.3", **changes: Any) -> PublishedPackage:
    files = changes.pop("files", {"config.ini": b"0", "ICBM152/2mm/T1.nii.gz": b"1" * 900})
    fields: dict[str, Any] = {
        "name": name,
        "version": version,
        "relpath": "nipy/templates",
        "payload_id": digest(f"{name} {version}"),
        "size": sum(map(len, files.values())),
        "files": tuple(
            PublishedFile(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for path, content in sorted(files.items())
        ),
        "summary": "Templates of the brain for nipy",
        "license": "BSD-3-Clause",
        "artifacts": (
            artifact("apt", f"apt/pool/{name}_{version}-1_all.deb"),
            artifact("conda", f"conda/noarch/{name}-{version}-0.conda"),
            artifact("pip", f"simple/{name}/{name.replace('-', '_')}-{version}-py3-none-any.whl"),
        ),
    }
    return PublishedPackage(**{**fields, **changes})


def artifact(ecosystem: str, path: str, date: str = "2026-11-20T12:00:00Z") -> PublishedArtifact:
    return PublishedArtifact(
        ecosystem=ecosystem, path=path, version="0", size=1234567, sha256=digest(path), date=date
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def harmful() -> PublishedPackage:
    """A package every text of which tries to be code."""
    return package(
        HARM,
        relpath=f"nipy/{HARM}",
        summary=HARM,
        description=f"{HARM}\n\n{HARM}",
        homepage=HARMFUL_ADDRESS,
        license=HARM,
        license_text=HARM,
        authors=(HARM,),
        keywords=(HARM,),
        retracted=HARM,
        citation=({"doi": f"10.1/{HARM}", "text": HARM, "metadata": {"title": HARM}},),
        files={f"{HARM}/a.nii.gz": b"1"},
        artifacts=(artifact("conda", f"conda/noarch/{HARM}.conda"),),
    )


def many(count: int) -> Iterator[PublishedPackage]:
    for number in range(count):
        name = f"nipy-data-{number:05d}"
        yield package(
            name,
            relpath=f"{('nipy', 'nilearn', 'templateflow')[number % 3]}/data{number}",
            summary=f"Data set {number} of a large repository, with a summary of usual length",
            license=("CC0-1.0", "CC-BY-4.0", "BSD-3-Clause")[number % 3],
            artifacts=(
                artifact(
                    "conda", f"conda/noarch/{name}-0.3-0.conda", f"2026-{number % 9 + 1:02d}-01"
                ),
            ),
        )
