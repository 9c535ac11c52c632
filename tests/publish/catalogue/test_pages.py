"""The pages as files: what is in them, what harms nobody, and that no link leads nowhere."""

import json
import posixpath
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jinja2
import pytest
from tests.publish.catalogue.samples import HARM, harmful, many, package, repository

from nipack.publish.catalogue import render
from nipack.publish.catalogue.commands import UNKNOWN_ADDRESS, ways
from nipack.publish.catalogue.entries import entries_of, folder_name
from nipack.publish.catalogue.html import environment
from nipack.publish.catalogue.snippets import python_string, r_string, snippets
from nipack.publish.records import PublishedPackage


class Page(HTMLParser):
    """What a reader of HTML finds in a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def addresses(self) -> list[str]:
        return [
            value
            for _, attributes in self.tags
            for name in ("href", "src")
            if (value := attributes.get(name))
        ]


def rendered(*packages: PublishedPackage) -> dict[str, bytes]:
    return dict(render(repository(), packages))


def pages(files: dict[str, bytes]) -> dict[str, Page]:
    return {path: Page(content) for path, content in files.items() if path.endswith(".html")}


def test_no_link_of_a_page_leads_nowhere() -> None:
    packages = [package(), package(version="0.2", retracted="wrong"), *many(3), harmful()]
    files = rendered(*packages)
    there = {*files, *(each.path for one in packages for each in one.artifacts)}
    checked = 0
    for path, page in pages(files).items():
        for address in page.addresses():
            parts = urlsplit(address)
            if not parts.scheme and parts.path:
                target = posixpath.join(posixpath.dirname(path), unquote(parts.path))
                assert posixpath.normpath(target) in there, f"{path} links {address}"
                checked += 1
    assert checked > 50


def test_a_page_asks_no_other_host_for_anything() -> None:
    for path, page in pages(rendered(package(), harmful())).items():
        asked = [
            attributes.get("src") or attributes.get("href") or ""
            for tag, attributes in page.tags
            if tag in ("script", "img", "link", "iframe", "source")
        ]
        assert [each for each in asked if urlsplit(each).scheme or each.startswith("//")] == [], (
            path
        )


def test_a_text_that_is_code_is_shown_and_does_nothing() -> None:
    files = rendered(harmful(), package())
    for path, page in pages(files).items():
        tags = [tag for tag, _ in page.tags]
        assert tags.count("script") <= 4, path
        attributes = [name for _, found in page.tags for name in found]
        assert not [name for name in attributes if name.startswith("on")], path
        assert not [each for each in page.addresses() if each.startswith("javascript")], path
        assert "\u202e" not in page.text, path
    shown = pages(files)[f"packages/{folder_name(HARM)}/index.html"].text
    assert shown.count("<script>window.harmed=1</script>") > 8
    assert "{{7*7}}" in shown
    assert all(".." not in path.split("/") and len(path) < 200 for path in files)


def test_a_package_says_how_it_is_installed_found_cited_and_what_is_in_it() -> None:
    citation = {
        "doi": "10.1000/xyz",
        "text": "Someone (2011). Something.",
        "metadata": {"title": "Something", "author": [{"family": "Someone"}]},
    }
    sample = package(citation=(citation,), license_text="The whole text.", description="A\n\nB")
    text = Page(rendered(sample)["packages/nipy-templates/index.html"]).text
    for wanted in (
        "conda install --channel https://data.example.org/neuro/conda nipy-templates",
        "&& sudo apt install nipy-templates",
        "pip install --index-url https://data.example.org/neuro/simple/ nipy-templates",
        "nipack where nipy/templates ICBM152/2mm/T1.nii.gz",
        "https://doi.org/10.1000/xyz",
        "title = {Something}",
        "The whole text.",
        "You may use, change and share it if the copyright notice stays with it",
        *(each.sha256 for each in sample.files),
        sample.payload_id,
    ):
        assert wanted in text.replace("\n", " ") or wanted in text


def test_versions_are_newest_first_with_what_changed_and_why_one_is_retracted() -> None:
    old = package(version="0.9", files={"a": b"1", "b": b"1", "gone": b"1"})
    new = package(version="0.10", files={"a": b"1", "b": b"2", "new": b"3"})
    bad = package(version="0.11", retracted="its origin is wrong", files={"a": b"1"})
    (entry,) = entries_of([old, bad, new])
    assert [each.version for each in entry.versions] == ["0.11", "0.10", "0.9"]
    assert entry.latest is new
    text = Page(rendered(old, bad, new)["packages/nipy-templates/index.html"]).text
    assert "its origin is wrong" in text
    assert "1 changed, 1 added, 1 removed since 0.9" in text
    assert "Results of analyses that read what changed may change: run them again." in text
    assert "This version is retracted" not in text
    alone = Page(rendered(bad)["packages/nipy-templates/index.html"]).text
    assert "This version is retracted" in alone


def test_a_package_without_licence_citation_and_text_is_said_to_have_none() -> None:
    bare = package(license=None, summary="", artifacts=())
    files = rendered(bare)
    text = Page(files["packages/nipy-templates/index.html"]).text
    assert "Nobody has stated a licence" in text
    assert "nipy-templates 0.3" in text
    assert "@misc{" in text
    assert "no licence stated" in Page(files["index.html"]).text
    assert "Install by name" not in Page(files["index.html"]).text


def test_only_the_pages_of_what_changed_are_made_anew() -> None:
    packages = [package(), *many(5)]
    part = dict(render(repository(), packages, changed={"nipy-data-00002"}))
    own = {path for path in part if path.count("/") == 2 and path.endswith(".html")}
    assert own == {"packages/nipy-data-00002/index.html"}
    whole = rendered(*packages)
    assert part.items() <= whole.items()


def test_what_names_others_comes_after_them() -> None:
    order = list(rendered(package(), *many(2)))
    assert order[-1] == "index.html"
    assert order.index("packages/nipy-templates/index.html") < order.index("packages.json")


def test_the_list_for_machines_and_that_of_the_search_are_the_same() -> None:
    files = rendered(package(), *many(2), harmful())
    script = files["catalogue/packages.js"].decode()
    inner = script.removeprefix("window.nipackCatalogue=").removesuffix(";\n")
    document = json.loads(files["packages.json"])
    artifacts = {each["name"]: each.pop("artifacts") for each in document["packages"]}
    assert json.loads(inner) == document
    assert {each["ecosystem"] for each in artifacts["nipy-templates"]} == {"apt", "conda", "pip"}
    assert {each["name"] for each in document["packages"]} >= {"nipy-templates"}
    assert document["repository"]["generation"] == 3


@pytest.mark.parametrize("name", ["../up", ".", "..", "a/b", "", "a b", "a.", HARM, "x" * 300, "ä"])
def test_no_name_leads_out_of_the_folder_of_the_packages(name: str) -> None:
    assert folder_name(name).startswith("x-")
    assert folder_name("nipy-templates_2.5+x") == "nipy-templates_2.5+x"


def test_an_address_that_nobody_stated_is_left_open() -> None:
    (way,) = ways(repository(address=None), "p", {"conda", "unknown"})
    assert UNKNOWN_ADDRESS in way.lines[0]


@pytest.mark.parametrize("text", ["plain", 'a"b\\', "new\nline", HARM, "ä\U0001f9e0"])
def test_strings_of_other_languages_hold_what_they_were_given(text: str) -> None:
    assert eval(python_string(text)) == text
    inner = r_string(text)[1:-1]
    assert '"' not in inner.replace('\\"', "")
    assert inner.isascii()
    assert inner.isprintable()


def test_every_snippet_of_python_finds_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "nipy" / "templates" / "it's" / "T1.nii.gz"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"1")
    (target.parents[1] / "config.ini").write_text("[DEFAULT]\nversion = 0.3\n")
    monkeypatch.setenv("NIPY_DATA_PATH", str(tmp_path))
    sample = package(files={"it's/T1.nii.gz": b"1"})
    ran = 0
    for snippet in snippets(sample):
        if snippet.language in ("python", "nibabel"):
            values: dict[str, object] = {}
            exec(snippet.code, values)
            assert values["path"] == str(target)
            ran += 1
    assert ran == 2


def test_a_value_that_a_page_lacks_is_a_bug() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("<p>{{ other }}</p>").render({})
