"""The newest versions of the libraries that most people have, as a part of the ordinary run."""

from pathlib import Path

import pytest
from tests.acceptance.reach.conftest import (
    NEWEST,
    NILEARN,
    TEMPLATEFLOW,
    MakeReach,
    environment,
    image,
)
from tests.acceptance.reach.test_further_libraries import (
    BRAINGLOBE_VERSIONS,
    OF_SKIMAGE,
    SKIMAGE,
    coins,
)
from tests.acceptance.reach.test_libraries import (
    ASK,
    BRAINPACK,
    FMRIPREP,
    MNE,
    MNE_SAMPLE,
    NOWHERE,
    OF_DIPY,
    OF_POOCH,
    POOCH,
    SCHAEFER,
    SCHAEFER_2018,
    asked_of_dipy,
    autolink,
    schaefer,
    template,
)
from tests.conftest import REPOSITORY


@pytest.mark.slow(0.1)
def test_the_page_names_the_versions_that_are_run() -> None:
    said = (REPOSITORY / "docs" / "other-libraries.md").read_text("utf-8")
    versions = {*TEMPLATEFLOW, *NILEARN, *BRAINGLOBE_VERSIONS}
    assert [each for each in sorted(versions) if each not in said] == []


@pytest.mark.slow(90)
def test_the_newest_find_what_is_installed(
    reach: MakeReach, environments: Path, tmp_path: Path
) -> None:
    """One environment for all, without a network, an empty home, and no command but the imports."""
    own = coins(environment(NEWEST, environments))
    sources = {
        **{f"templateflow/tpl-{name}": template(name) for name in FMRIPREP},
        "nilearn_data/schaefer_2018": schaefer(),
        "mne_data/MNE-sample-data": MNE_SAMPLE,
        "brainpack/tables": BRAINPACK,
        "dwi/hardi": {"HARDI.nii.gz": image("HARDI.nii.gz")},
        "pictures/coins": {"coins.png": own},
    }
    views = {"brainpack/tables": OF_POOCH, "dwi/hardi": OF_DIPY, "pictures/coins": OF_SKIMAGE}
    each = reach(NEWEST, sources, views=views)
    variables = autolink(each, tmp_path)
    found = {
        "templateflow": (ASK, "41"),
        "nilearn": (SCHAEFER_2018, f"schaefer_2018/{SCHAEFER}_FSLMNI152_2mm.nii.gz"),
        "mne": (MNE, "mne_data/MNE-sample-data"),
        "pooch": (POOCH.format(address=NOWHERE, name="table.csv"), "brainpack/v1.2/table.csv"),
        "dipy": (asked_of_dipy(NOWHERE, "HARDI.nii.gz"), ".dipy/some_hardi"),
        "scikit-image": (SKIMAGE, "/data/coins.png"),
    }
    for library, (code, expected) in found.items():
        said = each.run(code, **variables)
        assert said.endswith(expected), library
        if "/" in expected:
            assert Path(said).is_relative_to(each.home), library
