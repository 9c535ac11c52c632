"""The one table of what is installed where."""

import pytest

from nipack import layout


def test_the_table_of_the_documentation() -> None:
    assert layout.payload_directory("nipy/templates") == "share/nipy/nipy/templates"
    assert layout.ini_path("nipy-templates") == "etc/nipy/nipy_templates.ini"
    assert layout.manifest_path("nipy-templates") == "share/nipack/nipy-templates/SHA256SUMS"
    assert layout.metadata_path("nipy-templates") == "share/nipack/nipy-templates/package.json"


def test_the_ini_names_the_root_and_nothing_that_changes() -> None:
    assert layout.ini_text("/opt/env") == "[DATA]\npath = /opt/env/share/nipy\n"


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
