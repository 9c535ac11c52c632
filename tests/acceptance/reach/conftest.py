"""Real libraries in environments of their own, without a network, below a read-only prefix."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import filelock
import pytest
from tests.acceptance.systems import REPOSITORY, run
from tests.distributions import put, runtime_files

# A namespace of its own has no network, and a bind that not even root can write through.
_ALONE = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
_HAS_NAMESPACES = (
    sys.platform == "linux"
    and os.geteuid() == 0
    and subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True).returncode == 0
)
# Where nothing listens, for machines that have no namespaces.
_DEAD = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "ftp")}


def digests(directory: Path) -> dict[str, str]:
    """Return the sha256 of every file below a directory, and every link's target."""
    return {
        str(path.relative_to(directory)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if not path.is_dir() or path.is_symlink()
    }


@dataclass
class Reach:
    """A library's environment, a prefix with installed data, and a user who has nothing."""

    python: Path
    prefix: Path
    home: Path

    def command(self, *words: object, **variables: str) -> list[str]:
        """Return a command that runs without a network, the prefix being read-only."""
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "NIPY_DATA_PATH": str(self.prefix / "share" / "nipy"),
            **_DEAD,
            **variables,
        }
        inner = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        inner += map(str, words)
        if not _HAS_NAMESPACES:
            return inner
        alone = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", _ALONE]
        return [*alone, "sh", str(self.prefix), *inner]

    def run(self, code: str, **variables: str) -> str:
        """Run code in the library's environment; returns what it printed last."""
        command = self.command(self.python, "-W", "ignore", "-c", code, **variables)
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.home)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip().rpartition("\n")[2]

    def nipack(self, *words: str, **variables: str) -> str:
        """Run nipack with the library's Python."""
        return run(*self.command(self.python, "-m", "nipack", *words, **variables))


MakeReach = Callable[..., Reach]
Sources = Mapping[str, Mapping[str, bytes]]


def image(name: str) -> bytes:
    """Return an image, other for each name."""
    import nibabel
    import numpy as np

    values = np.frombuffer(hashlib.sha256(name.encode()).digest() * 2, np.uint8)
    made = nibabel.Nifti1Image(values.reshape(4, 4, 4).copy(), np.eye(4))  # type: ignore[no-untyped-call]
    return gzip.compress(made.to_bytes(), mtime=0)


def environment(requirements: tuple[str, ...], directory: Path) -> Path:
    """Return the Python of an environment with these packages, made by the first who asks."""
    name = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:12]
    place = directory / f"reach-{name}"
    with filelock.FileLock(directory / f"reach-{name}.lock"):
        if not (place / "ready").exists():
            venv.create(place, with_pip=False, symlinks=True, clear=True)
            # Its own cache would be in the home of one test.
            uv, cache = Path(sys.executable).with_name("uv"), directory / "reach-cache"
            words = (uv, "pip", "install", "--quiet", "--cache-dir", cache)
            run(*words, "--python", place / "bin" / "python", "packaging", *requirements)
            [site] = place.glob("lib/python*/site-packages")
            put(runtime_files(), site)
            (place / "ready").touch()
    return place / "bin" / "python"


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the environments, which all processes of a run share."""
    own = tmp_path_factory.getbasetemp()
    given = os.environ.get("NIPACK_REACH_ENVIRONMENTS")
    if given:
        return Path(given)
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture
def reach(tmp_path: Path, environments: Path) -> Iterator[MakeReach]:
    """Build packages, install each, and see at the end that nothing installed has changed."""
    made: list[tuple[Reach, dict[str, str]]] = []

    def make(
        requirements: tuple[str, ...], sources: Sources, by: str = "conda", views: str = ""
    ) -> Reach:
        prefix, home = tmp_path / "prefix", tmp_path / "user"
        home.mkdir()
        for relpath, files in sources.items():
            _install(_package(tmp_path / "source", relpath, files, views), prefix, by)
        python = environment(requirements, environments)
        root = prefix / "usr" if by == "deb" else prefix
        made.append((Reach(python, root, home), digests(root)))
        return made[-1][0]

    yield make
    for each, before in made:
        assert digests(each.prefix) == before, "what is installed was changed"


def _package(above: Path, relpath: str, files: Mapping[str, bytes], views: str) -> Path:
    source = above / relpath.replace("/", "-")
    data = source / relpath.rpartition("/")[2]
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    name = relpath.replace("/", "-").replace("_", "-").replace(".", "-").lower()
    text = f"name: {name}\nrelpath: {relpath}\nversion: '1.0'\ndate: 2024-01-01\n{views}"
    (data / "config.ini").write_text("[DEFAULT]\nversion = 1.0\n", "utf-8")
    (source / "package.yaml").write_text(text, "utf-8")
    return source


def _install(source: Path, prefix: Path, by: str) -> None:
    dist = source.parent / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    format = {"pip": "wheel"}.get(by, by)
    run(sys.executable, "-m", "nipack", "build", source, "-o", dist, "-f", format)
    [artifact] = dist.iterdir()
    if by == "deb":
        run("dpkg-deb", "-x", artifact, prefix)
    elif by == "pip":
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
        run(*command, "--prefix", prefix, artifact)
    else:
        channel = source.parent / "channel"
        (channel / "noarch").mkdir(parents=True, exist_ok=True)
        shutil.move(artifact, channel / "noarch")
        names = [path.name.rsplit("-", 2)[0] for path in (channel / "noarch").glob("*.conda")]
        script = REPOSITORY / "scripts" / "conda_install.py"
        run(sys.executable, script, channel, prefix, *names)
