"""Each library finds what is installed, as it is and without a network; nothing is changed."""

import hashlib
import json
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.acceptance.reach.conftest import (
    MANY,
    NILEARN,
    TEMPLATEFLOW,
    MakeReach,
    Reach,
    Server,
    image,
    surface,
)
from tests.conftest import REPOSITORY

from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Sources

pytestmark = [pytest.mark.slow, pytest.mark.reach]

ASYM = "MNI152NLin2009cAsym"
FMRIPREP = (ASYM, "MNI152NLin6Asym", "OASIS30ANTs", "fsaverage", "fsLR")
# What fMRIPrep asks for before it runs (scripts/fetch_templates.py): 18 queries, 41 files.
QUERIES = [
    (ASYM, {"resolution": (1, 2), "desc": None, "suffix": ["T1w", "T2w"]}),
    (ASYM, {"resolution": (1, 2), "desc": "brain", "suffix": "mask"}),
    (ASYM, {"resolution": 1, "atlas": None, "desc": "carpet", "suffix": "dseg"}),
    (ASYM, {"resolution": 2, "desc": "fMRIPrep", "suffix": "boldref"}),
    (ASYM, {"resolution": 1, "label": "brain", "suffix": "probseg"}),
    ("MNI152NLin6Asym", {"resolution": (1, 2), "desc": None, "suffix": "T1w"}),
    ("MNI152NLin6Asym", {"resolution": (1, 2), "desc": "brain", "suffix": "mask"}),
    ("MNI152NLin6Asym", {"resolution": 2, "atlas": "HCP", "suffix": "dseg"}),
    ("OASIS30ANTs", {"resolution": 1, "desc": None, "label": None, "suffix": "T1w"}),
    *(
        ("OASIS30ANTs", {"resolution": 1, "label": label, "suffix": "probseg"})
        for label in ("WM", "BS", "brain")
    ),
    ("OASIS30ANTs", {"resolution": 1, "label": "brain", "suffix": "mask"}),
    ("OASIS30ANTs", {"resolution": 1, "desc": "BrainCerebellumExtraction", "suffix": "mask"}),
    ("fsaverage", {"density": "164k", "desc": "std", "suffix": "sphere"}),
    ("fsaverage", {"density": "164k", "suffix": "midthickness"}),
    ("fsaverage", {"density": "164k", "suffix": "sulc"}),
    ("fsLR", {"density": "32k"}),
]
ASK = f"""
from templateflow.api import get
found = [get(template, **entities) for template, entities in {QUERIES!r}]
flat = [path for each in found for path in (each if isinstance(each, list) else [each])]
assert all(path.stat().st_size > 100 for path in flat), flat
print(len(set(flat)))
"""


def template(name: str) -> dict[str, bytes]:
    """Return files as the recipe of a template names them."""
    recipe = REPOSITORY / "recipes" / f"tpl-{name.lower()}" / "package.yaml"
    source = read_definition(recipe).source
    assert isinstance(source, Sources)
    files = {each.path: _content(each.path, name) for each in source.files}
    return {**files, "LICENSE": b"as the authors say\n"}


def _content(path: str, name: str) -> bytes:
    if path.endswith(".nii.gz"):
        return image(path)
    if path.endswith(".gii"):
        return surface(path)
    if path == "template_description.json":
        said = {"Identifier": name, "License": "See LICENSE file", "Name": "from a package"}
        return json.dumps(said).encode()
    return f"{path}\n".encode()


def with_templates(
    reach: MakeReach, by: str = "conda", client: tuple[str, ...] = MANY, *names: str
) -> Reach:
    sources = {f"templateflow/tpl-{name}": template(name) for name in names or FMRIPREP}
    return reach(client, sources, by)


