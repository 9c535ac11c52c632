"""Where each library looks, on each platform."""

import json
from pathlib import Path

import pytest

from nipack.libraries.table import LIBRARIES, Surroundings, library_directories, target_directories
from nipack.libraries.views import View


def surroundings(platform: str = "linux", **variables: str) -> Surroundings:
    return Surroundings(variables=variables, home="/h", platform=platform)


@pytest.mark.parametrize(
    ("name", "variables", "expected"),
    [
        ("templateflow", {}, ["/h/.cache/templateflow"]),
        ("templateflow", {"XDG_CACHE_HOME": "/c"}, ["/c/templateflow"]),
        ("templateflow", {"TEMPLATEFLOW_HOME": "~/tf"}, ["/h/tf"]),
        ("nilearn", {}, ["/h/nilearn_data"]),
        (
            "nilearn",
            {"NILEARN_SHARED_DATA": "/s:/t", "NILEARN_DATA": "/d"},
            ["/s", "/t", "/d", "/h/nilearn_data"],
        ),
        ("mne", {}, ["/h/mne_data"]),
        ("mne", {"MNE_DATA": "/m"}, ["/m"]),
        ("dipy", {}, ["/h/.dipy"]),
        ("brainglobe", {}, ["/h/.brainglobe"]),
        ("neuromaps", {}, ["/h/neuromaps-data"]),
        ("netneurotools", {"NNT_DATA": "/n"}, ["/n"]),
        ("nimare", {}, ["/h/.nimare"]),
        ("abagen", {}, ["/h/abagen-data"]),
        ("antspyx", {}, ["/h/.antspy"]),
        ("antspynet", {}, ["/h/.keras/ANTsXNet"]),
        ("scikit-image", {}, ["/h/.cache/scikit-image"]),
        ("freesurfer", {}, []),
        ("freesurfer", {"FREESURFER_HOME": "/f"}, ["/f/subjects"]),
        ("freesurfer", {"FREESURFER_HOME": "/f", "SUBJECTS_DIR": "/s"}, ["/s"]),
    ],
)
def test_where_a_library_looks(name: str, variables: dict[str, str], expected: list[str]) -> None:
    found = library_directories(LIBRARIES[name], surroundings(**variables))
    assert list(found) == expected


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("darwin", "/h/Library/Caches/templateflow"),
        ("win32", "/h/AppData/Local/templateflow/templateflow/Cache"),
    ],
)
def test_caches_of_other_platforms(platform: str, expected: str) -> None:
    [found] = library_directories(LIBRARIES["templateflow"], surroundings(platform))
    assert found == expected


def test_the_cache_is_that_of_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Surroundings.now().cache("pooch") == platformdirs.user_cache_dir("pooch")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert Surroundings.now().cache("pooch") == platformdirs.user_cache_dir("pooch")


def view(library: str, at: str = "x", **more: object) -> View:
    return View.read({"library": library, "at": at, **more}, "umbrella/x")


def test_a_project_of_pooch_has_its_cache_or_its_variable() -> None:
    pooch, of = LIBRARIES["pooch"], view("pooch", project="brainpack", variable="BRAINPACK_DIR")
    assert target_directories(pooch, of, surroundings()) == ("/h/.cache/brainpack",)
    assert target_directories(pooch, of, surroundings(BRAINPACK_DIR="/b")) == ("/b",)


def test_of_a_list_the_first_that_has_the_data_set(tmp_path: Path) -> None:
    """nilearn takes the first directory that there is, complete or not."""
    shared, own = tmp_path / "shared", tmp_path / "own"
    here = surroundings(NILEARN_SHARED_DATA=f"{shared}:/none", NILEARN_DATA=str(own))
    of = view("nilearn", "atlas/sub")
    assert target_directories(LIBRARIES["nilearn"], of, here) == ("/h/nilearn_data",)
    (own / "atlas").mkdir(parents=True)
    assert target_directories(LIBRARIES["nilearn"], of, here) == (str(own),)
    (shared / "atlas").mkdir(parents=True)
    assert target_directories(LIBRARIES["nilearn"], of, here) == (str(shared),)


def test_what_configuration_files_say(tmp_path: Path) -> None:
    here = Surroundings(variables={}, home=str(tmp_path), platform="linux")
    (tmp_path / ".mne").mkdir()
    said = {"MNE_DATA": "/m", "MNE_DATASETS_SAMPLE_PATH": "/sample"}
    (tmp_path / ".mne" / "mne-python.json").write_text(json.dumps(said), "utf-8")
    (tmp_path / ".config" / "brainglobe").mkdir(parents=True)
    config = "[default_dirs]\nbrainglobe_dir = /atlases%\n"
    (tmp_path / ".config" / "brainglobe" / "bg_config.conf").write_text(config, "utf-8")
    assert library_directories(LIBRARIES["mne"], here) == ("/m",)
    of = view("mne", "MNE-sample-data")
    assert target_directories(LIBRARIES["mne"], of, here) == ("/sample",)
    assert library_directories(LIBRARIES["brainglobe"], here) == ("/atlases%",)


def test_each_version_of_scikit_image_has_its_directory(tmp_path: Path) -> None:
    here = Surroundings(variables={"SKIMAGE_DATADIR": str(tmp_path)}, home="/h", platform="linux")
    for version in ("0.25.0", "0.26.0"):
        (tmp_path / version / "data").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    found = target_directories(LIBRARIES["scikit-image"], view("scikit-image", "."), here)
    expected = [str(tmp_path / each / "data") for each in ("0.25.0", "0.26.0")]
    assert [each for each in found if "other" not in each][:2] == expected
