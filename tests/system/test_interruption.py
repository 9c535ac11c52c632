"""A signal is heard after what it must not part, and never lost."""

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from nipack.system.interruption import held_back

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    # A shell lets what it starts in the background ignore SIGINT, these tests among it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(done: list[int]) -> None:
    with held_back():
        signal.raise_signal(signal.SIGINT)
        done.append(1)


def test_a_signal_is_heard_at_the_end() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(done)
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_one_nothing_is_heard() -> None:
    with held_back():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread_nothing_is_held_back() -> None:
    seen = []

    def work() -> None:
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