@pytest.mark.parametrize(
    ("by", "version"),
    [
        ("conda", "25.1.2"),
        pytest.param("deb", "25.1.2", marks=pytest.mark.tools("dpkg-deb")),
        ("pip", "25.1.2"),
        ("conda", "24.2.0"),
        ("conda", "0.8.1"),
    ],
)
def test_templateflow(reach: MakeReach, by: str, version: str) -> None:
    """All that fMRIPrep asks for is returned, and the rest is still known of."""
    each = with_templates(reach, by, TEMPLATEFLOW[version])
    each.nipack("link", "templateflow")
    assert each.run(ASK) == "41"
    # The client still knows of everything else, and tries to fetch it.
    assert each.run("from templateflow import api; print(len(api.templates()) > 15)") == "True"
    fetch = f"from templateflow.api import get\ntry: get({ASYM!r}, resolution=1, suffix='PD')\n"
    assert each.run(f"{fetch}except Exception as error: print('tried')\nelse: print()") == "tried"
    # Up to 24.2.0 it unpacks its skeleton over everything, which an installed file withstands.
    code = "from templateflow import conf\ntry: conf.update(local=True)\nexcept OSError: pass\n"
    assert each.run(f"{code}print('over')") == "over"
    place = each.home / ".cache" / "templateflow" / f"tpl-{ASYM}"
    assert (place / f"tpl-{ASYM}_res-01_T1w.nii.gz").stat().st_size > 100


# The newest takes the address of its server as an argument; before, it is a constant.
ELSEWHERE = """
from templateflow import api
try:
    from templateflow.client import TemplateFlowClient
except ImportError:
    for module in (api, getattr(api, "conf", api)):
        module.TF_S3_ROOT = {address!r}
    get = api.get
else:
    get = TemplateFlowClient(s3_root={address!r}).get
get({asym!r}, resolution=2, suffix="T1w", desc=None)
print(get({asym!r}, resolution=1, desc="head", suffix="mask"))
"""


@pytest.mark.parametrize("version", TEMPLATEFLOW)
def test_templateflow_fetches_everything_else(
    reach: MakeReach, server: Server, version: str
) -> None:
    each = with_templates(reach, "conda", TEMPLATEFLOW[version], ASYM)
    each.nipack("link", "templateflow")
    name = f"tpl-{ASYM}/tpl-{ASYM}_res-01_desc-head_mask.nii.gz"
    server.has(name, image("head"))
    code = ELSEWHERE.format(address=server.address.rstrip("/"), asym=ASYM)
    found = each.home / ".cache" / "templateflow" / name
    assert each.on_loopback().run(code) == str(found)
    assert not found.is_symlink()
    assert found.read_bytes() == image("head")


def test_templateflow_by_its_umbrella(reach: MakeReach) -> None:
    each = with_templates(reach)
    home = str(each.prefix / "share" / "nipy" / "templateflow")
    said = each.nipack("env", "templateflow")
    assert f"export TEMPLATEFLOW_HOME={home}\n" in said
    found = each.run(ASK, TEMPLATEFLOW_HOME=home, TEMPLATEFLOW_AUTOUPDATE="off")
    assert found == "41"


def autolink(each: Reach, tmp_path: Path) -> dict[str, str]:
    """Return the variables by which Python runs nipack-autolink at its start."""
    startup = tmp_path / "startup"
    startup.mkdir()
    source = REPOSITORY / "nipack-autolink" / "src"
    text = f"import sys; sys.path.append({str(source)!r})\n"
    text += (source / "nipack_autolink.pth").read_text("utf-8")
    # The environment is shared: its own site-packages is for no one test.
    (startup / "sitecustomize.py").write_text(text, "utf-8")
    return {"PYTHONPATH": str(startup)}


def test_twelve_first_imports_at_once(reach: MakeReach, tmp_path: Path) -> None:
    """No command, no variable, no network, an empty home."""
    each = with_templates(reach)
    variables = autolink(each, tmp_path)
    command = each.command(each.python, "-W", "ignore", "-c", ASK, **variables)
    for _ in range(3):
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(12)
        ]
        ended = [process.communicate() for process in running]
        assert [out.strip() for out, _ in ended] == ["41"] * 12, ended[0][1][-2000:]
        subprocess.run(["rm", "-rf", each.home / ".cache", each.home / ".local"], check=True)


SCHAEFER_2018 = """
from nilearn import datasets
found = datasets.fetch_atlas_schaefer_2018(n_rois=400, resolution_mm=2)
print(found.maps)
"""
SCHAEFER = "Schaefer2018_400Parcels_7Networks_order"


def schaefer() -> dict[str, bytes]:
    """Return files as nilearn asks for: 400 parcels, at 2 mm."""
    return {f"{SCHAEFER}.txt": parcels(400), f"{SCHAEFER}_FSLMNI152_2mm.nii.gz": image("schaefer")}


def parcels(number: int) -> bytes:
    """Return a table of labels."""
    rows = (f"{n}\t7Networks_LH_Vis_{n}\t120\t18\t{n % 255}\t0\n" for n in range(1, number + 1))
    return "".join(rows).encode()


