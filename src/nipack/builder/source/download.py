"""Download a source once: resumable, tried again, kept in a cache by its digest.

The cache is `NIPACK_CACHE_DIR`, else the system's place for caches.  All of it can be deleted.
"""

import hashlib
import http.client
import json
import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nipack.builder.definition.sources import Source
from nipack.builder.source.bucket import object_at
from nipack.builder.source.cache_rights import follow_no_link, make_private
from nipack.builder.source.transfer_errors import reason_of
from nipack.lookup.json_text import json_value
from nipack.system.address import host_of
from nipack.system.atomic import written_beside
from nipack.system.buckets import is_in_bucket
from nipack.system.errors import SourceDigestError, SourceError
from nipack.system.foreign import read_text
from nipack.system.patience import Patience, patient_adapter, patiently
from nipack.system.progress import Reporter

if TYPE_CHECKING:
    from requests import Response, Session

log = logging.getLogger(__name__)

_TIMEOUT = 60.0  # seconds without a byte from the server; `patience` sees to the whole
_ATTEMPTS = 4
_READ = 16 << 10  # bytes, few enough for what is slow to be seen to come
_PAUSE = 0.3  # seconds before the second attempt; twice as long before each further one
_DIGESTS = ("sha256", "sha512", "md5")

Check = Callable[[Path], dict[str, str]]
"""Returns the digests of a file, sha256 among them; raises SourceDigestError if one is wrong."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One address: `public` is what messages may call it, `part` what has come of it so far."""

    address: str
    public: str
    part: Path
    reporter: Reporter

    @property
    def state(self) -> Path:
        """What the server said of the file that `part` is the beginning of."""
        return self.part.with_suffix(".json")


def cache_directory() -> Path:
    """Return the folder of the cache."""
    import platformdirs

    named = os.environ.get("NIPACK_CACHE_DIR")
    return Path(named) if named else platformdirs.user_cache_path("nipack", appauthor=False)


def download(
    source: Source, public: str, reporter: Reporter, check: Check, *, offline: bool = False
) -> tuple[Path, dict[str, str]]:
    """Return a file of the cache with its digests; fetches it where it is not there yet.

    Without a digest the server is asked whether the file is still the one that it was.  Raises
    SourceError: not fetched, not there and offline; or what `check` raises.
    """
    import filelock

    cache = cache_directory()
    make_private(cache)
    key = hashlib.sha256(source.address.encode("utf-8", "surrogatepass")).hexdigest()
    job = _Job(source.address, public, cache / "partial" / f"{key}.part", reporter)
    for folder in (job.part.parent, cache / "downloads"):
        make_private(folder)
    for path in (job.part, job.state, job.part.with_suffix(".lock")):
        follow_no_link(path)
    # Two builds of one source at a time: the second waits, and finds what the first has fetched.
    with filelock.FileLock(job.part.with_suffix(".lock")):
        known = _known_digest(source, job)
        found = _cached(cache, known, check) if offline or source.digests else None
        if found is not None:
            log.info("%s: from the cache", public)
            return found
        if offline:
            raise SourceError(
                f"{public}: not in the cache {cache}, and nothing is fetched offline; run it "
                "once with the network, or download the file and name its path"
            )
        return _fetch(job, cache, known, check)


def _known_digest(source: Source, job: _Job) -> str | None:
    """Return the name of the file's folder: by the definition, or as it was the last time."""
    for name in _DIGESTS:
        if name in source.digests:
            return f"{name}-{source.digests[name]}"
    last = _last_digest(job)
    return f"sha256-{last}" if last else None


def _last_digest(job: _Job) -> str:
    """Return the sha256 of the file that came the last time, "" if none did.

    It is the `sha256` of the state while the rest of the state is about that file, and else its
    `previous`: a newer file, of which not all has come, must not be taken for it.
    """
    state = _read_state(job.state)
    return state.get("sha256") or state.get("previous") or ""


def _cached(cache: Path, known: str | None, check: Check) -> tuple[Path, dict[str, str]] | None:
    """Return a file of the cache; one that is damaged is removed from it."""
    path = cache / "downloads" / (known or "") / "file"
    if known is None:
        return None
    for each in (path.parent, path):
        follow_no_link(each)
    if not path.is_file():
        return None
    try:
        digests = check(path)
    except SourceDigestError:
        path.unlink()
        return None
    algorithm, _, expected = known.partition("-")
    if digests.get(algorithm, expected) != expected:
        path.unlink()
        return None
    return path, digests


