"""Sources of many files: fetched together, put in place by their paths, each fault told."""

import hashlib
import io
import json
import re
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from tests.builder.samples import RecordingReporter, member, read, tar_bytes, tree_of
from tests.builder.served import Server

from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source, SourceArchive, SourceFile, Sources
from nipack.builder.flows.build import build
from nipack.builder.formats import formats
from nipack.builder.manifest import metadata_text
from nipack.builder.package import DataPackage
from nipack.builder.source.several import (
    _make_links,
    _Making,
    _members,
    _moved,
    _named,
    _put,
    _put_file,
    _top_of,
    open_sources,
)
from nipack.system.errors import DataPackageError, SourceDigestError, SourceError

HEAD = "name: mylab-atlas\nrelpath: mylab/atlas\nversion: '1.2'\ndate: 2024-02-29\n"
FILES = {
    "/v1/T1w.mat": b"one" * 9000,
    "/v1/maps/labels%20of%20areas.tsv": b"1\tthalamus\n",
    "/other?id=7": b"elsewhere",
}


FORMATS = list(formats().values())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(trusted_server: Server) -> Server:
    trusted_server.files = dict(FILES)
    return trusted_server


def define(folder: Path, source: object) -> Path:
    """Write a definition with a source; JSON is YAML."""
    folder.mkdir(exist_ok=True)
    path = folder / "package.yaml"
    path.write_text(f"{HEAD}source: {json.dumps(source)}\n", "utf-8")
    return path


def three_files(server: Server) -> dict[str, object]:
    first, second, third = FILES.values()
    return {
        "address": f"{server.base}v1/",
        "files": [
            {"path": "T1w.mat", "sha256": sha256(first), "size": len(first)},
            {"path": "maps/labels of areas.tsv", "md5": hashlib.md5(second).hexdigest()},
            {
                "path": "maps/more/seven.txt",
                "address": f"{server.base}other?id=7",
                "sha512": hashlib.sha512(third).hexdigest(),
            },
        ],
    }


def package_of(
    source: object, tmp_path: Path, reporter: RecordingReporter | None = None
) -> DataPackage:
    return read(define(tmp_path / "definition", source), tmp_path / "work", reporter)


def problems_of(source: object, tmp_path: Path) -> str:
    """Return what is said of a definition's source, without the path of the definition."""
    with pytest.raises(DataPackageError) as caught:
        read_definition(define(tmp_path / "definition", source))
    return str(caught.value).replace(str(tmp_path / "definition"), ".")


