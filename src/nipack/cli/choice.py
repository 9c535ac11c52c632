"""An option whose values are found when they are asked for: formats, rules."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem


class NamedChoice(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """The name of one of several things, which are loaded only when one is asked for."""

    def __init__(self, name: str, load: Callable[[], Mapping[str, Any]]) -> None:
        """Take what a value is called, and what returns every value by its name."""
        self.name, self._load = name, load

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what a name stands for; a usage error names the nearest, or every name."""
        known = self._load()
        if value not in known:
            near = difflib.get_close_matches(str(value).lower(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            self.fail(f"'{value}' is not a {self.name}; {hint}", param, ctx)
        return known[value]

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so."""
        return [CompletionItem(name) for name in self._load() if name.startswith(incomplete)]

    def names(self, *, default: bool = False) -> str:
        """Return the names as a sentence has them; only of what is built by default, if asked."""
        known = self._load()
        names = [name for name, each in known.items() if not default or each.default]
        return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]


class FormatOption(click.Option):
    """--format, whose help names the formats that there are."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help."""
        assert isinstance(self.type, NamedChoice)
        default = self.type.names(default=True)
        self.help = (
            f"A format: {self.type.names()}.  Can be given more than once.  [default: {default}]"
        )
        return super().get_help_record(ctx)
