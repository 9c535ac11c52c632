"""Where everything of a data package is installed: the one table that every format reads.

Paths are relative to the prefix: a conda environment, a virtual environment, or `/usr`.
"""

DATA_ROOT = "share/nipy"
CONFIG_NAME = "config.ini"
"""The file in the data directory that states the version; nibabel knows data by it."""


def payload_directory(relpath: str) -> str:
    """Return the directory of the payload: `nipy/templates` is in share/nipy/nipy/templates."""
    return f"{DATA_ROOT}/{relpath}"


def ini_path(name: str) -> str:
    """Return the path of the ini file that tells every resolver of the prefix's data root."""
    return f"etc/nipy/{name.replace('-', '_')}.ini"


def manifest_path(name: str) -> str:
    """Return the path of the payload's SHA256SUMS."""
    return f"share/nipack/{name}/SHA256SUMS"


def metadata_path(name: str) -> str:
    """Return the path of package.json."""
    return f"share/nipack/{name}/package.json"


def ini_text(prefix: str) -> str:
    """Return the ini file's content.

    It never changes from version to version: it is a conffile, and dpkg asks wherever an
    administrator edited a conffile that changed.
    """
    return f"[DATA]\npath = {prefix}/{DATA_ROOT}\n"


def in_file_system(path: str) -> str:
    """Return the absolute path where the prefix is /usr, whose `etc` is /etc (FHS 3.0, 4.2)."""
    return f"/{path}" if path.startswith("etc/") else f"/usr/{path}"
