"""Files that were read before: not read again, unless anything may have changed them."""

import os
from pathlib import Path

import pytest
from tests.builder.samples import RecordingReporter, plain, read

from nipack.builder import known_files
from nipack.builder.flows.build import build
from nipack.builder.flows.check import check
from nipack.builder.formats import formats
from nipack.builder.known_files import KnownFiles, State
from nipack.builder.package import DataPackage
from nipack.builder.reading import read_package
from nipack.builder.source.download import cache_directory
from nipack.system.errors import ArtifactError
from nipack.system.fast_hash import PROOF

pytestmark = pytest.mark.skipif(os.name == "nt", reason="ctime is something else there")
CONDA = [formats()["conda"]]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a warning, whose files count as changed long ago."""
    monkeypatch.setattr(known_files, "SETTLED", -1e9)
    source = plain(tmp_path)
    (source / "templates" / "labels.json").write_text("{nonsense", "utf-8")
    return source


def again(source: Path, *, afresh: bool = False) -> tuple[DataPackage, RecordingReporter]:
    """Read a package, and return what the reporter was told."""
    reporter = RecordingReporter()
    workspace = source.parent / "work"
    workspace.mkdir(exist_ok=True)
    return read_package(str(source), workspace, reporter, afresh=afresh), reporter


def bytes_read(reporter: RecordingReporter) -> tuple[int, int]:
    """Return how many bytes were to be checked, and to be hashed."""
    return (reporter.steps["check"][0] or 0, reporter.steps["hash"][0] or 0)


def test_what_nothing_has_changed_is_not_read_again(source: Path) -> None:
    first, told = again(source)
    assert bytes_read(told) == (first.size, first.size)
    second, told_again = again(source)
    assert bytes_read(told_again) == (0, 0)
    assert second == first
    assert told_again.warnings == told.warnings
    assert "json-invalid" in told_again.codes


def test_a_digest_that_was_not_computed_is_computed(source: Path) -> None:
    again(source)
    package = read(source, source.parent / "work")
    assert all(file.digests.keys() == {"sha256", PROOF, "md5"} for file in package.files)


def test_digests_without_that_of_proofs_are_not_enough(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the library was not installed until now."""
    monkeypatch.setattr("nipack.builder.reading.PROOF", "sha256")
    again(source)
    monkeypatch.setattr("nipack.builder.reading.PROOF", "blake2b")
    package, told = again(source)
    assert bytes_read(told) == (0, package.size)
    assert all(file.digests.keys() == {"sha256", "blake2b"} for file in package.files)


def edited(path: Path) -> None:
    """Change a byte, and set the time of the change back."""
    times = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"[")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(path: Path) -> None:
    """Put a file of the same size and time in the place of another."""
    times = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"[" + path.read_bytes()[1:])
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [edited, replaced])
def test_a_change_behind_the_times_back_is_seen(change: object, source: Path) -> None:
    path = source / "templates" / "labels.json"
    first, _ = again(source)
    change(path)  # type: ignore[operator]
    second, told = again(source)
    assert bytes_read(told) == (path.stat().st_size, path.stat().st_size)
    assert second.payload_id != first.payload_id
    assert second == again(source, afresh=True)[0]


def test_a_change_of_the_mode_is_seen(source: Path) -> None:
    again(source)
    (source / "templates" / "labels.json").chmod(0o755)
    assert "executable" in again(source)[1].codes


def test_what_was_changed_just_now_is_read_again(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_files, "SETTLED", 3.0)
    first, _ = again(source)
    assert bytes_read(again(source)[1]) == (first.size, first.size)


def test_a_file_that_changes_while_it_is_read_is_not_known(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "templates" / "labels.json"
    kept = KnownFiles.keep

    def keep(self: KnownFiles, directory: Path) -> None:
        edited(path)
        kept(self, directory)

    monkeypatch.setattr(KnownFiles, "keep", keep)
    again(source)
    monkeypatch.undo()
    monkeypatch.setattr(known_files, "SETTLED", -1e9)
    read_again = bytes_read(again(source)[1])
    assert all(size >= path.stat().st_size for size in read_again)


def test_who_asks_for_it_gets_all_read(source: Path) -> None:
    first, _ = again(source)
    assert bytes_read(again(source, afresh=True)[1]) == (first.size, first.size)
    reporter = RecordingReporter()
    check(str(source), reporter)
    assert reporter.steps["check"][0] == first.size


def test_a_build_keeps_what_is_there_and_force_makes_it(source: Path, tmp_path: Path) -> None:
    steps = []
    for force in (False, False, True):
        reporter = RecordingReporter()
        [artifact] = build(str(source), CONDA, tmp_path / "dist", reporter, force=force)
        steps.append((bytes_read(reporter)[1], f"write {artifact.path.name}" in reporter.steps))
    size = artifact.payload_size
    assert steps == [(size, True), (0, False), (size, True)]


def test_data_that_is_other_than_known_is_noticed_when_it_is_read_back(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that lies about its files, so that an old digest is believed."""
    monkeypatch.setattr(known_files, "_state", lambda status: State(status.st_size, 0o644, ""))
    again(source)
    edited(source / "templates" / "labels.json")
    with pytest.raises(ArtifactError, match=r"labels\.json: is 9 bytes with"):
        list(build(str(source), CONDA, tmp_path / "dist"))


@pytest.mark.parametrize("content", ["", "[]", '{"about": 1}', '{"about": "", "files": 7}'])
def test_a_damaged_record_is_none(content: str, source: Path) -> None:
    first, _ = again(source)
    [place] = (cache_directory() / "files").iterdir()
    place.write_text(content, "utf-8")
    assert bytes_read(again(source)[1]) == (first.size, first.size)


@pytest.mark.parametrize(
    "row",
    ["[", "7", "[1, 2]", '[["a", 1, 2, "", 3, []]]', '[["a", 1, 2, "", {"md5": "x"}, []]]'],
)
def test_of_a_record_with_a_damaged_line_nothing_is_known(row: str, source: Path) -> None:
    first, _ = again(source)
    [place] = (cache_directory() / "files").iterdir()
    place.write_text(f"{place.read_text('utf-8')}{row}\n", "utf-8")
    assert bytes_read(again(source)[1]) == (first.size, first.size)


def test_a_record_is_kept_in_pieces(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_files, "_PIECE", 1)
    again(source)
    [place] = (cache_directory() / "files").iterdir()
    assert len(place.read_bytes().splitlines()) == 1 + len(
        list((source / "templates").rglob("*.*"))
    )
    assert bytes_read(again(source)[1]) == (0, 0)


def test_another_version_knows_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = again(source)
    monkeypatch.setattr(known_files, "__version__", "99")
    assert bytes_read(again(source)[1]) == (first.size, first.size)
