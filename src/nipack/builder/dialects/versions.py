"""How dpkg and rpm spell a version: what comes before a release has a tilde before it."""

import re


def upstream_version(version: str) -> str:
    """Return the spelling of dpkg and rpm: 1.0.rc1 is 1.0~rc1, which sorts before 1.0.

    Versions that a definition may have sort alike everywhere (`VERSION` of definition/model.py).
    """
    return re.sub(r"\.(?=[a-z])", "~", version)
