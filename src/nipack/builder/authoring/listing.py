"""The files that a definition lists: from a folder, a checkout of git-annex, or a registry."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nipack.builder.authoring.facts import Facts, read_facts
from nipack.builder.definition.listed import address_below
from nipack.builder.definition.model import DEFINITION_NAME
from nipack.builder.definition.registries import key_facts, read_registry
from nipack.system.errors import SourceError
from nipack.system.foreign import path_inside, read_text
from nipack.system.hashing import digest_files
from nipack.system.progress import Reporter

# Where TemplateFlow's client has each template from (templateflow/conf/__init__.py).
_REPOSITORIES = "https://raw.githubusercontent.com/templateflow"
_TEMPLATES = "https://templateflow.s3.amazonaws.com"
# An annexed file that is unlocked has its key in its place (git-annex's page "pointer file").
_POINTER = re.compile(rb"/annex/objects/([^\s/]+)\n")
_LONGEST_POINTER = 32 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a definition's source is to be: its fields, and what is known of the data.

    `folder` is the one whose name and place say a relpath, None where there is none.  `beside` has
    the files that are to lie beside the definition.
    """

    source: Mapping[str, Any]
    facts: Facts = field(default_factory=Facts)
    folder: Path | None = None
    beside: tuple[tuple[str, bytes], ...] = ()


def listing_of(
    source: str, address: str | None, take: Sequence[str], reporter: Reporter
) -> Listing | None:
    """Return the listing of a local source, None where it is to be taken as it is.

    A folder is listed where somebody says at which `address` it is published, or where git-annex
    has its files; a file is a registry then.  `take` has patterns of the paths to list, none for
    all.  Raises SourceError.
    """
    path = Path(source)
    if path.is_dir():
        annexed = is_annexed(path)
        if annexed and not address and path.resolve().name.startswith("tpl-"):
            return _of_template(path, take, reporter)
        if annexed or address or take:
            return _of_folder(path, address, take, reporter)
    elif address and path.is_file():
        return _of_registry(path, address, take)
    if address or take:
        raise SourceError(
            f"{source}: neither a folder nor a registry of this machine, whose files could be "
            "listed below --address; name one of the two"
        )
    return None


def _of_template(folder: Path, take: Sequence[str], reporter: Reporter) -> Listing:
    """List a template of TemplateFlow: what git itself has is at GitHub, by the commit."""
    name, commit = folder.resolve().name, _commit(folder)
    listing = _of_folder(folder, f"{_TEMPLATES}/{name}/", take, reporter)
    if commit is None:
        return listing
    top = f"{_REPOSITORIES}/{name}/{commit}"
    files = [
        each
        if _key_of(folder / each["path"])
        else {"path": each["path"], "address": address_below(top, each["path"])} | each
        for each in listing.source["files"]
    ]
    return replace(listing, source={**listing.source, "files": files})


def _commit(folder: Path) -> str | None:
    """Return the commit of a checkout, read as git keeps it (gitrepository-layout(5))."""
    git = folder / ".git"
    try:
        head = read_text(git / "HEAD", _LONGEST_POINTER).strip()
        name = head.removeprefix("ref: ")
        if name != head and (git / name).is_file():
            head = read_text(path_inside(git, name), _LONGEST_POINTER).strip()
        elif name != head:
            packed = read_text(git / "packed-refs").splitlines()
            head = next((each.split()[0] for each in packed if each.endswith(f" {name}")), "")
    except (OSError, UnicodeDecodeError):
        return None
    return head if re.fullmatch("[0-9a-f]{40}", head) else None


def is_annexed(folder: Path) -> bool:
    """Tell whether a folder is a checkout in which git-annex has files."""
    return (folder / ".git").exists() and any(_key_of(folder / path) for path in _paths(folder, ()))


def _of_folder(
    folder: Path, address: str | None, take: Sequence[str], reporter: Reporter
) -> Listing:
    if not address:
        raise SourceError(
            f"{folder}: nothing says where its files are published; name that with --address"
        )
    entries, hashed, problems = {}, [], []
    for path in _paths(folder, take):
        place = folder / path
        key = _key_of(place)
        known = key_facts(key) if key else None
        if known is not None:
            entries[path] = known
        elif place.is_file() and _is_content(place, folder):
            hashed.append(path)
        elif key:
            problems.append(f"{place}: its key {key} has no digest; git annex get it first")
        else:
            problems.append(f"{place}: not a file; put one there, or leave it out with --take")
    if problems:
        raise SourceError("\n".join(problems))
    advance = reporter.step("hash", sum((folder / path).stat().st_size for path in hashed))
    found = digest_files([folder / path for path in hashed], ["sha256"], advance)
    for path, digests in zip(hashed, found, strict=True):
        entries[path] = (dict(digests.by_algorithm), digests.size)
    if not entries:
        raise SourceError(f"{folder}: no files are listed; check the folder, and --take")
    listed = [_entry(path, *entries[path]) for path in sorted(entries, key=os.fsencode)]
    return Listing(
        source={"address": address, "files": listed}, facts=read_facts([folder]), folder=folder
    )


def _entry(path: str, digests: Mapping[str, str], size: int | None) -> dict[str, Any]:
    return {"path": path, **digests} | ({} if size is None else {"size": size})


def _is_content(place: Path, folder: Path) -> bool:
    """Tell whether a file is one itself, or git-annex's link to its content."""
    return not place.is_symlink() or ".git/annex/objects/" in os.readlink(place)


def _key_of(place: Path) -> str:
    """Return the key of an annexed file, as its link or the file in its place has it, or ""."""
    if place.is_symlink():
        target = os.readlink(place)
        return target.rpartition("/")[2] if ".git/annex/objects/" in target else ""
    try:
        if not place.is_file() or place.stat().st_size > _LONGEST_POINTER:
            return ""
        found = _POINTER.match(place.read_bytes())
    except OSError:
        return ""
    return os.fsdecode(found[1]) if found else ""


def _paths(folder: Path, take: Sequence[str]) -> Iterator[str]:
    """Yield the paths of the files below a folder; what is hidden is of git and its like."""
    for parent, folders, files in os.walk(folder):
        inner = Path(parent).relative_to(folder)
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted([*files, *links]):
            path = (inner / name).as_posix()
            hidden = name.startswith(".") or path == DEFINITION_NAME
            if not hidden and (not take or any(fnmatchcase(path, each) for each in take)):
                yield path


def _of_registry(path: Path, address: str, take: Sequence[str]) -> Listing:
    if take:
        raise SourceError(f"{path}: --take chooses files of a folder; take lines out of a registry")
    try:
        text = read_text(path)
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8; save it as UTF-8") from error
    faults = read_registry(text).faults
    if faults:
        listed = "\n".join(f"{path}:{line}: {reason}" for line, reason in faults)
        raise SourceError(f"{listed}\n  correct or remove these lines")
    return Listing(
        source={"address": address, "registry": path.name},
        beside=((path.name, text.encode("utf-8")),),
    )
