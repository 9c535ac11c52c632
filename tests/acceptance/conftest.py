"""Fixtures of the acceptance tests, which run real programs only."""

import json
import os
import re
import shutil
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import filelock
import pytest
from tests.acceptance.channel import make_channel
from tests.acceptance.systems import REPOSITORY, Build, DebianSystem, Prefix, run


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Run `nipack build` and return the artifacts' paths by format; payload ids must be one."""

    def build_source(source: Path, *options: str, out: Path | None = None) -> dict[str, Path]:
        out = out or tmp_path / "dist"
        said = run(sys.executable, "-m", "nipack", "build", source, "-o", out, "--json", *options)
        artifacts = json.loads(said)["artifacts"]
        assert len({artifact["payload_id"] for artifact in artifacts}) == 1
        return {artifact["format"]: Path(artifact["path"]) for artifact in artifacts}

    return build_source


@pytest.fixture
def prefix(tmp_path: Path) -> Prefix:
    """A prefix of its own, whose Python sees the packages of the one that runs the tests."""
    directory, channel = tmp_path / "a prefix", tmp_path / "channel"
    venv.create(directory, with_pip=False, symlinks=True)
    (channel / "noarch").mkdir(parents=True)
    [packages] = directory.glob("lib/python*/site-packages")
    ours = Path(str(metadata.distribution("nibabel").locate_file("")))
    lines = [str(ours), str(REPOSITORY / "src")]
    (packages / "seen.pth").write_text("\n".join(lines) + "\n", "utf-8")
    return Prefix(directory, channel)


# All that the conda recipes, and nipack's own, ask of a channel.
CONDA_PACKAGES = (
    "blake3", "click", "filelock", "hatchling", "isal", "jinja2", "jsonschema", "nibabel",
    "packaging", "pip", "platformdirs", "python-debian", "pyyaml", "requests", "rich", "tomli",
    "zstandard",
)  # fmt: skip


@pytest.fixture(scope="session")
def session_channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A conda channel, which a test must leave as it is; see channel.py for what is real in it."""
    with pytest.MonkeyPatch.context() as patch:
        # Its Python is a stand-in, which the user's own conda must never take for a real one.
        patch.setenv("RATTLER_CACHE_DIR", str(tmp_path_factory.mktemp("rattler")))
        yield make_channel(tmp_path_factory.mktemp("conda") / "channel", CONDA_PACKAGES)


@pytest.fixture
def conda_environment(session_channel: Path, tmp_path: Path) -> Prefix:
    """A conda environment to be, and a channel that has all it may need."""
    channel = tmp_path / "channel"
    shutil.copytree(session_channel, channel)
    return Prefix(tmp_path / "a conda environment", channel)


@pytest.fixture(scope="session")
def debian_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian system of this machine's release, from its own package sources."""
    # apt-utils and dpkg-dev are what autopkgtest wants of every system.
    pristine = _bootstrapped_once(
        "minbase", "python3-nibabel,dpkg-dev,apt-utils", "root", tmp_path_factory
    )
    root = tmp_path_factory.mktemp("debian") / "root"
    run("cp", "-a", "--reflink=auto", pristine, root)
    return root


@pytest.fixture(scope="session")
def build_chroot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minimal system to build in, packed, as Debian's build machines have it."""
    return _bootstrapped_once("buildd", "debhelper,fakeroot", "buildd.tar.zst", tmp_path_factory)


@pytest.fixture(scope="session")
def debian_13(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small system of Debian 13, whose apt checks signatures by other means than 12's."""
    return _bootstrapped_once("minbase", "apt", "debian-13", tmp_path_factory, release="trixie")


def tools_of(suite: str, tmp_path_factory: pytest.TempPathFactory) -> DebianSystem:
    """Return a system of a release of Debian that has its tools for packages."""
    return DebianSystem(
        _bootstrapped_once(
            "minbase",
            "lintian,devscripts,dpkg-dev,debhelper",
            f"tools-of-{suite}",
            tmp_path_factory,
            release=suite,
        )
    )


@pytest.fixture(params=["trixie", "sid"])
def other_suite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, DebianSystem]:
    """A release of Debian whose reviewers want other things, and a system with its tools."""
    return request.param, tools_of(request.param, tmp_path_factory)


@pytest.fixture
def sid(tmp_path_factory: pytest.TempPathFactory) -> DebianSystem:
    """A system of the release that packages are submitted to, with its tools."""
    return tools_of("sid", tmp_path_factory)


@pytest.fixture
def debian_13_copy(debian_13: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it that a test may leave in any state."""
    copy = tmp_path / "system"
    run("cp", "-a", "--reflink=auto", debian_13, copy)
    yield copy
    shutil.rmtree(copy)


def _bootstrapped_once(
    variant: str,
    packages: str,
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    *,
    release: str = "",
) -> Path:
    """Return a system that all processes of this run share, made by the first that wants it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with filelock.FileLock(shared / f"{name}.lock"):
        if not (shared / name).exists():
            _bootstrap(variant, packages, shared / f"part-{name}", release)
            (shared / f"part-{name}").rename(shared / name)
    return shared / name


def _bootstrap(variant: str, packages: str, target: Path, release: str) -> None:
    here = run("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    files = [
        path
        for path in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
        if path.is_file() and path.read_text("utf-8").strip()
    ]
    sources: list[Path | str] = [*files]
    options = ["--quiet", f"--variant={variant}", f"--include={packages}"]
    if release == "sid":
        # It has no updates and no archive of its own for security, and a mirror of it may be old.
        options.append('--aptopt=Acquire::Check-Valid-Until "false"')
        text = "".join(path.read_text("utf-8") for path in files)
        sources = list(re.findall(r"(?m)^(?:URIs:|deb)\s.*?(https?://[^\s\]]+)", text))
    elif release and files:
        # From where this machine has its own release.
        other = target.with_name(f"{release}{files[0].suffix}")
        other.write_text(files[0].read_text("utf-8").replace(here, release), "utf-8")
        sources = [other]
    run("mmdebstrap", *options, release or here, target, *sources[:1])


@pytest.fixture
def system_copy(debian_base: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the Debian system that a test may leave in any state."""
    copy = tmp_path / "system"
    run("cp", "-a", "--reflink=auto", debian_base, copy)
    yield copy
    shutil.rmtree(copy)


@pytest.fixture
def debian(debian_base: Path) -> Iterator[DebianSystem]:
    """The Debian system, which a test must leave without data packages."""
    system = DebianSystem(debian_base)
    before = system.files()
    yield system
    assert system.files() == before
