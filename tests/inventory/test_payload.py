"""The records of a package: the runtime reads what the builder writes."""

from nipack import layout
from nipack.inventory import payload


def test_the_places_are_the_builders() -> None:
    assert payload.DATA_ROOT == layout.DATA_ROOT
    for name, path in (
        (payload.MANIFEST, layout.manifest_path("x")),
        (payload.METADATA, layout.metadata_path("x")),
    ):
        assert f"{payload.RECORDS}/x/{name}" == path
