"""What conda-forge's update bot does with a recipe: regro/cf-scripts, update_recipe/version.py."""

import re
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

DIGEST = "f" * 64


def updated(file: Path, version: str) -> tuple[str, list[str]]:
    """Return a recipe in another version, and the addresses that the bot asks for it.

    Raises ValueError with the bot's own words where it gives up.
    """
    text = file.read_text("utf-8")
    return (_of_meta if file.name == "meta.yaml" else _of_recipe)(text, version)


def _of_recipe(text: str, version: str) -> tuple[str, list[str]]:
    recipe = yaml.safe_load(text)
    recipe["context"]["version"] = version  # KeyError: context
    sources = [each for each in _sources(recipe) if "url" in each]
    if not sources:
        raise ValueError("no source sections were found in the rendered recipe")
    # The first such line of the file, whatever it is of, and all that are equal.
    lines = [line for line in text.splitlines() if re.match(r"^(\s+)version:\s.*$", line)]
    indentation = lines[0][: -len(lines[0].lstrip())]
    text = text.replace(lines[0], f'{indentation}version: "{version}"')
    addresses = []
    for source in sources:
        addresses.append(_asked(source["url"].replace("${{", "{{"), recipe["context"]))
        text = text.replace(str(source["sha256"]), DIGEST)
    return text, addresses


def _of_meta(text: str, version: str) -> tuple[str, list[str]]:
    parsed = SandboxedEnvironment().parse(text)
    constants = {
        each.target.name: each.node.value
        for each in parsed.iter_child_nodes()
        if isinstance(each, nodes.Assign)
        and isinstance(each.target, nodes.Name)
        and isinstance(each.node, nodes.Const)
    }
    if "version" not in constants:
        raise ValueError("migrations do not work on versions not specified with jinja2")
    constants["version"] = version
    set_line = re.compile(r"^(\s*){%\s*set\s*version\s*=\s*(.*)%}(.*)", re.MULTILINE)
    # What is no set statement is left to YAML, in which these braces are text.
    plain = re.sub(r"^{%.*%}$", "", text, flags=re.MULTILINE).replace("{{ ", "<{ ")
    addresses = []
    for source in _sources(yaml.safe_load(plain)):
        if "url" in source:
            addresses.append(_asked(source["url"].replace("<{ ", "{{ "), constants))
            text = text.replace(str(source["sha256"]), DIGEST)
    if not addresses:
        raise ValueError("recipe did not appear to change")
    return set_line.sub(rf'\1{{% set version = "{version}" %}}\3', text), addresses


def _sources(recipe: dict[str, Any]) -> list[dict[str, Any]]:
    found = [recipe.get("source"), *(each.get("source") for each in recipe.get("outputs") or ())]
    return [
        source for each in found if each for source in (each if isinstance(each, list) else [each])
    ]


def _asked(template: str, context: dict[str, Any]) -> str:
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined)
    address = environment.from_string(template).render(**context)
    if address == template:
        raise ValueError(f"could not hash URL template '{template}'")
    return address
