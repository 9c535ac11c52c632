"""The definition of a data package, `package.yaml`: what its files do not say themselves."""

import datetime as dt
import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.version import Version

from nipack.build.errors import DataPackageError, Problem, error_at
from nipack.build.yaml_lines import FieldPath, LinedDocument, line_of, load_yaml

DEFINITION_NAME = "package.yaml"
DIGEST_ALGORITHMS = ("sha256", "sha512", "md5")
# lintian calls what is before 1984 ancient; the times in a zip, and so in a .conda, end in 2107.
FIRST_YEAR, LAST_YEAR = 1984, 2107

# Neither UTF-8, nor a control file, nor a line of DEP-5 can carry these: controls but tab and line
# feed, the line breaks that only Unicode knows, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Redistribution = Literal["verified", "unverified", "forbidden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the data comes from: an address or an absolute path, and its digests by algorithm."""

    address: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A maintainer or an author."""

    name: str
    email: str | None = None

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Copyright:
    """A stanza of DEP-5: who holds the copyright of the files that match, under which licence."""

    files: tuple[str, ...]
    holders: tuple[str, ...]
    license: str
    years: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What to cite: a DOI, and the reference as text."""

    doi: str
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A code package that looks the data up.

    From its version `since` on it needs the data at `needs` or later; both or neither are given.
    """

    package: str
    debian: str
    since: str | None = None
    needs: str | None = None

    def refuses(self, version: str) -> bool:
        """Tell whether the consumer, from `since` on, does not take this version of the data."""
        return self.needs is not None and Version(version) < Version(self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckException:
    """A problem that is known and meant to stay, for the paths that match."""

    code: str
    reason: str
    path: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A valid definition; what it leaves out is None or empty.

    Where a source has none, name and relpath come from its folders, and `path` is None.
    """

    name: str
    relpath: str
    version: str | None = None
    date: dt.date | None = None
    revision: int = 0
    source: Source | None = None
    summary: str | None = None
    description: str | None = None
    homepage: str | None = None
    license: str | None = None
    copyright: tuple[Copyright, ...] = ()
    redistribution: Redistribution = "unverified"
    maintainer: Person | None = None
    authors: tuple[Person, ...] = ()
    citation: tuple[Citation, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    exceptions: tuple[CheckException, ...] = ()
    path: Path | None = None
    text: bytes = field(default=b"", repr=False)
    lines: dict[FieldPath, int] = field(default_factory=dict, compare=False, repr=False)

    def where(self, *fields: str | int) -> str:
        """Return the place of a field as file:line."""
        if self.path is None:
            return self.name
        return f"{self.path}:{line_of(fields, self.lines)}"


def read_definition(path: Path) -> Definition:
    """Read and check a definition; raises DataPackageError with every problem of it."""
    document = _load(path)
    problems = list(_schema_problems(path, document))
    if not problems:
        problems = list(_meaning_problems(path, document))
    if problems:
        # A value may break two rules of the schema, for which there is one message.
        problems = list(dict.fromkeys(problems))
        raise DataPackageError(sorted(problems, key=lambda p: (_line_of(p), p.message)))
    return _definition(path, document)


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of definitions."""
    text = resources.files("nipack.build").joinpath("package.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _load(path: Path) -> LinedDocument:
    text = b""
    try:
        text = path.read_bytes()
        document = load_yaml(text)
    except OSError as error:
        raise DataPackageError(
            [_problem(path, 1, "definition-unreadable", f"{error.strerror}", "make it readable")]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataPackageError(
            [_problem(path, line, "definition-unreadable", "not UTF-8", "save it as UTF-8")]
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line, reason = _place_and_reason(error, text.decode("utf-8-sig"))
        remedy = "mend the YAML there; text with ': ' or '#' in it needs quotes"
        raise DataPackageError(
            [_problem(path, line, "definition-malformed", f"not valid YAML: {reason}", remedy)]
        ) from error
    if not isinstance(document.data, dict):
        remedy = "write fields, one a line, e.g. name: nipy-templates"
        raise DataPackageError([_problem(path, 1, "definition-malformed", "no fields", remedy)])
    return document


def _place_and_reason(error: Exception, text: str) -> tuple[int, str]:
    """Return the line, from 1, and the reason of what is not YAML."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return mark.line + 1, str(getattr(error, "problem", None) or error).splitlines()[0]
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
        return line, f"the character U+{int(error.character):04X} cannot stand in it"
    return 1, "it is nested too deep" if isinstance(error, RecursionError) else str(error)


def _problem(path: Path, line: int, code: str, message: str, remedy: str) -> Problem:
    return error_at(code, f"{path}:{line}", message, remedy)


def _line_of(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])


def _schema_problems(path: Path, document: LinedDocument) -> Iterator[Problem]:
    for field_path in document.repeated:
        message = f"field '{_spelled(field_path)}' stands here a second time"
        yield _field_problem(path, document, field_path, message, "keep one of the two")
    yield from _character_problems(path, document, (), document.data)
    for error in _validator().iter_errors(document.data):
        at = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            for name in sorted(set(map(str, error.instance)) - set(error.schema["properties"])):
                yield _unknown_field(path, document, (*at, name), error.schema["properties"])
        elif error.validator in ("required", "dependentRequired"):
            yield from _missing_fields(path, document, at, error)
        else:
            yield _bad_value(path, document, at, error)


