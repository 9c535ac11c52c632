"""What scripts/bench has measured, written down: raw figures, a page, a plot; and compared."""

import json
import statistics
import sys
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

# A ratio may be so much larger than the committed one; more is no noise of processor time.
TOLERANCE = 0.25


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The runs of one command: seconds by the clock and of the processors, peak memory in MB.

    `size` is of what the command made, in MB; 0 where it makes nothing.
    """

    seconds: tuple[float, ...]
    processor: tuple[float, ...]
    memory: float = 0.0
    size: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """nipack beside a peer, which ran in turn with it."""

    name: str
    peer: str
    ours: Measurement
    theirs: Measurement

    @property
    def key(self) -> str:
        """What the pair is called."""
        return f"{self.name} : {self.peer}"

    @property
    def ratio(self) -> float:
        """The ratio of the medians by the clock."""
        return statistics.median(self.ours.seconds) / statistics.median(self.theirs.seconds)

    @property
    def processor_ratio(self) -> float:
        """The ratio of the medians of the processors' time, which other programs disturb less."""
        return statistics.median(self.ours.processor) / statistics.median(self.theirs.processor)

    def __str__(self) -> str:
        """Return the figures for a terminal."""
        lines = [
            f"{title:<44} {statistics.median(each.seconds):8.3f} s "
            f"{statistics.median(each.processor):8.3f} s cpu {each.memory:6.0f} MB"
            for title, each in ((self.name, self.ours), (self.peer, self.theirs))
        ]
        ratios = f"{self.ratio:8.2f}   {self.processor_ratio:8.2f}"
        return "\n".join([*lines, f"{'ratio of the medians':<44} {ratios}\n"])


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that one run has measured, and where."""

    about: dict[str, str]
    comparisons: tuple[Comparison, ...]

    def with_rows(self, other: "Report") -> "Report":
        """Return this report with another's rows: in place of its own of that name, or added.

        It is of the days of both; the machine and the versions are those that it had before.
        """
        new = {each.key: each for each in other.comparisons}
        kept = tuple(new.pop(each.key, each) for each in self.comparisons)
        days = dict.fromkeys([*self.about["date"].split(" and "), other.about["date"]])
        about = self.about | {"date": " and ".join(days)}
        return Report(about=about, comparisons=(*kept, *new.values()))

    def write(self, folder: Path) -> None:
        """Write the raw figures, the page and the plot."""
        folder.mkdir(parents=True, exist_ok=True)
        raw = {"about": self.about, "comparisons": [asdict(each) for each in self.comparisons]}
        (folder / "results.json").write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
        (folder / "index.md").write_text(_page(self), "utf-8")
        (folder / "ratios.svg").write_text(_plot(self.comparisons), "utf-8")


def read_report(folder: Path) -> Report:
    """Return what was written; exits where nothing was."""
    path = folder / "results.json"
    if not path.is_file():
        sys.exit(f"bench: {path}: not there, so nothing can be compared; run scripts/bench")
    raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
    comparisons = tuple(
        Comparison(
            name=each["name"],
            peer=each["peer"],
            ours=_measurement(each["ours"]),
            theirs=_measurement(each["theirs"]),
        )
        for each in raw["comparisons"]
    )
    return Report(about=raw["about"], comparisons=comparisons)


def _measurement(raw: dict[str, Any]) -> Measurement:
    times = {name: tuple(raw[name]) for name in ("seconds", "processor")}
    return Measurement(memory=raw["memory"], size=raw["size"], **times)


def worse(
    committed: Report, measured: Report, tolerance: float = TOLERANCE
) -> tuple[list[str], int]:
    """Return in words which ratios have become worse, and how many pairs are in both reports."""
    before = {each.key: each for each in committed.comparisons}
    pairs = [(before[each.key], each) for each in measured.comparisons if each.key in before]
    found = [
        f"{now.key}: {now.processor_ratio:.2f} times its processor time, "
        f"and {then.processor_ratio:.2f} in docs/benchmarks"
        for then, now in pairs
        if now.processor_ratio > (1 + tolerance) * then.processor_ratio
    ]
    return found, len(pairs)


COLUMNS = (
    *("nipack", "peer", "ratio", "ratio of processor time"),
    *("seconds", "peer's", "memory in MB", "peer's", "size", "peer's"),
)
PAGE = """\
# Benchmarks

What `scripts/bench` measured last, nipack and each peer in turn and as whole processes. A ratio is
that of the medians; below 1, nipack is faster. Processor time is the measure on a machine that is
shared, and `scripts/bench --check` compares that ratio with the one here. The peers do less than
a build: none of them checks the data or reads back what it wrote. A peer that takes long ran once.

![The ratios as bars](ratios.svg)

{head}{rows}
Peak memory is that of the largest process. The raw figures are in [results.json](results.json).

| | |
|---|---|
{about}"""


def _page(report: Report) -> str:
    about = "".join(f"| {name} | {value} |\n" for name, value in report.about.items())
    rows = "".join(map(_row, report.comparisons))
    head = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    return PAGE.format(head=head, rows=rows, about=about)


def _row(each: Comparison) -> str:
    ours, theirs = each.ours, each.theirs
    figures = [
        f"{each.ratio:.2f}",
        f"{each.processor_ratio:.2f}",
        *(f"{statistics.median(times.seconds):.3g}" for times in (ours, theirs)),
        *(f"{value:.0f}" if value else "" for value in (ours.memory, theirs.memory)),
        *(f"{value:.1f} MB" if value else "" for value in (ours.size, theirs.size)),
    ]
    names = [name.replace("|", "\\|") for name in (each.name, each.peer)]
    return f"| {' | '.join([*names, *figures])} |\n"


_EQUAL = "as much processor time as the peer"
_BAR, _LEFT, _WIDTH = 26, 420, 900  # pixels


def _plot(comparisons: tuple[Comparison, ...]) -> str:
    """Draw a bar for each ratio of processor time, up to 4, and a line where both are equal."""
    scale = (_WIDTH - _LEFT - 60) / 4
    height = _BAR * len(comparisons) + 40
    parts = []
    for number, each in enumerate(comparisons):
        y = 10 + number * _BAR
        ratio = each.processor_ratio
        name = escape(f"{each.name} : {each.peer}")
        width = scale * min(ratio, 4)
        parts += [
            f"<text x='{_LEFT - 8}' y='{y + 15}' font-size='12' text-anchor='end'>{name}</text>",
            f"<rect x='{_LEFT}' y='{y + 3}' width='{width:.1f}' height='16' fill='#5b8db8'/>",
            f"<text x='{_LEFT + width + 5:.1f}' y='{y + 15}' font-size='12'>{ratio:.2f}</text>",
        ]
    one = _LEFT + scale
    parts += [
        f"<line x1='{one}' y1='6' x2='{one}' y2='{height - 26}' stroke='#b33'/>",
        f"<text x='{one}' y='{height - 10}' font-size='12' text-anchor='middle'>{_EQUAL}</text>",
    ]
    lines = "\n".join(parts)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' "
        "font-family='system-ui, sans-serif'>\n"
        f"<rect width='{_WIDTH}' height='{height}' fill='#fff'/>\n{lines}\n</svg>\n"
    )
