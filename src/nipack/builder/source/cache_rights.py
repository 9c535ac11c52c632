"""Who may write into the cache: this user alone, and by no link."""

import os
import stat
from pathlib import Path

from nipack.system.errors import SourceError


def make_private(folder: Path) -> None:
    """Make a folder of the cache, for this user; raises SourceError if others may write there."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not hasattr(os, "geteuid"):
        return
    # The cache itself may be a link to a larger disk; what counts is who writes at its end.
    status = folder.stat()
    group = status.st_mode & stat.S_IWGRP and status.st_gid != os.getegid()
    if status.st_uid not in (os.geteuid(), 0):
        reason = "belongs to another user"
    elif group or status.st_mode & stat.S_IWOTH:
        reason = "may be written by other users"
    else:
        return
    raise SourceError(
        f"{folder}: the cache {reason}, who could change what is taken from it; "
        "chmod go-w it, or set NIPACK_CACHE_DIR to a folder of your own"
    )


def follow_no_link(path: Path) -> None:
    """Remove a link from where a file of the cache should be: what it leads to is no download."""
    if path.is_symlink():
        path.unlink()
