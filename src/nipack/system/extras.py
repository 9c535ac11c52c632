"""Libraries that few need: one that is missing is named with the line that installs it."""

from nipack.advice.commands import pip_command, this_interpreter
from nipack.advice.sources import in_apt_archive


def how_to_have(library: str, why: str, error: ImportError) -> str:
    """Return what a message says where a library could not be imported.

    The library is named itself: no index of packages has nipack's own extras yet.
    """
    # fsspec says in words of its own that a module is not there.
    if not isinstance(error.__cause__ or error, ModuleNotFoundError):
        return (
            f"{why} needs {library}, which is installed and cannot be loaded: {error}; "
            "install what it misses with your system's package manager"
        )
    there = this_interpreter()
    if not there.is_managed:  # PEP 668: pip refuses there
        return f"{why} needs {library}; install it: {pip_command(library)}"
    package = f"python3-{library.replace('_', '-')}"
    if in_apt_archive(package):
        return f"{why} needs {library}; install it: sudo apt install {package}"
    return (
        f"{why} needs {library}; install it as your system's package, "
        "or run a nipack that is installed with it in a virtual environment"
    )
