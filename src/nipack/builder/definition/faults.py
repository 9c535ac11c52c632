"""What can be wrong with the fields of a definition: all of it, each fault with its remedy."""

import datetime as dt
import difflib
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from packaging.version import Version

from nipack.builder.definition.fault import Fault, spelled
from nipack.builder.definition.fields import schema_of
from nipack.builder.definition.model import Definition
from nipack.builder.definition.source_faults import source_faults
from nipack.builder.definition.spdx import InvalidLicenseExpression, canonicalize_license_expression
from nipack.builder.definition.yaml_lines import FieldPath, LinedDocument
from nipack.system.foreign import path_inside, read_text

# lintian calls what is before 1984 ancient; the times in a zip, and so in a .conda, end in 2107.
FIRST_YEAR, LAST_YEAR = 1984, 2107

# Neither UTF-8, nor a control file, nor a line of DEP-5 can carry these: controls but tab and line
# feed, the line breaks that only Unicode knows, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def faults_of(document: LinedDocument, folder: Path | None) -> list[Fault]:
    """Return everything that is wrong with a definition that lies in `folder`.

    One that was fetched lies in none, and reads nothing of this machine.
    """
    faults = [
        *_repeated_fields(document),
        *_strange_characters((), document.data),
        *_schema_faults(document.data),
    ]
    # What the schema cannot say is asked of the fields that it takes.
    wrong = {fault.at[:1] for fault in faults}
    sound = {name: value for name, value in document.data.items() if (name,) not in wrong}
    faults += [
        *_date_faults(sound),
        *_license_faults(sound),
        *_text_faults(sound, folder),
        *source_faults(sound, folder),
        *_view_faults(sound),
        *_part_faults(sound),
    ]
    # A value may break two rules of the schema, for which there is one message.
    return list(dict.fromkeys(faults))


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of definitions, which package.schema.json has for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nipack data package definition (package.yaml)",
        "description": "What the files of a neuroimaging data package do not say themselves.",
        **schema_of(Definition),
    }


def _repeated_fields(document: LinedDocument) -> Iterator[Fault]:
    for at in document.repeated:
        message = f"field '{spelled(at)}' is given twice"
        yield Fault(at=at, message=message, remedy="keep one of the two")


