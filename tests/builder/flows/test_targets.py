"""What one source has made, no other of the same run takes the place of."""

from pathlib import Path

import pytest

from nipack.builder.flows.targets import SharedTargets, Targets
from nipack.system.errors import ArtifactError


def test_no_password_is_told_of_either_source(tmp_path: Path) -> None:
    made = Targets()
    made.add(tmp_path / "a", "https://ada:secret@example.org/one.tar.gz")
    with pytest.raises(ArtifactError) as caught:
        made.must_be_free([tmp_path / "a"], "https://ada:secret@example.org/two.tar.gz")
    assert "of https://example.org/two.tar.gz, but is made of https://example.org/one.tar.gz" in (
        str(caught.value)
    )


def test_processes_share_what_they_make_by_a_folder(tmp_path: Path) -> None:
    folder, targets = tmp_path / "claims", [tmp_path / "a", tmp_path / "b"]
    folder.mkdir()
    SharedTargets(folder).must_be_free(targets, "one.tar.gz")
    SharedTargets(folder).must_be_free(targets, "one.tar.gz")  # begun again
    with pytest.raises(
        ArtifactError, match=r"b: would be made of two\.tar\.gz, but is made of one"
    ):
        SharedTargets(folder).must_be_free(targets[1:], "two.tar.gz")
    SharedTargets(folder).must_be_free([tmp_path / "c"], "two.tar.gz")
    assert len(list(folder.iterdir())) == 3