def failure_of(source: object, tmp_path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        package_of(source, tmp_path)
    return str(caught.value)


def test_files_are_put_where_their_paths_say(server: Server, tmp_path: Path) -> None:
    reporter = RecordingReporter()
    package = package_of(three_files(server), tmp_path, reporter)
    assert tree_of(package.directory) == {
        "T1w.mat": FILES["/v1/T1w.mat"],
        "maps/labels of areas.tsv": b"1\tthalamus\n",
        "maps/more/seven.txt": b"elsewhere",
    }
    names = ("T1w.mat", "config.ini", "maps/labels of areas.tsv", "maps/more/seven.txt")
    assert package.paths == names
    assert sorted(server.paths) == sorted(FILES)
    # Two sizes are not stated, so the whole is not known before it is there.
    assert reporter.steps["download 3 files"] == [None, sum(map(len, FILES.values()))]
    assert "check digests" not in reporter.steps


def test_package_json_says_where_each_file_is_from(server: Server, tmp_path: Path) -> None:
    document = json.loads(metadata_text(package_of(three_files(server), tmp_path)))
    assert document["source"] is None
    assert [each["address"] for each in document["sources"]] == [
        f"{server.base}v1/T1w.mat",
        f"{server.base}v1/maps/labels%20of%20areas.tsv",
        f"{server.base}other",  # what grants access to a file stands in a query
    ]
    assert document["sources"][1]["digests"]["sha256"] == sha256(b"1\tthalamus\n")


def test_they_are_fetched_once_and_then_found_in_the_cache(server: Server, tmp_path: Path) -> None:
    first = package_of(three_files(server), tmp_path)
    reporter = RecordingReporter()
    second = read(tmp_path / "definition", tmp_path / "again", reporter)
    assert first.payload_id == second.payload_id
    assert len(server.asked) == 3
    assert reporter.steps["download 3 files"][1] == sum(map(len, FILES.values()))


def test_what_broke_off_goes_on_and_counts_once(server: Server, tmp_path: Path) -> None:
    content = b"0123456789" * 5000
    server.files = {"/big": content}
    server.break_after = [20_000, 10_000]
    reporter = RecordingReporter()
    entry = {"address": f"{server.base}big", "sha256": sha256(content), "size": len(content)}
    package_of({"files": [entry]}, tmp_path, reporter)
    assert reporter.steps["download 1 file"] == [len(content), len(content)]
    assert [each.get("Range") for each in server.asked] == [None, "bytes=20000-", "bytes=30000-"]


def test_a_few_come_at_a_time(server: Server, tmp_path: Path) -> None:
    """Four requests meet at a barrier, which a download after the other would never pass."""
    meeting = threading.Barrier(4, timeout=30)
    server.files = {f"/{number}": str(number).encode() for number in range(8)}
    send = server._send

    def together(handler: object, begin: int, last: int | None) -> None:
        meeting.wait()
        send(handler, begin, last)  # type: ignore[arg-type]

    server._send = together  # type: ignore[method-assign]
    entries = [
        {"address": f"{server.base}{number}", "sha256": sha256(str(number).encode())}
        for number in range(8)
    ]
    package = package_of({"files": entries}, tmp_path)
    assert package.paths == (*map(str, range(8)), "config.ini")


def test_every_failure_is_told_at_once(server: Server, tmp_path: Path) -> None:
    source = three_files(server)
    files = source["files"]
    assert isinstance(files, list)
    files[0]["sha256"] = "0" * 64
    files[0]["size"] = 5
    files += [{"address": f"{server.base}none", "sha256": "1" * 64}, {"path": "a", "address": "b"}]
    lines = failure_of(source, tmp_path).splitlines()
    assert [re.sub(r"^\S+/package.yaml", "package.yaml", line)[:40] for line in lines] == [
        f"package.yaml:5: {server.base}v1/T1w"[:40],
        f"package.yaml:5: {server.base}none: cannot"[:40],
        f"package.yaml:5: {tmp_path / 'definition' / 'b'}: there is no"[:40],
    ]
    assert "sha256 should be 000" in lines[0]
    assert "it should have 5 bytes, but has 27,000; " in lines[0]
    assert "404 Not Found" in lines[1]
    assert "there is no such file" in lines[2]
    assert not list((tmp_path / "work").glob("source/data/*"))


def test_a_server_that_has_nothing_is_not_asked_for_all_of_it(
    server: Server, tmp_path: Path
) -> None:
    entries = [{"address": f"{server.base}{n}", "sha256": "0" * 64} for n in range(200)]
    lines = failure_of({"files": entries}, tmp_path).splitlines()
    assert lines[-1].endswith("failures the rest was not tried")
    assert len(server.asked) < 30


def test_wrong_digests_alone_have_their_own_code(server: Server, tmp_path: Path) -> None:
    entries = [
        {"address": f"{server.base}v1/T1w.mat", "sha256": "0" * 64},
        {"address": f"{server.base}other?id=7", "path": "x", "sha256": "1" * 64},
    ]
    with pytest.raises(SourceDigestError) as caught:
        package_of({"files": entries}, tmp_path)
    assert len(str(caught.value).splitlines()) == 2


def test_offline_it_says_what_is_not_in_the_cache(server: Server, tmp_path: Path) -> None:
    from nipack.builder.reading import read_package

    path = define(tmp_path / "definition", three_files(server))
    (tmp_path / "work").mkdir()
    with pytest.raises(SourceError) as caught:
        read_package(str(path), tmp_path / "work", RecordingReporter(), offline=True)
    assert str(caught.value).count("not in the cache") == 3
    assert server.asked == []


def test_files_of_this_machine_are_copied(tmp_path: Path) -> None:
    (tmp_path / "definition" / "raw").mkdir(parents=True)
    (tmp_path / "definition" / "raw" / "T1.nii.gz").write_bytes(b"image")
    package = package_of({"address": "raw", "files": [{"path": "T1.nii.gz"}]}, tmp_path)
    (tmp_path / "definition" / "raw" / "T1.nii.gz").write_bytes(b"other")
    assert tree_of(package.directory) == {"T1.nii.gz": b"image"}
    [record] = json.loads(metadata_text(package))["sources"]
    assert record == {"address": "T1.nii.gz", "digests": {"sha256": sha256(b"image")}}


HOSTILE = {
    "../x": "has '..' in its name",
    "/etc/passwd": "has an absolute name",
    "C:/x": "has an absolute name",
    "a\\..\\b": "has a backslash",
    "a//b": "is not a plain path",
    "./a": "is not a plain path",
    "a/": "is not a plain path",
    "a\u200bb": "has a character that is not printed",
}


@pytest.mark.parametrize(("path", "reason"), HOSTILE.items())
def test_a_path_that_leads_out_is_refused(path: str, reason: str, tmp_path: Path) -> None:
    said = problems_of({"files": [{"path": path, "address": "x"}]}, tmp_path)
    assert f"field 'source.files[0]': the path {path!r} {reason}" in said
    if path != "a/":  # a folder may be written so
        said = problems_of({"archives": [{"address": "x", "into": path}]}, tmp_path)
        assert f"field 'source.archives[0].into': the path {path!r} {reason}" in said


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (
            ["a/b", "a/b"],
            "source.files[1]': a/b is already the path of another file, field 'source.files[0]'",
        ),
        (
            ["a/b", "a"],
            "source.files[1]': a is the folder of another file, field 'source.files[0]'",
        ),
        (["a", "x", "a/b"], "source.files[2]': a/b is in a folder that is another file"),
    ],
)
def test_two_files_at_one_place_are_refused(paths: list[str], said: str, tmp_path: Path) -> None:
    files = [{"path": path, "address": f"{n}"} for n, path in enumerate(paths)]
    assert said in problems_of({"files": files}, tmp_path)


