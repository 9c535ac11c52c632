"""The debian/watch of each kind of address is golden; tests/acceptance/test_watch.py runs uscan."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.builder.dialects.watched import ADDRESSES, render_watch

WATCHED = ADDRESSES | {
    "no-version": "https://example.org/releases/nipy-examplepkg.tar.gz",
    "github-file": "https://github.com/nipy/examplepkg/raw/main/examplepkg-{0}.tar.gz",
    "github-latest": "https://github.com/nipy/a/releases/latest/download/examplepkg-{0}.tar.gz",
    "twice-the-number": "https://example.org/atlas-{0}mm-{0}.tar.gz",
    "part-of-a-number": "https://example.org/atlas-2.{0}mm-{0}.1.tar.gz",
    "odd-characters": "https://example.org/a b/1(x)+{0}.tar.xz",
}


@pytest.mark.parametrize("kind", WATCHED)
def test_each_kind_of_address(
    kind: str, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    watch = render_watch(tmp_path, WATCHED[kind].format("0.10"), "0.10") / "debian" / "watch"
    golden(f"watch/{kind}", watch.read_text("utf-8"))
