"""Write a file so that whoever reads it has the old one or the new one, whole."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nipack.system.errors import NipackError, system_errors_as
from nipack.system.leftovers import part

_RIGHTS = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def written_beside(target: Path, kind: type[NipackError]) -> Iterator[IO[bytes]]:
    """Open a file beside the target that takes its place at the end, or is gone on an error.

    Makes the directory.  Raises what the system refuses as `kind`, with the directory or the target
    in it, never the name of the file beside, which nobody knows.
    """
    remedy = "check the directory's permissions and the free space on its disk"
    with system_errors_as(kind, remedy, place=str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part(target.parent) as temporary:
                with temporary.open("r+b") as output:
                    yield output
                    output.flush()
                    os.fsync(output.fileno())
                temporary.replace(target)
        except OSError as error:
            if _is_temporary(error.filename, target):
                error.filename = str(target.parent if error.errno in _RIGHTS else target)
            raise


def _is_temporary(name: object, target: Path) -> bool:
    path = Path(str(name))
    return path.parent == target.parent and path.suffix == ".part"
