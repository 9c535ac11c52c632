"""The same artifacts, to the bit, with every Python of this machine that nipack runs with."""

import hashlib
import json
import os
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.acceptance.systems import REPOSITORY, run
from tests.builder.samples import odd

from nipack.builder.formats import formats

pytestmark = pytest.mark.slow
# What packs is the same library everywhere: another may compress otherwise.
PACKING = ("isal", "zstandard")


def others() -> dict[str, str]:
    """Return a program of each other Python by its version: on the PATH, or of pyenv."""
    found: dict[str, str] = {}
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    named = [shutil.which(f"python3.{minor}") for minor in range(10, 20)]
    for program in [*named, *sorted(map(str, pyenv.glob("versions/3.*/bin/python3")))]:
        if program is None:
            continue
        # Not asked each, which takes long; a program of pyenv on the PATH stands for any.
        library = next(Path(program).resolve().parent.parent.glob("lib/python3.*/ensurepip"), None)
        version = library.parent.name.removeprefix("python") if library else ""
        if re.fullmatch(r"3\.[0-9]+", version) and int(version[2:]) >= 10:
            found.setdefault(version, program)
    found.pop(f"3.{sys.version_info.minor}", None)
    return found


OTHERS = others()


def digests(python: str | Path, source: Path, out: Path) -> dict[str, str]:
    every = [word for name in formats() for word in ("-f", name)]
    said = run(
        python, "-m", "nipack", "build", source, "-o", out, "--json", *every,
        env={"PATH": os.environ["PATH"], "HOME": str(out), "PYTHONPATH": str(REPOSITORY / "src")},
    )  # fmt: skip
    return {
        artifact["format"]: hashlib.sha256(Path(artifact["path"]).read_bytes()).hexdigest()
        for artifact in json.loads(said)["artifacts"]
    }


@pytest.fixture(scope="module")
def requirements() -> list[str]:
    """What the tool needs, in the versions that pack here."""
    wanted = [Requirement(each) for each in metadata.requires("nipack-build") or ()]
    packing = [f"{name}=={metadata.version(name)}" for name in PACKING]
    needed = [
        str(each)
        for each in wanted
        if "extra" not in str(each.marker or "") and not each.name.startswith("nipack")
    ]
    return [*needed, *packing]


@pytest.mark.parametrize("version", OTHERS)
def test_the_artifacts_are_the_same(version: str, requirements: list[str], tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    run(OTHERS[version], "-m", "venv", environment)
    python = environment / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check")
    run(python, "-m", "pip", "install", *quiet, "packaging>=22", *requirements)
    source = odd(tmp_path)
    ours = digests(sys.executable, source, tmp_path / "ours")
    assert ours.keys() == formats().keys()
    assert digests(python, source, tmp_path / "theirs") == ours
