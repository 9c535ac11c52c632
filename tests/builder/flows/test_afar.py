"""Packages that are stored at an address: the same bytes as in a folder, and none replaced."""

import json
import shutil
from pathlib import Path

import pytest
from tests.builder.flows.test_collection import contents, ran, recipe
from tests.publish.test_buckets import bucket, bucket_server, endpoint  # noqa: F401

from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats
from nipack.publish.stores import store_at
from nipack.system.errors import RecipeError


@pytest.fixture
def shelf(tmp_path: Path) -> str:
    return (tmp_path / "shelf").as_uri()


def stored(address: str) -> dict[str, bytes]:
    store = store_at(address)
    return {name: store.read(name) or b"" for name in store.files("")}


def test_a_package_at_an_address_is_that_of_a_folder(tmp_path: Path, shelf: str) -> None:
    source = recipe(tmp_path, 1)
    assert ran(source, "-q", "-o", tmp_path / "dist", "--sbom")[0] == 0
    code, out, _ = ran(source, "-q", "-o", f"{shelf}/", "--sbom", "--json")
    assert code == 0
    assert stored(shelf) == contents(tmp_path / "dist")
    assert len(stored(shelf)) == 4
    told = {each["path"] for each in json.loads(out)["artifacts"]}
    assert told == {f"{tmp_path}/shelf/{name}" for name in stored(shelf) if "cdx" not in name}


def test_the_same_package_is_kept_and_others_are_refused(tmp_path: Path, shelf: str) -> None:
    source = recipe(tmp_path, 1)
    assert ran(source, "-q", "-o", shelf)[0] == 0
    before = stored(shelf)
    assert ran(source, "-q", "-o", shelf)[0] == 0
    (source / "d1" / "noise").write_bytes(b"other")
    for form in ("conda", "deb"):
        code, _, err = ran(source, "-q", "-o", shelf, "-f", form)
        assert code == 1
        assert "has this version and revision with other bytes" in err
        assert stored(shelf) == before
    assert ran(source, "-q", "-o", shelf, "--force")[0] == 0
    after = stored(shelf)
    assert len(after) == len(before) == 2
    assert not set(after.values()) & set(before.values())


@pytest.mark.slow
def test_several_processes_store_side_by_side(tmp_path: Path, shelf: str) -> None:
    for number in range(3):
        recipe(tmp_path, number)
    twin = recipe(tmp_path, 3)  # the same package as the first, of other data
    text = (twin.parent / "p0" / "package.yaml").read_text("utf-8")
    (twin / "package.yaml").write_text(text, "utf-8")
    (twin / "d3").rename(twin / "d0")
    code, _, err = ran(tmp_path / "recipes", "-q", "-o", shelf, "--jobs", "2", "-f", "deb")
    assert code == 1
    assert "3 of 4 sources built, 1 failed" in err
    assert len(stored(shelf)) == 3


def test_a_dry_run_names_the_address_and_writes_nothing(tmp_path: Path, shelf: str) -> None:
    code, out, _ = ran(recipe(tmp_path, 1), "-q", "-o", shelf, "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["artifacts"][0]["path"].startswith(f"{shelf}/p1-0.3-h")
    assert stored(shelf) == {}


def test_what_cannot_be_an_address_is_told_before_anything_is_built(tmp_path: Path) -> None:
    code, _, err = ran(recipe(tmp_path, 1), "-q", "-o", "gopher://lab/dist")
    assert code == 1
    assert "gopher://lab/dist: nothing can be stored there" in err


@pytest.mark.slow
def test_a_bucket_takes_packages_as_a_folder_does(
    tmp_path: Path,
    bucket: str,  # noqa: F811
) -> None:
    for number in range(3):
        recipe(tmp_path, number)
    assert ran(tmp_path / "recipes", "-q", "-o", tmp_path / "dist")[0] == 0
    assert ran(tmp_path / "recipes", "-q", "-o", bucket, "--jobs", "2")[0] == 0
    assert stored(bucket) == contents(tmp_path / "dist")
    assert ran(tmp_path / "recipes", "-q", "-o", bucket)[0] == 0


@pytest.fixture
def release(tmp_path: Path) -> Path:
    source = recipe(tmp_path, 1)
    return Path(shutil.make_archive(str(tmp_path / "p1-0.3"), "gztar", source.parent, source.name))


@pytest.mark.slow
def test_a_release_in_a_bucket_is_built_as_the_file_is(
    tmp_path: Path,
    release: Path,
    bucket: str,  # noqa: F811
) -> None:
    store = store_at(bucket)
    store.write("p1-0.3.tar.gz", release.read_bytes())
    address = f"{bucket}/p1-0.3.tar.gz"
    assert ran(release, "-q", "-o", tmp_path / "dist")[0] == 0
    assert ran(address, "-q", "-o", f"{bucket}/dist")[0] == 0
    assert stored(f"{bucket}/dist") == contents(tmp_path / "dist")
    # Nothing of the bucket, which may be private, is in a package; it is in the cache by now.
    store.delete("p1-0.3.tar.gz")
    assert ran(address, "-q", "-o", tmp_path / "again", "--offline")[0] == 0
    assert contents(tmp_path / "again") == contents(tmp_path / "dist")
    code, _, err = ran(address, "-q", "-o", tmp_path / "none")
    assert (code, "p1-0.3.tar.gz: the bucket does not have it; check" in err) == (1, True)
    code, _, err = ran(bucket, "-q", "-o", tmp_path / "none")
    assert (code, "a folder of a bucket; name an archive in it" in err) == (1, True)


def test_what_of_a_bucket_is_not_read_says_what_to_name(tmp_path: Path) -> None:
    code, _, err = ran("s3://lab/atlas/package.yaml", "-q", "-o", tmp_path / "none")
    assert code == 1
    assert "a definition in a bucket is not read; name the archive there" in " ".join(err.split())
    options = RecipeOptions(draft=True, recipes=tmp_path / "recipes", packages=tmp_path / "dist")
    with pytest.raises(RecipeError, match=r"s3://lab/a\.tar\.gz: .* name its https:// address, or"):
        list(make_recipes("s3://lab/a.tar.gz", [recipe_formats()["arch"]], options))
