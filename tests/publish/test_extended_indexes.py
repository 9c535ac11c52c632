"""Indexes that are extended by what changed are, to the byte, those that the whole log gives."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import REPOSITORY
from tests.publish.catalogue.samples import package
from tests.publish.serving import made_key

from nipack.publish import catalogue, flow, indexes, log
from nipack.publish.ecosystems import Snapshot, ecosystems
from nipack.publish.errors import RepositoryError
from nipack.publish.packages import OrderedPackages, PackageLines, Packages
from nipack.publish.records import PublishedArtifact, PublishedFile
from nipack.publish.retraction import retract
from nipack.publish.signing import Signer, signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]
NAME = "nipy-examplepkg"
# No signature, whose letters are random, can have the word in it, since none has a hyphen.
EVIL = "evil-data"
RECORD = {"name": EVIL, "version": "1", "build": "0", "depends": []}


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Artifacts of three other packages, two of them versions of one name."""
    from importlib.util import module_from_spec, spec_from_file_location

    script = REPOSITORY / "scripts" / "bench_packages.py"
    spec = spec_from_file_location("bench_packages", script)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("others")
    made: list[Path] = module.make_packages(folder, 2) + module.make_packages(folder, 1, start=4)
    return made


class Lab:
    """A repository, and who publishes there."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder, self.key = folder, key

    @property
    def signer(self) -> Signer:
        return signer_of(str(self.key))

    def publish(self, *files: Path, **settings: Any) -> None:
        first = {"name": "lab", "address": "https://data.lab.example", **settings}
        store = store_at(str(self.folder))
        assert not flow.publish(files, store, self.signer, flow.Settings(**first)).refused

    def of_the_log(self) -> dict[str, bytes]:
        """Return what all packages of the log give, but for signatures."""
        state = log.load(store_at(str(self.folder)))
        assert state is not None
        snapshot = Snapshot(
            repository=state.repository,
            packages=state.ordered(),
            signer=self.signer,
            keyring=state.identity,
        )
        found = {
            file.path: file.content
            for ecosystem in ecosystems().values()
            for file in ecosystem.indexes(snapshot)
            if not file.signature
        }
        payloads = indexes.Payloads(store_at(str(self.folder)), {})
        return found | dict(catalogue.render(state.repository, state.ordered(), payloads))

    def differing(self) -> list[str]:
        """Return what is not there as the log gives it, and what SHA256SUMS has otherwise."""
        expected = self.of_the_log()
        wrong = [path for path, content in expected.items() if self.read(path) != content]
        sums = indexes.read_sums(self.read("SHA256SUMS"))
        wrong += [
            path
            for path, digest in sums.items()
            if hashlib.sha256(self.read(path)).hexdigest() != digest
        ]
        settled = (".metadata", ".xml.gz", ".msgpack.zst")
        return wrong + [
            path
            for path in expected.keys() - sums.keys()
            if "by-hash" not in path and "/pool/" not in path and not path.endswith(settled)
        ]

    def read(self, path: str) -> bytes:
        file = self.folder / path
        return file.read_bytes() if file.exists() else b""


@pytest.fixture
def lab(tmp_path: Path, key: Path, artifacts: Artifacts) -> Lab:
    """A repository with the first version of the example."""
    lab = Lab(tmp_path / "lab", key)
    lab.publish(*artifacts["0.1"].values())
    return lab


@pytest.fixture
def no_package_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be an error to read all packages of the log."""

    def refuse(packages: OrderedPackages, index: object) -> None:
        raise AssertionError("all packages were read")

    monkeypatch.setattr(OrderedPackages, "__getitem__", refuse)


@pytest.mark.slow(8)
def test_every_step_gives_what_the_whole_log_gives(
    lab: Lab, others: list[Path], artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Callable[[], object]] = [
        lambda: lab.publish(*others[:3]),
        lambda: lab.publish(*others[3:6], artifacts["0.2"][".conda"]),
        lambda: lab.publish(artifacts["0.2"][".deb"], artifacts["0.2"][".whl"], *others[6:]),
        lambda: retract(store_at(str(lab.folder)), lab.signer, (NAME, "0.2"), why="<wrong>"),
        lambda: retract(store_at(str(lab.folder)), lab.signer, (NAME, "0.1"), why="wrong"),
        lambda: retract(store_at(str(lab.folder)), lab.signer, (NAME, "0.2"), why=""),
    ]
    for step in steps:
        with monkeypatch.context() as patched:

            def refuse(packages: OrderedPackages, index: object) -> None:
                raise AssertionError("all packages were read")

            patched.setattr(OrderedPackages, "__getitem__", refuse)
            step()
        assert lab.differing() == []


@pytest.mark.slow
def test_nothing_is_read_again_where_only_the_date_changes(
    lab: Lab, no_package_is_read: None
) -> None:
    store = store_at(str(lab.folder))
    done = flow.publish([], store, lab.signer, flow.Settings(), refresh=True)
    assert done.repository.generation == 2


def put_in_record(lab: Lab) -> None:
    flat = lab.folder / "conda/noarch/repodata.json"
    document = json.loads(flat.read_bytes())
    document["packages.conda"][f"{EVIL}-1-0.conda"] = RECORD
    flat.write_bytes(json.dumps(document).encode())


def put_in_stanza(lab: Lab) -> None:
    for path in lab.folder.rglob("Packages"):
        path.write_text(path.read_text("utf-8") + f"Package: {EVIL}\nFilename: pool/{EVIL}.deb\n\n")


def put_in_row(lab: Lab) -> None:
    path = lab.folder / "packages.json"
    path.write_bytes(
        path.read_bytes().replace(b"Smallest", b"Evil").replace(b"example", EVIL.encode())
    )