def test_everything_wrong_with_a_list_is_told_at_once(tmp_path: Path) -> None:
    source = {
        "sha256": "0" * 64,
        "files": [
            {"sha256": "0" * 64},
            {"path": "a"},
            {"address": "https://example.org/"},
            {"address": "http://example.org/c"},
            {"address": "https://me:secret@example.org/d", "sha256": "0" * 64},
            {"address": "https://example.org/e"},
        ],
    }
    said = problems_of(source, tmp_path)
    assert said.count("[definition-field]") == 8
    for part in (
        "field 'source.sha256' is of one file, but there are several",
        "field 'source.files[0]' has neither a path nor an address",
        "field 'source.files[1]' has no address, and the source has none",
        "field 'source.files[2]' has no path, and its address does not end in a name",
        "field 'source.files[3].address' is of the kind http://",
        "field 'source.files[4].address' has a name or a password",
        "field 'source.files[5]' has no digest",
    ):
        assert part in said
    assert "secret" not in said


def archive(**members: bytes) -> bytes:
    """Return a .tar of members, in whose names __ stands for a slash."""
    return tar_bytes(*(member(name.replace("__", "/"), text) for name, text in members.items()))


def test_of_several_archives_the_wanted_goes_where_it_should(
    server: Server, tmp_path: Path
) -> None:
    first = archive(top__a__one=b"1", top__a__two=b"2", top__readme=b"r", stray=b"s")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("labels.tsv", "1")
        packed.writestr("junk/Thumbs.db", "2")
    server.files |= {"/first.tar": first, "/second.zip": buffer.getvalue()}
    package = package_of(
        {
            "archives": [
                {
                    "address": f"{server.base}first.tar", "sha256": sha256(first),
                    "into": "maps/", "strip": 1, "take": ["a/*"],
                },
                {
                    "address": f"{server.base}second.zip", "sha256": sha256(buffer.getvalue()),
                    "take": ["*.tsv"],
                },
            ],
            "files": [
                {"address": f"{server.base}other?id=7", "path": "o", "sha256": sha256(b"elsewhere")}
            ],
        },
        tmp_path,
    )  # fmt: skip
    assert tree_of(package.directory) == {
        "maps/a/one": b"1", "maps/a/two": b"2", "labels.tsv": b"1", "o": b"elsewhere",
    }  # fmt: skip
    assert [part.places for part in package.parts] == [
        ((None, "o"),),
        (("top/a/one", "maps/a/one"), ("top/a/two", "maps/a/two")),
        (("labels.tsv", "labels.tsv"),),
    ]


