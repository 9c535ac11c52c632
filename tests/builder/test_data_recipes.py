"""The definitions in recipes/ that list files: each is built of made-up files of those names."""

import functools
import gzip
import importlib
import json
import tarfile
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builder.samples import RecordingReporter
from tests.conftest import REPOSITORY

from nipack.builder.definition.model import Definition
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source, Sources
from nipack.builder.flows.build import build
from nipack.builder.formats import formats
from nipack.builder.source import several
from nipack.builder.source.together import Fetched
from nipack.system.hashing import digest_file

nib: Any = importlib.import_module("nibabel")
# The others' data is one archive, or lies beside the definition.
RECIPES = [
    path
    for path in sorted((REPOSITORY / "recipes").glob("*/package.yaml"))
    if path.parent.name not in {"nipy-data", "nipy-examplepkg", "nipy-templates"}
]
definition_of = functools.cache(read_definition)
FORMATS = [formats()[name] for name in ("conda", "deb", "wheel", "sdist")]

# What fMRIPrep's scripts/fetch_templates.py says that it fetches before fMRIPrep runs.
FMRIPREP = {
    "MNI152NLin2009cAsym": (
        "res-01_T1w.nii.gz", "res-01_T2w.nii.gz", "res-02_T1w.nii.gz", "res-02_T2w.nii.gz",
        "res-01_desc-brain_mask.nii.gz", "res-02_desc-brain_mask.nii.gz",
        "res-01_desc-carpet_dseg.nii.gz", "res-02_desc-fMRIPrep_boldref.nii.gz",
        "res-01_label-brain_probseg.nii.gz",
    ),
    "MNI152NLin6Asym": (
        "res-01_T1w.nii.gz", "res-02_T1w.nii.gz", "res-01_desc-brain_mask.nii.gz",
        "res-02_desc-brain_mask.nii.gz", "res-02_atlas-HCP_dseg.nii.gz",
    ),
    "OASIS30ANTs": (
        "res-01_T1w.nii.gz", "res-01_label-WM_probseg.nii.gz", "res-01_label-BS_probseg.nii.gz",
        "res-01_label-brain_probseg.nii.gz", "res-01_desc-brain_mask.nii.gz",
        "res-01_desc-BrainCerebellumExtraction_mask.nii.gz",
    ),
    "fsaverage": tuple(
        f"hemi-{side}_den-164k_{what}"
        for side in "LR"
        for what in (
            "desc-std_sphere.surf.gii", "desc-vaavg_midthickness.shape.gii",
            "midthickness.surf.gii", "sulc.shape.gii",
        )
    ),
    "fsLR": (
        *(
            f"hemi-{side}_den-32k_{what}"
            for side in "LR"
            for what in (
                "desc-nomedialwall_dparc.label.gii", "desc-vaavg_midthickness.shape.gii",
                "sphere.surf.gii",
            )
        ),
        *(f"space-fsaverage_hemi-{side}_den-32k_sphere.surf.gii" for side in "LR"),
    ),
}  # fmt: skip


# What netneurotools's fetchers say that is in the archives that they unpack.
MEMBERS = {
    "atl-pauli2018": (
        "atl-pauli2018_space-MNI152NLin2009cAsym_hemi-both_probabilistic.nii.gz",
        "atl-pauli2018_space-MNI152NLin2009cAsym_hemi-both_deterministic.nii.gz",
        "atl-pauli2018_space-MNI152NLin2009cAsym_info.csv",
    ),
}


def image() -> bytes:
    made = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    return bytes(made.to_bytes())


def surface() -> bytes:
    return bytes(nib.gifti.GiftiImage().to_bytes())


def made_up(path: str, relpath: str) -> bytes:
    """Return what stands for a file: sound, as its name promises."""
    kinds: dict[str, Callable[[], bytes]] = {
        ".nii.gz": lambda: gzip.compress(image(), mtime=0),
        ".nii": image,
        ".gii": surface,
        ".json": lambda: json.dumps({"Identifier": relpath, "License": "x", "Name": "y"}).encode(),
    }
    if path in MEMBERS:
        return tarball({f"{path}/{name}": made_up(name, relpath) for name in MEMBERS[path]})
    for ending, make in kinds.items():
        if path.endswith(ending):
            return make()
    return f"{path}\n".encode()


