"""The package of Arch Linux: a zstd tar that begins with what pacman reads.

Sources: PKGBUILD(5), makepkg(8) and pacman(8) of pacman 6; mtree(5) of libarchive.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from nipack import layout
from nipack.builder.archive.compression import small_gzip, zstd_reader, zstd_writer
from nipack.builder.archive.growing import Part
from nipack.builder.archive.installed import (
    Installed,
    InstalledFile,
    InstalledLink,
    Role,
    Tree,
    directories_of,
    sorted_tree,
    text_file,
)
from nipack.builder.archive.members import (
    DIRECTORY_MODE,
    LINK_MODE,
    Content,
    write_tar,
)
from nipack.builder.archive.packed import NOTHING, PackedTar, ReadBack
from nipack.builder.archive.sampling import tuning_for
from nipack.builder.definition.licenses import license_texts
from nipack.builder.dialects import arch
from nipack.builder.formats import Format
from nipack.builder.manifest import path_from_root, system_tree
from nipack.builder.package import DataPackage
from nipack.system.progress import Advance

_TAR = PackedTar(reader=zstd_reader, base="", directories=True)
_NOBODY = "Unknown Packager"


class PacmanFormat(Format):
    """any, so one package serves every machine."""

    name = "pacman"
    ending = "-any.pkg.tar.zst"
    digests = frozenset({"md5"})
    holds_links = True
    holds_parts = True
    holds_directories = _TAR.directories
    base = _TAR.base

    def file_name(self, package: DataPackage) -> str:
        """Return NAME-VERSION-RELEASE-any.pkg.tar.zst."""
        return f"{package.definition.name}-{arch.full_version(package)}{self.ending}"

    def payload_root(self, package: DataPackage) -> str:
        """Return its folder from /."""
        return path_from_root(layout.payload_directory(package.definition.relpath))

    def tree(self, package: DataPackage) -> Tree:
        """Return the installed tree for /usr, and the licences."""
        folder = f"usr/share/licenses/{package.definition.name}"
        licenses = [
            text_file(f"{folder}/{name}", text, Role.DOCUMENTATION)
            for name, text in license_texts(package.definition)
        ]
        return sorted_tree([*system_tree(package), *licenses])

    def assemble(
        self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
    ) -> None:
        """Write the package in one pass, with what pacman reads at its beginning."""
        about = text_file(".PKGINFO", _about(package, tree))
        mtree = text_file(".MTREE", small_gzip(_mtree(about, tree, package.time).encode("ascii")))
        with _TAR.read_back(output), zstd_writer(output, tuning_for(tree)) as stream:
            write_tar(
                stream,
                (about, mtree, *tree),
                time=package.time,
                advance=advance,
                base=self.base,
                directories=self.holds_directories,
            )

    def contents(
        self,
        artifact: Path,
        advance: Advance,
        found: ReadBack = NOTHING,
        algorithm: str = "sha256",
    ) -> Iterator[Content]:
        """Yield what is installed; pacman installs nothing whose name begins with a dot."""
        with artifact.open("rb") as raw:
            part = Part(0, artifact.stat().st_size)
            for content in _TAR.contents_of_part(raw, part, advance, found, algorithm):
                if content.path not in (".PKGINFO", ".MTREE"):
                    yield content


def _about(package: DataPackage, tree: Tree) -> str:
    definition = package.definition
    fields = [
        ("pkgname", definition.name),
        ("pkgbase", definition.name),
        ("pkgver", arch.full_version(package)),
        ("pkgdesc", arch.summary(package)),
        ("url", definition.homepage or ""),
        ("builddate", str(package.time)),
        ("packager", str(definition.maintainer or _NOBODY)),
        ("size", str(sum(each.size for each in tree if isinstance(each, InstalledFile)))),
        ("arch", "any"),
        ("license", arch.license_name(package)),
        *(("depend", each) for each in arch.depends(package)),
        *(("conflict", each) for each in arch.conflicts(package)),
        *(("backup", each.path) for each in tree if each.role is Role.CONFIGURATION),
    ]
    return "".join(f"{name} = {arch.field(value)}\n" for name, value in fields if value)


def _mtree(about: InstalledFile, tree: Tree, time: int) -> str:
    """Return what `pacman -Qkk` compares the system with."""
    entries = {f"{path}": _directory_words(time) for path in directories_of(tree) - {"."}}
    entries |= {each.path: _words(each, time) for each in (about, *tree)}
    lines = [f"./{arch.mtree_name(path)} {entries[path]}\n" for path in sorted(entries)]
    return "".join(["#mtree\n", "/set type=file uid=0 gid=0 mode=644\n", *lines])


def _directory_words(time: int) -> str:
    return f"time={time}.0 mode={DIRECTORY_MODE:o} type=dir"


def _words(installed: Installed, time: int) -> str:
    if isinstance(installed, InstalledLink):
        link = arch.mtree_name(installed.target)
        return f"time={time}.0 mode={LINK_MODE:o} type=link link={link}"
    # pacman 6.0 compares the first of the two digests, 6.1 the second.
    digests = f"md5digest={installed.digest('md5')} sha256digest={installed.sha256}"
    return f"time={time}.0 size={installed.size} {digests}"


FORMAT: Format = PacmanFormat()
