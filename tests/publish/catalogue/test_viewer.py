"""Volumes in three dimensions: their small copies, the program that shows them, and the pages."""

import base64
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page
from tests.browsing import Open, launched, opening, serving
from tests.publish.catalogue.samples import HARM, package, repository
from tests.publish.catalogue.test_pictures import Repository, image, wheel

from nipack.publish.catalogue import previews, render
from nipack.publish.catalogue.scripts import is_volume
from nipack.publish.catalogue.slices import preview
from nipack.publish.catalogue.viewer import Viewer, licence_path, program_path, viewer_at
from nipack.publish.catalogue.volumes import MOST_BYTES, SmallVolume, small_volume
from nipack.publish.errors import RepositoryError

PROGRAM = b'(function(e){typeof globalThis<"u"})(function(){var Niivue=1});'


def copied(tmp_path: Path, content: bytes, name: str = "a.nii.gz") -> tuple[SmallVolume, Any]:
    path = tmp_path / name
    path.write_bytes(content)
    found = small_volume(path, preview(path).window)
    kind: Any = nibabel.Nifti1Image
    return found, kind.from_bytes(gzip.decompress(found.content))


def blob(shape: tuple[int, ...], voxel: tuple[int, ...]) -> Any:
    """A ball of intensities around a voxel."""
    away = sum((axis - middle) ** 2 for axis, middle in zip(np.indices(shape), voxel, strict=True))
    return (1000 * np.exp(-away / 50)).astype(np.float32)


def middle_of(data: Any, affine: Any) -> Any:
    weights = np.indices(data.shape) * data
    return affine[:3, :3] @ (weights.reshape(3, -1).sum(axis=1) / data.sum()) + affine[:3, 3]


@pytest.mark.parametrize("suffix", [".nii.gz", ".mgz"])
def test_what_is_at_a_place_in_mm_is_there_in_the_copy(tmp_path: Path, suffix: str) -> None:
    affine = np.array([[-1.5, 0, 0.2, 90], [0, 0.8, 0, -40], [0, 0.1, 2, -70], [0, 0, 0, 1.0]])
    data = blob((130, 40, 20), (70, 24, 11))
    found, copy = copied(tmp_path, image(data, affine, suffix=suffix), f"a{suffix}")
    assert copy.shape == (65, 40, 20)
    assert copy.get_data_dtype() == np.uint8
    assert copy.header.get_xyzt_units()[0] == "mm"
    values = np.asarray(copy.dataobj)
    assert np.abs(middle_of(values, copy.affine) - middle_of(data, affine)).max() < 0.1
    assert found.regions == ()
    # What is brighter than the window is as bright as its end.
    pairs = (data[:130].reshape(65, 2, 40, 20).mean(axis=1), values)
    below = pairs[0] < values.max() * 0.9
    assert np.abs(pairs[0] - pairs[1])[below].max() < 0.02 * values.max()


def test_intensities_are_those_of_the_file_and_of_the_first_volume(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 900, (9, 8, 7, 2)).astype(np.int16)
    made: Any = nibabel.Nifti1Image(data, np.eye(4))  # type: ignore[no-untyped-call]
    made.header.set_slope_inter(0.5, 100)
    content = bytearray(made.to_bytes())
    content[112:120] = np.array([0.5, 100], "<f4").tobytes()
    _, copy = copied(tmp_path, gzip.compress(bytes(content)))
    assert copy.shape == (9, 8, 7)
    expected = data[..., 0] * 0.5 + 100
    assert np.abs(np.asarray(copy.dataobj) - expected).max() < 900 * 0.5 / 255 + 3


def test_regions_are_picked_and_never_mixed(tmp_path: Path) -> None:
    names = np.array([0, 7, 300, -4, 2000, 11, 12, 13])
    blocks = names[np.arange(8).reshape(2, 2, 2)].astype(np.int16)
    data = np.kron(blocks, np.ones((100, 20, 20), np.int16))
    affine = np.diag([2.0, 2, 2, 1])
    found, copy = copied(tmp_path, image(data, affine))
    assert found.regions == (-4, 7, 11, 12, 13, 300, 2000)
    assert copy.shape == (100, 40, 40)
    assert copy.header.get_intent()[0] == "label"
    values = np.asarray(copy.dataobj)
    for voxel in ((3, 3, 3), (60, 30, 10), (99, 39, 39)):
        place = copy.affine @ [*voxel, 1]
        original = np.linalg.solve(affine, place)[:3]
        assert np.abs(original - original.round()).max() < 1e-6
        number = values[voxel]
        region = found.regions[int(number) - 1] if number else 0
        assert region == data[tuple(original.round().astype(int))]
    script = found.script("k").decode()
    told = json.loads(script[script.index("{}") + 3 : -3])["k"]
    assert told["regions"] == [*found.regions]
    assert len({tuple(each) for each in told["colours"]}) == 7
    assert base64.b64decode(told["content"]) == found.content


