"""Which of two versions is newer is the same to Python, dpkg, rpm, conda and pacman."""

import itertools
import random
import subprocess
from collections.abc import Callable

import pytest
import rattler
from debian.debian_support import Version as DebianVersion
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from nipack.builder.definition.model import is_version
from nipack.builder.dialects.versions import upstream_version

Order = Callable[[str, str], int]
TAKEN = ["0.3", "2009.3", "0.3.rc1", "0.3.1.a2", "1.0.0", "1.00", "0.10.b1", "20230501123059.1"]
REFUSED = [
    *("1", "1.0rc1", "0.3.1a", "1.0.alpha1", "1.0.RC1", "1.0.c1", "1.0.pre1", "1.0.dev1", "1.0.rc"),
    *("1.0.post1", "1.0.post1.dev2", "1.0+local", "1!1.0", "1.0.0.rc1", "1.0.0.00.rc1", "1.0.a1.1"),
    *("1.0-1", "1.0_1", "v1.0", "1.0 ", "1.0\n", "", ".", "1..0", "\u0661.0", "1.0.a1.b1", "1.foo"),
    *("9" * 19 + ".0", "1." + "0." * 60 + "1"),
]


@pytest.mark.parametrize("version", TAKEN)
def test_versions_that_every_manager_sorts_alike_are_taken(version: str) -> None:
    assert is_version(version)


@pytest.mark.parametrize("version", REFUSED)
def test_others_are_refused(version: str) -> None:
    assert not is_version(version)


def test_the_spelling_of_what_comes_before_a_release() -> None:
    assert [*map(upstream_version, TAKEN[:4])] == ["0.3", "2009.3", "0.3~rc1", "0.3.1~a2"]


def sign(less: bool, more: bool) -> int:
    return more - less


def in_python(one: str, other: str) -> int:
    return sign(Version(one) < Version(other), Version(one) > Version(other))


def in_conda(one: str, other: str) -> int:
    left, right = rattler.Version(one), rattler.Version(other)
    return sign(left < right, left > right)


def in_debian(one: str, other: str) -> int:
    left, right = (DebianVersion(f"{upstream_version(each)}-1") for each in (one, other))
    return sign(left < right, left > right)


numbers = st.integers(0, 20).map(str) | st.integers(0, 10**18 - 1).map(str) | st.just("00")
versions = st.builds(
    lambda release, before, number: ".".join(release) + (f".{before}{number}" if before else ""),
    st.lists(numbers, min_size=2, max_size=5),
    st.sampled_from(["", "a", "b", "rc"]),
    numbers,
).filter(is_version)


@given(versions, versions)
def test_any_two_versions(one: str, other: str) -> None:
    wanted = in_python(one, other)
    if wanted:  # 1.0 and 1.0.0 are the same to Python and conda alone
        assert (in_conda(one, other), in_debian(one, other)) == (wanted, wanted)


def pairs() -> list[tuple[str, str]]:
    """Return pairs, the first of each the older, near to one another in every way there is."""
    chosen = random.Random(1)
    releases = [
        "1.0",
        "1.0.0",
        "1.0.1",
        "1.0.10",
        "1.1",
        "1.10",
        "1.2.3",
        "1.2.3.4",
        "10.0",
        "2009.1",
    ]
    before = ["", ".a1", ".a2", ".a10", ".b1", ".rc1", ".rc2", ".rc10"]
    found = filter(is_version, map("".join, itertools.product(releases, before)))
    every = [
        (one, other)
        for one, other in itertools.combinations(sorted(found, key=Version), 2)
        if Version(one) < Version(other)
    ]
    return chosen.sample(every, 250)


@pytest.mark.slow(1)
@pytest.mark.tools("dpkg")
def test_dpkg_agrees() -> None:
    words = [f"{upstream_version(each)}-1" for pair in pairs() for each in pair]
    script = (
        'while [ $# -gt 0 ]; do dpkg --compare-versions "$1" lt "$2" || echo "$@"; shift 2; done'
    )
    command = ["sh", "-c", script, "sh", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == []


@pytest.mark.tools("rpm")
def test_rpm_agrees() -> None:
    """Its macro language compares versions as its packages do."""
    spelled = [(upstream_version(one), upstream_version(other)) for one, other in pairs()]
    compared = [f"print(rpm.vercmp('{one}', '{other}') .. ' ')" for one, other in spelled]
    command = ["rpm", "--eval", f"%{{lua:{' '.join(compared)}}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-1"] * len(compared)


@pytest.mark.tools("vercmp")
def test_pacman_agrees() -> None:
    words = [upstream_version(each).replace("~", "") for pair in pairs() for each in pair]
    script = 'while [ $# -gt 0 ]; do [ "$(vercmp "$1" "$2")" = -1 ] || echo "$1 $2"; shift 2; done'
    command = ["sh", "-c", script, "sh", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == []
