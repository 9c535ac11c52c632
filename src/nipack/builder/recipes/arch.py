"""The source package of Arch Linux: a PKGBUILD and what it takes beside the release.

Sources: PKGBUILD(5) and makepkg(8) of pacman 6; Arch's package guidelines.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

from nipack import layout
from nipack.builder.archive.compression import is_mostly_compressed
from nipack.builder.archive.members import Content, read_tar
from nipack.builder.definition.licenses import license_files
from nipack.builder.dialects import arch
from nipack.builder.escaping import ShellWord
from nipack.builder.manifest import path_from_root
from nipack.builder.package import DataPackage
from nipack.builder.recipes import RecipeFile, RecipeFormat, RecipeRequest, copied_parts, own_files
from nipack.builder.rendering import render
from nipack.system.programs import Program, run

_MAKEPKG = Program(name="makepkg", package="apt install makepkg, or pacman -S base-devel")
# makepkg refuses to run as root; without a name of its own there, root is nobody.
_UNSHARE = Program(name="unshare", package="apt install util-linux")
_ZSTD = Program(name="zstd", package="apt install zstd, or pacman -S zstd")
# Level 19 where the data is not compressed already.
_QUICK, _SMALL = "zstd -c -T2 -3 -", "zstd -c -T0 -19 -"


class ArchRecipe(RecipeFormat):
    """A PKGBUILD, built by makepkg."""

    name = "arch"
    programs = (_MAKEPKG, _ZSTD)
    takes_parts = True
    splits = True

    def obstacles(self, request: RecipeRequest) -> Iterator[tuple[str, str, str]]:
        """Yield what makepkg takes for something else."""
        if "::" in request.source.name:
            reason = "a PKGBUILD takes '::' in a source's name as a new name"
            yield request.source.name, reason, "rename the archive"
        # PKGBUILD(5): a package of several overrides neither pkgver nor pkgrel.
        whole = arch.full_version(request.packages[-1])
        for index, each in enumerate(request.packages[:-1]):
            if arch.full_version(each) != whole:
                reason = "a PKGBUILD gives all its packages one version and release, "
                reason += f"{whole}, and this part has {arch.full_version(each)}"
                remedy = "leave out its version and revision, or build pacman packages with "
                yield (
                    request.package.definition.where("parts", index),
                    reason,
                    f"{remedy}nipack build",
                )

    def render(self, request: RecipeRequest) -> list[RecipeFile]:
        """Return the PKGBUILD, and the sources that are not the release."""
        files = _own_files(request)
        values = _values(request, files)
        template = "arch/PKGBUILD-of-parts" if request.is_split else "arch/PKGBUILD"
        pkgbuild = RecipeFile(path="PKGBUILD", content=render(template, ShellWord, values))
        return [
            pkgbuild,
            *(RecipeFile(path=path, content=text) for path, text in sorted(files.items())),
        ]

    def build(self, request: RecipeRequest, workspace: Path) -> list[Path]:
        """Build the package in a folder that has the release beside the PKGBUILD."""
        home = workspace / "arch"
        home.mkdir()
        for path in request.directory.iterdir():
            if path.is_file():
                copyfile(path, home / path.name)
        if request.parts:
            local = copied_parts(request, home)
        else:
            copyfile(request.source.path, home / request.source.name)
            local = replace(request, source=replace(request.source, address=None))
        for file in self.render(local):
            (home / file.path).write_text(file.content, "utf-8")
        config = home / "makepkg.conf"
        config.write_text(_config(request.package), "utf-8")
        arguments: list[str | Path] = ["--config", config, "--nodeps", "--force", "--cleanbuild"]
        environment = {
            "SOURCE_DATE_EPOCH": str(request.package.time),
            "PKGDEST": str(home / "made"),
            "SRCDEST": str(home),
            "BUILDDIR": str(home / "build"),
        }
        (home / "made").mkdir()
        (home / "build").mkdir()
        if os.geteuid() == 0:
            program, words = _UNSHARE, ["--user", _MAKEPKG.name, *arguments]
        else:
            program, words = _MAKEPKG, arguments
        run(program, words, directory=home, environment=environment)
        return [
            home / "made" / f"{each.definition.name}-{arch.full_version(each)}-any.pkg.tar.zst"
            for each in request.packages
        ]

    def contents(self, artifact: Path, workspace: Path) -> Iterator[Content]:
        """Yield what is installed; pacman installs nothing whose name begins with a dot."""
        tar = workspace / "payload.tar"
        run(_ZSTD, ["-d", "-q", "-f", artifact, "-o", tar], directory=workspace)
        with tar.open("rb") as stream:
            for content in read_tar(stream, lambda count: None):
                if not content.path.startswith("."):
                    yield replace(content, path=content.path.removeprefix("usr/"))

    def is_own(self, path: str, name: str) -> bool:
        """Tell whether a path is a licence."""
        return path.startswith(f"share/licenses/{name}/")


def _own_files(request: RecipeRequest) -> dict[str, str]:
    definition = request.package.definition
    files = own_files(request, request.source.folder, flat=True)
    return {
        # The whole has no list, for it has no files.
        **{path: text for path, text in files.items() if text},
        layout.ini_name(definition.name): layout.ini_text("/usr"),
        **dict(license_files(definition)),
    }


def _values(request: RecipeRequest, files: dict[str, str]) -> dict[str, Any]:
    package, source = request.package, request.source
    definition = package.definition
    return {
        "maintainer": arch.field(str(definition.maintainer or "TODO")),
        "name": definition.name,
        "version": arch.package_version(package),
        "release": arch.package_release(package),
        "summary": arch.summary(package),
        "homepage": definition.homepage or "",
        "license": arch.license_name(package),
        "conflicts": arch.conflicts(package),
        "packages": [_own_values(each) for each in request.packages],
        "ini": path_from_root(layout.ini_path(definition.name)),
        "ini_name": layout.ini_name(definition.name),
        "sources": [
            f"{part.name}::{part.address}" if part.address else part.name for part in request.parts
        ]
        or [source.address or source.name],
        "sha256": [part.sha256 for part in request.parts] or [source.sha256],
        "parts": [
            {"name": part.name, "folder": part.folder, "is_archive": part.is_archive}
            for part in request.parts
        ],
        "adds_config": request.adds_config,
        "files": sorted(files),
        "digests": [_sha256(text) for _, text in sorted(files.items())],
        "licenses": [name for name, _ in license_files(definition)],
        "relpath": definition.relpath,
    }


def _own_values(package: DataPackage) -> dict[str, Any]:
    """Return what each of several packages has of its own."""
    return {
        "name": package.definition.name,
        "summary": arch.summary(package),
        "depends": arch.depends(package),
        "conflicts": arch.conflicts(package),
        "has_ini": package.has_ini,
        "has_data": bool(package.paths),
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _config(package: DataPackage) -> str:
    """Return a configuration in which nothing depends on the machine's own."""
    compress = _QUICK if is_mostly_compressed(package.files) else _SMALL
    packager = re.sub(r"[^\w .@<>+-]", " ", str(package.definition.maintainer or ""))
    lines = [
        "CARCH=any", "CHOST=any", "PKGEXT=.pkg.tar.zst", "SRCEXT=.src.tar.gz",
        "BUILDENV=(!distcc !color !ccache !check !sign)",
        "OPTIONS=(!strip docs libtool staticlibs)",
        "INTEGRITY_CHECK=(sha256)", f"COMPRESSZST=({compress})", f'PACKAGER="{packager}"',
        "DLAGENTS=()", "VCSCLIENTS=()",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


RECIPE: RecipeFormat = ArchRecipe()
