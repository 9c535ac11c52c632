"""Records behave as frozen dataclasses do."""

import copy
import pickle
from collections.abc import Callable

import pytest

from nipack.lookup.search import Origin, Root

ORIGIN = Origin(source="ini file", file="/etc/nipy/a.ini", line=2)
ROOT = Root(path="/share/nipy", origin=ORIGIN)


def test_values_are_what_was_given() -> None:
    assert (ROOT.path, ROOT.origin.line) == ("/share/nipy", 2)
    assert ROOT.as_dict() == {"origin": ORIGIN, "path": "/share/nipy"}


@pytest.mark.parametrize("values", [{"path": "/a"}, {"path": "/a", "origin": ORIGIN, "other": 1}])
def test_missing_and_unknown_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="Root takes origin, path, not path"):
        Root(**values)  # type: ignore[arg-type]


def test_nothing_can_be_changed() -> None:
    with pytest.raises(AttributeError, match="path cannot be set"):
        ROOT.path = "/b"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="path cannot be deleted"):
        del ROOT.path
    with pytest.raises(AttributeError):
        ROOT.other = 1


def test_equality_goes_by_class_and_values() -> None:
    same = Root(
        path="/share/nipy", origin=Origin(source="ini file", file="/etc/nipy/a.ini", line=2)
    )
    assert same == ROOT
    assert hash(same) == hash(ROOT)
    assert ROOT.replace(path="/b") != ROOT
    assert ROOT.replace(path="/b").origin is ORIGIN
    assert ROOT != ORIGIN


def test_repr_is_the_call() -> None:
    assert eval(repr(ROOT)) == ROOT


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_copies_are_equal(clone: Callable[[Root], Root]) -> None:
    assert clone(ROOT) == ROOT