def test_more_regions_than_a_byte_has_have_colours_and_no_numbers(tmp_path: Path) -> None:
    names = np.arange(343).reshape(7, 7, 7).astype(np.int32) * 3
    found, copy = copied(tmp_path, image(np.kron(names, np.ones((4, 4, 4), np.int32))))
    assert len(found.regions) == 255
    assert b'"regions":[]' in found.script("k")
    values = np.asarray(copy.dataobj)
    assert values.max() == 255
    assert ((values == 0) == (np.kron(names, np.ones((4, 4, 4))) == 0)).all()


@pytest.mark.slow(3)
def test_a_copy_is_small_whatever_it_is_of(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((260, 130, 128), np.float32)
    found, copy = copied(tmp_path, image(noise, suffix=".nii"), "a.nii")
    assert max(copy.shape) <= 128
    assert len(found.script("k")) < MOST_BYTES
    again, _ = copied(tmp_path, image(noise, suffix=".nii"), "a.nii")
    assert again.content == found.content


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.0, 1, 0, 1]),
        np.diag([1e-9, 1, 1, 1]),
        np.diag([1e9, 1, 1, 1]),
        np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    ],
    ids=["flat", "tiny", "huge", "plane"],
)
def test_an_image_that_is_nowhere_has_pictures_and_no_copy(tmp_path: Path, affine: Any) -> None:
    made: Any = nibabel.Nifti1Image(np.ones((4, 4, 4), np.float32), np.eye(4))  # type: ignore[no-untyped-call]
    made.set_sform(affine, code=1)
    path = tmp_path / "a.nii"
    path.write_bytes(made.to_bytes())
    window = preview(path).window
    with pytest.raises(ValueError, match=r"affine|voxels|axes"):
        small_volume(path, window)


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (SmallVolume(content=b"1").script("k"), True),
        (SmallVolume(content=b"1").script("other"), False),
        (SmallVolume(content=b"1").script("k")[:-3] + b",alert(1));\n", False),
        (b"alert(1);\n", False),
        (b"", False),
    ],
)
def test_a_script_that_is_no_volume_gets_into_no_page(content: bytes, is_one: bool) -> None:
    assert is_volume(content, "k") is is_one


def sample() -> dict[str, bytes]:
    blocks = np.kron(np.arange(27).reshape(3, 3, 3), np.ones((9, 9, 9), int)).astype(np.int16)
    return {
        "T1.nii.gz": image(blob((40, 44, 38), (20, 22, 19)) + 5),
        f"{HARM}/regions.nii.gz": image(blocks),
    }


class WithViewer(Repository):
    """A repository whose pages show volumes."""

    def __init__(self, files: dict[str, bytes], viewer: Viewer) -> None:
        super().__init__({"nipy-templates": wheel(files)})
        self.record = repository(viewer=viewer.digest)
        self.files |= dict(viewer.files)
        self.one = package(files=files)

    def made(self, *, again: bool = False) -> dict[str, bytes]:
        for path, content in previews.made(self.one, self, volumes=True, again=again):
            self.files.setdefault(path, content)
        made = dict(render(self.record, [self.one], self))
        self.files |= made
        return made


PAGE = "packages/nipy-templates/index.html"


def test_a_page_offers_each_volume_and_loads_nothing_before_it_is_asked_to() -> None:
    viewer = Viewer(PROGRAM, b"the licence")
    made = WithViewer(sample(), viewer).made()
    page = made[PAGE].decode()
    assert page.count('class="viewer"') == 2
    assert f'data-script="../../{program_path(viewer.digest)}"' in page
    assert "catalogue/viewer.js" in page
    assert made[program_path(viewer.digest)] == PROGRAM
    assert made[licence_path(viewer.digest)] == b"the licence"
    volumes = [path for path in made if path.endswith("-volume.js")]
    assert len(volumes) == 2
    for path in volumes:
        assert f'data-volume="../../{path}"' in page
        assert f'src="../../{path}"' not in page
    assert "<script>window.harmed" not in page


def test_pages_without_a_viewer_say_nothing_of_one() -> None:
    files = sample()
    made = Repository({"nipy-templates": wheel(files)}).publish(package(files=files))
    assert not [path for path in made if "volume" in path or "viewer" in path]
    assert b"viewer" not in made[PAGE]
    assert b"3-D" not in made[PAGE]


def test_volumes_are_made_once_and_a_volume_that_was_changed_is_left_out() -> None:
    there = WithViewer(sample(), Viewer(PROGRAM, b""))
    first = there.made()
    there.opened.clear()
    assert there.made(again=True) == first
    assert there.opened == []
    changed = next(path for path in first if path.endswith("0-volume.js"))
    there.files[changed] = first[changed] + b"alert(1);\n"
    program = program_path(there.record.viewer)
    there.files[program] += b"alert(1);"
    made = there.made()
    assert changed not in made
    assert program not in made
    assert made[PAGE].count(b'class="viewer"') == 1


def test_pictures_that_are_there_stay_when_volumes_are_made_later() -> None:
    files = sample()
    one = package(files=files)
    there = Repository({"nipy-templates": wheel(files)})
    there.publish(one)
    made = dict(previews.made(one, there, volumes=True, again=True))
    assert sorted(path.rpartition("/")[2] for path in made) == [
        "0-volume.js", "1-volume.js", "volumes.json",
    ]  # fmt: skip


