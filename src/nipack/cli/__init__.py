"""The command line: the only code that prints or exits."""

import sys


def main() -> None:
    """Run `nipack`, or say what it needs where only the runtime is installed."""
    try:
        from nipack.cli.app import nipack
    except ModuleNotFoundError as error:
        # Our own module that is not there would be a bug, and is not to be hidden.
        if (error.name or "").startswith("nipack"):
            raise
        command = f"{sys.executable} -m pip install 'nipack[build]'"
        sys.exit(f"nipack: the command line needs {error.name}; install it with: {command}")
    nipack()
