"""A stranger's text is never code: in no field, in no name, in no language of a recipe.

What is rendered is read by the programs that read it in earnest.  They find the values that went
in, and run nothing: each trick would leave a file that is called canary.
"""

import gzip
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest
import rattler_build
import yaml
from debian.changelog import Changelog
from debian.copyright import Copyright
from debian.deb822 import Deb822
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats
from nipack.system.errors import DataPackageError, RecipeError

TRICKS = (
    "%post",
    "%include /etc/passwd",
    "%(touch canary)",
    "%{lua:io.open('canary', 'w')}",
    "%%post",
    "%{nil}",
    "%{?x:%{expand:%(touch canary)}}",
    "%if 1",
    "%endif",
    "%dnl",
    "# a comment",
    "%",
    "${{ env.get('HOME') }}",
    "${{ version }}",
    "{{ environ }}",
    "{% raw %}",
    "{# x #}",
    "#{{ x }}",
    "$(shell touch canary)",
    "$(touch canary)",
    "`touch canary`",
    "; touch canary",
    "&& touch canary",
    "& touch canary",
    "' ; touch canary ; '",
    '" ; touch canary ; "',
    "\\",
    "${Newline}",
    "${misc:Depends}",
    "${}",
    "$$",
    "Essential: yes",
    "Files: *",
    "License: evil",
    "Closes: #123456",
    "# [win]",
    "[win]",
    ".",
    "..dots",
    " .",
    "- item",
    "* Mon May 01 2023 Eve <e@x> - 9-9",
    " -- Eve <e@x>  Mon, 01",
    "!!python/object:os.system",
    "&anchor",
    "*alias",
    "<<: x",
    "? key",
    "- - -",
    "|",
    ">",
    "@",
    "yes",
    "1e3",
    "#DEBHELPER#",
    "@ANY_VERSION@",
    "-n",
    "--help",
    "~",
    "a: b",
    "\t%post",
    "Ünï脳 😀",
    "''' touch",
    '"""',
)
BREAKS = ("\u2028", "\u2029", "\x85", "\r", "\x0b", "\x1b[2J", "\x00", "\u202e", "\ufeff")
nasty = st.one_of(
    st.sampled_from(TRICKS),
    st.lists(st.sampled_from((*TRICKS, "word", "two words")), min_size=2, max_size=5).map(" ".join),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.sampled_from(BREAKS).map(lambda text: f"a{text}%post"),
)
paragraphs = st.lists(nasty, min_size=1, max_size=6).map("\n".join)
names = st.one_of(
    st.sampled_from(TRICKS).map(lambda text: text.replace("/", "_")),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1),
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)

