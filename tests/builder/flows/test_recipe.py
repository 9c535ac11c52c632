"""A package that a recipe's own tool built is kept only if it is what nipack builds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

from nipack.builder.archive.members import Content, expected_content
from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.manifest import installed_tree
from nipack.builder.recipes import RecipeFormat, RecipeRequest, recipe_formats
from nipack.system.errors import RecipeError
from nipack.system.progress import Advance, SilentReporter


@pytest.mark.tools("rpmbuild", "rpm2archive")
def test_every_difference_is_named_and_nothing_kept(tmp_path: Path) -> None:
    rpm = type(recipe_formats()["rpm"])

    class Different(rpm):  # type: ignore[misc, valid-type]
        def build(self, request: RecipeRequest, workspace: Path) -> list[Path]:
            self.request, made = request, workspace / "made.rpm"
            made.write_bytes(b"")
            return [made]

        def contents(self, artifact: Path, workspace: Path) -> Iterator[Content]:
            _, second, *rest = installed_tree(self.request.package, self.prefix)
            yield replace(expected_content(second), mode=0o600)
            yield from map(expected_content, rest)
            yield Content(path="etc/strange", mode=0o644)

    format: RecipeFormat = Different()
    options = RecipeOptions(recipes=tmp_path / "r", packages=tmp_path / "dist", build=True)
    source = str(REPOSITORY / "recipes" / "nipy-examplepkg")
    with pytest.raises(RecipeError) as caught:
        list(make_recipes(source, [format], options))
    first, *lines, last = str(caught.value).splitlines()
    assert first.startswith("made.rpm: what the recipe built differs from what nipack builds")
    assert lines[0].endswith(": is missing")
    assert lines[1] == "  etc/strange: should not be there"
    assert "with mode 600" in lines[2]
    assert "report this bug" in last
    assert not (tmp_path / "dist").exists()


@pytest.mark.tools("rpmbuild", "rpm2archive")
def test_a_build_is_a_step_that_is_told_of(tmp_path: Path) -> None:
    rpm = type(recipe_formats()["rpm"])

    class Sound(rpm):  # type: ignore[misc, valid-type]
        def build(self, request: RecipeRequest, workspace: Path) -> list[Path]:
            self.request, made = request, workspace / "made.rpm"
            steps.append("builds")
            made.write_bytes(b"")
            return [made]

        def contents(self, artifact: Path, workspace: Path) -> Iterator[Content]:
            yield from map(expected_content, installed_tree(self.request.package, self.prefix))

    class Told(SilentReporter):
        def step(self, name: str, total: int | None) -> Advance:
            steps.append(f"{name}: {total} bytes")
            return lambda count: steps.append(f"{name}: {count} done")

    steps: list[str] = []
    options = RecipeOptions(recipes=tmp_path / "r", packages=tmp_path / "dist", build=True)
    source = str(REPOSITORY / "recipes" / "nipy-examplepkg")
    list(make_recipes(source, [Sound()], options, Told()))
    step = "build the rpm recipe: 794"
    assert steps[-3:] == [f"{step} bytes", "builds", f"{step} done"]
