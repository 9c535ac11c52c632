"""The command line: the only code that prints or exits."""

import codecs
import gc
import importlib.util
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import nipack
from nipack.cli import endings

# The runtime has the plain front, and the tool, which may lie elsewhere, the full one.
__path__ = [os.path.join(place, "cli") for place in nipack.__path__]


from nipack.cli.visible import make_output_visible


def main() -> None:
    """Run `nipack`, and end it cleanly when it is interrupted, terminated or cannot print."""
    _open_closed_streams()
    _let_every_name_be_printed()
    make_output_visible()
    endings.hear_once()
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except OSError as error:
        # What a command has to do with files it tells of itself: this is of its output.
        sys.exit(f"error: the output cannot be written: {error.strerror or error}")
    finally:
        endings.hear_no_more()
        _drop_unwritten_output()


def _run() -> None:
    """Run the command line; where only the runtime is installed, what there is of it."""
    # The products of numpy are of small matrices: threads that wait for large ones only cost time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        _look_for("nipack.cli.app", "click", "rich")
        with _nothing_is_garbage():
            from nipack.cli.app import nipack as command
    except ModuleNotFoundError as error:
        # Another module of ours that is not there would be a bug, and is not to be hidden.
        if error.name != "nipack.cli.app" and (error.name or "").startswith("nipack"):
            raise
        from nipack.cli import plain

        sys.exit(plain.main(sys.argv[1:], missing=error.name or ""))
    command()


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Let Python not look for garbage in what is made within, nor in any of it afterwards."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _look_for(*names: str) -> None:
    """Raise ModuleNotFoundError for a library that is not there, though used only later."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _open_closed_streams() -> None:
    # Python has None where a shell has closed one (2>&-); libraries do not reckon with it.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _let_every_name_be_printed() -> None:
    """Print a name that is not UTF-8 as its bytes, and what a terminal lacks with a backslash."""
    codecs.register_error("nipack", _printable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="nipack")


def _printable(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    # How Python holds a byte of a name that it cannot decode.
    is_byte = "\udc80" <= character <= "\udcff"
    shown = os.fsencode(character) if is_byte else character.encode("ascii", "backslashreplace")
    return shown, error.start + 1


def _drop_unwritten_output() -> None:
    """Let Python not try again, at its very end, to write what a full disk did not take."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