def local(tmp_path: Path, name: str, content: bytes) -> str:
    (tmp_path / "definition").mkdir(exist_ok=True)
    (tmp_path / "definition" / name).write_bytes(content)
    return name


def test_the_newest_file_of_any_archive_has_the_time_of_all(tmp_path: Path) -> None:
    def timed(name: str, *times: int) -> SourceArchive:
        members = [member(f"{name}{time}", b"x") for time in times]
        for (info, _), time in zip(members, times, strict=True):
            info.mtime = time
        address = tmp_path / f"{name}.tar"
        address.write_bytes(tar_bytes(*members))
        return SourceArchive(source=Source(address=str(address)))

    reporter = RecordingReporter()
    (tmp_path / "work").mkdir()
    archives = (timed("a", 5, 7, 6), timed("b", 3))
    tree = open_sources(Sources(archives=archives), tmp_path / "work", reporter, shown="it")
    assert tree.newest == 7
    assert reporter.steps["unpack"][0] == (tmp_path / "a.tar").stat().st_size
    file = SourceFile(source=Source(address=str(tmp_path / "a.tar")), path="a")
    (tmp_path / "other").mkdir()
    tree = open_sources(Sources(files=(file,)), tmp_path / "other", reporter, shown="it")
    assert tree.newest is None, "files of no archive have the time of their copy"
    (tmp_path / "old").mkdir()
    old = Sources(archives=(timed("c", 0),))
    assert open_sources(old, tmp_path / "old", reporter, shown="it").newest is None, "of 1970"


def test_what_archives_cannot_give_is_told_at_once(tmp_path: Path) -> None:
    one = local(tmp_path, "one.tar", archive(top__a=b"1", top__b=b"2"))
    two = local(tmp_path, "two.tar", archive(a=b"3", b__c=b"4"))
    said = failure_of(
        {
            "archives": [
                {"address": one, "strip": 1, "take": ["a", "b", "*.nii"]},
                {"address": two},
                {"address": two, "strip": 2},
            ]
        },
        tmp_path,
    )
    there = "a file is there already, or has the name of its folder; change into, or take less"
    wanted = [
        "one.tar: none of its members matches '*.nii' of take: it has 2, such as top/a; correct it",
        f"two.tar: a cannot be put at a: {there}",
        f"two.tar: b/c cannot be put at b/c: {there}",
        "two.tar: none of its members is below 2 folders: it has 2, such as a; make strip smaller",
    ]
    for line, end in zip(said.splitlines(), wanted, strict=True):
        assert line.endswith(f"/definition/{end}")


def test_a_link_that_leaves_the_data_without_its_folders_is_refused(tmp_path: Path) -> None:
    content = tar_bytes(
        member("1/2/file", b"x"),
        member("1/2/out", kind=tarfile.SYMTYPE, target="../../victim"),
        member("1/2/in", kind=tarfile.SYMTYPE, target="file"),
        member("1/2/loop", kind=tarfile.SYMTYPE, target=".."),
        member("victim", b"v"),
    )
    through = tar_bytes(member("loop/written", b"x"))
    one, two = local(tmp_path, "1.tar", content), local(tmp_path, "2.tar", through)
    said = failure_of({"archives": [{"address": one, "strip": 2}]}, tmp_path)
    assert said.count("\n") == 1
    leaves = "it is a link that leaves the data, to"
    assert f"1/2/out cannot be put at out: {leaves} ../../victim" in said
    assert f"1/2/loop cannot be put at loop: {leaves} ..;" in said
    good = {"address": one, "strip": 2, "take": ["file", "in"]}
    (tmp_path / "two").mkdir()
    package = read(define(tmp_path / "definition", {"archives": [good]}), tmp_path / "two")
    assert [link.path for link in package.links] == ["in"]
    inner = {"address": one, "strip": 1, "take": ["2/loop"]}
    (tmp_path / "three").mkdir()
    path = define(tmp_path / "definition", {"archives": [inner, {"address": two, "into": "2"}]})
    with pytest.raises(SourceError, match="2/loop: a file is there already"):
        read(path, tmp_path / "three")
    written = tmp_path / "three" / "source" / "data" / "2" / "loop" / "written"
    assert written.is_file()
    assert not written.parent.is_symlink()


