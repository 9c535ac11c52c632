"""The drawings of docs/concepts.md, and what drawings are made of."""

from html import escape
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "docs" / "_static"
FONT = "font-family='system-ui, sans-serif'"
ORDER = (
    ("NIPY_DATA_PATH", "the environment variable"),
    ("~/.nipy/config.ini", "path in [DATA], the user's own choice"),
    ("PREFIX/etc/nipy/*.ini", "what conda and pip packages bring"),
    ("/etc/nipy/*.ini", "what packages of the system bring"),
    ("PREFIX/share/nipy", "of the environment that Python runs in"),
    ("/usr/local/share/nipy", "where PREFIX is /usr"),
    ("~/.nipy", "the user directory itself"),
)
WAY = (
    ("data package", ("images, config.ini", "package.yaml")),
    ("nipack build", (".conda  .deb  wheel  sdist", "the same payload in each")),
    ("conda, apt, pip", ("share/nipy/…", "etc/nipy/….ini")),
    ("your program", ("nibabel, nipy, nipack", "find the data")),
)


def drawing(width: int, height: int, parts: list[str]) -> str:
    """Return an SVG on white, which needs nothing from elsewhere."""
    marker = (
        "<defs><marker id='head' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' "
        "markerHeight='7' orient='auto'><path d='M0 0L8 4L0 8z' fill='#345'/></marker></defs>"
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' {FONT}>\n"
        f"<rect width='{width}' height='{height}' fill='#fff'/>\n{marker}\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def box(x: int, y: int, width: int, height: int, color: str = "#eef3f8") -> str:
    """Return a box with round corners."""
    return (
        f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='6' "
        f"fill='{color}' stroke='#8aa0b4'/>"
    )


def text(
    x: int, y: int, words: str, *, size: int = 14, weight: int = 400, mid: bool = False
) -> str:
    """Return a line of text."""
    anchor = " text-anchor='middle'" if mid else ""
    return (
        f"<text x='{x}' y='{y}' font-size='{size}' font-weight='{weight}' fill='#123'{anchor}>"
        f"{escape(words)}</text>"
    )


def arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """Return an arrow."""
    return (
        f"<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='#345' stroke-width='1.5' "
        "marker-end='url(#head)'/>"
    )


def search_order() -> str:
    """Draw the data path, the first place on top."""
    parts = []
    for number, (place, why) in enumerate(ORDER):
        y = 12 + 52 * number
        parts += [box(44, y, 596, 40), text(22, y + 26, str(number + 1), weight=700, mid=True)]
        parts += [text(58, y + 26, place, weight=600), text(290, y + 26, why)]
        if number:
            parts.append(arrow(340, y - 12, 340, y - 1))
    return drawing(652, 12 + 52 * len(ORDER), parts)


def package_way() -> str:
    """Draw a package's way from its authors to a program."""
    parts = []
    for number, (title, lines) in enumerate(WAY):
        x = 10 + 235 * number
        parts += [box(x, 12, 200, 92), text(x + 100, 40, title, size=16, weight=700, mid=True)]
        parts += [text(x + 100, 66 + 20 * i, line, mid=True) for i, line in enumerate(lines)]
        if number:
            parts.append(arrow(x - 33, 58, x - 3, 58))
    return drawing(10 + 235 * len(WAY) - 25, 116, parts)


def made() -> dict[Path, str]:
    """Return the drawings."""
    return {
        STATIC / "search-order.svg": search_order(),
        STATIC / "package-way.svg": package_way(),
    }
