"""How dpkg and rpm spell a version: what comes before a release has a tilde before it."""

import re

# What PEP 440 sorts before the release, in each of its spellings; Perl reads this as Python does.
PRE_RELEASE = r"((?:alpha|a|beta|b|c|rc|preview|pre|dev)[0-9]*)(?![^.])"


def upstream_version(version: str) -> str:
    """Return the spelling of dpkg and rpm: 1.0rc1 is 1.0~rc1, which sorts before 1.0."""
    return re.sub(rf"\.?{PRE_RELEASE}", r"~\1", version, flags=re.IGNORECASE)
