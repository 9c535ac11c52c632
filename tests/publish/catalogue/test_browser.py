"""The pages in a real browser: search, copy, keyboard, both themes, a phone, and no program."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.browsing import Open, launched, opening, serving
from tests.publish.catalogue.samples import HARM, harmful, many, package, repository

from nipack.publish.catalogue import render
from nipack.publish.catalogue.entries import folder_name
from nipack.publish.records import PublishedPackage

pytestmark = [pytest.mark.slow, pytest.mark.tools("chromium")]

KINDS = (
    "index.html",
    "packages/index.html",
    "packages/nipy-templates/index.html",
    f"packages/{folder_name(HARM)}/index.html",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    with opening(browser) as opened:
        yield opened


def write(folder: Path, packages: list[PublishedPackage], **changes: Any) -> Path:
    for path, content in render(repository(**changes), packages):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def sample() -> list[PublishedPackage]:
    atlas = package(
        "nipy-atlas",
        "2.0",
        relpath="other/atlas",
        summary="Regions of the macaque",
        license="CC0-1.0",
        files={"macaque/regions.nii.gz": b"1"},
        species=("Macaca mulatta",),
        space=("D99",),
        libraries=("templateflow", "nilearn"),
    )
    old = package(version="0.2", retracted="its origin is wrong", files={"a": b"1"})
    rich = package(
        description="What it is.",
        files={"config.ini": b"0", "ICBM152/2mm/T1.nii.gz": b"1" * 2000},
        license_text="All of it.",
        keywords=("human",),
        authors=("Someone",),
        citation=({"doi": "10.1000/xyz", "text": "Someone (2011)."},),
    )
    return [rich, old, atlas, harmful(), *many(100)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("site"), sample())


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with serving(site) as found:
        yield found


def names(page: Page) -> list[str]:
    return page.locator("#cards h3 a").all_inner_texts()


def test_a_search_finds_names_summaries_and_files_as_it_is_typed(
    open_page: Open, site: Path
) -> None:
    page = open_page((site / "index.html").as_uri())
    assert len(names(page)) == 60
    for text in ("ATLAS", "macaque", "regions.nii", "regions macaque"):
        page.get_by_label("Search").fill(text)
        assert names(page) == ["nipy-atlas"], text
        assert page.locator("#count").inner_text() == "1 of 103 packages"
    page.get_by_label("Search").fill("nothing like this")
    assert names(page) == []
    assert "No package is like this" in page.locator("#cards").inner_text()


def test_filters_and_orders_hold_together_and_stay_in_the_address(
    open_page: Open, address: str
) -> None:
    page = open_page(f"{address}/index.html")
    page.get_by_label("Belongs to").select_option("other")
    assert names(page) == ["nipy-atlas"]
    page.get_by_label("Licence").select_option("BSD-3-Clause")
    assert names(page) == []
    page.get_by_label("Belongs to").select_option("nipy")
    page.get_by_label("Sort by").select_option("name")
    first = names(page)
    assert first == sorted(first)
    page.reload()
    assert names(page) == first
    assert page.get_by_label("Belongs to").input_value() == "nipy"
    page.get_by_label("Licence").select_option("")
    page.get_by_label("Belongs to").select_option("")
    page.get_by_label("Sort by").select_option("size")
    assert names(page)[0] == "nipy-templates"


@pytest.mark.parametrize(("width", "rows"), [(1200, 1), (900, 1), (800, 3), (360, 3)])
def test_filters_are_in_whole_rows(
    open_page: Open, address: str, tmp_path: Path, width: int, rows: int
) -> None:
    """With a choice of libraries they are five, and else four."""
    viewport = {"width": width, "height": 800}
    plain = write(tmp_path / "plain", [*many(3)])
    for place in (address, plain.as_uri()):
        page = open_page(f"{place}/index.html", viewport=viewport)
        fields = [each.bounding_box() for each in page.locator(".filters .field").all()]
        assert len({each["y"] for each in fields if each}) == rows


def test_what_a_library_finds_and_what_it_is_of(open_page: Open, address: str) -> None:
    page = open_page(f"{address}/index.html")
    page.get_by_label("Found by").select_option("nilearn")
    assert names(page) == ["nipy-atlas"]
    chips = page.locator("#cards .chip").all_inner_texts()
    assert chips[-2:] == ["Macaca mulatta", "D99"]
    page.reload()
    assert names(page) == ["nipy-atlas"]
    page.get_by_label("Found by").select_option("")
    page.get_by_label("Search").fill("macaca mulatta")
    assert names(page) == ["nipy-atlas"]
    page.get_by_role("link", name="nipy-atlas").click()
    finders = page.locator(".finders").inner_text()
    assert "templateflow, nilearn: after nipack link templateflow nilearn" in finders
    facts = page.locator(".facts").inner_text()
    assert "Macaca mulatta" in facts


def test_more_are_shown_when_asked_for(open_page: Open, site: Path) -> None:
    page = open_page((site / "index.html").as_uri())
    page.get_by_role("button", name="Show more").click()
    assert len(names(page)) == 103
    assert not page.get_by_role("button", name="Show more").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "A"


def test_what_is_copied_is_what_is_shown(open_page: Open, address: str) -> None:
    page = open_page(
        f"{address}/packages/nipy-templates/index.html",
        permissions=["clipboard-read", "clipboard-write"],
    )
    page.get_by_role("tab", name="pip").click()
    page.get_by_role("tabpanel", name="pip").get_by_role("button", name="Copy").click()
    page.wait_for_selector("text=Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == (
        "pip install --index-url https://data.example.org/neuro/simple/ nipy-templates"
    )
    digest = sample()[0].files[0].sha256
    page.get_by_role("button", name=f"Copy the digest {digest[:12]}").click()
    page.wait_for_function(f"navigator.clipboard.readText().then(text => text === '{digest}')")


def test_a_choice_is_remembered_from_page_to_page(open_page: Open, address: str) -> None:
    page = open_page(f"{address}/index.html")
    page.get_by_role("tab", name="apt").click()
    page.get_by_role("button", name="Dark theme").click()
    page.goto(f"{address}/packages/nipy-templates/index.html")
    assert page.get_by_role("tab", name="apt").get_attribute("aria-selected") == "true"
    assert page.get_by_text("sudo apt install nipy-templates").is_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_keyboard_alone_does_it_all(open_page: Open, site: Path) -> None:
    page = open_page((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("/")
    page.keyboard.type("macaque")
    assert names(page) == ["nipy-atlas"]
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/nipy-atlas/index.html")
    page.get_by_role("tab", name="conda").focus()
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("tab", name="pip").get_attribute("aria-selected") == "true"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "PRE"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", KINDS)
def test_nobody_is_kept_out(open_page: Open, address: str, theme: str, path: str) -> None:
    page = open_page(f"{address}/{path}", color_scheme=theme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


@pytest.mark.parametrize("path", KINDS)
def test_a_phone_shows_it_without_scrolling_sideways(
    open_page: Open, site: Path, path: str
) -> None:
    page = open_page((site / path).as_uri(), viewport={"width": 360, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_without_a_program_all_can_be_read(open_page: Open, site: Path) -> None:
    page = open_page((site / "index.html").as_uri(), java_script_enabled=False)
    assert page.locator("#filters").is_hidden()
    assert len(names(page)) == 60
    for ecosystem in ("conda install", "sudo apt update", "pip install"):
        assert page.get_by_text(ecosystem).is_visible()
    page.get_by_role("link", name="All packages", exact=True).click()
    page.get_by_role("link", name="nipy-templates").click()
    assert page.get_by_text("sudo apt install nipy-templates").is_visible()
    assert page.get_by_text(sample()[0].files[0].sha256).is_visible()
    page.get_by_text("BibTeX").first.click()
    assert page.get_by_text("@misc{").is_visible()


@pytest.mark.parametrize("path", KINDS)
def test_a_text_that_is_code_does_nothing(open_page: Open, site: Path, path: str) -> None:
    page = open_page((site / path).as_uri())
    if path == "index.html":
        page.get_by_label("Search").fill("onerror")
        assert len(names(page)) == 1
    assert page.evaluate("window.harmed") is None
    assert page.locator("script").count() <= 4


def test_a_repository_that_nobody_gave_an_address_says_its_own(
    open_page: Open, tmp_path: Path
) -> None:
    write(tmp_path, [package()], address=None)
    page = open_page((tmp_path / "packages" / "nipy-templates" / "index.html").as_uri())
    shown = page.get_by_role("tabpanel", name="conda").inner_text()
    assert f"conda install --channel {tmp_path.as_uri()}/conda nipy-templates" in shown


def test_ten_thousand_packages_are_searched_at_once(open_page: Open, tmp_path: Path) -> None:
    write(tmp_path, [*many(10_000)])
    page = open_page((tmp_path / "index.html").as_uri())
    assert "10,000 packages" in page.locator("#count").inner_text()
    spent = page.evaluate(
        """() => {
          const input = document.getElementById("query");
          const begun = performance.now();
          for (const text of ["n", "data", "set 99", "data-07777"]) {
            input.value = text;
            input.dispatchEvent(new Event("input", { bubbles: true }));
          }
          return (performance.now() - begun) / 4;
        }"""
    )
    assert names(page) == ["nipy-data-07777"]
    # A person notices a tenth of a second; a busy machine gets three times that.
    assert spent < 300
