"""What a call of `nipack publish` makes, refuses and leaves alone."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from debian.deb822 import Deb822, Release
from pypi_simple import ProjectPage
from tests.publish.serving import EXAMPLE, made_key, publish, run

from nipack.publish import flow, indexes, log
from nipack.publish.ecosystems import Snapshot, ecosystems
from nipack.publish.signing import signer_of, verified
from nipack.publish.stores import store_at
from nipack.publish.stores.bucket import BucketStore
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "www" / "Data of the lab"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_digest_of_a_new_repository_is_signed(
    artifacts: Artifacts, key: Path, repository: Path
) -> None:
    done = publish(*artifacts["0.1"].values(), repository, "--key", key)
    assert done["generation"] == 1
    assert len(done["published"]) == 3
    certificate = key.with_suffix(".asc").read_text("ascii")
    sums = (repository / "SHA256SUMS").read_bytes()
    about = (repository / "repository.json").read_bytes()
    for name, content in (("SHA256SUMS", sums), ("repository.json", about)):
        verified(content, certificate, (repository / f"{name}.asc").read_bytes())
    assert json.loads(about)["sha256sums"] == hashlib.sha256(sums).hexdigest()
    listed = indexes.read_sums(sums)
    for path, digest in listed.items():
        assert hashlib.sha256((repository / path).read_bytes()).hexdigest() == digest
    left = {path.relative_to(repository).as_posix() for path in repository.rglob("*.*")}
    unlisted = {each for each in left - listed.keys() if (repository / each).is_file()}
    # What is called after its content, the log, a wheel's own metadata and the signatures.
    assert {each.rpartition("/")[2].partition(".")[2] for each in unlisted} <= {
        "asc", "json.asc", "json", "msgpack.zst", "1-py3-none-any.whl.metadata", "deb", "xml.gz",
        "xml.asc",
    }  # fmt: skip


def test_all_of_an_ecosystem_is_in_its_folder(
    artifacts: Artifacts, key: Path, repository: Path
) -> None:
    """What is not there is never pruned."""
    publish(*artifacts["0.1"].values(), repository, "--key", key)
    state = log.load(store_at(str(repository)))
    assert state is not None
    signer = signer_of(str(key))
    snapshot = Snapshot(repository=state.repository, packages=state.ordered(), signer=signer)
    for ecosystem in ecosystems().values():
        paths = [each.path for each in ecosystem.indexes(snapshot)]
        for package in snapshot.packages:
            paths += [each.path for each in package.artifacts_of(ecosystem.name)]
        assert paths or ecosystem.name == "sources"
        assert all(each.startswith(f"{ecosystem.folder}/") for each in paths)


def test_the_same_again_changes_nothing(artifacts: Artifacts, key: Path, repository: Path) -> None:
    publish(*artifacts["0.1"].values(), repository, "--key", key)
    before = tree(repository)
    done = publish(*artifacts["0.1"].values(), repository, "--key", key)
    assert not done["changed"]
    assert len(done["known"]) == 3
    assert tree(repository) == before


def test_other_bytes_under_a_name_are_refused_and_the_rest_published(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path
) -> None:
    publish(artifacts["0.1"][".deb"], repository, "--key", key)
    other = tmp_path / "other" / artifacts["0.1"][".deb"].name
    other.parent.mkdir()
    content = bytearray(artifacts["0.1"][".deb"].read_bytes())
    content[24] = ord("9")  # the first digit of a time
    other.write_bytes(content)
    garbage = tmp_path / "garbage.conda"
    garbage.write_bytes(b"no zip")
    words = [other, garbage, tmp_path / "none.whl", artifacts["0.2"][".conda"]]
    done = run("publish", *words, repository, "--key", key, "--json")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    assert answer["published"] == [str(artifacts["0.2"][".conda"])]
    said = "\n".join(answer["errors"])
    assert "is already published with other content" in said
    assert "garbage.conda: is damaged" in said
    assert "none.whl: " in said
    deb = repository / "apt/pool/main/n/nipy-examplepkg/nipy-examplepkg_0.1-1_all.deb"
    assert deb.read_bytes() == artifacts["0.1"][".deb"].read_bytes()


def test_other_data_under_a_version_is_refused(
    artifacts: Artifacts, repository: Path, tmp_path: Path
) -> None:
    publish(artifacts["0.1"][".conda"], repository, "--unsigned")
    other = renamed_wheel(artifacts["0.2"][".whl"], tmp_path)
    done = run("publish", other, repository)
    assert done.exit_code == 1
    assert "is already published with other data" in done.output


def renamed_wheel(wheel: Path, folder: Path) -> Path:
    """Return a wheel of version 0.2's data that says everywhere that it is 0.1."""
    import zipfile

    target = folder / wheel.name.replace("0.2", "0.1")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(("METADATA", "package.json")):
                content = content.replace(b"0.2", b"0.1")
            new.writestr(name.replace("0.2", "0.1"), content)
    return target


