"""The benchmarks: they run, write their report, and notice what has become slower."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.conftest import REPOSITORY


def loaded() -> ModuleType:
    spec = util.spec_from_file_location("bench_report", REPOSITORY / "scripts" / "bench_report.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


REPORT = loaded()


def comparison(processor: float, name: str = "nipack build", peer: str = "tar | zstd") -> Any:
    ours = REPORT.Measurement(seconds=(4.0, 9.0, 5.0), processor=(processor,) * 3, memory=80.0)
    theirs = REPORT.Measurement(seconds=(2.0, 2.5, 90.0), processor=(2.0,) * 3, size=1.5)
    return REPORT.Comparison(name=name, peer=peer, ours=ours, theirs=theirs)


def report(*comparisons: Any, date: str = "2026-01-31") -> Any:
    return REPORT.Report(about={"processors": "2", "date": date}, comparisons=comparisons)


@pytest.mark.parametrize(("processor", "count"), [(3.0, 0), (4.9, 0), (5.1, 1), (50.0, 1)])
def test_what_takes_a_quarter_more_than_the_peer_did_is_worse(processor: float, count: int) -> None:
    found, compared = REPORT.worse(report(comparison(4.0)), report(comparison(processor)))
    assert (len(found), compared) == (count, 1)
    if found:
        said = f"nipack build : tar | zstd: {processor / 2:.2f} times its processor time, and 2.00"
        assert said in found[0]


def test_noise_of_the_clock_is_not_worse() -> None:
    slow = comparison(4.0)
    slow = replace(slow, ours=replace(slow.ours, seconds=(400.0,)))
    assert REPORT.worse(report(comparison(4.0)), report(slow)) == ([], 1)


def test_a_peer_that_was_not_there_is_not_compared() -> None:
    measured = report(comparison(9.0, peer="conda-build"))
    assert REPORT.worse(report(comparison(4.0)), measured) == ([], 0)


def test_the_report_is_a_page_a_plot_and_all_figures(tmp_path: Path) -> None:
    written = report(comparison(4.0), comparison(1.0, peer="a & b"))
    written.write(tmp_path)
    assert REPORT.read_report(tmp_path) == written
    page = (tmp_path / "index.md").read_text("utf-8")
    assert "| nipack build | tar \\| zstd | 2.00 | 2.00 | 5 | 2.5 | 80 |" in page
    assert "| processors | 2 |" in page
    plot = ElementTree.parse(tmp_path / "ratios.svg").getroot()
    texts = [each.text for each in plot.iter() if each.tag.endswith("text")]
    assert "nipack build : a & b" in texts


def test_without_a_report_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="run scripts/bench"):
        REPORT.read_report(tmp_path)


def test_what_is_committed_is_a_report() -> None:
    committed = REPORT.read_report(REPOSITORY / "docs" / "benchmarks")
    peers = {each.peer for each in committed.comparisons}
    assert {"tar c | zstd -3 -T2", "dpkg-deb -Zxz", "dpkg-buildpackage"} <= peers
    assert {"Python", "zstd", "processors", "date"} <= committed.about.keys()


def test_a_comparison_takes_no_longer_than_to_read_both_twice_and_little_memory() -> None:
    committed = REPORT.read_report(REPOSITORY / "docs" / "benchmarks")
    [diff] = [each for each in committed.comparisons if each.name == "nipack diff, 500 MB each"]
    assert diff.peer == "nibabel, reading both"
    assert diff.processor_ratio <= 2
    assert diff.ours.memory < 300


def test_rows_that_were_measured_again_take_the_place_of_the_old() -> None:
    old = report(comparison(4.0), comparison(1.0, peer="another"))
    rows = comparison(2.0, peer="another"), comparison(3.0, peer="new")
    merged = old.with_rows(report(*rows, date="2026-02-01"))
    assert [each.peer for each in merged.comparisons] == ["tar | zstd", "another", "new"]
    assert [each.ours.processor[0] for each in merged.comparisons] == [4.0, 2.0, 3.0]
    assert merged.about == {"processors": "2", "date": "2026-01-31 and 2026-02-01"}
    assert merged.with_rows(report(date="2026-02-01")).about == merged.about


@pytest.mark.slow(100)
@pytest.mark.tools("zstd", "openssl", "dpkg-deb")
def test_a_small_run_of_it(tmp_path: Path) -> None:
    script = str(REPOSITORY / "scripts" / "bench.py")
    words = ["--megabytes", "2", "--runs", "1", "--small", "--into", str(tmp_path)]
    subprocess.run([sys.executable, script, *words], check=True, stdout=subprocess.DEVNULL)
    document = json.loads((tmp_path / "results.json").read_text("utf-8"))
    names = {each["name"] for each in document["comparisons"]}
    assert {"nipack build -f conda", "nipack build, nothing changed", "nipack verify"} <= names
    assert {"nipack diff, 2 MB each", "nipack build -f deb, 1,000 files"} <= names
    assert {
        "nipack build --jobs 2, 20 tiny packages",
        "nipack build --jobs 2, 4 packages of 2 MB",
    } <= names
    assert all(min(each["ours"]["seconds"]) > 0 for each in document["comparisons"])
