"""The group of all commands, and how each of them ends."""

import logging
import os
import sys
from typing import Any

import click

from nipack import __version__
from nipack.cli.build import build
from nipack.cli.bump import bump
from nipack.cli.check import check
from nipack.cli.completion import completion
from nipack.cli.console import print_error
from nipack.cli.doctor import doctor
from nipack.cli.init import init
from nipack.cli.list import list_command
from nipack.cli.recipe import recipe
from nipack.cli.verify import verify
from nipack.cli.where import where
from nipack.data import DataError


class _Nipack(click.Group):
    """A group whose commands end with one clear message: never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; exits with 1 on what its input or the machine is the reason for."""
        # Imported here: `nipack where` shall not wait for what builds.
        from nipack.build.errors import NipackError

        try:
            return super().invoke(ctx)
        except (NipackError, DataError) as error:
            print_error(str(error))
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # What click ends itself: with 2 on wrong usage, with 0 after --help.
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            print_error(
                f"{place}{error.strerror or error}; check the path, its rights and the disk"
            )
        except Exception as error:
            if os.environ.get("NIPACK_DEBUG"):
                raise
            print_error(
                f"this is a bug in nipack {__version__}: {type(error).__name__}: {error}; "
                "please report it with what NIPACK_DEBUG=1 prints"
            )
            sys.exit(70)  # EX_SOFTWARE of sysexits.h
        sys.exit(1)


@click.group(
    cls=_Nipack,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has examples: nipack COMMAND --help",
)
@click.version_option(__version__, prog_name="nipack")
@click.option("--verbose", "-v", is_flag=True, help="Print what the modules log.")
def nipack(verbose: bool) -> None:
    """Turn neuroimaging data packages into conda and Debian packages, and find their data.

    A data package is a directory of images and other data with a config.ini that states its
    version.  `nipack build` makes packages of it that conda and apt install; `nipack where` prints
    where installed data is.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(name)s: %(message)s"
    )
    # It warns of each attempt at a download, and the last one's error says it all.
    logging.getLogger("urllib3").setLevel(logging.NOTSET if verbose else logging.ERROR)


nipack.add_command(init)
nipack.add_command(check)
nipack.add_command(bump)
nipack.add_command(build)
nipack.add_command(recipe)
nipack.add_command(where)
nipack.add_command(list_command)
nipack.add_command(verify)
nipack.add_command(doctor)
nipack.add_command(completion)
