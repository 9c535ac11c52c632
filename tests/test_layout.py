"""The one table of what is installed where."""

from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from nipack import layout

SOURCE = Path(layout.__file__).parent


def test_the_table_of_the_documentation() -> None:
    assert layout.payload_directory("nipy/templates") == "share/nipy/nipy/templates"
    assert layout.ini_path("nipy-templates") == "etc/nipy/nipy_templates.ini"
    assert layout.manifest_path("nipy-templates") == "share/nipack/nipy-templates/SHA256SUMS"
    assert layout.metadata_path("nipy-templates") == "share/nipack/nipy-templates/package.json"


def test_no_other_module_spells_the_places() -> None:
    """But for nibabel's own interface, whose system directory has a name of its own on Windows."""
    places = ("share/nipy", "etc/nipy", "share/nipack")
    spelled = set()
    for path in SOURCE.rglob("*.py"):
        for text in texts(compile(path.read_bytes(), path, "exec")):
            if " " not in text and any(each in text for each in places):
                spelled.add(path.relative_to(SOURCE).as_posix())
    assert spelled == {"layout.py", "environment.py"}


def texts(constant: object) -> Iterator[str]:
    """Every text in compiled code, or within one of its constants."""
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, CodeType):
        yield from texts(constant.co_consts)
    elif isinstance(constant, tuple | frozenset):
        for each in constant:
            yield from texts(each)


def test_the_ini_names_the_root_and_nothing_that_changes() -> None:
    assert layout.ini_text("/opt/env") == "[DATA]\npath = /opt/env/share/nipy\n"


@pytest.mark.parametrize(
    ("relpath", "name"),
    [
        ("nipy/templates", "nipy-templates"),
        ("nipy/my.data", "nipy-my-data"),
        ("nipy/my_data", "nipy-my-data"),
        ("Nipy/v1.0/x+y", "nipy-v1-0-x-y"),
        ("_nipy/data_", "nipy-data"),
    ],
)
def test_a_relpath_gives_a_name_that_every_package_manager_takes(relpath: str, name: str) -> None:
    assert layout.is_relpath(relpath)
    assert layout.package_name(relpath) == name
    assert layout.is_package_name(name)


@pytest.mark.parametrize("wrong", ["nipy", "nipy/", "/nipy", "nipy/../x", "a b/c", "a//b", "a/b\n"])
def test_what_is_no_relpath(wrong: str) -> None:
    assert not layout.is_relpath(wrong)


@pytest.mark.parametrize(
    ("path", "absolute"),
    [
        ("etc/nipy/nipy_templates.ini", "/etc/nipy/nipy_templates.ini"),
        ("share/nipy/nipy/templates", "/usr/share/nipy/nipy/templates"),
        ("share/etc/x", "/usr/share/etc/x"),
    ],
)
def test_the_file_system_s_etc_is_not_below_usr(path: str, absolute: str) -> None:
    assert layout.in_file_system(path) == absolute
