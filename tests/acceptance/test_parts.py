"""Data in several packages, installed by the real clients: all else sees one data package."""

import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.systems import Prefix, run
from tests.acceptance.test_author_install import PIP
from tests.acceptance.test_installed import nipack
from tests.acceptance.test_pacman import ArchSystem
from tests.builder.formats.test_upgrades import System
from tests.builder.samples import IN_PARTS, in_parts

from nipack.builder.flows.build import build
from nipack.builder.formats import formats

pytestmark = pytest.mark.slow

LOOK_UP = """
from nibabel.data import make_datasource
source = make_datasource({"relpath": "nipy/templates"})
print(source.version, " ".join(source.list_files()))
"""
FILES = ["ICBM152/T1_res-01.nii.gz", "ICBM152/T1_res-02.nii.gz", "config.ini", "labels.txt"]
NAMES = [f"nipy-templates{part}" for part in ("-1mm", "-2mm", "-texts", "")]
DATA = "share/nipy/nipy/templates"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return in_parts(tmp_path)


def built(source: Path, format: str, out: Path) -> list[Path]:
    """Return the packages of a format, the whole last."""
    return [each.path for each in build(str(source), [formats()[format]], out)]


def found_by_nibabel(prefix: Prefix, version: str = "0.3") -> list[str]:
    found, *files = prefix.run_python(LOOK_UP).split()
    assert found == version
    return sorted(files)


def owners_in(prefix: Prefix) -> list[tuple[str, str, str]]:
    """Return the relpath, owner and state of each data package that is listed."""
    _, listed = nipack("list", "--check", python=prefix.python)
    return [(each["relpath"], each["owner"]["name"], each["check"]) for each in listed]


def is_one_and_intact(prefix: Prefix, files: int) -> None:
    assert owners_in(prefix) == [("nipy/templates", "nipy-templates", "intact")]
    status, [verified] = nipack("verify", "nipy/templates", python=prefix.python)
    assert (status, verified["state"], verified["files"]) == (0, "intact", files)
    status, doctor = nipack("doctor", "nipy/templates", python=prefix.python)
    assert (status, [each["verdict"] for each in doctor["packages"]]) == (0, ["usable"])


def damage(prefix: Prefix) -> list[tuple[str, str]]:
    _, [verified] = nipack("verify", "nipy/templates", python=prefix.python)
    return [(each["path"], each["damage"]) for each in verified["problems"]]


def test_conda_installs_all_by_the_name_of_the_whole(source: Path, prefix: Prefix) -> None:
    *parts, whole = built(source, "conda", source.parent / "dist")
    for part in parts:
        shutil.copy(part, prefix.channel / "noarch")
    said = prefix.conda_install(whole)
    assert all(f"installed {name}-0.3-h" in said for name in NAMES)
    assert found_by_nibabel(prefix) == FILES
    is_one_and_intact(prefix, files=4)
    image = prefix.directory / DATA / IN_PARTS["1mm"]
    image.unlink()
    assert damage(prefix) == [(IN_PARTS["1mm"], "missing")]
    _, doctor = nipack("doctor", "nipy/templates", python=prefix.python)
    [package] = doctor["packages"]
    assert "nipy-templates-1mm" in package["commands"][-1].split("/")[-1]


def test_conda_installs_one_part_alone(source: Path, prefix: Prefix) -> None:
    """The part with the config.ini comes with it, and the rest is not missed."""
    for part in built(source, "conda", source.parent / "dist"):
        shutil.copy(part, prefix.channel / "noarch")
    prefix.conda_install(specs=("nipy-templates-2mm",))
    assert found_by_nibabel(prefix) == FILES[1:]
    is_one_and_intact(prefix, files=3)


def test_pip_installs_all_by_the_name_of_the_whole(source: Path, prefix: Prefix) -> None:
    out = source.parent / "dist"
    built(source, "wheel", out)
    pip = [word for word in PIP if word != "--no-deps"]
    run(prefix.python, *pip, "--find-links", out, "nipy-templates", cwd=prefix.directory)
    assert found_by_nibabel(prefix) == FILES
    is_one_and_intact(prefix, files=4)
    run(prefix.python, "-m", "pip", "check", cwd=prefix.directory)


