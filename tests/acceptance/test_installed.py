"""What conda, dpkg and pip installed is listed as theirs, and checked against its manifest."""

import base64
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.systems import REPOSITORY, Build, Prefix, run
from tests.machine import write

import nipack as nipack_package
from nipack.advice import near_misses

pytestmark = pytest.mark.slow

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"


def nipack(*arguments: str, python: Path | str = sys.executable, **environment: str) -> Any:
    """Run nipack with --json in some Python's prefix; return its exit status and document."""
    paths = [sysconfig.get_path("purelib"), str(REPOSITORY / "src")]
    code = f"import sys; sys.path[:0] = {paths!r}; from nipack.cli import main; main()"
    command = [str(python), "-c", code, *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def advised(relpath: str, python: Path | str = sys.executable) -> list[str]:
    """Return the commands that are to make the data usable again."""
    _, found = nipack("doctor", relpath, python=python)
    [package] = found["packages"]
    return list(package["commands"])


def test_what_conda_installed(build: Build, prefix: Prefix) -> None:
    prefix.conda_install(build(EXAMPLE)["conda"])
    status, [listed] = nipack("list", "--check", python=prefix.python)
    assert status == 0
    assert listed["owner"] == {"manager": "conda", "name": "nipy-examplepkg", "version": "0.1"}
    assert (listed["relpath"], listed["version"]) == ("nipy/examplepkg", "0.1")
    assert (listed["check"], listed["license"], listed["size"]) == ("intact", "CC0-1.0", 794)
    image = prefix.directory / "share/nipy/nipy/examplepkg/phantom/T1.nii.gz"
    content = image.read_bytes()
    image.unlink()  # it may be a hard link to the one in the package cache
    image.write_bytes(content[:-1])
    status, [found] = nipack("verify", "--quick", python=prefix.python)
    assert status == 1
    assert found["problems"] == [
        {
            "damage": "truncated",
            "path": "phantom/T1.nii.gz",
            "reason": "582 bytes instead of 583",
        }
    ]


def test_condas_cache_is_named_where_it_is_damaged_too(build: Build, prefix: Prefix) -> None:
    prefix.conda_install(build(EXAMPLE)["conda"])
    [record] = prefix.directory.glob("conda-meta/nipy-examplepkg-*.json")
    cache = Path(json.loads(record.read_text("utf-8"))["extracted_package_dir"])
    image = "share/nipy/nipy/examplepkg/phantom/T1.nii.gz"
    (prefix.directory / image).unlink()  # which may be a hard link to the one in the cache
    [again] = advised("nipy/examplepkg", prefix.python)
    assert again.startswith("conda install --force-reinstall ")
    (cache / image).unlink()
    assert advised("nipy/examplepkg", prefix.python) == [f"rm -r {shlex.quote(str(cache))}", again]


@pytest.mark.tools("dpkg")
def test_what_dpkg_installed(build: Build, tmp_path: Path) -> None:
    root = tmp_path / "a system"
    for name in ("info", "updates"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    run("dpkg", f"--root={root}", "--force-not-root", "--log=/dev/null", "--force-depends",
        "--install", build(EXAMPLE)["deb"])  # fmt: skip
    place = str(root / "usr/share/nipy")
    status, listed = nipack("list", "--check", NIPY_DATA_PATH=place)
    assert status == 0
    mine = next(each for each in listed if each["path"].startswith(place))
    assert mine["owner"]["manager"] == "dpkg"
    assert mine["owner"]["name"] == "nipy-examplepkg"
    assert mine["owner"]["version"].startswith("0.1")
    assert mine["check"] == "intact"


@pytest.mark.tools("dpkg")
def test_what_dpkg_installed_is_installed_again_from_the_deb_near_by(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """apt has nothing to download for what no archive of it has."""
    root, here = tmp_path / "a system", tmp_path / "here"
    for name in ("info", "updates"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    dpkg = ["dpkg", f"--root={root}", "--force-not-root", "--log=/dev/null", "--force-depends"]
    deb = build(EXAMPLE)["deb"]
    run(*dpkg, "--install", deb)
    (root / "usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz").write_bytes(b"")
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("NIPY_DATA_PATH", str(root / "usr/share/nipy"))
    [advice] = advised("nipy/examplepkg")
    assert advice.startswith("no archive of apt has nipy-examplepkg 0.1-1: build its .deb again")
    shutil.copy(deb, here)
    [advice] = advised("nipy/examplepkg")
    words = shlex.split(advice)
    assert words[:4] == ["sudo", "dpkg", f"--root={root}", "-i"]
    run(*dpkg, *words[3:])
    assert advised("nipy/examplepkg") == []


@pytest.mark.tools("dpkg")
def test_an_ini_that_was_deleted_comes_back(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed again, dpkg leaves out the conffile that an administrator took out."""
    root = tmp_path / "a system"
    for name in ("info", "updates"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    dpkg = ["dpkg", f"--root={root}", "--force-not-root", "--log=/dev/null", "--force-depends"]
    deb = build(EXAMPLE)["deb"]
    run(*dpkg, "--install", deb)
    place = str(root / "usr/share/nipy")
    monkeypatch.setattr(near_misses, "SYSTEM_ROOTS", (place,))
    ini = root / "etc/nipy/nipy_examplepkg.ini"
    [near] = nipack_package.explain("nipy/examplepkg").near_misses
    assert near.reason == f"no ini file names {place}"
    ini.unlink()
    run(*dpkg, "--install", deb)
    assert not ini.exists()

    monkeypatch.chdir(deb.parent)
    [near] = nipack_package.explain("nipy/examplepkg").near_misses
    assert near.reason == "the ini file of nipy-examplepkg was deleted"
    words = shlex.split(near.remedy)
    assert words == ["sudo", "dpkg", "-i", "--force-confmiss", str(deb)]
    run(*dpkg, *words[2:])
    assert ini.is_file()
    ini.unlink()
    monkeypatch.setattr(near_misses, "in_apt_archive", lambda package: True)
    [near] = nipack_package.explain("nipy/examplepkg").near_misses
    assert near.remedy == (
        "sudo apt install --reinstall -o Dpkg::Options::=--force-confmiss nipy-examplepkg"
    )


@pytest.mark.tools("dpkg-deb")
def test_a_deb_unpacked_anywhere_is_checked(build: Build, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", build(EXAMPLE)["deb"], tmp_path / "x")
    data = tmp_path / "x/usr/share/nipy/nipy/examplepkg"
    status, [found] = nipack("verify", str(data))
    assert (status, found["state"]) == (0, "intact")
    write(data / "phantom/T1.json", "{}")
    status, [found] = nipack("verify", str(data))
    assert status == 1
    assert [problem["path"] for problem in found["problems"]] == ["phantom/T1.json"]


def wheel(directory: Path, tree: Path) -> Path:
    """Make a wheel whose data scheme is a tree of `share/nipy` and `share/nipack`."""
    name = "nipy_examplepkg-0.1"
    contents = {
        f"{name}.data/data/{path.relative_to(tree).as_posix()}": path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }
    contents[f"{name}.dist-info/METADATA"] = (
        b"Metadata-Version: 2.1\nName: nipy-examplepkg\nVersion: 0.1\n"
    )
    contents[f"{name}.dist-info/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    lines = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in contents.items()]
    record = f"{name}.dist-info/RECORD"
    contents[record] = "\n".join([*lines, f"{record},,"]).encode()
    target = directory / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    return target


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@pytest.mark.tools("dpkg-deb")
def test_what_pip_installed(build: Build, prefix: Prefix, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", build(EXAMPLE)["deb"], tmp_path / "x")
    tree = tmp_path / "tree"
    for name in ("nipy", "nipack"):
        shutil.copytree(tmp_path / "x/usr/share" / name, tree / "share" / name)
    run(sys.executable, "-m", "pip", "--python", prefix.python, "install", "--no-index",
        "--no-deps", "--force-reinstall", wheel(tmp_path, tree))  # fmt: skip
    status, [listed] = nipack("list", "--check", python=prefix.python)
    assert status == 0
    assert listed["owner"] == {"manager": "pip", "name": "nipy-examplepkg", "version": "0.1"}
    assert listed["check"] == "intact"


def test_what_nobody_installed(prefix: Prefix) -> None:
    write(prefix.directory / "share/nipy/mine/data/config.ini", "[DEFAULT]\nversion = 1.0\n")
    _, [listed] = nipack("list", "--check", python=prefix.python)
    assert listed["owner"] == {"manager": "by hand", "name": None, "version": None}
    assert (listed["size"], listed["check"]) == (24, "not checked")