def with_schaefer(reach: MakeReach, requirements: tuple[str, ...] = MANY) -> Reach:
    return reach(requirements, {"nilearn_data/schaefer_2018": schaefer()})


@pytest.mark.parametrize("version", NILEARN)
def test_nilearn(reach: MakeReach, version: str) -> None:
    each = with_schaefer(reach, NILEARN[version])
    each.nipack("link", "nilearn")
    place = each.home / "nilearn_data" / "schaefer_2018" / f"{SCHAEFER}_FSLMNI152_2mm.nii.gz"
    assert each.run(SCHAEFER_2018) == str(place)
    assert place.is_symlink()
    each.nipack("unlink", "nilearn")
    assert not place.parent.exists()


FEWER = """
from nilearn import datasets
found = datasets.fetch_atlas_schaefer_2018(n_rois=100, resolution_mm=2, base_url={address!r})
print(found.maps)
"""


@pytest.mark.parametrize("version", NILEARN)
def test_nilearn_fetches_everything_else(reach: MakeReach, server: Server, version: str) -> None:
    """Other files of a data set whose directory has links."""
    each = with_schaefer(reach, NILEARN[version])
    each.nipack("link", "nilearn")
    name = "Schaefer2018_100Parcels_7Networks_order"
    server.has(f"{name}.txt", parcels(100))
    server.has(f"{name}_FSLMNI152_2mm.nii.gz", image("fewer"))
    found = each.home / "nilearn_data" / "schaefer_2018" / f"{name}_FSLMNI152_2mm.nii.gz"
    assert each.on_loopback().run(FEWER.format(address=server.address)) == str(found)
    assert found.read_bytes() == image("fewer")
    assert each.run(SCHAEFER_2018).endswith(f"{SCHAEFER}_FSLMNI152_2mm.nii.gz")


def test_nilearn_by_its_umbrella(reach: MakeReach) -> None:
    each = with_schaefer(reach)
    umbrella = each.prefix / "share" / "nipy" / "nilearn_data"
    said = each.nipack("env", "nilearn")
    assert f'export NILEARN_SHARED_DATA="$HOME"/nilearn_data:{umbrella}\n' in said
    value = f"{each.home / 'nilearn_data'}:{umbrella}"
    found = each.run(SCHAEFER_2018, NILEARN_SHARED_DATA=value)
    assert found == str(umbrella / "schaefer_2018" / f"{SCHAEFER}_FSLMNI152_2mm.nii.gz")


FIAC = """
from nilearn import datasets
print(datasets.fetch_fiac_first_level().mask)
"""


def design() -> bytes:
    """Return a design as nipy's data has it."""
    import numpy as np

    output = BytesIO()
    np.savez(output, X=np.zeros((3, 2)), conditions=np.array([b"a", b"b"]))
    return output.getvalue()


def test_nipy_data_serves_nilearn(reach: MakeReach) -> None:
    """The recipe's own view, on files of the real names."""
    text = (REPOSITORY / "recipes" / "nipy-data" / "package.yaml").read_text("utf-8")
    views = "views:" + text.partition("\nviews:")[2]
    runs = [f"fiac/fiac0/run{n}.nii.gz" for n in (1, 2)] + ["fiac/fiac0/mask.nii.gz"]
    files = {name: image(name) for name in runs}
    files |= {f"fiac/fiac0/run{n}_design.npz": design() for n in (1, 2)}
    each = reach(MANY, {"nipy/data": files}, views=views)
    each.nipack("link", "nilearn")
    assert each.run(FIAC).endswith("nipy-data-0.2/data/fiac/fiac0/mask.nii.gz")


POOCH = """
import hashlib, pooch
contents = {{"table.csv": b"1,2\\n", "other.csv": b"3,4\\n"}}
known = {{name: "sha256:" + hashlib.sha256(text).hexdigest() for name, text in contents.items()}}
brain = pooch.create(
    path=pooch.os_cache("brainpack"), base_url={address!r}, version="v1.2", registry=known
)
print(brain.fetch({name!r}))
"""
NOWHERE = "http://a.invalid/"
BRAINPACK = {"table.csv": b"1,2\n"}
OF_POOCH = "views:\n  - {library: pooch, project: brainpack, at: v1.2}\n"


