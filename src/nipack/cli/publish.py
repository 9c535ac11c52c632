"""`nipack publish` and `nipack keygen`."""

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.console import console, console_reporter, print_error, print_warning
from nipack.cli.options import dry_run_option, json_option, key_option, quiet_option

if TYPE_CHECKING:
    from nipack.publish.flow import Published
    from nipack.publish.signing import Signer

_OBJECTS = 100_000


class _Publish(click.Command):
    """A command whose help names the artifacts that there is an ecosystem for."""

    _help: str | None = None

    @property
    def help(self) -> str | None:
        """Return the help; the ecosystems are loaded only when it is asked for."""
        from nipack.publish.ecosystems import ecosystems

        endings = ", ".join(each.suffix for each in ecosystems().values())
        return self._help and self._help.replace("ENDINGS", endings)

    @help.setter
    def help(self, text: str | None) -> None:
        self._help = text


@click.command(
    cls=_Publish,
    short_help="Publish packages in a repository.",
    epilog="""\b
Examples:
  nipack keygen "Ada's lab <data@lab.example>"
  nipack publish dist/* /srv/www/data --address https://data.lab.example --key lab.key
  nipack publish dist/nipy-templates-0.4* /srv/www/data --key lab.key
  nipack publish dist/* /srv/www/data --key lab.key --dry-run
  nipack publish /srv/www/data --key lab.key --refresh      sign it again
  nipack publish /srv/www/data --key lab.key --viewer installed

The passphrase of a locked key is taken from NIPACK_KEY_PASSPHRASE.""",
)
@click.argument("artifacts", metavar="ARTIFACT...", nargs=-1, type=click.Path(path_type=Path))
@click.argument("repository", metavar="REPOSITORY")
@click.option("--title", help="The title of the repository.  [default: its name]")
@click.option("--name", help="A name for files such as NAME.sources.  [default: the folder's name]")
@click.option("--address", help="The address that will serve it, e.g. https://data.lab.example")
@click.option("--suite", "suites", multiple=True, help="The suite for apt.  [default: stable]")
@key_option
@click.option(
    "--unsigned",
    is_flag=True,
    help="Make a repository without signatures, which nobody can verify.",
)
@click.option(
    "--also-trust",
    type=click.Path(path_type=Path),
    help="A certificate that users are to trust too, such as that of the next key.",
)
@click.option(
    "--valid-days",
    type=click.IntRange(0),
    help="Let apt refuse the repository if it was not refreshed for so many days; 0 ends that.",
)
@click.option("--refresh", is_flag=True, help="Sign the repository again, with today's date.")
@click.option(
    "--viewer",
    metavar="WHERE",
    help="Let the pages show volumes in 3-D, with NiiVue: 'installed' for that of the extra "
    "nipack-build[viewer], or its niivue.umd.js, or a folder that has it.  The repository keeps "
    "it; 'none' takes it away.",
)
@click.option(
    "--pictures",
    is_flag=True,
    help="Make the pictures that pages lack, as those of packages that were published without "
    "nibabel, if their data is at hand.",
)
@click.option(
    "--clock-is-right",
    is_flag=True,
    help="Publish even if the date of the last generation is in the future.",
)
@dry_run_option()
@json_option
@quiet_option("Print only what is refused.")
def publish(
    artifacts: tuple[Path, ...],
    repository: str,
    title: str | None,
    name: str | None,
    address: str | None,
    suites: tuple[str, ...],
    key: str | None,
    unsigned: bool,
    also_trust: Path | None,
    valid_days: int | None,
    refresh: bool,
    viewer: str | None,
    pictures: bool,
    clock_is_right: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Publish each ARTIFACT (ENDINGS) in the repository at REPOSITORY.

    REPOSITORY is a folder that a web server serves, a shared disk, or an s3://, gs:// or sftp://
    address.  It is made when it is not there.  Package managers install from it by name.  What was
    published never changes: other bytes under the same name and version are refused, and all other
    artifacts are published.  A .src.rpm is passed over.  Sigstore bundles beside an artifact
    (ARTIFACT.sigstore.json, ARTIFACT.publish.attestation) are carried with it.

    Any number of publishers may work at once, and one that is ended leaves a whole repository.
    """
    from nipack.publish import flow
    from nipack.publish.catalogue.viewer import viewer_at
    from nipack.publish.stores import store_at
    from nipack.system.parallel import threads

    # What is read of 10,000 packages stays until the end: to look for garbage in it each time that
    # 700 more objects are there takes an eighth of all.
    gc.set_threshold(_OBJECTS)
    signer = signer_of_key(key)
    settings = flow.Settings(
        name=name,
        title=title,
        address=address,
        suites=suites,
        valid_days=valid_days,
        also_trust=also_trust.read_text("utf-8", "replace") if also_trust else None,
        unsigned=unsigned,
        viewer=viewer_at(viewer) if viewer is not None else None,
    )
    with console_reporter(quiet=quiet or as_json) as reporter:
        done = flow.publish(
            artifacts,
            store_at(repository),
            signer,
            settings,
            dry_run=dry_run,
            refresh=refresh,
            pictures=pictures,
            clock_is_right=clock_is_right,
            processes=threads(),
            reporter=reporter,
        )
    if as_json:
        click.echo(json.dumps(_document(done), indent=2))
    else:
        _print(done, dry_run=dry_run, quiet=quiet)
    if done.refused:
        sys.exit(1)


def signer_of_key(key: str | None) -> "Signer | None":
    """Return the signer that is meant by --key."""
    import os

    from nipack.publish.signing import signer_of

    return signer_of(key, os.environ.get("NIPACK_KEY_PASSPHRASE")) if key else None


def _lines(done: "Published") -> list[tuple[str, tuple[str, ...]]]:
    """Return what a user types, for each ecosystem that has something to install."""
    from nipack.publish.ecosystems import ecosystem_of, ecosystems

    used = [ecosystem_of(path.name) for path in (*done.new, *done.known)]
    found = [
        (each.title, each.lines(done.repository, done.names[0]))
        for each in ecosystems().values()
        if done.names and each in used
    ]
    return [(title, lines) for title, lines in found if lines]


def _document(done: "Published") -> dict[str, Any]:
    return {
        "generation": done.repository.generation,
        "address": done.repository.address,
        "fingerprint": done.repository.fingerprint,
        "changed": done.changed,
        "published": [str(path) for path in done.new],
        "known": [str(path) for path in done.known],
        "passed": list(done.passed.values()),
        "errors": list(done.refused.values()),
        "lines": dict(_lines(done)),
    }


def _print(done: "Published", *, dry_run: bool, quiet: bool) -> None:
    repository, output = done.repository, console()
    for message in done.refused.values():
        print_error(message)
    if quiet:
        return
    if repository.fingerprint is None:
        print_warning(
            f"{repository.title}: is not signed: nobody can verify that what they get is yours"
        )
    verb = "would be published" if dry_run else "published"
    for path in done.new:
        output.print(f"{path}: {verb}")
    for path in done.known:
        output.print(f"{path}: is there already")
    for message in done.passed.values():
        output.print(message)
    fingerprint = done.settings.get("fingerprint", repository.fingerprint)
    by = f", signed by {fingerprint}" if fingerprint else ""
    if dry_run:
        _print_outlook(done, by)
    else:
        output.print(f"{repository.title}: generation {repository.generation}{by}")
    for title, lines in _lines(done):
        output.print(f"\n{title}:")
        for line in lines:
            output.print(f"  {line}")


# What a dry run says of each field of the repository; not every value is one that people read.
_FIELDS = {
    "title": "the title would be '{}'",
    "address": "the address would be {}",
    "valid_days": "apt would refuse it {} days after it was signed",
    "fingerprint": "the key would be {}",
    "certificate": "the certificates that users are to trust would change",
    "viewer": "the viewer of its pages would change",
}


def _print_outlook(done: "Published", by: str) -> None:
    """Print what a dry run would make of the repository itself."""
    title, generation = done.repository.title, done.repository.generation + 1
    for name, value in done.settings.items():
        no_end = name == "valid_days" and not value
        told = "apt would no longer refuse it for its age" if no_end else _FIELDS[name]
        console().print(f"{title}: {told.format(value)}")
    if done.changed:
        console().print(f"{title}: would be generation {generation}{by}")
    else:
        console().print(f"{title}: nothing would change")


@click.command(
    short_help="Make a key that signs a repository.",
    epilog="""\b
Examples:
  nipack keygen "Ada's lab <data@lab.example>"
  nipack keygen "Ada's lab <data@lab.example>" --out lab.key --years 3""",
)
@click.argument("user")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("nipack.key"),
    show_default=True,
    help="The file to write the secret key to; its certificate goes beside it, as .asc.",
)
@click.option(
    "--years",
    type=click.IntRange(1, 20),
    default=5,
    show_default=True,
    help="How many years the key is valid.",
)
@json_option
def keygen(user: str, out: Path, years: int, as_json: bool) -> None:
    """Make an OpenPGP key for USER, which is a name and an address: "Name <name@host>".

    Its secret part can be read by nobody else.  Keep a copy of it where no web server is: whoever
    has it can sign as you, and without it a repository has to ask all users for another key.
    """
    from nipack.publish.keys import make_key

    made = make_key(user, out, years=years)
    if as_json:
        document = {"key": str(out), "certificate": str(made.certificate),
                    "fingerprint": made.fingerprint}  # fmt: skip
        click.echo(json.dumps(document, indent=2))
        return
    output = console()
    output.print(f"{out}: the secret key; keep it, and show it to nobody")
    output.print(f"{made.certificate}: its certificate, for everybody")
    output.print(f"fingerprint {made.fingerprint}, good for {years} years")