def test_a_name_that_is_too_long_here_is_refused_with_the_reason(tmp_path: Path) -> None:
    one = local(tmp_path, "one.tar", archive(a=b"1"))
    said = failure_of({"archives": [{"address": one, "into": "n" * 300}]}, tmp_path)
    assert said.endswith(
        f"one.tar: a cannot be put at {'n' * 300}/a: the name is too long for this machine; "
        "change into, or take less"
    )


def sums(files: dict[str, bytes], line: str) -> str:
    """Return a registry of files by their paths, each line made of a pattern."""
    return "".join(
        line.format(
            path=path, sha256=sha256(text), md5=hashlib.md5(text).hexdigest(), size=len(text)
        )
        for path, text in files.items()
    )


REGISTRIES = {
    "sha256sum": "{sha256}  {path}\n",
    "sha256sum in binary mode": "{sha256} *{path}\r\n",
    "sha256sum --tag": "SHA256 ({path}) = {sha256}\n",
    "md5sum": "{md5}  {path}\n",
    "pooch": "# files\n'{path}' {sha256}\n",
    "pooch with an algorithm": '"{path}" md5:{md5}\n',
    "git-annex": "MD5E-s{size}--{md5}.nii.gz {path}\n",
    "git-annex without extension": "SHA256-s{size}--{sha256}\t{path}\n",
}


@pytest.mark.parametrize("line", REGISTRIES.values(), ids=REGISTRIES.keys())
def test_a_registry_names_what_is_below_the_address(
    line: str, server: Server, tmp_path: Path
) -> None:
    files = {"T1w.mat": FILES["/v1/T1w.mat"], "maps/labels of areas.tsv": b"1\tthalamus\n"}
    local(tmp_path, "files.txt", sums(files, line).encode())
    source = {"address": f"{server.base}v1", "registry": "files.txt"}
    reporter = RecordingReporter()
    package = package_of(source, tmp_path, reporter)
    assert tree_of(package.directory) == files
    total = sum(map(len, files.values()))
    assert reporter.steps["download 2 files"] == [total if "size" in line else None, total]


def test_a_registry_may_have_an_address_of_its_own_for_a_file(
    server: Server, tmp_path: Path
) -> None:
    line = f"seven.txt sha256:{sha256(b'elsewhere')} {server.base}other?id=7\n"
    local(tmp_path, "registry.txt", line.encode())
    source = {"address": "https://example.org/", "registry": "registry.txt"}
    assert tree_of(package_of(source, tmp_path).directory) == {"seven.txt": b"elsewhere"}


def test_a_failure_names_the_line_of_the_registry(server: Server, tmp_path: Path) -> None:
    files = {"T1w.mat": FILES["/v1/T1w.mat"], "none": b""}
    local(tmp_path, "registry.txt", sums(files, "{path} {sha256}\n").encode())
    said = failure_of({"address": f"{server.base}v1", "registry": "registry.txt"}, tmp_path)
    assert said.startswith(f"{tmp_path}/definition/registry.txt:2: {server.base}v1/none: cannot")