@pytest.mark.root
@pytest.mark.tools("dpkg", "dpkg-deb")
def test_dpkg_installs_and_updates_one_part(source: Path, tmp_path: Path) -> None:
    system = System(tmp_path / "system")
    debs = built(source, "deb", tmp_path / "dist")
    done = system.dpkg("-i", debs[-1])
    assert "nipy-templates depends on nipy-templates-1mm (= 0.3-1)" in done.stderr
    done = system.dpkg("-i", *debs)
    assert (done.returncode, done.stderr) == (0, "")
    prefix = system.root / "usr"
    run("sha256sum", "--check", "--strict", "share/nipack/nipy-templates/SHA256SUMS", cwd=prefix)
    environment = {"NIPY_DATA_PATH": str(prefix / "share/nipy")}
    _, [listed] = nipack("list", "--check", **environment)
    assert (listed["owner"]["manager"], listed["owner"]["name"]) == ("dpkg", "nipy-templates")
    assert listed["check"] == "intact"


@pytest.mark.root
@pytest.mark.tools("pacman")
def test_pacman_installs_them(source: Path, tmp_path: Path) -> None:
    system = ArchSystem(tmp_path / "arch")
    *parts, whole = built(source, "pacman", tmp_path / "dist")
    assert "unable to satisfy dependency 'nipy-templates-1mm=0.3-1'" in system.said("-U", whole)
    system.pacman("-U", *parts, whole)
    sums = "share/nipack/nipy-templates/SHA256SUMS"
    run("sha256sum", "--check", "--strict", sums, cwd=system.root / "usr")
    for name in NAMES:
        assert "0 altered files" in system.pacman("-Qkk", name)


@pytest.mark.root
@pytest.mark.tools("dpkg", "dpkg-deb")
def test_dpkg_gives_the_files_of_one_package_to_its_parts(source: Path, tmp_path: Path) -> None:
    """A definition that gets parts: the whole had all files before."""
    system = System(tmp_path / "system")
    definition = source / "package.yaml"
    text = definition.read_text("utf-8")
    definition.write_text(text.partition("parts:")[0], "utf-8")
    [one] = built(source, "deb", tmp_path / "one")
    system.install(one)
    definition.write_text(text.replace("parts:", "revision: 1\nparts:"), "utf-8")
    done = system.dpkg("-i", *built(source, "deb", tmp_path / "parts"))
    assert (done.returncode, done.stderr) == (0, "")
    sums = "share/nipack/nipy-templates/SHA256SUMS"
    run("sha256sum", "--check", "--strict", sums, cwd=system.root / "usr")
    assert (system.root / "etc/nipy/nipy_templates.ini").is_file()
    audit = system.dpkg("--audit")
    assert (audit.returncode, audit.stdout) == (0, "")


REPLACES = '\n    replaces: [{part: texts, before: "0.4"}]'


def moved(source: Path, replaces: str = REPLACES) -> None:
    """Let the labels go from the texts to the images of 2 mm, in 0.4 of both and of the whole."""
    (source / "templates/config.ini").write_text("[DEFAULT]\nversion = 0.4\n", "utf-8")
    definition = source / "package.yaml"
    head, first, rest = definition.read_text("utf-8").partition("  - name: 2mm")
    rest = rest.replace('"0.3"', '"0.4"').replace('"*.txt", ', "")
    rest = rest.replace('["*_res-02*"]', '["*_res-02*", "*.txt"]' + replaces)
    definition.write_text(f"{head.replace('0.3', '0.4', 1)}{first}{rest}", "utf-8")


BACK = '\n    replaces: [{part: 2mm, before: "0.5"}]'


def moved_back(source: Path) -> None:
    """Let the labels of 0.4 go back to the texts, which have the config.ini, in 0.5."""
    (source / "templates/config.ini").write_text("[DEFAULT]\nversion = 0.5\n", "utf-8")
    definition = source / "package.yaml"
    text = definition.read_text("utf-8").replace(REPLACES, "").replace(', "*.txt"]', "]")
    text = text.replace('"config.ini"]', f'"*.txt", "config.ini"]{BACK}')
    definition.write_text(text.replace("0.4", "0.5"), "utf-8")


