"""The documentation's site builds without a warning, and can be read by everyone in a browser."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from scripts import site_links
from tests.browsing import Open, launched, opening
from tests.conftest import REPOSITORY
from tests.publish.serving import serving

PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))


# The doors of the front page, and the headings behind them.
DOORS = {
    "I use data": "For users",
    "I make data": "From a directory of images to a release",
    "I maintain a distribution": "For maintainers",
    "I write a library": "For authors of libraries",
}
# Each kind of page; those of one kind have the same colours.
LOOKED_AT = (
    ("index", "light"),
    ("index", "dark"),
    ("users", "light"),
    ("users", "dark"),
    ("definition", "light"),
    ("reference/commands", "dark"),
    ("search", "light"),
    ("search", "dark"),
)
Built = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the site once, for every test here; give its folder, and what Sphinx said."""
    top = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    done = subprocess.run(
        [*command, "-d", top / "trees", REPOSITORY / "docs", top / "site"],
        capture_output=True,
        text=True,
    )
    return top / "site", done


@pytest.fixture(scope="module")
def site(built: Built) -> Path:
    return built[0]


@pytest.mark.slow(60)
def test_the_site_is_built_without_a_warning(built: Built) -> None:
    site, done = built
    assert done.returncode == 0, done.stderr
    assert len(PAGES) > 10
    for page in PAGES:
        built_page = site / page.relative_to(REPOSITORY / "docs").with_suffix(".html")
        assert built_page.is_file()
    commands = (site / "reference" / "commands.html").read_text("utf-8")
    assert "nipack verify" in commands
    assert site_links.faults(site) == []
    front = (site / "index.html").read_text("utf-8")
    for door in ("users.html", "data-authors.html", "maintainers/README.html"):
        assert f'href="{door}"' in front


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with serving(site) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    # The theme says there which mode it is in.
    with opening(browser, may_log=True) as opened:
        yield opened


def marked(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs the browser."""
    for mark in (pytest.mark.slow(3), pytest.mark.tools("chromium")):
        test = mark(test)
    return test


@marked
def test_each_door_leads_to_its_page(open_page: Open, address: str) -> None:
    page = open_page(f"{address}/index.html")
    for door, heading in DOORS.items():
        page.locator(".sd-card", has_text=door).click()
        assert page.locator("h1").inner_text().startswith(heading), door
        page.go_back()


@marked
def test_a_search_finds_a_term_and_the_command_line(open_page: Open, address: str) -> None:
    page = open_page(f"{address}/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("templateflow")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=templateflow")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("libraries" in each.lower() for each in found), found
    page.locator("#search-results li a").first.click()
    assert "templateflow" in page.locator("article").inner_text().lower()


@marked
def test_the_keyboard_alone_opens_a_door(open_page: Open, address: str) -> None:
    page = open_page(f"{address}/index.html")
    page.keyboard.press("Tab")
    assert "main content" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('article a[href=\"users.html\"]')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/users.html")
    assert page.locator("h1").inner_text().startswith("For users")


@marked
def test_a_theme_is_that_of_the_system_until_one_is_chosen(open_page: Open, address: str) -> None:
    def brightness(page: Page) -> int:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    front = f"{address}/index.html"
    assert brightness(open_page(front, color_scheme="dark")) < 150
    page = open_page(front, color_scheme="light")
    assert brightness(page) > 600
    page.locator(".theme-switch-container button").first.click()
    page.locator(".theme-change-button[data-mode=dark]").first.click()
    page.goto(f"{address}/users.html")
    assert brightness(page) < 150


@marked
@pytest.mark.parametrize(("name", "theme"), LOOKED_AT)
def test_nobody_is_kept_out(open_page: Open, address: str, name: str, theme: str) -> None:
    page = open_page(f"{address}/{name}.html", color_scheme=theme)
    # axe looks for what a style imports beside the page, and not beside the style.
    result = Axe().run(page, options={"preload": False})
    assert result.violations_count == 0, result.generate_report()


@marked
def test_a_phone_shows_pages_without_scrolling_sideways(open_page: Open, address: str) -> None:
    page = open_page(f"{address}/index.html", viewport={"width": 360, "height": 740})
    paths = [path.relative_to(REPOSITORY / "docs").with_suffix(".html") for path in PAGES]
    names = [path for path in paths if path.parent.name != "decisions"]
    assert len(names) > 20
    wide = []
    for name in names:
        page.goto(f"{address}/{name.as_posix()}")
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(str(name))
    assert wide == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.html").write_text(
        "<h1 id='top'>A</h1><a href='#top'></a><a href='#no'></a><a href='below/'></a>"
        "<a href='https://example.org/x'></a><img src='no.png'><a href='../../etc'></a>"
        "<picture><source srcset='dark.png'></picture>",
        "utf-8",
    )
    (tmp_path / "below" / "index.html").write_text("<a href='../a.html#top'></a>", "utf-8")
    assert site_links.faults(tmp_path) == [
        "a.html: #no: the page has no such place",
        "a.html: ../../etc: it leaves the site",
        "a.html: dark.png: there is no such file",
        "a.html: no.png: there is no such file",
    ]
    script = REPOSITORY / "scripts" / "site_links.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, check=False)
    assert done.returncode == 1


def test_each_terminal_is_in_the_gallery() -> None:
    page = (REPOSITORY / "docs" / "gallery.md").read_text("utf-8")
    pictures = [path.name for path in (REPOSITORY / "docs/_static/terminals").glob("*.svg")]
    assert len(pictures) >= 6
    assert all(f"_static/terminals/{name})" in page for name in pictures)