def put_in_project(lab: Lab) -> None:
    path = lab.folder / "simple/index.json"
    document = json.loads(path.read_bytes())
    document["projects"].append({"name": EVIL})
    path.write_bytes(json.dumps(document).encode())


CHANGES = [put_in_record, put_in_stanza, put_in_row, put_in_project]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "digests",
    [
        "as they were",
        *(
            pytest.param(each, marks=pytest.mark.slow(1))
            for each in ("changed", "signed by another")
        ),
    ],
)
def test_what_another_has_put_into_an_index_gets_into_no_signed_one(
    lab: Lab, others: list[Path], change: Any, digests: str, tmp_path: Path
) -> None:
    change(lab)
    if digests != "as they were":
        sums = indexes.read_sums(lab.read("SHA256SUMS"))
        lines = [f"{hashlib.sha256(lab.read(path)).hexdigest()}  {path}\n" for path in sums]
        (lab.folder / "SHA256SUMS").write_text("".join(sorted(lines)))
        about = json.loads(lab.read("repository.json"))
        about["sha256sums"] = hashlib.sha256(lab.read("SHA256SUMS")).hexdigest()
        content = json.dumps(about).encode()
        (lab.folder / "repository.json").write_bytes(content)
        if digests == "signed by another":
            stranger = signer_of(str(made_key(tmp_path / "stranger.key")))
            (lab.folder / "repository.json.asc").write_bytes(stranger.detached(content))
    lab.publish(*others)
    assert lab.differing() == []
    written = [path for path in lab.folder.rglob("*") if path.is_file()]
    assert not [path for path in written if EVIL.encode() in path.read_bytes()]


def test_a_line_of_the_log_that_is_damaged_is_named(lab: Lab, others: list[Path]) -> None:
    entry = lab.folder / log.entry_path(1)
    content = entry.read_bytes()
    entry.write_bytes(content.replace(b'"relpath":', b'"relpth":', 1))
    with pytest.raises(RepositoryError, match=rf"{NAME} 0\.1: .*restore"):
        retract(store_at(str(lab.folder)), lab.signer, (NAME, "0.1"), why="wrong")
    for wrong in (content[:-5], content.replace(b'\n{"name"', b'\n{"game"'), b"{", b"[]"):
        entry.write_bytes(wrong)
        with pytest.raises(RepositoryError, match="never edited: restore"):
            lab.publish(*others)


@pytest.mark.parametrize("most", [0, 32], ids=["all at once", "one by one"])
def test_the_digest_of_a_path_is_that_of_its_artifact(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where files of payloads, and what an ecosystem keeps, are called like artifacts."""
    monkeypatch.setattr("nipack.publish.packages._MOST_SOUGHT", most)
    paths = ["conda/a-1.conda", 'apt/"b"\\n/é', "simple/c.whl"]
    odd = tuple(PublishedFile(path=path, size=1, sha256="f" * 64) for path in paths)
    packages = {}
    for number, path in enumerate(paths):
        artifact = PublishedArtifact(
            ecosystem="conda", path=path, version="1", size=3, sha256=f"{number}" * 64, date="",
            index={"path": paths[0], "in": [{"ecosystem": "x", "path": paths[0]}]},
        )  # fmt: skip
        each = package(f"p{number}", "1", files={}, artifacts=(artifact,))
        packages[each.key] = replace(each, files=odd)
    lines, texts = Packages(packages).written()
    content = b"[\n" + b",\n".join(lines) + b"\n"
    again = Packages(lines=PackageLines(content, 2, len(content), texts))
    assert dict(again) == packages
    assert again.digests(paths) == {path: f"{number}" * 64 for number, path in enumerate(paths)}
    assert again.digests([]) == {} or most == 0
    for each in packages.values():
        (artifact,) = each.artifacts
        wanted = artifact.sha256, artifact.file_name
        assert again.holding(*wanted, of=1) == (each, artifact)
        assert Packages(packages).holding(*wanted, of=1) == (each, artifact)
        assert again.holding(artifact.sha256, "other", of=1) is None
    assert again.holding("f" * 64, "c.whl", of=1) is None


def test_what_was_written_over_a_later_generation_is_written_again(
    artifacts: Artifacts, others: list[Path], key: Path, tmp_path: Path
) -> None:
    """One who has no pictures of the other's data ends while that one has its pages written."""
    address, signer = f"memory://{tmp_path.name}/lab", signer_of(str(key))
    settings = flow.Settings(name="lab", address="https://data.lab.example")

    def publish(files: list[Path]) -> None:
        assert not flow.publish(files, store_at(address), signer, settings).refused

    publish(others[:3])
    reached, may_end = threading.Event(), threading.Event()
    late = threading.Thread(target=publish, args=(others[6:],))
    pages, about, once = indexes._pages, indexes._about, indexes._write_once

    def pages_of(snapshot: Snapshot, payloads: Any) -> Any:
        if snapshot.repository.generation == 2:
            late.start()
            assert reached.wait(60)
        return pages(snapshot, payloads)

    def about_of(state: Any, *words: Any) -> Any:
        if state.generation == 3 and threading.current_thread() is late:
            reached.set()
            assert may_end.wait(60)
        return about(state, *words)

    def write_once(store: Any, state: Any, *words: Any) -> None:
        once(store, state, *words)
        if state.generation == 2:
            may_end.set()
            late.join()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(indexes, "_pages", pages_of)
        patched.setattr(indexes, "_about", about_of)
        patched.setattr(indexes, "_write_once", write_once)
        publish([*artifacts["0.1"].values()])
    assert check_repository(address).problems == ()
