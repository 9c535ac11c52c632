"""Recipes of a release at an address, without the network: the release is in the cache."""

import hashlib
import os
from pathlib import Path

from tests.builder.samples import member, tar_gz

from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats

# Each kind of address that debian/watch tells apart; {0} is the version.
ADDRESSES = {
    "page": "https://example.org/releases/nipy-examplepkg-{0}.tar.gz",
    "folders": "https://example.org/releases/v{0}/nipy-examplepkg-{0}.tar.gz?download=1",
    "github-tags": "https://github.com/nipy/examplepkg/archive/refs/tags/v{0}.tar.gz",
    "github-tags-by-name": "https://github.com/nipy/examplepkg/archive/v{0}/examplepkg-{0}.tar.gz",
    "github-assets": "https://github.com/nipy/examplepkg/releases/download/v{0}/"
    "nipy-examplepkg-{0}.tgz",
    "github-assets-by-tag": "https://github.com/nipy/examplepkg/releases/download/v{0}/"
    "nipy-examplepkg.tar.gz",
}


def render_watch(directory: Path, address: str, version: str, suite: str | None = None) -> Path:
    """Render the Debian recipe of a version at an address; returns the folder of debian/."""
    config = f"[DEFAULT]\nversion = {version}\n".encode()
    archive = tar_gz(directory / "release.tar.gz", member("x/examplepkg/config.ini", config))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    cached = Path(os.environ["NIPACK_CACHE_DIR"]) / "downloads" / f"sha256-{digest}" / "file"
    cached.parent.mkdir(parents=True, exist_ok=True)
    archive.replace(cached)
    definition = directory / "package.yaml"
    definition.write_text(
        f"name: nipy-examplepkg\nrelpath: nipy/examplepkg\nversion: '{version}'\n"
        f"date: 2023-05-01\nsource:\n  address: {address}\n  sha256: {digest}\n",
        "utf-8",
    )
    options = RecipeOptions(
        draft=True,
        recipes=directory / version,
        packages=directory / "dist",
        offline=True,
        suite=suite,
    )
    [recipe] = make_recipes(str(definition), [recipe_formats()["debian"]], options)
    return recipe.directory.parent
