"""What a log says comes back as it was, and nothing else is taken for it."""

import json
from typing import Any

import pytest
from tests.publish.catalogue.samples import package

from nipack.publish.records import (
    PublishedArtifact,
    PublishedFile,
    PublishedLink,
    PublishedPackage,
    from_json,
    order_of,
    to_json,
)

ARTIFACT = PublishedArtifact(
    ecosystem="pip",
    path="simple/nipy-templates/nipy_templates-0.3-py3-none-any.whl",
    version="0.3",
    size=3,
    sha256="1" * 64,
    date="2026-11-24T00:00:00Z",
    index={"requires-python": ">=3.8"},
)
PACKAGE = PublishedPackage(
    name="nipy-templates",
    version="0.3",
    relpath="nipy/templates",
    payload_id="2" * 64,
    size=3,
    files=(PublishedFile(path="T1.nii.gz", size=3, sha256="3" * 64),),
    links=(PublishedLink(path="default", target="T1.nii.gz"),),
    citation=({"doi": "10.1/2"},),
    artifacts=(ARTIFACT,),
    retracted="a wrong affine",
)


def test_a_package_comes_back_from_json_as_it_was() -> None:
    assert from_json(PublishedPackage, json.loads(json.dumps(to_json(PACKAGE)))) == PACKAGE


def test_what_is_as_by_default_is_not_written() -> None:
    assert to_json(PublishedLink(path="a", target="b")) == {"path": "a", "target": "b"}
    assert "homepage" not in to_json(PACKAGE)


@pytest.mark.parametrize(
    "wrong",
    [{"size": "3"}, {"size": True}, {"files": {}}, {"files": [[]]}, {"stars": 5}, {"name": None}],
    ids=str,
)
def test_what_is_of_another_form_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_json(PublishedPackage, to_json(PACKAGE) | wrong)


def test_versions_are_in_their_order_and_what_is_none_comes_first() -> None:
    versions = ("1.10", "1.9", "odd", "1.9rc1", "2!0.1", "even")
    ordered = sorted((package("a", each) for each in versions), key=order_of)
    assert [each.version for each in ordered] == ["even", "odd", "1.9rc1", "1.9", "1.10", "2!0.1"]
