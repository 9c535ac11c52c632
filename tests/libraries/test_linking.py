"""Link, unlink and prune: what is done, and that what is installed stays as it is."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.libraries.conftest import Install, digests

from nipack.data import DataError
from nipack.libraries import linking, placing, skeleton
from nipack.libraries.linking import Placed, link, unlink
from nipack.libraries.table import Surroundings

T1 = "tpl-MNI152NLin2009cAsym_res-02_T1w.nii.gz"
TEMPLATE = "templateflow/tpl-MNI152NLin2009cAsym"


def states(placed: tuple[Placed, ...]) -> dict[str, str]:
    return {Path(each.path).name: each.state for each in placed}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A templateflow client that has a skeleton, as its wheels have."""
    conf = tmp_path / "site" / "templateflow" / "conf"
    conf.mkdir(parents=True)
    (conf.parent / "__init__.py").touch()
    with zipfile.ZipFile(conf / "templateflow-skel.zip", "w") as archive:
        archive.writestr(f"tpl-MNI152NLin2009cAsym/{T1}", b"")
        archive.writestr("tpl-MNI152NLin2009cAsym/template_description.json", b"{}")
        archive.writestr("tpl-fsaverage/tpl-fsaverage_sphere.surf.gii", b"")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return conf.parent


@pytest.mark.usefixtures("client", "cannot_write")
def test_a_placeholder_becomes_a_link(
    install: Install, here: Surroundings, user: Path, prefix: Path
) -> None:
    installed = install(TEMPLATE, {T1: b"image", "template_description.json": b'{"Name": "x"}'})
    before = digests(prefix)
    found = states(link(here=here))
    cache = user / ".cache" / "templateflow"
    assert (cache / "tpl-MNI152NLin2009cAsym" / T1).readlink() == installed / T1
    # The skeleton was laid first: the client knows what else there is.
    assert (cache / "tpl-fsaverage" / "tpl-fsaverage_sphere.surf.gii").stat().st_size == 0
    # What the client's skeleton has with content stays.
    assert found == {T1: "linked", "template_description.json": "other bytes"}
    assert (cache / "tpl-MNI152NLin2009cAsym" / "template_description.json").read_bytes() == b"{}"
    assert not (cache / "tpl-MNI152NLin2009cAsym" / "config.ini").exists()
    assert states(link(here=here))[T1] == "there"
    assert digests(prefix) == before


@pytest.mark.usefixtures("client", "cannot_write")
def test_unlink_puts_the_placeholder_back(install: Install, here: Surroundings, user: Path) -> None:
    """Without one, the client says that there is no such file, and fetches nothing."""
    install(TEMPLATE, {T1: b"image"})
    link(here=here)
    place = user / ".cache" / "templateflow" / "tpl-MNI152NLin2009cAsym" / T1
    assert states(unlink(here=here)) == {T1: "removed"}
    assert not place.is_symlink()
    assert place.stat().st_size == 0


@pytest.mark.usefixtures("client", "cannot_write")
def test_a_removed_package_leaves_no_link(install: Install, here: Surroundings, user: Path) -> None:
    installed = install(TEMPLATE, {T1: b"image"})
    other = install("nilearn_data/atlas", {"a.nii": b"a"})
    link(here=here)
    (installed / T1).unlink()
    (other / "a.nii").unlink()
    (user / "nilearn_data" / "atlas" / "own").symlink_to("/nowhere/at/all")
    assert states(link(here=here)) == {T1: "removed", "a.nii": "removed"}
    assert not (user / "nilearn_data" / "atlas" / "a.nii").is_symlink()
    assert (user / "nilearn_data" / "atlas" / "own").is_symlink(), "it is the user's"


