"""The runtime and the tool are two distributions of one package, which may lie apart."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from tests.conftest import REPOSITORY
from tests.distributions import SOURCE, put, runtime_files, tool_files
from tests.test_import_rules import imports, name_of

from nipack import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOOL = REPOSITORY / "nipack-build"
# Every command of the runtime asks for it, and does with what there is where it is not.
ASKED_FOR = {("nipack.cli", "nipack.cli.app")}


def test_both_state_one_version_and_the_tool_takes_no_other_runtime() -> None:
    runtime, tool = (
        tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        for folder in (REPOSITORY, TOOL)
    )
    assert runtime["version"] == tool["version"] == __version__
    required = {each.name: each for each in map(Requirement, tool["dependencies"])}
    assert str(required["nipack"].specifier) == f"=={__version__}"
    assert (TOOL / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_every_place_states_the_same_address() -> None:
    projects = [
        tomllib.loads((REPOSITORY / folder / "pyproject.toml").read_text("utf-8"))["project"]
        for folder in (".", "nipack-build", "nipack-autolink")
    ]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    assert [each["urls"] for each in projects] == [{"Homepage": citation["url"]}] * 3
    recipe = (REPOSITORY / "recipes" / "nipack" / "recipe.yaml").read_text("utf-8")
    assert set(re.findall(r"homepage: (\S+)", recipe)) == {citation["url"]}


def test_the_documentation_is_built_with_the_extra_and_no_second_list() -> None:
    metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    assert metadata["dependency-groups"]["docs"] == ["nipack[docs]"]
    extra = {each.name: each for each in map(Requirement, docs_extra())}
    assert str(extra["nipack-build"].specifier) == f"=={__version__}"
    configuration = (REPOSITORY / "docs" / "conf.py").read_text("utf-8")
    loaded = re.findall(r'"(myst_parser|sphinx_\w+|pydata_sphinx_theme)"', configuration)
    assert {each.replace("_", "-") for each in loaded} <= extra.keys()
    assert len(loaded) == 5
    script = (REPOSITORY / "scripts" / "docs").read_text("utf-8")
    assert "set_up docs\n" in script
    assert " -W " in script


def docs_extra() -> list[str]:
    """Return the requirements of `nipack[docs]`."""
    metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    found: list[str] = metadata["project"]["optional-dependencies"]["docs"]
    return found


@pytest.mark.slow(1)
def test_the_runtime_needs_nothing_of_the_tool() -> None:
    tool = {name_of(SOURCE / name) for name in tool_files() if name.endswith(".py")}
    assert {"nipack.builder", "nipack.system", "nipack.cli.app"} <= tool
    wrong = {
        (name_of(SOURCE / name), imported)
        for name in runtime_files()
        if name.endswith(".py")
        for imported in imports(SOURCE / name)
        if imported in tool
    }
    assert wrong == ASKED_FOR


def run_in(*sites: Path, code: str) -> str:
    """Run code in a Python that sees these site directories, and the tests' libraries after."""
    libraries = [path for path in sys.path if path.endswith("-packages")]
    paths = [*map(str, sites), *libraries]
    program = f"import sys; sys.path[:0] = {paths!r}; sys.argv[0] = 'nipack'\n{code}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


WHERE = """
import nipack.builder, nipack.cli.app, nipack.data
print(*[module.__file__ for module in (nipack.data, nipack.builder, nipack.cli.app)])
"""


@pytest.mark.parametrize("first", ["tool", "runtime"])
@pytest.mark.slow
def test_the_tool_may_lie_elsewhere_than_the_runtime(tmp_path: Path, first: str) -> None:
    runtime = put(runtime_files(), tmp_path / "runtime")
    tool = put(tool_files(), tmp_path / "tool")
    sites = (tool, runtime) if first == "tool" else (runtime, tool)
    assert run_in(*sites, code=WHERE).split() == [
        str(runtime / "nipack" / "data.py"),
        str(tool / "nipack" / "builder" / "__init__.py"),
        str(tool / "nipack" / "cli" / "app.py"),
    ]
    said = run_in(*sites, code="from nipack.cli import main; sys.argv[1:] = ['-V']; main()")
    assert said == f"nipack, version {__version__}"


@pytest.mark.slow(1)
def test_the_tool_of_an_environment_comes_before_that_of_the_system(tmp_path: Path) -> None:
    system = put(runtime_files() | tool_files(), tmp_path / "system")
    own = put(tool_files(), tmp_path / "own")
    assert run_in(own, system, code=WHERE).split() == [
        str(system / "nipack" / "data.py"),
        str(own / "nipack" / "builder" / "__init__.py"),
        str(own / "nipack" / "cli" / "app.py"),
    ]


def test_a_folder_that_is_called_nipack_is_not_the_tool(tmp_path: Path) -> None:
    runtime = put(runtime_files(), tmp_path / "runtime")
    (tmp_path / "cwd" / "nipack" / "cli").mkdir(parents=True)
    (tmp_path / "cwd" / "nipack" / "cli" / "app.py").write_text("raise SystemExit('taken')\n")
    said = run_in(tmp_path / "cwd", runtime, code="import nipack\nprint(nipack.__path__)")
    assert said == str([str(runtime / "nipack")])


def build(folder: Path, kind: str, target: Path) -> Path:
    """Build a source tarball or a wheel with the back end; returns it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    [made] = target.iterdir()
    return made


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel but for the list of them, whose order is the builder's."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")
        }


@pytest.mark.parametrize("folder", [REPOSITORY, TOOL], ids=["nipack", "nipack-build"])
@pytest.mark.slow
def test_each_source_tarball_builds_alone(folder: Path, tmp_path: Path) -> None:
    wanted = contents(build(folder, "wheel", tmp_path / "wheel"))
    sdist = build(folder, "sdist", tmp_path / "sdist")
    subprocess.run(["tar", "-xf", sdist, "-C", tmp_path], check=True)
    [tree] = [path for path in tmp_path.iterdir() if path.name.startswith("nipack")]
    made = contents(build(tree, "wheel", tmp_path / "again"))
    assert made == wanted
    modules = tool_files() if folder == TOOL else runtime_files()
    assert {name for name in made if name.startswith("nipack/")} == modules
