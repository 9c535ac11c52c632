"""Link installed data for a library just before it is imported.

Python runs `install` at its start: by `nipack_autolink.pth`, and from 3.15 on by the .start file
(PEP 829). So it imports nothing that is not there anyway, and nothing of it may ever raise.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# What is imported, and what nipack calls it; nipack.libraries.table has the same, but to import
# that would take longer than Python's start may.
LIBRARIES = {
    "templateflow": "templateflow",
    "nilearn": "nilearn",
    "pooch": "pooch",
    "skimage": "scikit-image",
    "mne": "mne",
    "dipy": "dipy",
    "brainglobe_atlasapi": "brainglobe",
    "neuromaps": "neuromaps",
    "netneurotools": "netneurotools",
    "nimare": "nimare",
    "abagen": "abagen",
    "ants": "antspyx",
    "antspynet": "antspynet",
}


class Watcher:
    """A finder that finds nothing, but sees what is imported; each library once."""

    def __init__(self) -> None:
        """Wait for every library."""
        self.waiting = dict(LIBRARIES)

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> None:
        """Link what is installed for a library, and leave its import to the others."""
        if name in self.waiting:
            _link(self.waiting.pop(name))


def install() -> None:
    """Watch what is imported, unless NIPACK_NO_LINK is set."""
    if os.environ.get("NIPACK_NO_LINK"):
        return
    if not any(isinstance(each, Watcher) for each in sys.meta_path):
        sys.meta_path.insert(0, Watcher())


def _link(library: str) -> None:
    try:
        from nipack.libraries.linking import link

        link([library], compare=False)
    except Exception:
        # The import is somebody else's, and works as well as without us.
        return
