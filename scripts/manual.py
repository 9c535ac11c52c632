#!/usr/bin/env python3
"""Print nipack's manual page, from what its commands say with --help."""

import sys

import click

from nipack import __version__
from nipack.cli.app import nipack


def manual() -> str:
    """Return the page in man(7)'s macros."""
    lines = [
        f'.TH NIPACK 1 "" "nipack {__version__}" "User Commands"',
        ".SH NAME",
        r"nipack \- build packages of neuroimaging data, and find their data",
        ".SH SYNOPSIS",
        r".B nipack",
        r".I COMMAND \fR[\fIOPTION\fR]...",
        ".SH DESCRIPTION",
        *_paragraphs(nipack.help or ""),
        ".SH COMMANDS",
    ]
    context = click.Context(nipack, info_name="nipack")
    for name in nipack.list_commands(context):
        command = nipack.get_command(context, name)
        assert command is not None, "it is in the list"
        lines += _command(name, command, context)
    return "\n".join([*lines, ".SH EXIT STATUS", "0 on success, 1 where the input or the machine is"
                      " the reason for a failure, 2 for a wrong option.", ""])  # fmt: skip


def _command(name: str, command: click.Command, parent: click.Context) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS nipack {name} {_escaped(usage)}", *_paragraphs(command.help or "")]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            lines += [".TP", f".B {_escaped(record[0])}", _escaped(record[1])]
    if command.epilog:
        text = command.epilog.replace("\b", "").strip("\n")
        lines += [".PP", ".nf", *map(_escaped, text.splitlines()), ".fi"]
    return lines


def _paragraphs(text: str) -> list[str]:
    parts = [" ".join(part.split()) for part in text.replace("\b", "").split("\n\n")]
    return [line for part in parts if part for line in (".PP", _escaped(part))]


def _escaped(text: str) -> str:
    """Return a line that troff prints as it is."""
    plain = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    sys.stdout.write(manual())
