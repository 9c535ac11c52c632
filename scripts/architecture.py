"""The drawings of docs/architecture.md: who imports whom.

An arrow goes from a room to each that it imports, but for those that it reaches by another way.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from drawings import STATIC, arrow, box, drawing, text

TOP = Path(__file__).resolve().parent.parent
SOURCE = TOP / "src" / "nipack"
TOOL = ("cli", "publish", "builder", "difference", "system")
# The table of what is installed where, and what every folder's own __init__ is.
LEFT_OUT = {"nipack", "environment", "__main__"}

Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Return every module of nipack by its name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports, at its top or within a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(path.relative_to(SOURCE.parent).parts[: -node.level])
            module = f"{base}.{node.module or ''}".strip(".") if node.level else node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms(within: str = "nipack") -> Graph:
    """Return what each room of a package imports of the others."""
    every = {name: path for name, path in modules().items() if name.startswith(f"{within}.")}

    def room(name: str) -> str:
        return name.removeprefix(f"{within}.").partition(".")[0]

    graph: Graph = {}
    for name, path in every.items():
        known = {room(each) for each in imports(path) if each in every}
        graph.setdefault(room(name), set()).update(known)
    return {
        name: known - {name} - LEFT_OUT for name, known in graph.items() if name not in LEFT_OUT
    }


def reachable(graph: Graph, start: str) -> set[str]:
    """Return all that can be reached from a room."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def arrows(graph: Graph) -> list[tuple[str, str]]:
    """Return the arrows that no other way stands for, in the order of their names."""
    return [
        (name, known)
        for name in sorted(graph)
        for known in sorted(graph[name])
        if not any(
            known in reachable(graph, other) and other not in reachable(graph, known)
            for other in graph[name] - {known}
            if name not in reachable(graph, other)
        )
    ]


def layers(graph: Graph) -> list[list[str]]:
    """Return the rooms in rows, each below all that import it; a circle is cut where it is met."""
    depth: dict[str, int] = {}

    def height(name: str, above: tuple[str, ...]) -> int:
        if name not in depth:
            below = [height(each, (*above, name)) for each in sorted(graph[name] - {*above, name})]
            depth[name] = 1 + max(below, default=-1)
        return depth[name]

    for name in sorted(graph):
        height(name, ())
    rows = range(max(depth.values()), -1, -1)
    return [sorted(name for name in depth if depth[name] == row) for row in rows]


def picture(graph: Graph) -> str:
    """Return the rooms as boxes in rows, the tool's in another colour, with their arrows."""
    rows = layers(graph)
    widest = max(map(len, rows))
    width = 150 * widest + 20
    place: dict[str, tuple[int, int]] = {}
    for line, row in enumerate(rows):
        step = (width - 20) // len(row)
        # Every other row is a little aside, so that an arrow passes between its boxes.
        aside = 30 * (line % 2) if len(row) < widest else 0
        for number, name in enumerate(row):
            place[name] = (10 + step * number + step // 2 + aside, 20 + 90 * line)
    parts = [
        arrow(place[a][0], place[a][1] + 40, place[b][0], place[b][1]) for a, b in arrows(graph)
    ]
    for name, (x, y) in place.items():
        parts.append(box(x - 60, y, 120, 40, "#f6eee3" if name in TOOL else "#eef3f8"))
        parts.append(text(x, y + 25, name, mid=True))
    return drawing(width, 90 * len(rows), parts)


def made() -> dict[Path, str]:
    """Return the drawings."""
    return {
        STATIC / "architecture.svg": picture(rooms()),
        STATIC / "architecture-builder.svg": picture(rooms("nipack.builder")),
        STATIC / "architecture-publish.svg": picture(rooms("nipack.publish")),
    }
