"""A repository that is served over HTTP, to be read."""

import hashlib
from urllib.parse import quote

import requests

from nipack.lookup.json_text import MOST_OF_OWN
from nipack.publish.errors import RepositoryError
from nipack.system.hashing import CHUNK

_TIMEOUT = 30  # seconds without a byte


class WebReader:
    """Reads what a web server serves below an address."""

    def __init__(self, address: str) -> None:
        """Take the address of a repository's top."""
        self.address = address.rstrip("/")
        self._session = requests.Session()

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is none."""
        try:
            with self._get(path) as answer:
                return None if answer.status_code in (403, 404) else self._content(path, answer)
        except requests.RequestException as error:
            raise self._error(path, error) from error

    def _content(self, path: str, answer: requests.Response) -> bytes:
        content = bytearray()
        for chunk in answer.iter_content(CHUNK):
            content += chunk
            if len(content) > MOST_OF_OWN:
                raise RepositoryError(
                    f"{self.address}/{path}: has more than {MOST_OF_OWN:,} bytes, which "
                    "nothing has that nipack writes; check the address"
                )
        return bytes(content)

    def digest(self, path: str) -> tuple[int, str] | None:
        """Return a file's size in bytes and its sha256, or None where there is none."""
        digest, size = hashlib.sha256(), 0
        try:
            with self._get(path) as answer:
                if answer.status_code in (403, 404):
                    return None
                for chunk in answer.iter_content(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
        except requests.RequestException as error:
            raise self._error(path, error) from error
        return size, digest.hexdigest()

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

    def _error(self, path: str, error: Exception) -> RepositoryError:
        reason = type(error).__name__
        return RepositoryError(
            f"{self.address}/{path}: cannot be fetched ({reason}); "
            "check the address and the network"
        )