def _fetch(job: _Job, cache: Path, known: str | None, check: Check) -> tuple[Path, dict[str, str]]:
    if not _transfer(job):
        found = _cached(cache, known, check)
        if found is not None:
            return found
        job.state.unlink(missing_ok=True)  # what it knew of was lost
        _transfer(job)
    try:
        digests = check(job.part)
    except SourceDigestError:
        _forget(job)
        raise
    state: dict[str, str] = _read_state(job.state) | {"sha256": digests["sha256"]}
    state.pop("previous", None)
    _write_state(job, state)
    target = cache / "downloads" / (_of_definition(known, digests)) / "file"
    follow_no_link(target.parent)
    target.parent.mkdir(exist_ok=True)
    job.part.replace(target)
    return target, digests


def _of_definition(known: str | None, digests: dict[str, str]) -> str:
    """Return the folder's name: by the definition's digest, else by what the file turned out as."""
    algorithm, _, expected = (known or "").partition("-")
    return known if known and digests.get(algorithm) == expected else f"sha256-{digests['sha256']}"


def _transfer(job: _Job) -> bool:
    """Bring all of a file into `job.part`; return False if the server says it is unchanged.

    An interrupted transfer goes on where it ended, in this run or in a later one.
    """
    return _transfer_object(job) if is_in_bucket(job.address) else _transfer_by_web(job)


def _transfer_object(job: _Job) -> bool:
    with patiently() as patience:
        try:
            came = _transfer_object_once(job)
        except SourceError as error:
            _refuse_impatiently(job, patience, error)
            raise
        _refuse_impatiently(job, patience)
    return came


def _transfer_object_once(job: _Job) -> bool:
    found, state, begin = object_at(job.address, job.public), _read_state(job.state), 0
    if found.tag and state.get("etag") == found.tag:
        begin = _size(job.part)
        if not begin and "sha256" in state:
            return False
    _write_state(job, {"etag": found.tag, "previous": _last_digest(job)})
    advance = job.reporter.step("download", found.size)
    advance(begin)
    with job.part.open("ab" if begin else "wb") as output:
        for chunk in found.chunks(begin):
            output.write(chunk)
            advance(len(chunk))
    if (_size(job.part), object_at(job.address, job.public).tag) != (found.size, found.tag):
        _forget(job)
        raise SourceError(f"{job.public}: it changed during the download; run it once more")
    return True


def _transfer_by_web(job: _Job) -> bool:
    import requests
    import urllib3

    failures, size = 0, _size(job.part)
    kinds = (
        *(requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException),
        *(ValueError, OverflowError, _CutShortError),
    )
    with Patience() as patience, _session(patience) as session:
        while True:
            try:
                came = _transfer_once(session, job, patience)
                _refuse_impatiently(job, patience)
                return came
            except kinds as error:
                _refuse_impatiently(job, patience, error)
                # An attempt that brought more than any before does not count.
                failures = 1 if _size(job.part) > size else failures + 1
                size = max(size, _size(job.part))
                cut_short = isinstance(error, _CutShortError)
                reason = str(error) if cut_short else reason_of(error, job.address)
                if failures >= _ATTEMPTS or not _is_passing(error):
                    raise SourceError(
                        f"{job.public}: cannot be fetched: {reason}; check the address and the "
                        "network, or download the file and name its path"
                    ) from error
                log.info("%s: %s; trying again", job.public, reason)
                time.sleep(_PAUSE * 2 ** (failures - 1))


def _refuse_impatiently(job: _Job, patience: "Patience", error: Exception | None = None) -> None:
    """Raise SourceError if the server took more time than it has."""
    if patience.reason:
        raise SourceError(
            f"{job.public}: cannot be fetched: {host_of(job.address).partition('://')[2]}: "
            f"{patience.reason}; the next run continues from there; or download the file "
            "and name its path"
        ) from error


