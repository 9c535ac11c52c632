"""The conda recipe, in both of its formats: recipe.yaml (v1) and meta.yaml (v0).

Sources: CEP 13 and 14 (v1 recipes); conda-build's documentation of meta.yaml; conda-forge's
guidelines for recipes.
"""

import hashlib
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nipack import layout
from nipack.builder.archive.compression import is_mostly_compressed, zstd_reader
from nipack.builder.archive.installed import FILE_MODE
from nipack.builder.archive.members import LINK_MODE, Content, read_tar
from nipack.builder.definition.licenses import license_files
from nipack.builder.dialects import conda
from nipack.builder.escaping import CondaBuildYaml, PythonText, RattlerYaml, ShellWord
from nipack.builder.package import DataPackage
from nipack.builder.recipes import (
    RecipeFile,
    RecipeFormat,
    RecipeRequest,
    copied_parts,
    own_files,
    sample_images,
)
from nipack.builder.rendering import render
from nipack.lookup.json_text import MOST_OF_JSON, json_value
from nipack.system import rattler
from nipack.system.errors import ToolError
from nipack.system.programs import Program, run

_CONDA_BUILD = Program(name="conda-build", package="conda install conda-build")
_GROUP_WRITABLE = 0o664
# Levels of zstd: on data that is compressed already, a high one takes long and saves nothing.
_QUICK, _SMALL = 1, 19
# Up to so many files the test of the contents names each; patterns stand for more.
_NAMED = 100

# What conda-build and rattler-build leave out of every package, without a word.
_DROPPED = re.compile(r"(.*/)?(\.DS_Store|[^/]*\.la|\.git(/.*)?)")
_DROPPED_BY_CONDA_BUILD = re.compile(r"(.*/)?[^/]*\.py[co]")


class CondaRecipe(RecipeFormat):
    """noarch: generic, built by conda-build or rattler-build."""

    name = "conda"
    default = True
    takes_channels = True
    takes_parts = True
    splits = True

    def obstacles(self, request: RecipeRequest) -> Iterator[tuple[str, str, str]]:
        """Yield what conda's builders drop."""
        for path in request.package.paths:
            if _DROPPED.fullmatch(path) or _DROPPED_BY_CONDA_BUILD.fullmatch(path):
                yield path, "conda's builders leave such files out", "rename or remove it"

    def render(self, request: RecipeRequest) -> list[RecipeFile]:
        """Return both recipes, and the files that they share; of parts there is no meta.yaml."""
        values = _values(request)
        # rattler-build installs a test's files with the package: its own has the text inside.
        values["lookup"] = render("conda/lookup.py", PythonText, values)
        recipe = "conda/recipe-of-parts.yaml" if request.is_split else "conda/recipe.yaml"
        files = {
            "recipe.yaml": render(recipe, RattlerYaml, values),
            "build.sh": render("conda/build.sh", ShellWord, values),
            **own_files(request, request.source.data, without_top=True),
            # conda-build keeps them in info/licenses by the paths that they have beside the recipe.
            **dict(license_files(request.package.definition)),
        }
        if not request.is_split:
            files["meta.yaml"] = render("conda/meta.yaml", CondaBuildYaml, values)
            files["lookup.py"] = values["lookup"]
        return [
            RecipeFile(path=path, content=content, executable=path == "build.sh")
            for path, content in sorted(files.items())
        ]

    def build(self, request: RecipeRequest, workspace: Path) -> list[Path]:
        """Build with conda-build where there is one, else with rattler-build."""
        output = workspace / "channel"
        level = _QUICK if is_mostly_compressed(request.package.files) else _SMALL
        recipe = self._without_network(request, workspace)
        builder = _builder(request)
        if builder is not None:
            _conda_build(builder, recipe, output, level, request.channels)
        else:
            _rattler_build(recipe, output, level, request.channels)
        built = [_built(each, output / "noarch") for each in request.packages]
        for path in built:
            path.chmod(0o644)  # rattler-build makes it readable for one user only
        return built

    def _without_network(self, request: RecipeRequest, workspace: Path) -> Path:
        """Return the recipe, or a copy that takes the release from this machine."""
        if request.source.address is None and not request.parts:
            return request.directory
        copy, archive = workspace / "recipe", workspace / request.source.name
        shutil.copytree(request.directory, copy)
        if request.parts:
            local = copied_parts(request, workspace)
        else:
            shutil.copyfile(request.source.path, archive)
            local = replace(request, source=replace(request.source, path=archive, address=None))
        for file in self.render(replace(local, directory=copy)):
            (copy / file.path).write_text(file.content, "utf-8")
        return copy

    def contents(self, artifact: Path, workspace: Path) -> Iterator[Content]:
        """Yield what is in the part that is installed, as if /usr were the environment."""
        stem = artifact.name.removesuffix(".conda")
        with zipfile.ZipFile(artifact) as archive:
            placeholders = _placeholders(archive, f"info-{stem}.tar.zst")
            with archive.open(f"pkg-{stem}.tar.zst") as member, zstd_reader(member) as stream:
                for content in read_tar(stream, lambda count: None):
                    placeholder = placeholders.get(content.path)
                    if placeholder is not None:
                        content = _with_prefix(content, placeholder, self.prefix)
                    yield replace(content, mode=_own_mode(content))

    def is_own(self, path: str, name: str) -> bool:
        """Tell that there is nothing of conda's own: it keeps that outside of the prefix."""
        return False


