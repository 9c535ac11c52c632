"""How zstd is to compress the files of a package, by what it makes of samples of them."""

import heapq
import logging
from collections.abc import Iterable
from dataclasses import dataclass

import zstandard

from nipack.builder.archive.installed import Installed, InstalledFile
from nipack.builder.archive.members import open_content

log = logging.getLogger(__name__)

WINDOW_LOG = 20  # a window of 1 MiB
_FILES = 16  # the largest, which are nearly all of a package of images
_SAMPLE = 1 << 17
# What another way has to save of the whole before its longer time is worth it.
_WORTH_IT = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """A level of zstd; where they are not None, a minimal match and the size of its tables."""

    level: int
    min_match: int | None = None
    table_log: int | None = None

    def parameters(self, **more: int) -> zstandard.ZstdCompressionParameters:
        """Return this with more parameters, for which zstd's own names are."""
        if self.min_match is not None:
            more["min_match"] = self.min_match
        if self.table_log is not None:
            more["hash_log"] = more["chain_log"] = self.table_log
        return zstandard.ZstdCompressionParameters.from_level(self.level, **more)

    def __str__(self) -> str:
        short = f" with matches from {self.min_match} bytes on" if self.min_match else ""
        return f"level {self.level}{short}"


# In the order of their time.  The second has what is in the low bits of a raw image for literals
# sooner than zstd's own level 3, which makes it smaller and three times as fast.
QUICK = Tuning(level=1)
TUNINGS = (QUICK, Tuning(level=3, min_match=5, table_log=12))


def tuning_for(tree: Iterable[Installed]) -> Tuning:
    """Return how the files of a tree become small, at no more time than that is worth."""
    files = [each for each in tree if isinstance(each, InstalledFile) and each.size]
    largest = heapq.nsmallest(_FILES, files, key=lambda each: (-each.size, each.path))
    samples = [(each.size, _sample(each)) for each in largest]
    sizes = {each: _packed_size(samples, each) for each in TUNINGS}
    enough = (1 - _WORTH_IT) * sizes[QUICK]
    chosen = min(TUNINGS, key=lambda each: sizes[each])
    chosen = chosen if sizes[chosen] < enough else QUICK
    whole = sum(size for size, _ in samples) or 1
    log.info("zstd %s: samples become %.1f %% of their size", chosen, 100 * sizes[chosen] / whole)
    return chosen


def _sample(file: InstalledFile) -> bytes:
    """Return what is in the middle of a file: its beginning is a header."""
    with open_content(file) as content:
        content.seek(max(0, (file.size - _SAMPLE) // 2))
        return content.read(_SAMPLE)


def _packed_size(samples: Iterable[tuple[int, bytes]], tuning: Tuning) -> float:
    """Return about how many bytes files become, of which each has a size and a sample."""
    compressor = zstandard.ZstdCompressor(
        compression_params=tuning.parameters(window_log=WINDOW_LOG)
    )
    return sum(
        size * len(compressor.compress(sample)) / len(sample) for size, sample in samples if sample
    )
