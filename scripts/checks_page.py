"""docs/checks.md, which is made from the rules."""

from pathlib import Path

from nipack.builder.rules import RULES, Rule

HEAD = """\
# What `nipack check` looks at

Each problem ends with its code. `nipack check --explain CODE` prints what stands here.

An **error** stops a build; a **warning** does not. Where it says so, a definition can let a problem
stay, for the paths that match:

```yaml
exceptions:
  - code: gzip-damaged
    path: broken/*
    reason: readers are tested with it
```
"""


def section(rule: Rule) -> str:
    """Return what is said of one rule."""
    kind = "Error" if rule.severity == "error" else "Warning"
    kind += ", and an error for what is passed on" if rule.stops_release else ""
    kind += "; can be excepted" if rule.can_except else ""
    return (
        f"## {rule.code}\n\n{kind}.\n\n{rule.what}\n\n**Why:** {rule.why}\n\n"
        f"**Remedy:** {rule.remedy}\n"
    )


def made() -> dict[Path, str]:
    """Return the page."""
    page = Path(__file__).resolve().parent.parent / "docs" / "checks.md"
    return {page: "\n".join([HEAD, *map(section, RULES.values())])}
