"""What one source has made, no other of the same run takes the place of."""

from pathlib import Path

import pytest

from nipack.builder.flows.targets import Targets
from nipack.system.errors import ArtifactError


def test_no_password_is_told_of_either_source(tmp_path: Path) -> None:
    made = Targets()
    made.add(tmp_path / "a", "https://ada:secret@example.org/one.tar.gz")
    with pytest.raises(ArtifactError) as caught:
        made.must_be_free([tmp_path / "a"], "https://ada:secret@example.org/two.tar.gz")
    assert "of https://example.org/two.tar.gz, but is made of https://example.org/one.tar.gz" in (
        str(caught.value)
    )
