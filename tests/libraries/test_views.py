"""What a view places where, and that the definition's libraries are those of the table."""

from nipack.builder.definition.faults import schema
from nipack.libraries.table import LIBRARIES
from nipack.libraries.views import View, umbrella_view

PATHS = ["LICENSE", "T1.nii.gz", "config.ini", "sub/T2.nii.gz", "sub/config.ini"]


def places(**fields: object) -> dict[str, str]:
    return View.read({"library": "nilearn", "at": "x", **fields}, "a/b").places(PATHS)


def test_the_schema_has_every_library() -> None:
    known = schema()["properties"]["views"]["items"]["properties"]["library"]["enum"]
    assert known == list(LIBRARIES)


def test_all_but_the_config_ini_of_nibabel() -> None:
    assert list(places()) == ["x/LICENSE", "x/T1.nii.gz", "x/sub/T2.nii.gz", "x/sub/config.ini"]


def test_patterns_match_slashes() -> None:
    assert list(places(files=["*.nii.gz"])) == ["x/T1.nii.gz", "x/sub/T2.nii.gz"]


def test_renamed_alone_or_with_others() -> None:
    assert places(rename={"T1.nii.gz": "t1/a.nii.gz"}) == {"x/t1/a.nii.gz": "T1.nii.gz"}
    both = places(rename={"T1.nii.gz": "t1.nii.gz"}, files=["*.nii.gz"])
    assert both == {"x/t1.nii.gz": "T1.nii.gz", "x/sub/T2.nii.gz": "sub/T2.nii.gz"}


def test_in_the_library_s_directory_itself() -> None:
    assert places(at=".", files=["T1*"]) == {"T1.nii.gz": "T1.nii.gz"}


def test_where_nothing_is_said_it_is_the_relpath_s_last_part() -> None:
    assert View.read({"library": "nilearn"}, "umbrella/data").at == "data"


def test_whole_directories_are_the_library_s_way_unless_files_are_chosen() -> None:
    assert View.read({"library": "mne"}, "a/b").whole
    assert not View.read({"library": "mne", "files": ["*"]}, "a/b").whole
    assert not View.read({"library": "nilearn"}, "a/b").whole


def test_an_umbrella_is_a_library_s_directory() -> None:
    view = umbrella_view("templateflow/tpl-X")
    assert view is not None
    assert (view.library, view.at) == ("templateflow", "tpl-X")
    assert umbrella_view("nipy/templates") is None
