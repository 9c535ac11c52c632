"""Take from the checkout what of `nipack` is not in the runtime's wheel."""

import sys
from pathlib import Path
from typing import Any

import pathspec
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class ToolHook(BuildHookInterface):  # type: ignore[type-arg]
    """Add the tool's modules, which lie beside this folder in a checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files; a source tarball of the tool has them in its own `src`."""
        here = Path(self.root)
        if version == "editable" or (here / "src").is_dir():
            return
        within = "src/" if self.target_name == "sdist" else ""
        for name in tool_files(here.parent):
            build_data["force_include"][str(here.parent / "src" / name)] = within + name


def tool_files(checkout: Path) -> list[str]:
    """Return the paths below `src` of what the runtime's wheel leaves out."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))
    left_out = project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    spec = pathspec.GitIgnoreSpec.from_lines(left_out)
    files = (
        path.relative_to(checkout).as_posix()
        for path in sorted((checkout / "src" / "nipack").rglob("*"))
        if path.is_file() and path.parent.name != "__pycache__"
    )
    return [name.removeprefix("src/") for name in files if spec.match_file(name)]