def test_without_a_client_templateflow_s_directory_stays_empty(
    install: Install, here: Surroundings, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that finds a link there never lays its skeleton: all else would be unknown."""
    monkeypatch.setattr(skeleton.Skeleton, "find", classmethod(lambda cls: cls(file=None)))
    install(TEMPLATE, {T1: b"image"})
    [found] = link(here=here)
    assert found.state == "no place"
    assert "import templateflow" in found.reason
    assert not (user / ".cache").exists()


@pytest.mark.usefixtures("cannot_write")
def test_a_file_of_one_s_own_stays(install: Install, here: Surroundings, user: Path) -> None:
    install("nilearn_data/atlas", {"same": b"same", "other": b"other", "new": b"new"})
    own = user / "nilearn_data" / "atlas"
    own.mkdir(parents=True)
    (own / "same").write_bytes(b"same")
    (own / "other").write_bytes(b"OTHER")
    found = states(link(here=here))
    assert found == {"same": "same bytes", "other": "other bytes", "new": "linked"}
    assert (own / "other").read_bytes() == b"OTHER"
    unlink(here=here)
    assert sorted(each.name for each in own.iterdir()) == ["other", "same"]


def test_where_the_installed_file_can_be_written_it_is_a_copy(
    install: Install, here: Surroundings, user: Path, prefix: Path, can_write: None
) -> None:
    """Several libraries write through a link: DIPY, MNE-Python, TemplateFlow up to 24.2.0."""
    installed = install("nilearn_data/atlas", {"a.nii": b"a"})
    (installed / "a.nii").chmod(0o644)
    before = digests(prefix)
    assert states(link(here=here)) == {"a.nii": "copied"}
    place = user / "nilearn_data" / "atlas" / "a.nii"
    assert not place.is_symlink()
    assert states(link(here=here)) == {"a.nii": "there"}
    place.write_bytes(b"written through")
    assert digests(prefix) == before
    # Changed, it is the user's own.
    assert states(link(here=here)) == {"a.nii": "other bytes"}
    assert unlink(here=here) == ()
    assert place.exists()


def test_a_copy_follows_its_package_and_goes_with_unlink(
    install: Install, here: Surroundings, user: Path, can_write: None
) -> None:
    installed = install("nilearn_data/atlas", {"a.nii": b"a"})
    link(here=here)
    place = user / "nilearn_data" / "atlas" / "a.nii"
    (installed / "a.nii").chmod(0o644)
    (installed / "a.nii").write_bytes(b"a newer one")
    assert states(link(here=here)) == {"a.nii": "copied"}
    assert place.read_bytes() == b"a newer one"
    assert states(unlink(here=here)) == {"a.nii": "removed"}
    assert not place.parent.exists()


def test_a_link_becomes_a_copy_once_its_file_can_be_written(
    install: Install, here: Surroundings, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    monkeypatch.setattr(linking, "may_write", lambda path: False)
    link(here=here)
    monkeypatch.setattr(linking, "may_write", lambda path: True)
    assert states(link(here=here)) == {"a.nii": "copied"}
    assert not (user / "nilearn_data" / "atlas" / "a.nii").is_symlink()


@pytest.mark.usefixtures("cannot_write")
def test_a_whole_directory_is_one_link(install: Install, here: Surroundings, user: Path) -> None:
    installed = install("mne_data/MNE-sample-data", {"MEG/a.fif": b"a", "version.txt": b"1"})
    assert states(link(["mne"], here=here)) == {"MNE-sample-data": "linked"}
    assert (user / "mne_data" / "MNE-sample-data").readlink() == installed
    assert states(link(["mne"], here=here)) == {"MNE-sample-data": "there"}
    assert states(unlink(["mne"], here=here)) == {"MNE-sample-data": "removed"}


def test_a_directory_that_can_be_written_becomes_one_of_links(
    install: Install, here: Surroundings, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a link to it, a library would put its files into the package's directory."""
    installed = install("mne_data/MNE-sample-data", {"MEG/a.fif": b"a", "version.txt": b"1"})
    monkeypatch.setattr(linking, "may_write", os.path.isdir)
    found = states(link(["mne"], here=here))
    assert found == {"a.fif": "linked", "version.txt": "linked"}
    place = user / "mne_data" / "MNE-sample-data"
    assert not place.is_symlink()
    assert (place / "MEG" / "a.fif").readlink() == installed / "MEG" / "a.fif"
    (installed / "MEG" / "b.fif").write_bytes(b"b")
    assert states(link(["mne"], here=here))["b.fif"] == "linked"
    unlink(["mne"], here=here)
    assert not place.exists()


def test_a_directory_of_one_s_own_stays(
    install: Install, here: Surroundings, user: Path, can_write: None
) -> None:
    install("mne_data/MNE-sample-data", {"a.fif": b"a"})
    own = user / "mne_data" / "MNE-sample-data"
    own.mkdir(parents=True)
    (own / "half").write_bytes(b"a download of one's own")
    [found] = link(["mne"], here=here)
    assert found.state == "other bytes"
    assert [each.name for each in own.iterdir()] == ["half"]


def test_views_place_and_rename(install: Install, here: Surroundings, user: Path) -> None:
    views = [
        {"library": "nilearn", "at": "icbm/09a", "rename": {"T1.nii.gz": "t1_tal.nii.gz"}},
        {"library": "dipy", "at": "icbm", "files": ["*.nii.gz"]},
        {"library": "pooch", "project": "brainpack", "at": "v1.2", "files": ["extra/*"]},
    ]
    install("icbm/t1", {"T1.nii.gz": b"T1", "extra/table.csv": b"1"}, views)
    link(here=here)
    found = [p.relative_to(user).as_posix() for p in sorted(user.rglob("*")) if not p.is_dir()]
    assert [each for each in found if not each.startswith(".local")] == [
        ".cache/brainpack/v1.2/extra/table.csv",
        ".dipy/icbm/T1.nii.gz",
        "nilearn_data/icbm/09a/t1_tal.nii.gz",
    ]


@pytest.mark.usefixtures("client", "cannot_write")
def test_a_further_package_of_a_template_comes_beside_it(
    install: Install, here: Surroundings, user: Path
) -> None:
    first = install(TEMPLATE, {T1: b"image"})
    pd = T1.replace("T1w", "PD")
    at = TEMPLATE.partition("/")[2]
    views = [{"library": "templateflow", "at": at, "files": ["tpl-*"]}]
    more = install(f"{at}/more", {pd: b"more"}, views)
    for _ in range(2):
        link(here=here)
        place = user / ".cache" / "templateflow" / at
        assert (place / T1).readlink() == first / T1
        assert (place / pd).readlink() == more / pd


@pytest.mark.parametrize(
    "view",
    [
        {"library": "nilearn", "at": "../../outside"},
        {"library": "nilearn", "at": "/etc"},
        {"library": "nilearn", "rename": {"a": "../../outside"}},
        {"library": "pooch", "project": "../outside", "at": "x"},
        {"library": "no such", "at": "x"},
        {"library": "nilearn", "at": 7},
        {"at": "x"},
        "nilearn",
    ],
    ids=str,
)
def test_a_stranger_s_view_leads_nowhere(
    view: object, install: Install, here: Surroundings, tmp_path: Path
) -> None:
    install("some/data", {"a": b"a"}, [view])
    before = digests(tmp_path)
    assert link(here=here) == ()
    assert digests(tmp_path) == before


@pytest.mark.usefixtures("cannot_write")
def test_nothing_is_linked_into_what_is_installed(
    install: Install, here: Surroundings, prefix: Path
) -> None:
    """Where a variable names the umbrella itself, all of it is there; a link to it is no place."""
    install(TEMPLATE, {T1: b"image"})
    umbrella = prefix / "share" / "nipy" / "templateflow"
    before = digests(prefix)
    at = here.replace(variables={"TEMPLATEFLOW_HOME": str(umbrella)})
    assert states(link(here=at)) == {T1: "there"}
    views = [{"library": "nilearn", "at": "set"}]
    install("some/data", {"a.nii": b"a"}, views)
    before = digests(prefix)
    (Path(here.home) / "nilearn_data").mkdir()
    (Path(here.home) / "nilearn_data" / "set").symlink_to(umbrella)
    found = states(link(["nilearn"], here=here))
    assert found == {"a.nii": "failed"}
    assert digests(prefix) == before


def test_an_empty_file_is_never_linked(install: Install, here: Surroundings, user: Path) -> None:
    """A library that takes it for a placeholder would write into the installed one."""
    install("nilearn_data/atlas", {"empty": b"", "full": b"1"})
    assert states(link(here=here)) == {"full": "copied" if placing.may_write("/") else "linked"}


def test_a_shared_tree_is_for_others(install: Install, here: Surroundings, tmp_path: Path) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    install("dwi/hardi", {"b.nii": b"b"}, [{"library": "dipy", "at": "stanford_hardi"}])
    tree = tmp_path / "shared"
    assert states(link(tree=str(tree), here=here)) == {"a.nii": "linked", "b.nii": "linked"}
    assert (tree / "nilearn_data" / "atlas" / "a.nii").is_symlink()
    assert (tree / "dipy" / "stanford_hardi" / "b.nii").is_symlink()
    # nilearn opens it for writing in each of its directories, at the first download of anything.
    assert (tree / "nilearn_data" / "README.md").is_file()
    assert not list(Path(here.home).iterdir())
    assert states(unlink(tree=str(tree), here=here)) == {"a.nii": "removed", "b.nii": "removed"}


def test_copies_for_containers(install: Install, here: Surroundings, tmp_path: Path) -> None:
    install("mne_data/MNE-sample-data", {"MEG/a.fif": b"a"})
    assert states(link(tree=str(tmp_path / "t"), copy=True, here=here)) == {"a.fif": "copied"}
    assert (tmp_path / "t" / "mne_data" / "MNE-sample-data" / "MEG" / "a.fif").read_bytes() == b"a"
    assert not list(tmp_path.glob("t/**/.nipack-????*"))[1:]


def test_a_dry_run_does_nothing(
    install: Install, here: Surroundings, user: Path, client: Path
) -> None:
    install(TEMPLATE, {T1: b"image"})
    install("mne_data/MNE-sample-data", {"MEG/a.fif": b"a"})
    assert set(states(link(dry_run=True, here=here)).values()) <= {"linked", "copied"}
    assert not list(user.iterdir())
    link(here=here)
    before = digests(user)
    assert set(states(unlink(dry_run=True, here=here)).values()) == {"removed"}
    assert digests(user) == before


def test_a_directory_that_cannot_be_made_is_told_of(
    install: Install, here: Surroundings, user: Path
) -> None:
    install("nilearn_data/atlas", {"a.nii": b"a"})
    (user / "nilearn_data").write_bytes(b"a file")
    [found] = link(here=here)
    assert found.state == "failed"
    assert found.reason


def test_a_library_that_nobody_knows(here: Surroundings) -> None:
    with pytest.raises(DataError, match="templatefow: unknown library; known are"):
        link(["templatefow"], here=here)


def test_brainglobe_2_is_told_of_its_newest_atlas(
    install: Install, here: Surroundings, user: Path
) -> None:
    views = [{"library": "brainglobe", "at": "example_mouse_100um_v1.2"}]
    install("brainglobe/example", {"metadata.json": b"{}"}, views)
    (user / ".brainglobe").mkdir()
    versions = user / ".brainglobe" / "last_versions.conf"
    versions.write_text("[atlases]\nOther = 2.0\n", "utf-8")
    link(here=here)
    assert "Other = 2.0\nexample_mouse_100um = 1.2\n" in versions.read_text("utf-8")


def test_a_ledger_that_is_spoilt_is_no_error(
    install: Install, here: Surroundings, user: Path
) -> None:
    ledger = user / ".local" / "state" / "nipack" / "links.jsonl"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b'{"direct\xff\n[]\n{"copy": "x", "state": [1]}\n')
    install("nilearn_data/atlas", {"a.nii": b"a"})
    assert set(states(link(here=here))) == {"a.nii"}
    assert json.loads(ledger.read_bytes().splitlines()[-1])
    assert set(states(unlink(here=here)).values()) == {"removed"}


