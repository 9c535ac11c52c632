"""pip installs the wheel and the source tarball; unmodified nibabel and nipy find the data."""

import gzip
import sys
import tarfile
from pathlib import Path

import nibabel
import pytest
from tests.acceptance.systems import Build, Prefix, run
from tests.acceptance.test_nipy import LOAD, mni_image
from tests.conftest import MakeTree

pytestmark = pytest.mark.slow

PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps",
       "--no-build-isolation")  # fmt: skip
LOOK_UP = """
from nibabel.data import make_datasource
source = make_datasource({"relpath": "nipy/templates"})
print(source.version, source.get_filename("ICBM152", "2mm", "T1.nii.gz"))
"""


@pytest.fixture
def templates(make_tree: MakeTree) -> Path:
    """Real images in the place of nipy's templates."""
    image = mni_image()
    files = {"ICBM152/2mm/T1.nii.gz": image, "ICBM152/1mm/T1_brain.nii.gz": image}
    return make_tree(files)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_nibabel_and_nipy_find_what_pip_installs(
    kind: str, build: Build, prefix: Prefix, templates: Path
) -> None:
    artifact = build(templates, "-f", kind)[kind]
    run(prefix.python, *PIP, artifact, cwd=prefix.directory)
    data = prefix.directory / "share" / "nipy" / "nipy" / "templates"
    image = data / "ICBM152" / "2mm" / "T1.nii.gz"
    assert image.read_bytes() == mni_image()
    assert prefix.run_python(LOOK_UP) == f"0.3 {image}"
    assert prefix.run_python(LOAD) == f"True 0.3 {image} (197, 233, 189)"
    sums = "share/nipack/nipy-templates/SHA256SUMS"
    run("sha256sum", "--check", "--strict", sums, cwd=prefix.directory)
    run(prefix.python, "-m", "pip", "uninstall", "--yes", "nipy-templates", cwd=prefix.directory)
    assert not image.exists()


def test_sdist_installs_below_any_prefix(build: Build, templates: Path, tmp_path: Path) -> None:
    sdist = build(templates, "-f", "sdist")["sdist"]
    run(sys.executable, *PIP, f"--prefix={tmp_path / 'my' / 'prefix'}", sdist)
    data = tmp_path / "my" / "prefix" / "share" / "nipy" / "nipy" / "templates"
    assert (data / "config.ini").read_text("utf-8") == "[DEFAULT]\nversion = 0.3\n"
    assert (data / "ICBM152" / "2mm" / "T1.nii.gz").read_bytes() == mni_image()


def test_build_makes_the_same_files_of_it_again(
    build: Build, make_tree: MakeTree, tmp_path: Path
) -> None:
    sdist = build(make_tree(), "-f", "sdist")["sdist"]
    unpack(sdist, tmp_path)
    before = members(sdist)
    tree = tmp_path / "nipy-templates-0.3"
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", tree)
    [again] = (tree / "dist").iterdir()
    after = members(again)
    # setuptools writes PKG-INFO in words of its own, and these two.
    added = {name for name in after if "egg-info" in name} | {"setup.cfg", "PKG-INFO"}
    assert {name: after.get(name) for name in before.keys() - added} == {
        name: content for name, content in before.items() if name not in added
    }
    assert after.keys() - before.keys() <= added


def test_a_version_of_its_own_goes_without_the_records(
    build: Build, make_tree: MakeTree, tmp_path: Path
) -> None:
    """The NIPY design: change the version in config.ini, make a tarball, upload."""
    unpack(build(make_tree(), "-f", "sdist")["sdist"], tmp_path)
    tree = tmp_path / "nipy-templates-0.3"
    (tree / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 0.4\n", "utf-8")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", tree)
    run(sys.executable, *PIP, f"--prefix={tmp_path / 'prefix'}",
        tree / "dist" / "nipy_templates-0.4.tar.gz")  # fmt: skip
    share = tmp_path / "prefix" / "share"
    assert (share / "nipy" / "nipy" / "templates" / "T1.nii.gz").is_file()
    assert not (share / "nipack").exists()


def unpack(tarball: Path, target: Path) -> None:
    """Unpack with tar: the tarfile of Debian 12's Python 3.11.2 has no filters."""
    run("tar", "-xf", tarball, "-C", target)


def members(sdist: Path) -> dict[str, bytes]:
    """Return the files of a source tarball, without its top folder."""
    with tarfile.open(sdist) as tar:
        files = [(info.name.partition("/")[2], tar.extractfile(info)) for info in tar]
        return {name: stream.read() for name, stream in files if stream is not None}


def test_twine_has_nothing_to_say(build: Build, make_tree: MakeTree, tmp_path: Path) -> None:
    artifacts = build(make_tree(), "-f", "sdist", "-f", "wheel")
    run(sys.executable, "-m", "twine", "check", "--strict", *artifacts.values())


@pytest.mark.shared
def test_the_first_public_tarball_gives_one_that_works(
    build: Build, prefix: Prefix, real_tarball: Path
) -> None:
    artifacts = build(real_tarball, "-f", "sdist", "-f", "wheel", "-f", "conda", "-f", "deb")
    assert set(artifacts) == {"sdist", "wheel", "conda", "deb"}
    old, new = members(real_tarball), members(artifacts["sdist"])
    payload = {name for name in old if name.startswith("templates/")}
    assert {name: new[name] for name in payload} == {name: old[name] for name in payload}
    run(prefix.python, *PIP, artifacts["sdist"], cwd=prefix.directory)
    found = prefix.run_python(LOOK_UP)
    image = prefix.directory / "share/nipy/nipy/templates/ICBM152/2mm/T1.nii.gz"
    assert found == f"0.1 {image}"
    content = gzip.decompress(image.read_bytes())
    assert nibabel.Nifti1Image.from_bytes(content).shape == (91, 109, 91)


@pytest.mark.shared
def test_the_first_public_tarball_through_every_command(
    build: Build, prefix: Prefix, real_tarball: Path, tmp_path: Path
) -> None:
    """init, check, bump and build of an unpacked release of 2009; its images stay as they are."""
    nipack = (sys.executable, "-m", "nipack")
    unpack(real_tarball, tmp_path)
    tree = tmp_path / "nipy-templates-0.1"
    images = {path: path.read_bytes() for path in tree.rglob("*.nii.gz")}
    run(*nipack, "init", real_tarball, "-o", tmp_path / "definition")
    assert " error" not in run(*nipack, "check", tmp_path / "definition")
    run(*nipack, "init", tree, "-o", tree)
    said = run(*nipack, "bump", "minor", tree)
    assert said.count("version 0.1 is now 0.2") == 2
    artifacts = build(tree, "-f", "sdist", "-f", "wheel", "-f", "conda", "-f", "deb")
    assert artifacts["sdist"].name == "nipy-templates-0.2.tar.gz"
    run(prefix.python, *PIP, artifacts["wheel"], cwd=prefix.directory)
    assert prefix.run_python(LOOK_UP).startswith("0.2 ")
    assert {path: path.read_bytes() for path in images} == images
