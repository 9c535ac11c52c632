"""A stranger's text is never code in a recipe that makes several packages either."""

import re
from functools import cache
from pathlib import Path

import pytest
import rattler_build
from debian.deb822 import Deb822
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.builder.recipes.test_hostile_texts import (
    _PART,
    _SOURCED,
    Hostile,
    _run,
    in_spec,
    names,
    nasty,
    rendered,
    words,
)

from nipack.builder.recipes import recipe_formats

# One field at a time, so that no other is the reason why all of it is refused.
one_field = st.one_of(
    nasty.map(lambda text: Hostile(summary=text, in_parts=True)),
    nasty.map(lambda text: Hostile(description=text, in_parts=True)),
    nasty.map(lambda text: Hostile(homepage=f"https://example.org/{text}", in_parts=True)),
    names.map(lambda name: Hostile(folder=name, in_parts=True)),
    st.lists(names, min_size=1, max_size=3, unique=True).map(
        lambda names: Hostile(names=tuple(names), in_parts=True)
    ),
)
# All that is run, and what says by name which file goes where.
CODE = {
    "debian": ("rules", "nipy-x-z.install", "nipy-x-rest.install", "nipy-x.install"),
    "conda": ("build.sh",),
    "rpm": ("nipy-x.spec",),
    "arch": ("PKGBUILD",),
}


def check_debian(recipe: Path, hostile: Hostile) -> None:
    folder = recipe / "debian"
    source, part, _, whole = Deb822.iter_paragraphs((folder / "control").read_bytes())
    assert source["Homepage"] == hostile.homepage
    fields = {"Package", "Architecture", "Multi-Arch", "Depends", "Description"}
    assert (set(part), set(whole)) == (fields | {"Replaces"}, fields)
    for each in (part, whole):
        described = each["Description"]
        assert not re.search(r"\$\{[-:0-9A-Za-z]", described)
        assert words(described.partition("\n")[0].replace("${}", "$")) == words(hostile.summary)
    targets = re.findall(
        r"(?m)^(override_\w+|execute_\w+):$", (folder / "rules").read_text("utf-8")
    )
    script = recipe / "rules.sh"
    said = _run("make", "-n", "-f", "debian/rules", *targets, folder=recipe)
    script.write_text(f"#!/bin/sh\n{said}", "utf-8")
    _run("sh", "-n", script)
    _run("shellcheck", "--exclude=SC2164,SC2103", script)


def check_conda(recipe: Path, hostile: Hostile) -> None:
    folder = recipe / "conda"
    variants = rattler_build.Stage0Recipe.from_file(folder / "recipe.yaml").render()
    read = {each["package"]["name"]: each for each in (v.recipe.to_dict() for v in variants)}
    assert read.keys() == {"nipy-x-z", "nipy-x-rest", "nipy-x"}
    # YAML has read a break that only Unicode knows as a blank.
    part, whole = (read[name]["about"] for name in ("nipy-x-z", "nipy-x"))
    assert words(part["summary"]) == words(whole["summary"]) == words(hostile.summary)
    assert words(whole["description"]) == words(hostile.description)
    _run("bash", "-n", folder / "build.sh")
    _run("shellcheck", folder / "build.sh")


def check_rpm(recipe: Path, hostile: Hostile) -> None:
    spec = recipe / "rpm" / "nipy-x.spec"
    asked = "".join(f"%{{{tag}}}{_PART}" for tag in ("NAME", "SUMMARY", "URL"))
    read = in_spec(spec, asked).split(_PART)[:-1]
    assert read[::3] == ["nipy-x", "nipy-x-z", "nipy-x-rest"]
    summary = words(hostile.summary[0].upper() + hostile.summary[1:])
    assert words(read[1]) == words(read[4]) == summary
    assert read[2::3] == [hostile.homepage] * 3
    parsed = _run("rpmspec", "--parse", spec, folder=spec.parent)
    for name, text in re.findall(r"(?m)^%(prep|install|check)\n(.*?)(?=^%)", parsed, re.DOTALL):
        script = recipe / f"{name}.sh"
        script.write_text(f"#!/bin/sh\n{text}", "utf-8")
        _run("sh", "-n", script)
        _run("shellcheck", "--exclude=SC2164,SC2103,SC2115", script)


