"""What the documents say is so."""

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from scripts import definition_page

from nipack.builder.definition.faults import schema
from nipack.builder.formats import formats
from nipack.cli.app import nipack
from nipack.libraries.table import LIBRARIES

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    path for pattern in ("*.md", "docs/**/*.md") for path in sorted(REPOSITORY.glob(pattern))
]


def test_what_becomes_of_every_field_in_every_format_is_documented() -> None:
    text = (REPOSITORY / "docs" / "definition.md").read_text("utf-8")
    section = text.partition("## What becomes of it")[2].partition("\n## ")[0]
    head, _, *rows = [line.strip("|").split("|") for line in section.splitlines() if "|" in line]
    first, *columns = [each.strip().removeprefix("in the ").lstrip(".") for each in head]
    assert first == "field"
    assert set(columns) == formats().keys()
    assert {len(row) for row in rows} == {len(head)}
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert told | {"exceptions"} == {
        name for name, _, _ in definition_page.fields(schema()) if "." not in name
    }


def test_every_library_is_in_the_table() -> None:
    text = (REPOSITORY / "docs" / "other-libraries.md").read_text("utf-8")
    table = text.partition("| library | its directory |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert [name for row in rows for name in re.findall(r"`([\w-]+)`", row)] == list(LIBRARIES)


def test_the_examples_in_the_documentation_are_valid(tmp_path: Path) -> None:
    from nipack.builder.definition.reading import read_definition

    text = (REPOSITORY / "docs" / "definition.md").read_text("utf-8")
    example, *sources, parts = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "LICENSE").write_text("Do as you please.\n", "utf-8")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  T1w.nii.gz\n", "utf-8")
    head = "name: mylab-atlas\nrelpath: mylab/atlas\nversion: '1.2'\n"
    assert len(sources) == 2
    (tmp_path / "parts.yaml").write_text(parts, "utf-8")
    assert read_definition(tmp_path / "parts.yaml").parts[0].name == "1mm"
    for each in (example, *(head + source for source in sources)):
        (tmp_path / "package.yaml").write_text(each, "utf-8")
        assert read_definition(tmp_path / "package.yaml").relpath == "mylab/atlas"


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix()
)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8"))
    for target in targets:
        if "://" not in target:
            assert (document.parent / target).exists(), target


def commands(document: Path) -> Iterator[list[str]]:
    """Yield the words of every nipack command in a document's blocks of code."""
    for line in document.read_text("utf-8").splitlines():
        match = re.match(r"(?: {4})?(?:\$ )?((?:[A-Z_]+=\S+ )?nipack .*)", line)
        if match and re.match(r" {4}|\$ ", line):
            words = shlex.split(match[1], comments=True)
            yield [word for word in words if not re.match(r"[A-Z_]+=", word)][1:]


def parse(words: list[str]) -> None:
    """Parse a command's words as the command line does; raises click.UsageError."""
    command = nipack.get_command(click.Context(nipack), words[0])
    assert command is not None, f"there is no command {words[0]}"
    # The shell's own: what comes after is another command's.
    words = list(itertools.takewhile(lambda word: word not in ("||", "&&", "|"), words))
    command.make_context(words[0], words[1:], parent=click.Context(nipack))


def test_documented_commands_and_options_exist() -> None:
    documented = [words for document in DOCUMENTS for words in commands(document)]
    assert ["where", "nipy/templates", "ICBM152/2mm/T1.nii.gz"] in documented
    for words in documented:
        parse(words)


def test_the_examples_of_each_help_exist() -> None:
    for name, command in nipack.commands.items():
        examples = re.findall(r"^ +nipack (.*)", command.epilog or "", re.MULTILINE)
        assert examples, f"nipack {name} has no examples"
        for example in examples:
            words = shlex.split(re.split(r"  | >", example)[0].replace("...", ""))
            parse(words)


def test_no_help_shows_the_marks_of_its_layout() -> None:
    for name in nipack.commands:
        assert "\b" not in CliRunner().invoke(nipack, [name, "--help"]).output, name


def test_the_changelog_names_this_version() -> None:
    from nipack import __version__

    text = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert f"\n## {__version__}" in text
    metadata = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    assert f"\nversion = {json.dumps(__version__)}\n" in metadata
