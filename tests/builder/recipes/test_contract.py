"""The contract of every recipe format; what is rendered is golden, for it is what gets built."""

import gzip
import hashlib
import importlib
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pytest
import yaml
from debian.changelog import Changelog
from debian.deb822 import Deb822
from tests.builder.samples import define
from tests.conftest import REPOSITORY, MakeTree
from tests.update_bot import DIGEST, updated

from nipack.builder.flows.recipe import Recipe, RecipeOptions, make_recipes
from nipack.builder.recipes import RecipeFormat, recipe_formats
from nipack.system.errors import DataPackageError, RecipeError, ToolError

nib: Any = importlib.import_module("nibabel")
GOLDEN = Path(__file__).parents[2] / "golden" / "recipes"

formats = pytest.mark.parametrize("format", recipe_formats().values(), ids=lambda each: each.name)
Render = Callable[..., Recipe]


def rendered(
    source: Path, format: RecipeFormat, target: Path, *, previous: Path | None = None
) -> Recipe:
    """Render one recipe of a source into target/recipes."""
    options = RecipeOptions(
        draft=True,
        recipes=target / "recipes",
        packages=target / "dist",
        previous=str(previous) if previous else None,
    )
    [recipe] = make_recipes(str(source), [format], options)
    return recipe


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """Render one recipe of a source into tmp_path/recipes."""
    return partial(rendered, target=tmp_path)


