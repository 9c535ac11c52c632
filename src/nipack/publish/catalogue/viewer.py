"""NiiVue, the program that shows volumes in a page: where it comes from, and where it is stored.

It is BSD-2-Clause, which asks that its notice goes wherever it goes.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import PackagePath, distributions
from pathlib import Path

from nipack.publish.catalogue.previews import Stored
from nipack.publish.errors import RepositoryError
from nipack.system.extras import how_to_have

NAME, LICENCE = "niivue.umd.js", "LICENSE.txt"
FOLDER = "catalogue/niivue"
INSTALLED, NONE = "installed", "none"
_LARGEST = 32_000_000
_LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md")


@dataclass(frozen=True, slots=True)
class Viewer:
    """The program and its licence; without any bytes, that there shall be no viewer."""

    program: bytes = b""
    licence: bytes = b""

    @property
    def digest(self) -> str:
        """Return the sha256 of the program; empty where there is none."""
        return hashlib.sha256(self.program).hexdigest() if self.program else ""

    @property
    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files that a repository has of it, the licence first."""
        if self.program:
            yield licence_path(self.digest), self.licence
            yield program_path(self.digest), self.program


def program_path(digest: str) -> str:
    """Return where the program of that sha256 is."""
    return f"{FOLDER}/{digest[:32]}/{NAME}"


def licence_path(digest: str) -> str:
    """Return where the licence of a program is."""
    return f"{FOLDER}/{digest[:32]}/{LICENCE}"


def stored_files(digest: str, stored: Stored) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a viewer that a repository has, as far as they are those it says.

    The program is code: nothing of another digest gets among what is signed.
    """
    program = stored.read(program_path(digest)) if digest else None
    if program is None or hashlib.sha256(program).hexdigest() != digest:
        return
    licence = stored.read(licence_path(digest))
    if licence is not None:
        yield licence_path(digest), licence
    yield program_path(digest), program


def viewer_at(where: str) -> Viewer:
    """Return the viewer that is meant by a file, a folder, `installed` or `none`.

    A folder is the unpacked npm package, or any that has the program somewhere below.  Raises
    RepositoryError where there is none.
    """
    if where == NONE:
        return Viewer()
    if where == INSTALLED:
        return _viewer(_installed(), None)
    path = Path(where)
    if not path.is_dir():
        return _viewer(path, None)
    found = min(path.rglob(NAME), key=lambda each: (len(each.parts), each), default=None)
    if found is None:
        raise RepositoryError(f"{path}: has no {NAME}; unpack the npm package of NiiVue there")
    return _viewer(found, path)


def _viewer(path: Path, folder: Path | None) -> Viewer:
    try:
        if path.stat().st_size > _LARGEST:
            raise RepositoryError(f"{path}: is too large for a program; give {NAME} of NiiVue")
        program = path.read_bytes()
        beside = [place / name for place in (folder, path.parent) if place for name in _LICENCES]
        licence = next((each.read_bytes() for each in beside if each.is_file()), None)
    except OSError as error:
        raise RepositoryError(f"{path}: {error.strerror}; give {NAME} of NiiVue") from error
    if b"Niivue" not in program or b"globalThis" not in program[:500]:
        raise RepositoryError(
            f"{path}: is not the build of NiiVue that a page can load; give its {NAME}"
        )
    return Viewer(program, licence or _own_licence())


@cache
def _own_licence() -> bytes:
    folder = resources.files("nipack.publish.catalogue")
    return folder.joinpath("assets", "niivue.notice").read_bytes()


def _installed() -> Path:
    """Return the program that an installed distribution has a record of, which is not imported."""
    for distribution in distributions():
        # Most records are long, and nearly none names it.
        if NAME not in (distribution.read_text("RECORD") or ""):
            continue
        for file in distribution.files or ():
            if file.name == NAME:
                _compare(file)
                return Path(str(file.locate()))
    missing = how_to_have("nilearn", "a viewer", ModuleNotFoundError())
    raise RepositoryError(
        f"no installed package has {NAME}: {missing}, or give the file: --viewer FILE"
    )


def _compare(file: PackagePath) -> None:
    """Raise RepositoryError where a file is not what the record of its distribution says."""
    if file.hash is None or file.hash.mode != "sha256":
        return
    content = Path(str(file.locate())).read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    if digest != file.hash.value:
        raise RepositoryError(f"{file.locate()}: was changed after it was installed; install again")
