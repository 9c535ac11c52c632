"""What a person may type for a relpath, a version, and where packages go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nipack.cli.answers import normal_minimum, problem_of_place


class Relpath(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """An umbrella and a directory, or for some commands a directory's path as well."""

    name = "relpath"

    def __init__(self, *, or_directory: bool = False, or_library: bool = False) -> None:
        """Take whether a path that begins with a slash or a dot is meant, too, or a library."""
        self.allowed = {"or_directory": or_directory, "or_library": or_library}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the relpath, or refuse what none can be."""
        problem = problem_of_place(str(value), **self.allowed)
        if problem is not None:
            self.fail(problem, param, ctx)
        return str(value)


class MinimumVersion(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A version that others are compared with."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the version as PEP 440 spells it."""
        try:
            return normal_minimum(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Place(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A folder, which is given on as a Path, or an address where files are stored, as a string."""

    name = "directory"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | str:
        """Return the folder or the address, or refuse a file."""
        if isinstance(value, str) and "://" in value:
            return value.rstrip("/")
        folder: Path = click.Path(path_type=Path, file_okay=False).convert(value, param, ctx)
        return folder
