"""Versions: what nibabel can read, and which is newer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from nipack.lookup.version import at_least, check_minimum, major_minor, normal


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.3", (0, 3)), ("0.10", (0, 10)), ("0.1.2.dev", (0, 1)), ("2009.3", (2009, 3))],
)
def test_first_two_numbers(version: str, numbers: tuple[int, int]) -> None:
    assert major_minor(version) == numbers


@pytest.mark.parametrize(
    ("version", "instead"),
    [
        ("1", "1.0"),
        ("0.3rc1", "0.3"),
        ("2009c", "2009.0"),
        ("1.x", "1.0"),
        ("1.-2", "1.0"),
        ("", "0.1"),
    ],
)
def test_what_nibabel_cannot_read_is_refused_with_a_remedy(version: str, instead: str) -> None:
    with pytest.raises(ValueError, match="does not begin with two numbers") as error:
        major_minor(version)
    assert str(error.value).endswith(f"write e.g. {instead}")
    assert repr(version) in str(error.value)
    major_minor(instead)


@pytest.mark.parametrize(
    ("version", "minimum", "expected"),
    [
        ("0.3", "0.3", True),
        ("0.3", "0.3.0", True),
        ("0.10", "0.9", True),
        ("0.9", "0.10", False),
        ("0.3.dev", "0.3", False),
        ("0.3.1.dev", "0.3", True),
        ("0.3", "0.3rc1", True),
        ("0.0", "0", True),
    ],
)
def test_which_is_newer(version: str, minimum: str, expected: bool) -> None:
    assert at_least(version, minimum) is expected


NUMBERS = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)
VERSIONS = st.builds("{}{}".format, NUMBERS, st.sampled_from(["", "", "", "rc1", ".dev", ".post2"]))


@given(VERSIONS, VERSIONS)
def test_the_order_is_that_of_packaging(version: str, minimum: str) -> None:
    assert at_least(version, minimum) == (Version(version) >= Version(minimum))


def test_what_cannot_be_compared_is_an_error() -> None:
    with pytest.raises(ValueError, match="local build"):
        at_least("0.1.local build", "0.1")


@pytest.mark.parametrize("minimum", ["0.3", "0.3rc1", "1"])
def test_good_minimum(minimum: str) -> None:
    check_minimum(minimum)


@pytest.mark.parametrize("minimum", ["new", "", ">=0.3", 0.3])
def test_a_minimum_that_is_no_version_is_refused(minimum: object) -> None:
    with pytest.raises(ValueError, match="'min version' must be a version") as error:
        check_minimum(minimum)
    assert repr(minimum) in str(error.value)


def test_a_version_has_at_most_two_hundred_characters() -> None:
    assert major_minor("1." + "0" * 198) == (1, 0)
    with pytest.raises(ValueError, match=r"^version '1.0{18}'... has 201 characters; write"):
        major_minor("1." + "0" * 199)


@pytest.mark.parametrize(
    ("version", "spelled"),
    [("v1.0-rc1", "1.0rc1"), ("1.0.0", "1.0.0"), ("1.0-1", "1.0.post1"), ("01.2", "01.2")],
)
def test_a_version_is_spelled_as_packaging_does_unless_it_is_only_numbers(
    version: str, spelled: str
) -> None:
    assert normal(version) == spelled


@pytest.mark.parametrize("digit", ["\u0661", "\u00b2"])
def test_digits_of_other_scripts_are_no_numbers_to_compare(digit: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid version"):
        at_least(f"1.{digit}", "1.0")
