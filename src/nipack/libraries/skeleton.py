"""What must lie in a library's directory before a link does: each by the library's own rules."""

from __future__ import annotations

import os
import sys
from functools import partial

from ..lookup.records import Record
from .aside import made_aside, renamed_into_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from configparser import ConfigParser
    from zipfile import ZipFile

README = "README.md"
_VERSIONS = "last_versions.conf"
_README_TEXT = (
    "Data that nilearn finds here was put here by nipack; nilearn adds what it fetches.\n"
)


class Skeleton(Record):
    """The archive that a TemplateFlow client unpacks into its directory, if there is a client.

    Its images are placeholders without a byte, which tell the client what it may fetch: where the
    directory is not empty, it never unpacks them, and knows of nothing else.
    """

    __slots__ = ("file",)
    file: str | None

    @classmethod
    def find(cls) -> Skeleton:
        """Return that of the client which this interpreter would import."""
        from importlib.machinery import PathFinder

        # Not importlib.util's: that asks every finder, and one of them may be asking us.
        spec = PathFinder.find_spec("templateflow", sys.path)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            file = os.path.join(folder, "conf", "templateflow-skel.zip")
            if os.path.isfile(file):
                return cls(file=file)
        return cls(file=None)

    def lay(self, directory: str) -> None:
        """Unpack it, so that it is there whole or not at all, where nothing lies yet."""
        if self.file is not None and not has_content(directory):
            lay_aside(directory, self._unpack)

    def missing(self, directory: str) -> tuple[str, ...]:
        """Return the templates that the client may fetch, and does not know of in a directory.

        A clone of TemplateFlow's own repositories has what its owner has chosen.
        """
        if self.file is None or os.path.lexists(os.path.join(directory, ".git")):
            return ()
        with _open(self.file) as archive:
            tops = {name.partition("/")[0] for name in archive.namelist()}
        return tuple(
            name
            for name in sorted(tops)
            if name.startswith("tpl-") and not os.path.lexists(os.path.join(directory, name))
        )

    def complete(self, directory: str) -> None:
        """Add the placeholders of each template that a directory does not have, whole or not."""
        for template in self.missing(directory):
            lay_aside(os.path.join(directory, template), partial(self._unpack, template=template))

    def restore(self, directory: str, path: str) -> None:
        """Put a placeholder where a link was: the client fetches what it has one of."""
        content = b""
        if self.file is not None:
            with _open(self.file) as archive:
                try:
                    content = archive.read(path)
                except KeyError:
                    return
        place = os.path.join(directory, *path.split("/"))
        if os.path.isdir(os.path.dirname(place)):
            try:
                with open(place, "xb") as stream:
                    stream.write(content)
            except FileExistsError:
                pass  # another process was first

    def _unpack(self, directory: str, template: str = "") -> None:
        """Unpack all of it, or one template alone, as the content of a directory."""
        assert self.file is not None
        with _open(self.file) as archive:
            for member in archive.infolist():
                top, _, inside = member.filename.partition("/")
                if template and top == template and inside:
                    member.filename = inside
                elif template:
                    continue
                archive.extract(member, directory)


def _open(file: str) -> ZipFile:
    from zipfile import ZipFile

    return ZipFile(file)


def has_content(directory: str) -> bool:
    """Tell whether anything is in a directory."""
    try:
        with os.scandir(directory) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


def lay_aside(place: str, make: Callable[[str], None]) -> bool:
    """Make a directory beside its place, and rename it; tell whether it is this one that is there.

    Of several processes one is first: a directory with content is never replaced.
    """

    def lay(made: str) -> bool:
        os.mkdir(made)
        make(made)
        if os.name == "nt" and os.path.isdir(place):
            os.rmdir(place)  # which fails where something is in it
        os.rename(made, place)
        return True

    try:
        return made_aside(os.path.dirname(place), lay)
    except OSError:
        # ENOTEMPTY, or EEXIST: somebody was first; all else is the caller's to tell of.
        if not has_content(place):
            raise
        return False


def write_readme(directory: str) -> None:
    """Write the README.md that nilearn wants to write into each of its directories.

    In one that nobody may write to, it fails at the first download of anything (nilearn#4037).
    """
    place = os.path.join(directory, README)
    if not os.path.lexists(place):
        made_aside(directory, lambda made: _write(made, place))


def _write(made: str, place: str) -> None:
    with open(made, "x", encoding="utf-8") as stream:
        stream.write(_README_TEXT)
    renamed_into_nothing(made, place)


def known_versions(directory: str) -> ConfigParser | None:
    """Return BrainGlobe 2's list, with its section `atlases`; None where it cannot be read."""
    from configparser import ConfigParser
    from configparser import Error as ConfigError

    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read(os.path.join(directory, _VERSIONS), encoding="utf-8")
    except (ConfigError, UnicodeDecodeError):
        return None
    if not parser.has_section("atlases"):
        parser.add_section("atlases")
    return parser


def remember_versions(directory: str, atlases: Mapping[str, str]) -> None:
    """Note atlases where BrainGlobe 2 keeps what is the newest of each.

    Without a network it reads that, and of an atlas which is not in it says that the file is not
    there.
    """
    file = os.path.join(directory, _VERSIONS)
    parser = known_versions(directory)
    if parser is None:
        return  # The user's own to fix; BrainGlobe fetches a new one.
    missing = {name: each for name, each in atlases.items() if name not in parser["atlases"]}
    if not missing:
        return
    parser["atlases"].update(missing)

    def write(made: str) -> None:
        with open(made, "x", encoding="utf-8") as stream:
            parser.write(stream)
        os.replace(made, file)

    made_aside(directory, write)
