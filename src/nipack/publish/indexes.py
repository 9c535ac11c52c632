"""Write what is derived from the log, in an order in which no client meets what is not there.

First what is called after its content, then what leads to it, then the pages for people, at the
end what says which generation it is.  Whoever finds, when he is done, that the log has gone on
writes again; so the last who writes has written the last generation, however many write at once.
"""

import hashlib
import itertools
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from nipack.publish import catalogue, log
from nipack.publish.ecosystems import IndexFile, Snapshot, ecosystems
from nipack.publish.log import State
from nipack.publish.records import PublishedPackage, to_json
from nipack.publish.signing import Signer
from nipack.publish.stores import Store

SUMS = "SHA256SUMS"
ABOUT = "repository.json"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")

logger = logging.getLogger(__name__)


class Payloads:
    """Opens the artifacts of a repository, for what is shown of the data in them."""

    def __init__(self, store: Store, local: Mapping[str, Path]) -> None:
        """Take a store, and the local files of artifacts by their path in it."""
        self._store = store
        self._local = local

    def open(self, package: PublishedPackage) -> "tuple[str, IO[bytes]] | None":
        """Return an artifact's file name and its bytes; None where none is at hand."""
        for artifact in package.artifacts:
            path = self._local.get(artifact.path)
            if path is None and self._store.folder is not None:
                path = self._store.folder / artifact.path
            if path is not None and path.is_file():
                return artifact.file_name, path.open("rb")
        return None

    def read(self, path: str) -> bytes | None:
        """Return what the repository has at a path; None where nothing is there."""
        return self._store.read(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What the repository says was written: a generation, and the digests of all files."""

    generation: int
    digests: Mapping[str, str]


def write(
    store: Store, state: State, signer: Signer | None, local: Mapping[str, Path] | None = None
) -> State:
    """Write every index of a state, or of a later one that others have made; return that."""
    before = _written(store)
    while True:
        _write_once(store, state, signer, before, Payloads(store, local or {}))
        newest = log.load(store) if log.generations(store)[-1] != state.generation else state
        if newest is None or newest.generation == state.generation:
            return state
        state = newest


def is_written(store: Store, state: State) -> bool:
    """Tell whether the indexes are those of this state."""
    return _written(store).generation == state.generation


def _written(store: Store) -> _Written:
    nothing = _Written(generation=0, digests={})
    about, sums = store.read(ABOUT), store.read(SUMS)
    if about is None or sums is None:
        return nothing
    try:
        document = json.loads(about)
        if document["sha256sums"] != hashlib.sha256(sums).hexdigest():
            return nothing  # somebody is writing it, or was ended
        generation = int(document["generation"])
    except (KeyError, TypeError, ValueError):
        return nothing
    return _Written(generation=generation, digests=read_sums(sums))


def read_sums(content: bytes) -> dict[str, str]:
    """Return the digest of each path that a SHA256SUMS has."""
    lines = content.decode("utf-8", "replace").splitlines()
    return {match[2]: match[1] for line in lines if (match := _LINE.fullmatch(line))}


def _write_once(
    store: Store, state: State, signer: Signer | None, before: _Written, payloads: Payloads
) -> None:
    changed = log.names_changed(store, before.generation, state) if before.generation else None
    snapshot = Snapshot(
        repository=state.repository,
        packages=state.ordered(),
        changed=changed,
        signer=signer,
        keyring=state.identity,
    )
    files = list(_derived(snapshot))
    _write_settled(store, files)
    digests = _pool(state) if changed is None else dict(before.digests) | _pool(state)
    leading = (each for each in files if not each.settled)
    for file in itertools.chain(leading, _pages(snapshot, payloads)):
        store.write(file.path, file.content)
        if not file.signature:
            digests[file.path] = hashlib.sha256(file.content).hexdigest()
    for path, content in _about(state, digests, signer):
        store.write(path, content)


def _derived(snapshot: Snapshot) -> Iterator[IndexFile]:
    for ecosystem in ecosystems().values():
        yield from ecosystem.indexes(snapshot)


def _write_settled(store: Store, files: Iterable[IndexFile]) -> None:
    """Write the files that are not there; those that are there are the same."""
    settled = [each for each in files if each.settled]
    folders = {each.path.rpartition("/")[0] for each in settled}
    present = {path for folder in folders for path in store.files(folder)}
    for file in settled:
        if file.path not in present:
            store.write(file.path, file.content)


def _pool(state: State) -> dict[str, str]:
    return {
        artifact.path: artifact.sha256
        for package in state.packages.values()
        for artifact in package.artifacts
    }


def _pages(snapshot: Snapshot, payloads: Payloads) -> Iterator[IndexFile]:
    """Yield the pages for people."""
    pages = catalogue.render(
        snapshot.repository, snapshot.packages, payloads, changed=snapshot.changed
    )
    for path, content in pages:
        yield IndexFile(path=path, content=content)


def _about(
    state: State, digests: Mapping[str, str], signer: Signer | None
) -> Iterator[tuple[str, bytes]]:
    """Yield what says which generation this is, and has the digest of all."""
    sums = "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()
    yield SUMS, sums
    if signer is not None:
        yield f"{SUMS}.asc", signer.detached(sums)
    about = {
        **to_json(state.repository),
        "entry": state.digest,
        "previous": state.previous,
        "expires": _expiry(state),
        "sha256sums": hashlib.sha256(sums).hexdigest(),
    }
    content = (json.dumps(about, indent=2, sort_keys=True) + "\n").encode()
    if signer is not None:
        yield f"{ABOUT}.asc", signer.detached(content)
    yield ABOUT, content


def _expiry(state: State) -> str | None:
    """Return when apt, and verify, shall no longer trust this generation; None for never."""
    days = state.repository.valid_days
    if not days:
        return None
    made = datetime.strptime(state.repository.date, "%Y-%m-%dT%H:%M:%SZ")
    return (made + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
