"""How a source is named and refused, without a network."""

import hashlib
import threading
from pathlib import Path

import pytest
from tests.builder.samples import RecordingReporter

from nipack.builder.definition.sources import Source
from nipack.builder.rules import problem_at
from nipack.builder.source.together import (
    _all_of,
    _Common,
    _OneOfMany,
    _Stopped,
    fetch_together,
)
from nipack.builder.source.tree import (
    SourceTree,
    _tree_name,
    _tree_top,
    fetch_source,
    local_path,
    record_of,
)
from nipack.system.errors import SourceDigestError, SourceError


def refusal(source: Source, *, as_file: bool = False) -> str:
    with pytest.raises(SourceError) as caught:
        fetch_source(source, RecordingReporter(), offline=True, as_file=as_file)
    return str(caught.value)


ONLY = "only https://, s3://, gs:// and file:// addresses are fetched; write one"
LOGIN = (
    "the address has a user name or a password in it, which would be published with the package; "
    "remove it from the address, and keep it in a .netrc file"
)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.org/a", f"http://example.org/a: {ONLY}"),
        ("ftp://example.org/a", f"ftp://example.org/a: {ONLY}"),
        ("https://me:word@example.org/a", f"https://example.org/a: {LOGIN}"),
        (
            "https://[::1",
            "https://[::1: cannot be fetched: it is not a valid address; check how it is spelled",
        ),
        ("TOP/none", "TOP/none: there is no such file; check the spelling"),
        ("file://TOP/none", "file://TOP/none: there is no such file; check the spelling"),
        ("/dev/null", "/dev/null: neither a file nor a folder; name one of the two"),
        ("TOP/a.nii", "TOP/a.nii: a file of the data, not a source; name its folder, TOP"),
        (
            "TOP/data/x/B.NII.GZ",
            "TOP/data/x/B.NII.GZ: a file of the data, not a source; name its folder, TOP/data",
        ),
        (
            "TOP/data/config.ini",
            "TOP/data/config.ini: a file of the data, not a source; name its folder, TOP/data",
        ),
    ],
)
def test_what_is_no_source_is_told_with_the_remedy(address: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "x").mkdir(parents=True)
    for name in ("a.nii", "data/config.ini", "data/x/B.NII.GZ"):
        (tmp_path / name).touch()
    top = str(tmp_path)
    assert refusal(Source(address=address.replace("TOP", top))) == said.replace("TOP", top)
    placed = Source(address=address.replace("TOP", top), place="package.yaml:3")
    said = said.removeprefix("file://")  # what a definition names is shown as the path
    assert refusal(placed) == f"package.yaml:3: {said.replace('TOP', top)}"


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "mgh", "mgz", "gii", "mnc", "img", "hdr"])
def test_a_file_of_the_data_is_a_source_only_among_several(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{ending}"
    file.write_bytes(b"content")
    assert "a file of the data" in refusal(Source(address=str(file)))
    digest = hashlib.sha256(b"content").hexdigest()
    found = fetch_source(Source(address=str(file)), RecordingReporter(), as_file=True)
    assert found == (file, {"sha256": digest})
    file.rename(tmp_path / f"a{ending}")
    assert fetch_source(Source(address=str(tmp_path / f"a{ending}")), RecordingReporter())


def test_a_folder_is_a_source_alone_and_has_no_digest(tmp_path: Path) -> None:
    folder = Source(address=str(tmp_path))
    assert fetch_source(folder, RecordingReporter()) == (tmp_path, {})
    assert refusal(folder, as_file=True) == (
        f"{tmp_path}: a folder; name each file of it, or an archive"
    )
    assert refusal(Source(address=str(tmp_path), md5="0" * 32)) == (
        f"{tmp_path}: a directory has no digest to compare; name an archive, or drop the digest"
    )


def test_every_digest_and_the_size_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(bytes(2000))
    right = {name: hashlib.new(name, bytes(2000)).hexdigest() for name in ("sha256", "md5")}
    good = Source(address=str(file), md5=right["md5"], size=2000)
    reporter = RecordingReporter()
    assert fetch_source(good, reporter) == (file, right)
    with pytest.raises(SourceDigestError) as caught:
        fetch_source(Source(address=str(file), md5="0" * 32, size=1000), reporter)
    assert str(caught.value) == (
        f"{file}: not the file that the definition means: md5 should be {'0' * 32}, but is "
        f"{right['md5']}; it should have 1,000 bytes, but has 2,000; "
        "fetch it again, or find out why the release changed before changing the definition"
    )


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("a/b", "a/b"),
        ("file:///a%20b", "/a b"),
        ("file://localhost/a", "/a"),
        ("/a:/b", "/a:/b"),
    ],
)
def test_an_address_of_this_machine_is_a_path(address: str, path: str) -> None:
    assert local_path(address) == Path(path)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://example.org/a/nipy-0.3.tar.gz?token=1#x", "nipy-0.3"),
        ("https://example.org/a%20b.zip", "a_b"),
        ("/x/a.tar", "a"),
        ("a.tar.zst", "a"),
        *((f"a.{ending}", "a") for ending in ("tbz", "tbz2", "tgz", "txz", "zip", "tar.bz2")),
        ("a.tarx", "a.tarx"),
        ("a-B_9.x", "a-B_9.x"),
        ("é.x", "_.x"),
        ("x" * 101, "x" * 100),
        ("...", "source"),
        ("", "source"),
    ],
)
def test_a_folder_around_an_archive_is_called_after_it(address: str, name: str) -> None:
    assert _tree_name(address) == name


