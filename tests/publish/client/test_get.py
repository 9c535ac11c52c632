"""`nipack repository` and `nipack get`: over loopback, from what `nipack publish` has made."""

import hashlib
import http.server
import json
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nibabel.data import make_datasource
from tests.publish.serving import made_key, run, serving

from nipack.publish.client import transfer
from nipack.publish.client.get import _below
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of

Artifacts = dict[str, dict[str, Path]]
PHANTOM = "nipy/examplepkg/phantom/T1.nii.gz"


def asked(*words: object) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def asked_failing(*words: object) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 1, done.output
    return json.loads(done.stdout)


def refused(*words: object) -> str:
    done = run(*words)
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    assert "; " in done.output, "a remedy is missing"
    return " ".join(done.output.split())


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user"
    monkeypatch.setenv("NIPY_USER_DIR", str(folder))
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, artifacts: Artifacts, key: Path) -> Path:
    folder = tmp_path_factory.mktemp("published") / "www"
    asked("publish", *artifacts["0.1"].values(), folder, "--key", key, "--title", "Ada's lab")
    return folder


@pytest.fixture
def www(tmp_path: Path, published: Path) -> Path:
    return shutil.copytree(published, tmp_path / "www")


@pytest.fixture
def address(www: Path) -> Iterator[str]:
    with serving(www) as found:
        yield found


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".nipack/lock" not in path.as_posix()
    }