def _strange_characters(at: FieldPath, value: Any) -> Iterator[Fault]:
    if isinstance(value, str):
        found = _UNPRINTABLE.search(value)
        if found:
            message = f"field '{spelled(at)}' has the character U+{ord(found[0]):04X} in it"
            yield Fault(at=at, message=message, remedy="remove it")
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from _strange_characters((*at, str(name)), below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _strange_characters((*at, index), below)


def _schema_faults(data: Any) -> Iterator[Fault]:
    for error in _validator().iter_errors(data):
        at = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            for name in sorted(set(map(str, error.instance)) - set(known)):
                yield _unknown_field((*at, name), known)
        elif error.validator in ("required", "dependentRequired"):
            yield from _missing_fields(at, error)
        else:
            yield _bad_value(at, error)


@cache
def _validator() -> Any:
    """Return a validator that takes patterns as JSON Schema means them.

    In its dialect of patterns, ECMA's, $ is the end; in Python's, also before a last line break.
    """
    jsonschema = import_jsonschema()

    def pattern(validator: Any, wanted: str, value: Any, schema: Any) -> Iterator[Exception]:
        if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", wanted), value):
            yield jsonschema.ValidationError(f"{value!r} does not match {wanted!r}")

    base = jsonschema.Draft202012Validator
    kind = jsonschema.validators.extend(base, {"pattern": pattern})
    return kind(schema())


def import_jsonschema() -> Any:
    """Import jsonschema, which a source without a definition does not need, without `format: iri`.

    Where rfc3987_syntax is installed, as beside Jupyter, that import compiles its grammar, for one
    to three seconds of processor time, and no schema here has a format.
    """
    grammar = "rfc3987_syntax"
    if grammar in sys.modules:
        import jsonschema

        return jsonschema
    sys.modules[grammar] = None  # type: ignore[assignment]  # an import of it is an ImportError
    try:
        import jsonschema
    finally:
        del sys.modules[grammar]
    return jsonschema


def _unknown_field(at: FieldPath, known: dict[str, Any]) -> Fault:
    near = difflib.get_close_matches(str(at[-1]), known, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return Fault(at=at, message=f"unknown field '{spelled(at)}'", remedy=remedy)


def _missing_fields(at: FieldPath, error: Any) -> Iterator[Fault]:
    # jsonschema reports each missing field by itself, and its name in the message alone.
    named = re.match(r"'(\w+)' is a (required property|dependency of)", error.message)
    assert named is not None, error.message
    message = f"field '{spelled((*at, named[1]))}' is missing"
    remedy = _remedy(named[1], error.schema["properties"][named[1]])
    yield Fault(at=at, message=message, remedy=remedy)


def _bad_value(at: FieldPath, error: Any) -> Fault:
    written = json.dumps(error.instance, ensure_ascii=False, default=str)[:2000]
    written = re.sub(r"://.*@", "://", written)  # a password is not for anybody's log
    if len(written) > 60:
        written = written[:57] + "..."
    wanted = error.schema.get("description", error.message)
    if error.validator == "type":
        kinds = {
            "string": "text",
            "array": "a list",
            "object": "fields",
            "integer": "a number",
            "boolean": "true or false",
        }
        wanted = f"{kinds[str(error.validator_value)]}: {wanted}"
    if error.validator == "enum":
        wanted = f"one of {', '.join(error.validator_value)}: {wanted}"
    message = f"field '{spelled(at)}' is {written}, but should be {wanted}"
    return Fault(at=at, message=message, remedy=_remedy(at[-1], error.schema))


def _remedy(name: str | int, field_schema: dict[str, Any]) -> str:
    examples = field_schema.get("examples")
    if not examples:
        return f"write {field_schema.get('description', 'it')}"
    key = f"{name}:" if isinstance(name, str) else "-"
    return f"write e.g. {key} {json.dumps(examples[0], ensure_ascii=False)}"


def _date_faults(data: dict[str, Any]) -> Iterator[Fault]:
    if "date" in data:
        yield from _day_faults(("date",), data["date"])
    for index, part in enumerate(data.get("parts", ())):
        if "date" in part:
            yield from _day_faults(("parts", index, "date"), part["date"])


def _day_faults(at: FieldPath, written: str) -> Iterator[Fault]:
    try:
        day = dt.date.fromisoformat(written)
    except ValueError:
        message = f"field '{spelled(at)}' is {written}, which is not a date"
        yield Fault(at=at, message=message, remedy="write e.g. date: 2023-05-01")
        return
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = f"field '{spelled(at)}' is {day}, not between {FIRST_YEAR} and {LAST_YEAR}"
        yield Fault(at=at, message=message, remedy="write the day of this release")


def _license_faults(data: dict[str, Any]) -> Iterator[Fault]:
    licenses: list[tuple[FieldPath, str]] = [
        (("copyright", index, "license"), stanza["license"])
        for index, stanza in enumerate(data.get("copyright", ()))
    ]
    if "license" in data:
        licenses.append((("license",), data["license"]))
    for at, expression in licenses:
        try:
            canonicalize_license_expression(expression)
        except InvalidLicenseExpression as error:
            message = f"field '{spelled(at)}' is '{expression}': {str(error).rstrip('.')}"
            remedy = "write an SPDX expression, e.g. CC-BY-4.0, or LicenseRef-NAME for any other"
            yield Fault(at=at, message=message, remedy=remedy)


def _text_faults(data: dict[str, Any], folder: Path | None) -> Iterator[Fault]:
    for index, stanza in enumerate(data.get("copyright", ())):
        if "text_file" not in stanza:
            continue
        at: FieldPath = ("copyright", index, "text_file")
        if "text" in stanza:
            message = "both 'text' and 'text_file' are given"
            yield Fault(at=at, message=message, remedy="keep one of the two")
        else:
            yield from _text_file_faults(at, folder, stanza["text_file"])


def _text_file_faults(at: FieldPath, folder: Path | None, name: str) -> Iterator[Fault]:
    if folder is None:
        message = f"licence text {name}: a definition from an address has no files beside it"
        yield Fault(at=at, message=message, remedy="write the text as 'text'")
        return
    try:
        read_license_text(folder, name)
    except OSError as error:
        message = f"licence text {name}: {error.strerror}"
        yield Fault(at=at, message=message, remedy="put the file next to the definition")
    except UnicodeDecodeError:
        yield Fault(at=at, message=f"licence text {name} is not UTF-8", remedy="save it as UTF-8")


def read_license_text(folder: Path, name: str) -> str:
    """Return a text as its readers see it: no form feeds, no carriage returns, no BOM."""
    lines = re.split(r"\r?\n|\r", read_text(path_inside(folder, name)))
    return "\n".join(_UNPRINTABLE.sub("", line).rstrip() for line in lines)


def _view_faults(data: dict[str, Any]) -> Iterator[Fault]:
    for index, view in enumerate(data.get("views", ())):
        at: FieldPath = ("views", index)
        is_pooch = view["library"] == "pooch"
        if is_pooch and "project" not in view:
            message = f"field '{spelled((*at, 'project'))}' is missing: pooch has no cache itself"
            yield Fault(at=at, message=message, remedy="write e.g. project: brainpack")
        for name in ("project", "variable"):
            if not is_pooch and name in view:
                message = f"field '{spelled((*at, name))}' is for pooch, not for {view['library']}"
                yield Fault(at=(*at, name), message=message, remedy="remove it")
        for name in ("files", "rename"):
            if view.get("whole") and name in view:
                message = f"field '{spelled((*at, name))}' has no effect where the view is whole"
                yield Fault(at=(*at, name), message=message, remedy="keep one of the two")


def _part_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Yield what the parts of a definition cannot be: twice of a name, or in a circle."""
    parts = data.get("parts", ())
    names = [part["name"] for part in parts]
    versions = {part["name"]: part.get("version", data.get("version")) for part in parts}
    givers = {part["name"]: [each["part"] for each in part.get("replaces", ())] for part in parts}
    for index, part in enumerate(parts):
        at: FieldPath = ("parts", index)
        if part["name"] in names[:index]:
            message = f"field '{spelled((*at, 'name'))}' is {part['name']}, as another part's is"
            yield Fault(at=(*at, "name"), message=message, remedy="give one of them another name")
        whole = f"{data.get('name', '')}-{part['name']}"
        if len(whole) > _MOST_OF_A_NAME:
            message = f"the package {whole} has a name of {len(whole)} characters"
            remedy = f"choose a name with which it has at most {_MOST_OF_A_NAME}"
            yield Fault(at=(*at, "name"), message=message, remedy=remedy)
        for number, each in enumerate(part.get("replaces", ())):
            place = (*at, "replaces", number, "part")
            yield from _replaced_faults(place, part["name"], each, versions, givers)


# As that of a whole (`Definition.name`).
_MOST_OF_A_NAME = 100


def _replaced_faults(
    at: FieldPath,
    name: str,
    replaced: dict[str, str],
    versions: dict[str, str],
    givers: dict[str, list[str]],
) -> Iterator[Fault]:
    """Yield what is wrong with a part whose files another is said to have taken."""
    giver, before = replaced["part"], replaced["before"]
    if giver == name or giver not in versions:
        others = ", ".join(each for each in versions if each != name)
        message = f"field '{spelled(at)}' is {giver}, which is not another part"
        remedy = f"the others are {others}" if others else "remove it: there is no other"
        yield Fault(at=at, message=message, remedy=remedy)
        return
    if versions[giver] and Version(versions[giver]) < Version(before):
        message = f"part {giver} has version {versions[giver]}, and so the files still"
        remedy = f"raise its version to {before}, or lower this 'before'"
        yield Fault(at=at, message=message, remedy=remedy)
    if _leads_to(name, giver, givers):
        # pip updates one package after the other, and whoever is last removes what the other has.
        message = f"files go from {giver} to {name}, and from {name} to {giver}"
        remedy = "let files go one way only, or to a part with a new name"
        yield Fault(at=at, message=message, remedy=remedy)


def _leads_to(wanted: str, start: str, givers: dict[str, list[str]]) -> bool:
    """Tell whether one part has taken files from another, or from one that has."""
    seen, waiting = {start}, [start]
    while waiting:
        for each in givers.get(waiting.pop(), ()):
            if each == wanted:
                return True
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    return False