def test_every_wrong_line_of_a_registry_is_told(tmp_path: Path) -> None:
    lines = [
        f"{'0' * 64}  ../out",
        f"{'0' * 64}  same",
        f"same {'0' * 64}",
        "a b c d",
        "a sha1:" + "0" * 40,
        "a md5:123",
        "'a " + "0" * 64,
        f"\\{'0' * 64}  a\\nb",
        "WORM-s3-m1--a a",
        "URL--http&c%%example.org a",
        f"{'0' * 65}  a",
        "",
        "# a comment",
        f"http {'0' * 64} http://example.org/a",
    ]
    local(tmp_path, "r.txt", "\n".join(lines).encode())
    said = problems_of({"address": "https://example.org/a/", "registry": "r.txt"}, tmp_path)
    for part in (
        "r.txt:1: the path '../out' has '..' in its name",
        "r.txt:3: same is already the path of another file, r.txt:2",
        "r.txt:4: neither 'DIGEST  PATH' of sha256sum",
        "r.txt:5: its digest is sha1; known are sha256, sha512, md5",
        "r.txt:6: its md5 has not 32 hexadecimal digits",
        "r.txt:7: its quotes do not match",
        "r.txt:8: its name has a line break or a backslash in it",
        "r.txt:9: a key of the backend WORM states no SHA256, SHA512, MD5",
        "r.txt:10: a key of the backend URL states no SHA256, SHA512, MD5",
        "r.txt:11: its digest is neither a sha256, a sha512 nor an md5",
        "r.txt:14: its address is of the kind http://",
    ):
        assert part in said
    assert said.count("[definition-field]") == 11


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ("none.txt", "registry none.txt: No such file or directory"),
        ("../package.yaml", "registry ../package.yaml: not in the definition's folder"),
        ("empty.txt", "empty.txt:1: it does not name a file"),
        ("latin1.txt", "registry latin1.txt is not UTF-8"),
    ],
)
def test_a_registry_that_cannot_be_read_is_told_of(
    registry: str, said: str, tmp_path: Path
) -> None:
    local(tmp_path, "empty.txt", b"# nothing\n")
    local(tmp_path, "latin1.txt", b"\xe9")
    source = {"address": "https://example.org/a/", "registry": registry}
    assert said in problems_of(source, tmp_path)


def test_what_says_nothing_beside_a_registry_is_told(tmp_path: Path) -> None:
    local(tmp_path, "r.txt", f"{'0' * 64}  a\n".encode())
    said = problems_of({"registry": "r.txt", "files": [{"address": "a"}]}, tmp_path)
    assert "field 'source.address' is missing: the registry has only paths" in said
    assert "both 'registry' and 'files' are given" in said
    said = problems_of({"address": "a", "archives": [{"address": "b"}]}, tmp_path)
    assert "field 'source.address' has no effect" in said


def test_a_definition_from_an_address_has_files_below_it_and_no_registry(
    server: Server, tmp_path: Path
) -> None:
    entry = {"path": "seven.txt", "address": "other?id=7", "sha256": sha256(b"elsewhere")}
    path = define(tmp_path / "definition", {"files": [entry]})
    server.files["/d/package.yaml"] = path.read_bytes()
    server.files["/d/other%3Fid%3D7"] = b"elsewhere"
    (tmp_path / "work").mkdir()
    package = read(f"{server.base}d/package.yaml", tmp_path / "work")
    assert tree_of(package.directory) == {"seven.txt": b"elsewhere"}
    path = define(tmp_path / "definition", {"address": "x", "registry": "r.txt"})
    server.files["/e/package.yaml"] = path.read_bytes()
    with pytest.raises(DataPackageError, match="has no files beside it; list the files as 'files'"):
        read(f"{server.base}e/package.yaml", tmp_path / "work")


def test_packages_of_many_files_are_the_same_as_those_of_a_folder(
    server: Server, tmp_path: Path
) -> None:
    """Every format is built of what was fetched, and holds what a build of the folder holds."""
    path = define(tmp_path / "definition", three_files(server))
    folder = tmp_path / "folder" / "atlas"
    for name, content in zip(
        ("T1w.mat", "maps/labels of areas.tsv", "maps/more/seven.txt"), FILES.values(), strict=True
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "folder" / "package.yaml").write_text(HEAD, "utf-8")
    built = [
        {artifact.format: artifact.payload_id for artifact in build(str(source), FORMATS, out)}
        for source, out in ((path, tmp_path / "one"), (tmp_path / "folder", tmp_path / "two"))
    ]
    assert built[0] == built[1]
    assert set(built[0]) >= {"conda", "deb", "wheel", "sdist"}


def test_a_doi_alone_says_how_its_files_are_listed(tmp_path: Path) -> None:
    said = problems_of({"doi": "https://doi.org/10.5281/zenodo.4924875"}, tmp_path)
    assert "field 'source.doi' alone does not name the files" in said
    assert "run nipack init doi:10.5281/zenodo.4924875, which lists them" in said


