"""Publish artifacts: the whole story of it, from files to a repository that serves them."""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nipack.publish import deletes, indexes, log
from nipack.publish.attestations import belongs_to
from nipack.publish.catalogue.viewer import Viewer
from nipack.publish.ecosystems import ecosystems
from nipack.publish.errors import AS_IT_WAS, ExistsError, RepositoryError, store_errors_say
from nipack.publish.log import Change, State
from nipack.publish.packages import Key, Packages
from nipack.publish.reading import Candidate, read_all
from nipack.publish.records import PublishedRepository
from nipack.publish.signing import Signer, certificates_in, fingerprints_in
from nipack.publish.stores import Store
from nipack.system.progress import Reporter, SilentReporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is said of a repository; None leaves it as it is, or as it is by default."""

    name: str | None = None
    title: str | None = None
    address: str | None = None
    suites: tuple[str, ...] = ()
    valid_days: int | None = None
    also_trust: str | None = None
    unsigned: bool = False
    viewer: Viewer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a call.

    `new` were published, `known` were there already to the byte, `refused` has why each other was
    not, `passed` why one is nothing to publish; each is a path as it was given.  `settings` are the
    fields of the repository with the values that a dry run would give them.
    """

    repository: PublishedRepository
    new: tuple[Path, ...] = ()
    known: tuple[Path, ...] = ()
    refused: Mapping[Path, str] = field(default_factory=dict)
    passed: Mapping[Path, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    changed: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def publish(
    artifacts: Sequence[Path],
    store: Store,
    signer: Signer | None,
    settings: Settings,
    *,
    dry_run: bool = False,
    refresh: bool = False,
    pictures: bool = False,
    clock_is_right: bool = False,
    processes: int = 1,
    reporter: Reporter | None = None,
) -> Published:
    """Publish artifacts in a repository, which is made if there is none.

    With `refresh` there is a new generation in any case, and with `pictures` it has those that are
    missing.  Many artifacts are read by so many `processes`.  Each that cannot be published is told
    of in the answer, and no other suffers for it.  Raises RepositoryError where the repository
    itself is the reason.
    """
    reporter = reporter or SilentReporter()
    with store_errors_say(AS_IT_WAS):
        state = log.load(store)
    first = first_record(store, settings, signer) if state is None else None
    repository = check_call(state, settings, signer) if state else first
    assert repository is not None
    passed = passed_over(artifacts)
    wanted_files = [path for path in artifacts if path not in passed]
    there = state.packages if state else Packages()
    candidates, unreadable = read_all(wanted_files, there, reporter, processes=processes)
    plan = _Plan(
        candidates, unreadable, store, settings, signer,
        refresh=refresh or pictures, pictures=pictures,
    )  # fmt: skip
    changes = plan.changes(state)
    if dry_run:
        answer = plan.answer(repository, changed=changes)
        return replace(answer, passed=passed, settings=plan.changed_settings(state))
    with store_errors_say(AS_IT_WAS):
        if state is None:
            store.probe()
        store.tidy()
    if changes:
        state = log.append(
            store,
            state,
            lambda by_then: plan.uploaded(by_then, reporter),
            first=first,
            clock_is_right=clock_is_right,
        )
        plan.keep_what_was_there(reporter)
    if state is not None and (changes or not indexes.is_written(store, state)):
        state = indexes.write(store, state, signer, plan.local)
    answer = plan.answer(state.repository if state else repository, changed=changes)
    return replace(answer, passed=passed)


def passed_over(paths: Iterable[Path]) -> dict[Path, str]:
    """Return which files are made beside artifacts and are none, and why."""
    passed = {}
    for path in paths:
        kinds = [each for each in ecosystems().values() if each.beside]
        source = next((each for each in kinds if path.name.endswith(each.beside)), None)
        artifact = belongs_to(path)
        if source is not None:
            passed[path] = (
                f"{path}: is a source package, from which {source.title} installs nothing"
            )
        elif artifact is not None:
            passed[path] = f"{path}: goes with {artifact.name}, and is published beside it"
    return passed


def first_record(store: Store, settings: Settings, signer: Signer | None) -> PublishedRepository:
    """Return what a repository begins as; raises RepositoryError where something must be said."""
    if signer is None and not settings.unsigned:
        raise RepositoryError(
            f"{store.address}: a new repository needs a key: use --key (nipack keygen makes one), "
            "or use --unsigned, and apt will trust anyone who answers in its place"
        )
    name = settings.name or _word(Path(store.address).absolute().name)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise RepositoryError(
            f"'{name}' is not allowed in file names: use --name with a-z, 0-9 and -"
        )
    address = settings.address
    if address is None and store.folder is not None:
        address = store.folder.absolute().as_uri()
    if address is not None:
        _check_address(address)
    else:
        raise RepositoryError(
            f"{store.address}: give the address that will serve it: --address https://..."
        )
    title = settings.title or name
    return PublishedRepository(
        name=name,
        title=title,
        origin=title,
        label=title,
        suites=_suites(settings.suites or ("stable",)),
        address=address.rstrip("/"),
        valid_days=settings.valid_days,
        fingerprint=signer.fingerprint if signer else None,
        viewer=settings.viewer.digest if settings.viewer else "",
        certificate=_certificates(signer.certificate, settings.also_trust) if signer else None,
    )


def _check_address(address: str) -> None:
    # It goes into files that others read by the line, into lines for a shell, and before paths.
    if not re.fullmatch(r"(https?|file|s3)://[\w.~:/@%+,=\[\]-]+", address, re.ASCII):
        raise RepositoryError(
            f"'{address}' is not an address; write it as https://data.lab.example"
        )


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "data"


def _suites(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise RepositoryError(f"'{name}' is not a valid suite; use letters, digits, . and -")
    return names


def _certificates(certificate: str, also: str | None) -> str:
    """Return a certificate, and others that users shall trust beside it."""
    if also is not None and not fingerprints_in(also):
        raise RepositoryError(
            "--also-trust: the file has no certificate; give the .asc that nipack keygen writes "
            "beside a key, or what gpg --armor --export does"
        )
    return "".join(f"{each.strip()}\n" for each in [certificate, *certificates_in(also or "")])


def check_call(state: State, settings: Settings, signer: Signer | None) -> PublishedRepository:
    """Return a repository's record; raises RepositoryError for what no call may change."""
    repository = state.repository
    if settings.address is not None:
        _check_address(settings.address)
    if repository.fingerprint is not None and signer is None:
        raise RepositoryError(
            f"{repository.title}: is signed by {repository.fingerprint}; use that key: --key"
        )
    if settings.name not in (None, repository.name):
        raise RepositoryError(
            f"{repository.title}: is called {repository.name}, which cannot be changed"
        )
    if settings.suites and settings.suites != repository.suites:
        raise RepositoryError(
            f"{repository.title}: has the suites {', '.join(repository.suites)}, which cannot be "
            "changed: the .sources of its users name them"
        )
    if signer is not None and repository.certificate is not None:
        known = fingerprints_in(repository.certificate)
        if signer.fingerprint not in known:
            raise RepositoryError(
                f"{repository.title}: no user of it trusts {signer.fingerprint} yet; first publish "
                "with the old key and --also-trust CERTIFICATE of the new one, and let users "
                f"upgrade {repository.name}-archive-keyring"
            )
    return repository


class _Plan:
    """What a call asks for, and what becomes of it in the light of what is there."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        unreadable: Mapping[Path, str],
        store: Store,
        settings: Settings,
        signer: Signer | None,
        *,
        refresh: bool,
        pictures: bool,
    ) -> None:
        self._candidates = candidates
        self._unreadable = unreadable
        self._store = store
        self._settings = settings
        self._signer = signer
        self._refresh = refresh
        # A viewer that is new has something to show of what is there.
        self._pictures = pictures or bool(settings.viewer and settings.viewer.program)
        self._shown: frozenset[str] = frozenset()
        self._spoiled: dict[Path, str] = {}
        self._sent: set[Path] = set()
        self._found: list[tuple[str, Path | bytes]] = []
        self._new: tuple[Candidate, ...] = ()
        self._refused: dict[Path, str] = {}

    @property
    def local(self) -> dict[str, Path]:
        """Return the file of each artifact that is new, by its path in the repository."""
        return {each.artifact.path: each.file for each in self._new}

    def changes(self, state: State | None) -> bool:
        """Look at the artifacts in the light of a state; tell whether there is anything to do."""
        there = state.packages if state else Packages()
        new, refused = [], {**self._unreadable, **self._spoiled}
        paths = there.digests({each.artifact.path for each in self._candidates})
        payloads: dict[Key, str] = {}
        for each in self._candidates:
            if each.file in refused:
                continue
            path, key = each.artifact.path, each.package.key
            known = paths.get(path)
            payload = payloads.get(key) or (there[key].payload_id if key in there else None)
            reason = _objection(each, known, payload)
            if reason:
                refused[each.file] = f"{each.file}: {reason}"
                continue
            payloads[key] = each.package.payload_id
            if known is None:
                new.append(each)
                paths[path] = each.artifact.sha256
        self._new, self._refused = tuple(new), refused
        # A repository without packages is one: its address can be told before there is data.
        return bool(new or self.changed_settings(state) or self._refresh or not (state or refused))

    def _change(self, state: State | None) -> Change:
        """Return the change that is wanted of a state that was looked at."""
        date = log.now()
        add = tuple(
            replace(each.package, artifacts=(replace(each.artifact, date=date),))
            for each in self._new
        )
        return Change(add=add, repository=self.changed_settings(state), shown=self._shown)

    def changed_settings(self, state: State | None) -> dict[str, Any]:
        """Return the fields of an existing repository that this call gives other values."""
        if state is None:
            return {}
        known, settings = state.repository, self._settings
        wanted: dict[str, Any] = {
            "title": settings.title,
            "address": settings.address.rstrip("/") if settings.address else None,
            "valid_days": settings.valid_days,
            "viewer": settings.viewer.digest if settings.viewer else None,
        }
        if self._signer is not None:
            wanted["fingerprint"] = self._signer.fingerprint
            if settings.also_trust is not None or known.certificate is None:
                wanted["certificate"] = _certificates(self._signer.certificate, settings.also_trust)
        return {
            name: value
            for name, value in wanted.items()
            if value is not None and value != getattr(known, name)
        }

    def uploaded(self, state: State | None, reporter: Reporter) -> Change | None:
        """Return the change that is wanted when the files of the new artifacts are there."""
        changes = self.changes(state)
        missing = [each for each in self._new if each.file not in self._sent]
        if missing:
            self._upload(missing, reporter)
            # Without those that cannot be.
            changes = self.changes(state)
        if not changes:
            return None
        change = self._change(state)
        packages = state.packages if state else Packages()
        volumes = self._has_viewer(state)
        indexes.store_ahead(self._store, packages, change, self.local, volumes=volumes)
        for path, content in self._settings.viewer.files if self._settings.viewer else ():
            indexes.create_once(self._store, path, content)
        if self._pictures:
            self._shown |= indexes.store_missing(self._store, packages, volumes=volumes)
            change = replace(change, shown=self._shown)
        return change

    def _has_viewer(self, state: State | None) -> bool:
        """Tell whether the pages will show volumes."""
        if self._settings.viewer is not None:
            return bool(self._settings.viewer.program)
        return state is not None and bool(state.repository.viewer)

    def _upload(self, missing: Sequence[Candidate], reporter: Reporter) -> None:
        """Write files, several at once; nobody is led to them before the log names them."""
        advance = reporter.step("upload", sum(each.artifact.size for each in missing))
        lock = threading.Lock()

        def there(each: Candidate, path: str, sha256: str, content: Path | bytes) -> None:
            found = self._store.digest(path)
            with lock:
                if found is not None and found[1] == sha256:
                    self._found.append((path, content))
                else:
                    self._spoiled[each.file] = (
                        f"{each.file}: {path} is there with other bytes, which "
                        "another publisher may be about to publish; try again, and if it "
                        "stays, nipack prune deletes what no generation names"
                    )

        def one(each: Candidate) -> None:
            for path, content in each.carried.items():
                try:
                    self._store.create(path, content)
                except ExistsError:
                    there(each, path, each.artifact.carried[path], content)
            try:
                self._store.create_from(each.artifact.path, each.file, advance)
            except ExistsError:
                there(each, each.artifact.path, each.artifact.sha256, each.file)

        with ThreadPoolExecutor(max_workers=indexes.WRITERS) as pool:
            list(pool.map(one, missing))
        self._sent |= {each.file for each in missing}

    def keep_what_was_there(self, reporter: Reporter) -> None:
        """Write again what somebody has deleted who did not know that the log would name it."""
        if not self._found:
            return
        deletes.wait(self._store, reporter)
        folders = {path.rpartition("/")[0] for path, _ in self._found}
        there = {path for folder in folders for path in self._store.files(folder)}
        for path, content in self._found:
            if path in there:
                continue
            with suppress(ExistsError):
                if isinstance(content, bytes):
                    self._store.create(path, content)
                else:
                    self._store.create_from(path, content, lambda count: None)

    def answer(self, repository: PublishedRepository, *, changed: bool) -> Published:
        """Return what became of each file."""
        new = tuple(each.file for each in self._new)
        told = {*new, *self._refused}
        known = [each for each in self._candidates if each.file not in told]
        return Published(
            repository=repository,
            new=new,
            known=tuple(each.file for each in known),
            refused=self._refused,
            names=tuple(dict.fromkeys(each.package.name for each in [*self._new, *known])),
            changed=changed,
        )


def _objection(each: Candidate, sha256: str | None, payload_id: str | None) -> str | None:
    """Return why an artifact cannot be published beside what is there.

    `sha256` is that of the file at its path, `payload_id` that of its package; None for neither.
    """
    artifact, package = each.artifact, each.package
    if sha256 is not None and sha256 != artifact.sha256:
        return (
            f"{artifact.file_name} is already published with other content ({sha256[:16]}, and "
            f"this is {artifact.sha256[:16]}); published files never change: raise the "
            "version or the revision"
        )
    if payload_id is not None and payload_id != package.payload_id:
        return (
            f"{package.name} {package.version} is already published with other data (payload "
            f"{payload_id[:16]}, and this is {package.payload_id[:16]}); raise the "
            "version: nipack bump"
        )
    return None
