"""The log of generations: what a repository holds, and the one truth of it.

`.nipack/log/<generation>.json` is made by exclusive creation and never written again.  Each has the
digest of the one before it and what changed; now and then one has everything, so that a repository
is read in a few files.  Of two publishers who make the same generation one is told that it lost,
reads what the other has made, and makes the next.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nipack.publish.errors import ExistsError, RepositoryError
from nipack.publish.records import PublishedPackage, PublishedRepository, from_json, to_json
from nipack.publish.stores import Store

LOG = ".nipack/log"
# So many small files are read at most, beside the last one that has everything.
_EVERYTHING_EACH = 32
# A clock may be off by so much, in seconds, before others suffer for it.
_CLOCK_TOLERANCE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one call changes; packages with a key that exists get more artifacts.

    `drop` has paths of artifacts.
    """

    repository: Mapping[str, Any] = field(default_factory=dict)
    add: tuple[PublishedPackage, ...] = ()
    retract: Mapping[tuple[str, str], str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Return the packages that are added to or retracted."""
        return frozenset([*(each.name for each in self.add), *(name for name, _ in self.retract)])


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a repository holds at one generation.

    `digest` is the sha256 of the log's entry, `identity` the generation at which last changed what
    users are told once: its key, address, name or suites.
    """

    repository: PublishedRepository
    packages: Mapping[tuple[str, str], PublishedPackage]
    digest: str = ""
    previous: str = ""
    identity: int = 1

    @property
    def generation(self) -> int:
        """Return the number of the generation."""
        return self.repository.generation

    def ordered(self) -> tuple[PublishedPackage, ...]:
        """Return the packages by name and version."""
        return tuple(self.packages[key] for key in sorted(self.packages))


def entry_path(generation: int) -> str:
    """Return the path of a generation's entry."""
    return f"{LOG}/{generation:08}.json"


def generations(store: Store) -> list[int]:
    """Return the generations that the log has, in order."""
    stems = [path.rpartition("/")[2].removesuffix(".json") for path in store.files(LOG)]
    return sorted(int(stem) for stem in stems if stem.isdigit())


def load(store: Store, generation: int | None = None) -> State | None:
    """Return the state at a generation, the last by default; None where there is no repository."""
    known = [each for each in generations(store) if generation is None or each <= generation]
    changes: list[tuple[int, dict[str, Any], str]] = []
    for each in reversed(known):
        entry, digest = _read(store, each)
        changes.append((each, entry, digest))
        if "everything" in entry:
            break
    state = None
    for number, entry, digest in reversed(changes):
        try:
            state = _followed(state, entry, digest)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(store, number, str(error)) from error
    return state


def has_everything(store: Store, generation: int) -> bool:
    """Tell whether a generation is read from its own entry alone."""
    return "everything" in _read(store, generation)[0]


def _read(store: Store, generation: int) -> tuple[dict[str, Any], str]:
    content = store.read(entry_path(generation))
    if content is None:
        raise _damaged(store, generation, "is gone")
    try:
        entry = json.loads(content)
    except ValueError as error:
        raise _damaged(store, generation, "is no JSON") from error
    if not isinstance(entry, dict):
        raise _damaged(store, generation, "holds no object")
    return entry, hashlib.sha256(content).hexdigest()


def _damaged(store: Store, generation: int, reason: str) -> RepositoryError:
    return RepositoryError(
        f"{store.address}/{entry_path(generation)}: {reason}; the log of a repository is never "
        "edited: restore this file from a copy of the repository"
    )


def _followed(state: State | None, entry: dict[str, Any], digest: str) -> State:
    """Return the state after an entry."""
    if "everything" in entry:
        return _everything(entry, digest)
    if state is None or entry["previous"] != state.digest:
        raise ValueError("does not follow the one before it")
    return replace(
        applied(state, change_from_json(entry["change"]), date=entry["date"]), digest=digest
    )


def _everything(entry: dict[str, Any], digest: str) -> State:
    whole = entry["everything"]
    texts = whole["texts"]
    packages = [
        from_json(PublishedPackage, {**each, "license_text": texts[each["license_text"]]})
        if "license_text" in each
        else from_json(PublishedPackage, each)
        for each in whole["packages"]
    ]
    return State(
        repository=from_json(PublishedRepository, whole["repository"]),
        packages={each.key: each for each in packages},
        digest=digest,
        previous=entry["previous"],
        identity=whole["identity"],
    )


def _everything_json(state: State) -> dict[str, Any]:
    """Return a state as JSON has it; each licence's text stands in it once."""
    texts: dict[str, str] = {}
    packages = []
    for package in state.ordered():
        document = to_json(package)
        if text := document.get("license_text"):
            key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
            texts[key] = text
            document["license_text"] = key
        packages.append(document)
    return {
        "repository": to_json(state.repository),
        "packages": packages,
        "texts": texts,
        "identity": state.identity,
    }


def change_to_json(change: Change) -> dict[str, Any]:
    """Return a change as JSON has it."""
    return {
        "repository": dict(change.repository),
        "add": [to_json(each) for each in change.add],
        "retract": [[*key, why] for key, why in sorted(change.retract.items())],
        "drop": list(change.drop),
    }


def change_from_json(document: dict[str, Any]) -> Change:
    """Return the change that JSON holds."""
    return Change(
        repository=document["repository"],
        add=tuple(from_json(PublishedPackage, each) for each in document["add"]),
        retract={(name, version): why for name, version, why in document["retract"]},
        drop=tuple(document["drop"]),
    )


_IDENTITY = {"name", "title", "address", "certificate", "suites", "fingerprint"}


def applied(state: State, change: Change, *, date: str) -> State:
    """Return the state after a change."""
    packages = dict(state.packages)
    for package in change.add:
        known = packages.get(package.key)
        packages[package.key] = _joined(known, package) if known else package
    for key, why in change.retract.items():
        packages[key] = replace(packages[key], retracted=why or None)
    if change.drop:
        packages = _without(packages, frozenset(change.drop))
    fields = to_json(state.repository) | to_json_values(change.repository)
    generation = state.generation + 1
    repository = from_json(PublishedRepository, fields | {"generation": generation, "date": date})
    changed = any(
        getattr(repository, name) != getattr(state.repository, name) for name in _IDENTITY
    )
    return State(
        repository=repository,
        packages=packages,
        previous=state.digest,
        identity=generation if changed else state.identity,
    )


def to_json_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of a repository's fields as JSON has them."""
    return {name: to_json(value) for name, value in fields.items()}


def _joined(known: PublishedPackage, more: PublishedPackage) -> PublishedPackage:
    """Return a package with more artifacts, and with what only the new ones say of it."""
    artifacts = {each.path: each for each in [*more.artifacts, *known.artifacts]}
    return replace(
        known,
        artifacts=tuple(artifacts[path] for path in sorted(artifacts)),
        description=known.description or more.description,
        license_text=known.license_text or more.license_text,
    )


def _without(
    packages: Mapping[tuple[str, str], PublishedPackage], paths: frozenset[str]
) -> dict[tuple[str, str], PublishedPackage]:
    left = {}
    for key, package in packages.items():
        artifacts = tuple(each for each in package.artifacts if each.path not in paths)
        if len(artifacts) != len(package.artifacts):
            package = replace(package, artifacts=artifacts)
        if artifacts:
            left[key] = package
    return left


def append(
    store: Store,
    state: State | None,
    change: Callable[[State | None], Change | None],
    *,
    first: PublishedRepository | None = None,
    everything: bool = False,
) -> State | None:
    """Make the next generation of what `change` says to do to the state as it is by then.

    It is asked again each time that another publisher was quicker; where it returns None, nothing
    is made, and the state is returned.  `first` is what a repository begins as.
    """
    while True:
        wanted = change(state)
        if wanted is None:
            return state
        if state is None and first is None:
            raise RepositoryError(f"{store.address}: is no repository; publish makes one")
        before = state or State(repository=first, packages={})  # type: ignore[arg-type]
        date = _date_after(before.repository.date)
        after = applied(before, wanted, date=date)
        content = _entry(before, after, wanted, everything=everything)
        try:
            store.create(entry_path(after.generation), content)
        except ExistsError:
            state = load(store)
            continue
        return replace(after, digest=hashlib.sha256(content).hexdigest())


def _entry(before: State, after: State, change: Change, *, everything: bool) -> bytes:
    document: dict[str, Any] = {
        "generation": after.generation,
        "previous": before.digest,
        "date": after.repository.date,
        # So that no two publishers ever write the same bytes.
        "nonce": secrets.token_hex(8),
        "change": change_to_json(change),
    }
    if everything or after.generation % _EVERYTHING_EACH == 1:
        document["everything"] = _everything_json(after)
    return (json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n").encode()


def _date_after(previous: str) -> str:
    """Return the time now, which is never before the last generation's; raises RepositoryError."""
    if previous > now(_CLOCK_TOLERANCE):
        raise RepositoryError(
            f"this machine's clock says {now()}, and the last generation was made at {previous}; "
            "set the clock: apt would take what is published now for older"
        )
    return max(now(), previous)


def now(ahead: int = 0) -> str:
    """Return the time as the log writes it, so many seconds ahead."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead))


def names_changed(store: Store, since: int, state: State) -> frozenset[str] | None:
    """Return the packages that changed after a generation; None where the log does not know."""
    names: set[str] = set()
    known = generations(store)
    for generation in range(since + 1, state.generation + 1):
        if generation not in known:
            return None
        entry, _ = _read(store, generation)
        change = entry.get("change", {})
        if change.get("drop") or change.get("repository"):
            return None
        names |= {each["name"] for each in change.get("add", ())}
        names |= {name for name, *_ in change.get("retract", ())}
    return frozenset(names)