def tarball(members: dict[str, bytes]) -> bytes:
    output = BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return output.getvalue()


@pytest.fixture
def nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put made-up files in the place of downloads."""

    def fetch(sources: Sequence[Source], reporter: object, *, offline: bool) -> list[Fetched]:
        found: list[Fetched] = []
        for number, source in enumerate(sources):
            path = tmp_path / "fetched" / str(number)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(made_up(names[source.address], relpath))
            digests = digest_file(path, ["sha256"], lambda count: None)
            found.append((path, dict(digests.by_algorithm)))
        return found

    names: dict[str, str] = {}
    relpath = "made up"
    for recipe in RECIPES:
        definition = definition_of(recipe)
        source = definition.source
        assert isinstance(source, Sources)
        names |= {each.source.address: each.path for each in source.files}
        folder = definition.relpath.rpartition("/")[2]
        names |= {each.source.address: folder for each in source.archives}
    monkeypatch.setattr(several, "fetch_together", fetch)


def files_of(definition: Definition) -> dict[str, Source]:
    assert isinstance(definition.source, Sources)
    archives = {str(number): each.source for number, each in enumerate(definition.source.archives)}
    return {each.path: each.source for each in definition.source.files} | archives


def test_there_are_some() -> None:
    assert len(RECIPES) >= 19


@pytest.mark.slow(5)
@pytest.mark.usefixtures("nothing_is_fetched")
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_each_is_built_of_made_up_files(recipe: Path, tmp_path: Path) -> None:
    reporter = RecordingReporter()
    made = list(build(str(recipe), FORMATS, tmp_path / "dist", reporter))
    assert [each.format for each in made] == [each.name for each in FORMATS]
    assert len({each.payload_id for each in made}) == 1
    # Nobody maintains the packages yet; the rest is for whoever has the rights to say.
    settled = {"missing-metadata", "no-license", "redistribution-unverified", "no-date"}
    # Nobody has put the text of the PDDL, or of CC BY, beside these.
    if recipe.parent.name in {"dipy-stanford-hardi", "nnt-pauli2018"}:
        settled.add("no-license-text")
    assert reporter.codes <= settled, reporter.warnings
    assert "no-license" not in reporter.codes or "redistribution-unverified" in reporter.codes


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_each_says_where_its_figures_are_from(recipe: Path) -> None:
    head = recipe.read_text("utf-8").partition("\nname: ")[0]
    assert all(line.startswith("# ") for line in head.splitlines())
    assert "MD5" in head
    for source in files_of(definition_of(recipe)).values():
        assert source.digests
        assert source.address.startswith("https://")


@pytest.mark.parametrize("template", FMRIPREP)
def test_fmriprep_s_templates_have_what_it_fetches(template: str) -> None:
    path = REPOSITORY / "recipes" / f"tpl-{template.lower()}" / "package.yaml"
    files = files_of(definition_of(path))
    assert {f"tpl-{template}_{name}" for name in FMRIPREP[template]} <= set(files)
    assert "template_description.json" in files
    for name in FMRIPREP[template]:
        assert files[f"tpl-{template}_{name}"].size, name


def test_the_template_and_its_further_packages_are_all_that_the_client_knows() -> None:
    """fMRIPrep's nine files, the rest of the template's own, and the atlases: no file is in two."""
    parts = ("", "-more", "-schaefer2018", "-atlases")
    names = [f"tpl-mni152nlin2009casym{part}" for part in parts]
    paths = [REPOSITORY / "recipes" / name / "package.yaml" for name in names]
    files = [files_of(definition_of(path)) for path in paths]
    assert [len(each) for each in files] == [12, 23, 48, 47]
    assert len(set().union(*files)) == sum(map(len, files))
