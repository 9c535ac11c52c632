"""What is wrong with the parts of a definition: each file has to be in one of them."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nipack.builder.definition.model import Definition
from nipack.builder.parts import parts_with
from nipack.builder.rules import problem_at
from nipack.layout import CONFIG_NAME
from nipack.system.errors import Problem


def part_problems(
    definition: Definition, directory: Path, paths: Sequence[str]
) -> Iterator[Problem]:
    """Yield every file that is in no part or in two, and every part that cannot stand alone."""
    if not definition.parts:
        return
    found: dict[str, str] = {}
    for path in paths:
        where = f"{definition.relpath}/{path}"
        names = [part.name for part in parts_with(definition, path)]
        if names:
            found[path] = names[0]
        elif path != CONFIG_NAME:
            remedy = "add a pattern for it to the files of one"
            yield problem_at("file-in-no-part", where, "it is in none of the parts", remedy)
        if len(names) > 1:
            message = f"it is in the parts {' and '.join(names)}"
            remedy = "change their patterns, so that one part has it"
            yield problem_at("file-in-two-parts", where, message, remedy)
    yield from _empty(definition, set(found.values()))
    yield from _links(definition, directory, found)


def _empty(definition: Definition, used: set[str]) -> Iterator[Problem]:
    for index, part in enumerate(definition.parts):
        if part.name not in used:
            message = f"no file belongs to the part {part.name}"
            remedy = "write its patterns as the paths are below the data directory, or remove it"
            where = definition.where("parts", index)
            yield problem_at("part-empty", where, message, remedy)


def _links(definition: Definition, directory: Path, found: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the links to what another part has, without which they would lead nowhere."""
    for path, part in found.items():
        link = directory / path
        if not link.is_symlink():
            continue
        target = link.readlink().as_posix()
        end = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        others = {
            other
            for each, other in found.items()
            if other != part and (each == end or each.startswith(f"{end}/"))
        }
        for other in sorted(others):
            message = f"it is a link of the part {part} to what is in the part {other}"
            remedy = "put both into one part"
            where = f"{definition.relpath}/{path}"
            yield problem_at("link-between-parts", where, message, remedy)
