"""Read files of a repository, from the web or a folder; large ones go on where they ended.

A server may take as long as that of a source may: `NIPACK_LIMITS` has `seconds` of a file, and
`rate` for the bytes that come of it.
"""

import http.client
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from nipack.publish.errors import RepositoryError
from nipack.system.errors import system_errors_as
from nipack.system.hashing import CHUNK, digest_file
from nipack.system.limits import how_to_raise, limits
from nipack.system.patience import Patience, patient_adapter
from nipack.system.progress import Advance

if TYPE_CHECKING:
    from requests import Response

_TIMEOUT = 60.0  # seconds without a byte from the server; `patience` sees to the whole
_ATTEMPTS = 4
_PAUSE = 0.3  # seconds before the second attempt; twice as long before each further one
_CHUNK = 16 << 10  # bytes, few enough for what is slow to be seen to come
_REMEDY = "check the address and the network, and try again"


class _Transient(Exception):
    """What may go well another time."""


def read(address: str, path: str) -> bytes | None:
    """Return a small file of a repository, None where there is none; raises RepositoryError."""
    with Patience() as patience:
        for attempt in range(_ATTEMPTS):
            try:
                return _bounded(address, path, patience)
            except FileNotFoundError:
                return None
            except _Transient as error:
                _wait_or_raise(f"{address}/{path}", error, attempt, patience)
    raise AssertionError("the last attempt returns or raises")


def _bounded(address: str, path: str, patience: Patience) -> bytes:
    """Return a file that is no larger than lists are; raises RepositoryError."""
    most, content = limits().record, bytearray()
    for chunk in _chunks(address, path, 0, patience):
        content += chunk
        if len(content) > most:
            raise RepositoryError(
                f"{address}/{path}: has more than {most:,} bytes; {how_to_raise('record')}"
            )
    return bytes(content)


def download(address: str, path: str, target: Path, sha256: str, advance: Advance) -> None:
    """Write a file of a repository to a target, going on with what is there of it.

    Raises RepositoryError where it cannot be had, or is not the one of the digest: then the target
    is gone.
    """
    with system_errors_as(
        RepositoryError, "check the folder's permissions and the free space on its disk"
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        resumed = target.is_file() and target.stat().st_size > 0
        _append(address, path, target, advance)
        if _sha256(target) == sha256:
            return
        target.unlink()
        if resumed:
            # What was there may have been of another file.
            _append(address, path, target, lambda count: None)
            if _sha256(target) == sha256:
                return
            target.unlink()
    raise RepositoryError(
        f"{address}/{path}: does not match the repository's signature; "
        "try again later, and tell whoever runs the repository if this persists"
    )


def _append(address: str, path: str, target: Path, advance: Advance) -> None:
    with Patience() as patience:
        for attempt in range(_ATTEMPTS):
            there = target.stat().st_size if target.is_file() else 0
            if attempt == 0:
                advance(there)
            try:
                with target.open("ab") as output:
                    for chunk in _chunks(address, path, there, patience):
                        output.write(chunk)
                        advance(len(chunk))
                return
            except FileNotFoundError:
                reason = "is not there, though the repository's list has it; run nipack repository"
                raise RepositoryError(f"{address}/{path}: {reason} add {address} again") from None
            except _Transient as error:
                _wait_or_raise(f"{address}/{path}", error, attempt, patience)


def _wait_or_raise(file: str, error: Exception, attempt: int, patience: Patience) -> None:
    if patience.reason:
        raise RepositoryError(
            f"{file}: cannot be fetched: {patience.reason}; "
            "try again later: a download continues where it stopped"
        ) from error
    if attempt == _ATTEMPTS - 1:
        raise RepositoryError(f"{file}: {error}; {_REMEDY}") from error
    with patience.waiting():
        time.sleep(_PAUSE * 2**attempt)


def _chunks(address: str, path: str, start: int, patience: Patience) -> Iterator[bytes]:
    """Yield a file's bytes from a place on; raises FileNotFoundError, _Transient."""
    scheme = urlsplit(address).scheme
    if scheme in ("http", "https"):
        yield from _web_chunks(f"{address}/{quote(path)}", start, patience)
        return
    folder = unquote(urlsplit(address).path) if scheme == "file" else address
    with (Path(folder) / path).open("rb") as source:
        source.seek(start)
        while chunk := source.read(CHUNK):
            yield chunk


def _web_chunks(address: str, start: int, patience: Patience) -> Iterator[bytes]:
    import requests
    import urllib3

    kinds = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, patient_adapter(lambda: patience, attempts=1, pause=0))
        try:
            with closing(
                session.get(address, headers=headers, stream=True, timeout=_TIMEOUT)
            ) as response:
                yield from _body(response, address, start, patience)
        except (*kinds, ValueError) as error:
            raise _Transient(_reason(error)) from error
    if patience.reason:
        # A body without a length ends where its connection is closed.
        raise _Transient(patience.reason)


def _body(response: "Response", address: str, start: int, patience: Patience) -> Iterator[bytes]:
    """Yield what follows the start of a file, wherever the server begins to send."""
    if response.status_code in (404, 403, 410):
        raise FileNotFoundError(address)
    if start and response.status_code == 416:
        return  # all of it is there
    if response.status_code not in (200, 206):
        raise _Transient(f"the server answers {response.status_code}")
    skip = start if response.status_code == 200 else 0
    stated = response.headers.get("Content-Length", "")
    expected = int(stated) if re.fullmatch("[0-9]{1,18}", stated) else None
    received = 0
    for chunk in response.iter_content(_CHUNK):
        received += len(chunk)
        patience.came(len(chunk))
        if skip:
            # The server cannot begin in the middle.
            chunk, skip = chunk[skip:], max(0, skip - len(chunk))
        if chunk:
            yield chunk
    if expected is not None and received < expected:
        raise _Transient("the connection ended before the file did")


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not accepted"
    return "the connection was refused or cut off"


def _sha256(path: Path) -> str:
    return digest_file(path, ["sha256"]).by_algorithm["sha256"]