def _built(package: DataPackage, folder: Path) -> Path:
    """Return the package of a name, which others begin with."""
    stem = f"{package.definition.name}-{package.version}"
    [path] = (each for each in folder.glob("*.conda") if each.name.rpartition("-")[0] == stem)
    return path


def _values(request: RecipeRequest) -> dict[str, Any]:
    package, source = request.package, request.source
    definition = package.definition
    maintainer = definition.maintainer
    return {
        **_own_values(package),
        "is_split": request.is_split,
        "packages": [_own_values(each) for each in request.packages],
        "home": request.home,
        "version": package.version,
        "parts": [
            {
                "url": part.address,
                "path": part.seen_from(request.directory),
                "sha256": part.sha256,
                "folder": part.folder,
                "is_archive": part.is_archive,
            }
            for part in request.parts
        ],
        "adds_config": request.adds_config,
        "url": source.address,
        "path": source.seen_from(request.directory),
        "sha256": source.sha256,
        "homepage": definition.homepage,
        "license": definition.license,
        "licenses": [name for name, _ in license_files(definition)],
        "maintainer": (maintainer.github or maintainer.name) if maintainer else "TODO",
        "payload": layout.payload_directory(definition.relpath),
        "manifest": layout.manifest_path(definition.name),
        "ini": layout.ini_path(definition.name),
        "relpath": definition.relpath,
        "images": sample_images(request),
    }


def _own_values(package: DataPackage) -> dict[str, Any]:
    """Return what each of several packages has of its own.

    The whole's version is in the recipe's context, and that of a part only where it has none.
    """
    definition = package.definition
    return {
        "name": definition.name,
        "own_version": package.version if package.part_of else None,
        "number": definition.revision,
        "depends": conda.depends(package),
        "pulls": [part.definition.name for part in package.pulls],
        "constrains": conda.constrains(package),
        "patterns": _patterns(package),
        "summary": definition.summary or f"neuroimaging data {definition.relpath}",
        "description": definition.described() or None,
    }


def _patterns(package: DataPackage) -> list[str]:
    """Return the patterns of the installed files for rattler-build's test of the contents."""
    definition = package.definition
    root = layout.payload_directory(definition.relpath)
    paths = [re.sub(r"([][*?{}])", r"[\1]", path) for path in package.paths]
    named = [f"{root}/{path}" for path in sorted(paths)]
    return [
        *([layout.ini_path(package.whole)] if package.has_ini else []),
        layout.manifest_path(definition.name),
        layout.metadata_path(definition.name),
        *(named if len(named) <= _NAMED else [f"{root}/**"]),
    ]


