"""Which folder of a source is the data directory, and which relpath its folders say."""

import re
from pathlib import Path

from nipack.builder.definition.model import DEFINITION_NAME, Definition
from nipack.builder.rules import problem_at
from nipack.builder.source.tree import SourceTree
from nipack.layout import CONFIG_NAME, is_package_name, is_relpath, package_name
from nipack.system.errors import DataPackageError, Problem

# What people write for a name; a file system that tells cases apart does not find it then.
_SPELLINGS = {DEFINITION_NAME: (DEFINITION_NAME, "package.yml"), CONFIG_NAME: (CONFIG_NAME,)}


def expand_folder(source: str) -> list[str]:
    """Return the sources that a folder of definitions stands for; any other is just itself."""
    folder = Path(source)
    own = (folder / CONFIG_NAME).is_file() or _has_definition(folder)
    if "://" in source or own or not folder.is_dir():
        return [source]
    return [str(each) for each in sorted(folder.glob("*")) if _has_definition(each)] or [source]


def _has_definition(folder: Path) -> bool:
    """Tell whether a folder has a definition, its name spelled rightly or not."""
    return (folder / DEFINITION_NAME).is_file() or _misspelt(folder, DEFINITION_NAME) is not None


def definition_path(folder: Path) -> Path | None:
    """Return the definition in a folder, None where there is none.

    Raises DataPackageError for one that no build would find: `package.yml`, `Package.yaml`.
    """
    if (folder / DEFINITION_NAME).is_file():
        return folder / DEFINITION_NAME
    misspelt = _misspelt(folder, DEFINITION_NAME)
    if misspelt is None:
        return None
    message = f"a folder's definition is not looked for under the name {misspelt.name}"
    remedy = f"rename it to {DEFINITION_NAME}"
    raise DataPackageError([problem_at("definition-unreadable", str(misspelt), message, remedy)])


def _misspelt(folder: Path, name: str) -> Path | None:
    """Return the file in a folder that is meant to have a name and is spelled otherwise."""
    try:
        names = sorted(each.name for each in folder.iterdir() if each.is_file())
    except OSError:  # not a folder, or none that may be read: others say so
        return None
    others = [each for each in names if each.lower() in _SPELLINGS[name]]
    return folder / others[0] if others and name not in names else None


def data_directory(tree: SourceTree, definition: Definition | None) -> Path:
    """Return the one data directory of a source; raises DataPackageError where there is none."""
    if tree.is_data:
        return tree.directory
    found = find_data_directory(tree, definition.relpath if definition else None)
    if found is not None:
        return found
    found = _folder_of_relpath(tree, definition) if definition is not None else None
    _refuse_misspelt_config(tree, [found] if found is not None else _folders(tree.directory))
    if found is not None:
        return found
    message = f"no folder in it has a {CONFIG_NAME}, so it is unclear which one is the data"
    remedy = (
        "put a config.ini with '[DEFAULT]' and 'version = 0.1' into the data directory, or "
        "run nipack init on the directory"
    )
    where = tree.place(tree.directory)
    raise DataPackageError([problem_at("no-data-directory", where, message, remedy)])


def _folders(top: Path) -> list[Path]:
    """Return the folders in which a data directory's config.ini is looked for."""
    return [top, *sorted(top.glob("*/")), *sorted(top.glob("*/*/"))]


def _refuse_misspelt_config(tree: SourceTree, folders: list[Path]) -> None:
    for folder in folders:
        misspelt = _misspelt(folder, CONFIG_NAME)
        if misspelt is not None:
            message = f"no folder has a {CONFIG_NAME}, but here is a {misspelt.name}"
            remedy = f"rename it to {CONFIG_NAME}, the name that nibabel looks for"
            where = tree.place(misspelt)
            raise DataPackageError([problem_at("no-data-directory", where, message, remedy)])


def find_data_directory(tree: SourceTree, relpath: str | None) -> Path | None:
    """Return the one directory of a source tree that holds a config.ini, None where none does.

    It is the tree itself, a folder of it (the documented layout), or one in a folder that is the
    umbrella.  A relpath decides between several; without one, raises DataPackageError.
    """
    top = tree.directory
    if (top / CONFIG_NAME).is_file():
        return top
    found = _folders_with_config(top)
    if relpath is not None:
        found = _of_relpath(found, relpath) or found
    if len(found) <= 1:
        return found[0] if found else None
    names = ", ".join(each.relative_to(top).as_posix() for each in found)
    message = f"several folders have a {CONFIG_NAME}: {names}"
    remedy = f"write a {DEFINITION_NAME} for each, with its relpath"
    raise DataPackageError(
        [problem_at("several-data-directories", tree.place(top), message, remedy)]
    )


