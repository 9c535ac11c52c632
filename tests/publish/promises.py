"""What every store promises, whatever it is made of."""

import hashlib
import os
from pathlib import Path

import pytest

from nipack.publish.errors import ExistsError
from nipack.publish.stores import Store


def check_promises(store: Store, tmp_path: Path, *, size: int) -> None:
    """Try all that a store does, with a file of so many bytes; it ends without a file of `a`."""
    store.probe()
    assert store.files("") == {}
    assert store.read("a/b") is None
    assert store.digest("a/b") is None
    store.create("a/b", b"first")
    with pytest.raises(ExistsError):
        store.create("a/b", b"second")
    assert store.read("a/b") == b"first"
    store.write("a/b", b"third")
    assert store.digest("a/b") == (5, hashlib.sha256(b"third").hexdigest())
    source, sent = tmp_path / "source", list[int]()
    source.write_bytes(os.urandom(size))
    store.create_from("c d/e", source, sent.append)
    assert sum(sent) == size
    assert store.read("c d/e") == source.read_bytes()
    with pytest.raises(ExistsError):
        store.create_from("c d/e", source, sent.append)
    assert store.files("") == {"a/b": 5, "c d/e": size}
    assert store.files("a") == {"a/b": 5}
    assert store.age("a/b") < 60
    store.delete("a/b")
    store.delete("a/b")
    assert store.read("a/b") is None
