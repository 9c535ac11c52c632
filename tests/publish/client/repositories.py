"""Repositories of a few handwritten files: what `nipack get` reads of one, and no more."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nipack.publish.client.known import KnownRepository


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Lab:
    """A repository in a folder, unsigned."""

    def __init__(self, folder: Path, **about: Any) -> None:
        """Make the folder; `about` is what its repository.json says otherwise."""
        self.folder, self.rows = folder, list[dict[str, Any]]()
        self.about = {
            "name": "lab", "title": "Ada's lab", "generation": 3, "date": "2026-11-20T12:00:00Z",
        } | about  # fmt: skip
        folder.mkdir()

    def put(
        self,
        name: str = "nipy-x",
        version: str = "1.0",
        files: Mapping[str, bytes] | None = None,
        links: Mapping[str, str] | None = None,
        **row: Any,
    ) -> dict[str, Any]:
        """Put a package there as a wheel; return its row, to be changed at will."""
        relpath = str(row.get("relpath", "nipy/x"))
        contents = {"config.ini": b"[DEFAULT]\n", "deep/a": b"a"} if files is None else files
        root, records = f"share/nipy/{relpath}", f"share/nipack/{name}"
        sums = "".join(f"{sha256(c)}  {root}/{path}\n" for path, c in contents.items())
        sums += "".join(f"# symlink {root}/{a} -> {b}\n" for a, b in (links or {}).items())
        payload_id = sha256(sums.encode())
        document = {
            "name": name, "version": version, "relpath": relpath, "payload_id": payload_id,
            "size": sum(map(len, contents.values())),
            "files": {path: len(content) for path, content in contents.items()},
        }  # fmt: skip
        wheel = self.folder / f"{name}-{version}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{name}.data/data/{records}/package.json", json.dumps(document))
            archive.writestr(f"{name}.data/data/{records}/SHA256SUMS", sums)
            for path, content in contents.items():
                archive.writestr(f"{name}.data/data/{root}/{path}", content)
        made = {
            "name": name, "version": version, "relpath": relpath, "payload_id": payload_id,
            "date": "2026-11-20T12:00:00Z", "artifacts": [self.artifact(wheel)],
        } | row  # fmt: skip
        self.rows.append(made)
        return made

    def artifact(self, path: Path) -> dict[str, Any]:
        """Return what a row says of a wheel."""
        content = path.read_bytes()
        return {
            "ecosystem": "pip", "path": path.name, "size": len(content), "sha256": sha256(content),
        }  # fmt: skip

    def write(self) -> Path:
        """Write its lists; return the folder."""
        rows = json.dumps({"packages": self.rows}).encode()
        sums = f"{sha256(rows)}  packages.json\n".encode()
        about = json.dumps(self.about | {"sha256sums": sha256(sums)}).encode()
        for name, content in (
            ("packages.json", rows), ("SHA256SUMS", sums), ("repository.json", about),
        ):  # fmt: skip
            (self.folder / name).write_bytes(content)
        return self.folder

    def known(self, **changes: Any) -> KnownRepository:
        """Return it as it is when it was added."""
        fields: dict[str, Any] = {
            **self.about, "address": str(self.folder), "fingerprint": None, "certificate": None,
            "packages": tuple(self.rows),
        }  # fmt: skip
        return KnownRepository(**(fields | changes))
