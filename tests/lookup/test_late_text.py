"""Text that is made when somebody reads it."""

import copy
import pickle

from nipack.lookup.late_text import LateText


def test_the_text_is_made_once_and_only_when_it_is_read() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("once")
        return "why not"

    text = LateText(make)
    error = ValueError(text)
    assert made == []
    assert (str(error), repr(error)) == ("why not", "ValueError('why not')")
    assert f"{text}" == "why not"
    assert made == ["once"]


def test_a_copy_is_a_plain_string() -> None:
    text = LateText(lambda: "why not")
    for twin in (copy.copy(text), copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert type(twin) is str
        assert twin == "why not"
