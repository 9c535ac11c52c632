"""Every command of docs/how-to.md does what stands there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.conftest import REPOSITORY
from tests.publish.serving import made_key, serving

PAGE = (REPOSITORY / "docs" / "how-to.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ADDRESS = "https://data.lab.example"
DEFINITION = """\
name: mylab-atlas
relpath: mylab/atlas
summary: Atlas of phantoms
description: Boxes in boxes, for trying things.
license: CC0-1.0
copyright: [{files: ['*'], holders: [Ada Lovelace], license: CC0-1.0, text_file: LICENSE}]
redistribution: verified
homepage: https://example.org/atlas
version: '0.1'
date: 2024-02-29
maintainer: {name: Ada Lovelace, email: ada@example.org}
citation: [{text: Lovelace A (2024). Atlas of phantoms., doi: 10.5281/zenodo.1}]
source: {address: ../../mylab/atlas}
"""
EXPECTED = {
    "nipack repository add https": "signed by ",
    "nipack where mylab/atlas T1.nii.gz": "/mylab/atlas/T1.nii.gz\n",
    "nipack where mylab/atlas": "mylab/atlas",
    "sha256sum ": "SHA256SUMS",
    "nipack verify /mnt/disk/data": "intact to the byte",
    "&& echo sound": "sound\n",
    "nipack verify mylab/atlas ||": "labels.txt: changed",
    "nipack list --cite": "Lovelace A (2024)",
    "nipack check recipes/mylab-atlas": "no problem",
    "nipack build ": ".whl",
    "--since": "mylab_atlas_labels-0.4-py3-none-any.whl",
    "~/env/bin/pip install --upgrade": "Requirement already satisfied: mylab-atlas-images==0.3",
    "--against": "intact to the byte",
    "nipack recipe ": "changelog",
}
Run = Callable[[str], str]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return what runs a command at Ada's, where the repository and her folders are."""
    top = tmp_path_factory.mktemp("how-to")
    atlas = top / "mylab" / "atlas"
    atlas.mkdir(parents=True)
    phantom = REPOSITORY / "recipes" / "nipy-examplepkg" / "examplepkg" / "phantom" / "T1.nii.gz"
    shutil.copy(phantom, atlas / "T1.nii.gz")
    (atlas / "labels.txt").write_text("1 skull\n", "utf-8")
    (atlas / "config.ini").write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    (top / "home").mkdir()
    (top / "recipes" / "mylab-atlas").mkdir(parents=True)
    definition = top / "recipes" / "mylab-atlas" / "package.yaml"
    definition.write_text(DEFINITION, "utf-8")
    (definition.parent / "LICENSE").write_text("Do as you please.\n", "utf-8")
    for folder in ("bin", "old", "mnt/disk", "mnt/shared", "srv/www"):
        (top / folder).mkdir(parents=True)
    program = top / "bin" / "nipack"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nipack "$@"\n', "utf-8")
    program.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY / "src"),
        "HOME": str(top / "home"),
        "PIP_NO_INDEX": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    environment.pop("NIPY_DATA_PATH", None)

    def run(command: str) -> str:
        for place in ("/srv/", "/mnt/"):
            command = re.sub(rf"(?<![\w/]){place}|(?<=file://){place}", f"{top}{place}", command)
        done = subprocess.run(
            ["sh", "-c", command.replace(ADDRESS, address)],
            cwd=top, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        expected = 1 if "|| nipack doctor" in command else 0
        assert done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"
        if exported := re.fullmatch(r"export (\w+)=(.*)", command):
            environment[exported[1]] = exported[2]
        return done.stdout

    with serving(top / "srv/www/data") as address:
        made_key(top / "lab.key")
        run("nipack build recipes/mylab-atlas -f wheel -f conda -o first")
        run("nipack build recipes/mylab-atlas -f sdist -o old")
        run(f"nipack publish first/* /srv/www/data --address {ADDRESS} --key lab.key")
        yield run


def commands() -> Iterator[str]:
    for language, text in BLOCKS:
        if language == "console":
            yield from re.findall(r"(?m)^\$ (.*)$", text)


@pytest.mark.slow(60)
@pytest.mark.tools("rsync")
def test_every_command_does_what_the_page_says(desk: Run) -> None:
    waiting = dict(EXPECTED)
    for command in commands():
        # The cluster does not know the repository that it is a copy of.
        if command == "nipack repository add /mnt/disk/data":
            desk("nipack repository remove data")
        if command.startswith("nipack init "):
            desk("mv recipes/mylab-atlas kept")
        said = desk(command)
        if command.startswith("nipack init "):
            # What is TODO in the definition is done in an editor.
            desk("cp kept/LICENSE recipes/mylab-atlas")
            desk("sed 's/^version: .*/version: \"0.2\"/' kept/package.yaml > finished.yaml")
            desk("mv finished.yaml recipes/mylab-atlas/package.yaml")
        for part, answer in EXPECTED.items():
            if command.startswith(part) or (part[0] in "&-" and part in command):
                assert answer in said, f"{command}\n{said}"
                waiting.pop(part, None)
    assert not waiting
    for command in in_other_files():
        desk(command)
    for words in in_other_languages():
        assert desk(shlex.join(words)).endswith("/mylab/atlas/T1.nii.gz\n")


def in_other_files() -> list[str]:
    """Return the commands of the recipes for containers and for CI; pip is an environment's."""
    text = dict(BLOCKS)
    lines = [
        *re.findall(r"(?m)^RUN (.*)$", text["dockerfile"]),
        *(each.strip() for each in text["text"].partition("%post\n")[2].splitlines()),
        *(step["run"] for step in yaml.safe_load(text["yaml"])["steps"]),
    ]
    assert len(lines) == 4
    return [re.sub(r"^pip ", "~/env/bin/pip ", line) for line in lines]


def in_other_languages() -> list[list[str]]:
    """Return the words that R and MATLAB give to the shell."""
    text = dict(BLOCKS)
    [(program, words)] = re.findall(r'system2\("(\w+)", c\((.*?)\)', text["r"])
    [command] = re.findall(r"system\('(.*?)'\)", text["matlab"])
    return [[program, *re.findall(r'"(.*?)"', words)], shlex.split(command)]


def test_the_library_finds_what_is_installed_and_downloads_only_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    names: dict[str, object] = {"download": lambda name, because: asked.append((name, because))}
    exec(dict(BLOCKS)["python"], names)
    atlas_file = names["atlas_file"]
    assert callable(atlas_file)
    monkeypatch.setenv("NIPY_DATA_PATH", str(tmp_path))
    atlas_file("T1.nii.gz")
    assert [name for name, _ in asked] == ["T1.nii.gz"]
    data = tmp_path / "mylab" / "atlas"
    data.mkdir(parents=True)
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    (data / "T1.nii.gz").write_bytes(b"x")
    assert str(atlas_file("T1.nii.gz")) == str(data / "T1.nii.gz")
    assert len(asked) == 1


def test_every_block_is_run_and_every_wish_has_its_section() -> None:
    known = {"console", "dockerfile", "text", "r", "matlab", "yaml", "python"}
    assert {language for language, _ in BLOCKS} == known
    doors = re.findall(r"(?m)^## (.*)$", PAGE)
    assert [door.split()[0] for door in doors] == ["Use", "Make", "Maintain", "Write"]
    assert len(re.findall(r"(?m)^### ", PAGE)) >= 12
