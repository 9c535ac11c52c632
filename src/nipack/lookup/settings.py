"""What decides, at this moment, where data is looked for."""

from __future__ import annotations

import os
import sys

from .. import environment
from .search import SearchSettings


def search_settings() -> SearchSettings:
    """Return the settings of this process."""
    return SearchSettings(
        environ=os.environ,
        user_dir=environment.get_nipy_user_dir(),
        prefix=sys.prefix,
        system_dir=environment.get_nipy_system_dir(),
    )
