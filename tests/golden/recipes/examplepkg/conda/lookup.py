"""Look the data up as nipy does, and load images of it with nibabel."""

import nibabel
import numpy
from nibabel.data import make_datasource

source = make_datasource({"relpath": "nipy/examplepkg"})
assert source.version == "0.1", source.version
# These are digests of SHA256SUMS: the names of data files are read there, and stand in no code.
images = {
    "42403242bf0786602f5ea602821b759a5928ea5f766eddaf7d7f43ea6135efdb",
}
root = "share/nipy/nipy/examplepkg"
sums = source.base_path[: -len(root)] + "share/nipack/nipy-examplepkg/SHA256SUMS"
with open(sums, encoding="utf-8") as lines:
    for digest, _, path in (line.rstrip("\n").partition("  ") for line in lines):
        if digest in images:
            path = path[len(root) + 1 :]
            image = nibabel.load(source.get_filename(*path.split("/")))
            print(path, image.shape, numpy.asanyarray(image.dataobj).dtype)
            images.remove(digest)
assert not images, images
print("found", source.version, "in", source.base_path)