@pytest.mark.slow
def test_what_is_got_is_found_by_nipack_and_by_nibabel_alone(
    user: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = asked("repository", "add", address)
    assert added["packages"] == ["nipy-examplepkg"]
    # What a failed look-up says to type is typed here.
    missing = run("where", "nipy/examplepkg")
    assert missing.exit_code == 1
    advice = "To get nipy-examplepkg from the repository www:\n  nipack get nipy-examplepkg\n"
    assert advice in missing.output
    newer = run("where", "nipy/examplepkg", "--min-version", "0.2").output
    assert "nipack get" not in newer
    got = asked("get", "nipy-examplepkg")
    assert got["new"] is True
    assert got["directory"] == str(user / "nipy" / "examplepkg")
    found = run("where", "nipy/examplepkg", "phantom/T1.nii.gz")
    assert found.stdout.strip() == str(user / PHANTOM)
    source: Any = make_datasource({"relpath": "nipy/examplepkg"})  # type: ignore[no-untyped-call]
    assert source.get_filename("phantom", "T1.nii.gz") == str(user / PHANTOM)
    assert run("verify", "nipy/examplepkg").exit_code == 0
    (user / PHANTOM).write_bytes(b"damaged")
    assert run("verify", "nipy/examplepkg").exit_code == 1
    again = asked("get", "nipy/examplepkg", "--from", address)
    assert again["new"] is False
    # What doctor says to type is typed, and the data is whole.
    remove, get = asked_failing("doctor", "nipy/examplepkg")["packages"][0]["commands"]
    subprocess.run(remove, shell=True, check=True)
    assert get == "nipack get nipy-examplepkg"
    assert run(*get.split()[1:]).exit_code == 0
    assert run("verify", "nipy/examplepkg").exit_code == 0


def test_data_in_another_root_is_got_again_into_that_root(
    user: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("repository", "add", address)
    root = tmp_path / "for all"
    assert asked("get", "nipy-examplepkg", "--into", str(root))["new"] is True
    monkeypatch.setenv("NIPY_DATA_PATH", str(root))
    (root / PHANTOM).write_bytes(b"damaged")
    remove, get = asked_failing("doctor", "nipy/examplepkg")["packages"][0]["commands"]
    subprocess.run(remove, shell=True, check=True)
    assert run(*shlex.split(get)[1:]).exit_code == 0
    assert run("verify", str(root / "nipy" / "examplepkg")).exit_code == 0


def test_what_was_got_is_listed_as_such(
    user: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("repository", "add", address)
    asked("get", "nipy-examplepkg")
    root = tmp_path / "for [all]"
    asked("get", "nipy-examplepkg", "--into", str(root))
    shutil.copytree(root / "nipy" / "examplepkg", root / "lab" / "examplepkg")
    monkeypatch.setenv("NIPY_DATA_PATH", str(root))
    assert "nipack get" in run("list").stdout
    got = {"manager": "nipack get", "name": "nipy-examplepkg", "version": "0.1"}
    owners = {each["path"]: each["owner"] for each in asked("list")}
    assert owners == {
        str(root / "lab" / "examplepkg"): {"manager": "by hand", "name": None, "version": None},
        str(root / "nipy" / "examplepkg"): got,
        str(user / "nipy" / "examplepkg"): got,
    }


def test_what_was_got_and_cannot_be_read_any_more_is_got_again(user: Path, address: str) -> None:
    run("repository", "add", address)
    asked("get", "nipy-examplepkg")
    (user / "nipy" / "examplepkg" / "config.ini").write_text("nonsense", "utf-8")
    remove, get = asked_failing("doctor", "nipy/examplepkg")["packages"][0]["commands"]
    subprocess.run(remove, shell=True, check=True)
    assert run(*shlex.split(get)[1:]).exit_code == 0
    assert run("verify", "nipy/examplepkg").exit_code == 0


def test_the_fingerprint_is_shown_and_the_list_kept(user: Path, address: str, key: Path) -> None:
    done = run("repository", "add", address)
    (fingerprint,) = {each["fingerprint"] for each in asked("repository", "list")["repositories"]}
    assert len(fingerprint) == 40
    assert f"signed by {fingerprint}" in done.output
    assert "1 package, generation 1" in done.output
    assert fingerprint in run("repository", "list").output
    assert asked("repository", "remove", address)["title"] == "Ada's lab"
    assert "No repository was added" in run("repository", "list").output
    assert "is not a repository that you have added" in refused("repository", "remove", address)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".conda", ".deb", ".whl"])
def test_every_artifact_gives_the_same_data(
    user: Path, tmp_path: Path, artifacts: Artifacts, key: Path, suffix: str
) -> None:
    folder = tmp_path / "one"
    asked("publish", artifacts["0.1"][suffix], folder, "--key", key)
    asked("repository", "add", folder)
    asked("get", "nipy-examplepkg", "--into", tmp_path / "root")
    data = contents(tmp_path / "root" / "nipy")
    digests = {hashlib.sha256(each).hexdigest() for each in data.values()}
    manifest = (tmp_path / "root/share/nipack/nipy-examplepkg/SHA256SUMS").read_text()
    assert digests == {line[:64] for line in manifest.splitlines()}
    assert {"examplepkg/config.ini", "examplepkg/phantom/T1.nii.gz"} <= data.keys()
    # What the package says of itself comes with it, so that a quick check knows sizes.
    record = json.loads((tmp_path / "root/share/nipack/nipy-examplepkg/package.json").read_text())
    assert (record["name"], record["license"]) == ("nipy-examplepkg", "CC0-1.0")
    image = tmp_path / "root" / PHANTOM
    assert run("verify", image.parent.parent, "--quick").exit_code == 0
    image.write_bytes(image.read_bytes()[:-1])
    assert run("verify", image.parent.parent, "--quick").exit_code == 1


@pytest.mark.slow
def test_a_newer_version_takes_the_place_of_the_old_one(
    user: Path, address: str, www: Path, artifacts: Artifacts, key: Path
) -> None:
    asked("repository", "add", address)
    assert asked("get", "nipy-examplepkg")["version"] == "0.1"
    asked("publish", *artifacts["0.2"].values(), www, "--key", key)
    got = asked("get", "nipy-examplepkg")
    assert (got["version"], got["new"]) == ("0.2", True)
    assert "0.2" in (user / "nipy/examplepkg/config.ini").read_text()
    assert run("verify", "nipy/examplepkg").exit_code == 0
    left = [path for path in contents(user) if path.startswith(".nipack/")]
    assert [path for path in left if not path.startswith(".nipack/repositories/")] == []


def test_data_of_the_user_is_never_replaced(user: Path, address: str) -> None:
    asked("repository", "add", address)
    mine = user / "nipy" / "examplepkg" / "mine.nii"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    assert "it is not replaced" in refused("get", "nipy-examplepkg")
    assert mine.read_bytes() == b"mine"
    assert [path.name for path in mine.parent.iterdir()] == ["mine.nii"]


def resigned(www: Path, artifacts: Artifacts, key: Path) -> None:
    """Put another repository in the place of one, as who took over its host would."""
    shutil.rmtree(www)
    asked("publish", *artifacts["0.2"].values(), www, "--key", key, "--title", "Ada's lab")


@pytest.mark.slow(2)
def test_one_that_was_not_signed_has_the_key_that_it_gets(
    user: Path, tmp_path: Path, artifacts: Artifacts, key: Path
) -> None:
    www = tmp_path / "lab"
    asked("publish", artifacts["0.1"][".whl"], www, "--unsigned")
    assert asked("repository", "add", www, "--unsigned")["fingerprint"] is None
    asked("publish", www, "--key", key)
    fingerprint = signer_of(str(key)).fingerprint
    asked("get", "nipy-examplepkg")
    assert asked("repository", "list")["repositories"][0]["fingerprint"] == fingerprint
    assert asked("repository", "add", www)["fingerprint"] == fingerprint
    changed(www / "repository.json.asc")
    assert "by the key that it had when you added it" in refused("repository", "add", www)


@pytest.mark.slow
def test_another_key_is_not_believed(
    user: Path, address: str, www: Path, artifacts: Artifacts, tmp_path: Path
) -> None:
    asked("repository", "add", address)
    asked("get", "nipy-examplepkg")
    before = contents(user)
    assert run("verify", address).exit_code == 0
    resigned(www, artifacts, made_key(tmp_path / "other.key"))
    checked = run("verify", address)
    assert checked.exit_code == 1
    assert "and not by a key that it had when you added it" in checked.stdout
    for words in (("get", "nipy-examplepkg"), ("repository", "add", address)):
        assert "is not signed by the key that it had when you added it" in refused(*words)
    assert contents(user) == before


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name", ["repository.json", "repository.json.asc", "SHA256SUMS", "packages.json"]
)
def test_a_list_that_was_changed_is_not_believed(
    user: Path, address: str, www: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.publish.client.known._PAUSE", 0)
    changed(www / name)
    refused("repository", "add", address)
    assert asked("repository", "list") == {"repositories": []}


def test_an_artifact_that_was_changed_is_not_unpacked(user: Path, address: str, www: Path) -> None:
    asked("repository", "add", address)
    for suffix in (".conda", ".deb", ".whl"):
        for path in www.rglob(f"*{suffix}"):
            changed(path)
    assert "does not match the repository's signature" in refused("get", "nipy-examplepkg")
    assert not (user / "nipy").exists()
    assert not [path for path in (user / ".nipack" / "partial").rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_repository_that_was_put_back_is_refused(
    user: Path, address: str, www: Path, artifacts: Artifacts, key: Path, tmp_path: Path
) -> None:
    shutil.copytree(www, tmp_path / "old")
    asked("publish", *artifacts["0.2"].values(), www, "--key", key)
    asked("repository", "add", address)
    shutil.rmtree(www)
    (tmp_path / "old").rename(www)
    assert "is at generation 1, and you have seen 2" in refused("get", "nipy-examplepkg")


def test_an_unsigned_repository_is_taken_only_when_asked_for(
    user: Path, tmp_path: Path, artifacts: Artifacts
) -> None:
    folder = tmp_path / "open"
    asked("publish", artifacts["0.1"][".whl"], folder, "--unsigned")
    assert "is not signed" in refused("repository", "add", folder)
    assert asked("repository", "add", folder, "--unsigned")["fingerprint"] is None
    assert asked("get", "nipy-examplepkg")["new"] is True


def test_what_nobody_has_is_said(user: Path, address: str, tmp_path: Path) -> None:
    assert "there is no repository to get it from" in refused("get", "nipy-examplepkg")
    asked("repository", "add", address)
    assert "no repository that you have added has it (Ada's lab)" in refused("get", "nothing")
    assert "is not a repository that you have added" in refused(
        "get", "x", "--from", "https://h.example"
    )
    assert "is not a repository" in refused("repository", "add", tmp_path / "empty")
    assert "refused or cut off" in refused("repository", "add", "http://127.0.0.1:9")


class Cutting(http.server.BaseHTTPRequestHandler):
    """Serves one file, cuts the first answers off, and tells what was asked for."""

    content = bytes(range(256)) * 4000
    cuts = 2
    ranges = True
    asked: list[str]

    def do_GET(self) -> None:
        start = 0
        given = self.headers.get("Range")
        type(self).asked.append(given or "")
        if given and self.ranges:
            start = int(given.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if given and self.ranges else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        self.end_headers()
        rest = self.content[start:]
        if type(self).cuts > 0:
            type(self).cuts -= 1
            rest = rest[: len(self.content) // 4]
        self.wfile.write(rest)

    def log_message(self, *words: object) -> None:
        pass


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_goes_on(
    tmp_path: Path, ranges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_PAUSE", 0)
    handler = type("Handler", (Cutting,), {"asked": [], "ranges": ranges})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    place = f"http://127.0.0.1:{server.server_address[1]}"
    target = tmp_path / "file.part"
    counted: list[int] = []
    sha256 = hashlib.sha256(Cutting.content).hexdigest()
    try:
        transfer.download(place, "file", target, sha256, counted.append)
    finally:
        server.shutdown()
        server.server_close()
    assert target.read_bytes() == Cutting.content
    assert sum(counted) == len(Cutting.content)
    asked_for: list[str] = handler.asked  # type: ignore[attr-defined]
    assert asked_for[0] == ""
    begun = [int(each.removeprefix("bytes=").rstrip("-")) for each in asked_for[1:]]
    assert len(begun) == 2
    assert all(0 < each < len(Cutting.content) for each in begun)


def test_a_part_of_another_file_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"the right content")
    target = tmp_path / "target"
    target.write_bytes(b"wrong")
    sha256 = hashlib.sha256(b"the right content").hexdigest()
    transfer.download(str(tmp_path), "file", target, sha256, lambda count: None)
    assert target.read_bytes() == b"the right content"


@pytest.mark.parametrize("path", ["../out", "a/../../out", "/etc/passwd", ".."])
def test_no_path_leads_out_of_the_data(path: str) -> None:
    with pytest.raises(RepositoryError, match="leads out"):
        _below(Path("data"), path)
