"""Look the data up as nipy does."""

from nibabel.data import make_datasource

source = make_datasource({"relpath": "pbrain/meshes"})
assert source.version == "0.10", source.version
print("found", source.version, "in", source.base_path)