def test_a_viewer_is_a_file_or_in_a_folder_with_its_licence(tmp_path: Path) -> None:
    inside = tmp_path / "package" / "dist" / "niivue.umd.js"
    inside.parent.mkdir(parents=True)
    inside.write_bytes(PROGRAM)
    (tmp_path / "package" / "LICENSE").write_bytes(b"their licence")
    assert viewer_at(str(tmp_path / "package")) == Viewer(PROGRAM, b"their licence")
    alone = viewer_at(str(inside))
    assert alone.digest == hashlib.sha256(PROGRAM).hexdigest()
    assert b"Redistributions in binary form" in alone.licence
    assert viewer_at("none") == Viewer()
    assert [*Viewer().files] == []
    (tmp_path / "other.js").write_bytes(b"alert(1)")
    for path, reason in (("other.js", "is not the build"), ("gone.js", "No such file")):
        with pytest.raises(RepositoryError, match=reason):
            viewer_at(str(tmp_path / path))
    inside.unlink()
    with pytest.raises(RepositoryError, match="unpack the npm package"):
        viewer_at(str(tmp_path))


def distribution(folder: Path, content: bytes) -> None:
    """Let a distribution be installed that says it has the program."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(PROGRAM).digest()).decode().rstrip("=")
    (folder / "some-1.dist-info").mkdir()
    (folder / "some-1.dist-info" / "METADATA").write_text("Name: some\nVersion: 1\n")
    (folder / "some-1.dist-info" / "RECORD").write_text(f"some/niivue.umd.js,sha256={digest},5\n")
    (folder / "some").mkdir()
    (folder / "some" / "niivue.umd.js").write_bytes(content)
    (folder / "some" / "__init__.py").write_text("raise RuntimeError('it is not imported')\n")


def test_an_installed_viewer_is_found_by_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(RepositoryError, match="a viewer needs nilearn"):
        viewer_at("installed")
    distribution(tmp_path, PROGRAM)
    assert viewer_at("installed").program == PROGRAM
    (tmp_path / "some" / "niivue.umd.js").write_bytes(PROGRAM + b"alert(1)")
    with pytest.raises(RepositoryError, match="was changed"):
        viewer_at("installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    there = WithViewer(sample(), viewer_at("installed"))
    for path, content in there.made().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def open_page() -> Iterator[Open]:
    options = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    with launched(options) as browser, opening(browser) as opened:
        yield opened


def look(page: Page, name: str) -> int:
    """Ask for a volume by the keyboard, and wait for it; return how many colours are seen."""
    button = page.get_by_role("button", name=f"Look at it in 3-D: {name}")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".viewer-panel[data-shows]")
    canvas = page.get_by_role("application", name=name)
    pixels = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
    return len(pixels.getcolors(1 << 24) or ())


@pytest.mark.slow(6)
@pytest.mark.tools("chromium")
@pytest.mark.parametrize(("scheme", "theme"), [("file", "light"), ("http", "dark")])
def test_a_volume_is_drawn_when_it_is_asked_for(
    open_page: Open, site: Path, scheme: str, theme: str
) -> None:
    with serving(site) as served:
        top = site.as_uri() if scheme == "file" else served
        page = open_page(f"{top}/{PAGE}", color_scheme=theme, bypass_csp=scheme == "http")
        assert page.locator("canvas").count() == 0
        assert page.locator("script").count() == 4
        assert look(page, "T1.nii.gz") > 50
        place = page.locator(".viewer-place")
        before = place.inner_text()
        page.get_by_role("application").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "before => document.querySelector('output').textContent !== before", arg=before
        )
        if scheme == "http":
            result = Axe().run(page)
            assert result.violations_count == 0, result.generate_report()
        page.get_by_role("button", name="Axial").click()
        assert page.get_by_role("button", name="Axial").get_attribute("aria-pressed") == "true"
        # Another one takes the place of the first, in the one canvas that there is.
        assert look(page, '"><script>window.harmed=1') > 20
        assert page.locator("canvas").count() == 1
        assert "region" in place.inner_text()
        page.get_by_role("button", name="Close the 3-D view").click()
        assert page.locator("canvas").count() == 0
        assert page.evaluate("window.harmed") is None


@pytest.mark.slow(2)
@pytest.mark.tools("chromium")
def test_a_browser_that_cannot_draw_says_so(open_page: Open, site: Path) -> None:
    page = open_page((site / PAGE).as_uri(), viewport={"width": 360, "height": 740})
    page.evaluate("HTMLCanvasElement.prototype.getContext = () => null")
    page.get_by_role("button", name="Look at it in 3-D: T1.nii.gz").click()
    status = page.get_by_role("status").filter(has_text="WebGL 2 is missing")
    status.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    plain = open_page((site / PAGE).as_uri(), java_script_enabled=False)
    assert plain.locator(".viewer").first.is_hidden()
    assert plain.locator(".images img").count() == 2
