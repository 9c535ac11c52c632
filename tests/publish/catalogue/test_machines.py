"""What machines read: Croissant, Atom, a sitemap."""

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.publish.catalogue.samples import HARM, harmful, many, package, repository

from nipack.publish.catalogue import render
from nipack.publish.catalogue.entries import folder_name

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"

# Without a network: the context of a document is in the document.
READER = """
import pathlib, socket, sys
def refuse(*arguments, **named):
    raise OSError("no network")
socket.socket.connect = refuse
import mlcroissant
for name in sys.argv[1:]:
    dataset = mlcroissant.Dataset(jsonld=pathlib.Path(name))
    issues = dataset.metadata.ctx.issues
    print(dataset.metadata.name, len(dataset.metadata.distribution), *issues.errors, sep="\\t")
    for warning in issues.warnings:
        print("warning", warning, sep="\\t")
"""


def rich() -> Any:
    return package(
        description="What it is.",
        keywords=("human",),
        species=("Homo sapiens",),
        space=("MNI152NLin6Asym",),
        resolution=("2 mm",),
        authors=("Someone",),
        homepage="https://example.org/data",
        citation=({"doi": "10.1000/xyz", "text": "Someone (2011)."},),
    )


@pytest.mark.slow
def test_croissant_is_valid_to_its_own_library(tmp_path: Path) -> None:
    files = dict(render(repository(), [rich(), *many(1), harmful()]))
    paths = []
    for number, (path, content) in enumerate(files.items()):
        if path.endswith("/croissant.json"):
            paths.append(tmp_path / f"{number}.json")
            paths[-1].write_bytes(content)
    assert len(paths) == 3
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READER, *map(str, paths)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    names = {line.split("\t")[0]: line.split("\t")[1:] for line in run.stdout.splitlines()}
    assert names["nipy-templates"] == ["5"], run.stdout
    assert names["nipy-data-00000"] == ["3"], run.stdout
    assert len(names) >= 3
    warnings = [line for line in run.stdout.splitlines() if line.startswith("warning")]
    assert [line for line in warnings if "citeAs" not in line and "datePublished" not in line] == []


def test_croissant_is_a_dataset_as_search_engines_read_it() -> None:
    files = dict(render(repository(), [rich()]))
    found = json.loads(files["packages/nipy-templates/croissant.json"])
    assert found["name"] == "nipy-templates"
    assert 50 <= len(found["description"]) <= 5000
    assert found["license"] == "https://spdx.org/licenses/BSD-3-Clause"
    assert found["url"] == "https://data.example.org/neuro/packages/nipy-templates/index.html"
    assert found["creator"] == [{"@type": "Person", "name": "Someone"}]
    assert found["keywords"] == ["human", "Homo sapiens", "MNI152NLin6Asym", "2 mm"]
    artifacts = [each for each in found["distribution"] if "containedIn" not in each]
    assert {each["sha256"] for each in artifacts} == {each.sha256 for each in rich().artifacts}
    assert artifacts[0]["contentUrl"].startswith("https://data.example.org/neuro/apt/pool/")
    contents = {each["name"]: each["sha256"] for each in found["distribution"][3:]}
    assert contents == {each.path: each.sha256 for each in rich().files}


class Blocks(HTMLParser):
    """The scripts of a page that are data."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.inside = False
        self.found: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script" and dict(attrs).get("type") == "application/ld+json"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found.append(data)


@pytest.mark.parametrize("sample", [rich(), harmful()], ids=["rich", "harmful"])
def test_a_page_has_its_metadata_in_it(sample: Any) -> None:
    files = dict(render(repository(), [sample]))
    (block,) = Blocks(files[f"packages/{folder_name(sample.name)}/index.html"]).found
    assert json.loads(block)["@type"] == "sc:Dataset"
    assert json.loads(block)["identifier"] == f"sha256:{sample.payload_id}"
    assert "<" not in block


def test_the_feed_tells_of_releases_and_retractions_newest_first() -> None:
    old = package(version="0.2", retracted="its origin is wrong")
    files = dict(render(repository(), [old, package(), *many(80), harmful()]))
    feed = ElementTree.fromstring(files["feed.xml"])
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 50
    updated = [str(each.findtext(f"{ATOM}updated")) for each in entries]
    assert updated == sorted(updated, reverse=True)
    identities = [each.findtext(f"{ATOM}id") for each in entries]
    assert len(set(identities)) == 50
    titles = [each.findtext(f"{ATOM}title") for each in entries]
    retracted = entries[titles.index("nipy-templates 0.2")]
    assert "Retracted: its origin is wrong" in str(retracted.findtext(f"{ATOM}summary"))
    link = retracted.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href", "").endswith("/packages/nipy-templates/index.html")
    assert feed.findtext(f"{ATOM}updated") == "2026-11-20T12:00:00Z"
    assert any(HARM[:20] in str(title) for title in titles)


def test_the_sitemap_has_every_page_where_there_is_an_address() -> None:
    packages = [package(), *many(3)]
    files = dict(render(repository(), packages))
    tree = ElementTree.fromstring(files["sitemap.xml"])
    places = {str(each.findtext(f"{SITEMAP}loc")) for each in tree}
    pages = {path for path in files if path.endswith(".html")}
    assert places == {f"https://data.example.org/neuro/{path}" for path in pages}
    for address in (None, "file:///srv/data"):
        assert "sitemap.xml" not in dict(render(repository(address=address), packages))


def test_machines_are_told_of_what_is_for_them() -> None:
    files = dict(render(repository(), [package()]))
    front = files["index.html"].decode()
    assert '<link rel="alternate" type="application/atom+xml"' in front
    assert 'href="packages.json"' in front
    own = files["packages/nipy-templates/index.html"].decode()
    assert 'href="croissant.json"' in own
