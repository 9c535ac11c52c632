"""How the program is ended from outside: once, with what is half done taken away, and in peace."""

import signal
import sys
import time
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP; nohup has it ignored.
# Whoever presses Ctrl-C twice means it once.  After so many seconds it is meant again.
_PATIENCE = 2.0
_SOON = 0.01  # seconds


def hear_once() -> None:
    """Let these signals end the program as an exit does, and not a second time while it ends.

    Else what is half written, or started, stays.
    """
    first: list[tuple[int, float]] = []

    def end(number: int, frame: FrameType | None) -> None:
        if first and time.monotonic() - first[0][1] < _PATIENCE:
            return
        first[:] = [(number, time.monotonic())]
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def end_at_last(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is hear_again.__code__:
                signal.setitimer(signal.ITIMER_REAL, _SOON)
                return
            frame = frame.f_back
        [(dropped, _)], first[:] = first, []
        end(dropped, frame)

    def hear_again(lost: "sys.UnraisableHookArgs") -> None:
        # Python drops what is raised while it clears an object away, or loads a module.
        if first and isinstance(lost.exc_value, KeyboardInterrupt | SystemExit):
            signal.setitimer(signal.ITIMER_REAL, _SOON)
        else:
            sys.__unraisablehook__(lost)

    for number in _numbers():
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, end_at_last)
        sys.unraisablehook = hear_again


def hear_no_more() -> None:
    """Let a signal end what is left of the program, Python's own end, without a word."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 0)
    for number in _numbers():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
