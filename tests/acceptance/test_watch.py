"""uscan reads debian/watch, and finds the newest release on the page that it names."""

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.acceptance.systems import DebianSystem, run
from tests.builder.dialects.watched import ADDRESSES, render_watch

pytestmark = [pytest.mark.slow, pytest.mark.tools("uscan")]

Pages = dict[str, str]


@pytest.fixture
def pages() -> Iterator[tuple[str, Pages]]:
    """The address of a server on this machine, and its pages by their paths, which a test fills."""
    served: Pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = served.get(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}", served
        httpd.shutdown()
        thread.join()


def listing(*names: str) -> str:
    return "".join(f'<a href="{name}">{name}</a>\n' for name in names)


def a_page(versions: list[str]) -> Pages:
    archives = [f"nipy-examplepkg-{each}.tar.gz" for each in versions]
    return {"/releases/": listing("../", "nipy-examplepkg-docs.tar.gz", *archives)}


def folders(versions: list[str]) -> Pages:
    inside = {
        f"/releases/v{each}/": listing("../", f"nipy-examplepkg-{each}.tar.gz") for each in versions
    }
    return {"/releases/": listing("old/", *(f"v{each}/" for each in versions)), **inside}


def github_tags(versions: list[str]) -> Pages:
    archive = "/nipy/examplepkg/archive/refs/tags/v{}.tar.gz"
    return {"/nipy/examplepkg/tags": listing(*map(archive.format, versions))}


def github_assets(name: str) -> Callable[[list[str]], Pages]:
    """The page of GitHub's interface for programs, in which the addresses are whole ones."""

    def json(versions: list[str]) -> Pages:
        address = f"https://github.com/nipy/examplepkg/releases/download/v{{0}}/{name}"
        listed = (f'{{"browser_download_url":"{address.format(each)}"}}' for each in versions)
        return {"/repos/nipy/examplepkg/releases?per_page=100": f"[{','.join(listed)}]"}

    return json


PAGES = {
    "page": a_page,
    "folders": folders,
    "github-tags": github_tags,
    "github-tags-by-name": github_tags,
    "github-assets": github_assets("nipy-examplepkg-{0}.tgz"),
    "github-assets-by-tag": github_assets("nipy-examplepkg.tar.gz"),
}
# GitHub serves an archive under any name behind its tag, and lists it without one.
LISTED = ADDRESSES | {"github-tags-by-name": ADDRESSES["github-tags"]}


@pytest.mark.parametrize(
    ("more", "newest", "spelled"),
    [
        ([], "0.10", "0.10"),
        (["1.0rc1"], "1.0rc1", "1.0~rc1"),
        (["1.0.RC1"], "1.0.RC1", "1.0~RC1"),
        (["1.0rc1", "1.0"], "1.0", "1.0"),
    ],
)
@pytest.mark.parametrize("kind", ADDRESSES)
def test_the_newest_release_is_found(
    kind: str,
    more: list[str],
    newest: str,
    spelled: str,
    pages: tuple[str, Pages],
    tmp_path: Path,
) -> None:
    server, served = pages
    served.update(PAGES[kind](["0.1", "0.2", "0.10", *more]))
    said = uscan(kind, "0.1", server, tmp_path)
    assert said["status"] == "newer package available", said
    assert said["debian-uversion"] == "0.1"
    assert said["upstream-version"] == spelled
    path = LISTED[kind].format(newest).partition("?")[0].split("/", 3)[3]
    assert said["upstream-url"].endswith(f"/{path}")


@pytest.mark.parametrize("kind", ADDRESSES)
def test_what_is_packaged_is_up_to_date(
    kind: str, pages: tuple[str, Pages], tmp_path: Path
) -> None:
    server, served = pages
    served.update(PAGES[kind](["0.1", "0.2", "0.10"]))
    said = uscan(kind, "0.10", server, tmp_path)
    assert said["status"] == "up to date", said
    assert said["upstream-version"] == "0.10"


def test_a_pre_release_that_is_packaged_is_up_to_date(
    pages: tuple[str, Pages], tmp_path: Path
) -> None:
    server, served = pages
    served.update(a_page(["0.10", "1.0.rc1"]))
    assert uscan("page", "1.0.rc1", server, tmp_path)["status"] == "up to date"