def test_pooch(reach: MakeReach, server: Server) -> None:
    each = reach(MANY, {"brainpack/tables": BRAINPACK}, views=OF_POOCH)
    each.nipack("link", "pooch")
    place = each.home / ".cache" / "brainpack" / "v1.2"
    assert each.run(POOCH.format(address=NOWHERE, name="table.csv")) == str(place / "table.csv")
    assert (place / "table.csv").is_symlink()
    server.has("other.csv", b"3,4\n")
    fetch = POOCH.format(address=server.address, name="other.csv")
    assert each.on_loopback().run(fetch) == str(place / "other.csv")
    assert (place / "other.csv").read_bytes() == b"3,4\n"


MNE = "import mne; print(mne.datasets.sample.data_path(download=False))"
MNE_SAMPLE = {"version.txt": b"1.0", "MEG/sample/sample_audvis_raw.fif": b"fif"}
MNE_OTHER = """
import mne
made = dict(
    dataset_name="mine", archive_name="mine.tar.gz", folder_name="MNE-mine-data",
    url={address!r} + "mine.tar.gz", hash="md5:" + {md5!r}, config_key="MNE_DATASETS_MINE_PATH",
)
print(mne.datasets.fetch_dataset(made, processor="untar"))
"""


def test_mne(reach: MakeReach, server: Server) -> None:
    each = reach(MANY, {"mne_data/MNE-sample-data": MNE_SAMPLE})
    each.nipack("link", "mne")
    assert each.run(MNE) == str(each.home / "mne_data" / "MNE-sample-data")
    # It notes the path that it used: the default one, which outlives the prefix.
    settings = each.home / ".mne" / "mne-python.json"
    if settings.exists():
        assert str(each.prefix) not in settings.read_text("utf-8")
    server.has("mine.tar.gz", _tarball("MNE-mine-data/version.txt"))
    md5 = hashlib.md5((server.folder / "mine.tar.gz").read_bytes(), usedforsecurity=False)
    fetch = MNE_OTHER.format(address=server.address, md5=md5.hexdigest())
    assert each.on_loopback().run(fetch) == str(each.home / "mne_data" / "MNE-mine-data")


def _tarball(name: str) -> bytes:
    output = BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, BytesIO(b"1.0\n"))
    return output.getvalue()


DIPY = """
import os
from dipy.data.fetcher import fetch_data, dipy_home
folder = os.path.join(dipy_home, "some_hardi")
fetch_data({files!r}, folder)
print(folder)
"""
OF_DIPY = "views:\n  - {library: dipy, at: some_hardi}\n"


def asked_of_dipy(address: str, *names: str) -> str:
    """Return code that fetches images with the md5 that they have."""
    files = {
        name: (address + name, hashlib.md5(image(name), usedforsecurity=False).hexdigest())
        for name in names
    }
    return DIPY.format(files=files)


def test_dipy(reach: MakeReach, server: Server) -> None:
    names = ("HARDI.nii.gz", "t1.nii.gz")
    each = reach(MANY, {"dwi/hardi": {names[0]: image(names[0])}}, views=OF_DIPY)
    each.nipack("link", "dipy")
    place = each.home / ".dipy" / "some_hardi"
    assert each.run(asked_of_dipy(NOWHERE, names[0])) == str(place)
    assert (place / names[0]).is_symlink()
    server.has(names[1], image(names[1]))
    assert each.on_loopback().run(asked_of_dipy(server.address, *names)) == str(place)
    assert (place / names[0]).is_symlink()
    assert (place / names[1]).read_bytes() == image(names[1])


def test_a_removed_package_heals(reach: MakeReach) -> None:
    """The placeholder is back, so that the client tries to fetch the file, and says what failed."""
    each = with_templates(reach, "conda", MANY, ASYM)
    each.nipack("link")
    place = each.home / ".cache" / "templateflow" / f"tpl-{ASYM}"
    file = place / f"tpl-{ASYM}_res-01_T1w.nii.gz"
    assert file.is_symlink()
    empty = each.prefix.parent / "empty" / "share" / "nipy"
    empty.mkdir(parents=True)
    hidden = each.prefix.with_name("removed")
    each.prefix.rename(hidden)
    try:
        each.prefix.mkdir()
        each.nipack("link", NIPY_DATA_PATH=str(empty))
        assert not file.is_symlink()
        assert file.stat().st_size == 0
    finally:
        each.prefix.rmdir()
        hidden.rename(each.prefix)
