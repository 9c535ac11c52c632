"""A file is written whole or not at all, and no message has a name that nobody knows."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, NoReturn

import pytest

from nipack.system.atomic import written_beside
from nipack.system.errors import ArtifactError

REMEDY = "check the directory's permissions and the free space on its disk"


def test_the_directory_is_made_and_the_file_is_there_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "some" / "new" / "file"
    with written_beside(target, ArtifactError) as output:
        output.write(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def stopped(output: IO[bytes]) -> NoReturn:
    output.write(b"new")
    raise RuntimeError


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), written_beside(target, ArtifactError) as output:
        stopped(output)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.mkdir()
    with pytest.raises(ArtifactError) as caught, written_beside(target, ArtifactError):
        pass
    assert str(caught.value) == f"{target}: Is a directory; {REMEDY}"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_missing_in_the_midst_keeps_its_name(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with (
        pytest.raises(ArtifactError, match="missing: No such file"),
        written_beside(tmp_path / "file", ArtifactError),
    ):
        missing.read_bytes()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.tools("setpriv")
def test_without_rights_the_directory_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    program = (
        "import sys; from pathlib import Path\n"
        "from nipack.system.atomic import written_beside\n"
        "from nipack.system.errors import ArtifactError\n"
        "try:\n    with written_beside(Path(sys.argv[1]), ArtifactError): pass\n"
        "except ArtifactError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "file")]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}: Permission denied; {REMEDY}\n"
