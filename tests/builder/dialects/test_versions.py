"""What comes before a release sorts before it, for dpkg and for rpm."""

import subprocess

import pytest
from debian.debian_support import Version
from packaging.version import Version as PythonVersion

from nipack.builder.dialects.versions import upstream_version


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
        ("0.3.preview2", "0.3~preview2"),
        ("0.3.post1", "0.3.post1"),
        ("0.3.post1.dev2", "0.3.post1~dev2"),
    ],
)
def test_it_comes_before_its_release_where_it_does_so_in_python(version: str, spelled: str) -> None:
    assert upstream_version(version) == spelled
    release = PythonVersion(version).base_version
    for each in (release, f"{release}.post1"):
        before = Version(spelled) < Version(each)
        assert before is (PythonVersion(version) < PythonVersion(each)), each


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
