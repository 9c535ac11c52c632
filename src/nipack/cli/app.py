"""The group of all commands, and how each of them ends."""

import itertools
import json
import logging
import os
import signal
import sys
from typing import Any, NoReturn

import click

from nipack import __version__
from nipack.cli.build import build
from nipack.cli.bump import bump
from nipack.cli.check import check
from nipack.cli.completion import completion
from nipack.cli.console import print_error
from nipack.cli.diff import diff
from nipack.cli.doctor import doctor
from nipack.cli.get import get
from nipack.cli.init import init
from nipack.cli.link import env, link, unlink
from nipack.cli.list import list_command
from nipack.cli.outdated import outdated
from nipack.cli.publish import keygen, publish
from nipack.cli.recipe import recipe
from nipack.cli.repository import repository
from nipack.cli.retract import prune, retract
from nipack.cli.verify import verify
from nipack.cli.visible import folded, width_of
from nipack.cli.where import where
from nipack.data import DataError


class _Nipack(click.Group):
    """A group whose commands end with one clear message: never with a traceback."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by who needs them."""
        width = max(map(len, self.commands))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                limit = formatter.width - width - 6
                formatter.write_dl(
                    [(f"{each.name:{width}}", each.get_short_help_str(limit)) for each in commands]
                )

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; exits with 1 on what its input or the machine is the reason for."""
        as_json = "--json" in itertools.takewhile(lambda word: word != "--", ctx.args)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, BrokenPipeError):
            raise  # What click ends itself: with 0 after --help.
        except (KeyboardInterrupt, click.Abort) as error:
            _end_interrupted(error, as_json=as_json)
        except click.ClickException as error:
            if not as_json:
                _fold(error)
                raise
            _end(error.format_message(), error.exit_code, as_json=True)
        except Exception as error:
            message = _reason(error)
            if message is None and os.environ.get("NIPACK_DEBUG"):
                raise
            # EX_SOFTWARE of sysexits.h
            _end(message or _bug(error), 1 if message else 70, as_json=as_json)


def _fold(error: click.ClickException) -> None:
    """Let what click prints itself fit the terminal, which would cut words in two."""
    width = width_of(sys.stderr)
    if width is not None:
        message = folded(f"Error: {error.format_message()}", width).removeprefix("Error: ")
        error.format_message = lambda: message  # type: ignore[method-assign]


def _end(message: str, status: int, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"errors": [message]}, indent=2))
    else:
        print_error(message)
    sys.exit(status)


def _end_interrupted(error: BaseException, *, as_json: bool) -> NoReturn:
    # A question that got no answer is click's Abort, be it for Ctrl-C or for the end of the input.
    if isinstance(error, click.Abort) and isinstance(error.__context__, EOFError):
        _end("there is no terminal to ask on; nothing was done", 1, as_json=as_json)
    if sys.stderr.isatty():
        click.echo(err=True)  # The terminal has ^C on this line.
    _end("interrupted", 128 + signal.SIGINT, as_json=as_json)


def _reason(error: Exception) -> str | None:
    """Return the message of what the input or the machine is the reason for; None of a bug."""
    # Imported here: `nipack where` shall not wait for what builds.
    from nipack.system.errors import NipackError

    if isinstance(error, (NipackError, DataError)):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; check the path, its permissions and the disk"
    if isinstance(error, ModuleNotFoundError):
        # Distributions lack some of the libraries, and some commands do without them.
        from nipack.cli.plain import tool_advice

        return f"this needs {error.name}, which comes with nipack-build; {tool_advice()}"
    return None


def _bug(error: Exception) -> str:
    return (
        f"this is a bug in nipack {__version__}: {type(error).__name__}: {error}; "
        "please report it with what NIPACK_DEBUG=1 prints"
    )


@click.group(
    cls=_Nipack,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has examples: nipack COMMAND --help",
)
@click.version_option(__version__, "--version", "-V", prog_name="nipack")
@click.option("--verbose", "-v", is_flag=True, help="Print what the modules log.")
def nipack(verbose: bool) -> None:
    """Package neuroimaging data for conda, Debian, pip and others, and find what is installed.

    A data package is a directory of images and other data with a config.ini that states its
    version.  `nipack build` makes packages of it that package managers install; `nipack where`
    prints where installed data is.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(name)s: %(message)s"
    )
    # It warns of each attempt at a download, and the last one's error says it all.
    logging.getLogger("urllib3").setLevel(logging.NOTSET if verbose else logging.ERROR)


SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Use data": (where, list_command, verify, doctor, get, repository, link, unlink, env),
    "Make data": (init, check, diff, bump, build),
    "Maintain a distribution": (recipe, outdated),
    "Run a repository": (publish, retract, prune, keygen),
    "Use the command line": (completion,),
}
"""Every command, below whom it is for: a new one is added here."""

for _commands in SECTIONS.values():
    for _command in _commands:
        nipack.add_command(_command)
