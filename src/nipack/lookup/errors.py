"""What goes wrong in the runtime; `nipack.data` has all but IniError, and is their public home."""

from __future__ import annotations

DEFAULT_INSTALL_HINT = (
    "If the data is on this machine already, for example in /data/nipy/templates, set the\n"
    "environment variable NIPY_DATA_PATH to /data."
)
# What tracebacks, pickles and the documentation call the module of the public ones.
_PUBLIC = "nipack.data"


class DataError(Exception):
    """Data that is not there, or that cannot be used."""

    __module__ = _PUBLIC


class BomberError(DataError, AttributeError):
    """Data that is not there, asked for something.

    An AttributeError too, so that `hasattr`, `inspect` and their like get an answer from a Bomber.
    """

    __module__ = _PUBLIC


class ConfigWarning(UserWarning):
    """An ini file was skipped; the message says which, where in it and what to do."""

    __module__ = _PUBLIC


class MissingDataWarning(UserWarning):
    """Data that a package wants is not there, or not usable; the message says what to do."""

    __module__ = _PUBLIC


class IniError(Exception):
    """An ini file that cannot be parsed: `file:line: what is wrong; what to do`."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        """Take the place and the problem, in words that say what to do."""
        super().__init__(f"{file}:{line}: {problem}")
        self.file = file
        self.line = line
        self.problem = problem
