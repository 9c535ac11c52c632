"""The repositories that a user has added: each with the key it had then, and what it has.

Each is a file of a folder.  A later list is taken only if the pinned key has signed it and if it is
not older than what was seen.
"""

import hashlib
import json
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nipack.lookup.json_text import json_value
from nipack.publish.client import transfer
from nipack.publish.errors import RepositoryError
from nipack.publish.indexes import ABOUT, SUMS, read_sums
from nipack.publish.signing import certificates_in, signing_key
from nipack.system.atomic import written_beside
from nipack.system.foreign import read_regular
from nipack.system.limits import limits

PACKAGES = "packages.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
# A repository that is being published to is read again, so often and after so many seconds.
_ATTEMPTS, _PAUSE = 4, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRepository:
    """A repository as it was when it was last read; `packages` are rows of its packages.json."""

    address: str
    name: str
    title: str
    generation: int
    date: str
    fingerprint: str | None
    certificate: str | None
    packages: tuple[dict[str, Any], ...]

    def find(self, name: str) -> dict[str, Any] | None:
        """Return the row of a package, by its name or relpath; of data in parts that of all.

        The parts of NAME are called NAME-PART, and have the relpath of it; lists that an older
        nipack wrote say no more of them.
        """
        named = [row for row in self.packages if row.get("name") == name]
        there = [row for row in self.packages if row.get("relpath") == name]
        there.sort(key=lambda row: (bool(row.get("part_of")), len(str(row["name"]))))
        return next(iter([*named, *there]), None)


def add(address: str, folder: Path, *, unsigned: bool = False) -> KnownRepository:
    """Read a repository and keep it in the folder, with its key; raises RepositoryError.

    One that is known is read anew, and the key that it had stays the one that is believed.
    """
    address = _plain(address)
    known = next((each for each in repositories(folder) if each.address == address), None)
    found = _read(address, known)
    if found.fingerprint is None and not unsigned:
        raise RepositoryError(
            f"{address}: is not signed, so nobody can verify who made it; if you trust "
            "it anyway, use --unsigned"
        )
    other = folder / f"{found.name}.json"
    if known is None and other.is_file():
        raise RepositoryError(
            f"{address}: calls itself {found.name}, as a repository that you have from "
            f"{_load(other).address}; if it moved: nipack repository remove {found.name}"
        )
    _keep(found, folder)
    return found


def refreshed(known: KnownRepository, folder: Path) -> KnownRepository:
    """Return a repository as it is now, and keep that; raises RepositoryError."""
    found = _read(known.address, known)
    _keep(found, folder)
    return found


def repositories(folder: Path) -> list[KnownRepository]:
    """Return the repositories of the folder, by name; raises RepositoryError for a damaged file."""
    return [_load(path) for path in sorted(folder.glob("*.json"))]


def remove(name: str, folder: Path) -> KnownRepository:
    """Forget a repository, by its name or address; raises RepositoryError where there is none."""
    found = named(name, repositories(folder))
    (folder / f"{found.name}.json").unlink()
    return found


def named(name: str, known: list[KnownRepository]) -> KnownRepository:
    """Return the repository of a name or an address; raises RepositoryError where none is."""
    for each in known:
        if name == each.name or _plain(name) == each.address:
            return each
    raise RepositoryError(
        f"{name}: is not a repository that you have added; nipack repository add ADDRESS does, and "
        "nipack repository list has all"
    )


def pinned_certificates(address: str, folder: Path) -> str | None:
    """Return the certificates by which a repository must be signed; None where it is not known."""
    address = _plain(address)
    found = (each.certificate for each in repositories(folder) if each.address == address)
    return next(found, None)


def _plain(address: str) -> str:
    """Return an address without a slash at its end, the path of a folder in full."""
    scheme = urlsplit(address).scheme
    if scheme in ("http", "https", "file"):
        return address.rstrip("/")
    return str(Path(address).absolute())


