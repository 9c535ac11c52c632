"""The log of generations: what a repository holds, and the one truth of it.

`.nipack/log/<generation>.json` is made by exclusive creation and never written again.  Each has the
digest of the one before it and what changed; now and then one has everything, so that a repository
is read in a few files.  Of two publishers who make the same generation one is told that it lost,
reads what the other has made, and makes the next.
"""

import hashlib
import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nipack.lookup.json_text import MOST_OF_OWN, json_value
from nipack.publish.errors import AS_IT_WAS, ExistsError, RepositoryError, store_errors_say
from nipack.publish.packages import (
    Key,
    OrderedPackages,
    PackageLines,
    Packages,
    compact_json,
)
from nipack.publish.records import PublishedPackage, PublishedRepository, from_json, to_json
from nipack.publish.stores import Store

LOG = ".nipack/log"
# So many small files are read at most, beside the last one that has everything.
_EVERYTHING_EACH = 32
# A clock may be off by so much, in seconds, before others suffer for it.
_CLOCK_TOLERANCE = 300
# Between them stands a package on each line; no string of JSON has an end of line in it.
_PACKAGES, _END = b'"packages":[\n', b"]}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one call changes; packages with a key that exists get more artifacts.

    `drop` has paths of artifacts; `shown` the packages whose pages only are to be made again.
    """

    repository: Mapping[str, Any] = field(default_factory=dict)
    add: tuple[PublishedPackage, ...] = ()
    retract: Mapping[tuple[str, str], str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    shown: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Return the packages that are added to, retracted or shown in another way."""
        retracted = [name for name, _ in self.retract]
        return frozenset([*(each.name for each in self.add), *retracted, *self.shown])


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a repository holds at one generation.

    `digest` is the sha256 of the log's entry, `identity` the generation at which last changed what
    users are told once: its key, address, name or suites.
    """

    repository: PublishedRepository
    packages: Packages
    digest: str = ""
    previous: str = ""
    identity: int = 1

    @property
    def generation(self) -> int:
        """Return the number of the generation."""
        return self.repository.generation

    def ordered(self) -> OrderedPackages:
        """Return the packages by name and version."""
        return self.packages.ordered()


def entry_path(generation: int) -> str:
    """Return the path of a generation's entry."""
    return f"{LOG}/{generation:08}.json"


