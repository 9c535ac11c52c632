"""Every command of docs/data-authors.md does what stands there."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

GUIDE = REPOSITORY / "docs" / "data-authors.md"
BLOCKS = re.findall(r"```console\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
CITATION = """\
cff-version: 1.2.0
title: Atlas of phantoms
authors: [{given-names: Ada, family-names: Lovelace, email: ada@example.org}]
date-released: 2024-02-29
"""
FINISHED = """\
homepage: https://example.org/atlas
maintainer: {name: Ada Lovelace, email: ada@example.org, github: ada}
"""
# Where the reader works in an editor between two commands.
FINISH = "nipack check recipes/mylab-atlas --release"
EXPECTED = {
    "ls mylab/atlas": "T1.nii.gz",
    "nipack check mylab/atlas": "2 warnings",
    "nipack check --explain gzip-damaged": "Remedy: ",
    FINISH: "no problem",
    "nipack bump minor recipes/mylab-atlas --dry-run": "version 0.1 would become 0.2",
    "nipack bump minor recipes/mylab-atlas": "version 0.1 is now 0.2",
    "nipack check recipes/mylab-atlas": "no problem",
    "cat try/share/nipy/mylab/atlas/config.ini": "version = 0.1",
    "nipack diff dist/mylab-atlas-0.1.tar.gz recipes/mylab-atlas": "The data is the same",
    "nipack build recipes -f sdist -f wheel": "mylab_atlas-0.2-py3-none-any.whl",
}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Where the reader begins: a directory of data, and an old release."""
    atlas = tmp_path / "mylab" / "atlas"
    atlas.mkdir(parents=True)
    phantom = REPOSITORY / "recipes" / "nipy-examplepkg" / "examplepkg" / "phantom" / "T1.nii.gz"
    shutil.copy(phantom, atlas / "T1.nii.gz")
    shutil.copy(REPOSITORY / "LICENSE", atlas / "LICENSE")
    (atlas / "CITATION.cff").write_text(CITATION, "utf-8")
    (atlas / "labels.txt").write_text("1 skull\n", "utf-8")
    (atlas / "README.txt").write_text("Atlas of phantoms\n\nFor trying things.\n", "utf-8")
    config = tmp_path / "old" / "old-data-0.1" / "data" / "config.ini"
    config.parent.mkdir(parents=True)
    config.write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    with tarfile.open(tmp_path / "old-data-0.1.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "old", ".")
    shutil.rmtree(tmp_path / "old")
    (tmp_path / "bin").mkdir()
    for name, words in (("nipack", "-m nipack"), ("python", "")):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n', "utf-8")
        program.chmod(0o755)
    return tmp_path


@pytest.mark.slow
def test_every_command_of_the_guide(desk: Path) -> None:
    path = f"{desk / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(REPOSITORY / "src")}
    definition = desk / "recipes" / "mylab-atlas" / "package.yaml"
    commands = [line[2:] for block in BLOCKS for line in block.splitlines() if line[:2] == "$ "]
    assert EXPECTED.keys() <= set(commands)
    for command in commands:
        if command == FINISH:
            finish(definition)
        done = subprocess.run(
            command, shell=True, cwd=desk, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert EXPECTED.get(command, "") in done.stdout, command
    built = {
        re.sub("-h[0-9a-f]{7}_", "-hPAYLOAD_", path.name) for path in (desk / "dist").iterdir()
    }
    assert built == {
        *("mylab-atlas-0.1.tar.gz", "mylab_atlas-0.1-py3-none-any.whl"),
        *(
            "mylab-atlas-0.1-hPAYLOAD_0.conda",
            "mylab-atlas_0.1-1_all.deb",
            "mylab-atlas-0.2.tar.gz",
            "old-data-0.1.tar.gz",
        ),
        "mylab_atlas-0.2-py3-none-any.whl",
    }


def finish(definition: Path) -> None:
    """Do what is TODO in the definition that init wrote."""
    text = definition.read_text("utf-8")
    for done in ("summary: Atlas of phantoms", "license: BSD-3-Clause", "date: '2024-02-29'"):
        assert f"\n{done}\n" in text
    text = text.replace("redistribution: unverified", "redistribution: verified")
    definition.write_text(text + FINISHED, "utf-8")


def test_what_is_typed_is_marked_as_such() -> None:
    assert len(BLOCKS) >= 9
    for block in BLOCKS:
        assert block.startswith("$ ")
