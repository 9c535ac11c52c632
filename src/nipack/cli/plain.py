"""The resolver's commands by the standard library, for where only the runtime is installed.

The options are those of the tool, which has more: tables, colours, errors as JSON, `list --check`
and `--cite`, `verify --manifest`, `doctor --fix`.
"""

import argparse
import json
import os
import sys
import sysconfig
from collections.abc import Sequence
from typing import Any

import nipack
from nipack.advice.hint import is_relpath, pip_command
from nipack.data import Bomber, DataError, datasource_or_bomber
from nipack.inventory.copies import is_path
from nipack.inventory.verification import is_failure
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
        parser.error(
            f"the runtime alone has no {' '.join(unknown)}; nipack-build may: {tool_advice()}"
        )
    options = vars(known)
    command = options.pop("command")
    try:
        status: int = command(**options)
    except (DataError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def tool_advice() -> str:
    """Return how to install the tool beside this runtime: no index of packages has it yet."""
    command = pip_command("./nipack-build")
    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix == sys.base_prefix and os.path.exists(marker):  # PEP 668: pip refuses there
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
    where.add_argument("--min-version", metavar="VERSION", help="pass over data that is older")
    where.add_argument("--explain", action="store_true", help="print the whole search")
    _add(commands, "list", _list, "list the data that is installed")
    verify = _add(commands, "verify", _verify, "check installed data against its checksums")
    verify.add_argument("places", nargs="*", type=_place, metavar="RELPATH")
    verify.add_argument("--quick", action="store_true", help="look at names and sizes only")
    doctor = _add(commands, "doctor", _doctor, "say what is wrong with installed data")
    doctor.add_argument("relpaths", nargs="*", type=_relpath, metavar="RELPATH")
    doctor.add_argument("--min-version", metavar="VERSION", help="older data is not usable")
    doctor.add_argument("--full", action="store_true", help="check every byte")
    link = _add(commands, "link", _link, "let other libraries find installed data")
    link.add_argument("--copy", action="store_true", help="copy rather than link")
    unlink = _add(commands, "unlink", _unlink, "take back what link made")
    for each in (link, unlink):
        each.add_argument("--dry-run", action="store_true", help="say what would be done")
    env = _add(commands, "env", _env, "print variables for other libraries")
    env.add_argument("--shell", choices=SHELLS, default="sh", help="whose words")
    env.add_argument("--apptainer", action="store_true", help="print a container's binds")
    for each in (link, unlink, env):
        each.add_argument("libraries", nargs="*", metavar="LIBRARY")
        each.add_argument("--root", metavar="DIR", help="a directory for many users")
    return parser


def _add(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=run)
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    return parser


def _relpath(word: str) -> str:
    if not is_relpath(word):
        raise argparse.ArgumentTypeError(f"{word!r} is not umbrella/directory: nipy/templates, say")
    return word


def _place(word: str) -> str:
    return word if is_path(word) else _relpath(word)


def _print(document: object, text: str, *, as_json: bool) -> None:
    print(json.dumps(plain(document), indent=2) if as_json else text)


def _where(
    relpath: str, files: list[str], min_version: str | None, explain: bool, as_json: bool
) -> int:
    if explain:
        found = nipack.explain(relpath, min_version)
        chosen = found.chosen.path if found.chosen else None
        _print({"chosen": chosen, **plain(found)}, str(found), as_json=as_json)
        return 0 if found.chosen else 1
    source = datasource_or_bomber({"relpath": relpath, "min version": min_version})
    if isinstance(source, Bomber):
        raise DataError(source.msg)
    paths = [source.get_filename(*each.split("/"), must_exist=True) for each in files]
    document = {"relpath": relpath, "path": source.base_path, "version": source.version}
    lines = "\n".join(paths or [source.base_path])
    _print({**document, "files": paths}, lines, as_json=as_json)
    return 0


def _list(as_json: bool) -> int:
    found = nipack.list_packages()
    lines = [
        f"{each.relpath} {each.version or ''}  {each.status}  {each.owner.manager}  {each.path}"
        for each in found
    ]
    none = "no data package is installed where data is looked for"
    _print(found, "\n".join(lines) or none, as_json=as_json)
    return 0


def _verify(places: list[str], quick: bool, as_json: bool) -> int:
    found = nipack.verify(*places, quick=quick)
    lines = [
        line
        for each in found
        for line in (f"{each.path}: {each.state}", *(f"  {problem}" for problem in each.problems))
    ]
    none = "no data package is installed: nothing to check"
    _print(found, "\n".join(lines) or none, as_json=as_json)
    return 1 if is_failure(found, asked_for=bool(places)) else 0


def _doctor(relpaths: list[str], min_version: str | None, full: bool, as_json: bool) -> int:
    found = nipack.diagnose(*relpaths, min_version=min_version, full=full)
    lines = [f"{package.verdict}: {package}" for package in found.packages]
    document = {"usable": bool(found), **plain(found)}
    _print(document, "\n".join([*lines, *found.remarks()]), as_json=as_json)
    return 0 if found else 1


def _link(libraries: list[str], root: str | None, copy: bool, dry_run: bool, as_json: bool) -> int:
    from nipack.libraries import linking

    placed = linking.link(libraries, tree=root, copy=copy, dry_run=dry_run)
    return _print_placed(placed, dry_run=dry_run, as_json=as_json)


def _unlink(libraries: list[str], root: str | None, dry_run: bool, as_json: bool) -> int:
    from nipack.libraries import linking

    placed = linking.unlink(libraries, tree=root, dry_run=dry_run)
    return _print_placed(placed, dry_run=dry_run, as_json=as_json)


def _print_placed(placed: Sequence[Any], *, dry_run: bool, as_json: bool) -> int:
    from nipack.libraries import words

    lines = [*words.summary(placed, dry_run=dry_run)] or ["nothing to do"]
    _print(placed, "\n".join([*lines, *words.complaints(placed)]), as_json=as_json)
    return 1 if words.is_failure(placed) else 0


def _env(libraries: list[str], root: str | None, shell: str, apptainer: bool, as_json: bool) -> int:
    from nipack.libraries import exports

    if apptainer:
        found = exports.binds(libraries)
        _print(found, exports.bind_options(found), as_json=as_json)
    else:
        variables = exports.exports(libraries, tree=root)
        _print(variables, "\n".join(exports.export_lines(variables, shell)), as_json=as_json)
    return 0
