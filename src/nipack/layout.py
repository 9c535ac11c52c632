"""Where everything is installed and what a package is called: the one page of it.

The runtime finds by this table what the builder's formats install by it. Paths are relative to the
prefix, with forward slashes: a conda environment, a virtual environment, or `/usr`.
"""

from __future__ import annotations

DATA_ROOT = "share/nipy"
CONFIGURATION = "etc/nipy"
"""The directory of the ini files."""
RECORDS = "share/nipack"
"""The directory of what is installed beside the payloads: a folder for each package."""
CONFIG_NAME = "config.ini"
"""The file in the data directory that states the version; nibabel knows data by it."""
MANIFEST_NAME = "SHA256SUMS"
METADATA_NAME = "package.json"
# Of the file beside an artifact that says what is in it, in CycloneDX.
BILL_SUFFIX = ".cdx.json"
# Beside both where `nipack get` has put the data.
PAYLOAD_ID_NAME = "payload-id"
# The lists of the repositories that a user has added, below the user directory.
REPOSITORIES = (".nipack", "repositories")


def payload_directory(relpath: str) -> str:
    """Return the directory of the payload: `nipy/templates` is in share/nipy/nipy/templates."""
    return f"{DATA_ROOT}/{relpath}"


def ini_path(name: str) -> str:
    """Return the path of the ini file that tells every resolver of the prefix's data root."""
    return f"{CONFIGURATION}/{ini_name(name)}"


def ini_name(name: str) -> str:
    """Return the name of that file."""
    return f"{name.replace('-', '_')}.ini"


def manifest_path(name: str) -> str:
    """Return the path of the payload's SHA256SUMS."""
    return f"{RECORDS}/{name}/{MANIFEST_NAME}"


def metadata_path(name: str) -> str:
    """Return the path of package.json."""
    return f"{RECORDS}/{name}/{METADATA_NAME}"


def ini_text(prefix: str | None) -> str:
    """Return the ini file's content; its path is relative to the prefix where none is known.

    It never changes from version to version: it is a conffile, and dpkg asks wherever an
    administrator edited a conffile that changed.
    """
    root = DATA_ROOT if prefix is None else f"{prefix}/{DATA_ROOT}"
    return f"[DATA]\npath = {root}\n"


def in_file_system(path: str) -> str:
    """Return the absolute path where the prefix is /usr, whose `etc` is /etc (FHS 3.0, 4.2)."""
    return f"/{path}" if path.startswith("etc/") else f"/usr/{path}"


def package_name(relpath: str) -> str:
    """Return the package's name that a relpath gives, the same everywhere.

    nipy/my_data and nipy/my.data are nipy-my-data.
    """
    import re  # not at the top: it takes as long to import as a look-up does

    return re.sub(r"[^a-z0-9]+", "-", relpath.lower()).strip("-")


def is_package_name(name: str) -> bool:
    """Tell whether a name is one that every package manager takes."""
    import re

    return re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) is not None


def is_relpath(relpath: str) -> bool:
    """Tell whether this can be what data is looked up by: umbrella/directory."""
    import re

    name = r"[A-Za-z0-9_][A-Za-z0-9._+-]*"
    return re.fullmatch(f"{name}(/{name})+", relpath) is not None
