"""Look the data up as nipy does."""

from nibabel.data import make_datasource

source = make_datasource({"relpath": "nipy/odd-data"})
assert source.version == "1.2", source.version
print("found", source.version, "in", source.base_path)
