"""Signals that end a program: what must not be parted by one is whole before it is heard."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# The command line repeats by SIGALRM what Python has dropped; Windows has neither that nor SIGHUP.
ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM")


def ending_signals() -> list[signal.Signals]:
    """Return the signals by which people and systems end a program, as far as this one has them."""
    return [getattr(signal, name) for name in ENDING if hasattr(signal, name)]


@contextmanager
def held_back() -> Iterator[None]:
    """Let a signal that comes within be heard at the end of it.

    A handler of Python's raises wherever the program just is: between the start of another program,
    say, and the line that knows which one was started.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python hears signals in the main thread alone.
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    handlers = {each: signal.getsignal(each) for each in ending_signals()}
    try:
        for number, handler in handlers.items():
            if callable(handler):  # What is ignored, or ends the process at once, does so here too.
                signal.signal(number, note)
        yield
    finally:
        for number, handler in handlers.items():
            if callable(handler):
                signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