@pytest.mark.slow(100)
@pytest.mark.root
@pytest.mark.tools("mmdebstrap", "chroot")
@pytest.mark.parametrize("kind", ADDRESSES)
def test_sid_s_uscan_reads_the_newer_format(
    kind: str, pages: tuple[str, Pages], sid: DebianSystem, tmp_path: Path
) -> None:
    server, served = pages
    served.update(PAGES[kind](["0.1", "0.2", "0.10", "1.0rc1"]))
    said = uscan(kind, "0.1", server, tmp_path, sid)
    assert said["status"] == "newer package available", said
    assert said["upstream-version"] == "1.0~rc1"
    path = LISTED[kind].format("1.0rc1").partition("?")[0].split("/", 3)[3]
    assert said["upstream-url"].endswith(f"/{path}")


@pytest.mark.slow(100)
@pytest.mark.root
@pytest.mark.tools("mmdebstrap", "chroot")
@pytest.mark.parametrize("kind", ["folders", "github-assets"])
def test_sid_s_lintian_has_nothing_to_say_of_how_releases_are_found(
    kind: str, sid: DebianSystem, tmp_path: Path
) -> None:
    tree = render_watch(tmp_path, ADDRESSES[kind].format("0.10"), "0.10", "sid")
    with tempfile.TemporaryDirectory(dir=sid.root / "tmp") as name:
        inside = Path(name) / "tree"
        shutil.copytree(tree / "debian", inside / "debian")
        (inside / "x").mkdir()
        packed = ["tar", "-czf", f"{name}/nipy-examplepkg_0.10.orig.tar.gz", "-C", name, "tree/x"]
        run(*packed)
        here = f"/tmp/{Path(name).name}"
        sid.run("sh", "-c", f"cd {here}/tree && dpkg-buildpackage -S -d -us -uc 2>&1")
        command = "lintian --allow-root -EvIL +pedantic --show-overrides --fail-on none"
        said = sid.run("sh", "-c", f"{command} {here}/*.changes")
    lines = [line for line in said.splitlines() if not line.startswith("N:")]
    assert any(line.startswith("E: nipy-examplepkg source: license-problem") for line in lines)
    # What the sample does not say of itself is remarked on, and neither watch nor overrides are.
    overridden = {line.split()[3] for line in lines if line.startswith("O:")}
    of_releases = {"debian-watch-does-not-check-openpgp-signature", "timewarp-standards-version"}
    untracked = {f"upstream-metadata-missing-{each}" for each in ("bug-tracking", "repository")}
    assert overridden == of_releases | (untracked if kind == "folders" else set())
    others = [line for line in lines if line[:2] != "O:"]
    assert not [line for line in others if re.search("watch|override|upstream-metadata", line)]


def uscan(
    kind: str, version: str, server: str, directory: Path, system: DebianSystem | None = None
) -> dict[str, str]:
    """Render the recipe of a version, let uscan read the server's pages, return what it reports.

    It is this machine's uscan, or that of a system of sid.
    """
    suite = None if system is None else "sid"
    tree = render_watch(directory, ADDRESSES[kind].format(version), version, suite)
    watch = tree / "debian" / "watch"
    # The pages only: an address in a pattern stands on the page as it is.
    text = re.sub(r"(?m)^( |Source: )https://[^/]+", rf"\1{server}", watch.read_text("utf-8"))
    assert server in text
    watch.write_text(text, "utf-8")
    command = ["uscan", "--no-conf", "--report", "--dehs"]
    if system is not None:
        inside = tempfile.mkdtemp(dir=system.root / "tmp")
        shutil.copytree(tree / "debian", Path(inside) / "debian")
        here = f"cd /tmp/{Path(inside).name} && {' '.join(command)}"
        command = ["env", "-u", "TMPDIR", "chroot", str(system.root), "sh", "-c", here]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    said = {each.tag: each.text or "" for each in ElementTree.fromstring(done.stdout)}
    assert "warnings" not in said, said
    assert "errors" not in said, said
    assert done.returncode == (1 if said["status"] == "up to date" else 0), done.stderr
    return said
