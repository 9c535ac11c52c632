"""The .deb package: an ar archive of a gzip control tar and a gzip data tar.

Sources: deb(5) of dpkg; Debian Policy 5.3 (control), 10.7 (conffiles), 12.5 and 12.7 (copyright
and changelog).
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from debian.deb822 import Deb822

from nipack import layout
from nipack.builder.archive.compression import gzip_reader, gzip_writer, small_gzip
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
from nipack.builder.archive.members import Content, write_tar
from nipack.builder.archive.packed import NOTHING, PackedTar, ReadBack
from nipack.builder.dialects import debian
from nipack.builder.escaping import ShellWord, shell_word
from nipack.builder.formats import Format
from nipack.builder.manifest import path_from_root, system_tree
from nipack.builder.package import DataPackage
from nipack.system.errors import ArtifactError
from nipack.system.progress import Advance

AR_MAGIC = b"!<arch>\n"
AR_HEADER_SIZE = 60
# deb(5): a member's size is ten decimal digits.
AR_SIZE_LIMIT = 9_999_999_999


_TAR = PackedTar(reader=gzip_reader, base="./", directories=True)
_SCRIPT_MODE = 0o755
_SCRIPT_HEAD = """\
#!/bin/sh
# Let a link and a folder change places between two versions.
set -e
"""


class DebFormat(Format):
    """Architecture: all, so one package serves every machine."""

    name = "deb"
    ending = "_all.deb"
    default = True
    digests = frozenset({"md5"})
    holds_links = True
    holds_parts = True
    holds_directories = _TAR.directories
    base = _TAR.base

    def file_name(self, package: DataPackage) -> str:
        """Return NAME_VERSION-REVISION_all.deb."""
        return f"{package.definition.name}_{debian.debian_version(package)}{self.ending}"

    def payload_root(self, package: DataPackage) -> str:
        """Return its folder from /."""
        return path_from_root(layout.payload_directory(package.definition.relpath))

    def tree(self, package: DataPackage) -> Tree:
        """Return the installed tree for /usr, and Debian's documentation."""
        return sorted_tree([*system_tree(package), *_documentation(package)])

    def assemble(
        self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
    ) -> None:
        """Write the package in one pass; the data's size goes into its header afterwards."""
        output.write(AR_MAGIC)
        with _ar_member(output, "debian-binary", package.time):
            output.write(b"2.0\n")
        with (
            _ar_member(output, "control.tar.gz", package.time),
            gzip_writer(output) as stream,
        ):
            control = _control_files(package, tree)
            write_tar(stream, control, time=package.time, advance=advance, base=self.base)
        with (
            _ar_member(output, "data.tar.gz", package.time),
            _TAR.read_back(output),
            gzip_writer(output) as stream,
        ):
            write_tar(
                stream,
                tree,
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
        """Yield what is in the data member."""
        with artifact.open("rb") as raw:
            if raw.read(len(AR_MAGIC)) != AR_MAGIC:
                raise ArtifactError(f"{artifact.name}: not an ar archive; report this bug")
            while header := raw.read(AR_HEADER_SIZE):
                name, size = header[:16].decode("ascii").rstrip(), int(header[48:58])
                if name == "data.tar.gz":
                    part = Part(raw.tell(), size)
                    yield from _TAR.contents_of_part(raw, part, advance, found, algorithm)
                    return
                raw.seek(size + size % 2, io.SEEK_CUR)
        raise ArtifactError(f"{artifact.name}: has no data.tar.gz; report this bug")


_HELPER_OVERRIDE = """\
# No debhelper writes these scripts, which let links and folders change places.
{name}: maintainer-script-should-not-use-dpkg-maintscript-helper
"""


def _documentation(package: DataPackage) -> list[Installed]:
    name = package.definition.name
    helped = _HELPER_OVERRIDE.format(name=name) if package.links else ""
    files: dict[str, str | bytes] = {
        f"usr/share/doc/{name}/copyright": debian.copyright_text(package),
        f"usr/share/doc/{name}/changelog.Debian.gz": small_gzip(
            debian.changelog_text(package).encode("utf-8")
        ),
        f"usr/share/lintian/overrides/{name}": debian.lintian_overrides(package) + helped,
    }
    return [text_file(path, content, Role.DOCUMENTATION) for path, content in files.items()]


def _control_files(package: DataPackage, tree: Tree) -> Tree:
    installed = [each for each in tree if isinstance(each, InstalledFile)]
    conffiles = [each for each in installed if each.role is Role.CONFIGURATION]
    files = {
        "control": _control(package, tree),
        **({"conffiles": _lines(conffiles)} if conffiles else {}),
        # Policy 10.7.3: dpkg keeps the digests of conffiles by itself.
        "md5sums": "".join(
            f"{each.digest('md5')}  {each.path}\n"
            for each in installed
            if each.role is not Role.CONFIGURATION
        ),
    }
    return (
        *(text_file(name, content) for name, content in files.items()),
        *(
            text_file(name, content, mode=_SCRIPT_MODE)
            for name, content in _maintainer_scripts(tree).items()
        ),
    )


def _lines(conffiles: list[InstalledFile]) -> str:
    return "".join(f"/{each.path}\n" for each in conffiles)


def _maintainer_scripts(tree: Tree) -> dict[str, str]:
    """Return what lets a link and a folder change places between two versions.

    dpkg never does so by itself: a folder that becomes a link loses its data, and what comes into
    a link that becomes a folder is written to where it leads.  A build knows one version, so each
    link is provided for, whatever was or will be in its place.
    """
    links = [each for each in tree if isinstance(each, InstalledLink)]
    if not links:
        return {}
    for each in links:
        if reason := debian.why_not_helped(each.path, each.target):
            raise ArtifactError(
                f"{each.path} -> {each.target}: {reason}; rename what it leads to, or build other "
                "formats"
            )
    # dpkg-maintscript-helper(1): tried on each upgrade, done where there is a folder.
    helper = "dpkg-maintscript-helper dir_to_symlink"
    helped = [f'{helper} {_absolute(each)} {shell_word(each.target)} -- "$@"' for each in links]
    to_folders = [each for each in links if each.leads_to is None]
    taken = [f'    rm -f "${{DPKG_ROOT:-}}"{_absolute(each)}' for each in to_folders]
    restored = [
        f'    test -e "${{DPKG_ROOT:-}}"{_absolute(each)} ||\n'
        f'        ln -s -- {shell_word(each.target)} "${{DPKG_ROOT:-}}"{_absolute(each)}'
        for each in to_folders
    ]
    scripts = dict.fromkeys(("preinst", "postinst", "postrm"), helped)
    if to_folders:
        scripts["prerm"] = ['if [ "$1" = upgrade ]; then', *taken, "fi"]
        undo = ['if [ "$1" = abort-upgrade ]; then', *restored, "fi"]
        scripts["postinst"] = [*helped, *undo]
    return {name: "\n".join([_SCRIPT_HEAD, *lines, ""]) for name, lines in scripts.items()}


def _absolute(link: InstalledLink) -> ShellWord:
    return shell_word(f"/{link.path}")


def _control(package: DataPackage, tree: Tree) -> str:
    definition = package.definition
    fields = {
        "Package": definition.name,
        "Version": debian.debian_version(package),
        "Architecture": "all",
        "Maintainer": str(debian.maintainer(definition)),
        "Installed-Size": str(_installed_size(tree)),
        **debian.needed(package),
        **debian.relations(package),
        "Section": debian.section(definition),
        "Priority": "optional",
        "Multi-Arch": "foreign",
        "Homepage": definition.homepage or "",
        "Description": debian.description(package),
    }
    control = Deb822({name: value for name, value in fields.items() if value})
    return control.dump() or ""


def _installed_size(tree: Tree) -> int:
    """Return the size in KiB as dpkg-gencontrol counts: each file rounded up, the rest one each."""
    sizes = [each.size if isinstance(each, InstalledFile) else 1 for each in tree]
    return sum((size + 1023) // 1024 for size in sizes) + len(directories_of(tree))


@contextmanager
def _ar_member(output: IO[bytes], name: str, time: int) -> Iterator[None]:
    """Write a member's header, let its content be written, then write the header's size."""
    start = output.tell()
    output.write(_ar_header(name, time, 0))
    yield
    size = output.tell() - start - AR_HEADER_SIZE
    if size > AR_SIZE_LIMIT:
        raise ArtifactError(
            f"{name}: {size:,} bytes, but a member of a .deb has at most {AR_SIZE_LIMIT:,}; "
            "split the data into several packages, or build other formats"
        )
    output.seek(start)
    output.write(_ar_header(name, time, size))
    output.seek(0, io.SEEK_END)
    # Members begin at even places.
    output.write(b"\n" * (size % 2))


def _ar_header(name: str, time: int, size: int) -> bytes:
    header = f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{size:<10}`\n".encode("ascii")
    assert len(header) == AR_HEADER_SIZE, "every field has its width"
    return header


FORMAT: Format = DebFormat()
