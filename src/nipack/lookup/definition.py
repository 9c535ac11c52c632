"""The type of a definition, for those who check their types: no look-up needs it."""

from typing import TypedDict


class _Required(TypedDict):
    relpath: str


_Optional = TypedDict(
    "_Optional", {"name": str, "min version": str, "install hint": str | None}, total=False
)


class PackageDefinition(_Required, _Optional):
    """What `make_datasource` and its like are asked for.

    `relpath` is below a root (`nipy/templates`). `name` is the package's, if it is another than
    `nipy-templates`; `min version` is the oldest that will do, and `install hint` what to tell who
    has none. A type checker finds a misspelt key: `TEMPLATES: PackageDefinition = {...}`.
    """
