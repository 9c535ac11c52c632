"""An option has one name and one letter in every command."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click

from nipack import cli
from nipack.cli.app import nipack as app


def commands(group: click.Group) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command)
        else:
            yield command


def test_an_option_is_the_same_in_every_command() -> None:
    letters, owners = defaultdict(set), defaultdict(set)
    for command in commands(app):
        for option in command.params:
            if isinstance(option, click.Option):
                [word] = [each for each in option.opts if each.startswith("--")]
                short = [each for each in option.opts if not each.startswith("--")]
                letters[word].add(tuple(short))
                for letter in {*short} - {"-o"}:  # a directory, but for one key its file
                    owners[letter].add(word)
    assert {"--json", "--dry-run", "--quiet"} <= letters.keys()
    for found in (letters, owners):
        assert not {name: values for name, values in found.items() if len(values) > 1}


def test_what_commands_share_is_declared_once() -> None:
    """The front without click (plain.py) has a declaration of its own, another test compares it."""
    declared = defaultdict(list)
    for path in Path(cli.__file__).parent.glob("*.py"):
        for call in re.findall(r"click\.option\([^)]*", path.read_text("utf-8")):
            for word in re.findall(r'"(--(?:json|quiet|dry-run|offline|format|key))"', call):
                declared[word].append(path.name)
    assert set(map(tuple, declared.values())) == {("options.py",)}
    assert len(declared) == 6
