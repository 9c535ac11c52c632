"""What comes before a release sorts before it, for dpkg and for rpm."""

import subprocess

import pytest
from debian.debian_support import Version

from nipack.build.dialects.versions import upstream_version


@pytest.mark.parametrize(
    ("version", "spelled"),
    [
        ("0.3", "0.3"),
        ("2009.3", "2009.3"),
        ("0.3.rc1", "0.3~rc1"),
        ("0.3.1a", "0.3.1~a"),
        ("0.3.1a2", "0.3.1~a2"),
        ("0.3.alpha1", "0.3~alpha1"),
        ("0.3.BETA", "0.3~BETA"),
        ("0.3.dev4", "0.3~dev4"),
        ("0.3.1c", "0.3.1~c"),
        ("0.3.pre1", "0.3~pre1"),
        ("0.3.post1", "0.3.post1"),
    ],
)
def test_versions_sort_as_they_do_in_python(version: str, spelled: str) -> None:
    assert upstream_version(version) == spelled
    release = "0.3.1" if version.startswith("0.3.1") else "0.3"
    before = Version(spelled) < Version(release)
    assert before is ("~" in spelled)


@pytest.mark.tools("dpkg")
def test_dpkg_agrees() -> None:
    for one, other in [
        ("0.3~rc1-1", "0.3-1"),
        ("0.3~alpha1-1", "0.3~beta1-1"),
        ("0.9-1", "0.10-1"),
    ]:
        subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=True)


@pytest.mark.tools("rpm")
def test_rpm_agrees() -> None:
    """Its macro language compares versions as its packages do."""
    for one, other in [("0.3~rc1", "0.3"), ("0.3~alpha1", "0.3~beta1"), ("0.9", "0.10")]:
        compared = f"%{{lua:print(rpm.vercmp('{one}', '{other}'))}}"
        done = subprocess.run(
            ["rpm", "--eval", compared], capture_output=True, text=True, check=True
        )
        assert done.stdout == "-1\n"
