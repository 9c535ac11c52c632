"""`nipack retract` and `nipack prune`."""

import json

import click

from nipack.cli.console import console
from nipack.cli.options import dry_run_option, json_option, key_option
from nipack.cli.publish import signer_of_key
from nipack.system.words import counted


@click.command(
    short_help="Hide a published version, and say why.",
    epilog="""\b
Examples:
  nipack retract nipy-templates 0.3 /srv/www/data --why "the affine is wrong" --key lab.key
  nipack retract nipy-templates 0.3 /srv/www/data --undo --key lab.key""",
)
@click.argument("name")
@click.argument("version")
@click.argument("repository", metavar="REPOSITORY")
@click.option("--why", help="The reason, which is shown to users.")
@click.option("--undo", is_flag=True, help="Show it again.")
@key_option
@json_option
def retract(
    name: str,
    version: str,
    repository: str,
    why: str | None,
    undo: bool,
    key: str | None,
    as_json: bool,
) -> None:
    """Hide VERSION of the package NAME from everything that chooses a version.

    conda's solver and apt do not see it any more; pip and uv install it where it is asked for to
    the digit, and show the reason.  Its files stay where they are: a lock that names one works.
    """
    from nipack.publish.retraction import retract as retract_version
    from nipack.publish.stores import store_at

    if undo == bool(why and why.strip()):
        raise click.UsageError("give the reason with --why, or use --undo")
    signer = signer_of_key(key)
    record = retract_version(store_at(repository), signer, (name, version), why=why or "")
    if as_json:
        document = {"name": name, "version": version, "retracted": None if undo else why,
                    "generation": record.generation}  # fmt: skip
        click.echo(json.dumps(document, indent=2))
    else:
        now = "is shown again" if undo else "is retracted"
        console().print(f"{name} {version}: {now}; {record.title}: generation {record.generation}")


@click.command(
    short_help="Delete old versions from a repository.",
    epilog="""\b
Examples:
  nipack prune /srv/www/data --keep 3 --key lab.key
  nipack prune /srv/www/data --keep 3 --key lab.key --dry-run""",
)
@click.argument("repository", metavar="REPOSITORY")
@click.option(
    "--keep",
    type=click.IntRange(1),
    required=True,
    help="How many versions of each package, and how many generations, to keep.",
)
@dry_run_option("Show what would be deleted, without deleting anything.")
@key_option
@json_option
def prune(repository: str, keep: int, dry_run: bool, key: str | None, as_json: bool) -> None:
    """Delete all but the last versions of each package, and what only old generations need.

    The indexes forget a package before its files go.  What the last generations name by its digest
    stays; so does a file that no generation names, for a day: a publisher may be about to.
    """
    from nipack.publish.retraction import prune as prune_repository
    from nipack.publish.stores import store_at

    done = prune_repository(store_at(repository), signer_of_key(key), keep=keep, dry_run=dry_run)
    if as_json:
        document = {"packages": [list(each) for each in done.packages], "files": list(done.files),
                    "generation": done.repository.generation}  # fmt: skip
        click.echo(json.dumps(document, indent=2))
        return
    verb = "would be dropped" if dry_run else "dropped"
    for name, version in done.packages:
        console().print(f"{name} {version}: {verb}")
    files = "deleted"
    if dry_run:
        files = "would be deleted" + (
            ", and what the indexes then need no more" * bool(done.packages)
        )
    console().print(f"{done.repository.title}: {counted(len(done.files), 'file')} {files}")