def conda_build() -> Program | None:
    """Return conda-build, which is in the base environment where condabin alone is on PATH."""
    if shutil.which(_CONDA_BUILD.name):
        return _CONDA_BUILD
    conda = shutil.which("conda")
    if conda is None:
        return None
    in_base = Path(conda).resolve().parent.parent / "bin" / _CONDA_BUILD.name
    return replace(_CONDA_BUILD, start=(str(in_base),)) if in_base.is_file() else None


def _builder(request: RecipeRequest) -> Program | None:
    """Return conda-build, None for rattler-build; raises ToolError where it needs another.

    Data in parts has no meta.yaml, which is what conda-build builds.
    """
    builder = conda_build()
    if builder is not None and not request.is_split:
        return builder
    if rattler.is_installed():
        return None
    if builder is not None:
        raise ToolError(
            "data in parts has a recipe.yaml and no meta.yaml, so conda-build cannot build it; "
            f"install rattler-build: {rattler.RATTLER_BUILD.package}"
        )
    raise ToolError(
        "neither conda-build nor rattler-build is there; install one: "
        f"conda install conda-build, or {rattler.RATTLER_BUILD.package}"
    )


def _conda_build(
    builder: Program, recipe: Path, output: Path, level: int, channels: Sequence[str]
) -> None:
    # Its tests want nibabel from a channel; all but the look-up is proven without them.
    tests = [f"--channel={each}" for each in channels] or ["--no-test"]
    options = ["--no-anaconda-upload", "--override-channels", "--package-format", "2"]
    run(
        builder,
        [*tests, *options, f"--zstd-compression-level={level}", "--croot", output.parent / "croot",
         "--output-folder", output, recipe / "meta.yaml"],
        directory=output.parent,
    )  # fmt: skip


def _rattler_build(recipe: Path, output: Path, level: int, channels: Sequence[str]) -> None:
    words = [recipe / "recipe.yaml", output]
    run(
        rattler.RATTLER_BUILD,
        [*words, str(level), *channels],
        directory=output.parent,
        # It tests in the folder of temporary files, and cannot tidy up when it is interrupted.
        environment={"TMPDIR": str(output.parent)},
    )


def _own_mode(content: Content) -> int:
    """Return the mode that a file was packed with, before conda-build let its group write it.

    It does so with every file of every package.  A link has no mode, whatever an archive says.
    """
    if content.target:
        return LINK_MODE
    return FILE_MODE if content.mode == _GROUP_WRITABLE else content.mode


def _with_prefix(content: Content, placeholder: str, prefix: str) -> Content:
    """Return how a file is installed below a prefix: the ini file, the only one that changes."""
    if content.digest != _sha256(layout.ini_text(placeholder)):
        return replace(content, digest="not its own: an installation would change it")
    text = layout.ini_text(prefix)
    return replace(content, size=len(text), digest=_sha256(text))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _placeholders(archive: zipfile.ZipFile, info: str) -> dict[str, str]:
    """Return the placeholder of each path in which one is to be replaced on installation."""
    paths: list[dict[str, Any]] = []
    with (
        archive.open(info) as member,
        zstd_reader(member) as stream,
        tarfile.open(fileobj=stream, mode="r|", encoding="utf-8") as tar,
    ):
        for entry in tar:
            content = tar.extractfile(entry) if entry.name == "info/paths.json" else None
            if content is not None:
                paths = json_value(content.read(MOST_OF_JSON + 1))["paths"]
    return {
        each["_path"]: each["prefix_placeholder"]
        for each in paths
        if each.get("prefix_placeholder")
    }


RECIPE: RecipeFormat = CondaRecipe()
