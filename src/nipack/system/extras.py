"""Libraries that few need: one that is missing is named with the line that installs it."""

from nipack.advice.commands import pip_command


def how_to_have(library: str, why: str) -> str:
    """Return what a message says where a library is not installed.

    The library is named itself: no index of packages has nipack's own extras yet.
    """
    return f"{why} needs {library}; install it: {pip_command(library)}"
