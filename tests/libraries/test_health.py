"""What `nipack doctor` and `nipack list` say of other libraries: each failure that was seen."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from tests.libraries.conftest import Install, digests

from nipack.data import DataError
from nipack.libraries import health
from nipack.libraries.health import LibraryState, finders, library_states
from nipack.libraries.linking import link
from nipack.libraries.table import Surroundings

T1 = "tpl-MNI152NLin2009cAsym_res-02_T1w.nii.gz"
TEMPLATE = "templateflow/tpl-MNI152NLin2009cAsym"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A templateflow client of 24.2.0, with a skeleton of two templates."""
    site = tmp_path / "site"
    conf = site / "templateflow" / "conf"
    conf.mkdir(parents=True)
    (conf.parent / "__init__.py").touch()
    with zipfile.ZipFile(conf / "templateflow-skel.zip", "w") as archive:
        archive.writestr(f"tpl-MNI152NLin2009cAsym/{T1}", b"")
        archive.writestr("tpl-fsaverage/tpl-fsaverage_sphere.surf.gii", b"")
    metadata = site / "templateflow-24.2.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: templateflow\nVersion: 24.2.0\n"
    )
    monkeypatch.syspath_prepend(str(site))
    return site


def state(library: str, here: Surroundings) -> LibraryState:
    [found] = [each for each in library_states(here=here) if each.library == library]
    return found


@pytest.mark.usefixtures("client", "cannot_write")
def test_what_is_linked_is_counted_and_the_command_links_the_rest(
    install: Install, here: Surroundings, user: Path
) -> None:
    install(TEMPLATE, {T1: b"image"})
    before = digests(user)
    found = state("templateflow", here)
    assert (found.linked, found.total, found.command) == (0, 1, "nipack link templateflow")
    assert found.healthy
    assert digests(user) == before, "to look changes nothing"
    link(["templateflow"], here=here)
    found = state("templateflow", here)
    assert (found.linked, found.total, found.command, found.problems) == (1, 1, "", ())


@pytest.mark.usefixtures("cannot_write")
def test_files_in_the_way_are_told_of(install: Install, here: Surroundings, user: Path) -> None:
    files = {"a.nii.gz": b"a", "b.nii.gz": b"b", "c.nii.gz": b"c", "d.xml": b"d", "e.nii": b"e"}
    install("nilearn_data/atlas", files)
    place = user / "nilearn_data" / "atlas"
    place.mkdir(parents=True)
    (place / "a.nii.gz").write_bytes(
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
    )
    (place / "b.nii.gz").write_bytes(b"mine")
    (place / "c.nii.gz").touch()
    (place / "d.xml").write_bytes(b"<?xml version='1.0'?><atlas/>")
    (place / "e.nii").symlink_to("/nowhere/e.nii")
    found = state("nilearn", here)
    page, own, markup, nowhere = found.problems
    assert page == f"{place / 'a.nii.gz'}: a server's error page, not data; remove it"
    assert own.startswith(f"{place / 'b.nii.gz'}: a file of your own")
    assert markup.startswith(f"{place / 'd.xml'}: a file of your own")
    assert nowhere == f"{place / 'e.nii'}: a link of your own to data that is gone; remove it"
    # A file without a byte becomes a link.
    assert (found.linked, found.total, found.command) == (0, 5, "nipack link nilearn")


@pytest.mark.usefixtures("cannot_write")
def test_a_link_to_data_that_is_gone(install: Install, here: Surroundings) -> None:
    installed = install("nilearn_data/atlas", {"a.nii": b"a", "b.nii": b"b"})
    link(here=here)
    (installed / "a.nii").unlink()
    [problem] = state("nilearn", here).problems
    assert "a link to data that is gone; nipack link nilearn removes it" in problem
    link(here=here)
    assert state("nilearn", here).healthy


