"""What can be wrong with a definition's source, of one file or of several."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nipack.builder.definition.fault import Fault, spelled
from nipack.builder.definition.listed import (
    SEVERAL,
    Entry,
    colliding,
    entries_of,
    names_several,
    registry_of,
)
from nipack.builder.definition.registries import Registry
from nipack.builder.definition.sources import DIGEST_ALGORITHMS
from nipack.builder.definition.yaml_lines import FieldPath
from nipack.system.address import has_login
from nipack.system.foreign import why_unplaceable

_DIGEST_REMEDY = "add the sha256 that the release page states, or that sha256sum prints"
_PATH_REMEDY = "write a path below the data directory, e.g. path: atlas/labels.nii.gz"


def source_faults(data: dict[str, Any], folder: Path | None) -> Iterator[Fault]:
    """Yield what is wrong with the source of a definition, of which the schema has taken the form.

    It lies in `folder`, or was fetched and lies in none.
    """
    source = data.get("source")
    if source is None:
        return
    if "address" in source:
        yield from _address_faults(("source",), source["address"], folder)
    if names_several(source):
        yield from _combination_faults(source)
        yield from _listed_faults(source, folder)
        yield from _archive_faults(source, folder)
    elif "address" in source:
        yield from _digest_faults(("source",), source["address"], source)
    elif "doi" in source:
        message = "field 'source.doi' alone does not name the files, and a record may change"
        remedy = f"run nipack init doi:{source['doi']}, which lists them with their digests"
        yield Fault(at=("source", "doi"), message=message, remedy=remedy)
    else:
        remedy = "write e.g. address: https://example.org/nipy-templates-0.3.tar.gz, or list files"
        yield Fault(at=("source",), message="field 'source.address' is missing", remedy=remedy)


def _address_faults(
    at: FieldPath, address: str, folder: Path | None, named: str = ""
) -> Iterator[Fault]:
    """Yield what is wrong with an address, or with the name of a file of this machine."""
    at = at if named else (*at, "address")
    named = named or f"field '{spelled(at)}'"
    scheme, found, _ = address.partition("://")
    if has_login(address):
        message = f"{named} has a name or a password before the host"
        remedy = "write it without, since every package has this file; a .netrc file may hold both"
        yield Fault(at=at, message=message, remedy=remedy)
    if found and scheme not in ("https", "file"):
        message = f"{named} is of the kind {scheme}://, which is not fetched"
        remedy = "write an https:// or file:// address, or a path relative to the definition"
        yield Fault(at=at, message=message, remedy=remedy)
    if folder is None and scheme == "file" and found:
        message = f"{named} names a file, and the definition is from an address"
        remedy = "write an https:// address, or a path relative to the definition's address"
        yield Fault(at=at, message=message, remedy=remedy)


def _digest_faults(at: FieldPath, address: str, written: Any) -> Iterator[Fault]:
    if address.startswith("https://") and not any(name in written for name in DIGEST_ALGORITHMS):
        message = f"field '{spelled(at)}' has no digest, so a changed download would not be noticed"
        yield Fault(at=at, message=message, remedy=_DIGEST_REMEDY)


def _combination_faults(source: dict[str, Any]) -> Iterator[Fault]:
    """Yield which fields say nothing, or not enough, beside the others."""
    several = [name for name in SEVERAL if name in source]
    for name in (*DIGEST_ALGORITHMS, "size"):
        if name in source:
            message = f"field 'source.{name}' is of one file, but there are several"
            yield Fault(at=("source", name), message=message, remedy="write it for each of them")
    if "registry" in source and "address" not in source:
        message = "field 'source.address' is missing: the registry has only paths"
        remedy = "write the folder they are in, e.g. address: https://example.org/atlas-1.2/"
        yield Fault(at=("source", "registry"), message=message, remedy=remedy)
    if "registry" in source and "files" in source:
        message = "both 'registry' and 'files' are given"
        yield Fault(at=("source", "files"), message=message, remedy="keep one of the two")
    if several == ["archives"] and "address" in source:
        message = "field 'source.address' has no effect: each archive has an address of its own"
        yield Fault(at=("source", "address"), message=message, remedy="make it one of the archives")


def _listed_faults(source: dict[str, Any], folder: Path | None) -> Iterator[Fault]:
    registry: Registry | None = None
    if "registry" in source:
        at, name = ("source", "registry"), source["registry"]
        try:
            registry = registry_of(source, folder) if folder is not None else None
        except OSError as error:
            message = f"registry {name}: {error.strerror}"
            yield Fault(at=at, message=message, remedy="put the file next to the definition")
        except UnicodeDecodeError:
            yield Fault(at=at, message=f"registry {name} is not UTF-8", remedy="save it as UTF-8")
        if folder is None:
            message = f"registry {name}: a definition from an address has no files beside it"
            yield Fault(at=at, message=message, remedy="list the files as 'files'")
        for line, reason in registry.faults if registry else ():
            message = f"{name}:{line}: {reason}"
            yield Fault(at=at, message=message, remedy="correct or remove the line")
    entries = list(entries_of(source, registry))
    for entry in entries:
        yield from _entry_faults(entry, source, folder)
    for late, early, reason in colliding(entry.path for entry in entries):
        if entries[late].path:
            message = f"{_named(entries[late], source)}: {reason}, {_named(entries[early], source)}"
            remedy = "give it another path, or remove one of the two"
            yield Fault(at=entries[late].at, message=message, remedy=remedy)


def _named(entry: Entry, source: dict[str, Any]) -> str:
    """Return how a message calls a file: by the field, or by the line of the registry."""
    if entry.line is not None:
        return f"{source['registry']}:{entry.line}"
    return f"field '{spelled(entry.at)}'"


def _entry_faults(entry: Entry, source: dict[str, Any], folder: Path | None) -> Iterator[Fault]:
    named = _named(entry, source)
    if not entry.address:
        if "registry" in source or not entry.path:
            missing = "neither a path nor an address" if not entry.path else "no address"
        else:
            missing = "no address, and the source has none"
        remedy = "write e.g. address: https://example.org/labels.nii.gz"
        yield Fault(at=entry.at, message=f"{named} has {missing}", remedy=remedy)
        return
    if not entry.path:
        message = f"{named} has no path, and its address does not end in a name"
        yield Fault(at=entry.at, message=message, remedy=_PATH_REMEDY)
    elif reason := why_unplaceable(entry.path):
        message = f"{named}: the path {entry.path!r} {reason}"
        yield Fault(at=entry.at, message=message, remedy=_PATH_REMEDY)
    if not entry.is_below:
        own = f"{named}: its address" if entry.line is not None else ""
        yield from _address_faults(entry.at, entry.address, folder, own)
    yield from _digest_faults(entry.at, entry.address, entry.digests)


def _archive_faults(source: dict[str, Any], folder: Path | None) -> Iterator[Fault]:
    for index, archive in enumerate(source.get("archives", ())):
        at: FieldPath = ("source", "archives", index)
        yield from _address_faults(at, archive["address"], folder)
        yield from _digest_faults(at, archive["address"], archive)
        into = archive.get("into", "").rstrip("/")
        reason = why_unplaceable(into) if into not in ("", ".") else ""
        if reason:
            message = f"field '{spelled((*at, 'into'))}': the path {into!r} {reason}"
            remedy = "write a folder below the data directory, e.g. into: atlas"
            yield Fault(at=(*at, "into"), message=message, remedy=remedy)
