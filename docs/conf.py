"""How Sphinx makes the documentation's site: see scripts/docs."""

import re
from typing import Any

import nipack

project = "nipack"
author = "The nipack developers"
copyright = "The nipack developers"
version = release = nipack.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "README.md"]
nitpicky = False

myst_enable_extensions = ["colon_fence", "deflist"]
# Headings can be linked to, as where the pages are read in a repository.
myst_heading_anchors = 4
# What is typed is copied, and not the prompt or what is printed.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"

html_theme = "pydata_sphinx_theme"
html_title = "nipack"
html_logo = html_favicon = "../src/nipack/publish/catalogue/assets/icon.svg"
# Light or dark as the reader's system is, until another is chosen.
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"**": []}
html_theme_options = {
    "logo": {"text": "nipack", "alt_text": ""},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def _help_as_text(_app: Any, _context: Any, lines: list[str]) -> None:
    """Show what help marks for a terminal as a page marks it: code, and examples as typed."""
    text = "\n".join(re.sub(r"`([^`]+)`", r"``\1``", line.removeprefix("| ")) for line in lines)
    lines[:] = re.sub(r":\n(?=  \S)", "::\n\n", text).split("\n")


def setup(app: Any) -> None:
    """Let Sphinx show the help of each command."""
    for event in ("description", "epilog"):
        app.connect(f"sphinx-click-process-{event}", _help_as_text)
