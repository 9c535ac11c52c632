"""docs/checks.md, which is made from the rules."""

from pathlib import Path

from nipack.builder.check.places import PLACES
from nipack.builder.check.privacy import SIGNS
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

PEOPLE = """\
## What gives people away

| what | code |
|---|---|
{signs}

It is looked for in these files, plain or as gzip, and in the name and comment of gzip's own header:

| files | places | endings |
|---|---|---|
{places}

Up to 256 KB of each text are read, 16 MB of NIfTI's extensions, 256 MB of GIFTI; of JSON of more
than 2 MB only the start. Dates before 1925 are shifted ones, as BIDS recommends them, and `sub-01`
or `anonymous` is nobody.

A name is not seen if nothing says that it is one: `Ada Lovelace` in `descrip`, or in a file's name.
The institution, the scanner's serial number and the time of the day are not looked for: BIDS
recommends to keep them, and dcm2niix keeps them where it leaves out the rest.

**Faces are not seen either.** The image of a head shows who it is, and no check here looks at
voxels: remove the face before the release (with pydeface, mri_deface or AFNI's @afni_refacer_run),
and look at the result. How often the checks are wrong is in
[reliability.md](reliability.md#people).

These commands clear what was found, with no change to a voxel or a point:
{commands}"""


def people() -> str:
    """Return what the checks of privacy look for, and where."""
    signs = dict.fromkeys((sign.what, sign.code) for sign in SIGNS)
    places = [
        f"| {place.kind} | {place.where} | {' '.join(place.endings) or 'any'} |" for place in PLACES
    ]
    commands = [
        f"\n{what}:\n\n```sh\n{command}\n```\n"
        for what, command in RULES["privacy-person"].commands
    ]
    return PEOPLE.format(
        signs="\n".join(f"| {what} | `{code}` |" for what, code in signs),
        places="\n".join(places),
        commands="".join(commands),
    )


def section(rule: Rule) -> str:
    """Return what is said of one rule."""
    kind = "Error" if rule.severity == "error" else "Warning"
    kind += ", and an error for what is passed on" if rule.stops_release else ""
    kind += "; can be excepted" if rule.can_except else ""
    clear = "  Commands for it are [below](#what-gives-people-away)." if rule.commands else ""
    return (
        f"## {rule.code}\n\n{kind}.\n\n{rule.what}\n\n**Why:** {rule.why}\n\n"
        f"**Remedy:** {rule.remedy}{clear}\n"
    )


def made() -> dict[Path, str]:
    """Return the page."""
    page = Path(__file__).resolve().parent.parent / "docs" / "checks.md"
    return {page: "\n".join([HEAD, *map(section, RULES.values()), people()])}
