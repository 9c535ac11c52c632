#!/usr/bin/env python3
"""Write every page and drawing that is made from the code; the tests ask for it when one is stale.

Each of the modules below has a function `made`, which returns what should be in each file.
"""

import argparse
import importlib
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
MODULES = (
    "definition_page",
    "checks_page",
    "drawings",
    "architecture",
    "badges",
    "reliability_page",
)
# It runs real commands, for half a minute.
SLOW_MODULES = ("pictures",)


def stale(modules: tuple[str, ...], *, write: bool) -> list[str]:
    """Return the files that are not as they should be, after they were written anew if wanted."""
    found = []
    for module in modules:
        for path, text in importlib.import_module(module).made().items():
            if path.exists() and path.read_text("utf-8") == text:
                continue
            found.append(path.relative_to(TOP).as_posix())
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    return found


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(prog="scripts/generate", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if one is stale; write nothing")
    parser.add_argument("--quick", action="store_true", help="leave out pictures of terminals")
    arguments = parser.parse_args()
    modules = MODULES if arguments.quick else MODULES + SLOW_MODULES
    for name in stale(modules, write=not arguments.check):
        if arguments.check:
            sys.exit(f"{name} is not what the code says now; run: scripts/generate")
        print(name)


if __name__ == "__main__":
    main()