def _keep(repository: KnownRepository, folder: Path) -> None:
    fields = ("address", "name", "title", "generation", "date", "fingerprint", "certificate")
    document = {name: getattr(repository, name) for name in fields}
    document["packages"] = list(repository.packages)
    with written_beside(folder / f"{repository.name}.json", RepositoryError) as output:
        output.write((json.dumps(document, indent=1) + "\n").encode())


def _load(path: Path) -> KnownRepository:
    try:
        document = json_value(read_regular(path, limits().record))
        return KnownRepository(**{**document, "packages": tuple(document["packages"])})
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RepositoryError(
            f"{path}: cannot be read: {error}; delete it and add the repository again"
        ) from error


def _read(address: str, known: KnownRepository | None) -> KnownRepository:
    """Return a repository as it is now, its signature and digests checked."""
    for attempt in range(_ATTEMPTS):
        about = _signed(address, known)
        sums = transfer.read(address, SUMS)
        rows = transfer.read(address, PACKAGES)
        expected = read_sums(sums or b"").get(PACKAGES)
        if _sha256(sums) == about.get("sha256sums") and _sha256(rows) == expected:
            return _known(address, about, rows, known)
        if attempt < _ATTEMPTS - 1:
            time.sleep(_PAUSE)  # somebody is publishing
    raise RepositoryError(
        f"{address}: its {SUMS} or {PACKAGES} does not match its signature; try again later, and "
        "tell whoever runs the repository if this persists"
    )


def _sha256(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _signed(address: str, known: KnownRepository | None) -> dict[str, Any]:
    """Return what the repository says of itself, signed by its key or by the pinned one."""
    content = transfer.read(address, ABOUT)
    if content is None:
        raise RepositoryError(
            f"{address}: is not a repository: it has no {ABOUT}; check the address"
        )
    try:
        about = json_value(content)
        if not isinstance(about, dict) or not _NAME.fullmatch(str(about["name"])):
            raise ValueError("it has no name")
    except (KeyError, ValueError) as error:
        raise RepositoryError(
            f"{address}/{ABOUT}: is not of the form that nipack publishes: {error}; check the "
            "address"
        ) from error
    pinned = known if known and known.certificate else None
    certificate = pinned.certificate if pinned else about.get("certificate")
    # What it says of its key is not believed.
    about["fingerprint"] = (
        _signing_key(address, content, str(certificate), pinned) if certificate else None
    )
    return about


def _signing_key(
    address: str, content: bytes, certificate: str, known: KnownRepository | None
) -> str:
    signature = transfer.read(address, f"{ABOUT}.asc")
    try:
        return signing_key(content, certificate, signature or b"none")
    except RepositoryError as error:
        pinned = f" by the key that it had when you added it, {known.fingerprint}" if known else ""
        raise RepositoryError(
            f"{address}: is not signed{pinned}: {error}; ask whoever runs it, and only if the key "
            f"was changed on purpose: nipack repository remove {address}, and add it again"
        ) from error


def _known(
    address: str, about: dict[str, Any], rows: bytes | None, known: KnownRepository | None
) -> KnownRepository:
    certificate = about.get("certificate")
    try:
        found = KnownRepository(
            address=address,
            name=str(about["name"]),
            title=str(about["title"]),
            generation=int(about["generation"]),
            date=str(about["date"]),
            fingerprint=about["fingerprint"],
            certificate="".join(certificates_in(str(certificate))) if certificate else None,
            packages=tuple(json_value(rows or b"", limits().record)["packages"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RepositoryError(
            f"{address}: its lists are not of the form that nipack publishes: {error}; was it made "
            "by a newer nipack?"
        ) from error
    if known and found.generation < known.generation:
        raise RepositoryError(
            f"{address}: is at generation {found.generation}, and you have seen "
            f"{known.generation}: it was rolled back, or this mirror lags behind; try again later"
        )
    if known and known.name != found.name:
        found = replace(found, name=known.name)
    return found