def test_what_is_recorded_of_a_file_of_this_machine_is_its_name() -> None:
    assert record_of("/home/me/a.tar", {}).address == "a.tar"
    assert record_of("https://example.org/a.tar", {}).address == "https://example.org/a.tar"


@pytest.mark.parametrize(
    ("names", "top"),
    [
        (["a/b"], "a"),
        (["a/config.ini"], ""),
        (["a/b", "c/d"], ""),
        (["a/b", "c"], ""),
        (["c"], ""),
        ([], ""),
    ],
)
def test_the_top_is_the_one_folder_that_is_not_the_data(
    names: list[str], top: str, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert _tree_top(tmp_path) == tmp_path / top


def test_a_link_alone_is_no_top(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path.parent)
    assert _tree_top(tmp_path / "tree") == tmp_path / "tree"


def test_a_place_in_an_archive_is_named_by_the_archive() -> None:
    tree = SourceTree(address="a.tar", directory=Path("/w/a/b"), unpacked=Path("/w/a"))
    assert tree.place(Path("/w/a/b/c")) == "a.tar/b/c"
    assert tree.place(Path("/w/a")) == "a.tar"


def common_of() -> tuple[_Common, list[int]]:
    counts: list[int] = []
    return _Common(RecordingReporter(), counts.append), counts


def test_an_attempt_that_begins_again_counts_nothing_twice() -> None:
    common, counts = common_of()
    one = _OneOfMany(common)
    one.step("check digests", 9)(9)
    advance = one.step("download", None)
    advance(3)
    advance(4)
    advance = one.step("download", None)
    advance(5)
    advance(2)
    assert counts == [3, 4]
    advance(1)
    one.count_up_to(8)
    one.count_up_to(10)
    assert counts == [3, 4, 1, 2]
    common.over.set()
    with pytest.raises(_Stopped):
        advance(1)
    assert sum(counts) == 10


def test_twenty_failures_end_the_rest() -> None:
    common, _ = common_of()
    for number in range(19):
        common.fail(number, SourceError(f"{number}"))
    assert not common.over.is_set()
    common.fail(19, SourceError("19"))
    assert common.over.is_set()
    errors = [error for _, error in common.failures]
    assert str(_all_of(errors)).splitlines() == [
        *map(str, range(20)),
        "after 20 failures the rest was not tried",
    ]
    assert str(_all_of(errors[:19])).splitlines() == [*map(str, range(19))]


def test_only_digests_that_differ_are_an_error_of_digests() -> None:
    assert type(_all_of([SourceDigestError("a"), SourceDigestError("b")])) is SourceDigestError
    assert type(_all_of([SourceDigestError("a"), SourceError("b")])) is SourceError
    assert type(_all_of([SourceError("a")])) is SourceError


@pytest.mark.parametrize(
    ("sizes", "step", "total"),
    [
        ([3], "download 1 file", 3),
        ([3, 4], "download 2 files", 7),
        ([3, None], "download 2 files", None),
    ],
)
def test_all_are_one_step(
    sizes: list[int | None], step: str, total: int | None, tmp_path: Path
) -> None:
    sources = []
    for number, size in enumerate(sizes):
        (tmp_path / f"{number}").write_bytes(bytes(size or 9))
        sources.append(Source(address=str(tmp_path / f"{number}"), size=size))
    reporter = RecordingReporter()
    found = fetch_together(sources, reporter)
    assert [path for path, _ in found] == [tmp_path / f"{n}" for n in range(len(sizes))]
    counted = sum(size or 9 for size in sizes)
    assert reporter.steps == {step: [total, counted]}


def test_every_failure_is_told_in_order_and_one_of_the_system_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = threading.Event()

    def fetch(source: Source, *_: object, **__: object) -> object:
        if source.address == "a":
            late.wait(10)
            raise SourceError("a: first")
        late.set()
        if source.address == "b":
            raise PermissionError(13, "Permission denied", "/cache")
        raise OSError(5, "Input/output error") if source.address == "c" else OSError("odd")

    monkeypatch.setattr("nipack.builder.source.together.fetch_source", fetch)
    with pytest.raises(SourceError) as caught:
        fetch_together([Source(address=name) for name in "abcd"], RecordingReporter())
    assert str(caught.value).splitlines() == [
        "a: first",
        "/cache: Permission denied; make it readable",
        "c: Input/output error; make it readable",
        "d: odd; make it readable",
    ]


def test_a_warning_of_one_download_is_a_warning_of_all() -> None:
    reporter = RecordingReporter()
    problem = problem_at("no-name", "a", "why", "remedy")
    _OneOfMany(_Common(reporter, lambda count: None)).warn(problem)
    assert reporter.warnings == [problem]