@formats
def test_the_rendered_files_are_the_golden_ones(
    sample: Path,
    format: RecipeFormat,
    render: Render,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Which stands in package.json, and so in the digests of a PKGBUILD.
    monkeypatch.setattr("nipack.builder.manifest.__version__", "(version)")
    recipe = render(sample, format)
    rendered = texts_below(recipe.directory)
    golden = GOLDEN / request.node.callspec.params["sample"] / format.name
    if request.config.getoption("--update-golden"):
        for path, text in rendered.items():
            (golden / path).parent.mkdir(parents=True, exist_ok=True)
            (golden / path).write_text(text, "utf-8")
    assert rendered == texts_below(golden)


@formats
def test_a_consumer_has_its_name_in_each_distribution(
    make_tree: MakeTree, format: RecipeFormat, render: Render
) -> None:
    names = {"debian": "code-of-debian", "fedora": "code-of-fedora", "arch": "code-of-arch"}
    tree = make_tree()
    define(tree, f'consumers: [{{package: code, version: ">=1", needs: ">=9", names: {names}}}]\n')
    text = "".join(texts_below(render(tree, format).directory).values())
    expected = {"debian": "debian", "rpm": "fedora", "arch": "arch"}.get(format.name)
    assert {each for each in names.values() if each in text} == {
        names[each] for each in [expected] if each is not None
    }


@formats
def test_what_begins_as_a_program_can_be_run(
    make_tree: MakeTree, format: RecipeFormat, render: Render
) -> None:
    recipe = render(make_tree(), format)
    paths = [path for path in recipe.directory.rglob("*") if path.is_file()]
    programs = {path for path in paths if path.read_bytes().startswith(b"#!")}
    assert {path for path in paths if path.stat().st_mode & 0o777 == 0o755} == programs
    assert {path for path in paths if path.stat().st_mode & 0o777 == 0o644} == {*paths} - programs


@pytest.mark.parametrize(
    "format",
    [each for each in recipe_formats().values() if each.programs],
    ids=lambda each: each.name,
)
def test_every_program_that_is_missing_is_named_at_once(
    make_tree: MakeTree, format: RecipeFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    dist = tmp_path / "dist"
    options = RecipeOptions(draft=True, recipes=tmp_path / "recipes", packages=dist, build=True)
    with pytest.raises(ToolError) as caught:
        list(make_recipes(str(make_tree()), [format], options))
    assert str(caught.value).splitlines() == [
        f"{each.name}: not found; install it: {each.package}" for each in format.programs
    ]
    assert not dist.exists()


def texts_below(folder: Path) -> dict[str, str]:
    """Return the text of each file by its path, as golden files have it."""
    return {
        path.relative_to(folder).as_posix(): _stable(path.read_text("utf-8"))
        for path in folder.rglob("*")
        if path.is_file()
    }


def _stable(text: str) -> str:
    """Blank the digest of an archive that was made here: it depends on the zlib in use."""
    text = re.sub(r"(?m)^(\s*(?:-? ?)sha256: )[0-9a-f]{64}$", r"\1(of the archive)", text)
    return re.sub(r'("sha256": ")[0-9a-f]{64}"', r'\1(of the archive)"', text)


@formats
@pytest.mark.slow
def test_rendering_twice_changes_nothing(
    sample: Path, format: RecipeFormat, render: Render
) -> None:
    assert {file.state for file in render(sample, format).files} == {"new"}
    before = {file.path: file.path.stat().st_mtime_ns for file in render(sample, format).files}
    again = render(sample, format)
    assert {file.state for file in again.files} == {"unchanged"}
    assert {file.path: file.path.stat().st_mtime_ns for file in again.files} == before


@pytest.mark.slow(1)
@formats
def test_no_jinja_is_left_in_what_is_rendered(
    sample: Path, format: RecipeFormat, render: Render
) -> None:
    for file in render(sample, format).files:
        text = file.path.read_text("utf-8")
        # conda-forge's bot writes the version anew, and finds it by this name alone.
        for named in _VERSION_NAMED.get(file.path.name, ()):
            text, count = re.subn(named, "", text)
            assert count, named
        assert not re.search(r"\{\{|\{%|\{#", text), file.path


_VERSION_NAMED = {
    "recipe.yaml": [r"\$\{\{ version \}\}"],
    "meta.yaml": [r'\A\{% set version = "[0-9A-Za-z.]+" %\}\n', r"\{\{ version \}\}"],
}


@pytest.mark.slow(1)
@formats
def test_a_dry_run_writes_nothing(sample: Path, format: RecipeFormat, tmp_path: Path) -> None:
    options = RecipeOptions(
        draft=True, recipes=tmp_path / "r", packages=tmp_path / "d", dry_run=True
    )
    [recipe] = make_recipes(str(sample), [format], options)
    assert recipe.files
    assert not (tmp_path / "r").exists()


def test_every_obstacle_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    data = tmp_path / "nipy-x-0.1" / "x"
    for path in (".pc/a", "b"):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(b"")
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.1\n", "utf-8")
    options = RecipeOptions(
        draft=True,
        recipes=tmp_path / "r",
        packages=tmp_path / "d",
    )
    with pytest.raises(RecipeError, match=r"\.pc/a: the debian recipe cannot carry it"):
        list(make_recipes(str(data.parent), list(recipe_formats().values()), options))
    assert not (tmp_path / "r").exists()


def _release(directory: Path, version: str, files: dict[str, bytes], link: str | None) -> Path:
    """Make a release in a folder of its own, with a definition; returns the definition."""
    data = directory / version / "atlas"
    for path, content in files.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(content)
    if link is not None:
        (data / "mni").symlink_to(link)
    (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
    definition = directory / version / "package.yaml"
    definition.write_text(
        f"name: nipy-atlas\nrelpath: nipy/atlas\nversion: '{version}'\ndate: 2023-05-01\n"
        "maintainer: {name: Ada Lovelace, email: ada@example.org}\n",
        "utf-8",
    )
    return definition


@pytest.fixture
def releases(tmp_path: Path) -> tuple[Path, Path]:
    """Two versions; in the second a file is new, one differs, one is gone, a folder is a link."""
    first = {"mni/a.txt": b"a", "same.txt": b"s", "gone.txt": b"g", "other.txt": b"1"}
    second = {"mni152/a.txt": b"a", "same.txt": b"s", "other.txt": b"2"}
    return (
        _release(tmp_path, "0.9", first, None),
        _release(tmp_path, "0.10", second, "mni152"),
    )


def test_a_pre_release_is_spelled_alike_for_dpkg_and_rpm(tmp_path: Path, render: Render) -> None:
    definition = _release(tmp_path, "1.0.a1", {"a.txt": b"a"}, None)
    changelog = render(definition, recipe_formats()["debian"]).directory / "changelog"
    assert changelog.read_text("utf-8").startswith("nipy-atlas (1.0~a1-1) ")
    spec = (render(definition, recipe_formats()["rpm"]).directory / "nipy-atlas.spec").read_text()
    assert re.search(r"(?m)^Version: +1\.0~a1$", spec)
    assert re.search(r"(?m)^\* .* - 1\.0~a1-1$", spec)


class TestPrevious:
    def test_debian_tells_what_changed_and_keeps_the_history(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        debian = recipe_formats()["debian"]
        recipe = render(releases[1], debian, previous=releases[0])
        changelog = (recipe.directory / "changelog").read_text("utf-8")
        assert re.findall(r"nipy-atlas \((.*)\)", changelog) == ["0.10-1", "0.9-1"]
        newest = changelog.partition(" -- ")[0]
        assert "* New upstream release 0.10, after 0.9:" in newest
        assert "- Added: mni\n" in newest
        assert "- Removed: gone.txt\n" in newest
        assert "- Moved: mni/a.txt to mni152/a.txt\n" in newest
        assert "- Changed: other.txt\n" in newest
        assert "same.txt" not in newest
        assert (recipe.directory / "maintscript").read_text("utf-8") == (
            "dir_to_symlink /usr/share/nipy/nipy/atlas/mni mni152 0.10-1~\n"
        )
        overrides = (recipe.directory / "nipy-atlas.lintian-overrides").read_text("utf-8")
        assert "initial-upload" not in overrides

    def test_an_upgrade_may_leave_out_the_version_that_swapped(
        self, releases: tuple[Path, Path], tmp_path: Path, render: Render
    ) -> None:
        debian = recipe_formats()["debian"]
        render(releases[1], debian, previous=releases[0])
        third = _release(tmp_path, "0.11", {"mni152/a.txt": b"b"}, "mni152")
        recipe = render(third, debian, previous=releases[1])
        script = recipe.directory / "maintscript"
        assert script.read_text("utf-8") == (
            "dir_to_symlink /usr/share/nipy/nipy/atlas/mni mni152 0.10-1~\n"
        )
        back = _release(tmp_path, "0.12", {"mni152/a.txt": b"b", "mni/a.txt": b"c"}, None)
        render(back, debian, previous=third)
        assert script.read_text("utf-8") == (
            "symlink_to_dir /usr/share/nipy/nipy/atlas/mni mni152 0.12-1~\n"
        )

    def test_rendering_again_adds_no_entry(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        for format in recipe_formats().values():
            render(releases[1], format, previous=releases[0])
            again = render(releases[1], format, previous=releases[0])
            assert {file.state for file in again.files} == {"unchanged"}, format.name

    def test_the_same_data_packaged_again_has_a_later_entry(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        debian = recipe_formats()["debian"]
        render(releases[0], debian)
        releases[0].write_text(f"{releases[0].read_text('utf-8')}revision: 1\n", "utf-8")
        changelog = render(releases[0], debian).directory / "changelog"
        entries = Changelog(changelog.read_text("utf-8"), strict=True)
        assert [(str(each.version), each.date) for each in entries] == [
            ("0.9-2", "Mon, 01 May 2023 00:00:01 +0000"),
            ("0.9-1", "Mon, 01 May 2023 00:00:00 +0000"),
        ]
        assert "Packaging only" in str(entries[0])
        assert {file.state for file in render(releases[0], debian).files} == {"unchanged"}

    def test_an_entry_later_than_the_policy_is_not_said_to_be_earlier(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        debian = recipe_formats()["debian"]
        old = releases[0].read_text("utf-8").replace("date: 2023-05-01", "date: 2009-05-01")
        releases[0].write_text(old, "utf-8")
        directory = render(releases[0], debian).directory
        overrides = directory / "source" / "lintian-overrides"
        assert "timewarp-standards-version" in overrides.read_text("utf-8")

        changelog = directory / "changelog"
        by_hand = changelog.read_text("utf-8").replace("01 May 2009", "01 May 2024")
        changelog.write_text(by_hand.replace("Fri, ", "Wed, "), "utf-8")
        releases[0].write_text(f"{old}revision: 1\n", "utf-8")
        render(releases[0], debian)
        assert "Wed, 01 May 2024 00:00:01 +0000" in changelog.read_text("utf-8")
        assert "timewarp-standards-version" not in overrides.read_text("utf-8")

    def test_entries_that_a_maintainer_wrote_stay(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        debian = recipe_formats()["debian"]
        recipe = render(releases[0], debian)
        changelog = recipe.directory / "changelog"
        by_hand = changelog.read_text("utf-8").replace("packaged with nipack", "by hand")
        changelog.write_text(by_hand, "utf-8")
        render(releases[1], debian, previous=releases[0])
        assert changelog.read_text("utf-8").endswith(by_hand)

    def test_this_version_s_entry_stays_once_a_maintainer_has_changed_it(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        debian = recipe_formats()["debian"]
        directory = render(releases[0], debian).directory
        changelog = directory / "changelog"
        written = changelog.read_text("utf-8")
        by_hand = written.replace("Initial release.", "Initial release. (Closes: #1234567)")
        assert "#1234567" in by_hand
        changelog.write_text(by_hand, "utf-8")
        for _ in range(2):
            render(releases[0], debian)
            assert changelog.read_text("utf-8") == by_hand
        render(releases[1], debian, previous=releases[0])
        assert changelog.read_text("utf-8").endswith(by_hand)

    def test_the_spec_s_entry_stays_once_a_maintainer_has_changed_it(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        rpm = recipe_formats()["rpm"]
        spec = render(releases[0], rpm).directory / "nipy-atlas.spec"
        by_hand = spec.read_text("utf-8").replace("- Version 0.9", "- Version 0.9 (rhbz#7), 100%%")
        assert "rhbz#7" in by_hand
        spec.write_text(by_hand, "utf-8")
        render(releases[0], rpm)
        assert spec.read_text("utf-8") == by_hand
        render(releases[1], rpm, previous=releases[0])
        assert "(rhbz#7), 100%%\n" in spec.read_text("utf-8")
        assert spec.read_text("utf-8").count("0.9-1") == 1

    def test_what_changed_is_written_into_an_entry_that_nobody_has_changed(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        for format in ("debian", "rpm"):
            render(releases[1], recipe_formats()[format])
            files = render(releases[1], recipe_formats()[format], previous=releases[0])
            [text] = [
                path.read_text("utf-8")
                for path in files.directory.iterdir()
                if path.name in ("changelog", "nipy-atlas.spec")
            ]
            assert text.count("0.10-1") == 1
            assert "gone.txt" in text

    def test_the_spec_tells_it_too(self, releases: tuple[Path, Path], render: Render) -> None:
        rpm = recipe_formats()["rpm"]
        spec = (
            render(releases[1], rpm, previous=releases[0]).directory / "nipy-atlas.spec"
        ).read_text("utf-8")
        changelog = spec.partition("%changelog\n")[2]
        assert re.findall(r"(?m)^\* .* - (.*)$", changelog) == ["0.10-1", "0.9-1"]
        assert "- Removed: gone.txt\n- Moved: mni/a.txt to mni152/a.txt\n" in changelog

    @pytest.mark.parametrize("format", ["debian", "rpm"])
    def test_both_say_what_nipack_diff_says_of_an_image(
        self, format: str, tmp_path: Path, render: Render, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        volume = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
        other = volume.copy()
        other[1, 2, 3] += 7
        images = [nib.Nifti1Image(each, np.eye(4)).to_bytes() for each in (volume, other)]
        first, second = (
            _release(tmp_path, version, {"T1.nii": image}, None)
            for version, image in zip(("0.9", "0.10"), images, strict=True)
        )
        recipe = recipe_formats()[format]
        with monkeypatch.context() as patched:
            patched.setattr("nipack.difference.voxels.can_read_images", lambda: False)
            [path] = [
                file.path
                for file in render(second, recipe, previous=first).files
                if file.path.name in ("changelog", "nipy-atlas.spec")
            ]
        assert "- Changed: T1.nii\n" in path.read_text("utf-8")
        render(second, recipe, previous=first)
        assert "- Changed: T1.nii; values: 1 of 24 (4.17%), by up to 7 at [1, 2, 3]" in re.sub(
            r"\n +", " ", path.read_text("utf-8").replace("%%", "%")
        )

    def test_the_spec_says_of_a_packaging_revision_that_the_data_is_as_it_was(
        self, releases: tuple[Path, Path], render: Render
    ) -> None:
        rpm = recipe_formats()["rpm"]
        render(releases[0], rpm)
        releases[0].write_text(f"{releases[0].read_text('utf-8')}revision: 1\n", "utf-8")
        spec = (render(releases[0], rpm).directory / "nipy-atlas.spec").read_text("utf-8")
        changelog = spec.partition("%changelog\n")[2]
        assert re.findall(r"(?m)^\* .* - (.*)$", changelog) == ["0.9-2", "0.9-1"]
        assert "- Packaging only: the data is as it was\n" in changelog
        assert "Update" not in changelog

    def test_a_changelog_that_is_none_is_not_overwritten(
        self, releases: tuple[Path, Path], render: Render, tmp_path: Path
    ) -> None:
        changelog = tmp_path / "recipes" / "nipy-atlas" / "debian" / "changelog"
        changelog.parent.mkdir(parents=True)
        changelog.write_text("not a changelog\n", "utf-8")
        with pytest.raises(RecipeError, match="not a Debian changelog"):
            render(releases[1], recipe_formats()["debian"])
        assert changelog.read_text("utf-8") == "not a changelog\n"


def test_what_conda_drops_is_an_obstacle(tmp_path: Path, render: Render) -> None:
    dropped = {".DS_Store": b"x", "lib.la": b"x", "code.pyc": b"x"}
    definition = _release(tmp_path, "0.1", dropped, None)
    with pytest.raises(RecipeError) as caught:
        render(definition, recipe_formats()["conda"])
    for path in dropped:
        assert f"{path}: the conda recipe cannot carry it" in str(caught.value)
    assert not (tmp_path / "recipes").exists()


def test_what_is_not_settled_is_for_a_draft_alone(tmp_path: Path, make_tree: MakeTree) -> None:
    """A missing definition, licence or right to pass the data on stops what is to be submitted."""
    options = RecipeOptions(recipes=tmp_path / "r", packages=tmp_path / "d")
    every = list(recipe_formats().values())
    with pytest.raises(DataPackageError) as caught:
        list(make_recipes(str(make_tree()), every, options))
    codes = {each.code for each in caught.value.problems if each.severity == "error"}
    assert codes == {"no-definition"}
    assert not (tmp_path / "r").exists()
    settled = list(make_recipes(str(REPOSITORY / "recipes" / "nipy-examplepkg"), every, options))
    assert len(settled) == len(every)


SECTIONS = [
    "context",
    "recipe",
    "package",
    "source",
    "build",
    "requirements",
    "test",
    "tests",
    "outputs",
    "about",
    "extra",
]


@pytest.mark.parametrize(
    "path",
    sorted(GOLDEN.glob("*/conda/recipe.yaml")) + sorted(GOLDEN.glob("*/conda/meta.yaml")),
    ids=lambda path: f"{path.parts[-3]}-{path.name}",
)
def test_conda_forge_s_linter_has_nothing_to_say(path: Path) -> None:
    """The rules of conda-smithy's linter that a recipe of data can break."""
    text = path.read_text("utf-8")
    recipe = yaml.safe_load(jinja2.Template(text).render() if path.stem == "meta" else text)
    recipe.pop("schema_version", None)
    assert list(recipe) == [key for key in SECTIONS if key in recipe]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not re.search(r"#\s*\[[^]]+\]\s*$", text, re.MULTILINE), (
        "a selector, which noarch recipes may not have"
    )
    about = recipe["about"]
    assert about["summary"]
    assert about["license"]
    assert about["license"].lower() != "unknown"
    assert "license" not in about["license"].lower().removeprefix("licenseref-")
    assert about.get("license_file")
    assert all(recipe["extra"]["recipe-maintainers"])
    for build in [each["build"] for each in recipe.get("outputs", [recipe])]:
        assert build["noarch"] == "generic"
        assert isinstance(build["number"], int)
    sources = recipe["source"] if isinstance(recipe["source"], list) else [recipe["source"]]
    for source in sources:
        assert source["sha256"]


def test_a_release_at_github_has_its_tracker_and_repository(
    tmp_path: Path, render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _release(tmp_path, "1.2", {"a.txt": b"a"}, None).parent
    archive = shutil.make_archive(str(tmp_path / "x-1.2"), "gztar", data.parent, "1.2")
    digest = hashlib.sha256(Path(archive).read_bytes()).hexdigest()
    cached = tmp_path / "cache" / "downloads" / f"sha256-{digest}" / "file"
    cached.parent.mkdir(parents=True)
    shutil.copy(archive, cached)
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    address = "https://github.com/o/r/releases/download/v1.2/x-1.2.tar.gz"
    definition = tmp_path / "package.yaml"
    definition.write_text(
        "name: nipy-atlas\nrelpath: nipy/atlas\nversion: '1.2'\n"
        f"source: {{address: '{address}', sha256: {digest}}}\n",
        "utf-8",
    )
    directory = render(definition, recipe_formats()["debian"]).directory
    metadata = yaml.safe_load((directory / "upstream" / "metadata").read_text("utf-8"))
    assert metadata == {
        "Bug-Database": "https://github.com/o/r/issues",
        "Repository": "https://github.com/o/r.git",
        "Repository-Browse": "https://github.com/o/r",
    }
    overrides = (directory / "source" / "lintian-overrides").read_text("utf-8")
    assert "upstream-metadata-missing" not in overrides
    assert f"Source: {address}\n" in (directory / "copyright").read_text("utf-8")
    conda = render(definition, recipe_formats()["conda"]).directory
    named = address.replace("1.2", "@")
    recipe = (conda / "recipe.yaml").read_text("utf-8")
    assert f"  url: {named.replace('@', '${{ version }}')}\n" in recipe
    meta = (conda / "meta.yaml").read_text("utf-8")
    assert f"  url: {named.replace('@', '{{ version }}')}\n" in meta
    assert yaml.safe_load(jinja2.Template(meta).render())["source"]["url"] == address
    # conda-forge's bot makes the next version of both; what lists the data is rendered by us.
    for name, text in (("recipe.yaml", recipe), ("meta.yaml", meta)):
        after, asked = updated(conda / name, "1.10")
        assert asked == [address.replace("1.2", "1.10")]
        assert after == text.replace('"1.2"', '"1.10"', 1).replace(digest, DIGEST)
    assert yaml.safe_load(jinja2.Template(after).render())["package"]["version"] == "1.10"


@pytest.mark.parametrize(
    ("suite", "policy", "level", "priority", "root"),
    [
        (None, "4.6.2", 13, True, True),
        ("bookworm", "4.6.2", 13, True, True),
        ("trixie", "4.7.2", 13, True, False),
        ("sid", "4.7.4", 14, False, False),
    ],
)
def test_debian_s_control_follows_the_suite(
    suite: str | None, policy: str, level: int, priority: bool, root: bool, tmp_path: Path
) -> None:
    definition = _release(tmp_path, "0.9", {"a.txt": b"a"}, None)
    options = RecipeOptions(
        draft=True, recipes=tmp_path / "r", packages=tmp_path / "d", suite=suite
    )
    recipes = make_recipes(str(definition), list(recipe_formats().values()), options)
    [directory] = [each.directory for each in recipes if each.format == "debian"]
    control = Deb822((directory / "control").read_text("utf-8"))
    assert control["Standards-Version"] == policy
    assert control["Build-Depends"] == f"debhelper-compat (= {level})"
    assert ("Priority" in control, "Rules-Requires-Root" in control) == (priority, root)


def test_debian_s_control_keeps_where_the_packaging_is(tmp_path: Path, render: Render) -> None:
    definition, debian = (
        _release(tmp_path, "0.9", {"a.txt": b"a"}, None),
        recipe_formats()["debian"],
    )
    control = render(definition, debian).directory / "control"
    place = "https://salsa.example.org/ada/nipy-atlas"
    text = control.read_text("utf-8")
    assert "Vcs" not in text
    named = f"Vcs-Browser: {place}\nVcs-Git: {place}.git -b debian/latest\n"
    control.write_text(text.replace("\nPackage:", f"{named}\nPackage:", 1), "utf-8")
    render(definition, debian)
    assert f"{named}\nPackage:" in control.read_text("utf-8")
    control.write_text(text.replace("\nPackage:", "Vcs-Git: ${x}\n\nPackage:", 1), "utf-8")
    with pytest.raises(RecipeError, match=r"\$\{x\}"):
        render(definition, debian)


def test_a_spec_needs_no_more_than_fedora_lacks_and_hides_no_fault(
    tmp_path: Path, render: Render
) -> None:
    """coreutils are in every build root; a wrong licence or address is the maintainer's to see."""
    recipe = render(_release(tmp_path, "0.9", {"a.txt": b"a"}, None), recipe_formats()["rpm"])
    spec = (recipe.directory / "nipy-atlas.spec").read_text("utf-8")
    assert re.findall(r"(?m)^BuildRequires: +(.*)$", spec) == ["findutils"]
    filters = (recipe.directory / "nipy-atlas.rpmlintrc").read_text("utf-8")
    patterns = re.findall(r'addFilter\("(.*)"\)', filters)
    assert patterns
    for fault in ("invalid-license", "invalid-url", "no-binary", "summary-too-long"):
        assert not [each for each in patterns if re.search(each, f"x.noarch: W: {fault} y")]


def test_no_test_loads_an_image_that_the_check_could_not_read(
    tmp_path: Path, render: Render
) -> None:
    pytest.importorskip("nibabel")
    bad = gzip.compress(b"no image" * 100, mtime=1)
    definition = _release(tmp_path, "1.2", {"bad.nii.gz": bad}, None)
    digest = hashlib.sha256(bad).hexdigest()
    assert digest not in (
        render(definition, recipe_formats()["debian"]).directory / "tests" / ("lookup")
    ).read_text("utf-8")