def _folders_with_config(top: Path) -> list[Path]:
    """Return the folders that hold a config.ini: each once, and none that is data of another."""
    found: dict[Path, Path] = {}
    for pattern in (f"*/{CONFIG_NAME}", f"*/*/{CONFIG_NAME}"):
        # A link to a folder comes behind the folder itself, and is then a second name of it.
        folders = [config.parent for config in top.glob(pattern) if config.is_file()]
        for folder in sorted(folders, key=lambda folder: (folder.is_symlink(), folder)):
            if not found.keys() & set(folder.resolve().parents):
                found.setdefault(folder.resolve(), folder)
    return sorted(found.values())


def _of_relpath(folders: list[Path], relpath: str) -> list[Path]:
    """Return the folders that end as the relpath does, or at least have its last name."""
    last = relpath.rpartition("/")[2]
    whole = [each for each in folders if f"/{each.as_posix()}".endswith(f"/{relpath}")]
    return whole or [each for each in folders if each.name == last]


def _folder_of_relpath(tree: SourceTree, definition: Definition) -> Path | None:
    """Return the data directory that has no config.ini: the folder that the relpath names.

    That may be the tree itself, but where code to install it or the definition is in it.
    """
    top = tree.directory
    for name in (definition.relpath, definition.relpath.rpartition("/")[2]):
        if (top / name).is_dir():
            return top / name
    holds_more = any((top / name).exists() for name in ("setup.py", DEFINITION_NAME))
    return None if holds_more else top


def definition_of_layout(tree: SourceTree, directory: Path) -> Definition:
    """Return a definition with the name and the relpath that the folders say."""
    relpath = relpath_of_folders(tree, directory)
    name = package_name(relpath)
    if not is_relpath(relpath) or not is_package_name(name):
        message = f"the folders '{relpath}' do not give a valid name and relpath"
        remedy = f"write a {DEFINITION_NAME} with name, relpath, version and source"
        raise DataPackageError([problem_at("no-name", tree.place(directory), message, remedy)])
    return Definition(name=name, relpath=relpath)


def relpath_of_folders(tree: SourceTree, directory: Path) -> str:
    """Return the relpath that the folders say, which need not be a valid one.

    `nipy-templates-0.1/templates` is nipy/templates; any other folder around the data directory
    is taken for the umbrella.
    """
    # An archive may have the data at its top; no folder around it has a name then.
    parent = "" if directory == tree.unpacked else directory.parent.name
    umbrella = without_version(parent).removesuffix(f"-{directory.name}")
    return f"{umbrella}/{directory.name}"


def without_version(name: str) -> str:
    """Return a folder's name without the version of a release: nipy-templates-0.1."""
    release = re.fullmatch(r"(?P<name>.+?)(-v?[0-9][^-]*)?", name)
    return release["name"] if release else name


def umbrella_problems(tree: Path, directory: Path, definition: Definition) -> list[Problem]:
    """Return where the folders of a source contradict its definition's relpath, or repeat it."""
    umbrella, _, last = definition.relpath.rpartition("/")
    problems = []
    stated = _stated_relpath(tree, directory)
    if stated is not None and stated != definition.relpath:
        message = f"its folders say {stated}, but the relpath is {definition.relpath}"
        remedy = "make the relpath what the code looks up, or rename the folder"
        where = definition.where("relpath")
        problems.append(problem_at("umbrella-differs", where, message, remedy))
    folders = [each for each in directory.iterdir() if each.is_dir() and not each.is_symlink()]
    if [each.name for each in folders] in ([last], [umbrella]):
        message = "all of the data is in it, so its path has that name twice"
        remedy = "move the files up, beside config.ini"
        where = f"{definition.relpath}/{folders[0].name}"
        problems.append(problem_at("umbrella-nested", where, message, remedy))
    return problems


def _stated_relpath(tree: Path, directory: Path) -> str | None:
    """Return the relpath that a source's folders state, or None where they state none.

    They do in the documented layout, nipy-templates-0.3/templates, and with the umbrella as a
    folder: nipy/templates.
    """
    depth = len(directory.relative_to(tree).parts)
    name = without_version(tree.name)
    if depth == 1 and name.endswith(f"-{directory.name}"):
        return f"{name.removesuffix(f'-{directory.name}')}/{directory.name}"
    return "/".join(directory.parts[-2:]) if depth == 2 else None
