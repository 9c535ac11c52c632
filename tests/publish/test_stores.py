"""Stores: which an address means, what they leave half-written, and what they say."""

import asyncio
import errno
import hashlib
import io
import os
import socket
import stat
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncssh
import pytest
import requests

from nipack.publish.errors import ExistsError, RepositoryError, StoreError, store_errors_say
from nipack.publish.stores import store_at, unfinished
from nipack.publish.stores.bucket import BucketStore, _is_there
from nipack.publish.stores.folder import FolderStore
from nipack.publish.stores.promise import keeps_promise
from nipack.publish.stores.sftp import SftpStore
from nipack.publish.stores.web import WebReader

REMEDY = "check the folder's permissions and the free space on its disk"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lab")


def test_an_address_means_a_store(tmp_path: Path) -> None:
    for address, folder in {
        "lab": "lab",
        "c:/lab": "c:/lab",
        "c://lab": "c://lab",
        "file:///a%20b": "/a b",
    }.items():
        found = store_at(address)
        assert isinstance(found, FolderStore)
        assert (found.folder, found.address) == (Path(folder), str(Path(folder)))
    assert isinstance(store_at("memory://lab"), BucketStore)
    assert isinstance(store_at("sftp://ada@host/srv"), SftpStore)
    with pytest.raises(RepositoryError) as caught:
        store_at("ftp://host/lab")
    assert str(caught.value) == (
        "ftp://host/lab: nothing can be stored there; give a folder, or one of file://, sftp://, "
        "memory://, s3://, gs://"
    )


@pytest.mark.parametrize(
    ("address", "shown", "top"),
    [
        ("sftp://ada:word@host:2222/srv/a%20b/", "sftp://host:2222/srv/a%20b", "/srv/a b"),
        ("sftp://host/srv", "sftp://host/srv", "/srv"),
    ],
)
def test_an_sftp_address_is_shown_without_who_it_is(address: str, shown: str, top: str) -> None:
    store = SftpStore(address)
    assert (store.address, store._top, store.folder) == (shown, top, None)
    assert (store._at("a/b"), store._at("")) == (f"{top}/a/b", top)


@pytest.mark.parametrize("address", ["sftp://host", "sftp://host/", "sftp:///srv"])
def test_an_sftp_address_has_a_host_and_a_path(address: str) -> None:
    with pytest.raises(RepositoryError) as caught:
        SftpStore(address)
    assert (
        str(caught.value) == f"{address}: is not an address; write it as sftp://ada@host/srv/data"
    )


