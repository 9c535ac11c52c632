"""Break a line of nipack at a time, and see whether the quick tests of it fail.

A mutant is the source with one change: another comparison, `or` for `and`, a condition that is
turned round, a number one higher, another text, a call or a `return` left out.  Some of an area are
taken by a seed, the same ones each time.  The tests of a mutant run in a process that was forked
for it, with a copy of src/ before the real one on the path, and nothing of the checkout is written.
"""

import argparse
import ast
import copy
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src"
RECORD = REPOSITORY / "scripts" / "mutated.json"
LONGEST = 100  # characters of source in the name of a mutant


@dataclass(frozen=True, slots=True)
class Area:
    """Modules, below src/nipack, and the tests that are to hold what they do."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


# Tests in the order in which they are run: those which say the most in the least time come first.
AREAS = {
    "look-up": Area(
        modules=("lookup/*.py",),
        tests=(
            *(f"tests/lookup/test_{name}.py" for name in ("ini", "version", "records", "files")),
            *("tests/lookup/test_search.py", "tests/test_data.py", "tests/inventory"),
            *("tests/advice", "tests/lookup"),
        ),
    ),
    "unpacking": Area(
        modules=(
            *("builder/source/unpack.py", "builder/source/folders.py"),
            *(f"builder/archive/{name}.py" for name in ("members", "streams", "zipped", "whole")),
            *("builder/archive/compression.py", "builder/archive/growing.py"),
        ),
        tests=(
            *("tests/builder/archive", "tests/builder/source/test_hostile_archives.py"),
            *("tests/builder/source/test_source.py", "tests/builder/source/test_several.py"),
            "tests/builder/test_reading.py",
        ),
    ),
    "manifest": Area(
        modules=(
            *("builder/manifest.py", "inventory/payload.py", "layout.py"),
            "publish/artifacts/contents.py",
        ),
        tests=(
            *("tests/builder/test_manifest.py", "tests/test_layout.py", "tests/inventory"),
            *("tests/builder/test_parts.py", "tests/publish/artifacts/test_damaged_artifacts.py"),
            "tests/publish/client/test_parts.py",
        ),
    ),
    "verification": Area(
        modules=("inventory/verification.py", "publish/verification.py", "builder/flows/build.py"),
        tests=(
            *("tests/inventory/test_verification.py", "tests/cli/test_verify.py"),
            *("tests/publish/test_verification.py", "tests/builder/flows/test_build.py"),
        ),
    ),
    "escaping": Area(
        modules=("builder/escaping.py", "builder/rendering.py", "cli/visible.py"),
        tests=(
            *("tests/builder/test_rendering.py", "tests/builder/test_escaping.py"),
            *("tests/cli/test_visible.py", "tests/builder/recipes/test_contract.py"),
            "tests/builder/recipes",
        ),
    ),
    "publish": Area(
        modules=(
            *(f"publish/{name}.py" for name in ("flow", "log", "records", "indexes", "packages")),
            *("publish/retraction.py", "publish/signing.py", "publish/stores/folder.py"),
        ),
        tests=(
            *("tests/publish/test_records.py", "tests/publish/test_hostile_json.py"),
            *("tests/publish/test_verification.py", "tests/publish/test_publish.py"),
            *("tests/publish/test_retraction.py", "tests/publish/test_carried.py"),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """The so-manieth change of a module, and what is other then."""

    module: str
    number: int
    function: str
    before: str
    after: str

    @property
    def name(self) -> str:
        """Return what names it whatever else of the module changes."""
        return f"{self.module}: {self.function}: {self.before} -> {self.after}"


_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.Pow: ast.Mult,
}  # fmt: skip
# Words for people, annotations and what is not run: no mutant is made within them.
_SPOKEN = ("debug", "info", "warning", "error")


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node may become; the node itself is left as it is."""
    other = copy.deepcopy(node)
    match other:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            other.ops = [_COMPARISONS[type(op)]()]
            yield other
        case ast.BoolOp(op=op):
            other.op = ast.And() if isinstance(op, ast.Or) else ast.Or()
            yield other
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            other.op = _OPERATORS[type(op)]()
            yield other
        case ast.UnaryOp(op=ast.Not()):
            yield other.operand
        case ast.If() | ast.IfExp() | ast.While() if not isinstance(other.test, ast.Compare):
            other.test = ast.UnaryOp(ast.Not(), other.test)
            yield other
        case ast.Constant(value=bool()):
            yield ast.Constant(not other.value)
        case ast.Constant(value=int()):
            yield ast.Constant(other.value + 1)
        case ast.Constant(value=str()):
            yield ast.Constant(f"{other.value}~" if other.value else "~")
        case ast.Constant(value=bytes()):
            yield ast.Constant(other.value + b"~")
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.AugAssign():
            yield ast.Pass()
        case ast.Raise():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case _:
            return


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_left_alone(node: ast.AST) -> bool:
    """Tell whether nothing of a node is run, or all of it is words for people."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=name)):
            return name in _SPOKEN
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
            return True
        case _:
            return False


def _places(
    node: ast.AST, function: str = ""
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, str]]:
    """Yield each node that may be changed: its parent, field, index, itself, and its function."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        if isinstance(node, ast.Raise):
            continue
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__all__", "log"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield node, field, index, child, function
                yield from _places(child, function)


