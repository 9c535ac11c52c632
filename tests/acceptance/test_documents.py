"""The documents for users and library authors: each of their commands, with what it prints."""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, Build, run

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = ("users.md", "library-authors.md")


@dataclass(frozen=True)
class Home:
    """Ada's home, with a conda environment in `env` and nipack in it."""

    directory: Path

    def environment(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("LANG", "LC_ALL", "TMPDIR") if key in os.environ}
        path = f"{self.directory / 'env/bin'}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "HOME": str(self.directory), "PYTHONUTF8": "1"}

    def said(self, text: str) -> list[str]:
        """Return lines as the document has them: at Ada's, and without the tables' padding."""
        text = text.replace(str(self.directory), "/home/ada")
        return [re.sub(r"(?<=\S) {2,}", "  ", line.rstrip()) for line in text.splitlines()]

    def run_shell(self, commands: list[str]) -> list[str]:
        """Run commands in one shell; return what each prints, errors among it."""
        script = "".join(f"{{ {command}\n}} 2>&1; printf '\\001'\n" for command in commands)
        done = subprocess.run(
            ["sh", "-c", script],
            env=self.environment(), cwd=self.directory, text=True, stdout=subprocess.PIPE,
        )  # fmt: skip
        return done.stdout.split("\x01")[:-1]

    def run_python(self, blocks: list[str]) -> list[str]:
        """Run blocks in one Python; return what each prints."""
        code = "".join(f"{block}\nprint(end='\\x01', flush=True)\n" for block in blocks)
        python = self.directory / "env" / "bin" / "python"
        said = run(python, "-W", "ignore", "-c", code, env=self.environment(), cwd=self.directory)
        return said.split("\x01")[:-1]


@pytest.fixture
def home(tmp_path: Path, build: Build) -> Home:
    directory = tmp_path / "home"
    environment = directory / "env"
    venv.create(environment, with_pip=False, symlinks=True)
    [packages] = environment.glob("lib/python*/site-packages")
    ours = Path(str(metadata.distribution("nibabel").locate_file("")))
    (packages / "seen.pth").write_text(f"{ours}\n{REPOSITORY / 'src'}\n", "utf-8")
    command = environment / "bin" / "nipack"
    command.write_text(f'#!/bin/sh\nexec "{environment}/bin/python" -m nipack "$@"\n', "utf-8")
    command.chmod(0o755)
    channel = tmp_path / "channel"
    (channel / "noarch").mkdir(parents=True)
    build(REPOSITORY / "recipes/nipy-examplepkg", "-f", "conda", out=channel / "noarch")
    script = REPOSITORY / "scripts/conda_install.py"
    run(sys.executable, script, channel, environment, "nipy-examplepkg")
    return Home(directory)


def blocks(document: str) -> list[tuple[str, str]]:
    """Return the language and the text of each block of code."""
    return BLOCK.findall((REPOSITORY / "docs" / document).read_text("utf-8"))


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block, and what the document says it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_command_prints_what_the_document_says(home: Home, document: str) -> None:
    texts = [text for language, text in blocks(document) if language == "console"]
    documented = [command for text in texts for command in commands(text)]
    assert documented
    found = home.run_shell([command for command, _ in documented])
    for (command, output), printed in zip(documented, found, strict=True):
        assert home.said(printed) == home.said(output), command


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_piece_of_code_prints_what_the_document_says(home: Home, document: str) -> None:
    # A document's commands come before its code where it has both, as users.md does.
    if document == "users.md":
        texts = [text for language, text in blocks(document) if language == "console"]
        home.run_shell([command for text in texts for command, _ in commands(text)])
    parts = blocks(document)
    code = [text for language, text in parts if language == "python"]
    following = [
        output if language == "text" else ""
        for (kind, _), (language, output) in zip(parts, [*parts[1:], ("", "")], strict=True)
        if kind == "python"
    ]
    for printed, output in zip(home.run_python(code), following, strict=True):
        assert home.said(printed) == home.said(output)


@pytest.mark.slow(0.1)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run_or_is_what_one_prints(document: str) -> None:
    languages = [language for language, _ in blocks(document)]
    assert set(languages) <= {"console", "python", "text"}
    for number, language in enumerate(languages):
        if language == "text":
            assert languages[number - 1] == "python"