def _session(patience: "Patience") -> "Session":
    """Return a session that tries again where a server is busy or not reached, and knows https."""
    import requests

    session = requests.Session()
    # A redirect to another scheme is refused before anything is asked there.
    session.adapters.clear()
    session.mount("https://", patient_adapter(lambda: patience, attempts=_ATTEMPTS, pause=_PAUSE))
    return session


def _is_passing(error: Exception) -> bool:
    """Tell whether an error came in the middle of a transfer; the session tries the others."""
    import urllib3

    return isinstance(
        error,
        urllib3.exceptions.ProtocolError | urllib3.exceptions.ReadTimeoutError | _CutShortError,
    )


class _CutShortError(Exception):
    """Fewer bytes came than were announced."""


def _transfer_once(session: "Session", job: _Job, patience: "Patience") -> bool:
    # As it is: a server may say of a .tar.gz that it is a tar, encoded with gzip.
    headers = {"Accept-Encoding": "identity", **_resumption(job)}
    with session.get(job.address, stream=True, timeout=_TIMEOUT, headers=headers) as response:
        if response.status_code == 304:
            return False
        if response.status_code == 416:  # the part is longer than the file is now
            _forget(job)
            raise _CutShortError("it changed during the download")
        response.raise_for_status()
        _refuse_detours(job.public, response)
        begin = _size(job.part) if _goes_on(response, job) else 0
        if response.status_code != (206 if begin else 200):
            _forget(job)
            raise _CutShortError(f"it answered with {response.status_code}, for a different part")
        _receive(job, response, begin, patience)
    return True


def _resumption(job: _Job) -> dict[str, str]:
    """Return the headers that ask for the rest of a file, or whether it has changed."""
    state, size = _read_state(job.state), _size(job.part)
    validator = state.get("etag") or state.get("modified")
    if not validator:
        return {}
    if size:
        return {"Range": f"bytes={size}-", "If-Range": validator}
    if "sha256" not in state:
        return {}
    return {"If-None-Match" if state.get("etag") else "If-Modified-Since": validator}


def _goes_on(response: "Response", job: _Job) -> bool:
    """Tell whether a server sends all that follows what has come, and of the same file."""
    sent = re.fullmatch(
        r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})",
        response.headers.get("Content-Range", ""),
    )
    etag, known = response.headers.get("ETag"), _read_state(job.state).get("etag")
    return (
        response.status_code == 206
        and sent is not None
        and int(sent[1]) == _size(job.part)
        and int(sent[2]) == int(sent[3]) - 1
        and (etag is None or not known or etag == known)
    )


def _receive(job: _Job, response: "Response", begin: int, patience: "Patience") -> None:
    length = response.headers.get("Content-Length", "")
    total = begin + int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    etag = response.headers.get("ETag", "")
    state = {
        # RFC 9110, 13.1.5: a weak validator does not say that the bytes are the same.
        "etag": "" if etag.startswith("W/") else etag,
        "modified": response.headers.get("Last-Modified", ""),
        "previous": _last_digest(job),
    }
    _write_state(job, state)
    advance = job.reporter.step("download", total)
    advance(begin)
    with job.part.open("ab" if begin else "wb") as output:
        while chunk := response.raw.read(_READ, decode_content=False):
            output.write(chunk)
            advance(len(chunk))
            patience.came(len(chunk))
    size = _size(job.part)
    if total is not None and size != total:
        raise _CutShortError(f"cut short: {size:,} of {total:,} bytes came")


def _refuse_detours(public: str, response: "Response") -> None:
    """Raise unless every address on the way to the file was https."""
    for each in (*response.history, response):
        if not each.url.startswith("https://"):
            raise SourceError(
                f"{public}: leads to {host_of(each.url)}, which is not https; "
                "write an address that stays on https"
            )


def _read_state(path: Path) -> dict[str, str]:
    try:
        state = json_value(read_text(path))
    except (OSError, ValueError):
        return {}
    if not isinstance(state, dict):
        return {}
    return {name: value for name, value in state.items() if isinstance(value, str)}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _forget(job: _Job) -> None:
    """Drop what has come of a file, but not what came before it."""
    job.part.unlink(missing_ok=True)
    _write_state(job, {"previous": _last_digest(job)})


def _write_state(job: _Job, state: dict[str, str]) -> None:
    with written_beside(job.state, SourceError) as output:
        output.write(json.dumps(state).encode("utf-8"))