def mutants(path: Path) -> list[Mutant]:
    """Return every mutant of a module, in the order of its text."""
    module = path.relative_to(SOURCE / "nipack").as_posix()
    return [
        Mutant(module, number, function or "module", _shown(node, parent), _shown(other, parent))
        for number, (parent, _, _, node, other, function) in enumerate(_changes(_parsed(module)))
    ]


def text_of(mutant: Mutant) -> str:
    """Return the whole text of a module with its change."""
    tree = _parsed(mutant.module)
    parent, field, index, _, other, _ = list(_changes(tree))[mutant.number]
    if index is None:
        setattr(parent, field, other)
    else:
        getattr(parent, field)[index] = other
    return ast.unparse(ast.fix_missing_locations(tree))


def _parsed(module: str) -> ast.Module:
    return ast.parse((SOURCE / "nipack" / module).read_text("utf-8"))


def _changes(
    tree: ast.Module,
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, ast.AST, str]]:
    """Yield each place of a module with what may stand there instead."""
    for parent, field, index, node, function in _places(tree):
        for other in _changed(node):
            yield parent, field, index, node, other, function


def _shown(node: ast.AST, parent: ast.AST) -> str:
    """Return the first line of a node's source, a constant's with what it stands in."""
    line = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).partition("\n")[0]
    within = isinstance(node, ast.Constant) and isinstance(parent, ast.expr)
    line = f"{line} in {ast.unparse(parent).partition(chr(10))[0]}" if within else line
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def every(area: Area) -> dict[str, Mutant]:
    """Return all mutants of an area by their names, one of each name."""
    paths = sorted({path for glob in area.modules for path in (SOURCE / "nipack").glob(glob)})
    return {mutant.name: mutant for path in paths for mutant in mutants(path)}


def sample(area: Area, seed: int, count: int) -> list[Mutant]:
    """Return some mutants of an area, the same for a seed as long as its source is."""
    known = list(every(area).values())
    return random.Random(seed).sample(known, min(count, len(known)))


class Trials:
    """A copy of the source, of which one module at a time is a mutant."""

    def __init__(self, folder: Path, seconds: float) -> None:
        """Copy the source, and let every program read the copy."""
        folder.chmod(0o755)  # some tests ask as another user
        self.source, self.seconds = folder / "src", seconds
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SOURCE / "nipack", self.source / "nipack", ignore=ignored)
        os.environ["PYTHONPATH"] = str(self.source)
        sys.path.insert(0, str(self.source))
        sys.path.insert(0, str(REPOSITORY))

    def fails(self, mutant: Mutant, tests: tuple[str, ...]) -> str:
        """Return why the tests fail with a mutant, "" if they pass."""
        path = self.source / "nipack" / mutant.module
        original = path.read_text("utf-8")
        try:
            self._write(path, text_of(mutant))
            return self.run(tests)
        finally:
            self._write(path, original)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        # Python compares size and whole seconds of what it has compiled.
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()

    def run(self, tests: tuple[str, ...]) -> str:
        """Return why tests fail as things are, "" if they pass."""
        place = Path(tempfile.mkdtemp(dir=self.source.parent))
        words = [*tests, "-q", "-x", "-m", "not slow", "--basetemp", str(place / "tests")]
        process = os.fork()
        if process == 0:
            _become_pytest([*words, "-p", "no:cacheprovider"], place / "said")
        try:
            status = self._ended(process)
            if status == 0:
                return ""
            said = (place / "said").read_text("utf-8", "replace").splitlines()
            failed = [line for line in said if line.startswith(("FAILED", "ERROR"))]
            return (
                "too long" if status is None else [*failed, *said[-1:], f"ended with {status}"][0]
            )
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _ended(self, process: int) -> int | None:
        """Wait for a process; return its status, or end it and its own if it takes too long."""
        end = time.monotonic() + self.seconds
        status = None
        while time.monotonic() < end:
            found, state = os.waitpid(process, os.WNOHANG)
            if found:
                status = os.waitstatus_to_exitcode(state)
                break
            time.sleep(0.05)
        try:
            os.killpg(process, signal.SIGKILL)
        except ProcessLookupError:
            return status
        if status is None:
            os.waitpid(process, 0)
        return status


