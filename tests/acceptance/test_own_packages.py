"""nipack's own Debian packages: built in a clean chroot, installed, and used there."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, DebianSystem, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.tools("sbuild", "mmdebstrap", "zstd", "newuidmap", "lintian", "git"),
]


def source_package(directory: Path) -> Path:
    """Make the source package of what this checkout holds; returns its .dsc."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    tree = directory / "nipack-0.1.0"
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tree / name)
    run("tar", "-czf", "nipack_0.1.0.orig.tar.gz", f"--exclude={tree.name}/debian", tree.name,
        cwd=directory)  # fmt: skip
    run("dpkg-source", "-b", tree.name, cwd=directory)
    return directory / "nipack_0.1.0-1.dsc"


def test_they_build_cleanly_install_and_work(
    build_chroot: Path, system_copy: Path, tmp_path: Path
) -> None:
    dsc = source_package(tmp_path)
    run("sbuild", "--chroot-mode=unshare", f"--chroot={build_chroot}", "--dist=unstable",
        "--arch-all", "--no-run-lintian", dsc, cwd=tmp_path)  # fmt: skip
    [changes] = tmp_path.glob("*.changes")
    remarks = run("lintian", "--allow-root", "-EvIL", "+pedantic", "--fail-on", "none", changes)
    assert [line for line in remarks.splitlines() if not line.startswith("N:")] == []

    system = DebianSystem(system_copy)
    packages = [system.add(path) for path in tmp_path.glob("*.deb")]
    assert len(packages) == 2
    system.apt("update")
    system.apt("install", "--no-install-recommends", *packages)
    shutil.copytree(REPOSITORY / "recipes" / "nipy-examplepkg", system_copy / "tmp" / "example")
    built = system.run("nipack", "build", "/tmp/example", "-o", "/tmp/dist")
    assert "nipy-examplepkg_0.1-1_all.deb" in built
    system.apt("install", "/tmp/dist/nipy-examplepkg_0.1-1_all.deb")
    found = system.run("nipack", "where", "nipy/examplepkg", "phantom/T1.nii.gz")
    assert found == "/usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz\n"
    assert (system_copy / "usr/share/man/man1/nipack.1.gz").is_file()
    assert (system_copy / "usr/share/bash-completion/completions/nipack").is_file()
