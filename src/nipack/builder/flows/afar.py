"""Packages that are stored where an address leads: in a bucket, or on another machine's disk."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from nipack.builder.flows.build import Artifact, build
from nipack.builder.flows.standing import forget_record
from nipack.builder.formats import Format
from nipack.builder.sbom import bill_beside
from nipack.publish.errors import ExistsError
from nipack.publish.stores import Store, store_at
from nipack.system.address import public_address
from nipack.system.errors import ArtifactError
from nipack.system.hashing import digest_file
from nipack.system.leftovers import workspace
from nipack.system.progress import Reporter

log = logging.getLogger(__name__)


def place_at(address: str) -> Store:
    """Return where packages are stored; raises RepositoryError where nothing can be, with why."""
    store = store_at(address)
    store.probe()
    return store


def build_at(
    source: str,
    formats: Sequence[Format],
    address: str,
    reporter: Reporter,
    *,
    offline: bool = False,
    force: bool = False,
    revision: int | None = None,
    sbom: bool = False,
    since: Path | None = None,
) -> Iterator[Artifact]:
    """Build as `build` does in a folder of this machine, and store each artifact that is proven.

    A name is given once: of two builds at the same time one stores it, and the other finds it
    there.  The same bytes are kept; others are an error, unless `force` replaces them.  Raises what
    `build` raises, and RepositoryError where the address does not take a file.
    """
    store = store_at(address)
    with workspace() as folder:
        for artifact in build(
            source, formats, folder, reporter,
            offline=offline, force=force, revision=revision, sbom=sbom, since=since,
        ):  # fmt: skip
            if artifact.stood:
                yield artifact
                continue
            forget_record(artifact.path)
            bill = bill_beside(artifact.path)
            _make_way(store, artifact, force=force)
            for path in (artifact.path, *([bill] if sbom else ())):
                _store(store, path, reporter)
                path.unlink()
            stored = f"{public_address(store.address)}/{artifact.path.name}"
            yield replace(artifact, address=stored)


def _make_way(store: Store, artifact: Artifact, *, force: bool) -> None:
    """Delete other packages of the version and revision with `force`, and else refuse them."""
    name = artifact.path.name
    there = [each for each in store.files("") if fnmatchcase(each, artifact.edition)]
    if not force:
        _refuse(store, [each for each in there if each != name])
        return
    for each in there:
        store.delete(each)
        store.delete(bill_beside(Path(each)).as_posix())


def _store(store: Store, path: Path, reporter: Reporter) -> None:
    size = path.stat().st_size
    try:
        store.create_from(path.name, path, reporter.step(f"store {path.name}", size))
    except ExistsError:
        if store.digest(path.name) != (size, digest_file(path, ["sha256"]).by_algorithm["sha256"]):
            _refuse(store, [path.name])
        log.info("%s: is there already, to the byte", path.name)


def _refuse(store: Store, names: Iterable[str]) -> None:
    listed = "\n".join(f"  {each}" for each in names)
    if listed:
        raise ArtifactError(
            f"{public_address(store.address)}: has this version and revision with other bytes:\n"
            f"{listed}\n  raise the version with nipack bump, or give this a --revision of its "
            "own; --force replaces what is there"
        )