def test_a_file_is_put_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    data = tmp_path / "data"
    for link in (True, False):
        name = f"a/{link}"
        assert _put(tmp_path / "source", data, name, link=link) == ""
        assert (data / name).read_bytes() == b"content"
        assert (data / name).samefile(tmp_path / "source") is link
        taken = "a file is there already, or has the name of its folder"
        assert _put(tmp_path / "source", data, name, link=link) == taken
        assert _put(tmp_path / "source", data, f"{name}/below", link=link) == taken
        assert _put(tmp_path / "source", data, "a", link=link) == taken
        long = _put(tmp_path / "source", data, "n" * 300, link=link)
        assert long == "the name is too long for this machine"
    with pytest.raises(FileNotFoundError):
        _put(tmp_path / "none", data, "b", link=False)


def test_only_what_lies_in_the_cache_has_a_second_name(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    (tmp_path / "data").mkdir()
    making = _Making(tmp_path / "data")
    fetched = (tmp_path / "source", {"sha256": "0"})
    for name, address in (("far", "https://example.org/a?token=1"), ("near", "/home/me/a")):
        part = _put_file(SourceFile(path=name, source=Source(address=address)), fetched, making)
        assert (tmp_path / "data" / name).samefile(tmp_path / "source") is (name == "far")
        assert part.address == (address if name == "far" else None)
        assert (part.path, part.size, part.places) == (tmp_path / "source", 7, ((None, name),))
        assert part.top is None
    placed = Source(address="/home/me/a", place="package.yaml:4")
    _put_file(SourceFile(path="near", source=placed), fetched, making)
    taken = "a file is there already, or has the name of its folder"
    place = "package.yaml:4: /home/me/a: it cannot be put at near"
    assert making.problems == [f"{place}: {taken}; change its path"]
    assert _named(Source(address="https://me:word@example.org/a")) == "https://example.org/a"


def test_members_are_in_the_order_of_bytes_and_links_are_among_them(tmp_path: Path) -> None:
    for name in ("b/z", "b-", "é", "Z", "b/c/a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "link").symlink_to("c")
    (tmp_path / "b" / "lost").symlink_to("none")
    found = list(_members(tmp_path))
    assert found == ["Z", "b-", "b/c/a", "b/link", "b/lost", "b/z", "é"]


@pytest.mark.parametrize(
    ("names", "top"),
    [(["a/b"], "a"), (["a/b", "c"], None), (["a"], None), ([], None), (["a/b", "c/d"], None)],
)
def test_the_top_is_the_one_folder(names: list[str], top: str | None, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert _top_of(tmp_path) == top


def test_what_is_moved_takes_no_place_and_links_come_last(tmp_path: Path) -> None:
    source, data = tmp_path / "source", tmp_path / "data"
    for folder in (source, data / "a"):
        folder.mkdir(parents=True)
    (source / "file").write_bytes(b"content")
    (source / "link").symlink_to("to")
    (data / "lost").symlink_to("none")
    making = _Making(data)
    assert _moved(source / "link", "a/link", "x cannot be put at a/link", making) == ""
    assert making.links == [("a/link", "to", "x cannot be put at a/link")]
    taken = "a file is there already, or has the name of its folder"
    assert _moved(source / "file", "lost", "", making) == taken
    assert _moved(source / "file", "lost/below", "", making) == taken
    assert _moved(source / "file", "b/c/file", "", making) == ""
    assert (data / "b/c/file").read_bytes() == b"content"
    assert not (source / "file").exists()


def test_links_are_made_in_order_and_none_below_another(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    making = _Making(tmp_path)
    making.links += [
        ("folder", "inner", "1 at folder"),
        ("folder/link", "x", "2 at folder/link"),
        ("new/link", "../there", "3 at new/link"),
        ("out", "../there", "4 at out"),
        ("there", "x", "5 at there"),
    ]
    _make_links(making)
    assert making.problems == [
        "2 at folder/link: it is below another link; take less",
        "4 at out: it is a link that leaves the data, to ../there; take less",
        "5 at there: a file is there already, or has the name of its folder; take less",
    ]
    assert (tmp_path / "new/link").readlink() == Path("../there")
