"""`nipack check`."""

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.choice import NamedChoice
from nipack.cli.console import (
    console,
    console_reporter,
    expanded,
    print_problems,
)
from nipack.cli.diff import print_difference
from nipack.cli.options import json_option, offline_option, quiet_option, sources_argument
from nipack.system.words import counted

if TYPE_CHECKING:
    from nipack.builder.flows.check import Checked
    from nipack.builder.rules import Rule
    from nipack.system.errors import Problem


def _rules() -> "dict[str, tuple[Rule, ...]]":
    from nipack.builder.rules import RULES

    return {code: (rule,) for code, rule in RULES.items()} | {"all": tuple(RULES.values())}


@click.command(
    short_help="Report every problem in a SOURCE.",
    epilog="""\b
Examples:
  nipack check nipy-templates/templates     a directory with its config.ini
  nipack check nipy-templates-0.3.tar.gz --json
  nipack check recipes/nipy-templates --release
  nipack check recipes/nipy-templates --previous nipy-templates-0.2.tar.gz
  nipack check --explain name-collision
  nipack check --explain all

\b
It exits with 1 if there is an error; with --strict, if there is a warning too.""",
)
@sources_argument(required=False)
@click.option(
    "--explain",
    "rules",
    metavar="CODE",
    type=NamedChoice("code", _rules),
    help="Explain a problem code and exit.",
)
@click.option(
    "--release", is_flag=True, help="Apply the stricter rules for data that is redistributed."
)
@click.option(
    "--previous",
    metavar="SOURCE",
    help="The version before SOURCE: show what changed in the data since, too.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@offline_option
@json_option
@quiet_option("Print errors only, and no progress.")
def check(
    sources: tuple[str, ...],
    rules: "tuple[Rule, ...] | None",
    release: bool,
    previous: str | None,
    strict: bool,
    offline: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print every problem of each SOURCE, with its place, its remedy and its code.

    SOURCE is what nipack build takes.  Nothing is built and nothing in SOURCE is changed.  Images
    are opened where nibabel is installed.  With --previous it shows what nipack diff does, too.
    """
    if rules is not None:
        _explain(rules, as_json=as_json)
        return
    if not sources:
        raise click.UsageError("Missing argument 'SOURCE...'.")
    chosen = expanded(sources)
    if previous is not None and len(chosen) > 1:
        raise click.UsageError("--previous needs exactly one SOURCE; name one at a time.")
    checked = _checked(
        chosen, release=release, previous=previous, quiet=quiet or as_json, offline=offline
    )
    problems = [problem for each in checked for problem in each.problems]
    if as_json:
        click.echo(json.dumps(_document(problems, checked, previous), indent=2))
    else:
        _print(problems, quiet=quiet)
        if previous is not None and not quiet:
            _print_changes(checked, previous)
    if any(strict or problem.severity == "error" for problem in problems):
        sys.exit(1)


def _checked(
    sources: tuple[str, ...],
    *,
    release: bool,
    previous: str | None,
    quiet: bool,
    offline: bool,
) -> "list[Checked]":
    from nipack.builder.flows.check import check as check_source

    with console_reporter(quiet=quiet) as reporter:
        return [
            check_source(source, reporter, release=release, previous=previous, offline=offline)
            for source in sources
        ]


def _document(
    problems: "list[Problem]", checked: "list[Checked]", previous: str | None
) -> dict[str, Any]:
    from nipack.difference.versions import document

    made: dict[str, Any] = {"problems": [asdict(problem) for problem in problems]}
    if previous is not None:
        difference = checked[0].difference
        made["difference"] = None if difference is None else document(difference)
    return made


def _print_changes(checked: "list[Checked]", previous: str) -> None:
    difference = checked[0].difference
    if difference is None:
        console().print(f"\nnot compared with {previous}: fix the errors first")
        return
    console().print()
    print_difference(difference)


def _print(problems: "list[Problem]", *, quiet: bool) -> None:
    from nipack.builder.definition.spdx import KNOWS_NAMES
    from nipack.system.images import can_read_images

    print_problems([each for each in problems if each.severity == "error" or not quiet])
    count = Counter(problem.severity for problem in problems)
    if not quiet:
        found = " and ".join(
            counted(count[severity], severity)
            for severity in ("error", "warning")
            if count[severity]
        )
        unread = (
            "" if can_read_images() else "; images were not opened, as nibabel is not installed"
        )
        if not KNOWS_NAMES:
            unread += "; licences were not checked against SPDX, which needs packaging 24.2"
        console().print(f"{found or 'no problem'}{unread}")


def _explain(rules: "tuple[Rule, ...]", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(rule) for rule in rules], indent=2))
        return
    click.echo("\n\n".join(_explanation(rule) for rule in rules))


def _explanation(rule: "Rule") -> str:
    lines = [
        f"{rule.code} ({rule.severity})",
        rule.what,
        f"Why: {rule.why}",
        f"Remedy: {rule.remedy}",
        *(f"{what}:\n  {command}" for what, command in rule.commands),
    ]
    if rule.stops_release:
        lines.append("It is an error for what is passed on: nipack check --release, recipes.")
    if rule.can_except:
        lines.append("A definition can let it stay, with a reason: see exceptions.")
    return "\n".join(lines)
