"""What the readers of archives raise where an artifact is damaged, or made to mislead."""

import errno
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import zstandard

from nipack.publish.errors import RepositoryError
from nipack.system.limits import how_to_raise, limits

_MALFORMED: tuple[type[Exception], ...] = (
    AttributeError,
    EOFError,
    LookupError,
    OverflowError,
    RuntimeError,  # a zip that is encrypted, or of another method; JSON that is nested too deep
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    zstandard.ZstdError,
)


@contextmanager
def damage_as_error(
    kind: str, *more: type[Exception], remedy: str = "build it again"
) -> Iterator[None]:
    """Raise what is wrong with an artifact's bytes as RepositoryError; `kind` is "a .conda".

    `more` are errors of the reader's own library.  What the system refuses, rights or a disk that
    fails, is not the artifact's fault and stays an OSError.
    """
    try:
        yield
    except OSError as error:
        # Libraries raise it without a number, and seek to before the start where an offset lies.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _damaged(kind, error, remedy) from error
    except (*_MALFORMED, *more) as error:
        raise _damaged(kind, error, remedy) from error


def read_text(content: IO[bytes], name: str) -> bytes:
    """Return a text of an artifact; raises RepositoryError where it is larger than texts are."""
    return _read(content, name, "text", limits().text)


def read_record(content: IO[bytes], name: str) -> bytes:
    """Return what lists an artifact's files; raises RepositoryError where it is too large."""
    return _read(content, name, "record", limits().record)


def _read(content: IO[bytes], name: str, limit: str, most: int) -> bytes:
    text = content.read(most + 1)
    if len(text) > most:
        raise RepositoryError(f"its {name} has more than {most:,} bytes; {how_to_raise(limit)}")
    return text


def _damaged(kind: str, error: Exception, remedy: str) -> RepositoryError:
    reason = str(error) or type(error).__name__
    return RepositoryError(f"is damaged, or is not {kind}: {reason}; {remedy}")
