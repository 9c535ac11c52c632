"""Look the data up as nipy does, and load images of it with nibabel."""

import nibabel
import numpy
from nibabel.data import make_datasource

source = make_datasource({"relpath": "nipy/examplepkg"})
assert source.version == "0.1", source.version
images = [
    "phantom/T1.nii.gz",
]
for path in images:
    image = nibabel.load(source.get_filename(*path.split("/")))
    print(path, image.shape, numpy.asanyarray(image.dataobj).dtype)
print("found", source.version, "in", source.base_path)
