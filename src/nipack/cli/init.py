"""`nipack init`."""

import json
from pathlib import Path

import click

from nipack.cli.console import console, console_reporter
from nipack.cli.options import dry_run_option, json_option, offline_option


@click.command(
    short_help="Write a first package.yaml for a SOURCE.",
    epilog="""\b
Examples:
  nipack init nipy-templates-0.3.tar.gz          writes recipes/nipy-templates/package.yaml
  nipack init atlas/ --relpath mylab/atlas -o .  no config.ini needed
  nipack init https://example.org/nipy-templates-0.3.tar.gz --dry-run
  nipack init SHA256SUMS --address https://example.org/atlas-1.2/ --relpath mylab/atlas
  nipack init tpl-OASIS30ANTs --take '*_res-01_*'   a checkout of a template
  nipack init doi:10.5281/zenodo.4924875 --relpath mylab/atlas""",
)
@click.argument("source")
@click.option(
    "--out-dir",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write package.yaml to.  [default: recipes/NAME]",
)
@click.option("--relpath", help="Where code looks the data up: umbrella/directory.")
@click.option(
    "--address",
    help="The https:// address of the folder in which the files are published, one by one.",
)
@click.option(
    "--take",
    multiple=True,
    metavar="PATTERN",
    help="List only the files that match; may be given several times.",
)
@dry_run_option("Print the definition, but write nothing.")
@offline_option
@json_option
def init(
    source: str,
    out_dir: Path | None,
    relpath: str | None,
    address: str | None,
    take: tuple[str, ...],
    dry_run: bool,
    offline: bool,
    as_json: bool,
) -> None:
    """Write a package.yaml from what SOURCE says, with TODO where it is silent.

    SOURCE is a tarball, its address, a directory, with or without a config.ini, or a DOI.  What it
    says is in README.txt, PKG-INFO, setup.cfg, pyproject.toml, CITATION.cff, CHANGES,
    dataset_description.json and files with a licence.  A setup.py in it is never run.

    With --address, the definition lists the files of the directory SOURCE, with their digests and
    sizes, or names the registry SOURCE: a SHA256SUMS, or the list of pooch or git-annex.  Of a
    checkout of git-annex it has them from the keys, without any content; a template of TemplateFlow
    needs no --address.  A DOI's record, at Zenodo, figshare, OSF or a Dataverse, has all of it.
    """
    from nipack.builder.authoring.draft import draft_definition, write_draft

    with console_reporter(quiet=as_json) as reporter:
        draft = draft_definition(
            source,
            out_dir,
            reporter,
            relpath=relpath,
            address=address,
            take=take,
            offline=offline,
        )
    path = (out_dir or Path("recipes") / draft.name) / "package.yaml"
    if not dry_run:
        write_draft(draft, path.parent)
    if as_json:
        document = {"path": str(path), "definition": draft.text, "todo": draft.todos}
        click.echo(json.dumps(document, indent=2))
    elif dry_run:
        click.echo(draft.text, nl=False)
    else:
        count = len(draft.todos)
        console().print(f"{path}: written, with {count} TODO; then run nipack check {path.parent}")
