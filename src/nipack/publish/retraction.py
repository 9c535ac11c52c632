"""Take versions back: from solvers' sight, or altogether."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nipack.publish import catalogue, deletes, indexes, log
from nipack.publish.catalogue import changes, previews, viewer
from nipack.publish.ecosystems import Snapshot, ecosystems
from nipack.publish.errors import RepositoryError
from nipack.publish.flow import Settings, check_call
from nipack.publish.log import Change, State
from nipack.publish.records import PublishedPackage, PublishedRepository, order_of
from nipack.publish.signing import Signer
from nipack.publish.stores import Store

# What no generation names may be of a publisher who is about to name it.
_YOUNG = 24 * 3600


def retract(
    store: Store, signer: Signer | None, key: tuple[str, str], *, why: str
) -> PublishedRepository:
    """Hide a version from every solver; its files stay, for locks that name them.

    An empty reason shows it again.  Raises RepositoryError where there is no such version.
    """
    state = checked_state(store, signer)

    def change(now: State | None) -> Change | None:
        package = now.packages.get(key) if now else None
        if now is None or package is None:
            raise _unknown(store, key, now)
        reason = " ".join(why.split())
        if package.retracted == (reason or None):
            return None
        return Change(retract={key: reason}, repository=_new_key(now, signer))

    after = log.append(store, state, change)
    assert after is not None
    return indexes.write(store, after, signer).repository


def _new_key(state: State | None, signer: Signer | None) -> dict[str, str]:
    """Return the field that names the key, where another that users trust signs from now on."""
    named = state.repository.fingerprint if state else None
    if signer is None or named in (None, signer.fingerprint):
        return {}
    return {"fingerprint": signer.fingerprint}


def _unknown(store: Store, key: tuple[str, str], state: State | None) -> RepositoryError:
    versions = [version for name, version in sorted(state.packages if state else ())
                if name == key[0]]  # fmt: skip
    there = f"it has {', '.join(versions)}" if versions else "it has no package of that name"
    return RepositoryError(f"{store.address}: has no {key[0]} {key[1]}; {there}")


def checked_state(store: Store, signer: Signer | None) -> State:
    """Return the state; raises RepositoryError where there is none, or its key is not given."""
    state = log.load(store)
    if state is None:
        raise RepositoryError(f"{store.address}: is not a repository; nipack publish makes one")
    check_call(state, Settings(), signer)
    return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was dropped: packages by name and version, and paths that are deleted."""

    repository: PublishedRepository
    packages: tuple[tuple[str, str], ...]
    files: tuple[str, ...]


def prune(store: Store, signer: Signer | None, *, keep: int, dry_run: bool = False) -> Pruned:
    """Drop all but the last versions of each package, and what only old generations need.

    The indexes forget a file before it is deleted; what the last `keep` generations name by its
    digest stays, and so does what nobody has named yet and is younger than a day.
    """
    state = checked_state(store, signer)
    old = _old_packages(state, keep)
    paths = [path for each in old for a in each.artifacts for path in (a.path, *a.carried)]
    if dry_run:
        # What the indexes that are made without these need no more is not known before.
        unneeded = {*paths, *_unneeded(store, state, keep, frozenset(paths))}
        return Pruned(
            repository=state.repository,
            packages=tuple(each.key for each in old),
            files=tuple(sorted(unneeded)),
        )
    store.tidy()
    after: State | None = state
    if old:
        after = log.append(store, state, lambda now: _dropped(now, signer, keep), everything=True)
    assert after is not None
    # An ended publisher leaves indexes that still name what the log does not.
    if old or not indexes.is_written(store, after):
        after = indexes.write(store, after, signer)
    files = _unneeded(store, after, keep, frozenset(paths))
    # What leads to a file goes before it: who is ended here leaves no list of what is not there.
    leading = [path for path in files if catalogue.own(path) > 1]
    others = [path for path in files if catalogue.own(path) <= 1]
    deleted = [
        path
        for some in (leading, others)
        for path in deletes.delete(store, some, at_once=indexes.WRITERS)
    ]
    return Pruned(
        repository=after.repository,
        packages=tuple(each.key for each in old),
        files=tuple(sorted(deleted)),
    )


def _dropped(state: State | None, signer: Signer | None, keep: int) -> Change:
    old = _old_packages(state, keep) if state else ()
    return Change(
        drop=tuple(artifact.path for each in old for artifact in each.artifacts),
        repository=_new_key(state, signer),
    )


def _old_packages(state: State, keep: int) -> tuple[PublishedPackage, ...]:
    by_name: dict[str, list[PublishedPackage]] = {}
    for package in state.ordered():
        by_name.setdefault(package.name, []).append(package)
    return tuple(
        package
        for packages in by_name.values()
        for package in sorted(packages, key=order_of, reverse=True)[keep:]
    )


def _unneeded(store: Store, state: State, keep: int, dropped: frozenset[str]) -> tuple[str, ...]:
    """Return what may be deleted, in order."""
    needed = _needed(store, state, keep)
    found = {
        path
        for top in sorted(each.folder for each in ecosystems().values())
        for path in store.files(top)
        if path not in needed
    }
    others = [*(found - dropped), *_old_pictures(store, state), *_old_viewers(store, state)]
    with ThreadPoolExecutor(max_workers=indexes.WRITERS) as pool:
        ages = zip(others, pool.map(store.age, others), strict=True)
        old = {path for path, age in ages if age > _YOUNG}
    return tuple(sorted([*(found & dropped), *old, *_old_entries(store, state, keep)]))


def _old_pictures(store: Store, state: State) -> Iterator[str]:
    """Yield what is shown of payloads that no package has, and volumes that no viewer shows."""
    living = {each.payload_id[:32] for each in state.packages.values()}
    for path in store.files(previews.FOLDER):
        is_idle = not state.repository.viewer and previews.is_of_volumes(path)
        if is_idle or not changes.is_of(path, living):
            yield path


def _old_viewers(store: Store, state: State) -> Iterator[str]:
    """Yield the files of viewers that the pages have no more."""
    used = viewer.program_path(state.repository.viewer).rpartition("/")[0]
    for path in store.files(viewer.FOLDER):
        if path.rpartition("/")[0] != used:
            yield path


def _needed(store: Store, state: State, keep: int) -> frozenset[str]:
    """Return the paths that the last generations name, or that are derived now."""
    states = [state]
    for generation in range(max(1, state.generation - keep + 1), state.generation):
        try:
            older = log.load(store, generation)
        except RepositoryError:
            continue  # An earlier call has dropped what it was made of.
        states += [older] if older and older.generation == generation else []
    artifacts = [a for package in state.packages.values() for a in package.artifacts]
    needed = {path for each in artifacts for path in (each.path, *each.carried)}
    for each in states:
        snapshot = Snapshot(
            repository=each.repository,
            packages=each.ordered(),
            signer=_NoSignature(),
            keyring=each.identity,
        )
        for ecosystem in ecosystems().values():
            needed |= {file.path for file in ecosystem.indexes(snapshot)}
    return frozenset(needed)


class _NoSignature:
    """A signer for who only asks where the signatures are."""

    fingerprint = certificate = ""

    def clear(self, text: bytes) -> bytes:
        return text

    def detached(self, content: bytes) -> bytes:
        return b""


def _old_entries(store: Store, state: State, keep: int) -> Iterable[str]:
    """Return the log's entries before the last one that has everything and is old enough."""
    first_kept = state.generation - keep + 1
    known = log.generations(store)
    whole = [each for each in known if each <= first_kept and log.has_everything(store, each)]
    return [log.entry_path(each) for each in known if whole and each < whole[-1]]