def _become_pytest(words: list[str], said: Path) -> None:
    """Run pytest and end: this process was forked for it."""
    os.setsid()
    opened = os.open(said, os.O_RDWR | os.O_CREAT)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    os.chdir(REPOSITORY)
    status: int
    import pytest

    try:
        status = int(pytest.main(words, plugins=[_InOrder()]))
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)


class _InOrder:
    """Has pytest run files as they were named, not the longest first."""

    def pytest_collection_finish(self, session: Any) -> None:
        """Sort what was collected, after all who may have sorted it."""
        names = session.config.args

        def place(item: Any) -> int:
            path = item.path.relative_to(REPOSITORY).as_posix()
            return min(n for n, name in enumerate(names) if f"{path}/".startswith(f"{name}/"))

        session.items.sort(key=place)


def _import_what_tests_need() -> None:
    """Import what is not nipack's own, once for all mutants."""
    for name in (
        *("jinja2", "nibabel", "numpy", "pytest", "requests", "rich.console"),
        *("click", "pgpy", "yaml", "jsonschema", "PIL.Image", "debian.deb822", "trustme"),
    ):
        try:
            __import__(name)
        except ImportError:
            continue


def main() -> int:
    """Try mutants; return 1 if any survives that is not known to do the same as the original."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40, help="mutants of each area (default 40)")
    parser.add_argument("--seconds", type=float, default=240, help="for the tests of one mutant")
    parser.add_argument("--again", action="store_true", help="only what survived the last time")
    parser.add_argument("--record", action="store_true", help=f"note it in {RECORD.name}")
    options = parser.parse_args()
    if unknown := set(options.areas) - set(AREAS):
        parser.error(f"{', '.join(sorted(unknown))}: is not an area; use {', '.join(AREAS)}")
    _import_what_tests_need()
    survived = 0
    with tempfile.TemporaryDirectory(prefix="mutants") as folder:
        trials = Trials(Path(folder), options.seconds)
        for name in options.areas or AREAS:
            survived += _tried(name, trials, options)
    return 1 if survived else 0


def _tried(name: str, trials: Trials, options: argparse.Namespace) -> int:
    """Try the mutants of an area; return how many survived and should not have."""
    area, record = AREAS[name], json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    known = record.get(name, {}).get(str(options.seed), {})
    equivalent = known.get("equivalent", {})
    if why := trials.run(area.tests):
        print(f"{name}: the tests fail without a mutant: {why}")
        return 1
    survivors: list[str] = []
    if options.again:
        there = every(area)
        chosen = [there[each] for each in known.get("survived", ()) if each in there]
        # What is written otherwise now cannot be tried, and is not called noticed.
        survivors = [each for each in known.get("survived", ()) if each not in there]
    else:
        chosen = sample(area, options.seed, options.count)
    for number, mutant in enumerate(chosen, 1):
        why = "" if mutant.name in equivalent else trials.fails(mutant, area.tests)
        if not why:
            survivors.append(mutant.name)
        print(f"{name} {number}/{len(chosen)}: {mutant.name}: {why or 'SURVIVED'}", flush=True)
    real = [each for each in survivors if each not in equivalent]
    print(f"{name}: {len(real)} survived of {len(chosen)}, {len(equivalent)} known as equivalent")
    if options.record:
        seed = {
            "tried": known["tried"] if options.again else len(chosen),
            "survived_at_first": known["survived_at_first"] if "tried" in known else len(real),
            "survived": real,
            "equivalent": equivalent,
        }
        record.setdefault(name, {})[str(options.seed)] = seed
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return len(real)


if __name__ == "__main__":
    sys.exit(main())
