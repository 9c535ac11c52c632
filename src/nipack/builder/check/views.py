"""What is wrong with the views of a package, by which other libraries find its files."""

import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from nipack.builder.definition.model import Definition
from nipack.builder.rules import problem_at
from nipack.libraries.skeleton import README
from nipack.libraries.views import View, umbrella_view
from nipack.lookup.json_text import json_value
from nipack.system.errors import Problem
from nipack.system.foreign import read_regular

_DESCRIPTION = "template_description.json"
_MOST_JSON = 2_000_000  # bytes


def view_problems(
    definition: Definition, directory: Path, paths: Iterable[str]
) -> Iterator[Problem]:
    """Yield every problem of the views that a definition states, or that its umbrella gives it."""
    paths = list(paths)
    claimed: dict[tuple[str, str | None, str], str] = {}
    for where, view in _views(definition):
        yield from _missing(where, view, paths)
        pairs = list(view.pairs(paths))
        for place, path in pairs:
            key = (view.library, view.project, place)
            if claimed.setdefault(key, path) != path:
                message = f"{path} and {claimed[key]} are both {place} for {view.library}"
                yield problem_at("view-claimed", where, message, "give one of them another name")
        places = dict(pairs)
        yield from _placeholders(definition, directory, view, places.values())
        yield from _LIBRARIES.get(view.library, _nothing)(where, view, directory, places)


def _views(definition: Definition) -> Iterator[tuple[str, View]]:
    for index, view in enumerate(definition.views):
        yield definition.where("views", index), view
    implied = umbrella_view(definition.relpath)
    if implied and implied.library not in {view.library for view in definition.views}:
        yield definition.where("relpath"), implied


def _missing(where: str, view: View, paths: list[str]) -> Iterator[Problem]:
    remedy = "write it as it is below the data directory"
    for pattern in view.files:
        if not any(fnmatchcase(path, pattern) for path in paths):
            message = f"no file is '{pattern}', which the view for {view.library} wants"
            yield problem_at("view-empty", where, message, remedy)
    for path in view.rename:
        if path not in paths:
            message = f"there is no file '{path}' to rename for {view.library}"
            yield problem_at("view-empty", where, message, remedy)


def _placeholders(
    definition: Definition, directory: Path, view: View, paths: Iterable[str]
) -> Iterator[Problem]:
    for path in paths:
        if not (directory / path).stat().st_size:
            message = f"it is empty, and {view.library} would get it"
            remedy = "put the real file there, or leave it out of the view"
            yield problem_at("view-placeholder", f"{definition.relpath}/{path}", message, remedy)


def _nothing(where: str, view: View, directory: Path, places: dict[str, str]) -> Iterator[Problem]:
    yield from ()


def _templateflow(
    where: str, view: View, directory: Path, places: dict[str, str]
) -> Iterator[Problem]:
    template = view.at.partition("/")[0]
    code, remedy = "view-templateflow", "lay the files out as the template's repository does"
    if not template.startswith("tpl-"):
        message = f"TemplateFlow has no directory '{template}': a template's is tpl-ID"
        yield problem_at(code, where, message, "write e.g. at: tpl-MNI152NLin2009cAsym")
        return
    strange = [
        place
        for place in places
        if place.endswith((".nii.gz", ".nii", ".gii", ".h5", ".tsv", ".label.gii"))
        and not place.rpartition("/")[2].startswith(f"{template}_")
        and not place.startswith((f"{template}/scripts/", f"{template}/template_"))
    ]
    if strange:
        message = f"{strange[0]} does not begin with {template}_: the client cannot read its name"
        yield problem_at(code, where, message, remedy)
    description = places.get(f"{template}/{_DESCRIPTION}")
    # A further package of the same template offers its images alone, and leaves it to the first.
    part = bool(view.files) and all(pattern.startswith("tpl-") for pattern in view.files)
    if description is None and part:
        return
    if description is None:
        message = f"there is no {_DESCRIPTION}, which the client reads for metadata and citation"
        yield problem_at(code, where, message, remedy)
    elif _says_see_license(directory / description) and f"{template}/LICENSE" not in places:
        message = f"{_DESCRIPTION} says that the licence is in the file LICENSE, which is not there"
        yield problem_at("view-license", where, message, "ask the authors, and add it")


def _says_see_license(file: Path) -> bool:
    try:
        said = json_value(read_regular(file, _MOST_JSON))
    except (OSError, ValueError):
        return False  # json-invalid is the rule for it
    licence = said.get("License") if isinstance(said, dict) else None
    return isinstance(licence, str) and "see license" in licence.lower()


def _dipy(where: str, view: View, directory: Path, places: dict[str, str]) -> Iterator[Problem]:
    names = {path.rpartition("/")[2]: path for path in places.values()}
    for path in places.values():
        members = _members(directory / path)
        found = sorted(each for each in members if names.get(each) not in (None, path))
        if found:
            message = f"DIPY unpacks {path} at every call, over the link to its {found[0]}"
            remedy = f"leave its members out of the view: files: [{path}]"
            yield problem_at("view-unpacked", where, message, remedy)


def _members(file: Path) -> set[str]:
    """Return the names of the files in an archive that DIPY unpacks; none of what is no archive."""
    try:
        if file.name.endswith(".zip"):
            with zipfile.ZipFile(file) as archive:
                return {name.rpartition("/")[2] for name in archive.namelist()} - {""}
        if file.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2")):
            with tarfile.open(file) as tar:
                return {name.rpartition("/")[2] for name in tar.getnames()}
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError):
        return set()
    return set()


def _nilearn(where: str, view: View, directory: Path, places: dict[str, str]) -> Iterator[Problem]:
    if view.at.partition("/")[0] in ("fsaverage3", "fsaverage4"):
        message = f"nilearn writes {view.at} again where its vertices are in the old order"
        remedy = "make sure that they are in the new one, then except the code"
        yield problem_at("view-rewritten", where, message, remedy)
    # A data directory that is nilearn's own as it is, which NILEARN_SHARED_DATA can name.
    is_root = view.at == "." and all(place == path for place, path in places.items())
    if is_root and not (directory / README).is_file():
        message = f"the data is all of nilearn's directory, and has no {README} at its top"
        remedy = f"add a {README} that says what the data is"
        yield problem_at("view-readme", where, message, remedy)


_LIBRARIES = {"templateflow": _templateflow, "dipy": _dipy, "nilearn": _nilearn}
