"""The rules of who imports whom, and who speaks and ends."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
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


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """Return every node of a module, which most rules look at."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


@cache
def imports(path: Path) -> frozenset[str]:
    """Return every module that one imports, at its top or within a function."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
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


def below(package: str) -> list[Path]:
    """Return the modules of a package."""
    return [path for path in MODULES if within(name_of(path), package)]


def imported_by(paths: Iterable[Path], *packages: str) -> list[str]:
    """Return who imports what of some packages, as `importer: imported`."""
    return [
        f"{name_of(path)}: {name}"
        for path in paths
        for name in sorted(imports(path))
        if within(name, *packages)
    ]


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


def test_the_runtime_never_imports_the_builder() -> None:
    found = imported_by(RUNTIME, *TOOL)
    assert [each for each in found if not each.startswith("nipack.__main__: nipack.cli")] == []


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
    return {name_of(path): set(imports(path) & names) - {"nipack"} for path in RUNTIME}


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
            rooms = {room_of(name) for name in imports(path) & names if name != package}
            known[room_of(name_of(path))] |= rooms - {room_of(name_of(path)), "nipack"}
    assert some <= known.keys()
    assert other[1] in known[other[0]]
    assert list(TopologicalSorter(known).static_order())  # raises CycleError


def test_formats_never_import_each_other() -> None:
    interface = ("nipack.builder.formats", "nipack.builder.formats.Format")
    found = imported_by(FORMATS, "nipack.builder.formats")
    assert [each for each in found if each.partition(": ")[2] not in interface] == []


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


SPEAKERS = ("nipack.cli", "click", "rich", "argparse")


def test_the_builder_never_imports_the_command_line() -> None:
    assert imported_by(below("nipack.builder"), *SPEAKERS) == []


def others_of_nipack(paths: list[Path], *allowed: str) -> list[str]:
    """Return who imports what of nipack beside some packages."""
    return [
        each
        for each in imported_by(paths, "nipack")
        if each.partition(": ")[2] != "nipack" and not within(each.partition(": ")[2], *allowed)
    ]


def test_repositories_know_artifacts_and_not_what_built_them() -> None:
    # Of the runtime, what package.json means is enough.
    runtime = ("nipack.layout", "nipack.inventory.citations", "nipack.libraries.views")
    tool = ("nipack.publish", "nipack.difference", "nipack.system")
    allowed = (*tool, *runtime, "nipack.libraries.table", "nipack.lookup.json_text")
    assert others_of_nipack(below("nipack.publish"), *allowed) == []
    assert imported_by(below("nipack.publish"), *SPEAKERS) == []


def test_what_artifacts_contain_is_read_without_knowing_any_repository() -> None:
    room = ("nipack.publish.artifacts", "nipack.publish.errors", "nipack.publish.records")
    found = imported_by(below("nipack.publish.artifacts"), "nipack.publish")
    names = {each.partition(": ")[2] for each in found} - {"nipack.publish"}
    assert [name for name in names if not within(name, *room)] == []


def spoken_by(node: ast.AST) -> str:
    """Return what a node says to a person, or asks one, or the process by which it ends."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in ("print", "input", "exit", "quit") else ""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        spoken = f"{node.value.id}.{node.attr}"
        words = ("sys.exit", "sys.argv", "sys.stdout", "sys.stderr", "os._exit")
        return spoken if spoken in words else ""
    return "SystemExit" if isinstance(node, ast.Name) and node.id == "SystemExit" else ""


def test_only_the_command_line_prints_exits_or_reads_its_arguments() -> None:
    wrong = [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}: {spoken}"
        for path in MODULES
        if not within(name_of(path), "nipack.cli")
        for node in nodes_of(path)
        if (spoken := spoken_by(node))
    ]
    assert wrong == []


def is_a_reader_of_json(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        words = ("json.load", "json.loads", "json.JSONDecoder")
        return node.attr in ("load", "loads", "JSONDecoder") and ast.unparse(node) in words
    return isinstance(node, ast.ImportFrom) and node.module in ("json", "orjson", "simplejson")


def test_json_is_read_by_the_one_function_that_has_limits() -> None:
    wrong = [
        f"{name_of(path)}: {ast.unparse(node)}"
        for path in MODULES
        if name_of(path) != "nipack.lookup.json_text"
        for node in nodes_of(path)
        if is_a_reader_of_json(node)
    ]
    assert wrong == []


def test_what_builder_and_repositories_stand_on_knows_neither() -> None:
    above = ("nipack.builder", "nipack.publish", "nipack.difference", "nipack.cli")
    assert imported_by(below("nipack.system"), *above) == []


def test_what_compares_versions_is_for_builder_and_repositories_alike() -> None:
    allowed = ("nipack.difference", "nipack.system", "nipack.layout")
    assert others_of_nipack(below("nipack.difference"), *allowed) == []
