"""Write what is derived from the log, in an order in which no client meets what is not there.

First what is called after its content, then what leads to it, then the pages for people, at the
end what says which generation it is.  Whoever finds, when he is done, that the log has gone on
writes again; so the last who writes has written the last generation, however many write at once.
"""

import hashlib
import io
import itertools
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from nipack.lookup.json_text import json_value
from nipack.publish import catalogue, log
from nipack.publish.ecosystems import IndexFile, Snapshot, ecosystems
from nipack.publish.errors import ExistsError, RepositoryError, store_errors_say
from nipack.publish.log import Change, State
from nipack.publish.packages import Packages
from nipack.publish.records import PublishedPackage, to_json
from nipack.publish.signing import Signer, verified
from nipack.publish.stores import Store

SUMS = "SHA256SUMS"
ABOUT = "repository.json"
SOURCES = "sources/"
# They wait for a disk or for a server.
WRITERS = 16
_AT_ONCE = 256
# A folder may have thousands; so few are asked for one by one.
_FEW = 64
# Whoever publishes in a bucket reads so much of an older version, to compare its images.
_FETCHED = 64_000_000
_LINE = re.compile(r"^([0-9a-f]{64})  (.+)$", re.MULTILINE)

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
            ecosystem = ecosystems().get(artifact.ecosystem)
            if ecosystem is None or not ecosystem.unpacks:
                continue
            path = self._local.get(artifact.path)
            if path is None and self._store.folder is not None:
                path = self._store.folder / artifact.path
            if path is not None and path.is_file():
                return artifact.file_name, path.open("rb")
        return self._fetched(package)

    def _fetched(self, package: PublishedPackage) -> "tuple[str, IO[bytes]] | None":
        """Return the smallest artifact of another machine's, where it is small enough to move."""
        known = ecosystems()
        kinds = [name for name, each in known.items() if each.unpacks]
        there = [each for each in package.artifacts if each.ecosystem in kinds]
        smallest = min(there, key=lambda each: each.size, default=None)
        if self._store.folder is not None or smallest is None or smallest.size > _FETCHED:
            return None
        content = self._store.read(smallest.path)
        return None if content is None else (smallest.file_name, io.BytesIO(content))

    def read(self, path: str) -> bytes | None:
        """Return what the repository has at a path; None where nothing is there."""
        return self._store.read(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the repository says was written: a generation, and the digests of all files.

    With `signed` the key of who reads it has signed both; that of a repository without a key is
    believed as its log is.
    """

    store: Store
    generation: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    signed: bool = False

    def read(self, path: str) -> bytes | None:
        """Return a file that it names; None where it is not there, or was changed."""
        digest = self.digests.get(path)
        return None if digest is None else self.read_named(path, digest)

    def read_named(self, path: str, sha256: str) -> bytes | None:
        """Return a file of that digest; None where there is none, or one of another."""
        content = self.store.read(path)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            return None
        return content


def store_ahead(
    store: Store,
    packages: Packages,
    change: Change,
    local: Mapping[str, Path],
    *,
    volumes: bool = False,
) -> None:
    """Store what pages show of the data of new versions, before the log names them.

    It is named after the data and never changes: one of several publishers stores each file.  With
    `volumes` there are small copies for a viewer.
    """
    new = {each.key for each in change.add}
    packages = packages.with_added(change.add)
    payloads = Payloads(store, local)
    names = packages.named(change.names)
    for path, content in catalogue.ahead(names, new, payloads, volumes=volumes):
        create_once(store, path, content)


def store_missing(store: Store, packages: Packages, *, volumes: bool) -> frozenset[str]:
    """Store what pages lack of data that was published before; return whose pages are to follow."""
    names = set()
    payloads = Payloads(store, {})
    for name, (path, content) in catalogue.missing(packages.values(), payloads, volumes=volumes):
        create_once(store, path, content)
        names.add(name)
    return frozenset(names)


def create_once(store: Store, path: str, content: bytes) -> None:
    """Store a file that is the same whoever makes it, unless it is there."""
    with suppress(ExistsError):
        store.create(path, content)


def write(
    store: Store, state: State, signer: Signer | None, local: Mapping[str, Path] | None = None
) -> State:
    """Write every index of a state, or of a later one that others have made; return that."""
    with store_errors_say(
        f"generation {state.generation} is in the log, and some indexes do not have it yet; "
        "whatever an index names is there, and the next nipack publish completes them"
    ):
        return _write(store, state, signer, local or {})


def _write(store: Store, state: State, signer: Signer | None, local: Mapping[str, Path]) -> State:
    mine: frozenset[str] | None = frozenset()
    while True:
        # Before the log, which then has whatever was written.
        before = written(store, signer)
        # Of many who come at once each would else write what the next writes again.
        if log.generations(store)[-1] != state.generation:
            state = log.load(store) or state
        # What an earlier round wrote may have taken the place of what others wrote of a later
        # generation, so it is written again.
        changed = log.names_changed(store, before.generation, state) if before.generation else None
        # What does not extend what is there, for that is not signed, writes the files of all.
        mine = None if changed is None or not before.signed or mine is None else changed | mine
        _write_once(store, state, signer, before, mine, Payloads(store, local))
        if log.generations(store)[-1] == state.generation:
            return state


def is_written(store: Store, state: State) -> bool:
    """Tell whether the indexes are those of this state."""
    return written(store, None).generation == state.generation


def written(store: Store, signer: Signer | None) -> Written:
    """Return what was written last, as far as nobody but a publisher can have written it."""
    nothing = Written(store=store)
    about, sums = store.read(ABOUT), store.read(SUMS)
    if about is None or sums is None:
        return nothing
    try:
        document = json_value(about)
        if document["sha256sums"] != hashlib.sha256(sums).hexdigest():
            return nothing  # somebody is writing it, or was ended
        generation = int(document["generation"])
    except (KeyError, TypeError, ValueError):
        return nothing
    signed = signer is None or _is_mine(about, store.read(f"{ABOUT}.asc"), signer)
    return Written(store=store, generation=generation, digests=read_sums(sums), signed=signed)


def _is_mine(about: bytes, signature: bytes | None, signer: Signer) -> bool:
    try:
        verified(about, signer.certificate, signature or b"")
    except RepositoryError:
        return False
    return True


def read_sums(content: bytes) -> dict[str, str]:
    """Return the digest of each path that a SHA256SUMS has."""
    return {path: digest for digest, path in _LINE.findall(content.decode("utf-8", "replace"))}


def _write_once(
    store: Store,
    state: State,
    signer: Signer | None,
    before: Written,
    changed: frozenset[str] | None,
    payloads: Payloads,
) -> None:
    # What was changed by somebody else gets into nothing that is signed: the log makes it again.
    extends = changed is not None and before.signed
    snapshot = Snapshot(
        repository=state.repository,
        packages=state.ordered(),
        changed=changed if extends else None,
        mine=state.packages.named(changed or ()) if extends else (),
        before=before if extends else None,
        signer=signer,
        keyring=state.identity,
    )
    files = list(_derived(snapshot))
    _write_settled(store, files)
    packages = snapshot.mine if extends else snapshot.packages
    digests = {**(before.digests if extends else {}), **_pool(packages)}
    leading = (each for each in files if not each.settled)
    with _Writing(store) as writing:
        for batch in _batches(itertools.chain(leading, _pages(snapshot, payloads))):
            writing.then([file for file in batch if not file.there])
            for file in batch:
                if not file.signature:
                    digests[file.path] = hashlib.sha256(file.content).hexdigest()
    for path, content in _about(state, digests, signer):
        store.write(path, content)


def _batches(files: Iterable[IndexFile]) -> Iterator[list[IndexFile]]:
    """Yield the files in order, together those that may be written at once."""
    for own, group in itertools.groupby(files, lambda each: each.own > 0):
        size = _AT_ONCE if own else 1
        while batch := list(itertools.islice(group, size)):
            for number in sorted({each.own for each in batch}):
                yield [each for each in batch if each.own == number]


class _Writing:
    """Writes files while the next are made: a disk or a server is waited for, not a processor.

    Each lot is written after the one before it; at the end all are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._last: Future[None] | None = None

    def then(self, files: Sequence[IndexFile]) -> None:
        """Write files as soon as those before are written; raises what went wrong with these."""
        self._wait()
        self._last = self._pool.submit(_write_all, self._store, files)

    def _wait(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __enter__(self) -> "_Writing":
        return self

    def __exit__(self, kind: object, *about: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._pool.shutdown()


def _write_all(store: Store, files: Sequence[IndexFile]) -> None:
    """Write files of which none leads to another; a disk and a server take many as fast as one."""
    if len(files) <= 1:
        for each in files:
            store.write(each.path, each.content)
        return
    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        list(pool.map(lambda each: store.write(each.path, each.content), files))


def _derived(snapshot: Snapshot) -> Iterator[IndexFile]:
    for ecosystem in ecosystems().values():
        yield from ecosystem.indexes(snapshot)


def _write_settled(store: Store, files: Iterable[IndexFile]) -> None:
    """Write the files that are not there; those that are there are the same."""
    settled = [each for each in files if each.settled]
    if len(settled) > _FEW:
        folders = {each.path.rpartition("/")[0] for each in settled}
        present = {path for folder in folders for path in store.files(folder)}
    else:
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            found = pool.map(lambda each: store.read(each.path), settled)
            pairs = zip(settled, found, strict=True)
            present = {each.path for each, content in pairs if content is not None}
    _write_all(store, [file for file in settled if file.path not in present])


def _pool(packages: Iterable[PublishedPackage]) -> dict[str, str]:
    artifacts = [each for package in packages for each in package.artifacts]
    carried = {path: digest for each in artifacts for path, digest in each.carried.items()}
    return carried | {each.path: each.sha256 for each in artifacts}


def _pages(snapshot: Snapshot, payloads: Payloads) -> Iterator[IndexFile]:
    """Yield the pages for people."""
    pages = catalogue.render(
        snapshot.repository,
        snapshot.packages,
        payloads,
        changed=snapshot.changed,
        mine=snapshot.mine,
        before=snapshot.before,
    )
    for path, content in pages:
        yield IndexFile(
            path=path, content=content, own=catalogue.own(path), there=catalogue.is_stored(path)
        )


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
        "sources": {
            path: digest for path, digest in sorted(digests.items()) if path.startswith(SOURCES)
        },
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