@cache
def _validator() -> Any:
    """Return a validator that takes patterns as JSON Schema means them.

    In its dialect of patterns, ECMA's, $ is the end; in Python's, also before a last line break.
    """
    import jsonschema  # 70 ms that a source without a definition does not need

    def pattern(validator: Any, wanted: str, value: Any, schema: Any) -> Iterator[Exception]:
        if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", wanted), value):
            yield jsonschema.ValidationError(f"{value!r} does not match {wanted!r}")

    base = jsonschema.Draft202012Validator
    kind = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        base, {"pattern": pattern}
    )
    return kind(schema())


def _character_problems(
    path: Path, document: LinedDocument, at: FieldPath, value: Any
) -> Iterator[Problem]:
    if isinstance(value, str):
        found = _UNPRINTABLE.search(value)
        if found:
            message = f"field '{_spelled(at)}' has the character U+{ord(found[0]):04X} in it"
            yield _field_problem(path, document, at, message, "remove it")
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from _character_problems(path, document, (*at, str(name)), below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _character_problems(path, document, (*at, index), below)


def _spelled(field_path: FieldPath) -> str:
    """Return a field's path as people write it: copyright[0].license."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in field_path]
    return "".join(parts).removeprefix(".")


def _field_problem(
    path: Path, document: LinedDocument, at: FieldPath, message: str, remedy: str
) -> Problem:
    return _problem(path, document.line(at), "definition-field", message, remedy)


def _unknown_field(
    path: Path, document: LinedDocument, at: FieldPath, known: dict[str, Any]
) -> Problem:
    near = difflib.get_close_matches(str(at[-1]), known, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return _field_problem(path, document, at, f"there is no field '{_spelled(at)}'", remedy)


def _missing_fields(
    path: Path, document: LinedDocument, at: FieldPath, error: Any
) -> Iterator[Problem]:
    if error.validator == "required":
        # jsonschema reports each missing field by itself; its name is only in the message.
        missing = [name for name in error.validator_value if f"'{name}' is a" in error.message]
    else:
        missing = sorted(
            other
            for name, others in error.validator_value.items()
            if name in error.instance
            for other in others
            if other not in error.instance and f"'{other}' is a" in error.message
        )
    for name in missing:
        below = error.schema["properties"][name]
        message = f"field '{_spelled((*at, name))}' is missing"
        yield _field_problem(path, document, at, message, _remedy(name, below))


def _bad_value(path: Path, document: LinedDocument, at: FieldPath, error: Any) -> Problem:
    written = json.dumps(error.instance, ensure_ascii=False, default=str)
    if len(written) > 60:
        written = written[:57] + "..."
    wanted = error.schema.get("description", error.message)
    if error.validator == "type":
        kinds = {"string": "text", "array": "a list", "object": "fields", "integer": "a number"}
        wanted = f"{kinds[str(error.validator_value)]}: {wanted}"
    if error.validator == "enum":
        wanted = f"one of {', '.join(error.validator_value)}: {wanted}"
    message = f"field '{_spelled(at)}' is {written}, but should be {wanted}"
    return _field_problem(path, document, at, message, _remedy(at[-1], error.schema))


def _remedy(name: str | int, field_schema: dict[str, Any]) -> str:
    if "$ref" in field_schema:
        field_schema = schema()["$defs"][field_schema["$ref"].rpartition("/")[2]]
    examples = field_schema.get("examples")
    if not examples:
        return f"write {field_schema.get('description', 'it')}"
    key = f"{name}:" if isinstance(name, str) else "-"
    return f"write e.g. {key} {json.dumps(examples[0], ensure_ascii=False)}"


def _meaning_problems(path: Path, document: LinedDocument) -> Iterator[Problem]:
    """Yield what a schema cannot say."""
    data = document.data
    yield from _date_problems(path, document)
    for at in [("license",), *(("copyright", i, "license") for i in _indices(data, "copyright"))]:
        yield from _license_problems(path, document, at)
    for i in _indices(data, "copyright"):
        yield from _text_problems(path, document, i)
    yield from _source_problems(path, document)
    if ".." in data["relpath"]:
        message = "field 'relpath' has '..' in it"
        yield _field_problem(path, document, ("relpath",), message, "write e.g. nipy/templates")


def _indices(data: dict[str, Any], name: str) -> range:
    return range(len(data.get(name, ())))


def _date_problems(path: Path, document: LinedDocument) -> Iterator[Problem]:
    written = document.data.get("date")
    if written is None:
        return
    try:
        day = dt.date.fromisoformat(written)
    except ValueError:
        message = f"field 'date' is {written}, which no calendar has"
        yield _field_problem(path, document, ("date",), message, "write e.g. date: 2023-05-01")
        return
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = f"field 'date' is {written}, not between {FIRST_YEAR} and {LAST_YEAR}"
        yield _field_problem(path, document, ("date",), message, "write the day of this release")


def _source_problems(path: Path, document: LinedDocument) -> Iterator[Problem]:
    source = document.data.get("source", {})
    scheme, found, _ = source.get("address", "").partition("://")
    if not found or scheme == "file":
        return
    if scheme != "https":
        message = f"field 'source.address' is of the kind {scheme}://, which is not fetched"
        remedy = "write an https:// or file:// address, or a path relative to the definition"
        yield _field_problem(path, document, ("source", "address"), message, remedy)
    elif not any(name in source for name in DIGEST_ALGORITHMS):
        message = "field 'source' has no digest, so a changed download would not be noticed"
        remedy = "add the sha256 that the release page states, or that sha256sum prints"
        yield _field_problem(path, document, ("source",), message, remedy)


def _license_problems(path: Path, document: LinedDocument, at: FieldPath) -> Iterator[Problem]:
    value: Any = document.data
    for part in at:
        value = value.get(part) if isinstance(value, dict) else value[part]
        if value is None:
            return
    try:
        canonicalize_license_expression(value)
    except InvalidLicenseExpression as error:
        message = f"field '{_spelled(at)}' is '{value}': {str(error).rstrip('.')}"
        remedy = "write an SPDX expression, e.g. CC-BY-4.0, or LicenseRef-NAME for any other"
        yield _field_problem(path, document, at, message, remedy)


def _text_problems(path: Path, document: LinedDocument, index: int) -> Iterator[Problem]:
    stanza = document.data["copyright"][index]
    if "text_file" not in stanza:
        return
    at: FieldPath = ("copyright", index, "text_file")
    if "text" in stanza:
        yield _field_problem(
            path, document, at, "both 'text' and 'text_file' are given", "keep one of the two"
        )
        return
    try:
        _read_text(path.parent / stanza["text_file"])
    except OSError as error:
        message = f"licence text {stanza['text_file']}: {error.strerror}"
        remedy = "put the file beside the definition"
        yield _field_problem(path, document, at, message, remedy)
    except UnicodeDecodeError:
        message = f"licence text {stanza['text_file']} is not UTF-8"
        yield _field_problem(path, document, at, message, "save it as UTF-8")


def _definition(path: Path, document: LinedDocument) -> Definition:
    data = document.data
    return Definition(
        name=data["name"],
        relpath=data["relpath"],
        version=data["version"],
        date=dt.date.fromisoformat(data["date"]) if "date" in data else None,
        revision=data.get("revision", 0),
        source=_source(path, data.get("source")),
        summary=data.get("summary"),
        description=data["description"].strip() if "description" in data else None,
        homepage=data.get("homepage"),
        license=canonicalize_license_expression(data["license"]) if "license" in data else None,
        copyright=tuple(_copyright(path, each) for each in data.get("copyright", ())),
        redistribution=data.get("redistribution", "unverified"),
        maintainer=Person(**data["maintainer"]) if "maintainer" in data else None,
        authors=tuple(Person(**each) for each in data.get("authors", ())),
        citation=tuple(Citation(**each) for each in data.get("citation", ())),
        consumers=tuple(_consumer(each) for each in data.get("consumers", ())),
        exceptions=tuple(CheckException(**each) for each in data.get("exceptions", ())),
        path=path,
        text=document.text,
        lines=document.lines,
    )


def _source(path: Path, data: dict[str, str] | None) -> Source | None:
    if data is None:
        return None
    address = data["address"]
    if "://" not in address:
        address = str((path.parent / address).absolute())
    digests = {name: data[name].lower() for name in DIGEST_ALGORITHMS if name in data}
    return Source(address=address, digests=digests)


def _copyright(path: Path, data: dict[str, Any]) -> Copyright:
    text = data.get("text")
    if "text_file" in data:
        text = _read_text(path.parent / data["text_file"])
    return Copyright(
        files=tuple(data["files"]),
        holders=tuple(data["holders"]),
        license=canonicalize_license_expression(data["license"]),
        years=data.get("years"),
        text=text.strip("\n") if text else None,
    )


def _read_text(path: Path) -> str:
    """Return a text as its readers see it: no form feeds, no carriage returns, no BOM."""
    lines = path.read_text("utf-8-sig").split("\n")
    return "\n".join(_UNPRINTABLE.sub("", line).rstrip() for line in lines)


def _consumer(data: dict[str, str]) -> Consumer:
    return Consumer(
        package=data["package"],
        # Debian Policy 5.6.1: a package's name has no underscore.
        debian=data.get("debian", f"python3-{data['package'].replace('_', '-')}"),
        since=data["version"].removeprefix(">=").strip() if "version" in data else None,
        needs=data["needs"].removeprefix(">=").strip() if "needs" in data else None,
    )


def release_time(day: dt.date) -> int:
    """Return the first second of a day, UTC, in seconds since 1970."""
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.timezone.utc).timestamp())
