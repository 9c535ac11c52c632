"""Newer releases: looked for on pages as servers have them, listed, and followed."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.builder.samples import member, tar_gz
from tests.builder.served import Server

from nipack.builder.authoring.releases import Release, newest_release
from nipack.builder.definition.sources import Source, SourceFile, Sources
from nipack.cli.app import nipack
from nipack.system.errors import SourceError

OLD = "ab" * 32
PAGES = {
    "https://example.org/data/": """
        <a href="../">..</a> <a href="x-0.2.tar.gz">x</a> <a href="x-0.10.tar.xz">x</a>
        <a href="/data/x-0.9.zip#top">x</a> <a href="x-0.11rc1.tar.gz">x</a>
        <a href="x-new.tar.gz">x</a> <a href="https://elsewhere.org/data/x-9.0.tar.gz">x</a>
        <a href="y-8.0.tar.gz">y</a> <a href="https://[">a</a> <a>b</a>""",
    "https://example.org/releases/": """
        <a href="v0.9/">9</a> <a href="v0.10/">10</a> <a href="new/">n</a>""",
    "https://example.org/releases/v0.10/": '<a href="x-0.10.tar.gz?download=1">x</a>',
    "https://github.com/lab/x/tags": """
        <a href="/lab/x/archive/refs/tags/v0.4.zip">zip</a>
        <a href="/lab/x/archive/refs/tags/v0.10.tar.gz">tar</a>""",
    "https://api.github.com/repos/lab/x/releases?per_page=100": json.dumps(
        [
            {
                "browser_download_url": f"https://github.com/lab/x/releases/download/v{each}/x-{each}.tgz"
            }
            for each in ("0.9", "0.10", "0.8")
        ]
    ),
}


@pytest.mark.parametrize(
    ("address", "newest"),
    [
        ("https://example.org/data/x-0.2.tar.gz", "https://example.org/data/x-0.10.tar.xz"),
        ("https://example.org/data/x-0.11a1.tar.gz", "https://example.org/data/x-0.11rc1.tar.gz"),
        (
            "https://example.org/releases/v0.2/x-0.2.tar.gz?download=1",
            "https://example.org/releases/v0.10/x-0.10.tar.gz?download=1",
        ),
        (
            "https://github.com/lab/x/archive/refs/tags/v0.2.tar.gz",
            "https://github.com/lab/x/archive/refs/tags/v0.10.tar.gz",
        ),
        (
            "https://github.com/lab/x/releases/download/v0.2/x-0.2.tgz",
            "https://github.com/lab/x/releases/download/v0.10/x-0.10.tgz",
        ),
    ],
)
def test_the_newest_release_on_each_kind_of_page(address: str, newest: str) -> None:
    version = "0.11a1" if "a1" in address else "0.2"
    found = newest_release(Source(address=address), version, PAGES.__getitem__)
    assert found == Release(version="0.11rc1" if "rc1" in newest else "0.10", address=newest)


def test_of_several_files_one_with_the_version_is_asked_for() -> None:
    named = [
        Source(address=f"https://example.org/data/{name}") for name in ("LICENSE", "x-0.2.tgz")
    ]
    files = tuple(SourceFile(path="a", source=each) for each in named)
    found = newest_release(Sources(files=files), "0.2", PAGES.__getitem__)
    assert found.version == "0.10"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (Source(address="/data/x-0.2.tar.gz"), "is a path of this machine"),
        (Source(address="https://example.org/x.tar.gz"), "has no version 0.2 in it"),
        (Source(address="https://example.org/data/z-0.2.tar.gz"), "lists no release like z-0.2"),
        (
            Source(address="https://example.org/data/v0.2/x-0.2.tar.gz"),
            "lists no folder of a release",
        ),
    ],
)
def test_why_nobody_can_be_asked(source: Source, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        newest_release(source, "0.2", PAGES.__getitem__)


@pytest.mark.parametrize(
    "text",
    [
        "<![foo[ <a href=x-0.3.tar.gz>",
        f'<a href="x-{"9" * 6000}.tar.gz">x</a>',
        "<a href='x-0.3.tar.gz" * 10_000,
        "\x00<a href>" * 1000,
    ],
    ids=["a declaration", "digits", "quotes", "controls"],
)
def test_a_page_of_any_kind_is_read(text: str) -> None:
    with pytest.raises(SourceError, match="lists no release"):
        newest_release(Source(address="https://example.org/x-0.2.tar.gz"), "0.2", lambda page: text)


@pytest.fixture
def server(trusted_server: Server) -> Server:
    return trusted_server


def release(tmp_path: Path, version: str) -> bytes:
    config = f"[DEFAULT]\nversion = {version}\n".encode()
    archive = tmp_path / "release.tar.gz"
    return tar_gz(archive, member(f"x-{version}/x/config.ini", config)).read_bytes()


def collection(server: Server, tmp_path: Path) -> Path:
    """Two packages, of which one is behind, and one whose page is gone."""
    page = "".join(f'<a href="x-{each}.tar.gz">x</a>' for each in ("0.2", "0.3"))
    server.files = {"/x/": page.encode(), "/y/": b'<a href="x-0.2.tar.gz">x</a>'}
    server.files["/x/x-0.3.tar.gz"] = release(tmp_path, "0.3")
    for name in ("x", "y", "z"):
        (tmp_path / "recipes" / name).mkdir(parents=True)
        (tmp_path / "recipes" / name / "package.yaml").write_text(
            f"name: lab-{name}\nrelpath: lab/x\nversion: '0.2' # of 2023\nrevision: 2\n"
            f"date: 2023-05-01\nsource:\n"
            f"  address: {server.base}{name}/x-0.2.tar.gz\n  sha256: {OLD}\n",
            "utf-8",
        )
    return tmp_path / "recipes"


def run(*words: object) -> Result:
    return CliRunner().invoke(nipack, [*map(str, words)])


def test_a_collection_is_listed_and_a_release_followed(server: Server, tmp_path: Path) -> None:
    recipes = collection(server, tmp_path)
    done = run("outdated", recipes)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        f"lab-x 0.2: 0.3 is at {server.base}x/x-0.3.tar.gz",
        "lab-y 0.2: the newest",
        f"to follow a release: nipack bump latest {recipes / 'x'}",
    ]
    assert f"error: {server.base}z/: cannot be fetched: 404" in done.stderr

    before = (recipes / "x" / "package.yaml").read_text("utf-8")
    dry = run("bump", "latest", recipes / "x", "-n")
    assert (dry.exit_code, dry.stderr) == (0, "")
    assert (recipes / "x" / "package.yaml").read_text("utf-8") == before
    done = run("bump", "latest", recipes / "x", "--date", "2024-02-29")
    assert (done.exit_code, done.stderr) == (0, "")
    digest = hashlib.sha256(server.files["/x/x-0.3.tar.gz"]).hexdigest()
    changes = {
        "version: '0.2'": "version: '0.3'",
        "revision: 2": "revision: 0",
        "2023-05-01": "2024-02-29",
        "x-0.2.tar.gz": "x-0.3.tar.gz",
        OLD: digest,
    }
    after = before
    for old, new in changes.items():
        assert after.count(old) == 1
        after = after.replace(old, new)
    assert (recipes / "x" / "package.yaml").read_text("utf-8") == after
    assert run("check", recipes / "x").exit_code == 0
    assert run("outdated", recipes / "x", recipes / "y", "--exit-code").exit_code == 0
    again = run("bump", "latest", recipes / "x")
    assert again.exit_code == 1
    assert "0.3 is the newest release at its source" in again.stderr


def test_json_and_exit_codes(server: Server, tmp_path: Path) -> None:
    recipes = collection(server, tmp_path)
    done = run("outdated", recipes / "x", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "packages": [
            {
                "source": str(recipes / "x"),
                "name": "lab-x",
                "version": "0.2",
                "newest": "0.3",
                "address": f"{server.base}x/x-0.3.tar.gz",
                "outdated": True,
            }
        ],
        "errors": [],
    }
    assert run("outdated", recipes / "x", "--exit-code", "-q").exit_code == 1
    (recipes / "y" / "package.yaml").write_text("name: [", "utf-8")
    broken = run("outdated", recipes / "x", recipes / "y", "--json")
    assert broken.exit_code == 1
    [error] = json.loads(broken.stdout)["errors"]
    assert str(recipes / "y" / "package.yaml") in error


def test_a_release_that_is_not_there_changes_nothing(server: Server, tmp_path: Path) -> None:
    definition = collection(server, tmp_path) / "x" / "package.yaml"
    before = definition.read_bytes()
    done = run("bump", "0.7", definition.parent)
    assert done.exit_code == 1
    assert "x-0.7.tar.gz: cannot be fetched: 404" in done.stderr
    assert definition.read_bytes() == before


@pytest.mark.parametrize(
    ("part", "hint"),
    [("mnior", "did you mean minor?"), ("0.x", "'0.x' is not a version"), ("new", "or a version")],
)
def test_what_cannot_be_bumped_to(part: str, hint: str, tmp_path: Path) -> None:
    done = run("bump", part, tmp_path)
    assert done.exit_code == 2
    assert hint in done.stderr


def test_data_of_this_machine_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "package.yaml").write_text(
        "name: lab-x\nrelpath: lab/x\nversion: '0.2'\nsource: {address: x}\n", "utf-8"
    )
    (tmp_path / "x").mkdir()
    done = run("bump", "latest", tmp_path)
    assert done.exit_code == 1
    assert (
        "is a path of this machine, so there is nowhere to look for a newer release" in done.stderr
    )
