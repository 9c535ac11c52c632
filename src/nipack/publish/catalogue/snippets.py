"""A line or two that finds a file of an installed package, in each language that people use."""

import json
import shlex
from dataclasses import dataclass

from nipack.publish.records import PublishedPackage

_IMAGES = (".nii.gz", ".nii", ".mgz", ".mgh")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code of one language."""

    language: str
    label: str
    code: str


def snippets(package: PublishedPackage) -> tuple[Snippet, ...]:
    """Return code that finds the package's first image, or its first file, in each language."""
    path = example_path(package)
    parts = path.split("/")
    shell = f"nipack where {shlex.quote(package.relpath)} {shlex.quote(path)}"
    return (
        Snippet("shell", "Shell", shell),
        Snippet("python", "Python", _python("nipack.data", package, parts)),
        Snippet("nibabel", "nibabel alone", _python("nibabel.data", package, parts)),
        Snippet("r", "R", _r(package, path)),
    )


def example_path(package: PublishedPackage) -> str:
    """Return the path that the snippets look for."""
    paths = [each.path for each in package.files]
    images = [path for path in paths if path.lower().endswith(_IMAGES)]
    others = [path for path in paths if path != "config.ini"]
    return next(iter([*images, *others, *paths]), "config.ini")


def _python(module: str, package: PublishedPackage, parts: list[str]) -> str:
    relpath = python_string(package.relpath)
    wanted = ", ".join(map(python_string, parts))
    return (
        f"from {module} import make_datasource\n\n"
        f'data = make_datasource({{"relpath": {relpath}}})\n'
        f"path = data.get_filename({wanted})"
    )


def _r(package: PublishedPackage, path: str) -> str:
    words = ", ".join(f"shQuote({r_string(word)})" for word in (package.relpath, path))
    return f'path <- system2("nipack", c("where", {words}), stdout = TRUE)'


def python_string(text: str) -> str:
    """Return a text as a literal of Python, whose strings those of JSON are for ASCII."""
    return json.dumps(text) if text.isascii() else repr(text)


def r_string(text: str) -> str:
    """Return a text as a literal of R, whose escapes are those of JSON and \\U for the rest."""
    inner = "".join(
        character if 32 <= ord(character) < 127 and character not in '"\\' else _r_escape(character)
        for character in text
    )
    return f'"{inner}"'


def _r_escape(character: str) -> str:
    return f"\\{character}" if character in '"\\' else f"\\U{ord(character):08x}"
