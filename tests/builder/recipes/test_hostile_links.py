"""A name is never code where a folder and a link change places, in scripts that dpkg runs as root.

What is made of the names is run, with a program in dpkg-maintscript-helper's place that writes down
what it is given: the names that went in, and nothing else has happened.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.builder.samples import READY, RecordingReporter

from nipack.builder.flows.build import build
from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.formats.deb import FORMAT
from nipack.builder.recipes.debian import RECIPE
from nipack.system.errors import ArtifactError, DataPackageError, RecipeError

ROOT = "/usr/share/nipy/nipy/x"
TRICKS = (
    *("a&b", "&", "a b", " a", "'", '"', "a'b", "$(touch canary)", "`touch canary`", "$HOME"),
    *("\\", "a\\", "\\1", "a;touch canary", "a|b", "~", "~root", "-n", "--", "#", "#DEBHELPER#"),
    *("*", "?", "[a]", "a#b", "#PARAMS#", "a=b", "!x", "(a)", "{a,b}", "a>canary", "a:b", "%s"),
    *("é", "a\u00a0b", "${DPKG_ROOT}", "$@", "a\tb", "plain", "a.b+c,d@e"),
)
names = st.one_of(
    st.sampled_from(TRICKS),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1),
).filter(lambda name: name.strip(".") != "" and len(name.encode()) < 100)
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
TOOLS = pytest.mark.tools("dh_installdeb", "dpkg-deb", "shellcheck")


@dataclass(frozen=True, kw_only=True)
class Swap:
    """A folder that becomes a link to `target`, and a link to it that becomes a folder."""

    to_link: str
    to_folder: str
    target: str

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write two versions; return the definition of each."""
        before, after = (self._version(folder, version) for version in ("0.1", "0.2"))
        for data, is_folder, is_link in (
            (before.parent / "data", self.to_link, self.to_folder),
            (after.parent / "data", self.to_folder, self.to_link),
        ):
            (data / is_folder).mkdir()
            (data / is_folder / "a.txt").write_bytes(b"a")
            (data / is_link).symlink_to(self.target)
        return before, after

    def _version(self, folder: Path, version: str) -> Path:
        data = folder / version / "data"
        (data / self.target).mkdir(parents=True)
        (data / self.target / "b.txt").write_bytes(b"b")
        (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
        definition = {**READY, "version": version, "source": {"address": "data"}}
        path = folder / version / "package.yaml"
        path.write_text(yaml.safe_dump(definition), "utf-8")
        return path

    @property
    def asked(self) -> list[list[str]]:
        """What dpkg-maintscript-helper is to be told by a package that knows the version before."""
        return [
            ["dir_to_symlink", f"{ROOT}/{self.to_link}", self.target, "0.2-1~"],
            ["symlink_to_dir", f"{ROOT}/{self.to_folder}", self.target, "0.2-1~"],
        ]


swaps = st.lists(names, min_size=3, max_size=3, unique_by=str.casefold).map(
    lambda three: Swap(to_link=three[0], to_folder=three[1], target=three[2])
)


@contextmanager
def workplace() -> Iterator[Path]:
    """Work in a folder in which, at the end, no trick has left a trace."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield Path(name)
            assert not [path for path in Path(name).rglob("canary") if path.is_file()]
        finally:
            os.chdir(here)


def told(script: Path, folder: Path, *arguments: str) -> list[list[str]]:
    """Run a script; return what it told dpkg-maintscript-helper, without dpkg's own arguments."""
    helper = folder / "bin" / "dpkg-maintscript-helper"
    helper.parent.mkdir(exist_ok=True)
    helper.write_text('#!/bin/sh\nprintf "%s\\0" "$@" ";" >> "$0.told"\n', "utf-8")
    helper.chmod(0o755)
    log = helper.with_name(f"{helper.name}.told")
    log.unlink(missing_ok=True)
    environment = {"PATH": f"{helper.parent}:/usr/bin:/bin", "DPKG_ROOT": str(folder / "root")}
    subprocess.run([script, *arguments], check=True, env=environment, cwd=folder)
    if not log.exists():
        return []
    calls = log.read_text("utf-8").removesuffix("\0;\0").split("\0;\0")
    rest = "\0--\0" + "\0".join(arguments)
    assert all(call.endswith(rest) for call in calls), calls
    return [call.removesuffix(rest).split("\0") for call in calls]


def must_be_sound(scripts: list[Path]) -> None:
    """Let the shell and shellcheck read the scripts."""
    for script in scripts:
        subprocess.run(["sh", "-n", script], check=True)
    # SC2088: a '~' that is quoted; SC2016: a '$' that is.
    checked = ["shellcheck", "--severity=warning", "--exclude=SC2088,SC2016", *map(str, scripts)]
    done = subprocess.run(checked, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def check_recipe(swap: Swap) -> bool:
    """Check the scripts that debhelper makes of a recipe's maintscript; False where refused."""
    with workplace() as folder:
        before, after = swap.write(folder)
        options = RecipeOptions(
            recipes=folder / "recipes", packages=folder / "dist", previous=str(before), draft=True
        )
        try:
            list(make_recipes(str(after), [RECIPE], options))
        except (DataPackageError, RecipeError) as error:
            refused = str(error)
        else:
            refused = ""
        if refused:
            assert ";" in refused
            return False
        recipe = folder / "recipes" / "nipy-x"
        lines = (recipe / "debian" / "maintscript").read_text("utf-8").splitlines()
        assert [line.split(" ") for line in lines] == swap.asked
        subprocess.run(["dh_installdeb"], cwd=recipe, check=True)
        made = [recipe / "debian" / "nipy-x" / "DEBIAN" / name for name in SCRIPTS]
        must_be_sound(made)
        for script in made:
            assert told(script, folder, "upgrade", "0.1-1", "0.2-1") == swap.asked
        return True


def check_package(swap: Swap) -> bool:
    """Check the scripts of the .deb that nipack writes; False where it was refused."""
    with workplace() as folder:
        _, after = swap.write(folder)
        try:
            [artifact] = build(str(after), [FORMAT], folder / "dist", RecordingReporter())
        except (ArtifactError, DataPackageError) as error:
            refused = str(error)
        else:
            refused = ""
        if refused:
            assert ";" in refused
            assert not list(folder.glob("dist/*"))
            return False
        subprocess.run(["dpkg-deb", "-e", artifact.path, folder / "DEBIAN"], check=True)
        must_be_sound([folder / "DEBIAN" / name for name in SCRIPTS])
        link = folder / "root" / ROOT[1:] / swap.to_link
        link.parent.mkdir(parents=True)
        link.symlink_to(swap.target)
        for name in ("preinst", "postinst", "postrm"):
            calls = told(folder / "DEBIAN" / name, folder, "upgrade", "0.1-1", "0.2-1")
            assert calls == [swap.asked[0][:3]]
        assert told(folder / "DEBIAN" / "prerm", folder, "upgrade", "0.3-1") == []
        assert not os.path.lexists(link), "a folder can come in its place"
        told(folder / "DEBIAN" / "postinst", folder, "abort-upgrade", "0.3-1")
        assert str(link.readlink()) == swap.target
        return True


PLAIN = Swap(to_link="plain", to_folder="other", target="there")


@TOOLS
def test_ordinary_names_are_taken() -> None:
    assert check_recipe(PLAIN)
    assert check_package(PLAIN)


@TOOLS
@pytest.mark.slow(1)
@pytest.mark.parametrize("name", ["~", "~root", "a=b", "a.b+c,d@e"])
def test_a_name_of_letters_that_mean_something_reaches_dpkg_as_it_is(name: str) -> None:
    swap = Swap(to_link="a", to_folder="b", target=name)
    assert check_recipe(swap)
    assert check_package(swap)
    assert check_recipe(Swap(to_link=name, to_folder="b", target="c"))


@TOOLS
@pytest.mark.parametrize("name", ["-n", "--", "-", "a%b"])
def test_a_target_that_dpkg_would_take_for_something_else_is_refused(name: str) -> None:
    swap = Swap(to_link="a", to_folder="b", target=name)
    assert not check_recipe(swap)
    assert not check_package(swap)


@TOOLS
@pytest.mark.parametrize("name", ["a&b", "a b", "'", '"', "$(touch canary)", "\\", "#", "é"])
def test_a_name_that_debhelper_would_read_is_refused(name: str) -> None:
    assert not check_recipe(Swap(to_link="a", to_folder="b", target=name))
    assert not check_recipe(Swap(to_link=name, to_folder="b", target="c"))
    assert not check_recipe(Swap(to_link="a", to_folder=name, target="c"))


@TOOLS
@given(swap=swaps)
@example(swap=Swap(to_link="a & b", to_folder="'", target="$(touch canary)"))
@settings(max_examples=3)
def test_no_name_is_code_in_a_maintainer_script(swap: Swap) -> None:
    check_recipe(swap)
    check_package(swap)


@pytest.mark.slow(60)
@TOOLS
@given(swap=swaps)
@settings(max_examples=150)
def test_no_name_is_code_in_a_maintainer_script_however_long_one_looks(swap: Swap) -> None:
    check_recipe(swap)
    check_package(swap)
