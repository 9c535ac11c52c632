"""Downloads: gone on with where they ended, tried again, kept by their digest, offline."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.builder.samples import RecordingReporter, member, tar_bytes
from tests.builder.served import CONTENT, Server, serving
from tests.conftest import MakeTree

from nipack.builder.definition.sources import Source
from nipack.builder.source import download as module
from nipack.builder.source.bucket import BucketObject
from nipack.builder.source.tree import fetch_source
from nipack.cli.app import nipack
from nipack.system.errors import SourceDigestError, SourceError

SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with serving(tmp_path / "ca.pem") as served:
        yield served


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fetch(server: Server, digests: dict[str, str] | None = None, *, offline: bool = False) -> bytes:
    stated: dict[str, Any] = dict(digests or {})
    source = Source(address=server.address, **stated)
    path, found = fetch_source(source, RecordingReporter(), offline=offline)
    content = path.read_bytes()
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    return content


def in_cache(cache: Path) -> list[str]:
    return sorted(path.parent.name for path in cache.glob("downloads/*/file"))


@pytest.mark.parametrize("name", ["sha256", "sha512", "md5"])
def test_it_is_fetched_once_and_kept_by_its_digest(name: str, server: Server, cache: Path) -> None:
    digests = {name: hashlib.new(name, CONTENT).hexdigest()}
    assert fetch(server, digests) == fetch(server, digests) == CONTENT
    assert len(server.asked) == 1
    assert in_cache(cache) == [f"{name}-{digests[name]}"]
    assert fetch(server, digests, offline=True) == CONTENT


def test_what_broke_off_goes_on_where_it_ended(server: Server, cache: Path) -> None:
    server.break_after = [1000, 5000]
    assert fetch(server, {"sha256": SHA256}) == CONTENT
    assert [each.get("Range") for each in server.asked] == [None, "bytes=1000-", "bytes=6000-"]


def test_another_run_goes_on_where_the_first_ended(server: Server, cache: Path) -> None:
    server.break_after = [1000, 0, 0, 0, 0]
    with pytest.raises(SourceError, match="cannot be fetched"):
        fetch(server)
    assert in_cache(cache) == []
    server.break_after, server.asked = [], []
    assert fetch(server) == CONTENT
    assert server.asked[0]["Range"] == "bytes=1000-"
    assert server.asked[0]["If-Range"] == '"1"'


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    server: Server, cache: Path
) -> None:
    server.break_after = [1000, 0, 0, 0, 0]
    with pytest.raises(SourceError):
        fetch(server)
    server.break_after, server.content, server.etag = [], CONTENT[::-1], '"2"'
    assert fetch(server) == CONTENT[::-1]


def test_a_server_without_ranges_begins_again(server: Server, cache: Path) -> None:
    server.ranges, server.break_after = False, [1000]
    assert fetch(server) == CONTENT


def test_a_server_that_tells_no_versions_begins_again(server: Server, cache: Path) -> None:
    server.etag, server.break_after = "", [1000]
    assert fetch(server) == CONTENT
    assert [each.get("Range") for each in server.asked] == [None, None]


def test_a_part_that_is_longer_than_the_file_is_dropped(server: Server, cache: Path) -> None:
    server.break_after = [5000, 0, 0, 0, 0]
    with pytest.raises(SourceError):
        fetch(server)
    server.break_after, server.content = [], b"short"
    assert fetch(server) == b"short"


def test_a_part_that_shrinks_and_grows_is_given_up(server: Server, cache: Path) -> None:
    server.ranges, server.break_after = False, [5000, 1000] * 20
    with pytest.raises(SourceError, match="cannot be fetched"):
        fetch(server)
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int, server: Server, cache: Path) -> None:
    server.statuses = [status, status]
    assert fetch(server) == CONTENT
    assert len(server.asked) == 3


def test_a_missing_file_is_not_asked_for_again(server: Server, cache: Path) -> None:
    server.statuses = [404]
    with pytest.raises(SourceError, match="404"):
        fetch(server)
    assert len(server.asked) == 1


def test_a_server_that_stays_busy_is_given_up(server: Server, cache: Path) -> None:
    server.statuses = [503] * 9
    with pytest.raises(SourceError, match="cannot be fetched: 503"):
        fetch(server)
    assert len(server.asked) == 4


def test_without_a_digest_the_server_is_asked_whether_it_changed(
    server: Server, cache: Path
) -> None:
    assert fetch(server) == fetch(server) == CONTENT
    assert server.asked[1]["If-None-Match"] == '"1"'
    server.content, server.etag = b"newer", '"2"'
    assert fetch(server) == b"newer"


def test_offline_takes_what_came_the_last_time(server: Server, cache: Path) -> None:
    with pytest.raises(SourceError, match=r"not in the cache .* and nothing is fetched offline"):
        fetch(server, offline=True)
    assert server.asked == []
    fetch(server)
    assert fetch(server, offline=True) == CONTENT
    assert len(server.asked) == 1


def test_a_failed_refresh_keeps_what_came_before(server: Server, cache: Path) -> None:
    fetch(server)
    server.content, server.etag, server.break_after = CONTENT[::-1], '"2"', [1000, 0, 0, 0, 0]
    with pytest.raises(SourceError, match="cannot be fetched"):
        fetch(server)
    assert fetch(server, offline=True) == CONTENT
    server.break_after, server.asked = [], []
    assert fetch(server) == CONTENT[::-1]
    assert server.asked[0]["Range"] == "bytes=1000-"
    assert fetch(server, offline=True) == CONTENT[::-1]


def test_a_refresh_that_is_begun_again_keeps_what_came_before(server: Server, cache: Path) -> None:
    fetch(server)
    server.content, server.etag, server.break_after = CONTENT[::-1], "", [5000, 0, 0, 0, 0]
    with pytest.raises(SourceError):
        fetch(server)
    server.content, server.statuses = b"short", [416, 404]
    with pytest.raises(SourceError, match="404"):
        fetch(server)
    assert fetch(server, offline=True) == CONTENT


def test_a_wrong_file_is_neither_kept_nor_gone_on_with(server: Server, cache: Path) -> None:
    with pytest.raises(SourceDigestError, match=r"sha256 should be 0+"):
        fetch(server, {"sha256": "0" * 64})
    assert in_cache(cache) == []
    assert list((cache / "partial").glob("*.part")) == []


@pytest.mark.parametrize("digests", [{"sha256": SHA256}, {}], ids=["stated", "remembered"])
def test_a_damaged_file_of_the_cache_is_fetched_again(
    digests: dict[str, str], server: Server, cache: Path
) -> None:
    fetch(server, digests)
    [kept] = cache.glob("downloads/*/file")
    kept.write_bytes(b"damaged")
    with pytest.raises(SourceError, match="not in the cache"):
        fetch(server, digests, offline=True)
    assert fetch(server, digests) == CONTENT


def test_two_at_a_time_fetch_it_once(server: Server, cache: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch(server, {"sha256": SHA256})))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 4
    assert len(server.asked) == 1


def test_the_cache_is_where_the_system_has_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIPACK_CACHE_DIR")
    assert module.cache_directory().name == "nipack"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(nipack, [str(each) for each in arguments])


def test_a_build_offline_of_what_was_built_before(
    server: Server, cache: Path, tmp_path: Path
) -> None:
    server.content = gzip.compress(tar_bytes(member("d/lab/config.ini", b"[DEFAULT]\nversion=1.0")))
    digest = hashlib.sha256(server.content).hexdigest()
    source = f"source: {{address: {server.address}, sha256: {digest}}}\n"
    text = f"name: my-lab\nrelpath: my/lab\nversion: '1.0'\n{source}"
    (tmp_path / "package.yaml").write_text(text, "utf-8")
    arguments = ("build", tmp_path / "package.yaml", "-o", tmp_path / "dist", "-f", "conda")
    result = run(*arguments, "--offline")
    assert result.exit_code == 1
    assert "nothing is fetched offline" in result.stderr
    assert run(*arguments).exit_code == 0
    assert run(*arguments, "--offline").exit_code == 0
    assert len(server.asked) == 1


def test_a_definition_at_an_address_names_its_source_relatively(
    server: Server, cache: Path, tmp_path: Path
) -> None:
    text = "name: my-lab\nrelpath: my/lab\nversion: '1.0'\nsource: {address: ../a.tar.gz}\n"
    server.content = text.encode()
    address = server.address.replace("data-1.0.tar.gz", "recipes/package.yaml")
    result = run("build", address, "-o", tmp_path)
    assert "/a.tar.gz: cannot be unpacked" in result.stderr or "not an archive" in result.stderr


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", "package.yaml:1: it names no source"),
        ("name: other\n", "package.yaml:4: field 'name' is given twice"),
        ("a: {\n", "not valid YAML"),
        (
            "source: {address: 'file:///etc/passwd'}\n",
            "package.yaml:4: field 'source.address' names",
        ),
        ("source: {address: /etc/passwd}\n", "/etc/passwd: "),
        (
            "copyright: [{files: ['*'], holders: [Ada], license: MIT, text_file: passwd}]\n",
            "passwd: a definition from an address has no files beside it; write the text as 'text'",
        ),
    ],
)
def test_a_definition_at_an_address_reads_nothing_of_this_machine(
    more: str, words: str, server: Server, cache: Path, tmp_path: Path
) -> None:
    server.content = f"name: my-lab\nrelpath: my/lab\nversion: '1.0'\n{more}".encode()
    address = server.address.replace("data-1.0.tar.gz", "recipes/package.yaml")
    result = run("build", address, "-o", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {server.address.rpartition('/')[0]}"), result.stderr
    assert words in result.stderr
    assert "nipack-" not in result.stderr, "a temporary folder is no place"


def test_a_file_address_of_a_definition(make_tree: MakeTree, tmp_path: Path) -> None:
    tree = make_tree()
    text = "name: nipy-templates\nrelpath: nipy/templates\nversion: '0.3'\n"
    (tree / "package.yaml").write_text(text, "utf-8")
    for address in (tree.as_uri(), (tree / "package.yaml").as_uri()):
        result = run("build", address, "-o", tmp_path / "dist", "-f", "conda", "--json")
        assert result.exit_code == 0
        assert "no-definition" not in result.stdout


def test_a_folder_of_definitions_is_built_and_summed_up(
    make_tree: MakeTree, tmp_path: Path
) -> None:
    folder = tmp_path / "recipes"
    for name in ("one", "two", "three"):
        source = make_tree(name=f"source-{name}", data=name)
        text = (
            f"name: my-{name}\nrelpath: my/{name}\nversion: '0.3'\nsource: {{address: {source}}}\n"
        )
        (folder / name).mkdir(parents=True)
        (folder / name / "package.yaml").write_text(text, "utf-8")
    (folder / "two" / "package.yaml").write_text("name: 2\n", "utf-8")
    result = run("build", folder, "-o", tmp_path / "dist", "-f", "conda", "-q")
    assert result.exit_code == 1
    made = sorted(path.name.rpartition("-")[0] for path in (tmp_path / "dist").iterdir())
    assert made == ["my-one-0.3", "my-three-0.3"]
    assert f"2 of 3 sources built, 1 failed: {folder / 'two'}" in result.stderr


@pytest.fixture
def held(cache: Path, tmp_path: Path) -> Iterator[Any]:
    """A file system in memory that has an object, and its address."""
    import fsspec

    system = fsspec.filesystem("memory")
    path = f"/{tmp_path.name}/lab/a.tar.gz"
    system.pipe_file(path, CONTENT)
    yield system, path
    system.rm_file(path)


def test_an_object_is_fetched_once_and_anew_when_it_is_another(held: Any, cache: Path) -> None:
    system, path = held
    source, reporter = Source(address=f"memory:/{path}"), RecordingReporter()

    def fetched() -> bytes:
        return fetch_source(source, reporter)[0].read_bytes()

    assert fetched() == fetched() == CONTENT
    assert reporter.steps["download"] == [len(CONTENT), len(CONTENT)]
    system.pipe_file(path, b"other")
    assert fetched() == b"other"
    assert len(in_cache(cache)) == 2


def test_an_object_goes_on_where_it_ended(
    held: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(address=f"memory:/{held[1]}", sha256=SHA256)
    whole, begun = BucketObject.chunks, list[int]()

    def cut(self: BucketObject, begin: int) -> Iterator[bytes]:
        begun.append(begin)
        for chunk in whole(self, begin):
            if begin:
                yield chunk
            else:
                yield chunk[:1000]
                raise SourceError("cut")

    monkeypatch.setattr(BucketObject, "chunks", cut)
    with pytest.raises(SourceError, match="cut"):
        fetch_source(source, RecordingReporter())
    assert fetch_source(source, RecordingReporter())[0].read_bytes() == CONTENT
    assert begun == [0, 1000]


def test_an_object_that_changes_meanwhile_is_not_kept(
    held: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, path = held
    whole = BucketObject.chunks

    def changing(self: BucketObject, begin: int) -> Iterator[bytes]:
        yield from whole(self, begin)
        system.pipe_file(path, CONTENT[::-1])

    monkeypatch.setattr(BucketObject, "chunks", changing)
    with pytest.raises(SourceError, match="it changed during the download; run it once more"):
        fetch_source(Source(address=f"memory:/{path}"), RecordingReporter())
    assert in_cache(cache) == []