_SPLIT = """. "$1"
printf '%s\\0' "$pkgbase" "$pkgdesc" "$url" "${pkgname[@]}"
pkgdir=x
install() { :; }; _install_files() { :; }; _install_records() { :; }; cd() { :; }
sha256sum() { :; }
package_nipy-x-z && printf '%s\\0' "$pkgdesc"
"""


def check_arch(recipe: Path, hostile: Hostile) -> None:
    pkgbuild = recipe / "arch" / "PKGBUILD"
    read = _run("bash", "-euc", _SPLIT, "sh", pkgbuild).split("\0")[:-1]
    one = hostile.summary
    packages = ["nipy-x-z", "nipy-x-rest", "nipy-x"]
    assert read == ["nipy-x", one, hostile.homepage, *packages, one]
    # makepkg sets pkgname to the one package before it calls the function of it.
    _run("shellcheck", "--shell=bash", "--severity=warning", f"{_SOURCED},SC2128", pkgbuild)


CHECKS = {
    "arch": check_arch,
    "conda": check_conda,
    "debian": check_debian,
    "rpm": check_rpm,
}


def test_every_recipe_of_parts_is_read_back() -> None:
    splitting = {each.name for each in recipe_formats().values() if each.splits}
    assert CHECKS.keys() == CODE.keys() == splitting


def lists_of(recipe: Path) -> list[str]:
    """Return the files of all parts, as each program of these would read a list of lines."""
    texts = [path.read_bytes().decode() for path in recipe.glob("packages/*/files")]
    listed = [line for text in texts for line in text.split("\n")[:-1]]
    flat = [path.read_bytes().decode() for path in recipe.glob("*.files")]
    listed += [line for text in flat for line in text.split("\n")[:-1]]
    for path in recipe.glob("*.list"):
        [*lines, end] = path.read_bytes().decode().split("\n")
        assert end == ""
        found = [re.fullmatch(r'(%dir )?"%\{_datadir\}/(.*)"', line) for line in lines]
        assert all(each and re.fullmatch('([^]["\\\\*?{}%]|%%)+', each[2]) for each in found)
        listed += [each[2].split("/", 3)[3] for each in found if each and not each[1]]
    return sorted(each.replace("%%", "%") if recipe.name == "rpm" else each for each in listed)


def code_of(recipe: Path) -> dict[str, str]:
    texts = {
        path: path.read_text("utf-8")
        for format, paths in CODE.items()
        for path in (recipe / format / name for name in paths)
        if path.is_file()
    }
    return {path.name: _without_texts(text) for path, text in texts.items()}


def _without_texts(text: str) -> str:
    """Return a spec without what is between the tags and the sections that are run."""
    if text.startswith("# Maintainer"):
        # A PKGBUILD has its texts and digests in it.
        return "\n".join(re.findall(r"(?m)^(?!url=|\s*pkgdesc=|    [0-9a-f]{64}$).*$", text))
    head, _, rest = text.partition("\nSummary:")
    return head + rest[rest.index("\n%prep") : rest.index("\n%changelog")] if rest else head


@cache
def ordinary() -> dict[str, str]:
    with rendered(Hostile(in_parts=True)) as recipe:
        assert recipe is not None
        return code_of(recipe)


def check_all(hostile: Hostile) -> None:
    with rendered(hostile) as recipe:
        if recipe is None:
            return
        assert code_of(recipe).items() <= ordinary().items()
        data = recipe.parent.parent / "0.2" / hostile.folder
        there = sorted(path.name for path in data.iterdir())
        for format, check in CHECKS.items():
            if not (recipe / format).is_dir():
                continue
            check(recipe, hostile)
            assert lists_of(recipe / format) == there


TOOLS = pytest.mark.tools("rpmspec", "make", "shellcheck", "bash")


@pytest.mark.slow(2)
@TOOLS
@given(hostile=one_field)
@example(hostile=Hostile(in_parts=True))
@example(hostile=Hostile(names=("%include x", "${{ version }}", "-n", "a\\b"), in_parts=True))
@example(hostile=Hostile(names=("%include x", "100%", "a & b 'c' $(touch canary)"), in_parts=True))
@settings(max_examples=2)
def test_no_text_is_code_in_a_recipe_of_parts(hostile: Hostile) -> None:
    check_all(hostile)


@pytest.mark.slow(100)
@TOOLS
@given(hostile=one_field)
@settings(max_examples=100)
def test_no_text_is_code_in_a_recipe_of_parts_however_long_one_looks(hostile: Hostile) -> None:
    check_all(hostile)
