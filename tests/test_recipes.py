"""The contract of every recipe format; what is rendered is golden, for it is what gets built."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from nipack.build.errors import RecipeError
from nipack.build.recipe_flow import Recipe, RecipeOptions, make_recipes
from nipack.build.recipes import RecipeFormat, recipe_formats

GOLDEN = Path(__file__).parent / "golden" / "recipes"

formats = pytest.mark.parametrize("format", recipe_formats().values(), ids=lambda each: each.name)
Render = Callable[..., Recipe]


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """Render one recipe of a source into tmp_path/recipes."""

    def render(source: Path, format: RecipeFormat, *, previous: Path | None = None) -> Recipe:
        options = RecipeOptions(
            recipes=tmp_path / "recipes",
            packages=tmp_path / "dist",
            previous=str(previous) if previous else None,
        )
        [recipe] = make_recipes(str(source), [format], options)
        return recipe

    return render


@formats
def test_the_rendered_files_are_the_golden_ones(
    sample: Path, format: RecipeFormat, render: Render, request: pytest.FixtureRequest
) -> None:
    recipe = render(sample, format)
    rendered = {
        file.path.relative_to(recipe.directory).as_posix(): _stable(file.path.read_text("utf-8"))
        for file in recipe.files
    }
    golden = GOLDEN / request.node.callspec.params["sample"] / format.name
    if request.config.getoption("--update-golden"):
        for path, text in rendered.items():
            (golden / path).parent.mkdir(parents=True, exist_ok=True)
            (golden / path).write_text(text, "utf-8")
    expected = {
        path.relative_to(golden).as_posix(): path.read_text("utf-8")
        for path in golden.rglob("*")
        if path.is_file()
    }
    assert rendered == expected


def _stable(text: str) -> str:
    """Blank the digest of an archive that was made here: it depends on the zlib in use."""
    return re.sub(r"(?m)^(\s*(?:-? ?)sha256: )[0-9a-f]{64}$", r"\1(of the archive)", text)


@formats
def test_rendering_twice_changes_nothing(
    sample: Path, format: RecipeFormat, render: Render
) -> None:
    assert {file.state for file in render(sample, format).files} == {"new"}
    before = {file.path: file.path.stat().st_mtime_ns for file in render(sample, format).files}
    again = render(sample, format)
    assert {file.state for file in again.files} == {"unchanged"}
    assert {file.path: file.path.stat().st_mtime_ns for file in again.files} == before


@formats
def test_no_jinja_is_left_in_what_is_rendered(
    sample: Path, format: RecipeFormat, render: Render
) -> None:
    for file in render(sample, format).files:
        assert not re.search(r"\{\{|\{%|\{#", file.path.read_text("utf-8")), file.path


@formats
def test_a_dry_run_writes_nothing(sample: Path, format: RecipeFormat, tmp_path: Path) -> None:
    options = RecipeOptions(recipes=tmp_path / "r", packages=tmp_path / "d", dry_run=True)
    [recipe] = make_recipes(str(sample), [format], options)
    assert recipe.files
    assert not (tmp_path / "r").exists()


def test_every_obstacle_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    data = tmp_path / "nipy-x-0.1" / "x"
    for path in (".pc/a", "b"):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(b"")
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    options = RecipeOptions(recipes=tmp_path / "r", packages=tmp_path / "d")
    with pytest.raises(RecipeError, match=r"\.pc/a: the debian recipe cannot carry it"):
        list(make_recipes(str(data.parent), list(recipe_formats().values()), options))
    assert not (tmp_path / "r").exists()
