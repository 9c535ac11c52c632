"""What people read has none of the habits that CONTRIBUTING names under "Wording"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

# A habit, and what to write.
HABITS = {
    r"(?<!there )\bis no (?!longer\b|more\b)": "is not a",
    r"\bthere is no such\b(?! file)": "unknown",
    r"\bis not taken\b": "is not allowed",
    r"\bin the place of\b": "instead of",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(its|your|path's|folder's|directory's) rights\b": "permissions",
    r"\bsay --[a-z]": "use --option",
    r"\bexits? with \d (?:in any case )?where\b": "if",
    r"\bbelongs? into\b": "belongs in",
    r"\bhas not the\b": "does not have the",
    r"\bnot looked (at|into)\b": "not searched",
    r"\b(?:^|[.:;] )Who (?:has|wants|installed|finds)\b": "if you, or whoever",
    r"\bgoes on (where|from)\b": "continues",
    r"\bbegun (?:by|again)\b": "started",
    r"\bbehind (?:its|the) end\b": "after",
    r"\bby (?:whom|whoever)\b": "by the one who, or the active voice",
}
CODE = sorted(
    [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "nipack-autolink" / "src").rglob("*.py")]
)
PAGES = sorted(
    [
        *(REPOSITORY / "docs").glob("*.md"),
        *(REPOSITORY / "docs" / "maintainers").glob("*.md"),
        REPOSITORY / "README.md",
        *(REPOSITORY / "src/nipack/publish/catalogue/templates").glob("*.j2"),
    ]
)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what people may read of a file: its lines, or the texts in code with their lines."""
    content = path.read_text("utf-8")
    if path.suffix != ".py":
        # A habit may go over the end of a line.
        yield from ((n, line) for n, line in enumerate(content.split("\n\n"), 1))
        return
    tree = ast.parse(content)
    help_texts = "cli" in path.parts
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_read = help_texts or id(node) not in docstrings
        if is_read and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def found(text: str) -> list[str]:
    """Return the habits in a text."""
    line = " ".join(text.split())
    return [
        f"'{match[0]}': write '{better}'"
        for habit, better in HABITS.items()
        for match in re.finditer(habit, line)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x: is no repository",
        "check its rights",
        "Who has neither adds it",
        "choose it, or say --force",
        "it exits with 1 where a file\nis damaged",
    ],
)
def test_a_habit_is_found(text: str) -> None:
    assert found(text)


def test_no_habit_is_in_what_people_read() -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line}: {each}"
        for path in [*CODE, *PAGES]
        for line, text in texts(path)
        for each in found(text)
    ]
    assert wrong == []
