"""The quick part of the tests on a plain Debian 12: its own Python, an ordinary user, few programs.

The README promises that system.  The libraries are those of the environment that runs this test.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, run

pytestmark = [
    pytest.mark.slow(240),
    pytest.mark.root,
    pytest.mark.tools("mmdebstrap", "unshare", "git"),
]

# The mounts that a running system has, and the libraries.
INSIDE = """
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
mount --bind -o ro "$2" "$(echo "$1"/home/ada/venv/lib/python3*/site-packages)"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/home/ada LC_ALL=C.UTF-8 \
    chroot --userspec=ada:ada "$1" sh -c "cd '$3' && $4"
"""
LIBRARIES = sysconfig.get_path("purelib")


def copy_sources(checkout: Path) -> None:
    """Copy what is of the project; what tests and builds have left beside it is not."""
    listed = run("git", "-C", REPOSITORY, "ls-files", "-z", "-co", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, checkout / name, follow_symlinks=False)


def test_the_quick_part_passes_with_debians_own_python(system_copy: Path) -> None:
    # Where it is here, as the libraries know it.
    checkout = system_copy / REPOSITORY.relative_to("/")
    run("chroot", system_copy, "useradd", "--create-home", "ada")
    (system_copy / "etc" / "hosts").write_text("127.0.0.1 localhost\n", "utf-8")
    copy_sources(checkout)
    # Debian's Python takes no packages but in an environment.
    run("chroot", system_copy, "python3", "-m", "venv", "--without-pip", "/home/ada/venv")
    run("chroot", system_copy, "chown", "-R", "ada:", "/home/ada", REPOSITORY)

    def inside(command: str) -> "subprocess.CompletedProcess[str]":
        words = ("sh", "-euc", INSIDE, "sh", system_copy, LIBRARIES, REPOSITORY, command)
        return subprocess.run(
            ["unshare", "--mount", *words], capture_output=True, text=True, check=False
        )

    python = "/home/ada/venv/bin/python"
    version = inside(f"{python} -c 'import sys; print(*sys.version_info[:2])'").stdout.split()
    if version != [str(number) for number in sys.version_info[:2]]:
        pytest.skip(f"the libraries here are not for Debian's Python, {'.'.join(version)}")
    tests = inside(f"{python} -m pytest -q -p no:cacheprovider -p no:xdist -m 'not slow'")
    assert tests.returncode == 0, tests.stdout[-20_000:] + tests.stderr[-5_000:]
    assert " passed" in tests.stdout.splitlines()[-1]
