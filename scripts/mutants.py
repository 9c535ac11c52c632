"""What a mutant is: the source of a module with one change.

Another comparison, `or` for `and`, a condition that is turned round, a number one higher, another
text, a call or a `return` left out.  Words for people, annotations and imports are left alone.
"""

import ast
import codecs
import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
LONGEST = 100  # characters of source in the name of a mutant


@dataclass(frozen=True, slots=True)
class Mutant:
    """The so-manieth change of a module, and what is other then."""

    module: str
    number: int
    lines: range  # of the statement, or of the head of one that has others within
    function: str
    before: str
    after: str

    @property
    def name(self) -> str:
        """Return what names it whatever else of the module changes."""
        return f"{self.module}: {self.function}: {self.before} -> {self.after}"

    @property
    def digest(self) -> str:
        """Return a short name, for lists of those that were tried."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:8]


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
        case ast.Constant(value=str()) if not _is_encoding(other.value):
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


def _is_encoding(text: str) -> bool:
    """Tell whether a text names an encoding: Python finds it by the changed name, too."""
    try:
        return codecs.lookup(text) == codecs.lookup(f"{text}~")
    except (LookupError, ValueError):
        return False


def _is_left_alone(node: ast.AST) -> bool:
    """Tell whether nothing of a node is run, or all of it is words for people."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="TYPE_CHECKING")]):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=name)):
            return name in _SPOKEN
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
            return True
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, where it hangs in the tree, and the function and lines that it is in."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    function: str
    lines: range


def _places(node: ast.AST, function: str = "", lines: range = range(0)) -> Iterator[_Place]:
    """Yield each node that may be changed."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        if isinstance(node, ast.Raise):
            continue
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__all__", "log"):
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast" and field == "args":
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                within = _lines_of(child) if isinstance(child, ast.stmt) else lines
                yield _Place(node, field, index, child, function, within)
                yield from _places(child, function, within)


def _lines_of(statement: ast.stmt) -> range:
    """Return the lines of a statement, without those of the statements within it."""
    within = getattr(statement, "body", None)
    # In `if x: return` all is on one line.
    last = max(within[0].lineno - 1, statement.lineno) if within else statement.end_lineno
    return range(statement.lineno, (last or statement.lineno) + 1)


def mutants(path: Path) -> list[Mutant]:
    """Return every mutant of a module, in the order of its text."""
    module = path.relative_to(SOURCE / "nipack").as_posix()
    return [
        Mutant(
            *(module, number, place.lines, place.function or "module"),
            *(_shown(place.node, place.parent), _shown(other, place.parent)),
        )
        for number, (place, other) in enumerate(_changes(parsed(module)))
    ]


def tree_of(mutant: Mutant) -> ast.Module:
    """Return a whole module with its change; every line has the number it had."""
    tree = parsed(mutant.module)
    place, other = list(_changes(tree))[mutant.number]
    ast.copy_location(other, place.node)
    if place.index is None:
        setattr(place.parent, place.field, other)
    else:
        getattr(place.parent, place.field)[place.index] = other
    return ast.fix_missing_locations(tree)


def parsed(module: str) -> ast.Module:
    """Return a module as it is."""
    return ast.parse((SOURCE / "nipack" / module).read_text("utf-8"))


def _changes(tree: ast.Module) -> Iterator[tuple[_Place, ast.AST]]:
    """Yield each place of a module with what may stand there instead."""
    for place in _places(tree):
        for other in _changed(place.node):
            yield place, other


def _shown(node: ast.AST, parent: ast.AST) -> str:
    """Return the first line of a node's source, a constant's with what it stands in."""
    line = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).partition("\n")[0]
    within = isinstance(node, ast.Constant) and isinstance(parent, ast.expr)
    line = f"{line} in {ast.unparse(parent).partition(chr(10))[0]}" if within else line
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
