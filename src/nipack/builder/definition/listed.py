"""What a source that names several files means: each with its address, path and digests."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from nipack.builder.definition.registries import Registry, read_registry
from nipack.builder.definition.sources import DIGEST_ALGORITHMS
from nipack.builder.definition.yaml_lines import FieldPath
from nipack.system.address import path_of
from nipack.system.foreign import path_inside, read_text

SEVERAL = ("registry", "files", "archives")
"""The fields that make a source one of several files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file that a source names: where that is written, its path, and the rest as it is written.

    `line` is that of the registry, None where the definition itself names the file.  `is_below`
    tells that the address is made of the source's own and of the path.
    """

    at: FieldPath
    path: str
    address: str
    size: int | None
    digests: Mapping[str, str]
    line: int | None = None
    is_below: bool = False


def names_several(source: Mapping[str, Any]) -> bool:
    """Tell whether a source is more than one archive or folder."""
    return any(name in source for name in SEVERAL)


def entries_of(source: Mapping[str, Any], registry: Registry | None) -> Iterator[Entry]:
    """Yield the files of a source; one without a path and an address has neither here."""
    base = source.get("address", "")
    for index, each in enumerate(source.get("files", ())):
        given = each.get("address")
        path = each.get("path") or last_name(given or "")
        yield Entry(
            at=("source", "files", index),
            path=path,
            address=given or (address_below(base, path) if base and path else ""),
            size=each.get("size"),
            digests={name: each[name].lower() for name in DIGEST_ALGORITHMS if name in each},
            is_below=given is None,
        )
    for listed in registry.files if registry else ():
        yield Entry(
            at=("source", "registry"),
            path=listed.path,
            address=listed.address or address_below(base, listed.path),
            size=listed.size,
            digests=listed.digests,
            line=listed.line,
            is_below=listed.address is None,
        )


def registry_of(source: Mapping[str, Any], folder: Path) -> Registry | None:
    """Return the registry that a source names; raises OSError or UnicodeDecodeError."""
    if "registry" not in source:
        return None
    return read_registry(read_text(path_inside(folder, source["registry"])))


def address_below(base: str, path: str) -> str:
    """Return the address of a path below a folder's; what an address may not have is escaped."""
    below = quote(path, safe="/!$&'()*+,;=:@~") if "://" in base else path
    return f"{base.rstrip('/')}/{below}"


def last_name(address: str) -> str:
    """Return the last name of an address or a path."""
    path = unquote(path_of(address)) if "://" in address else address
    return re.split(r"[/\\]", path)[-1]


def colliding(paths: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the numbers of two paths that cannot both be, the later one first, and why."""
    first: dict[str, int] = {}
    folders: dict[str, int] = {}
    for number, path in enumerate(paths):
        above = [path[: found.start()] for found in re.finditer("/", path)]
        in_file = next((first[each] for each in above if each in first), None)
        if path in first:
            yield number, first[path], f"{path} is already the path of another file"
        elif path in folders:
            yield number, folders[path], f"{path} is the folder of another file"
        elif in_file is not None:
            yield number, in_file, f"{path} is in a folder that is another file"
        first.setdefault(path, number)
        for each in above:
            folders.setdefault(each, number)