@pytest.mark.usefixtures("client", "cannot_write")
def test_an_old_client_in_a_home_that_cannot_be_written(
    install: Install, here: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(TEMPLATE, {T1: b"image"})
    link(here=here)
    monkeypatch.setattr(health, "may_write", lambda path: False)
    [problem] = state("templateflow", here).problems
    assert "templateflow 24.2.0 writes there at every import" in problem
    assert "set TEMPLATEFLOW_AUTOUPDATE=off" in problem
    off = here.replace(variables={"TEMPLATEFLOW_AUTOUPDATE": "off"})
    assert state("templateflow", off).healthy


@pytest.mark.usefixtures("cannot_write")
def test_links_that_were_made_before_there_was_a_client(
    install: Install, here: Surroundings, user: Path, client: Path
) -> None:
    """The client finds its directory filled, and knows of no other template for ever."""
    installed = install(TEMPLATE, {T1: b"image"})
    place = user / ".cache" / "templateflow" / "tpl-MNI152NLin2009cAsym"
    place.mkdir(parents=True)
    (place / T1).symlink_to(installed / T1)
    [problem] = state("templateflow", here).problems
    assert "1 templates that the client can fetch are not known there (tpl-fsaverage)" in problem
    assert problem.endswith("nipack link templateflow adds them")
    link(["templateflow"], here=here)
    assert state("templateflow", here).healthy
    sphere = place.parent / "tpl-fsaverage" / "tpl-fsaverage_sphere.surf.gii"
    assert sphere.stat().st_size == 0
    assert (place / T1).readlink() == installed / T1


def test_the_installed_directory_itself_lacks_nothing(
    install: Install, here: Surroundings, prefix: Path, client: Path
) -> None:
    """Where the variable names the umbrella, nothing may be written there, and nothing is."""
    install(TEMPLATE, {T1: b"image"})
    umbrella = prefix / "share" / "nipy" / "templateflow"
    there = here.replace(variables={"TEMPLATEFLOW_HOME": str(umbrella)})
    before = digests(prefix)
    assert link(["templateflow"], here=there)[0].state == "there"
    found = state("templateflow", there)
    assert (found.linked, found.total, found.problems) == (1, 1, ())
    assert digests(prefix) == before


@pytest.mark.usefixtures("cannot_write")
def test_paths_that_mne_remembers_and_that_are_gone(
    install: Install, here: Surroundings, user: Path
) -> None:
    install("mne_data/MNE-sample-data", {"version.txt": b"0.0"})
    (user / ".mne").mkdir()
    settings = {
        "MNE_DATASETS_SAMPLE_PATH": "/old/prefix/share/mne_data",
        "MNE_LOGGING_LEVEL": "info",
    }
    (user / ".mne" / "mne-python.json").write_text(json.dumps(settings))
    [problem] = state("mne", here).problems
    assert "MNE_DATASETS_SAMPLE_PATH is /old/prefix/share/mne_data, which is not there" in problem


@pytest.mark.usefixtures("cannot_write")
def test_brainglobe_wants_a_list_of_versions(
    install: Install, here: Surroundings, user: Path
) -> None:
    installed = install(
        "brainglobe/whs",
        {"metadata.json": b"{}"},
        [{"library": "brainglobe", "at": "whs_sd_rat_39um_v1.2"}],
    )
    (user / ".brainglobe").mkdir()
    (user / ".brainglobe" / "whs_sd_rat_39um_v1.2").symlink_to(installed)
    [problem] = state("brainglobe", here).problems
    assert "last_versions.conf does not name whs_sd_rat_39um" in problem
    link(["brainglobe"], here=here)
    assert state("brainglobe", here).healthy


@pytest.mark.usefixtures("cannot_write")
def test_nilearn_cannot_write_its_readme(
    install: Install, here: Surroundings, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    link(["nilearn"], here=here)
    monkeypatch.setattr(health, "may_write", lambda path: False)
    [problem] = state("nilearn", here).problems
    assert "it is read-only and has no README.md" in problem
    (user / "nilearn_data" / "README.md").touch()
    assert state("nilearn", here).healthy


def test_a_library_that_is_not_known(here: Surroundings) -> None:
    with pytest.raises(DataError, match="unknown library"):
        library_states(["nibble"], here=here)


def test_who_finds_a_package(install: Install) -> None:
    directory = install(
        "nipy/atlas", {"a.nii": b"a"}, [{"library": "dipy", "at": "atlas"}, {"library": "mne"}]
    )
    template = install(TEMPLATE, {T1: b"image"})
    assert finders() == {
        os.fspath(directory): ("mne", "dipy"),
        os.fspath(template): ("templateflow",),
    }