def generations(store: Store) -> list[int]:
    """Return the generations that the log has, in order."""
    stems = [path.rpartition("/")[2].removesuffix(".json") for path in store.files(LOG)]
    return sorted(int(stem) for stem in stems if stem.isdigit())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An entry as it was read: what it says, its sha256, and all packages where it has them."""

    fields: Mapping[str, Any]
    digest: str
    packages: Packages | None = None


def load(store: Store, generation: int | None = None) -> State | None:
    """Return the state at a generation, the last by default; None where there is no repository."""
    known = [each for each in generations(store) if generation is None or each <= generation]
    entries: list[tuple[int, _Entry]] = []
    for each in reversed(known):
        entries.append((each, _read(store, each)))
        if entries[-1][1].packages is not None:
            break
    state = None
    for number, entry in reversed(entries):
        try:
            state = _followed(state, entry)
        except (LookupError, TypeError, ValueError) as error:
            raise _damaged(store, number, str(error)) from error
    return state


def has_everything(store: Store, generation: int) -> bool:
    """Tell whether a generation is read from its own entry alone."""
    return _read(store, generation).packages is not None


def _read(store: Store, generation: int) -> _Entry:
    content = store.read(entry_path(generation))
    if content is None:
        raise _damaged(store, generation, "is gone")
    try:
        return _entry_of(content)
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(store, generation, f"is not of the form of an entry ({error})") from error


def _entry_of(content: bytes) -> _Entry:
    """Return an entry; of what has everything the packages are read when they are asked for."""
    digest = hashlib.sha256(content).hexdigest()
    start = content.find(_PACKAGES)
    if start < 0:
        return _Entry(fields=_object(content), digest=digest)
    if not content.endswith(_END):
        raise ValueError("it ends too early")
    fields = _object(content[:start] + _PACKAGES.strip() + _END.strip())
    lines = PackageLines(
        content, start + len(_PACKAGES), len(content) - len(_END), fields["everything"]["texts"]
    )
    return _Entry(fields=fields, digest=digest, packages=Packages(lines=lines))


def _object(content: bytes) -> dict[str, Any]:
    found = json_value(content, MOST_OF_OWN)
    if not isinstance(found, dict):
        raise TypeError("it holds no object")
    return found


def _damaged(store: Store, generation: int, reason: str) -> RepositoryError:
    return RepositoryError(
        f"{store.address}/{entry_path(generation)}: {reason}; the log of a repository is never "
        "edited: restore this file from a copy of the repository"
    )


def _followed(state: State | None, entry: _Entry) -> State:
    """Return the state after an entry."""
    fields = entry.fields
    if entry.packages is not None:
        whole = fields["everything"]
        return State(
            repository=from_json(PublishedRepository, whole["repository"]),
            packages=entry.packages,
            digest=entry.digest,
            previous=fields["previous"],
            identity=whole["identity"],
        )
    if state is None or fields["previous"] != state.digest:
        raise ValueError("does not follow the one before it")
    after = applied(state, change_from_json(fields["change"]), date=fields["date"])
    return replace(after, digest=entry.digest)


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
    packages = state.packages.with_added(change.add)
    touched: dict[Key, PublishedPackage] = {}
    for key, why in change.retract.items():
        touched[key] = replace(packages[key], retracted=why or None)
    packages = packages.updated(touched)
    if change.drop:
        packages = Packages(_without(packages, frozenset(change.drop)))
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


def _without(
    packages: Mapping[Key, PublishedPackage], paths: frozenset[str]
) -> dict[Key, PublishedPackage]:
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
    clock_is_right: bool = False,
) -> State | None:
    """Make the next generation of what `change` says to do to the state as it is by then.

    It is asked again each time that another publisher was quicker; where it returns None, nothing
    is made, and the state is returned.  `first` is what a repository begins as; with
    `clock_is_right` a date may be before the last one's.
    """
    with store_errors_say(AS_IT_WAS):
        date_after = (lambda previous: now()) if clock_is_right else _date_after
        return _append(store, state, change, first, date_after, everything=everything)


def _append(
    store: Store,
    state: State | None,
    change: Callable[[State | None], Change | None],
    first: PublishedRepository | None,
    date_after: Callable[[str], str],
    *,
    everything: bool,
) -> State | None:
    while True:
        wanted = change(state)
        if wanted is None:
            return state
        if state is None and first is None:
            raise RepositoryError(f"{store.address}: is not a repository; nipack publish makes one")
        before = state or State(repository=first, packages=Packages())  # type: ignore[arg-type]
        date = date_after(before.repository.date)
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
        # None where more than the files of some packages is to be written again.
        "names": None if change.drop or change.repository else sorted(change.names),
    }
    if not everything and after.generation % _EVERYTHING_EACH != 1:
        return compact_json({**document, "change": change_to_json(change)}) + b"\n"
    lines, texts = after.packages.written()
    document["everything"] = {
        "repository": to_json(after.repository),
        "identity": after.identity,
        "texts": texts,
        "packages": [],
    }
    head = compact_json(document).removesuffix(_PACKAGES.strip() + _END.strip())
    parts = itertools.chain.from_iterable((b",\n", line) for line in lines)
    # One join: the lines are as large as all that there is.
    return b"".join([head, _PACKAGES, *itertools.islice(parts, 1, None), b"\n" * bool(lines), _END])


def _date_after(previous: str) -> str:
    """Return the time now, which is never before the last generation's; raises RepositoryError."""
    if previous > now(_CLOCK_TOLERANCE):
        raise RepositoryError(
            f"this machine's clock says {now()}, and the last generation was made at {previous}; "
            "set the clock, or apt would treat this as older; or, if this clock is "
            "right and the last publisher's was not, use --clock-is-right: apt has refused that "
            "generation as not valid yet"
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
        changed = _read(store, generation).fields.get("names")
        if changed is None:
            return None
        names |= {*changed}
    return frozenset(names)
