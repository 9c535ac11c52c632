"""One thing that is wrong with a definition's field."""

from dataclasses import dataclass

from nipack.builder.definition.yaml_lines import FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one field, and what to write."""

    at: FieldPath
    message: str
    remedy: str


def spelled(field_path: FieldPath) -> str:
    """Return a field's path as people write it: copyright[0].license."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in field_path]
    return "".join(parts).removeprefix(".")
