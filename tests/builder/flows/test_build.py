"""The flow: an artifact is proven before it has its name, and a failure leaves nothing."""

import errno
import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest
from tests.builder.samples import (
    RecordingReporter,
    plain,
    read,
)

from nipack.builder.archive.growing import Found, Part
from nipack.builder.archive.installed import InstalledLink, Tree, text_file
from nipack.builder.archive.members import Content, expected_content, expected_directories
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.flows.build import (
    build,
    build_artifact,
    must_be_as_read,
    must_hold_links,
    must_hold_parts,
    opened_package,
    payload_id_of,
    verify,
)
from nipack.builder.formats import Format, formats
from nipack.builder.package import DataLink, DataPackage, manifest_of
from nipack.builder.reading import read_package
from nipack.builder.sbom import bill_beside
from nipack.system.errors import ArtifactError, NipackError, SourceError
from nipack.system.fast_hash import PROOF
from nipack.system.progress import Advance

pytestmark = pytest.mark.usefixtures("no_thread_is_left")
ALL = list(formats().values())
A_FORMAT = ALL[0]  # for what is the same with each


@pytest.fixture
def package(tmp_path: Path) -> DataPackage:
    tree = plain(tmp_path)
    (tree / "templates" / "noise").write_bytes(os.urandom(3 << 20))
    return read(tree, tmp_path / "work")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "some" / "dist"


def left(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir()) if out.exists() else []


def test_steps_and_artifacts(tmp_path: Path, out: Path, reporter: RecordingReporter) -> None:
    made = build(str(plain(tmp_path)), ALL, out, reporter)
    artifacts = {artifact.path.name: artifact for artifact in made}
    assert left(out) == sorted(artifacts)
    assert [each.format for each in artifacts.values()] == [each.name for each in ALL]
    [payload_id] = {each.payload_id for each in artifacts.values()}
    for name, artifact in artifacts.items():
        assert artifact.payload_id == payload_id
        for step in ("write", "check"):
            total, done = reporter.steps[f"{step} {name}"]
            assert total == artifact.payload_size
            assert done is not None
            assert done >= artifact.payload_size


def test_what_is_there_is_replaced_at_once(package: DataPackage, out: Path) -> None:
    out.mkdir(parents=True)
    old = out / A_FORMAT.file_name(package)
    old.write_bytes(b"old")
    with old.open("rb") as reader:
        build_artifact(package, A_FORMAT, out, RecordingReporter())
        assert reader.read() == b"old", "whoever reads the old one still has it"
    assert old.stat().st_size > 3 << 20


def further(*values: float) -> list[Any]:
    """Return values that the quick tests leave out."""
    return [pytest.param(each, marks=pytest.mark.slow(0.1)) for each in values]


def flipped(format: Format, place: float) -> Format:
    """Return a format that writes one byte wrong."""

    class Flipped(type(format)):  # type: ignore[misc]
        def assemble(
            self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
        ) -> None:
            super().assemble(package, tree, output, advance)
            at = int(output.tell() * place)
            with Path(output.name).open("r+b") as other:
                output.flush()
                other.seek(at)
                [byte] = other.read(1)
                other.seek(at)
                other.write(bytes([byte ^ 0x10]))

    wrong: Format = Flipped()
    return wrong


@pytest.mark.parametrize("format", ALL, ids=lambda format: format.name)
@pytest.mark.parametrize("place", [0.3, 0.9, *further(0.5, 0.7)])
def test_one_wrong_byte_is_noticed(
    format: Format, place: float, package: DataPackage, out: Path
) -> None:
    with pytest.raises(
        ArtifactError, match="it does not match what was packed, so it was discarded"
    ):
        build_artifact(package, flipped(format, place), out, RecordingReporter())
    assert left(out) == []


@pytest.mark.parametrize("format", ALL, ids=lambda format: format.name)
@pytest.mark.parametrize("size", [3 << 20, (3 << 20) - 1, *further(0, 10)])
def test_data_that_changes_while_it_is_packed(
    format: Format, size: int, package: DataPackage, out: Path
) -> None:
    (package.directory / "noise").write_bytes(bytes(size))
    with pytest.raises(ArtifactError, match=r"noise: (it shrank|is \d+ bytes)"):
        build_artifact(package, format, out, RecordingReporter())
    assert left(out) == []


@pytest.mark.parametrize("format", ALL, ids=lambda format: format.name)
def test_data_that_is_gone_when_it_is_packed(
    format: Format, package: DataPackage, out: Path
) -> None:
    (package.directory / "noise").unlink()
    with pytest.raises(ArtifactError, match="templates/noise: No such file or directory"):
        build_artifact(package, format, out, RecordingReporter())
    assert left(out) == []


