"""Look the data up as nipy does, and load images of it with nibabel."""

import nibabel
import numpy
from nibabel.data import make_datasource

source = make_datasource({"relpath": "nipy/templates"})
assert source.version == "0.1", source.version
# These are digests of SHA256SUMS: the names of data files are read there, and stand in no code.
images = {
    "8874231f054a9bbe278b688cf6e73365ec3f0e6e45bdf5b54aef36e03e229aee",
    "e6fe8ed38dd9080b2e78268f13dadab69afa00a4d93c98e3dd29e5975441cbf3",
}
root = "share/nipy/nipy/templates"
sums = source.base_path[: -len(root)] + "share/nipack/nipy-templates/SHA256SUMS"
with open(sums, encoding="utf-8") as lines:
    for digest, _, path in (line.rstrip("\n").partition("  ") for line in lines):
        if digest in images:
            path = path[len(root) + 1 :]
            image = nibabel.load(source.get_filename(*path.split("/")))
            print(path, image.shape, numpy.asanyarray(image.dataobj).dtype)
            images.remove(digest)
assert not images, images
print("found", source.version, "in", source.base_path)
