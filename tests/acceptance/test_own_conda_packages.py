"""nipack's own conda packages: built by rattler-build, installed by py-rattler, and used there."""

import json
import sys
import zipfile
from pathlib import Path

import pytest
import rattler_build
from rattler_build.progress import SimpleProgressCallback
from tests.acceptance.systems import REPOSITORY, Build, Prefix, conda_component, run

from nipack import __version__

pytestmark = pytest.mark.slow

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
# What pip writes of an installation, which is another in each environment.
NOTES = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")


@pytest.fixture(scope="module")
def own(session_channel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The packages of nipack's own recipe by name, their own tests passed."""
    output = tmp_path_factory.mktemp("own")
    # The channel has the Python that runs the tests in the place of the oldest.
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = (REPOSITORY / "recipes" / "nipack" / "recipe.yaml").read_text("utf-8")
    text = text.replace('python_min: "3.10"', f'python_min: "{here}"')
    recipe = output / "recipe" / "recipe.yaml"
    recipe.parent.mkdir()
    recipe.write_text(text.replace("path: ../..", f"path: {REPOSITORY}"), "utf-8")
    results = rattler_build.Stage0Recipe.from_file(recipe).run_build(
        tool_config=rattler_build.ToolConfiguration(test_strategy="native"),
        output_dir=output,
        channels=[output.as_uri(), session_channel.as_uri()],
        progress_callback=SimpleProgressCallback(),  # what it prints is shown where it fails
    )
    logs = {each.name: "\n".join(each.log) for each in results}
    for log in logs.values():
        assert "python imports test passed!" in log
        assert "No broken requirements found." in log
    assert "nipack, version" in logs["nipack"]
    assert "Usage: nipack build" in logs["nipack-build"]
    return {each.name: Path(each.packages[0]) for each in results}


@pytest.mark.parametrize(
    ("name", "folder"),
    [("nipack", "."), ("nipack-build", "nipack-build"), ("nipack-autolink", "nipack-autolink")],
)
def test_each_holds_what_its_wheel_holds(
    own: dict[str, Path], tmp_path: Path, name: str, folder: str
) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path,
        REPOSITORY / folder)  # fmt: skip
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        wanted = {name: archive.read(name) for name in archive.namelist()}
    packed = {
        path.removeprefix("site-packages/"): content
        for path, content in conda_component(own[name], "pkg").items()
    }
    assert without_notes(packed) == without_notes(wanted)


def without_notes(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if not path.endswith(NOTES)}


def test_the_runtime_works_alone(
    own: dict[str, Path], build: Build, conda_environment: Prefix
) -> None:
    conda_install = conda_environment.conda_install
    installed = conda_install(own["nipack"], build(EXAMPLE)["conda"])
    names = {line.split()[1].rsplit("-", 2)[0] for line in installed.splitlines()}
    assert names == {"nipack", "nipy-examplepkg", "packaging", "python"}
    assert conda_environment.run_python("import nipack.data, sys; print(sys.prefix)") == str(
        conda_environment.directory
    )
    nipack = conda_environment.directory / "bin" / "nipack"
    assert run(nipack, "--version") == f"nipack, version {__version__}\n"
    data = conda_environment.directory / "share" / "nipy" / "nipy" / "examplepkg"
    assert run(nipack, "where", "nipy/examplepkg") == f"{data}\n"
    verified = run(conda_environment.python, "-m", "nipack", "verify")
    assert verified.startswith(f"nipy/examplepkg 0.1 in {data}: intact to the byte")


def test_a_library_finds_data_when_it_is_imported(
    own: dict[str, Path], build: Build, conda_environment: Prefix, tmp_path: Path
) -> None:
    """The library looks in the user's home; reach tests show real ones."""
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas" / "a.nii").write_bytes(b"a")
    (tmp_path / "package.yaml").write_text(
        "name: nilearn-atlas\nrelpath: nilearn_data/atlas\nversion: '1.0'\n"
        "source: {address: atlas}\n",
        "utf-8",
    )
    conda_environment.conda_install(own["nipack"], own["nipack-autolink"], build(tmp_path)["conda"])
    site = conda_environment.run_python("import nipack; print(nipack.__path__[0])")
    (Path(site).parent / "nilearn.py").touch()
    home = tmp_path / "home"
    home.mkdir()
    run(conda_environment.python, "-c", "import nilearn", env={"HOME": str(home)})
    assert (home / "nilearn_data" / "atlas" / "a.nii").read_bytes() == b"a"


def test_the_tool_builds_and_finds_data(
    own: dict[str, Path], build: Build, conda_environment: Prefix, tmp_path: Path
) -> None:
    conda_environment.conda_install(*own.values(), build(EXAMPLE)["conda"])
    nipack = conda_environment.directory / "bin" / "nipack"
    assert run(nipack, "--version").startswith("nipack, version ")
    data = conda_environment.directory / "share" / "nipy" / "nipy" / "examplepkg"
    assert run(nipack, "where", "nipy/examplepkg", cwd=tmp_path) == f"{data}\n"
    said = run(nipack, "build", EXAMPLE, "-o", tmp_path / "built", "--json", cwd=tmp_path)
    assert {each["format"] for each in json.loads(said)["artifacts"]} == {"conda", "deb"}