def test_verify_names_every_difference(package: DataPackage, out: Path) -> None:
    artifact = build_artifact(package, A_FORMAT, out, RecordingReporter())
    tree = A_FORMAT.tree(package)
    [noise] = [each.path for each in tree if each.path.endswith("/noise")]
    root = noise.rpartition("/")[0]

    class Different(type(A_FORMAT)):  # type: ignore[misc]
        def contents(
            self,
            artifact: Path,
            advance: Advance,
            found: ReadBack = NOTHING,
            algorithm: str = "sha256",
        ) -> Iterator[Content]:
            for content in super().contents(artifact, advance, found, algorithm):
                if content.path == f"{root}/config.ini":
                    continue
                if content.path == f"{root}/noise":
                    yield Content(path=content.path, mode=0o600, size=1, digest="0")
                    yield Content(path=content.path, mode=0o777, target="elsewhere")
                else:
                    yield content
            yield Content(path="etc/passwd", mode=0o644, size=1, digest="0")

    with pytest.raises(ArtifactError) as caught:
        verify(package, Different(), tree, artifact.path, lambda count: None)
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"{artifact.path.name}: it does not match what was packed, so it was discarded:"
    )
    assert lines[1:4] == [
        f"  {root}/noise: is there 2 times",
        "  etc/passwd: should not be there",
        f"  {root}/config.ini: is missing",
    ]
    assert lines[4].startswith(f"  {root}/noise: is a link to elsewhere, not 3145728 bytes with")


def test_what_the_formats_share_is_made_once(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []

    def counted(*args: Any) -> bytes:
        manifest = manifest_of(*args)
        made.append(manifest)
        return manifest

    monkeypatch.setattr("nipack.builder.package.manifest_of", counted)
    trees: list[str] = []
    counting = [_counting(each, trees) for each in ALL]
    assert len({each.payload_id for each in build(str(plain(tmp_path)), counting, out)}) == 1
    assert len(made) == 1
    assert trees == [each.name for each in ALL]


def _counting(format: Format, made: list[str]) -> Format:
    """Return a format that keeps its name for each tree that it makes."""

    class Counting(type(format)):  # type: ignore[misc]
        def tree(self, package: DataPackage) -> Tree:
            made.append(self.name)
            tree: Tree = super().tree(package)
            return tree

    counting: Format = Counting()
    return counting


@pytest.mark.parametrize(
    "format", [each for each in ALL if each.digests], ids=lambda format: format.name
)
def test_a_package_without_the_digests_of_a_format_is_refused(
    format: Format, tmp_path: Path, out: Path
) -> None:
    package = read_package(str(plain(tmp_path)), tmp_path, RecordingReporter())
    with pytest.raises(ArtifactError, match=r"T1\.nii\.gz: its md5 was not computed; read the"):
        build_artifact(package, format, out, RecordingReporter())
    assert left(out) == []


def test_a_break_leaves_nothing(package: DataPackage, out: Path) -> None:
    class Broken(RecordingReporter):
        def step(self, name: str, total: int | None) -> Callable[[int], object]:
            def stop(count: int) -> None:
                raise KeyboardInterrupt

            return stop

    for format in ALL:
        with pytest.raises(KeyboardInterrupt):
            build_artifact(package, format, out, Broken())
        assert left(out) == []


def test_a_directory_in_the_place_of_the_artifact(package: DataPackage, out: Path) -> None:
    name = A_FORMAT.file_name(package)
    (out / name).mkdir(parents=True)
    with pytest.raises(ArtifactError, match="Is a directory"):
        build_artifact(package, A_FORMAT, out, RecordingReporter())
    assert left(out) == [name]


def test_a_file_in_the_place_of_the_directory(package: DataPackage, out: Path) -> None:
    out.parent.mkdir(parents=True)
    out.write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"(File exists|Not a directory); check the directory"):
        build_artifact(package, A_FORMAT, out, RecordingReporter())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.root
