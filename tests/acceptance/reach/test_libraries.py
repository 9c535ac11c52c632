"""Each library finds what is installed, as it is and without a network; nothing is changed."""

import json
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from tests.acceptance.reach.conftest import MakeReach, Reach, image
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.reach]

TEMPLATEFLOW = ("templateflow", "setuptools<81")
MANY = ("nilearn", "pooch", "mne", "dipy")
ASYM = "MNI152NLin2009cAsym"
DESCRIPTION = json.dumps({"Identifier": ASYM, "License": "MIT", "Name": "from a package"}).encode()

# What fMRIPrep fetches before it runs (scripts/fetch_templates.py): 18 queries, 41 files.
FMRIPREP = {
    ASYM: (
        "res-01_T1w.nii.gz", "res-02_T1w.nii.gz", "res-01_desc-brain_mask.nii.gz",
        "res-02_desc-brain_mask.nii.gz", "res-01_desc-carpet_dseg.nii.gz",
        "res-02_desc-fMRIPrep_boldref.nii.gz", "res-01_label-brain_probseg.nii.gz",
    ),
    "OASIS30ANTs": (
        "res-01_T1w.nii.gz", "res-01_desc-brain_mask.nii.gz",
        "res-01_desc-BrainCerebellumExtraction_mask.nii.gz", "res-01_label-brain_probseg.nii.gz",
    ),
}  # fmt: skip
QUERIES = """
from templateflow.api import get
found = [
    get({asym!r}, resolution=1, suffix="T1w", desc=None),
    get({asym!r}, resolution=2, suffix="T1w", desc=None),
    get({asym!r}, resolution=[1, 2], desc="brain", suffix="mask"),
    get({asym!r}, resolution=1, atlas=None, desc="carpet", suffix="dseg"),
    get({asym!r}, resolution=2, desc="fMRIPrep", suffix="boldref"),
    get({asym!r}, resolution=1, label="brain", suffix="probseg"),
    get("OASIS30ANTs", resolution=1, suffix="T1w", desc=None),
    get("OASIS30ANTs", resolution=1, desc="brain", suffix="mask"),
    get("OASIS30ANTs", resolution=1, desc="BrainCerebellumExtraction", suffix="mask"),
    get("OASIS30ANTs", resolution=1, label="brain", suffix="probseg"),
]
flat = [path for each in found for path in (each if isinstance(each, list) else [each])]
assert all(path.stat().st_size > 100 for path in flat), flat
print(len(flat))
"""


def template(name: str) -> dict[str, bytes]:
    files = {f"tpl-{name}_{each}": image(name + each) for each in FMRIPREP[name]}
    return {**files, "template_description.json": DESCRIPTION, "LICENSE": b"MIT\n"}


def with_templates(reach: MakeReach, by: str = "conda", client: str = "templateflow") -> Reach:
    sources = {f"templateflow/tpl-{name}": template(name) for name in FMRIPREP}
    return reach((client, *TEMPLATEFLOW[1:]), sources, by)


@pytest.mark.parametrize(
    ("by", "client"),
    [
        ("conda", "templateflow"),
        pytest.param("deb", "templateflow", marks=pytest.mark.tools("dpkg-deb")),
        ("pip", "templateflow"),
        ("conda", "templateflow==24.2.0"),
    ],
)
def test_templateflow(reach: MakeReach, by: str, client: str) -> None:
    each = with_templates(reach, by, client)
    each.nipack("link", "templateflow")
    assert each.run(QUERIES.format(asym=ASYM)) == "11"
    # The client still knows of everything else, and tries to fetch it.
    assert each.run("from templateflow import api; print(len(api.templates()) > 15)") == "True"
    fetch = "from templateflow.api import get\ntry: get('fsLR', density='32k', suffix='sphere')\n"
    assert each.run(f"{fetch}except Exception as error: print('tried')\nelse: print()") == "tried"
    # Up to 24.2.0 it unpacks its skeleton over everything, which an installed file withstands.
    code = "from templateflow import conf\ntry: conf.update(local=True)\nexcept OSError: pass\n"
    assert each.run(f"{code}print('over')") == "over"
    place = each.home / ".cache" / "templateflow" / f"tpl-{ASYM}"
    assert (place / f"tpl-{ASYM}_res-01_T1w.nii.gz").stat().st_size > 100