def sums_hold(prefix: Path) -> None:
    sums = "share/nipack/nipy-templates/SHA256SUMS"
    run("sha256sum", "--check", "--strict", "--quiet", sums, cwd=prefix)


@pytest.mark.root
@pytest.mark.tools("dpkg", "dpkg-deb")
def test_dpkg_lets_a_file_move_to_another_part_and_back(source: Path, tmp_path: Path) -> None:
    system = System(tmp_path / "system")
    before = built(source, "deb", tmp_path / "before")
    system.dpkg("-i", *before)
    moved(source, replaces="")
    _, two, *_ = built(source, "deb", tmp_path / "unsaid")
    said = system.dpkg("-i", two).stderr
    assert "trying to overwrite" in said
    assert "which is also in package nipy-templates-texts 0.3-1" in said
    definition = source / "package.yaml"
    text = definition.read_text("utf-8")
    definition.write_text(text.replace('"*.txt"]', f'"*.txt"]{REPLACES}'), "utf-8")
    _, two, texts, whole = built(source, "deb", tmp_path / "after")
    assert (
        "nipy-templates-2mm breaks nipy-templates-texts (<< 0.4)" in system.dpkg("-i", two).stderr
    )

    def installed(*debs: Path) -> str:
        """Install as apt calls dpkg; return the owner of the labels."""
        done = system.dpkg("--auto-deconfigure", "-i", *debs)
        assert done.returncode == 0, done.stderr
        sums_hold(system.root / "usr")
        return system.dpkg("-S", f"/usr/{DATA}/labels.txt").stdout.partition(":")[0]

    assert installed(two, texts, whole) == "nipy-templates-2mm"
    # To what was there before, which knows nothing of the move: the part that had it goes first.
    assert installed(*before) == "nipy-templates-texts"
    assert installed(two, texts, whole) == "nipy-templates-2mm"
    moved_back(source)
    _, two, texts, whole = built(source, "deb", tmp_path / "back")
    assert installed(texts, two, whole) == "nipy-templates-texts"


def install(format: str, prefix: Prefix, packages: list[Path], name: str) -> None:
    """Install the packages, or update them, by a name."""
    if format == "conda":
        for package in packages:
            shutil.copy(package, prefix.channel / "noarch")
        prefix.conda_install(specs=(name,))
    else:
        pip = [word for word in PIP if word != "--no-deps"]
        folder = packages[0].parent
        words = ["--upgrade", "--find-links"]
        run(prefix.python, *pip, *words, folder, name, cwd=prefix.directory)


@pytest.mark.parametrize("format", ["conda", "wheel"])
def test_a_file_moves_to_another_part_and_back(
    format: str, source: Path, prefix: Prefix, tmp_path: Path
) -> None:
    def installed(packages: list[Path], version: str, name: str = "nipy-templates") -> None:
        install(format, prefix, packages, name)
        assert found_by_nibabel(prefix, version) == FILES
        sums_hold(prefix.directory)

    before = built(source, format, tmp_path / "before")
    installed(before, "0.3")
    moved(source)
    after = built(source, format, tmp_path / "after")
    installed(after, "0.4")
    moved_back(source)
    installed(built(source, format, tmp_path / "back"), "0.5")
    # To older versions, which know nothing of a move.
    older = "nipy-templates=" if format == "conda" else "nipy-templates=="
    installed(after, "0.4", f"{older}0.4")
    is_one_and_intact(prefix, files=4)
    if format == "conda":
        installed(before, "0.3", f"{older}0.3")
    else:
        pip_loses_what_moved_and_doctor_brings_it(prefix, before)
    is_one_and_intact(prefix, files=4)