def test_a_file_that_is_the_same_is_not_written_again(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a/b", b"first")
    file = Path(store.address, "a/b")
    os.utime(file, (1, 1))
    assert abs(store.age("a/b") - (time.time() - 1)) < 60
    store.write("a/b", b"first")
    assert file.stat().st_mtime == 1
    store.write("a/b", b"other")
    assert file.stat().st_mtime > 1
    assert store.age("none") == 0
    assert store.files("none") == {}
    assert store.files("") == {"a/b": 5}
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    store.write("a/b", b"third")
    store.create("a/c", b"x")
    store.create_from("a/d", file, lambda count: None)
    assert len(synced) == 3


def test_what_a_folder_does_not_take_is_told(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a", b"first")
    with pytest.raises(ExistsError) as caught:
        store.create("a", b"second")
    assert str(caught.value) == f"{store.address}/a: is there already"
    assert store.read("a/b") is None
    assert store.digest("a/b") is None
    with pytest.raises(StoreError) as failed:
        store.write("a/b", b"")
    assert str(failed.value) == f"{store.address}/a/b: Not a directory; {REMEDY}"
    Path(store.address, "folder").mkdir()
    for ask in (store.read, store.digest, store.delete):
        with pytest.raises(StoreError) as failed:
            ask("folder")
        assert str(failed.value) == f"{store.address}/folder: Is a directory; {REMEDY}"
    assert list(Path(store.address, ".nipack/unfinished").iterdir()) == []

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError) as failed:
        store.create("new", b"")
    assert str(failed.value) == f"{store.address}/new: No space left on device; {REMEDY}"
    assert store.read("new") is None
    assert list(Path(store.address, ".nipack/unfinished").iterdir()) == []


def test_what_was_abandoned_in_a_folder_is_deleted(store: FolderStore) -> None:
    store.tidy()
    host, own = socket.gethostname(), os.getpid()
    for name in (f"{host}.{own}.x", f"{host}.999999999.x", "other.1.x", "odd"):
        store.write(f"{unfinished.UNFINISHED}/{name}", b"")
    old = Path(store.address, unfinished.UNFINISHED, "other.1.x")
    os.utime(old, (1, 1))
    store.tidy()
    left = {path.rpartition("/")[2] for path in store.files("")}
    assert left == {f"{host}.{own}.x", "odd"}


@pytest.mark.parametrize("keeps", [True, False])
def test_a_promise_is_tried_and_nothing_is_left(keeps: bool, store: FolderStore) -> None:
    made: dict[str, bytes] = {}

    def create(path: str, content: bytes) -> None:
        if keeps and path in made:
            raise ExistsError(path)
        made[path] = content

    assert keeps_promise(create, made.__delitem__, "a") is keeps
    assert made == {}
    store.create = create if not keeps else store.create  # type: ignore[method-assign]
    if keeps:
        store.probe()
        return
    store.delete = made.__delitem__  # type: ignore[assignment, method-assign]
    with pytest.raises(RepositoryError) as caught:
        store.probe()
    assert str(caught.value) == (
        f"{store.address}: two could create the same file here, so two publishers at once could "
        "lose packages; use a folder on another file system"
    )


def test_who_writes_is_known_by_the_name() -> None:
    folder, _, name = unfinished.own_path().rpartition("/")
    host, process, word = name.rsplit(".", 2)
    assert (folder, host, process) == (".nipack/unfinished", socket.gethostname(), str(os.getpid()))
    assert len(word) == 8
    assert unfinished.own_path() != unfinished.own_path()


@pytest.mark.parametrize(
    ("name", "age", "abandoned"),
    [
        ("HOST.OWN.x", 86_400, False),
        ("HOST.OWN.x", 86_401, True),
        ("HOST.999999999.x", 0, True),
        ("HOST.one.x", 0, False),
        ("HOST", 0, False),
        ("other.999999999.x", 86_400, False),
        ("other.999999999.x", 86_401, True),
        ("a.HOST.999999999.x", 0, False),
    ],
)
def test_what_is_abandoned(name: str, age: float, abandoned: bool) -> None:
    name = name.replace("HOST", socket.gethostname()).replace("OWN", str(os.getpid()))
    assert unfinished.is_abandoned(name, age) is abandoned


def test_a_process_of_another_user_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, runs in ((PermissionError, True), (ProcessLookupError, False), (OSError, True)):

        def kill(process: int, signal: int, error: type[OSError] = error) -> None:
            assert signal == 0, "it is only asked whether it is there"
            raise error

        monkeypatch.setattr(os, "kill", kill)
        assert unfinished._runs(1) is runs


def test_only_what_is_abandoned_is_deleted() -> None:
    ages = {"x/other.1.a": 99_999.0, "x/other.1.b": 0.0}
    deleted: list[str] = []
    asked: list[str] = []

    def files(folder: str) -> list[str]:
        asked.append(folder)
        return list(ages)

    unfinished.tidy_unfinished(files, ages.__getitem__, deleted.append)
    assert (asked, deleted) == ([unfinished.UNFINISHED], ["x/other.1.a"])


def test_what_a_server_says_of_an_object_that_is_there() -> None:
    failed = OSError("an upload in parts")
    failed.__context__ = FileExistsError()
    for error in (FileExistsError(), failed, OSError("At least one of the Pre-Conditions failed")):
        assert _is_there(error) is True
    assert _is_there(OSError("pre condition")) is False


def test_an_error_of_a_store_says_what_it_means_once() -> None:
    for error, said in (
        (StoreError("a"), "a; b"),
        (StoreError("a; b"), "a; b"),
        (RepositoryError("a"), "a"),
    ):
        with pytest.raises(RepositoryError) as caught, store_errors_say("b"):
            raise error
        assert str(caught.value) == said


class Answer:
    """What a web server answers, of so many chunks."""

    url, reason = "https://lab.example/a", "Reason"

    def __init__(self, status: int = 200, *chunks: bytes, error: Exception | None = None) -> None:
        self.status_code, self.chunks, self.error, self.closed = status, chunks, error, False

    def iter_content(self, size: int) -> Any:
        assert size == 16_384
        yield from self.chunks
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Any:
    reader = WebReader("https://lab.example/top//")
    found = SimpleNamespace(reader=reader, answer=Answer(), asked=[])

    def get(address: str, **words: Any) -> Answer:
        found.asked.append((address, words))
        if isinstance(found.answer, Exception):
            raise found.answer
        answer: Answer = found.answer
        return answer

    monkeypatch.setattr(reader._session, "get", get)
    return found


def test_a_file_of_the_web_is_read_as_it_lies_there(web: Any) -> None:
    web.answer = Answer(200, b"one ", b"two")
    assert web.reader.address == "https://lab.example/top"
    assert web.reader.read("a b/c") == b"one two"
    assert web.asked == [
        (
            "https://lab.example/top/a%20b/c",
            {"stream": True, "timeout": 30, "headers": {"Accept-Encoding": "identity"}},
        )
    ]
    assert web.reader.digest("a") == (7, hashlib.sha256(b"one two").hexdigest())
    assert web.answer.closed


@pytest.mark.parametrize("status", [403, 404])
def test_a_file_that_is_not_there_is_none(status: int, web: Any) -> None:
    web.answer = Answer(status, b"a page")
    assert web.reader.read("a") is None
    assert web.reader.digest("a") is None


@pytest.mark.parametrize("status", [199, 201, 301, 401, 500])
def test_another_answer_is_told(status: int, web: Any) -> None:
    web.answer = Answer(status)
    with pytest.raises(RepositoryError) as caught:
        web.reader.read("a")
    assert str(caught.value) == (
        f"https://lab.example/a: the server answers {status} Reason; try later"
    )
    assert web.answer.closed


@pytest.mark.parametrize("error", [requests.ConnectionError(), ValueError(), requests.Timeout()])
@pytest.mark.parametrize("late", [True, False])
def test_a_connection_that_fails_is_told(error: Exception, late: bool, web: Any) -> None:
    web.answer = Answer(200, b"x", error=error) if late else error
    for ask in (web.reader.read, web.reader.digest):
        with pytest.raises(RepositoryError) as caught:
            ask("a b")
        assert str(caught.value) == (
            f"https://lab.example/top/a b: cannot be fetched: {type(error).__name__}; check the "
            "address and the network"
        )


def test_a_file_of_the_web_has_a_bound(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nipack.publish.stores.web.MOST_OF_OWN", 2000)
    web.answer = Answer(200, bytes(1500), bytes(500))
    assert web.reader.read("a") == bytes(2000)
    web.answer = Answer(200, bytes(1500), bytes(501))
    with pytest.raises(RepositoryError) as caught:
        web.reader.read("a")
    assert str(caught.value) == (
        "https://lab.example/top/a: has more than 2,000 bytes, which nothing has that nipack "
        "writes; check the address"
    )


class Objects:
    """A file system of a service, which answers as it is told to."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, list[Any]()

    def __getattr__(self, name: str) -> Any:
        def answer(*given: Any, **words: Any) -> Any:
            self.asked.append((name, *given, words))
            found = self.answers.get(name)
            if isinstance(found, BaseException):
                raise found
            return found

        return answer


@pytest.fixture
def bucket() -> BucketStore:
    return BucketStore("memory://lab/top/")


def told(bucket: BucketStore, **answers: Any) -> Objects:
    system = Objects(**answers)
    bucket._system = system
    return system


def test_an_object_is_asked_for_by_its_place(bucket: BucketStore, tmp_path: Path) -> None:
    top = bucket._top
    bucket._service = replace(bucket._service, content_type="kind", one_request={"one": 1})
    system = told(bucket, cat_file=b"content")
    assert bucket.address == "memory://lab/top"
    assert bucket.folder is None
    assert bucket.read("a/b") == b"content"
    bucket.write("a.json", b"1")
    bucket.write("simple/x/index.html", b"2")
    bucket.write("x/index.html", b"3")
    bucket.create("a.png", b"4")
    (tmp_path / "a").write_bytes(b"five")
    counts: list[int] = []
    bucket.create_from("b", tmp_path / "a", counts.append)
    bucket.delete("c")
    html = {"kind": "text/html; charset=utf-8"}
    assert system.asked == [
        ("cat_file", f"{top}/a/b", {"one": 1}),
        ("pipe_file", f"{top}/a.json", b"1", {"kind": "application/json"}),
        ("pipe_file", f"{top}/simple/x/index.html", b"2", html),
        ("pipe_file", f"{top}/simple/x/", b"2", html),
        ("pipe_file", f"{top}/x/index.html", b"3", html),
        ("pipe_file", f"{top}/a.png", b"4", {"mode": "create", "kind": "image/png"}),
        (
            "put_file",
            str(tmp_path / "a"),
            f"{top}/b",
            {"mode": "create", "kind": "application/octet-stream"},
        ),
        ("rm_file", f"{top}/c", {}),
    ]
    assert counts == [4]


def test_objects_have_no_kind_where_a_service_has_none(bucket: BucketStore) -> None:
    system = told(bucket)
    bucket.write("simple/x/index.html", b"2")
    assert system.asked == [("pipe_file", f"{bucket._top}/simple/x/index.html", b"2", {})]


def test_what_is_not_there_is_none_or_nothing(bucket: BucketStore) -> None:
    gone = FileNotFoundError("gone")
    told(bucket, cat_file=gone, open=gone, find=gone, modified=gone, rm_file=gone)
    assert bucket.read("a") is None
    assert bucket.digest("a") is None
    assert bucket.files("a") == {}
    assert bucket.age("a") == 0.0
    bucket.delete("a")
    told(bucket, modified=NotImplementedError())
    assert bucket.age("a") == 0.0
    told(bucket, modified="no time")
    assert bucket.age("a") == 0.0
    told(bucket, modified=datetime.fromtimestamp(time.time() - 100, timezone.utc))
    assert 99 < bucket.age("a") < 160


def test_folders_are_no_objects(bucket: BucketStore) -> None:
    top = bucket._top
    found = {
        f"{top}/a/b": {"size": "7", "type": "file"},
        f"{top}/a/": {"size": 0, "type": "file"},
        f"{top}/c": {"size": 0, "type": "directory"},
    }
    system = told(bucket, find=found)
    assert bucket.files("a") == {"a/b": 7}
    assert system.asked == [
        ("invalidate_cache", {}),
        ("find", f"{top}/a", {"detail": True}),
    ]
    bucket.files("")
    assert system.asked[-1] == ("find", top, {"detail": True})


def test_of_an_object_that_is_there_the_content_is_compared(
    bucket: BucketStore, tmp_path: Path
) -> None:
    (tmp_path / "a").touch()
    told(bucket, pipe_file=FileExistsError(), put_file=FileExistsError(), cat_file=b"same")
    bucket.create("a", b"same")
    said = r"^memory://lab/top/a: is there already$"
    with pytest.raises(ExistsError, match=said):
        bucket.create("a", b"other")
    with pytest.raises(ExistsError, match=said):
        bucket.create_from("a", tmp_path / "a", lambda count: None)


def test_what_a_service_says_is_told_with_the_remedy(bucket: BucketStore) -> None:
    bucket._service = replace(bucket._service, login=" (log in)")
    said = "memory://lab/top/a: why; check the address, your permissions (log in) and the network"
    for error in (OSError("why\nand where"), ValueError("why")):
        told(bucket, cat_file=error, pipe_file=error, find=error)
        for ask in (bucket.read, bucket.files, lambda path: bucket.create(path, b"")):
            with pytest.raises(StoreError) as caught:
                ask("a")
            assert str(caught.value) == said
    told(bucket, cat_file=KeyError())
    with pytest.raises(StoreError, match="/a: KeyError; check"):
        bucket.read("a")


def test_a_service_that_does_not_heed_its_condition_is_refused(bucket: BucketStore) -> None:
    system = told(bucket)
    with pytest.raises(RepositoryError) as caught:
        bucket.probe()
    assert str(caught.value) == (
        "memory://lab/top: this server does not heed exclusive creation, so two publishers at "
        "once could lose packages; use one that does, or publish in a folder and copy it"
    )
    assert [each[0] for each in system.asked] == ["pipe_file", "pipe_file", "rm_file"]
    assert system.asked[0][1].startswith(f"{bucket._top}/.nipack/unfinished/")


def test_what_was_abandoned_in_a_bucket_is_deleted(bucket: BucketStore) -> None:
    path = f"{bucket._top}/.nipack/unfinished/other.1.x"
    old = datetime.fromtimestamp(1, timezone.utc)
    system = told(bucket, find={path: {"size": 1, "type": "file"}}, modified=old)
    bucket.tidy()
    assert system.asked[-1] == ("rm_file", path, {})


def sftp_that(error: Exception) -> SftpStore:
    """Return a store whose every question ends with an error."""
    store = SftpStore("sftp://ada:word@host/srv")

    def ask(action: object) -> None:
        raise error

    store._session.do = ask  # type: ignore[method-assign, assignment]
    return store


def test_what_an_sftp_server_says_is_told_without_who_asks() -> None:
    for error, why in ((OSError("why\nand where"), "why"), (TimeoutError(), "TimeoutError")):
        store = sftp_that(error)
        for ask in (store.read, store.digest, store.files, store.age, store.delete):
            with pytest.raises(StoreError) as caught:
                ask("a")
            assert str(caught.value) == (
                f"sftp://host/srv/a: {why}; check the connection, your permissions and the free "
                "space on its disk"
            )


def test_what_is_not_on_an_sftp_server_is_none_or_nothing() -> None:
    store = sftp_that(FileNotFoundError("gone"))
    assert store.read("a") is None
    assert store.digest("a") is None
    assert store.age("a") == 0.0
    store.delete("a")


def test_an_sftp_server_that_links_over_a_file_is_refused() -> None:
    store = SftpStore("sftp://host/srv")
    made: list[str] = []
    store.create = lambda path, content: made.append(path)  # type: ignore[method-assign]
    store.delete = made.append  # type: ignore[assignment, method-assign]
    with pytest.raises(RepositoryError) as caught:
        store.probe()
    assert str(caught.value) == (
        "sftp://host/srv: this server makes a link over a file that is there, so two publishers "
        "at once could lose packages; use OpenSSH's"
    )
    assert len(made) == 3
    assert len({*made}) == 1


class Stream:
    """A file over there, which notes what is done to it."""

    def __init__(self, done: list[Any], content: bytes = b"") -> None:
        self.done, self.content = done, io.BytesIO(content)

    async def read(self, size: int) -> bytes:
        return self.content.read(3)

    async def write(self, content: bytes) -> None:
        self.done.append(("write", content))

    async def fsync(self) -> None:
        self.done.append(("fsync",))
        raise asyncssh.SFTPOpUnsupported("fsync")

    async def __aenter__(self) -> "Stream":
        return self

    async def __aexit__(self, *reason: object) -> None:
        self.done.append(("close",))


class Client:
    """An sftp client, which notes what it is asked; some of it is an error."""

    def __init__(self, **errors: Exception) -> None:
        self.errors, self.done = errors, list[Any]()
        self.files = {"/srv/a": b"0123456789"}
        self.folders: dict[str, list[tuple[str, int, int]]] = {}

    def open(self, path: str, mode: str) -> Stream:
        if mode == "rb" and path not in self.files:
            raise FileNotFoundError(path)
        return Stream(self.done, self.files.get(path, b""))

    async def exists(self, path: str) -> bool:
        return path in self.files

    async def readdir(self, path: str) -> list[Any]:
        if path not in self.folders:
            raise asyncssh.SFTPNoSuchFile(path)
        return [
            SimpleNamespace(filename=name, attrs=SimpleNamespace(permissions=mode, size=size))
            for name, mode, size in self.folders[path]
        ]

    def __getattr__(self, name: str) -> Any:
        async def asked(*given: Any, **words: Any) -> None:
            self.done.append((name, *given))
            if name in self.errors:
                raise self.errors[name]

        return asked


def sftp_of(client: Client) -> tuple[SftpStore, list[int]]:
    """Return a store that asks a client, and how often it has noted that it was answered."""
    store, answers = SftpStore("sftp://host/srv"), list[int]()

    async def acted(action: Any) -> Any:
        return await action(client)

    store._session.do = lambda action: asyncio.run(acted(action))  # type: ignore[method-assign]
    store._session.has_answered = lambda: answers.append(1)  # type: ignore[method-assign]
    return store, answers


def test_each_part_of_a_file_over_there_is_an_answer(tmp_path: Path) -> None:
    client = Client()
    store, answers = sftp_of(client)
    assert store.read("a") == b"0123456789"
    assert len(answers) == 4
    assert store.digest("a") == (10, hashlib.sha256(b"0123456789").hexdigest())
    assert len(answers) == 8
    assert store.read("b") is None
    (tmp_path / "a").write_bytes(bytes(600_000))
    counts: list[int] = []
    store.create_from("b", tmp_path / "a", counts.append)
    assert (sum(counts), len(answers)) == (600_000, 8 + len(counts))


def test_a_file_over_there_has_its_name_when_all_is_there() -> None:
    client = Client()
    store, _ = sftp_of(client)
    for content in (b"first", b"second"):
        store.write("b/c", content)
        folders = [each[1] for each in client.done if each[0] == "makedirs"]
        own = next(each[1] for each in client.done if each[0] == "posix_rename")
        assert own.startswith("/srv/.nipack/unfinished/")
        made = {"/srv/b", "/srv/.nipack/unfinished"} if content == b"first" else set()
        assert (set(folders), len(folders)) == (made, len(made)), "a folder is made once"
        assert [each for each in client.done if each[0] != "makedirs"] == [
            ("write", content),
            ("fsync",),
            ("posix_rename", own, "/srv/b/c"),
            ("close",),
            ("unlink", own),
        ]
        client.done.clear()
    store.create("b/d", b"third")
    assert [each[0] for each in client.done] == ["write", "fsync", "link", "close", "unlink"]
    store.delete("b/d")
    assert client.done[-1] == ("unlink", "/srv/b/d")


def test_a_link_that_is_refused_says_why() -> None:
    store, _ = sftp_of(Client(link=asyncssh.SFTPFailure("no"), unlink=asyncssh.SFTPFailure("no")))
    with pytest.raises(ExistsError, match=r"^sftp://host/srv/a: is there already$"):
        store.create("a", b"")
    with pytest.raises(StoreError, match=r"^sftp://host/srv/b: no; check the connection"):
        store.create("b", b"")


def test_the_files_over_there_are_those_of_all_folders() -> None:
    client = Client()
    store, answers = sftp_of(client)
    folder, file = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644
    dots = [(".", folder, 0), ("..", folder, 0)]
    client.folders = {
        "/srv/a": [*dots, ("b", folder, 0), ("c", file, 7), ("gone", folder, 0)],
        "/srv/a/b": [*dots, ("d", file, 8)],
        "/srv": [*dots, ("a", folder, 0), ("e", file, 9)],
    }
    assert store.files("a") == {"a/c": 7, "a/b/d": 8}
    assert len(answers) == 2
    assert store.files("") == {"a/c": 7, "a/b/d": 8, "e": 9}
    assert store.files("none") == {}