name_lists = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """What a stranger may choose; data `in_parts` has the images in one and the rest in another."""

    summary: str = "brain data"
    description: str = "Data of brains."
    homepage: str = "https://example.org/"
    maintainer: str = "Ada Lovelace"
    holder: str = "Ada Lovelace"
    text: str = "You may use it."
    needed: str = "MATLAB"
    doi: str = "10.1016/abc"
    folder: str = "x"
    names: tuple[str, ...] = field(default=("a.txt",))
    in_parts: bool = False

    def write(self, folder: Path, version: str) -> Path:
        data = folder / version / self.folder
        data.mkdir(parents=True)
        for index, name in enumerate(self.names):
            (data / f"{name}{version if index % 2 else ''}").write_bytes(version.encode())
            (data / f"{name}.{index}.nii.gz").write_bytes(gzip.compress(b"no image", mtime=1))
        (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
        definition: dict[str, Any] = {
            "name": "nipy-x",
            "relpath": "nipy/x",
            "version": version,
            "date": "2023-05-01",
            "summary": self.summary,
            "description": self.description,
            "homepage": self.homepage,
            "license": "LicenseRef-x",
            "copyright": [
                {
                    "files": ["*"],
                    "holders": [self.holder],
                    "license": "LicenseRef-x",
                    "years": "2020",
                    "text": self.text,
                }
            ],
            "requires_nonfree": [self.needed],
            "maintainer": {"name": self.maintainer, "email": "ada@example.org"},
            "citation": [{"doi": self.doi}],
            "redistribution": "verified",
            "source": {"address": self.folder},
        }
        if self.in_parts:
            one = {"name": "z", "files": ["*z"], "summary": self.summary}
            definition["parts"] = [one, {"name": "rest", "files": ["*[!z]"]}]
        path = folder / version / "package.yaml"
        # Escaped: YAML reads a break that only Unicode knows as a blank.
        path.write_text(yaml.safe_dump(definition), "utf-8")
        return path


hostile = st.builds(
    Hostile,
    summary=nasty,
    description=paragraphs,
    homepage=nasty.map(lambda text: f"https://example.org/{text}"),
    maintainer=nasty,
    holder=nasty,
    text=paragraphs,
    needed=nasty,
    doi=nasty.map(lambda text: f"10.1016/{text}"),
    folder=names,
    names=name_lists,
)
# One field at a time, so that no other is the reason why all of it is refused.
one_field = st.one_of(
    nasty.map(lambda text: Hostile(summary=text)),
    paragraphs.map(lambda text: Hostile(description=text)),
    nasty.map(lambda text: Hostile(homepage=f"https://example.org/{text}")),
    nasty.map(lambda text: Hostile(maintainer=text)),
    nasty.map(lambda text: Hostile(holder=text)),
    paragraphs.map(lambda text: Hostile(text=text)),
    nasty.map(lambda text: Hostile(needed=text)),
    nasty.map(lambda text: Hostile(doi=f"10.1016/{text}")),
    names.map(lambda name: Hostile(folder=name)),
    st.lists(names, min_size=1, max_size=3, unique=True).map(
        lambda names: Hostile(names=tuple(names))
    ),
)


@contextmanager
def rendered(hostile: Hostile) -> Iterator[Path | None]:
    """Render every recipe of the second of two versions; None where that was refused in words."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        try:
            yield _render(hostile, folder)
            assert not list(folder.rglob("canary*")), hostile
        finally:
            os.chdir(here)


def _render(hostile: Hostile, folder: Path) -> Path | None:
    try:
        before, now = hostile.write(folder, "0.1"), hostile.write(folder, "0.2")
    except OSError:
        return None  # this file system has no such name
    options = RecipeOptions(
        recipes=folder / "recipes", packages=folder / "dist", previous=str(before), draft=True
    )
    refused: DataPackageError | RecipeError | None = None
    every = list(recipe_formats().values())
    # What one cannot make of parts is no reason to look at no other.
    for formats in [[each] for each in every if each.splits] if hostile.in_parts else [every]:
        try:
            list(make_recipes(str(now), formats, options))
        except (DataPackageError, RecipeError) as error:
            refused = error
    if refused is not None:
        each = r"(?s).+: .+; .+ \[[a-z-]+\]"
        assert all(re.search(each, line) for line in refusals(refused)), refused
    recipe = folder / "recipes" / "nipy-x"
    return recipe if recipe.is_dir() else None


def refusals(error: DataPackageError | RecipeError) -> list[str]:
    if isinstance(error, DataPackageError):
        return list(map(str, error.problems))
    return str(error).split("\n  ")[1:]


def words(text: str) -> list[str]:
    return text.split()


def in_spec(spec: Path, tag: str) -> str:
    done = subprocess.run(
        ["rpmspec", "-q", "--qf", tag, spec], capture_output=True, check=True, cwd=spec.parent
    )
    assert not done.stderr, done.stderr
    return done.stdout.decode()


_PART = "5d0f1a52-parts-the-tags"


def check_spec(recipe: Path, hostile: Hostile) -> None:
    spec = recipe / "rpm" / "nipy-x.spec"
    summary = hostile.summary
    found = in_spec(
        spec,
        _PART.join(f"%{{{tag}}}" for tag in ("SUMMARY", "DESCRIPTION", "URL", "CHANGELOGNAME")),
    )
    read = found.split(_PART)
    assert words(read[0]) == words(summary[0].upper() + summary[1:])
    assert words(re.sub("[-*•]", "", read[1])) == words(re.sub("[-*•]", "", hostile.description))
    assert read[2] == hostile.homepage
    assert read[3] == f"{hostile.maintainer} <ada@example.org> - 0.2-1"


def check_debian(recipe: Path, hostile: Hostile) -> None:
    folder = recipe / "debian"
    source, binary = Deb822.iter_paragraphs((folder / "control").read_bytes())
    assert words(source["Maintainer"]) == words(f"{hostile.maintainer} <ada@example.org>")
    assert source["Homepage"] == hostile.homepage
    assert set(binary) == {"Package", "Architecture", "Multi-Arch", "Depends", "Description"}
    assert "${" not in source["Maintainer"] + source["Homepage"]
    described = binary["Description"]
    assert not re.search(r"\$\{[-:0-9A-Za-z]", described)
    assert words(described.partition("\n")[0].replace("${}", "$")) == words(hostile.summary)
    copyright_file = Copyright((folder / "copyright").read_text("utf-8").splitlines(), strict=True)
    stanza, _ = copyright_file.all_files_paragraphs()
    assert list(stanza.files) == ["*"]
    assert words(str(stanza.copyright)) == words(f"2020 {hostile.holder}")
    license_: Any = next(iter(copyright_file.all_license_paragraphs()))
    assert [line for line in words(license_.license.text) if line != "."] == [
        line for line in words(hostile.text) if line != "."
    ]
    entries = list(Changelog((folder / "changelog").read_text("utf-8"), strict=True))
    assert [str(each.version) for each in entries] == ["0.2-1", "0.1-1"]
    assert entries[0].author == f"{hostile.maintainer} <ada@example.org>"
    assert entries[0].bugs_closed == []
    metadata = yaml.safe_load((folder / "upstream" / "metadata").read_text("utf-8"))
    assert metadata["Reference"] == [{"DOI": hostile.doi}]


class Nothing(jinja2.Undefined):
    def __str__(self) -> str:
        raise AssertionError("a template expands something")


def check_conda(recipe: Path, hostile: Hostile) -> None:
    folder = recipe / "conda"
    wanted = (hostile.summary, hostile.description.strip(), hostile.homepage, hostile.maintainer)
    written = (folder / "recipe.yaml").read_text("utf-8")
    [variant] = rattler_build.Stage0Recipe.from_file(folder / "recipe.yaml").render()
    read = variant.recipe.to_dict()
    about = yaml.safe_load(written)["about"]
    found = (read["about"]["summary"], read["about"]["description"])
    assert found == wanted[:2]
    # rattler-build reads "~" of `extra` as null, quoted or not; nothing else reads it from there.
    extra = read if "${{" in hostile.maintainer else yaml.safe_load(written)
    assert extra["extra"]["recipe-maintainers"] == [hostile.maintainer]
    if "${{" not in hostile.homepage:
        assert about["homepage"] == hostile.homepage
    patterns = read["tests"][0]["package_contents"]["files"]
    assert len(patterns) == 4 + 2 * len(hostile.names)
    for index, name in enumerate(hostile.names):
        literal = re.sub(r"([][*?{}])", r"[\1]", f"{name}.{index}.nii.gz")
        assert f"share/nipy/nipy/x/{literal}" in patterns
    template = (folder / "meta.yaml").read_text("utf-8")
    meta = yaml.safe_load(jinja2.Environment(undefined=Nothing).from_string(template).render())
    assert (
        meta["about"]["summary"],
        meta["about"]["description"],
        meta["about"]["home"],
        meta["extra"]["recipe-maintainers"][0],
    ) == wanted
    assert not re.search(r"\[[^]]*\]\s*$", template, re.MULTILINE), "conda-build reads a selector"


# What is set by whoever sources a file, or is not set for a reason that shellcheck cannot see.
_SOURCED = "--exclude=SC2034,SC2154,SC2164"
_ASSIGNED = """. "$1" && printf '%s\\0' "$pkgname" "$pkgdesc" "$url" "${source[@]}" """


def check_arch(recipe: Path, hostile: Hostile) -> None:
    """Let bash assign what makepkg would read, and shellcheck read the rest."""
    pkgbuild = recipe / "arch" / "PKGBUILD"
    done = _run("bash", "-euc", _ASSIGNED, "sh", pkgbuild)
    name, summary, homepage, *sources = done.split("\0")[:-1]
    assert (name, summary, homepage) == ("nipy-x", hostile.summary, hostile.homepage)
    assert set(sources[1:]) == {path.name for path in pkgbuild.parent.iterdir()} - {"PKGBUILD"}
    _run("shellcheck", "--shell=bash", "--severity=warning", _SOURCED, pkgbuild)


# What rpm and make run, in the words of a shell.
_SECTIONS = re.compile(r"(?m)^%(prep|install|check)\n(.*?)(?=^%)", re.DOTALL)
_TARGETS = (
    *("override_dh_auto_install", "override_dh_clean", "execute_after_dh_fixperms"),
    "execute_before_dh_builddeb",
)


def check_code(recipe: Path, hostile: Hostile) -> None:
    """Let make and the shell read all that they would run, without running it."""
    debian = recipe / "debian"
    [*targets] = re.findall(r"(?m)^(override_\w+|execute_\w+):$", (debian / "rules").read_text())
    assert {*_TARGETS} <= {*targets}
    said = _run("make", "-n", "-f", "debian/rules", *targets, folder=recipe)
    _run("make", "-p", "-n", "-f", "debian/rules", "override_dh_clean", folder=recipe)
    spec = recipe / "rpm" / "nipy-x.spec"
    parsed = _run("rpmspec", "--parse", spec, folder=spec.parent)
    scripts = {
        "rules": said,
        **dict(_SECTIONS.findall(f"{parsed}\n%\n")),
    }
    assert scripts.keys() == {"rules", "prep", "install", "check"}
    written = []
    for name, text in scripts.items():
        path = recipe.parent / f"{name}.sh"
        path.write_text(f"#!/bin/sh\n{text}", "utf-8")
        written.append(path)
    for path in (*written, recipe / "conda" / "build.sh"):
        _run("bash" if path.name == "build.sh" else "sh", "-n", path)
    # SC2164: rpm and make set -e.  SC2115: %{buildroot}/usr is meant to be so.
    _run("shellcheck", "--exclude=SC2164,SC2103", *written, recipe / "conda" / "build.sh")


def _run(*command: str | Path, folder: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, cwd=folder)
    assert done.returncode == 0, f"{command}\n{done.stdout.decode()}{done.stderr.decode()}"
    return done.stdout.decode()


CODE = (
    *("debian/rules", "debian/install", "debian/tests/control", "debian/gbp.conf", "debian/watch"),
    *("debian/source/format", "debian/tests/lookup", "conda/build.sh", "conda/lookup.py"),
)


def code_of(recipe: Path) -> dict[str, str]:
    """Return all that is run, without digests: no text or name may change a letter of it."""
    texts = {path: (recipe / path).read_text("utf-8") for path in CODE}
    spec = (recipe / "rpm" / "nipy-x.spec").read_text("utf-8")
    texts["spec"] = (
        spec[: spec.index("\nSummary:")] + spec[spec.index("\n%prep") : spec.index("\n%changelog")]
    )
    return {path: re.sub(r'(    "[0-9a-f]{64}",\n)+', "", text) for path, text in texts.items()}


@cache
def ordinary() -> dict[str, str]:
    with rendered(Hostile()) as recipe:
        assert recipe is not None
        return code_of(recipe)


# Each reads a recipe as its distribution does, and compares what it says with what went in.
CHECKS = {"rpm": check_spec, "debian": check_debian, "conda": check_conda, "arch": check_arch}


def test_every_recipe_is_read_back() -> None:
    assert CHECKS.keys() == recipe_formats().keys()


TOOLS = pytest.mark.tools("rpmspec", "make", "shellcheck", "bash")


def check_all(hostile: Hostile) -> None:
    with rendered(hostile) as recipe:
        if recipe is not None:
            assert code_of(recipe) == ordinary()
            for check in CHECKS.values():
                check(recipe, hostile)
            check_code(recipe, hostile)


@TOOLS
@given(hostile=one_field)
@example(hostile=Hostile(description="One.\n\n%post\ntouch canary"))
@example(hostile=Hostile(summary="a %(touch canary) %{lua:x} ${{ env.get('HOME') }} ${Newline}"))
@example(hostile=Hostile(maintainer="A %(touch canary) ${{ env.get('HOME') }}"))
@example(hostile=Hostile(names=("%include x", "${{ version }}", "a & b 'c' \"d\" $(touch canary)")))
@example(hostile=Hostile(folder="a 'b' $(touch canary) `touch canary` & %(touch canary)"))
@settings(max_examples=3)
def test_no_text_is_code_in_a_recipe(hostile: Hostile) -> None:
    check_all(hostile)


@pytest.mark.slow(150)
@TOOLS
@given(hostile=st.one_of(one_field, hostile))
@settings(max_examples=200)
def test_no_text_is_code_in_a_recipe_however_long_one_looks(hostile: Hostile) -> None:
    check_all(hostile)