def pip_loses_what_moved_and_doctor_brings_it(prefix: Prefix, before: list[Path]) -> None:
    """Go back to before a move: pip removes the newer part when the older other one is there."""
    install("wheel", prefix, before, "nipy-templates==0.3")
    assert damage(prefix) == [("labels.txt", "missing")]
    _, doctor = nipack("doctor", "nipy/templates", python=prefix.python)
    [command] = doctor["packages"][0]["commands"]
    words = shlex.split(command)
    assert words[-1] == "nipy-templates-texts"
    index = ("--no-index", "--find-links", before[0].parent)
    run(*words, *index, cwd=prefix.directory)
    assert found_by_nibabel(prefix) == FILES


@pytest.mark.root
@pytest.mark.tools("pacman")
def test_pacman_lets_a_file_move_to_another_part_and_back(source: Path, tmp_path: Path) -> None:
    system = ArchSystem(tmp_path / "arch")
    before = built(source, "pacman", tmp_path / "before")
    system.pacman("-U", *before)
    moved(source)
    after = built(source, "pacman", tmp_path / "after")
    moved_back(source)
    for packages in (after, before, after, built(source, "pacman", tmp_path / "back")):
        system.pacman("-U", *packages)
        sums_hold(system.root / "usr")


def in_one_piece(source: Path) -> str:
    """Take the parts away from a definition; return what makes them those of 0.4."""
    definition = source / "package.yaml"
    text = definition.read_text("utf-8")
    definition.write_text(text.partition("parts:")[0], "utf-8")
    return text.replace("0.3", "0.4")


def give_parts(source: Path, text: str) -> None:
    (source / "package.yaml").write_text(text, "utf-8")
    (source / "templates/config.ini").write_text("[DEFAULT]\nversion = 0.4\n", "utf-8")


def test_conda_gives_the_files_of_one_package_to_its_parts(
    source: Path, prefix: Prefix, tmp_path: Path
) -> None:
    text = in_one_piece(source)
    install("conda", prefix, built(source, "conda", tmp_path / "one"), "nipy-templates")
    give_parts(source, text)
    install("conda", prefix, built(source, "conda", tmp_path / "parts"), "nipy-templates")
    assert found_by_nibabel(prefix, "0.4") == FILES
    sums_hold(prefix.directory)


def test_pip_has_to_remove_one_package_before_its_parts(
    source: Path, prefix: Prefix, tmp_path: Path
) -> None:
    text = in_one_piece(source)
    install("wheel", prefix, built(source, "wheel", tmp_path / "one"), "nipy-templates")
    give_parts(source, text)
    wheels = built(source, "wheel", tmp_path / "parts")
    uninstall = ("-m", "pip", "uninstall", "--yes", "nipy-templates")
    run(prefix.python, *uninstall, cwd=prefix.directory)
    install("wheel", prefix, wheels, "nipy-templates")
    assert found_by_nibabel(prefix, "0.4") == FILES
    sums_hold(prefix.directory)


@pytest.mark.root
@pytest.mark.tools("pacman")
def test_pacman_gives_the_files_of_one_package_to_its_parts(source: Path, tmp_path: Path) -> None:
    system = ArchSystem(tmp_path / "arch")
    text = in_one_piece(source)
    system.pacman("-U", *built(source, "pacman", tmp_path / "one"))
    give_parts(source, text)
    system.pacman("-U", *built(source, "pacman", tmp_path / "parts"))
    sums_hold(system.root / "usr")


def test_a_repository_has_them_as_it_has_others(
    source: Path, prefix: Prefix, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    artifacts = [
        path for format in ("conda", "deb", "wheel") for path in built(source, format, tmp_path)
    ]
    run(sys.executable, "-m", "nipack", "publish", *artifacts, repository, "--unsigned")
    by_pip, index = ["-m", "pip", "install", "--quiet"], (repository / "simple").as_uri()
    run(prefix.python, *by_pip, "--index-url", index, "nipy-templates", cwd=prefix.directory)
    is_one_and_intact(prefix, files=4)
    replace(prefix, channel=repository / "conda").conda_install(specs=("nipy-templates",))
    assert owners_in(prefix) == [("nipy/templates", "nipy-templates", "intact")]
    lists = list(repository.glob("**/Packages"))
    assert all(f"Package: {name}\n" in lists[0].read_text("utf-8") for name in NAMES)
