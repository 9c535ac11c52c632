"""nipy itself finds the templates that it wants, as `from nipy.utils import templates`."""

from importlib import metadata
from pathlib import Path

import pytest
from tests.acceptance.systems import Build, Prefix
from tests.conftest import MakeTree

pytestmark = pytest.mark.slow

LOAD = """
import warnings
warnings.simplefilter("ignore")
from nipy import load_image
from nipy.utils import HAVE_TEMPLATES, templates
name = templates.get_filename("ICBM152", "2mm", "T1.nii.gz")
print(HAVE_TEMPLATES, templates.version, name, load_image(name).shape)
"""


def mni_image() -> bytes:
    """Return nilearn's copy of the MNI ICBM152 average."""
    data = Path(str(metadata.distribution("nilearn").locate_file("nilearn/datasets/data")))
    [image] = data.glob("mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    return image.read_bytes()


def test_real_images_as_templates_0_3(build: Build, prefix: Prefix, make_tree: MakeTree) -> None:
    files = {"ICBM152/2mm/T1.nii.gz": mni_image(), "ICBM152/1mm/T1_brain.nii.gz": mni_image()}
    prefix.conda_install(build(make_tree(files))["conda"])
    installed = prefix.directory / "share/nipy/nipy/templates/ICBM152/2mm/T1.nii.gz"
    expected = f"True 0.3 {installed} (197, 233, 189)"
    assert prefix.run_python(LOAD) == expected
