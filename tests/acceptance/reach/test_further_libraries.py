"""BrainGlobe, scikit-image, neuromaps and netneurotools: found as they are, without a network."""

from pathlib import Path

import pytest
from tests.acceptance.reach.conftest import (
    FURTHER,
    MANY,
    MakeReach,
    environment,
    image,
)
from tests.acceptance.systems import run

pytestmark = [pytest.mark.slow, pytest.mark.reach]


def made_by(python: Path, code: str, directory: Path) -> dict[str, bytes]:
    """Return the files that a library writes into a directory, by their paths in it."""
    run(python, "-W", "ignore", "-c", code, directory, env={"HOME": str(directory.parent)})
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


BRAINGLOBE_VERSIONS = ("2.3.1", "3.0.2")
BRAINGLOBE_2 = """
import json, sys
from pathlib import Path
import numpy, tifffile
top = Path(sys.argv[1])
about = {"name": "tiny_mouse", "version": "1.2", "resolution": [100.0] * 3, "shape": [4] * 3,
         "additional_references": [], "orientation": "asr", "species": "Mus musculus",
         "citation": "none", "atlas_link": "", "symmetric": True, "trackable": False}
root = {"acronym": "root", "id": 1, "name": "root", "structure_id_path": [1],
        "rgb_triplet": [255, 255, 255]}
(top / "metadata.json").write_text(json.dumps(about))
(top / "structures.json").write_text(json.dumps([root]))
for name in ("reference", "annotation"):
    tifffile.imwrite(top / f"{name}.tiff", numpy.ones((4, 4, 4), numpy.uint16))
"""
BRAINGLOBE_3 = """
import json, sys
from pathlib import Path
import ngff_zarr, numpy
top = Path(sys.argv[1])
places = {"terminology": "terminologies/t/1_0", "coordinate_space": "coordinate-spaces/c/1_0",
          "annotation_set": "annotation-sets/a/1_0", "template": "templates/i/1_0"}
parts = {key: {"name": key, "version": "1.0", "location": "/" + place}
         for key, place in places.items()}
about = {"name": "tiny_mouse_100um", "version": "1.0", "resolution": [100.0] * 3, "shape": [4] * 3,
         **{key: parts[key] for key in ("terminology", "coordinate_space")},
         "annotation_set": {**parts["annotation_set"], "template": parts["template"]}}
def write(name, text):
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    (top / name).write_text(text)
def draw(name, type):
    values = numpy.ones((4, 4, 4), type)
    image = ngff_zarr.to_ngff_image(values, dims=list("zyx"), scale=dict.fromkeys("zyx", 0.1))
    ngff_zarr.to_ngff_zarr(
        str(top / name), ngff_zarr.to_multiscales(image, scale_factors=[]), version="0.5"
    )
columns = "identifier,parent_identifier,abbreviation,name,root_identifier_path,color_hex_triplet"
write(places["terminology"] + "/terminology.csv", columns + "\\n1,,root,root,[1],#ffffff\\n")
write(places["coordinate_space"] + "/manifest.json", "{}")
write("atlases/tiny_mouse_100um/1_0/manifest.json", json.dumps(about))
draw(places["template"] + "/template.ome.zarr", "uint16")
draw(places["annotation_set"] + "/annotations_compressed.ome.zarr", "uint32")
"""
BRAINGLOBE = """
from brainglobe_atlasapi import BrainGlobeAtlas
atlas = BrainGlobeAtlas({name!r})
print(int(atlas.reference.sum()), int(atlas.annotation.sum()), atlas.structures["root"]["name"])
"""


@pytest.mark.parametrize(
    ("version", "writes", "name", "relpath", "view"),
    [
        (
            BRAINGLOBE_VERSIONS[0], BRAINGLOBE_2, "tiny_mouse", "brains/tiny",
            "at: tiny_mouse_v1.2",
        ),
        (
            BRAINGLOBE_VERSIONS[1], BRAINGLOBE_3, "tiny_mouse_100um", "brains/tiny",
            "at: brainglobe-atlasapi, files: ['*']",
        ),
    ],
    ids=["2", "3"],
)  # fmt: skip
def test_brainglobe(
    reach: MakeReach, environments: Path, tmp_path: Path,
    version: str, writes: str, name: str, relpath: str, view: str,
) -> None:  # fmt: skip
    """Its defaults ask for the newest version, which version 2 without a network has by heart."""
    written = tmp_path / "written" / "atlas"
    written.mkdir(parents=True)
    requirement = f"brainglobe-atlasapi=={version}"
    files = made_by(environment((requirement,), environments), writes, written)
    views = f"views:\n  - {{library: brainglobe, {view}}}\n"
    each = reach((requirement,), {relpath: files}, views=views)
    each.nipack("link", "brainglobe")
    assert each.run(BRAINGLOBE.format(name=name)) == "64 64 root"


OF_SKIMAGE = "views:\n  - {library: scikit-image, at: .}\n"
SKIMAGE = "from skimage.data import _fetchers; print(_fetchers._fetch('data/coins.png'))"


def coins(python: Path) -> bytes:
    """Return an image of scikit-image's own, whose digest it knows."""
    where = "import skimage; print(skimage.__path__[0])"
    return Path(run(python, "-c", where).strip(), "data", "coins.png").read_bytes()


def test_scikit_image(reach: MakeReach, environments: Path) -> None:
    """Found where it puts what it fetches."""
    own = coins(environment(MANY, environments))
    each = reach(MANY, {"pictures/coins": {"coins.png": own}}, views=OF_SKIMAGE)
    each.nipack("link", "scikit-image")
    found = Path(each.run(SKIMAGE))
    assert found.parent.parent.parent == each.home / ".cache" / "scikit-image"
    assert found.read_bytes() == own


NEUROMAPS = """
from neuromaps import datasets
print(datasets.fetch_annotation(source="abagen", desc="genepc1", space="fsaverage", den="10k")[0])
"""


def test_neuromaps(reach: MakeReach) -> None:
    name = "source-abagen_desc-genepc1_space-fsaverage_den-10k_hemi-{}_feature.func.gii"
    files = {f"genepc1/fsaverage/{name.format(side)}": image(side) for side in "LR"}
    views = "views:\n  - {library: neuromaps, at: annotations/abagen}\n"
    each = reach(FURTHER, {"maps/abagen": files}, views=views)
    each.nipack("link", "neuromaps")
    found = Path(each.run(NEUROMAPS))
    assert found.is_relative_to(each.home / "neuromaps-data" / "annotations" / "abagen")


NETNEUROTOOLS = """
from netneurotools import datasets
print(datasets.fetch_conte69()["info"])
"""


def test_netneurotools(reach: MakeReach) -> None:
    """It takes a directory that is there for the whole data set."""
    surfaces = ("midthickness", "inflated", "vinflated")
    files = {
        f"tpl-conte69_space-MNI305_variant-fsLR32k_{name}.{side}.surf.gii": image(name + side)
        for name in surfaces
        for side in "LR"
    }
    files["template_description.json"] = b'{"Name": "conte69"}'
    each = reach(FURTHER, {"nnt-data/tpl-conte69": files})
    each.nipack("link", "netneurotools")
    assert "conte69" in each.run(NETNEUROTOOLS)
    assert (each.home / "nnt-data" / "tpl-conte69").exists()