LINK = """
import sys
sys.path[:0] = {paths!r}
from nipack.libraries.linking import link
found = link()
bad = [each for each in found if each.state not in ("linked", "copied", "there")]
assert not bad, bad
"""


@pytest.mark.slow
def test_twelve_at_once(
    install: Install, client: Path, prefix: Path, user: Path, here: Surroundings
) -> None:
    """A skeleton unpacked in its place wrote through the links of another process."""
    images = {f"tpl-X_res-{n}_T1w.nii.gz": bytes([n]) * 9000 for n in range(20)}
    with zipfile.ZipFile(client / "conf" / "templateflow-skel.zip", "a") as archive:
        for name in images:
            archive.writestr(f"tpl-X/{name}", b"")
    installed = install("templateflow/tpl-X", images)
    install("mne_data/MNE-sample-data", {f"MEG/{n}.fif": b"a" for n in range(50)})
    for path in [installed, *installed.iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = digests(prefix)
    source = str(Path(linking.__file__).parents[2])
    script = LINK.format(paths=[source, str(client.parent), *sys.path])
    variables = {"HOME": str(user), "NIPY_DATA_PATH": os.environ["NIPY_DATA_PATH"]}
    running = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", script], env=variables, stderr=subprocess.PIPE
        )
        for _ in range(12)
    ]
    failed = [said for each in running if (said := each.communicate()[1])]
    assert not failed, failed[0][:2000]
    cache = user / ".cache" / "templateflow"
    assert {p.name: p.read_bytes() for p in (cache / "tpl-X").iterdir()} == images
    assert (cache / "tpl-fsaverage" / "tpl-fsaverage_sphere.surf.gii").exists()
    assert len(list((user / "mne_data" / "MNE-sample-data" / "MEG").iterdir())) == 50
    assert digests(prefix) == before
    assert not list(user.rglob(".nipack-*"))
