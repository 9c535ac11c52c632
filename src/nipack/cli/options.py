"""The options that commands share, each declared once: one name, one letter, one meaning."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from nipack.cli.choice import FormatOption, NamedChoice
from nipack.cli.parameters import Place

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Command], Command]

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

offline_option = click.option(
    "--offline",
    is_flag=True,
    envvar="NIPACK_OFFLINE",
    help="Fetch nothing: take downloads from the cache.  [env var: NIPACK_OFFLINE]",
)

key_option = click.option(
    "--key",
    metavar="KEY",
    envvar="NIPACK_KEY",
    help="An OpenPGP secret key's file, or a key of your gpg.  [env var: NIPACK_KEY]",
)


def quiet_option(meaning: str = "Print no warnings and no progress.") -> Option[Any]:
    """Return --quiet, with what it leaves out."""
    return click.option("--quiet", "-q", is_flag=True, help=meaning)


def dry_run_option(
    meaning: str = "Show what would change, without changing anything.",
) -> Option[Any]:
    """Return --dry-run, with what is done all the same."""
    return click.option("--dry-run", "-n", is_flag=True, help=meaning)


def sources_argument(*, required: bool = True) -> Option[Any]:
    """Return the argument SOURCE..."""
    return click.argument("sources", metavar="SOURCE...", nargs=-1, required=required)


def format_option(formats: Callable[[], Mapping[str, Any]]) -> Option[Any]:
    """Return --format, whose values are loaded only when one is asked for."""
    return click.option(
        "--format",
        "-f",
        "chosen",
        cls=FormatOption,
        type=NamedChoice("format", formats),
        multiple=True,
    )


def place_option(*words: str, default: str, meaning: str) -> Option[Any]:
    """Return an option whose value is a folder, as a Path, or an address, as a string."""
    return click.option(*words, type=Place(), default=default, show_default=True, help=meaning)


def folder_option(*words: str, default: str, meaning: str) -> Option[Any]:
    """Return an option whose value is a folder, made where it is not there."""
    return click.option(
        *words,
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(default),
        show_default=True,
        help=meaning,
    )
