"""The resolver's commands by the standard library, for where only the runtime is installed.

Its answers and options are those of the tool, which has colours, tables that fit the terminal, and
`doctor --fix`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import nipack
from nipack.advice.commands import pip_command, this_interpreter
from nipack.cli import answers
from nipack.cli.answers import Answer
from nipack.cli.visible import print_paths, print_text
from nipack.data import DataError
from nipack.libraries.shells import SHELLS
from nipack.lookup.records import plain

COMMANDS = ("where", "list", "verify", "doctor", "link", "unlink", "env")


def main(words: Sequence[str], missing: str = "nipack.cli.app") -> int:
    """Run a command; return its exit status.  `missing` is the module for want of which it does."""
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        why = "" if missing.startswith("nipack.") else f" (there is no {missing})"
        print(
            f"nipack: {', '.join(COMMANDS[:-1])} and {COMMANDS[-1]} work as they are; "
            f"{words[0]} needs the tool, nipack-build{why}; {tool_advice()}",
            file=sys.stderr,
        )
        return 1
    parser = _parser()
    known, unknown = parser.parse_known_args(words)
    if unknown:
        parser.error(f"the runtime has no {' '.join(unknown)}; nipack-build may: {tool_advice()}")
    options = vars(known)
    command, as_json = options.pop("command"), options.pop("as_json")
    try:
        answer: Answer = command(**options)
    except (DataError, ValueError) as error:
        answer = Answer({"errors": [str(error)]}, errors=(str(error),), failed=True)
    _show(answer, as_json=as_json)
    return 1 if answer.failed else 0


def _show(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer.document, indent=2))
        return
    for severity, messages in (("warning", answer.warnings), ("error", answer.errors)):
        for message in messages:
            print(f"{severity}: {message}", file=sys.stderr)
    print_paths(answer.paths)
    for part in answer.parts:
        if isinstance(part, answers.Table):
            print(part)
        else:
            print_text(str(part))


def tool_advice() -> str:
    """Return how to install the tool beside this runtime: no index of packages has it yet."""
    command = pip_command("./nipack-build")
    if this_interpreter().is_managed:  # PEP 668: pip refuses there
        there = "bin/python -m pip install . ./nipack-build"
        command = f"{sys.executable} -m venv ~/nipack && ~/nipack/{there}"
    return f"install it from a checkout of nipack, in its folder: {command}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nipack",
        description="Find installed data.",
        epilog=f"The tool, nipack-build, has more commands; {tool_advice()}",
    )
    version = f"nipack, version {nipack.__version__}"
    parser.add_argument("--version", "-V", action="version", version=version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    where = _add(commands, "where", _where, "print where installed data is")
    where.add_argument("relpath", type=_relpath)
    where.add_argument("files", nargs="*", metavar="FILE")
    where.add_argument("--explain", action="store_true", help="print the whole search")
    _add_minimum(where)
    listing = _add(commands, "list", answers.installed, "list the data that is installed")
    listing.add_argument("--check", action="store_true", help="check every file")
    listing.add_argument("--quick", action="store_true", help="check names and sizes only")
    listing.add_argument("--cite", action="store_true", help="print what to cite")
    verify = _add(commands, "verify", answers.verification, "check data against its checksums")
    verify.add_argument("places", nargs="*", type=_place, metavar="RELPATH")
    verify.add_argument("--quick", action="store_true", help="look at names and sizes only")
    verify.add_argument("--manifest", metavar="FILE", help="the SHA256SUMS to check against")
    verify.add_argument("--quiet", "-q", action="store_true", help="print nothing but problems")
    doctor = _add(commands, "doctor", _doctor, "say what is wrong with installed data")
    doctor.add_argument("words", nargs="*", type=_relpath_or_library, metavar="RELPATH|LIBRARY")
    doctor.add_argument("--full", action="store_true", help="check every byte")
    _add_minimum(doctor)
    link = _add(commands, "link", _link, "let other libraries find installed data")
    link.add_argument("--copy", action="store_true", help="copy rather than link")
    unlink = _add(commands, "unlink", _unlink, "undo what link did")
    for each in (link, unlink):
        each.add_argument("--dry-run", action="store_true", help="say what would be done")
    env = _add(commands, "env", _env, "print variables for other libraries")
    env.add_argument("--shell", choices=SHELLS, default="sh", help="whose words")
    env.add_argument("--apptainer", action="store_true", help="print a container's binds")
    for each in (link, unlink, env):
        each.add_argument("libraries", nargs="*", metavar="LIBRARY")
        each.add_argument("--root", metavar="DIR", help="a directory for many users")
    return parser


def _add_minimum(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--min-version", metavar="VERSION", type=_minimum, help="pass over older data"
    )


def _add(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=run)
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    return parser


def _relpath(word: str, **more: bool) -> str:
    problem = answers.problem_of_place(word, **more)
    if problem is not None:
        raise argparse.ArgumentTypeError(problem)
    return word


def _place(word: str) -> str:
    return _relpath(word, or_directory=True)


def _relpath_or_library(word: str) -> str:
    return _relpath(word, or_library=True)


def _minimum(word: str) -> str:
    try:
        return answers.normal_minimum(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _where(relpath: str, files: list[str], min_version: str | None, explain: bool) -> Answer:
    if explain and files:
        raise ValueError("--explain is for the data at RELPATH: leave out FILE")
    if explain:
        return answers.explanation(relpath, min_version)
    return answers.where(relpath, files, min_version)


def _doctor(words: list[str], min_version: str | None, full: bool) -> Answer:
    return answers.diagnosis(words, min_version, full=full)


def _link(libraries: list[str], root: str | None, copy: bool, dry_run: bool) -> Answer:
    from nipack.libraries import linking, words

    placed = linking.link(libraries, tree=root, copy=copy, dry_run=dry_run)
    return _placed(placed, dry_run=dry_run, more=tuple(words.closed(root)))


def _unlink(libraries: list[str], root: str | None, dry_run: bool) -> Answer:
    from nipack.libraries import linking

    return _placed(linking.unlink(libraries, tree=root, dry_run=dry_run), dry_run=dry_run)


def _placed(placed: Sequence[Any], *, dry_run: bool, more: tuple[str, ...] = ()) -> Answer:
    from nipack.libraries import words

    lines = [*words.summary(placed, dry_run=dry_run)] or ["nothing to do"]
    parts = (*lines, *words.complaints(placed), *more)
    return Answer(plain(placed), parts, failed=words.is_failure(placed))


def _env(libraries: list[str], root: str | None, shell: str, apptainer: bool) -> Answer:
    from nipack.libraries import exports

    if apptainer:
        found = exports.binds(libraries)
        return Answer(plain(found), (exports.bind_options(found),))
    variables = exports.exports(libraries, tree=root)
    return Answer(plain(variables), tuple(exports.export_lines(variables, shell)))
