"""Fields of a dataclass that say what a person writes: its JSON Schema, and reading it, follow."""

import datetime as dt
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")
_TYPES = {str: "string", dt.date: "string", int: "integer", bool: "boolean", dict: "object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is said of a field, besides its type and its default.

    `rules` are of JSON Schema; `each` are those of a list's items; `name` is how it is written;
    `read` makes the value of what is written.  Where `of` is given, it is written as that dataclass
    has it, and whoever reads it has to make the value.
    """

    rules: dict[str, Any]
    each: dict[str, Any]
    name: str | None
    required: bool
    read: Callable[[Any], Any] | None
    of: type | None


def told(
    description: str,
    *examples: Any,
    each: Mapping[str, Any] | None = None,
    name: str | None = None,
    required: bool = False,
    read: Callable[[Any], Any] | None = None,
    of: type | None = None,
    **rules: Any,
) -> dict[str, Told]:
    """Return the metadata of a dataclass's field, which is required too if it has no default."""
    rules = {"description": description, **rules}
    if examples:
        rules["examples"] = list(examples)
    return {
        "told": Told(
            rules=rules, each=dict(each or {}), name=name, required=required, read=read, of=of
        )
    }


def _written(kind: type) -> dict[str, tuple[Field[Any], Told, Any]]:
    """Return each field of a dataclass that a person writes, with its type, by its written name.

    Those that are required come first.
    """
    hints = get_type_hints(kind)
    found = [(each, each.metadata["told"]) for each in fields(kind) if "told" in each.metadata]
    found.sort(key=lambda entry: not _is_required(*entry))
    return {
        said.name or each.name: (each, said, _written_type(hints[each.name], said))
        for each, said in found
    }


def _written_type(hint: Any, said: Told) -> Any:
    """Return the type of what is written: a list where the value has several of what it is of."""
    if said.of is None:
        return _without_none(hint)
    several: Any = tuple
    return several[said.of, ...] if get_origin(hint) is tuple else said.of


def _is_required(each: Field[Any], said: Told) -> bool:
    return said.required or (each.default is MISSING and each.default_factory is MISSING)


def schema_of(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what a person writes for a dataclass."""
    known = _written(kind).items()
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, (each, said, _) in known if _is_required(each, said)],
        "properties": {name: _shape(hint, said) | said.rules for name, (_, said, hint) in known},
    }


def _shape(hint: Any, said: Told) -> dict[str, Any]:
    """Return a value's type, and of what it is made."""
    if "enum" in said.rules:
        return {}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _scalar(get_args(hint)[0]) | said.each}
    return _scalar(hint)


def _scalar(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if is_dataclass(hint):
        return schema_of(hint)  # type: ignore[arg-type]
    return {"type": _TYPES[get_origin(hint) or hint]}


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
    return hint


def structured(kind: type[Kind], data: Mapping[str, Any], **more: Any) -> Kind:
    """Return what a person has written as a dataclass, of which `more` are further fields.

    The schema has taken it already.
    """
    values = {
        each.name: said.read(data[name]) if said.read else _value(hint, data[name])
        for name, (each, said, hint) in _written(kind).items()
        if name in data and said.of is None
    }
    return kind(**values, **more)


def _value(hint: Any, data: Any) -> Any:
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], each) for each in data)
    if is_dataclass(hint):
        return structured(hint, data)  # type: ignore[arg-type]
    return dt.date.fromisoformat(data) if hint is dt.date else data
