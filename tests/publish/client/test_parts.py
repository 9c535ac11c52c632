"""`nipack get` of data in parts, which it does not put together: it says so."""

from pathlib import Path

import pytest
from tests.builder.samples import in_parts

from nipack.builder.flows.build import build
from nipack.builder.formats import formats
from nipack.publish.client.get import _unpacked
from nipack.publish.ecosystems import ecosystem_of
from nipack.publish.errors import RepositoryError
from nipack.system.progress import SilentReporter


def test_data_in_parts_is_refused_in_words(tmp_path: Path) -> None:
    source = in_parts(tmp_path)
    for each in build(str(source), [formats()["deb"]], tmp_path / "dist"):
        ecosystem = ecosystem_of(each.path.name)
        assert ecosystem is not None
        work = tmp_path / each.path.stem
        work.mkdir()
        with pytest.raises(RepositoryError, match="its data is in several parts, which nipack get"):
            _unpacked(each.path, ecosystem, work, each.payload_id, SilentReporter())
