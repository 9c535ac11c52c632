"""The rules of who imports whom, and who speaks and ends."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

SOURCE = REPOSITORY / "src" / "nipack"
MODULES = sorted(SOURCE.rglob("*.py"))
FORMATS = sorted((SOURCE / "builder" / "formats").glob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Yield every module that one imports, at its top or within a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = str(node.module or "")
            if node.level:
                package = path.relative_to(SOURCE.parent).parts[: -node.level]
                module = ".".join([*package, module]).rstrip(".")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


TOOL = (
    "nipack.builder",
    "nipack.cli",
    "nipack.difference",
    "nipack.publish",
    "nipack.system",
)
RUNTIME = [path for path in MODULES if not within(name_of(path), *TOOL)]


def test_the_rules_are_about_something() -> None:
    assert len(MODULES) > 20
    assert {name_of(path) for path in RUNTIME} >= {"nipack", "nipack.data", "nipack.environment"}
    assert len(FORMATS) >= 3


@pytest.mark.parametrize("path", RUNTIME, ids=name_of)
def test_the_runtime_never_imports_the_builder(path: Path) -> None:
    allowed = "nipack.cli" if path.name == "__main__.py" else "nothing"
    wrong = [name for name in imports(path) if within(name, *TOOL) and not within(name, allowed)]
    assert wrong == []


# The rooms of the runtime and the modules beside them, each above all that it may know.
FLOORS = (
    ("nipack.environment", "nipack.layout"),
    ("nipack.lookup",),
    ("nipack.inventory",),
    ("nipack.advice",),
    ("nipack.libraries",),
    ("nipack.questions",),
    ("nipack.data",),
    ("nipack",),
    ("nipack.__main__",),
)


def floor_of(name: str) -> int:
    """Return how high a module of the runtime stands."""
    [floor] = [
        number
        for number, names in enumerate(FLOORS)
        if any(name == each or (each != "nipack" and within(name, each)) for each in names)
    ]
    return floor


def runtime_imports() -> dict[str, set[str]]:
    """Return which modules of the runtime each of them imports, be it late or for its types."""
    names = {name_of(path) for path in RUNTIME}
    # `from .. import layout` runs the package as well, which itself imports nothing at its top.
    return {name_of(path): (set(imports(path)) & names) - {"nipack"} for path in RUNTIME}


def test_every_module_of_the_runtime_knows_only_what_is_below_it_or_beside_it() -> None:
    known = runtime_imports()
    wrong = [
        f"{name} imports {each}"
        for name, imported in known.items()
        for each in imported
        if floor_of(each) > floor_of(name)
    ]
    assert wrong == []
    assert "nipack.advice.missing" in known["nipack.data"]


def test_no_modules_of_the_runtime_know_each_other() -> None:
    """Not within a function, and not for their types alone."""
    known = runtime_imports()
    for name in known:
        known[name] -= {name}
    assert list(TopologicalSorter(known).static_order())  # raises CycleError


@pytest.mark.parametrize(
    ("package", "some", "other"),
    [
        ("nipack.builder", {"definition", "source", "check", "formats"}, ("formats", "package")),
        ("nipack.publish", {"artifacts", "stores", "catalogue"}, ("ecosystems", "artifacts")),
    ],
)
def test_no_two_rooms_of_the_tool_know_each_other(
    package: str, some: set[str], other: tuple[str, str]
) -> None:
    """A room is a folder, or a module beside the folders."""

    def room_of(name: str) -> str:
        return name.removeprefix(f"{package}.").partition(".")[0]

    known = defaultdict[str, set[str]](set)
    names = {name_of(path) for path in MODULES}
    for path in MODULES:
        if within(name_of(path), package):
            rooms = {room_of(name) for name in set(imports(path)) & names if name != package}
            known[room_of(name_of(path))] |= rooms - {room_of(name_of(path)), "nipack"}
    assert some <= known.keys()
    assert other[1] in known[other[0]]
    assert list(TopologicalSorter(known).static_order())  # raises CycleError


@pytest.mark.parametrize("path", FORMATS, ids=name_of)
def test_formats_never_import_each_other(path: Path) -> None:
    interface = ("nipack.builder.formats", "nipack.builder.formats.Format")
    others = [name for name in imports(path) if within(name, "nipack.builder.formats")]
    assert [name for name in others if name not in interface] == []


@pytest.mark.parametrize(
    ("package", "attribute", "interface"),
    [
        ("nipack.builder.formats", "FORMAT", "Format"),
        ("nipack.builder.recipes", "RECIPE", "RecipeFormat"),
    ],
)
def test_what_is_registered_says_its_type(package: str, attribute: str, interface: str) -> None:
    """So the type checker holds it against the interface."""
    found = 0
    for path in MODULES:
        if name_of(path).rpartition(".")[0] == package and path.name != "__init__.py":
            annotated = [
                ast.unparse(node.annotation)
                for node in ast.parse(path.read_text("utf-8")).body
                if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == attribute
            ]
            assert annotated == [interface], path
            found += 1
    assert found >= 3


def test_formats_load_neither_checks_nor_the_network() -> None:
    """A package that was read has been checked; what packs it reads no source."""
    names = [name_of(path) for path in FORMATS]
    program = f"import sys\nfor name in {names}: __import__(name)\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = set(run.stdout.decode().split())
    assert loaded >= {*names, "nipack.builder.package"}
    unwanted = ("nipack.builder.check", "nipack.builder.source", "nipack.builder.reading")
    assert [name for name in loaded if within(name, *unwanted, "requests", "urllib3")] == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if within(name_of(path), "nipack.builder")], ids=name_of
)
def test_the_builder_never_imports_the_command_line(path: Path) -> None:
    speakers = ("nipack.cli", "click", "rich", "argparse")
    assert [name for name in imports(path) if within(name, *speakers)] == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if within(name_of(path), "nipack.publish")], ids=name_of
)
def test_repositories_know_artifacts_and_not_what_built_them(path: Path) -> None:
    # Of the runtime, what package.json means is enough.
    runtime = ("nipack.layout", "nipack.inventory.citations", "nipack.libraries.views")
    tool = ("nipack.publish", "nipack.difference", "nipack.system")
    allowed = (*tool, *runtime, "nipack.libraries.table", "nipack.lookup.json_text")
    wrong = [
        name
        for name in imports(path)
        if within(name, "nipack") and name != "nipack" and not within(name, *allowed)
    ]
    assert wrong == []
    speakers = ("click", "rich", "argparse")
    assert [name for name in imports(path) if within(name, *speakers)] == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if within(name_of(path), "nipack.publish.artifacts")],
    ids=name_of,
)
def test_what_artifacts_contain_is_read_without_knowing_any_repository(path: Path) -> None:
    room = ("nipack.publish.artifacts", "nipack.publish.errors", "nipack.publish.records")
    wrong = [
        name
        for name in imports(path)
        if within(name, "nipack.publish") and name != "nipack.publish" and not within(name, *room)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if not within(name_of(path), "nipack.cli")], ids=name_of
)
def test_only_the_command_line_prints_exits_or_reads_its_arguments(path: Path) -> None:
    wrong = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("print", "input", "exit", "quit"):
                wrong.append(f"{path.name}:{node.lineno}: {node.func.id}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            spoken = f"{node.value.id}.{node.attr}"
            if spoken in ("sys.exit", "sys.argv", "sys.stdout", "sys.stderr", "os._exit"):
                wrong.append(f"{path.name}:{node.lineno}: {spoken}")
        elif isinstance(node, ast.Name) and node.id == "SystemExit":
            wrong.append(f"{path.name}:{node.lineno}: SystemExit")
    assert wrong == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if name_of(path) != "nipack.lookup.json_text"], ids=name_of
)
def test_json_is_read_by_the_one_function_that_has_limits(path: Path) -> None:
    wrong = [
        f"{path.name}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node) in ("json.load", "json.loads", "json.JSONDecoder")
        )
        or (isinstance(node, ast.ImportFrom) and node.module in ("json", "orjson", "simplejson"))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if within(name_of(path), "nipack.system")], ids=name_of
)
def test_what_builder_and_repositories_stand_on_knows_neither(path: Path) -> None:
    above = ("nipack.builder", "nipack.publish", "nipack.difference", "nipack.cli")
    assert [name for name in imports(path) if within(name, *above)] == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if within(name_of(path), "nipack.difference")], ids=name_of
)
def test_what_compares_versions_is_for_builder_and_repositories_alike(path: Path) -> None:
    allowed = ("nipack.difference", "nipack.system", "nipack.layout")
    wrong = [
        name
        for name in imports(path)
        if within(name, "nipack") and name != "nipack" and not within(name, *allowed)
    ]
    assert wrong == []