def test_templateflow_by_its_umbrella(reach: MakeReach) -> None:
    each = with_templates(reach)
    home = str(each.prefix / "share" / "nipy" / "templateflow")
    said = each.nipack("env", "templateflow")
    assert f"export TEMPLATEFLOW_HOME={home}\n" in said
    found = each.run(
        QUERIES.format(asym=ASYM), TEMPLATEFLOW_HOME=home, TEMPLATEFLOW_AUTOUPDATE="off"
    )
    assert found == "11"


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
    code = QUERIES.format(asym=ASYM)
    command = each.command(each.python, "-W", "ignore", "-c", code, **variables)
    for _ in range(3):
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(12)
        ]
        ended = [process.communicate() for process in running]
        assert [out.strip() for out, _ in ended] == ["11"] * 12, ended[0][1][-2000:]
        subprocess.run(["rm", "-rf", each.home / ".cache", each.home / ".local"], check=True)


NILEARN = """
from nilearn import datasets
found = datasets.fetch_atlas_schaefer_2018(n_rois=400, resolution_mm=2)
print(found.maps)
"""
SCHAEFER = "Schaefer2018_400Parcels_7Networks_order"


def with_schaefer(reach: MakeReach) -> Reach:
    labels = "".join(f"{n}\t7Networks_LH_Vis_{n}\t120\t18\t{n % 255}\t0\n" for n in range(1, 401))
    files = {
        f"{SCHAEFER}.txt": labels.encode(),
        f"{SCHAEFER}_FSLMNI152_2mm.nii.gz": image("schaefer"),
    }
    return reach(MANY, {"nilearn_data/schaefer_2018": files})


def test_nilearn(reach: MakeReach) -> None:
    each = with_schaefer(reach)
    each.nipack("link", "nilearn")
    place = each.home / "nilearn_data" / "schaefer_2018" / f"{SCHAEFER}_FSLMNI152_2mm.nii.gz"
    assert each.run(NILEARN) == str(place)
    assert place.is_symlink()
    each.nipack("unlink", "nilearn")
    assert not place.parent.exists()


def test_nilearn_by_its_umbrella(reach: MakeReach) -> None:
    each = with_schaefer(reach)
    umbrella = each.prefix / "share" / "nipy" / "nilearn_data"
    said = each.nipack("env", "nilearn")
    value = f"{each.home / 'nilearn_data'}:{umbrella}"
    assert f"export NILEARN_SHARED_DATA={value}\n" in said
    found = each.run(NILEARN, NILEARN_SHARED_DATA=value)
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
known = {{"table.csv": "sha256:" + hashlib.sha256(b"1,2\\n").hexdigest()}}
brain = pooch.create(
    path=pooch.os_cache("brainpack"), base_url="https://a.invalid/", version="v1.2", registry=known
)
print(brain.fetch("table.csv"))
"""


def test_pooch(reach: MakeReach) -> None:
    views = "views:\n  - {library: pooch, project: brainpack, at: v1.2}\n"
    each = reach(MANY, {"brainpack/tables": {"table.csv": b"1,2\n"}}, views=views)
    each.nipack("link", "pooch")
    assert each.run(POOCH.format()).endswith(".cache/brainpack/v1.2/table.csv")


def test_mne(reach: MakeReach) -> None:
    files = {"version.txt": b"1.0", "MEG/sample/sample_audvis_raw.fif": b"fif"}
    each = reach(MANY, {"mne_data/MNE-sample-data": files})
    each.nipack("link", "mne")
    code = "import mne; print(mne.datasets.sample.data_path(download=False))"
    assert each.run(code) == str(each.home / "mne_data" / "MNE-sample-data")
    # It notes the path that it used: the default one, which outlives the prefix.
    settings = each.home / ".mne" / "mne-python.json"
    if settings.exists():
        assert str(each.prefix) not in settings.read_text("utf-8")


DIPY = """
import hashlib, os
from dipy.data.fetcher import fetch_data, dipy_home
folder = os.path.join(dipy_home, "some_hardi")
files = {{"HARDI.nii.gz": ("https://a.invalid/HARDI.nii.gz", {md5!r})}}
fetch_data(files, folder)
print(os.path.join(folder, "HARDI.nii.gz"))
"""


def test_dipy(reach: MakeReach) -> None:
    import hashlib

    content = image("hardi")
    views = "views:\n  - {library: dipy, at: some_hardi}\n"
    each = reach(MANY, {"dwi/hardi": {"HARDI.nii.gz": content}}, views=views)
    each.nipack("link", "dipy")
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert each.run(DIPY.format(md5=md5)).endswith(".dipy/some_hardi/HARDI.nii.gz")


def test_a_removed_package_heals(reach: MakeReach) -> None:
    """The placeholder is back, so that the client tries to fetch the file, and says what failed."""
    each = with_templates(reach)
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
