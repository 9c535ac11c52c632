#!/usr/bin/env python3
"""Write what is made from the definition's dataclasses: its JSON Schema and the table of fields."""

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
    before, _, rest = text.partition(HEAD)
    _, blank, after = rest.partition("\n\n")
    return (
        before
        + HEAD
        + "".join(row(*field) for field in fields(schema())).rstrip("\n")
        + blank
        + after
    )


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), "utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
