"""What is made from the definition's dataclasses: its JSON Schema and the table of fields."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nipack.builder.definition import model
from nipack.builder.definition.faults import schema

SCHEMA = Path(model.__file__).with_name("package.schema.json")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "definition.md"
HEAD = "| field | required | meaning | example |\n|---|---|---|---|\n"


def fields(part: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Yield each field of the schema: its path, whether it is required, what is said of it."""
    for name, field in part["properties"].items():
        yield f"{prefix}{name}", name in part["required"], field
        if "properties" in field:
            yield from fields(field, f"{prefix}{name}.")
        if "properties" in field.get("items", {}):
            yield from fields(field["items"], f"{prefix}{name}[].")


def row(name: str, required: bool, field: dict[str, Any]) -> str:
    """Return a field's row of the table."""
    example = field.get("examples", [""])[0]
    shown = "" if isinstance(example, dict | list) or example == "" else f"`{example}`"
    return f"| `{name}` | {'yes' if required else ''} | {field['description']} | {shown} |\n"


def schema_text() -> str:
    """Return the schema as editors read it."""
    return json.dumps(schema(), indent=2) + "\n"


def page(text: str) -> str:
    """Return the page with the table as it should be."""
    before, found, rest = text.partition(HEAD)
    assert found, f"{PAGE.name} has no table of fields"
    _, blank, after = rest.partition("\n\n")
    return (
        before
        + HEAD
        + "".join(row(*field) for field in fields(schema())).rstrip("\n")
        + blank
        + after
    )


def made() -> dict[Path, str]:
    """Return the schema and the page."""
    return {SCHEMA: schema_text(), PAGE: page(PAGE.read_text("utf-8"))}
