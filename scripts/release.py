#!/usr/bin/env python3
"""What scripts/release does, once its environment is there."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from email.utils import formatdate
from pathlib import Path

from packaging.version import InvalidVersion, Version

TOP = Path(__file__).resolve().parent.parent
# Each file that states the version, and what stands around it there.
STATED = {
    "src/nipack/__init__.py": (r'(__version__ = ")[^"]+(")',),
    "pyproject.toml": (r'(\nversion = ")[^"]+(")', r'("nipack-build==)[^"]+(")'),
    "nipack-build/pyproject.toml": (r'(\nversion = ")[^"]+(")', r'("nipack==)[^"]+(")'),
    "nipack-autolink/pyproject.toml": (r'(\nversion = ")[^"]+(")', r'("nipack>=)[^"]+(")'),
    "recipes/nipack/recipe.yaml": (r'(\ncontext:\n  version: ").+("\n)',),
    "recipes/nipack/meta.yaml": (r'({% set version = ").+(" %}\n)',),
    "CITATION.cff": (r"(\nversion: ).+(\n)",),
}
UNRELEASED = "not released yet"
# They hold that every place says the same.
AGREEMENT = ("tests/test_own_recipe.py", "tests/test_distributions.py", "tests/test_docs.py")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed; ends the release where it fails."""
    environment = os.environ | {"PYTHONPATH": str(cwd / "src")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(f"release: {' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def state(tree: Path, version: str, day: date) -> None:
    """Write version and day into every file that states them."""
    for name, patterns in STATED.items():
        text = (tree / name).read_text("utf-8")
        for pattern in patterns:
            text, count = re.subn(pattern, rf"\g<1>{version}\g<2>", text)
            if count != 1:
                sys.exit(f"release: {name} has the version {count} times, not once: {pattern}")
        (tree / name).write_text(text, "utf-8")
    citation = (tree / "CITATION.cff").read_text("utf-8")
    citation = re.sub(r"date-released: .+\n", "", citation)
    line = f"version: {version}\n"
    citation = citation.replace(line, f"{line}date-released: {day}\n")
    (tree / "CITATION.cff").write_text(citation, "utf-8")


def write_changelogs(tree: Path, version: str, day: date) -> None:
    """Gather the fragments into CHANGELOG.md, and begin an entry of Debian's."""
    path = tree / "CHANGELOG.md"
    text = path.read_text("utf-8")
    # The first release was written there by hand.
    path.write_text(text.replace(f"## {version}, {UNRELEASED}", f"## {version}, {day}"), "utf-8")
    if list((tree / "changelog.d").glob("+*.md")):
        run(sys.executable, "-m", "towncrier", "build", "--yes", f"--version={version}",
            f"--date={day}", cwd=tree)  # fmt: skip
    elif f"\n## {version}, {day}\n" not in path.read_text("utf-8"):
        sys.exit(f"release: neither CHANGELOG.md nor changelog.d/ says what is new in {version}")
    debian = tree / "debian" / "changelog"
    old = debian.read_text("utf-8")
    if not old.startswith(f"nipack ({version}-"):
        _, _, author = re.findall(r"(?m)^( -- )()(.+>)  ", old)[0]
        stamp = formatdate(time.mktime(day.timetuple()), localtime=False).replace("-0000", "+0000")
        entry = f"nipack ({version}-1) unstable; urgency=medium\n\n  * New release.\n\n"
        debian.write_text(f"{entry} -- {author}  {stamp}\n\n{old}", "utf-8")


def build(tree: Path) -> list[Path]:
    """Build every distribution and let twine check them; returns the files."""
    for folder in (tree, tree / "nipack-build", tree / "nipack-autolink"):
        run(sys.executable, "-m", "build", "--no-isolation", "-o", tree / "dist", folder, cwd=tree)
    made = sorted((tree / "dist").iterdir())
    run(sys.executable, "-m", "twine", "check", "--strict", *made, cwd=tree)
    return made


def release(version: str, day: date, *, dry: bool) -> None:
    """Make the release in a clone, and take it over."""
    if run("git", "status", "--porcelain", cwd=TOP) and not dry:
        sys.exit("release: there are changes that are not committed; commit or stash them first")
    if run("git", "tag", "--list", f"v{version}", cwd=TOP):
        sys.exit(f"release: there is a tag v{version}; choose the next version")
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name) / "nipack"
        run("git", "clone", "--quiet", TOP, tree, cwd=Path(name))
        state(tree, version, day)
        write_changelogs(tree, version, day)
        print(run("git", "diff", "--stat", cwd=tree), end="")
        run(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:unraisableexception",
            *AGREEMENT,
            cwd=tree,
        )
        run("git", "commit", "--quiet", "--all", "-m", f"Release {version}", cwd=tree)
        run("git", "tag", "-a", f"v{version}", "-m", f"nipack {version}", cwd=tree)
        for made in build(tree):
            print(f"dist/{made.name}")
            if not dry:
                (TOP / "dist").mkdir(exist_ok=True)
                shutil.copy(made, TOP / "dist")
        if dry:
            print(f"{version} could be released; nothing is changed here")
            return
        run("git", "pull", "--quiet", "--ff-only", "--tags", tree, "HEAD", cwd=TOP)
        print(f"{version} is committed and tagged; publish it: git push --follow-tags")


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(prog="scripts/release")
    parser.add_argument("version", nargs="?")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--build", action="store_true")
    arguments = parser.parse_args()
    if arguments.build:
        print("\n".join(f"dist/{made.name}" for made in build(TOP)))
        return
    if arguments.version is None:
        parser.error("which version?  0.2.0, say")
    try:
        version = str(Version(arguments.version))
    except InvalidVersion:
        parser.error(f"{arguments.version} is not a version: 0.2.0, say")
    today = date.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    release(version, today, dry=arguments.dry_run)


if __name__ == "__main__":
    main()
