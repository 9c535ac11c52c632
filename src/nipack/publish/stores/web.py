"""A repository that is served over HTTP, to be read.

A server may take as long for a file as that of a source may: `NIPACK_LIMITS` has `seconds` of it,
and `rate` for the bytes that come.
"""

import hashlib
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import requests
import urllib3

from nipack.lookup.json_text import MOST_OF_OWN
from nipack.publish.errors import RepositoryError
from nipack.system.patience import Patience, patient_adapter

_TIMEOUT = 30  # seconds without a byte; `patience` sees to the whole
_CHUNK = 16 << 10  # bytes, few enough for what is slow to be seen to come
_FAILURES = (
    *(requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException),
    ValueError,
)


class WebReader:
    """Reads what a web server serves below an address, by several threads at a time."""

    def __init__(self, address: str) -> None:
        """Take the address of a repository's top."""
        self.address = address.rstrip("/")
        self._of_thread = threading.local()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, patient_adapter(self._patience, attempts=1, pause=0))

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is none; raises RepositoryError."""
        content = bytearray()
        with self._chunks(path) as chunks:
            if chunks is None:
                return None
            for chunk in chunks:
                content += chunk
                if len(content) > MOST_OF_OWN:
                    raise RepositoryError(
                        f"{self.address}/{path}: has more than {MOST_OF_OWN:,} bytes, which "
                        "nothing has that nipack writes; check the address"
                    )
        return bytes(content)

    def digest(self, path: str) -> tuple[int, str] | None:
        """Return a file's size in bytes and its sha256, or None where there is none.

        Raises RepositoryError where it cannot be fetched.
        """
        digest, size = hashlib.sha256(), 0
        with self._chunks(path) as chunks:
            if chunks is None:
                return None
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
        return size, digest.hexdigest()

    @contextmanager
    def _chunks(self, path: str) -> Iterator[Iterator[bytes] | None]:
        """Give what comes of a file, None where there is none; the server has so long for it."""
        with Patience() as patience:
            self._of_thread.patience = patience
            try:
                with self._get(path) as answer:
                    is_there = answer.status_code not in (403, 404)
                    yield _counted(answer, patience) if is_there else None
            except _FAILURES as error:
                raise self._error(path, patience.reason or type(error).__name__) from error
            if patience.reason:
                # A body without a length ends where its connection is closed.
                raise self._error(path, patience.reason)

    def _patience(self) -> Patience:
        """Return what watches the file that this thread reads."""
        patience: Patience = self._of_thread.patience
        return patience

    def _get(self, path: str) -> requests.Response:
        answer = self._session.get(
            f"{self.address}/{quote(path)}",
            stream=True,
            timeout=_TIMEOUT,
            # As it lies there: what a server compresses on the way is not what was published.
            headers={"Accept-Encoding": "identity"},
        )
        if answer.status_code not in (200, 403, 404):
            answer.close()
            raise RepositoryError(
                f"{answer.url}: the server answers {answer.status_code} {answer.reason}; try later"
            )
        return answer

    def _error(self, path: str, reason: str) -> RepositoryError:
        return RepositoryError(
            f"{self.address}/{path}: cannot be fetched: {reason}; check the address and the network"
        )


def _counted(answer: requests.Response, patience: Patience) -> Iterator[bytes]:
    for chunk in answer.iter_content(_CHUNK):
        patience.came(len(chunk))
        yield chunk
