"""Where nipy's settings live on this machine: a drop-in for `nibabel.environment`."""

from __future__ import annotations

import os


def get_home_dir() -> str:
    """Return the user's home directory, which need not exist ('~' where there is none)."""
    return os.path.expanduser("~")


def get_nipy_user_dir() -> str:
    """Return the user directory: `NIPY_USER_DIR`, else `~/.nipy` (`_nipy` on Windows).

    It need not exist.
    """
    try:
        chosen = os.environ["NIPY_USER_DIR"]
    except KeyError:
        return os.path.join(get_home_dir(), ".nipy" if os.name == "posix" else "_nipy")
    return os.path.abspath(os.path.expanduser(chosen))


def get_nipy_system_dir() -> str | None:
    r"""Return the directory of the machine's ini files: `/etc/nipy`, or `C:\etc\nipy` on Windows.

    It need not exist; on a system that is neither POSIX nor Windows there is none.
    """
    return {"posix": "/etc/nipy", "nt": r"C:\etc\nipy"}.get(os.name)
