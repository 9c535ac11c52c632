"""Check a whole repository, or a mirror of one, against its signature and its digests."""

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from nipack.lookup.json_text import MOST_OF_OWN, json_value
from nipack.publish import indexes, log
from nipack.publish.ecosystems import Reader, ecosystems
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import fingerprints_in, signing_key
from nipack.publish.stores import store_at
from nipack.system.hashing import THREADS
from nipack.system.progress import Advance


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryCheck:
    """What is true of a repository; without problems every byte is as it was signed.

    `fingerprint` is that of the key that signed it, None where nobody has; `behind` is by how many
    generations it is older than the one that it was compared with.
    """

    address: str
    title: str
    generation: int
    date: str
    fingerprint: str | None
    files: int
    problems: tuple[str, ...]
    behind: int | None = None
    newest: str | None = None


_TEXTS = ("certificate", "fingerprint", "expires")


def reader_of(address: str) -> Reader:
    """Return what reads a repository: a web address, or a folder."""
    if address.startswith(("http://", "https://")):
        from nipack.publish.stores.web import WebReader

        return WebReader(address)
    return store_at(address)


def check_repository(
    address: str,
    *,
    fingerprint: str | None = None,
    pinned: str | None = None,
    against: str | None = None,
    advance: Advance = lambda count: None,
) -> RepositoryCheck:
    """Read every file of a repository and return what is wrong with it.

    `fingerprint` is the key that it must be signed by; `pinned` has the certificates of those that
    it may be signed by; `against` is the repository that it is a mirror of.  Raises RepositoryError
    where there is none, or it cannot be reached.
    """
    reader = reader_of(address)
    about, content = _about(reader)
    signer, problems = _signature_problems(reader, about, content)
    problems = [*_key_problems(about, signer, fingerprint, pinned), *problems]
    sums = reader.read(indexes.SUMS) or b""
    if hashlib.sha256(sums).hexdigest() != about.get("sha256sums"):
        problems.append(f"{indexes.SUMS}: does not belong to generation {about['generation']}")
    listed = indexes.read_sums(sums)
    problems += _file_problems(reader, listed, advance)
    problems += _log_problems(reader, about)
    for ecosystem in ecosystems().values():
        problems += ecosystem.problems(reader, about, listed)
    if about.get("expires") and about["expires"] < log.now():
        problems.append(f"{indexes.ABOUT}: expired at {about['expires']}; refresh it")
    if problems and reader.read(indexes.ABOUT) != content:
        problems.append("it was published to in the meantime; check it again")
    newest = _about(reader_of(against))[0] if against else None
    return RepositoryCheck(
        address=reader.address,
        title=str(about.get("title", "")),
        generation=int(about["generation"]),
        date=str(about["date"]),
        fingerprint=signer,
        files=len(listed),
        problems=tuple(problems),
        behind=int(newest["generation"]) - int(about["generation"]) if newest else None,
        newest=str(newest["date"]) if newest else None,
    )


def _about(reader: Reader) -> tuple[dict[str, Any], bytes]:
    content = reader.read(indexes.ABOUT)
    if content is None:
        raise RepositoryError(
            f"{reader.address}: has no {indexes.ABOUT}, so it is not a repository; check the "
            "address"
        )
    try:
        about = json_value(content)
        int(about["generation"]), str(about["date"])
        if not all(isinstance(about.get(name), str | None) for name in _TEXTS):
            raise TypeError(f"{', '.join(_TEXTS)} are texts")
    except (KeyError, TypeError, ValueError) as error:
        raise RepositoryError(
            f"{reader.address}/{indexes.ABOUT}: is damaged; publish again, or copy it again"
        ) from error
    return about, content


def _signature_problems(
    reader: Reader, about: Mapping[str, Any], content: bytes
) -> tuple[str | None, list[str]]:
    """Return the key that has signed what a repository says of itself, and what is not signed."""
    certificate, signer, problems = about.get("certificate"), None, []
    if certificate is None:
        return None, []
    for name, signed in ((indexes.ABOUT, content), (indexes.SUMS, reader.read(indexes.SUMS))):
        signature = reader.read(f"{name}.asc")
        if signature is None:
            problems.append(f"{name}.asc: is missing")
            continue
        try:
            found = signing_key(signed or b"", certificate, signature)
        except RepositoryError as error:
            problems.append(f"{name}: {error}")
        else:
            signer = signer or found
    return signer, problems


def _key_problems(
    about: Mapping[str, Any], signer: str | None, fingerprint: str | None, pinned: str | None
) -> Iterator[str]:
    """Yield where a repository is not signed by the key that is expected."""
    wanted = "".join((fingerprint or "").split()).upper()
    if signer is None:
        if wanted and about.get("certificate") is None:
            yield f"{indexes.ABOUT}: is not signed, and {fingerprint} should have signed it"
        elif pinned and about.get("certificate") is None:
            yield f"{indexes.ABOUT}: is not signed, and was when you added it"
        return
    if wanted and wanted != signer:
        yield f"{indexes.ABOUT}: is signed by {signer}, and not by {wanted}"
    elif pinned and not wanted and signer not in fingerprints_in(pinned):
        yield (
            f"{indexes.ABOUT}: is signed by {signer}, and not by a key that it had when you added "
            f"it, {', '.join(fingerprints_in(pinned))}"
        )


def _file_problems(reader: Reader, listed: Mapping[str, str], advance: Advance) -> Iterator[str]:
    def one(path: str) -> str | None:
        found = reader.digest(path)
        if found is None:
            return f"{path}: is missing"
        advance(found[0])
        return None if found[1] == listed[path] else f"{path}: is changed"

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        yield from filter(None, pool.map(one, sorted(listed)))


def _log_problems(reader: Reader, about: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the log is not the one that was signed: each entry has the digest of the last."""
    wanted = about.get("entry")
    for generation in range(int(about["generation"]), 0, -1):
        path = log.entry_path(generation)
        content = reader.read(path)
        if content is None:
            yield f"{path}: is missing"
            return
        if hashlib.sha256(content).hexdigest() != wanted:
            yield f"{path}: is changed"
            return
        try:
            entry = json_value(content, MOST_OF_OWN)
            if "everything" in entry:
                return  # what is older may be gone
            wanted = entry["previous"]
        except (LookupError, TypeError, ValueError):
            yield f"{path}: is not of the form of an entry"
            return
