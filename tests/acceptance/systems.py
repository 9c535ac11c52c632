"""Real programs for the acceptance tests: a conda client's prefix, a Debian system."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conda_package_streaming.package_streaming import stream_conda_component
from debian.debfile import DebFile

REPOSITORY = Path(__file__).resolve().parent.parent.parent

Build = Callable[..., dict[str, Path]]
# They run programs below another root, which has no folder for temporary files but its own.
_OF_ANOTHER_ROOT = ("chroot", "autopkgtest")


def run(*command: str | Path, **options: object) -> str:
    """Run a program and return its output; the test fails with all it said where it fails."""
    if command[0] in _OF_ANOTHER_ROOT:
        ours = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        options.setdefault("env", ours)
    done = subprocess.run(  # type: ignore[call-overload]
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, f"{' '.join(map(str, command))} failed:\n{said}"
    return str(done.stdout)


def lintian_remarks(changes: Path, system: "DebianSystem | None" = None) -> list[str]:
    """Return all that lintian remarks of a build and nothing overrides; that of a system, if asked.

    An override that holds, or a remark, is in what it reads of the source and of each binary
    package, so one of each says that it was read.
    """
    command = ["lintian", "--allow-root", "-EvIL", "+pedantic", "--show-overrides", "--fail-on",
               "none"]  # fmt: skip
    if system is None:
        said = run(*command, changes)
    else:
        said = system.run(*command, f"/{changes.relative_to(system.root)}")
    lines = [line for line in said.splitlines() if not line.startswith("N:")]
    named = {line.partition(": ")[2].partition(":")[0] for line in lines}
    source = changes.name.partition("_")[0]
    binaries = {path.name.partition("_")[0] for path in changes.parent.glob("*.deb")}
    assert binaries
    assert named >= binaries, said
    if binaries == {source}:
        assert f"{source} source" in named, said
    return [line for line in lines if line[:2] != "O:"]


def assert_in_order(text: str, *parts: str) -> None:
    """Fail unless each part stands in the text behind the one before."""
    place = 0
    for part in parts:
        found = text.find(part, place)
        assert found >= 0, f"{part!r} is not behind what comes before it in:\n{text}"
        place = found + len(part)


@dataclass(frozen=True)
class Prefix:
    """A directory into which a conda client installs packages, and the channel they come from.

    It is a virtual environment that has nibabel and nipy, or a conda environment to be.
    """

    directory: Path
    channel: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def conda_install(self, *packages: Path, specs: tuple[str, ...] = ()) -> str:
        """Put packages into the channel and install them from there, and what `specs` name."""
        names = list(specs)
        for package in packages:
            shutil.copy(package, self.channel / "noarch")
            name, version, _ = package.name.removesuffix(".conda").rsplit("-", 2)
            names.append(f"{name}={version}")
        script = REPOSITORY / "scripts" / "conda_install.py"
        return run(sys.executable, script, self.channel, self.directory, *names)

    def run_python(self, code: str, **environment: str) -> str:
        """Run code in this environment, away from the checkout."""
        return run(
            self.python, "-c", code, cwd=self.directory, env=os.environ | environment
        ).strip()


@dataclass(frozen=True)
class DebianSystem:
    """A Debian system in a directory, with Debian's own python3-nibabel."""

    root: Path

    def run(self, *command: str, **more: str) -> str:
        """Run a program in it; `more` are variables of its environment."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        return run("chroot", self.root, *command, env=environment | more)

    def apt(self, *arguments: str) -> str:
        """Run apt-get without asking anything."""
        return self.run("apt-get", "--yes", "--quiet", *arguments)

    def add(self, package: Path) -> str:
        """Copy a package into it and return its path there."""
        shutil.copy(package, self.root / "tmp")
        return f"/tmp/{package.name}"

    def files(self) -> set[str]:
        """Return every path in it, but for dpkg's own notes, logs and temporary files."""
        own = ("var/lib/dpkg", "var/log", "var/cache", "var/lib/apt", "tmp", "proc", "dev", "sys")
        paths = (path.relative_to(self.root) for path in _walk(self.root, own))
        return {str(path) for path in paths if "__pycache__" not in path.parts}


def _walk(root: Path, left_out: tuple[str, ...]) -> Iterator[Path]:
    for directory, folders, files in os.walk(root):
        here = Path(directory)
        folders[:] = [
            name for name in folders if str((here / name).relative_to(root)) not in left_out
        ]
        yield from (here / name for name in [*folders, *files])


def deb_content(deb: DebFile, name: str) -> bytes:
    """Return a file of a .deb's data as python-debian reads it."""
    content = deb.data.get_content(name)
    assert isinstance(content, bytes)
    return content


def conda_component(package: Path, name: str) -> dict[str, bytes]:
    """Return the files of a component of a .conda, as conda-package-streaming reads them."""
    with package.open("rb") as stream:
        return {
            info.name: content.read()
            for tar, info in stream_conda_component(package.name, stream, name)
            if (content := tar.extractfile(info)) is not None
        }
