"""The packages that a data package becomes: itself, or its parts and what pulls them in."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from nipack.builder.definition.model import Definition, Part, release_time
from nipack.builder.package import DataPackage, Earlier
from nipack.layout import CONFIG_NAME


def parts_with(definition: Definition, path: str) -> list[Part]:
    """Return the parts of a definition that name a path of the payload: one, where it is sound."""
    return [
        part
        for part in definition.parts
        if any(fnmatchcase(path, pattern) for pattern in part.files)
    ]


def part_name(definition: Definition, part: str) -> str:
    """Return the name of a part's package."""
    return f"{definition.name}-{part}"


def packages_of(package: DataPackage) -> tuple[DataPackage, ...]:
    """Return the packages that a data package becomes, the whole of several parts last.

    Its files are known to be each in one part.  The config.ini, which changes with every version,
    is in the part that names it, or else in the smallest.
    """
    definition = package.definition
    if not definition.parts:
        return (package,)
    of_path = {path: _part_of(definition, path) for path in package.paths}
    home = of_path.get(CONFIG_NAME) or _smallest(package, of_path)
    of_path[CONFIG_NAME] = home
    parts = [_part(package, part, of_path, home) for part in definition.parts]
    whole = replace(package, files=(), links=(), pulls=tuple(parts))
    return (*parts, whole)


def _part_of(definition: Definition, path: str) -> Part | None:
    return next(iter(parts_with(definition, path)), None)


def _smallest(package: DataPackage, of_path: Mapping[str, Part | None]) -> Part:
    sizes = {part.name: 0 for part in package.definition.parts}
    for file in package.files:
        part = of_path[file.path]
        if part is not None:
            sizes[part.name] += file.size
    # min() takes the first of several.
    return min(package.definition.parts, key=lambda part: sizes[part.name])


def _part(
    package: DataPackage, part: Part, of_path: Mapping[str, Part | None], home: Part
) -> DataPackage:
    """Return a part, of which nothing is made of the other parts, nor of the whole's version."""
    definition = package.definition
    has_time = part.date is not None and "SOURCE_DATE_EPOCH" not in os.environ
    return replace(
        package,
        definition=_definition(package, part, has_config=part is home),
        version=part.version or package.version,
        files=tuple(each for each in package.files if of_path[each.path] is part),
        links=tuple(each for each in package.links if of_path[each.path] is part),
        time=release_time(part.date) if has_time and part.date else package.time,
        # The release is that of the whole, and is told of there.
        archive=None,
        source=None,
        parts=(),
        part_of=definition.name,
        needs=None if part is home else part_name(definition, home.name),
        replaces=tuple(_earlier(definition, part)),
    )


def _earlier(definition: Definition, part: Part) -> Iterable[Earlier]:
    for each in part.replaces:
        yield Earlier(name=part_name(definition, each.part), before=each.before)


def _definition(package: DataPackage, part: Part, *, has_config: bool) -> Definition:
    whole = package.definition
    told = f"This is the part {part.name} of it; the package {whole.name} has all of them."
    first = whole.description or f"Data package {whole.relpath} for neuroimaging software."
    return replace(
        whole,
        name=part_name(whole, part.name),
        version=part.version or package.version,
        date=part.date or whole.date,
        revision=part.revision,
        summary=part.summary or _summary(whole, part.name),
        description=f"{first}\n\n{told}",
        source=None,
        # Which versions go together is for the whole to say.
        consumers=(),
        views=whole.views if has_config else (),
        exceptions=(),
        parts=(),
        text=b"",
        lines={},
    )


_MOST_OF_A_SUMMARY = 79


def _summary(whole: Definition, name: str) -> str:
    summary = f"{whole.summary or f'neuroimaging data {whole.relpath}'}: {name}"
    if len(summary) <= _MOST_OF_A_SUMMARY:
        return summary
    return f"part {name} of {whole.name}"[:_MOST_OF_A_SUMMARY]
