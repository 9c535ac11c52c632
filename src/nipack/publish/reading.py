"""Read the artifacts that are to be published: few in this process, many in several."""

import hashlib
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field
from pathlib import Path

from nipack.layout import BILL_SUFFIX
from nipack.publish.artifacts.contents import checked_package_in
from nipack.publish.artifacts.damage import damage_as_error
from nipack.publish.attestations import found_beside
from nipack.publish.ecosystems import Ecosystem, Reading, ecosystem_of, ecosystems
from nipack.publish.errors import RepositoryError
from nipack.publish.packages import Packages
from nipack.publish.records import PublishedArtifact, PublishedPackage
from nipack.system.hashing import Digests, digest_file
from nipack.system.parallel import for_each_file
from nipack.system.processes import local_processes
from nipack.system.progress import Reporter

# To start a process takes as long as to read some 400 small artifacts.
_MANY = 1000
_BATCH = 50  # artifacts that a process reads before it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An artifact that was read; `carried` are files from beside it, by their names there."""

    file: Path
    package: PublishedPackage
    artifact: PublishedArtifact
    carried: Mapping[str, bytes] = field(default_factory=dict)


_Digested = tuple[Path, Digests]
_Read = Candidate | str
"""An artifact, or why it cannot be published."""


def read_all(
    artifacts: Sequence[Path], there: Packages, reporter: Reporter, *, processes: int = 1
) -> tuple[list[Candidate], dict[Path, str]]:
    """Return the artifacts that can be read, and why the others cannot.

    All of each is read, its data too; of one that is there already, only its digest is taken.  Many
    are read by so many processes.
    """
    refused: dict[Path, str] = {}
    candidates: list[Candidate] = []
    new: list[_Digested] = []
    sizes = _sizes(artifacts, refused)
    for path, digests in _digested(sizes, refused, reporter):
        published = there.holding(digests.by_algorithm["sha256"], path.name, of=len(sizes))
        if published is None:
            new.append((path, digests))
        else:
            candidates.append(Candidate(file=path, package=published[0], artifact=published[1]))
    advance = reporter.step("check", sum(digests.size for _, digests in new))
    for (path, digests), found in zip(new, _read(new, processes), strict=True):
        advance(digests.size)
        if isinstance(found, str):
            refused[path] = found
        else:
            candidates.append(found)
    order = list(ecosystems())
    candidates.sort(key=lambda each: order.index(each.artifact.ecosystem))
    return candidates, refused


def _sizes(artifacts: Sequence[Path], refused: dict[Path, str]) -> dict[Path, int]:
    sizes = {}
    for path in dict.fromkeys(artifacts):
        if path.name.endswith(BILL_SUFFIX):
            continue  # what dist/* has beside an artifact
        try:
            found = path.stat()
        except OSError as error:
            refused[path] = _unreadable(path, error)
            continue
        if stat.S_ISDIR(found.st_mode):
            refused[path] = f"{path}: is a folder; name the artifacts in it: {path}/*"
        elif ecosystem_of(path.name) is None:
            known = ", ".join(each.suffix for each in ecosystems().values())
            refused[path] = f"{path}: unknown kind of file; known are {known}"
        else:
            sizes[path] = found.st_size
    return sizes


def _digested(
    sizes: Mapping[Path, int], refused: dict[Path, str], reporter: Reporter
) -> Iterator[_Digested]:
    advance = reporter.step("hash", sum(sizes.values()))

    def one(path: Path) -> Digests | str:
        ecosystem = _ecosystem(path)
        try:
            return digest_file(path, ["sha256", *sorted(ecosystem.digests)], advance)
        except OSError as error:
            return _unreadable(path, error)

    for path, found in zip(sizes, for_each_file(one, [*sizes], [*sizes.values()]), strict=True):
        if isinstance(found, str):
            refused[path] = found
        else:
            yield path, found


def _read(new: Sequence[_Digested], processes: int) -> Iterator[_Read]:
    """Yield what each artifact is, in order."""
    done = 0
    if processes > 1 and len(new) >= _MANY:
        batches = [new[start : start + _BATCH] for start in range(0, len(new), _BATCH)]
        try:
            with local_processes(processes) as pool:
                for found in pool.map(_read_batch, batches):
                    yield from found
                    done += len(found)
        except BrokenExecutor:
            pass  # One was lost, for want of memory say: the rest is read here.
    rest = new[done:]
    yield from for_each_file(_read_one, rest, [digests.size for _, digests in rest])


def _read_batch(batch: Sequence[_Digested]) -> list[_Read]:
    return list(map(_read_one, batch))


def _read_one(digested: _Digested) -> _Read:
    path, digests = digested
    try:
        return _candidate(path, digests)
    except RepositoryError as error:
        return f"{path}: {error}"
    except OSError as error:
        return _unreadable(path, error)


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path}: {error.strerror or error}; check the path and its permissions"


def _ecosystem(path: Path) -> Ecosystem:
    ecosystem = ecosystem_of(path.name)
    assert ecosystem is not None, "others were refused"
    return ecosystem


def _candidate(path: Path, digests: Digests) -> Candidate:
    """Return an artifact that is read; raises RepositoryError where it cannot be published."""
    ecosystem, sha256 = _ecosystem(path), digests.by_algorithm["sha256"]
    beside = found_beside(path, sha256)
    reading = ecosystem.read(path)
    if ecosystem.unpacks and not reading.checked:
        _check_members(ecosystem, path, reading)
    carried = ecosystem.carried(reading.place, beside)
    artifact = PublishedArtifact(
        ecosystem=ecosystem.name,
        path=reading.place,
        version=reading.version,
        size=digests.size,
        sha256=sha256,
        date="",
        index={**reading.index, **{each: digests.by_algorithm[each] for each in ecosystem.digests}},
        carried={each: hashlib.sha256(content).hexdigest() for each, content in carried.items()},
    )
    return Candidate(file=path, package=reading.package, artifact=artifact, carried=carried)


def _check_members(ecosystem: Ecosystem, path: Path, reading: Reading) -> None:
    """Read the data of an artifact; raises RepositoryError where it is not what was said of it."""
    with damage_as_error(f"a {ecosystem.suffix}"), path.open("rb") as stream:
        found = checked_package_in(ecosystem.members(stream))
    if found.payload_id != reading.package.payload_id:
        raise RepositoryError("its files are of another package than it says; build it again")
