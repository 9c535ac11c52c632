"""Find installed neuroimaging data.

The functions here say what is installed, where, why there, and whether it is intact. Code that uses
data looks it up with `nipack.data`, which has the names and signatures of `nibabel.data`. The
command `nipack` asks the same from a shell; `nipack.builder` makes packages of data.
"""

from __future__ import annotations

import os
import sys

__version__ = "0.1.0"


def _places() -> list[str]:
    """Return the folders of this package, in the order of sys.path.

    The tool is a distribution of its own, and may lie elsewhere than the runtime: in a virtual
    environment over a system that has only the runtime.
    """
    own = __path__[0]
    folders = [os.path.join(entry, "nipack") for entry in sys.path]
    tool = os.path.join("builder", "__init__.py")
    found = [each for each in folders if each == own or os.path.isfile(os.path.join(each, tool))]
    return found if own in found else [own, *found]


__path__ = _places()

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .questions import diagnose, explain, list_packages, verify

__all__ = ["__version__", "diagnose", "explain", "list_packages", "verify"]


def __getattr__(name: str) -> object:
    # Loaded when they are asked for: who finds data does not wait for them.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import questions

    return getattr(questions, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
