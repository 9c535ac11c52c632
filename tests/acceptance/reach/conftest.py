"""Real libraries in environments of their own, without a network, below a read-only prefix."""

import functools
import gzip
import hashlib
import http.server
import os
import subprocess
import sys
import threading
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
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
    loopback: bool = False

    def on_loopback(self) -> "Reach":
        """Return the same, but that it reaches this machine's servers, and nothing beyond."""
        return replace(self, loopback=True)

    def command(self, *words: object, **variables: str) -> list[str]:
        """Return a command that runs without a network, the prefix being read-only."""
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "NIPY_DATA_PATH": str(self.prefix / "share" / "nipy"),
            **_DEAD,
            **({"no_proxy": "127.0.0.1"} if self.loopback else {}),
            **variables,
        }
        inner = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        inner += map(str, words)
        if not _HAS_NAMESPACES:
            return inner
        alone = ["unshare", "--mount", "--propagation", "private"]
        alone += [] if self.loopback else ["--net"]
        return [*alone, "sh", "-c", _ALONE, "sh", str(self.prefix), *inner]

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


def surface(name: str) -> bytes:
    """Return a surface, other for each name."""
    from nibabel.gifti.gifti import GiftiImage, GiftiMetaData

    made = GiftiImage(meta=GiftiMetaData(Name=name))  # type: ignore[no-untyped-call]
    return bytes(made.to_bytes())  # type: ignore[no-untyped-call]


# One each of a library's versions: old ones take the numpy and the rest of their time.
TEMPLATEFLOW: dict[str, tuple[str, ...]] = {
    version: (f"templateflow=={version}", "setuptools<81", "numpy<2")
    for version in ("0.8.1", "24.2.0")
}
NILEARN: dict[str, tuple[str, ...]] = {
    "0.9.2": (
        "nilearn==0.9.2", "numpy<1.24", "scipy<1.11", "scikit-learn<1.3", "pandas<2",
        "nibabel<5", "setuptools<81",
    ),
}  # fmt: skip
# Many at once, in the versions that the matrix names, and in the newest there are.
MANY = (
    "templateflow==25.1.2", "nilearn==0.14.1", "mne", "dipy", "pooch", "scikit-image",
    "setuptools<81",
)  # fmt: skip
NEWEST = ("templateflow", "nilearn", "mne", "dipy", "pooch", "scikit-image", "setuptools<81")
FURTHER = ("neuromaps", "netneurotools", "setuptools<81")
TEMPLATEFLOW["25.1.2"] = NILEARN["0.14.1"] = MANY


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
def environments(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """The folder of the environments, which all processes of a run share."""
    given = os.environ.get("NIPACK_REACH_ENVIRONMENTS")
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    yield Path(given) if given else folder
    # Half a gigabyte, which pytest would keep for three runs; here one test alone had it.
    if not given and not request.config.getoption("--reach"):
        run("rm", "-rf", *folder.glob("reach-*"))


@pytest.fixture
def reach(tmp_path: Path, environments: Path) -> Iterator[MakeReach]:
    """Build packages, install each, and see at the end that nothing installed has changed."""
    made: list[tuple[Reach, dict[str, str]]] = []

    def make(
        requirements: tuple[str, ...],
        sources: Sources,
        by: str = "conda",
        views: str | Mapping[str, str] = "",
    ) -> Reach:
        prefix, home = tmp_path / "prefix", tmp_path / "user"
        home.mkdir()
        said = {path: views if isinstance(views, str) else views.get(path, "") for path in sources}
        packages = [
            _package(tmp_path / "source", path, files, said[path])
            for path, files in sources.items()
        ]
        _install(packages, prefix, by)
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


def _install(sources: list[Path], prefix: Path, by: str) -> None:
    channel = prefix.with_name("channel")
    folder = channel / "noarch" if by == "conda" else channel
    format = {"pip": "wheel"}.get(by, by)
    run(sys.executable, "-m", "nipack", "build", *sources, "-o", folder, "-f", format)
    artifacts = sorted(path for path in folder.iterdir() if path.is_file())
    if by == "deb":
        for artifact in artifacts:
            run("dpkg-deb", "-x", artifact, prefix)
    elif by == "pip":
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
        run(*command, "--prefix", prefix, *artifacts)
    else:
        names = [path.name.rsplit("-", 2)[0] for path in artifacts]
        script = REPOSITORY / "scripts" / "conda_install.py"
        run(sys.executable, script, channel, prefix, *names)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@dataclass
class Server:
    """What stands for a library's own server: the files of a folder, at an address."""

    folder: Path
    address: str

    def has(self, path: str, content: bytes) -> None:
        """Offer a file."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(content)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server on loopback, ended with the test."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield Server(folder, f"http://127.0.0.1:{listening.server_address[1]}/")
        listening.shutdown()
        thread.join()
