"""Look the data up as nipy does, and load images of it with nibabel."""

import nibabel
import numpy
from nibabel.data import make_datasource

source = make_datasource({"relpath": "nipy/odd-data"})
assert source.version == "1.2", source.version
# These are digests of SHA256SUMS: the names of data files are read there, and stand in no code.
images = {
    "4c6a8e65079b484f481cf22c7105a71b67502f3c504c7d2802158262d82a23bb",
}
root = "share/nipy/nipy/odd-data"
sums = source.base_path[: -len(root)] + "share/nipack/nipy-awkward/SHA256SUMS"
with open(sums, encoding="utf-8") as lines:
    for digest, _, path in (line.rstrip("\n").partition("  ") for line in lines):
        if digest in images:
            path = path[len(root) + 1 :]
            image = nibabel.load(source.get_filename(*path.split("/")))
            print(path, image.shape, numpy.asanyarray(image.dataobj).dtype)
            images.remove(digest)
assert not images, images
print("found", source.version, "in", source.base_path)