def test_a_dry_run_writes_nothing(artifacts: Artifacts, key: Path, repository: Path) -> None:
    done = run("publish", *artifacts["0.1"].values(), repository, "--key", key, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "would be published" in done.stdout
    assert not repository.exists()


@pytest.mark.slow(0.5)
def test_a_dry_run_tells_what_would_change_of_the_repository(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path
) -> None:
    def would(*words: object) -> list[str]:
        done = run("publish", *words, repository, "--dry-run")
        assert done.exit_code == 0, done.output
        return [line for line in done.stdout.splitlines() if line.startswith("data-of-the-lab: ")]

    wheel, signed = artifacts["0.1"][".whl"], ("--key", key)
    by = f", signed by {signer_of(str(key)).fingerprint}"
    assert would(wheel, *signed) == [f"data-of-the-lab: would be generation 1{by}"]
    publish(wheel, repository, *signed)
    there = (repository / "repository.json").read_bytes()
    assert would(wheel, *signed) == would(*signed) == ["data-of-the-lab: nothing would change"]
    assert would("--refresh", *signed) == [f"data-of-the-lab: would be generation 2{by}"]
    assert would("--title", "Lab", "--valid-days", 9, *signed) == [
        "data-of-the-lab: the title would be 'Lab'",
        "data-of-the-lab: apt would refuse it 9 days after it was signed",
        f"data-of-the-lab: would be generation 2{by}",
    ]
    other = made_key(tmp_path / "next.key").with_suffix(".asc")
    assert would("--also-trust", other, *signed)[0] == (
        "data-of-the-lab: the certificates that users are to trust would change"
    )
    assert (repository / "repository.json").read_bytes() == there


@pytest.mark.slow(0.5)
def test_valid_until_can_be_ended(artifacts: Artifacts, key: Path, repository: Path) -> None:
    publish(artifacts["0.1"][".deb"], repository, "--key", key, "--valid-days", 9)
    release = repository / "apt/dists/stable/InRelease"
    assert "Valid-Until:" in release.read_text("utf-8")
    told = run("publish", repository, "--key", key, "--valid-days", 0, "--dry-run").stdout
    assert "data-of-the-lab: apt would no longer refuse it for its age" in told
    publish(repository, "--key", key, "--valid-days", 0)
    assert "Valid-Until:" not in release.read_text("utf-8")
    assert run("verify", repository).exit_code == 0


def test_a_new_repository_is_signed_or_said_not_to_be(
    artifacts: Artifacts, repository: Path
) -> None:
    done = run("publish", artifacts["0.1"][".deb"], repository)
    assert done.exit_code == 1
    assert "--key" in done.output
    assert "--unsigned" in done.output
    assert not repository.exists()
    done = run("publish", artifacts["0.1"][".deb"], repository, "--unsigned")
    assert done.exit_code == 0
    assert "is not signed" in done.output
    assert "Trusted: yes" in (repository / "apt" / "data-of-the-lab.sources").read_text("utf-8")


def test_what_apt_asks_about_never_changes(
    artifacts: Artifacts, key: Path, repository: Path
) -> None:
    first = ("--title", "The lab", "--name", "lab", "--suite", "main", "--suite", "edge")
    publish(artifacts["0.1"][".deb"], repository, "--key", key, *first)
    publish(artifacts["0.2"][".deb"], repository, "--key", key, "--title", "Another")
    release = Release((repository / "apt/dists/edge/Release").read_text("utf-8"))
    assert (release["Origin"], release["Label"]) == ("The lab", "The lab")
    assert release["Description"] == "Another"
    # Without this line apt updates, says nothing, and knows no package.
    assert "main/binary-all/Packages" in {each["name"] for each in release["SHA256"]}
    for words in (["--suite", "stable"], ["--name", "other"], []):
        done = run("publish", repository, *words, "--refresh", *(["--key", key] if words else []))
        assert done.exit_code == 1, done.output


def test_by_hash_keeps_what_the_last_release_names(
    artifacts: Artifacts, key: Path, repository: Path
) -> None:
    publish(artifacts["0.1"][".deb"], repository, "--key", key)
    folder = repository / "apt/dists/stable"
    old = Release((folder / "Release").read_text("utf-8"))
    publish(artifacts["0.2"][".deb"], repository, "--key", key)
    new = Release((folder / "Release").read_text("utf-8"))
    for each in [*old["SHA256"], *new["SHA256"]]:
        content = (folder / "main/binary-all/by-hash/SHA256" / each["sha256"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == each["sha256"]
    stanzas = Deb822.iter_paragraphs((folder / "main/binary-all/Packages").read_text("utf-8"))
    versions = {(each["Package"], each["Version"]) for each in stanzas}
    assert {("nipy-examplepkg", "0.1-1"), ("nipy-examplepkg", "0.2-1")} < versions


def test_a_reader_of_its_own_reads_the_simple_pages(
    artifacts: Artifacts, key: Path, repository: Path
) -> None:
    publish(*artifacts["0.1"].values(), *artifacts["0.2"].values(), repository, "--key", key)
    folder = repository / "simple" / "nipy-examplepkg"
    html = ProjectPage.from_html("nipy-examplepkg", (folder / "index.html").read_text("utf-8"))
    document = json.loads((folder / "index.json").read_bytes())
    page = ProjectPage.from_json_data(
        document, base_url="https://lab.example/simple/nipy-examplepkg/"
    )
    for each in (html, page):
        assert [package.version for package in each.packages] == ["0.1", "0.2"]
        for package in each.packages:
            wheel = artifacts[str(package.version)][".whl"]
            assert package.digests == {"sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
            metadata = (folder / f"{package.filename}.metadata").read_bytes()
            assert package.metadata_digests == {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert all(package.upload_time is not None for package in page.packages)


def test_a_publish_repairs_indexes_that_are_older_than_the_log(
    artifacts: Artifacts, key: Path, repository: Path
) -> None:
    publish(artifacts["0.1"][".conda"], repository, "--key", key)
    old = tree(repository)
    publish(artifacts["0.2"][".conda"], repository, "--key", key)
    whole = tree(repository)
    # As one leaves it who is ended just behind the log.
    for path, content in old.items():
        Path(path).write_bytes(content)
    done = publish(artifacts["0.2"][".conda"], repository, "--key", key)
    assert done["generation"] == 2
    after = tree(repository)
    signed = ("InRelease", ".asc")
    assert {path for path in whole if whole[path] != after[path]} <= {
        path for path in whole if path.endswith(signed)
    }


@pytest.mark.slow
def test_the_log_is_read_from_the_last_entry_that_has_everything(
    artifacts: Artifacts, repository: Path
) -> None:
    store = store_at(str(repository))
    publish(*artifacts["0.1"].values(), repository, "--unsigned")
    for _ in range(34):
        publish(repository, "--refresh")
    state = log.load(store)
    assert state is not None
    assert state.generation == 35
    for generation in range(2, 33):
        (repository / log.entry_path(generation)).unlink()
    again = log.load(store)
    assert again == state
    assert json.loads((repository / log.entry_path(33)).read_bytes())["everything"]


def test_a_changed_log_is_refused(artifacts: Artifacts, repository: Path) -> None:
    publish(artifacts["0.1"][".conda"], repository, "--unsigned")
    publish(artifacts["0.2"][".conda"], repository)
    first = repository / log.entry_path(1)
    first.write_bytes(first.read_bytes().replace(b"example", b"exemple"))
    done = run("publish", repository, "--refresh")
    assert done.exit_code == 1
    assert "does not follow the one before it" in done.output


def test_a_clock_that_is_behind_is_refused(
    artifacts: Artifacts, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(artifacts["0.1"][".conda"], repository, "--unsigned")
    before = tree(repository)
    monkeypatch.setattr("time.time", lambda: 1_600_000_000.0)
    done = run("publish", artifacts["0.2"][".conda"], repository)
    assert done.exit_code == 1
    assert "set the clock" in done.output
    assert {path: tree(repository)[path] for path in before} == before


def test_a_key_that_users_do_not_have_is_refused_until_they_do(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path
) -> None:
    publish(artifacts["0.1"][".deb"], repository, "--key", key)
    new = made_key(tmp_path / "new.key")
    done = run("publish", artifacts["0.2"][".deb"], repository, "--key", new)
    assert done.exit_code == 1
    assert "--also-trust" in done.output
    publish(repository, "--refresh", "--key", key, "--also-trust", new.with_suffix(".asc"))
    keyrings = sorted(path.name for path in repository.rglob("*-archive-keyring_*.deb"))
    assert len(keyrings) == 2
    publish(artifacts["0.2"][".deb"], repository, "--key", new)
    inline = (repository / "apt/dists/stable/InRelease").read_bytes()
    assert verified(inline, new.with_suffix(".asc").read_text("ascii"))


def test_keygen_writes_over_nothing(tmp_path: Path) -> None:
    out = tmp_path / "lab.key"
    done = run("keygen", "Ada <ada@lab.example>", "--out", out)
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o777 == 0o600
    secret = out.read_bytes()
    done = run("keygen", "Ada <ada@lab.example>", "--out", out)
    assert done.exit_code == 1
    assert "already exists" in done.output
    assert out.read_bytes() == secret
    assert run("keygen", "Ada", "--out", tmp_path / "x").exit_code == 1


@pytest.mark.parametrize(
    "content", [b"", b"no key", "certificate"], ids=["empty", "text", "public"]
)
def test_what_is_no_secret_key_is_refused(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path, content: bytes | str
) -> None:
    wrong = tmp_path / "wrong.key"
    public = key.with_suffix(".asc").read_bytes()
    wrong.write_bytes(public if isinstance(content, str) else content)
    done = run("publish", artifacts["0.1"][".deb"], repository, "--key", wrong)
    assert done.exit_code == 1
    assert "nipack keygen" in done.output
    assert len(done.output.splitlines()) <= 4
    assert not repository.exists()


def with_another_image(folder: Path) -> Path:
    """Build a wheel of the example's version 0.2, one voxel of whose image is not as before."""
    source = shutil.copytree(EXAMPLE, folder / "0.2")
    for name in ("package.yaml", "examplepkg/config.ini"):
        file = source / name
        file.write_text(file.read_text("utf-8").replace("0.1", "0.2"), "utf-8")
    path = source / "examplepkg" / "phantom" / "T1.nii.gz"
    image: Any = nibabel.load(path)
    data = np.asanyarray(image.dataobj).copy()
    data[1, 2, 3] += 1
    nibabel.save(nibabel.Nifti1Image(data, image.affine, image.header), path)  # type: ignore[no-untyped-call]
    assert run("build", source, "-f", "wheel", "-q", "-o", folder / "dist").exit_code == 0
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel


@pytest.mark.slow(5)
def test_what_pages_show_is_stored_before_the_log_names_it(
    artifacts: Artifacts, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So whoever writes the pages finds it; where the data is in a bucket, too."""
    address, order = f"memory://{tmp_path.name}/lab", list[str]()
    create, write = BucketStore.create, BucketStore.write

    def created(store: BucketStore, path: str, content: bytes) -> None:
        create(store, path, content)
        order.append(path)

    def written(store: BucketStore, path: str, content: bytes) -> None:
        assert not path.startswith("pictures/")
        write(store, path, content)

    monkeypatch.setattr(BucketStore, "create", created)
    monkeypatch.setattr(BucketStore, "write", written)
    settings = flow.Settings(name="lab", address="https://data.lab.example")
    signer = signer_of(str(key))
    for artifact in (artifacts["0.1"][".deb"], with_another_image(tmp_path)):
        store = store_at(address)
        assert not flow.publish([artifact], store, signer, settings).refused
    named = [order.index(log.entry_path(generation)) for generation in (1, 2)]
    shown = [number for number, path in enumerate(order) if path.startswith("pictures/")]
    assert named[0] < max(shown) < named[1]
    assert min(shown) < named[0]
    assert any("/since-" in path and path.endswith(".json") for path in order)
    page = store.read("packages/nipy-examplepkg/index.html") or b""
    assert b"values: " in page
    assert b"by digest alone" not in page
    assert check_repository(address).problems == ()


def test_quiet_prints_only_what_is_refused(artifacts: Artifacts, tmp_path: Path) -> None:
    first = [*artifacts["0.1"].values()]
    words = [tmp_path / "lab", "--unsigned", "--quiet"]
    done = run("publish", *first, *words)
    assert (done.exit_code, done.output) == (0, "")
    stray = tmp_path / "stray.txt"
    stray.touch()
    done = run("publish", *first, stray, *artifacts["0.2"].values(), *words)
    assert done.exit_code == 1
    said = " ".join(done.output.split())
    assert "unknown kind of file" in said
    assert "is there already" not in said
    assert "published" not in said


def test_a_repository_that_was_forgotten_is_told(
    artifacts: Artifacts, key: Path, tmp_path: Path
) -> None:
    conda, deb = artifacts["0.1"][".conda"], artifacts["0.1"][".deb"]
    before = tree(deb.parent)
    done = run("publish", conda, deb, "--key", key)
    assert done.exit_code == 1
    assert f"{deb}: is a file, and not the folder of a repository" in done.stderr
    assert tree(deb.parent) == before


def test_what_is_no_artifact_is_told_by_what_it_is(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path
) -> None:
    folder, text = tmp_path / "dist", tmp_path / "notes.txt"
    folder.mkdir()
    text.touch()
    words = (folder, tmp_path / "none.xyz", text, artifacts["0.1"][".whl"], repository)
    done = run("publish", *words, "--key", key)
    assert done.exit_code == 1
    said = " ".join(done.stderr.split())
    assert f"{folder}: is a folder; name the artifacts in it: {folder}/*" in said
    assert f"{tmp_path / 'none.xyz'}: No such file or directory; check the path" in said
    assert f"{text}: unknown kind of file; known are .conda" in said
    assert [*repository.rglob("*.whl")], "the others of the call are published"


@pytest.mark.slow(0.5)
def test_what_users_shall_trust_is_a_certificate(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path
) -> None:
    """A secret key in its place, or an empty file, would leave them without the next one."""
    publish(artifacts["0.1"][".whl"], repository, "--key", key)
    before = tree(repository)
    (tmp_path / "next.gpg").write_bytes(b"\x99\xff\0")
    for wrong, words in ((key, []), (key, ["--dry-run"]), (tmp_path / "next.gpg", ["--refresh"])):
        done = run("publish", repository, "--key", key, "--also-trust", wrong, *words)
        assert done.exit_code == 1
        assert "--also-trust: the file has no certificate; give the .asc" in done.stderr
    assert tree(repository) == before
