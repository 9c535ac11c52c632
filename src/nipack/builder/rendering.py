"""Render the templates of recipes: they hold a format's text, and the formats compute the values.

YAML templates write a value as `{{ value | yaml }}`, a text of several lines as a block with
`{{ value | yaml_block(4) }}`; Python code gets `{{ value | string_literal }}`, a shell
`{{ value | shell }}`.  YAML that is a template of another program's, as
conda-build's is, gets `template_yaml` and `template_yaml_block`.
"""

import json
import re
import shlex
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

# What YAML 1.1 and 1.2 take for something else than text: numbers, truth values, null, dates.
_OTHER_THAN_TEXT = re.compile(r"(?i)[-+.0-9].*|0[xo].*|y|n|yes|no|on|off|true|false|null|~|nan|inf")
_PLAIN = re.compile(r"[A-Za-z0-9_/.+-]([A-Za-z0-9_/.,()+' -]*[A-Za-z0-9_/.()+'-])?")
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9_/.~%?=&+-]+")


def render(template: str, values: Mapping[str, Any]) -> str:
    """Render a template, named by folder/file, with values; a value it lacks is a bug."""
    return str(_environment().get_template(f"{template}.j2").render(values))


@cache
def _environment() -> Any:
    import jinja2  # 60 ms that no other command needs

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {
        "yaml": yaml_scalar,
        "yaml_block": yaml_block,
        "template_yaml": template_yaml_scalar,
        "template_yaml_block": template_yaml_block,
        "shell": shlex.quote,
        "string_literal": json.dumps,  # JSON's strings are Python's
    }
    return environment


def _template(name: str) -> str:
    path = resources.files("nipack.builder").joinpath("templates", *name.split("/"))
    return path.read_text("utf-8")


def yaml_scalar(value: str | int) -> str:
    """Return a value as YAML on one line, plain where that is read back as it was."""
    if isinstance(value, int):
        return str(value)
    if _PLAIN_ADDRESS.fullmatch(value):
        return value
    if _PLAIN.fullmatch(value) and not _OTHER_THAN_TEXT.fullmatch(value):
        return value
    # JSON's strings are YAML's (YAML 1.2, 1.3), but for what YAML does not print (5.1).
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]",
        lambda match: f"\\u{ord(match[0]):04x}",
        json.dumps(value, ensure_ascii=False),
    )


def yaml_block(text: str, indent: int) -> str:
    """Return a text as a literal block of YAML, whose lines are indented by so many spaces."""
    lines = text.strip("\n").split("\n")
    if not all(line.isprintable() for line in lines) or lines[0].startswith(" "):
        return yaml_scalar(text)
    margin = " " * indent
    return "\n".join(["|-", *(f"{margin}{line}" if line.strip() else "" for line in lines)])


# conda-build renders meta.yaml as a template before it reads it as YAML, and takes a line that ends
# with brackets for one with a selector.
_OF_TEMPLATES = re.compile(r"[{}#\[\]]")


def template_yaml_scalar(value: str | int) -> str:
    """Return a value as YAML on one line, in which no template engine finds anything."""
    scalar = yaml_scalar(value)
    if not _OF_TEMPLATES.search(scalar):
        return scalar
    quoted = scalar if scalar.startswith('"') else f'"{scalar}"'
    return _OF_TEMPLATES.sub(lambda match: f"\\x{ord(match[0]):02x}", quoted)


def template_yaml_block(text: str, indent: int) -> str:
    """Return a text as a literal block, or on one line where a block could not hide a template."""
    return template_yaml_scalar(text) if _OF_TEMPLATES.search(text) else yaml_block(text, indent)
