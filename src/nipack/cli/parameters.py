"""What a person may type for a relpath and for a version."""

from __future__ import annotations

import os
from typing import Any

import click

from nipack.advice.hint import is_relpath
from nipack.advice.nearest import alternatives, nearest_relpaths
from nipack.inventory.copies import installed_relpaths, is_path
from nipack.lookup.version import check_minimum, normal


class Relpath(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """An umbrella and a directory, or for some commands a directory's path as well."""

    name = "relpath"

    def __init__(self, *, or_directory: bool = False) -> None:
        """Take whether a path that begins with a slash or a dot is meant, too."""
        self.or_directory = or_directory

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the relpath, or refuse what none can be."""
        text = str(value)
        if not is_relpath(text) and not (self.or_directory and is_path(text)):
            self.fail(f"'{text}'{self._problem(text)}", param, ctx)
        return text

    def _problem(self, text: str) -> str:
        if self.or_directory and os.path.isdir(text):
            return f" is a directory here; write {os.path.join('.', text)}"
        near = nearest_relpaths(text, installed_relpaths())
        example = f"did you mean {alternatives(near)}?" if near else "e.g. nipy/templates"
        return f": a relpath is umbrella/directory, {example}"


class MinimumVersion(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A version that others are compared with."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the version as PEP 440 spells it."""
        try:
            check_minimum(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return normal(value)
