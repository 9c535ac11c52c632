"""Reading a definition, `package.yaml`, with every problem of it told at once."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import yaml

from nipack.builder.definition.faults import faults_of, read_license_text
from nipack.builder.definition.fields import structured
from nipack.builder.definition.listed import entries_of, names_several, registry_of
from nipack.builder.definition.model import Copyright, Definition
from nipack.builder.definition.sources import (
    DIGEST_ALGORITHMS,
    Source,
    SourceArchive,
    SourceFile,
    Sources,
)
from nipack.builder.definition.yaml_lines import FieldPath, LinedDocument, load_yaml
from nipack.builder.rules import problem_at
from nipack.libraries.views import View
from nipack.system.address import public_address
from nipack.system.errors import DataPackageError, Problem
from nipack.system.foreign import read_regular


def read_definition(path: Path, address: str | None = None) -> Definition:
    """Read and check a definition; raises DataPackageError with every problem of it.

    With an `address`, `path` is a copy of what was fetched from there.
    """
    place = public_address(address) if address else str(path)
    document = _load(path, place)
    _take_as_meant(document.data)
    faults = faults_of(document, None if address else path.parent)
    places = [(document.line(fault.at), fault) for fault in faults]
    if places:
        raise DataPackageError(
            [
                _problem(place, line, "definition-field", fault.message, fault.remedy)
                for line, fault in sorted(places, key=lambda each: (each[0], each[1].message))
            ]
        )
    return _definition(path, address, document)


def _take_as_meant(data: dict[str, Any]) -> None:
    """Give what everybody understands the form of the schema: a year, the address of a DOI."""
    for stanza in _items(data, "copyright"):
        if type(stanza.get("years")) is int:
            stanza["years"] = str(stanza["years"])
    source = data.get("source")
    for work in (*_items(data, "citation"), *([source] if isinstance(source, dict) else [])):
        if isinstance(work.get("doi"), str):
            work["doi"] = re.sub(r"(?i)^(https?://(dx\.)?doi\.org/|doi:\s*)", "", work["doi"])


def _items(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = data.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _load(path: Path, place: str) -> LinedDocument:
    text = b""
    try:
        text = read_regular(path)
        document = load_yaml(text)
    except OSError as error:
        raise DataPackageError(
            [_problem(place, 1, "definition-unreadable", f"{error.strerror}", "make it readable")]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataPackageError(
            [_problem(place, line, "definition-unreadable", "not UTF-8", "save it as UTF-8")]
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line, reason = _place_and_reason(error, text.decode("utf-8-sig"))
        remedy = "fix the YAML there; text with ': ' or '#' in it needs quotes"
        raise DataPackageError(
            [_problem(place, line, "definition-malformed", f"not valid YAML: {reason}", remedy)]
        ) from error
    if not isinstance(document.data, dict):
        remedy = "write fields, one a line, e.g. name: nipy-templates"
        raise DataPackageError([_problem(place, 1, "definition-malformed", "no fields", remedy)])
    return document


def _place_and_reason(error: Exception, text: str) -> tuple[int, str]:
    """Return the line, from 1, and the reason of what is not YAML."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return mark.line + 1, str(getattr(error, "problem", None) or error).splitlines()[0]
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
        return line, f"the character U+{int(error.character):04X} is not allowed in it"
    return 1, "it is nested too deep" if isinstance(error, RecursionError) else str(error)


def _problem(place: str, line: int, code: str, message: str, remedy: str) -> Problem:
    return problem_at(code, f"{place}:{line}", message, remedy)


def _definition(path: Path, fetched: str | None, document: LinedDocument) -> Definition:
    data = document.data
    source = data.get("source")
    read = structured(
        Definition,
        data,
        source=source and _source(source, _Origin(path, fetched, document)),
        views=tuple(View.read(each, data["relpath"]) for each in data.get("views", ())),
        path=path,
        place=public_address(fetched) if fetched else None,
        text=document.text,
        lines=document.lines,
    )
    return replace(
        read,
        copyright=tuple(_with_text(each, path.parent) for each in read.copyright),
    )


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a definition is from, to which what is no address is relative."""

    path: Path
    fetched: str | None
    document: LinedDocument

    def located(self, address: str) -> str:
        """Return an address, or the absolute path of a file of this machine."""
        if "://" in address:
            return address
        if self.fetched:
            return urljoin(self.fetched, quote(re.sub("^/+", "/", address)))
        return str((self.path.parent / address).absolute())

    def place(self, at: FieldPath) -> str:
        """Return the place of a field as file:line."""
        shown = public_address(self.fetched) if self.fetched else self.path
        return f"{shown}:{self.document.line(at)}"


def _source(written: dict[str, Any], origin: _Origin) -> Source | Sources:
    """Return a source with the places of all that it names."""
    if not names_several(written):
        return _one_source(written, ("source",), origin)
    registry = registry_of(written, origin.path.parent)
    folder = origin.path.parent
    files = [
        SourceFile(
            path=entry.path,
            source=Source(
                address=origin.located(entry.address),
                size=entry.size,
                place=f"{folder / written['registry']}:{entry.line}"
                if entry.line is not None
                else origin.place(entry.at),
                **entry.digests,
            ),
        )
        for entry in entries_of(written, registry)
    ]
    archives = [
        SourceArchive(
            source=_one_source(each, ("source", "archives", index), origin),
            into="" if each.get("into") in (None, ".", "./") else each["into"].rstrip("/"),
            strip=each.get("strip", 0),
            take=tuple(each.get("take", ())),
        )
        for index, each in enumerate(written.get("archives", ()))
    ]
    return Sources(files=tuple(files), archives=tuple(archives))


def _one_source(written: dict[str, Any], at: FieldPath, origin: _Origin) -> Source:
    return Source(
        address=origin.located(written["address"]),
        size=written.get("size"),
        place=origin.place((*at, "address")),
        **{name: written[name].lower() for name in DIGEST_ALGORITHMS if name in written},
    )


def _with_text(stanza: Copyright, folder: Path) -> Copyright:
    if stanza.text_file is None:
        return stanza
    return replace(stanza, text=read_license_text(folder, stanza.text_file).strip("\n"))