@pytest.mark.tools("mount")
@pytest.mark.parametrize("format", ALL, ids=lambda format: format.name)
def test_a_full_disk(format: Format, package: DataPackage, small_disk: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        build_artifact(package, format, small_disk / "dist", RecordingReporter())
    assert "No space left on device; check the directory's permissions and the free space" in str(
        caught.value
    )
    assert format.file_name(package) in str(caught.value)
    assert left(small_disk / "dist") == []


@pytest.mark.root
@pytest.mark.tools("mount")
def test_a_full_disk_while_unpacking(
    package: DataPackage, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "nipy-templates-0.3.tar.gz"
    subprocess.run(
        ["tar", "-czf", archive, "-C", package.directory.parent.parent, "nipy-templates-0.3"],
        check=True,
    )
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    with pytest.raises(SourceError, match=r"the free space on the disk .* set TMPDIR to"):
        list(build(str(archive), ALL, tmp_path / "dist"))
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("wrong", ["source", "data"])
def test_the_workspace_is_gone_afterwards(
    wrong: str, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(bytes(10240)) if wrong == "data" else b"no archive")
    with pytest.raises(NipackError):
        list(build(str(archive), ALL, out))
    assert list(temporary.iterdir()) == []
    assert not out.exists(), "nothing is made where nothing will be written"


def test_a_caller_that_stops_early_leaves_no_workspace(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    artifacts = build(str(plain(tmp_path)), ALL, out)
    first = next(artifacts)
    artifacts.close()  # type: ignore[attr-defined]
    assert left(out) == [first.path.name]
    assert list(temporary.iterdir()) == []


@pytest.mark.slow(1)
def test_building_needs_no_network_library(tmp_path: Path) -> None:
    """What a build from this machine does not need is not imported."""
    program = (
        "import sys; from pathlib import Path; from nipack.builder.flows.build import build\n"
        "from nipack.builder.formats import formats\n"
        "list(build(sys.argv[1], list(formats().values()), Path(sys.argv[2])))\n"
        "print(*{'requests', 'jsonschema'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program, str(plain(tmp_path)), str(tmp_path / "dist")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "\n"


class Fake(type(A_FORMAT)):  # type: ignore[misc]
    """A format that reads back what it is told to."""

    def __init__(self, *contents: Content, error: Exception | None = None) -> None:
        self.told, self.error = contents, error

    def contents(
        self,
        artifact: Path,
        advance: Advance,
        found: ReadBack = NOTHING,
        algorithm: str = "sha256",
    ) -> Iterator[Content]:
        yield from self.told
        if self.error is not None:
            raise self.error


def of_tree(package: DataPackage) -> list[Content]:
    tree = A_FORMAT.tree(package)
    contents = [expected_content(each, PROOF) for each in tree]
    if A_FORMAT.holds_directories:
        contents += expected_directories(tree, base=A_FORMAT.base)
    return contents


def refused(package: DataPackage, format: Format, artifact: Path) -> str:
    tree = A_FORMAT.tree(package)
    with pytest.raises(ArtifactError) as caught:
        verify(package, format, tree, artifact, lambda count: None)
    name = A_FORMAT.file_name(package)
    start = f"{name}: it does not match what was packed, so it was discarded:\n"
    end = "\n  build again when nothing is writing to the data; if it stays, report this bug"
    said = str(caught.value)
    assert said.startswith(start)
    assert said.endswith(end)
    return said.removeprefix(start).removesuffix(end)


def test_an_artifact_that_is_as_it_should_be_has_the_payload_s_id(
    package: DataPackage, tmp_path: Path
) -> None:
    contents = of_tree(package)
    tree = A_FORMAT.tree(package)
    found = verify(package, Fake(*contents), tree, tmp_path, lambda count: None)
    assert found == package.payload_id
    folder, relpath = A_FORMAT.payload_root(package), package.definition.relpath
    assert payload_id_of(tree, folder, relpath) == package.payload_id
    assert payload_id_of(tree[::-1], folder, relpath) == package.payload_id
    link = InstalledLink(path=f"{folder}/link", target="x", leads_to=None)
    below = text_file(f"{folder}more/a", "")
    assert payload_id_of((*tree, below), folder, relpath) == package.payload_id
    assert payload_id_of((*tree, link), folder, relpath) != package.payload_id
    other = text_file(f"{folder}/config.ini", "")
    rest = tuple(each for each in tree if each.path != other.path)
    assert payload_id_of((*rest, other), folder, relpath) != package.payload_id


def test_each_way_of_being_other_than_packed_is_told(package: DataPackage, tmp_path: Path) -> None:
    contents = of_tree(package)
    cut = Fake(*contents, error=EOFError("it is cut"))
    assert refused(package, cut, tmp_path) == "  cannot be read back: it is cut"
    twice = Fake(*contents, contents[0], contents[0])
    assert refused(package, twice, tmp_path) == f"  {contents[0].path}: is there 3 times"
    artifact = tmp_path / "artifact"
    artifact.write_bytes(b"0123456789" * 300)
    parts: ReadBack = {
        Part(2, 3): Found(zlib.crc32(b"234"), list(contents)),
        Part(5, 2000): Found(zlib.crc32(b"56"), list(contents)),
        Part(1200, 3): Found(1, list(contents)),
    }
    with pytest.raises(ArtifactError) as caught:
        must_be_as_read("a.conda", artifact, parts)
    assert str(caught.value).partition("\n  build again")[0] == (
        "a.conda: it does not match what was packed, so it was discarded:\n"
        "  2,000 bytes from 5 on: changed since they were read back\n"
        "  3 bytes from 1,200 on: changed since they were read back"
    )


def test_another_payload_id_is_told_where_nothing_else_is_wrong(
    package: DataPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.builder.flows.build.payload_id_of", lambda *_: "0" * 64)
    contents = of_tree(package)
    assert refused(package, Fake(*contents), tmp_path) == (
        f"  the payload id is {'0' * 64}, not {package.payload_id}"
    )
    missing = refused(package, Fake(*contents[1:]), tmp_path)
    assert missing == f"  {contents[0].path}: is missing"


def test_a_package_is_read_for_its_formats_and_afresh_unless_it_is_said(
    package: DataPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def reading(source: str, folder: Path, reporter: object, **words: Any) -> DataPackage:
        asked.append(words)
        return package

    monkeypatch.setattr("nipack.builder.flows.build.read_package", reading)
    with opened_package("x", ALL, RecordingReporter()) as found:
        assert found is package
    with opened_package("x", [], RecordingReporter(), offline=True, afresh=False, revision=7) as it:
        assert it.definition == replace(package.definition, revision=7)
    digests = sorted({digest for each in ALL for digest in each.digests})
    assert asked == [
        {"digests": digests, "offline": False, "afresh": True},
        {"digests": [], "offline": True, "afresh": False},
    ]


def test_a_format_says_what_it_does_not_hold(package: DataPackage, tmp_path: Path) -> None:
    links = (DataLink(path=path, target="a", leads_to="a") for path in ("b", "c"))
    linked = replace(package, links=tuple(links))
    without = Fake()
    without.holds_links, without.holds_parts, without.name = False, False, "mine"
    for each in ALL:
        must_hold_links(package, each)
    must_hold_links(package, without)
    with pytest.raises(ArtifactError) as caught:
        must_hold_links(linked, without)
    assert str(caught.value) == (
        f"{without.file_name(linked)}: mine cannot hold symbolic links:\n  b -> a\n  c -> a\n"
        "  put copies of the files there, or build other formats"
    )
    must_hold_parts(package, [without])
    part = replace(package, part_of="nipy-whole")
    good = ", ".join(each.name for each in ALL if each.holds_parts)
    for why, said in (("", " yet"), ("it is old", ": it is old")):
        without.why_no_parts = why
        with pytest.raises(ArtifactError) as caught:
            must_hold_parts(part, [*(each for each in ALL if each.holds_parts), without])
        assert str(caught.value) == (
            f"{part.whole}: mine does not carry parts{said}; build other formats ({good}), or "
            "remove parts from the definition"
        )


def test_what_the_disk_does_not_keep_is_an_error(
    package: DataPackage, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system says so once, and to whom asks first."""
    asked: list[int] = []

    def fail(number: int) -> None:
        asked.append(number)
        if len(asked) == 1:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ArtifactError, match="Input/output error"):
        build_artifact(package, A_FORMAT, out, RecordingReporter())
    assert left(out) == []


def test_what_is_replaced_by_force_goes_with_its_bill(package: DataPackage, out: Path) -> None:
    out.mkdir(parents=True)
    [format] = [each for each in ALL if each.name == "conda"]
    other = out / format.edition_pattern(package).replace("*", "other")
    for path in (other, bill_beside(other), out / "a.cdx.json"):
        path.touch()
    made = build_artifact(package, format, out, RecordingReporter())
    assert left(out) == sorted(["a.cdx.json", made.path.name])


def test_no_artifact_is_begun_that_cannot_hold_the_links(package: DataPackage, out: Path) -> None:
    without = Fake()
    without.holds_links = False
    linked = replace(package, links=(DataLink(path="b", target="a", leads_to="a"),))
    with pytest.raises(ArtifactError, match="cannot hold symbolic links"):
        build_artifact(linked, without, out, RecordingReporter())
    assert left(out) == []
