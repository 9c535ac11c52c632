"""Every command of docs/publishing.md does what stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.publish.serving import serving

PAGE = (REPOSITORY / "docs" / "publishing.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
ADDRESS = "https://data.lab.example"
EXPECTED = {
    "--dry-run": "is there already",
    f"nipack verify {ADDRESS}": "intact to the byte",
    '--why "the affine is wrong"': "is retracted",
    "--undo": "is shown again",
    "--keep 3": "0 files deleted",
    "--against": "intact to the byte",
}


@pytest.mark.slow
@pytest.mark.tools("rsync", "rpmbuild")
def test_every_command_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "nipack"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nipack "$@"\n', "utf-8")
    program.chmod(0o755)
    shutil.copytree(
        REPOSITORY / "recipes" / "nipy-examplepkg", tmp_path / "recipes/nipy-examplepkg"
    )
    (tmp_path / "mnt" / "disk").mkdir(parents=True)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(REPOSITORY / "src")}
    commands = [line[2:] for block in BLOCKS for line in block.splitlines() if line[:2] == "$ "]
    said = ""
    with serving(tmp_path / "srv/www/data") as address:
        for command in commands:
            here = command.replace(ADDRESS, address).replace("/srv/", f"{tmp_path}/srv/")
            here = here.replace("/mnt/", f"{tmp_path}/mnt/")
            done = subprocess.run(
                here, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            for part, answer in EXPECTED.items():
                if part in command:
                    assert answer in done.stdout, f"{command}\n{done.stdout}"
            said += done.stdout.replace(address, ADDRESS)
    # What the page says that a user types is what was printed.
    for line in re.findall(r"^\|[^|\n]*\| `((?:conda|curl|sudo|pip) .*?)` \|$", PAGE, re.MULTILINE):
        assert f"  {line.replace(chr(92), '')}\n" in said


def test_the_page_shows_every_command_for_who_runs_a_repository() -> None:
    for name in ("keygen", "publish", "retract", "prune", "verify"):
        assert f"$ nipack {name} " in PAGE
