"""Pictures of surfaces: which side is seen, what hides what, and files that mean harm."""

import gzip
import io
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import compress

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from nibabel.freesurfer.io import write_geometry
from nibabel.gifti.gifti import GiftiDataArray, GiftiImage
from PIL import Image
from tests.browsing import Open, launched, opening, serving
from tests.publish.catalogue.samples import package
from tests.publish.catalogue.test_pictures import Repository, image, wheel

from nipack.publish.catalogue import previews
from nipack.publish.catalogue.names import hemisphere_in, is_flat, is_surface
from nipack.publish.catalogue.shading import Surface, View, _outward, drawn
from nipack.publish.catalogue.surfaces import SurfacePreview, preview

FROM_RIGHT = View((0, 1, 0), (0, 0, 1), (1, 0, 0))
SQUARE = np.array([[0, 1, 2], [0, 2, 3]])
POINTSET, TRIANGLE = "NIFTI_INTENT_POINTSET", "NIFTI_INTENT_TRIANGLE"


def box(low: tuple[float, ...], high: tuple[float, ...]) -> Surface:
    """A box of twelve triangles between two corners."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    faces = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]
    triangles = [each for a, b, c, d in faces for each in ((a, b, c), (a, c, d))]
    points = np.array(low) + corners * (np.array(high) - low)
    return Surface(points, np.array(triangles))


def joined(*parts: Surface) -> Surface:
    starts = np.cumsum([0, *(len(each.points) for each in parts)])
    return Surface(
        np.concatenate([each.points for each in parts]),
        np.concatenate(
            [each.triangles + start for each, start in zip(parts, starts, strict=False)]
        ),
    )


def tower() -> Surface:
    """A long low box with a tower at its front, +y."""
    return joined(box((0, 0, 0), (30, 100, 20)), box((0, 80, 0), (30, 100, 60)))


def ball() -> Surface:
    """A ball of radius 50, from a grid of longitudes and latitudes."""
    around, down = np.meshgrid(np.linspace(0, 2 * np.pi, 49), np.linspace(0, np.pi, 25))
    points = 50 * np.stack(
        [np.sin(down) * np.cos(around), np.sin(down) * np.sin(around), np.cos(down)], axis=-1
    )
    number = np.arange(down.size).reshape(down.shape)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    triangles = [np.stack(each, axis=-1).reshape(-1, 3) for each in ((a, b, c), (a, c, d))]
    return Surface(points.reshape(-1, 3), np.concatenate(triangles))


def gifti(points: Any, triangles: Any, structure: str = "", **options: Any) -> bytes:
    meta = {"AnatomicalStructurePrimary": structure} if structure else {}
    arrays = [
        GiftiDataArray(array, intent, meta=meta, **options)  # type: ignore[no-untyped-call]
        for array, intent in ((points, POINTSET), (triangles, TRIANGLE))
    ]
    return bytes(GiftiImage(darrays=arrays).to_bytes())  # type: ignore[no-untyped-call]


def of(surface: Surface, structure: str = "") -> bytes:
    return gifti(surface.points.astype("f4"), surface.triangles.astype("i4"), structure)


def shown(tmp_path: Path, content: bytes, name: str) -> tuple[SurfacePreview, Any]:
    copy = tmp_path / "0"
    copy.write_bytes(content)
    found = preview(copy, name)
    return found, np.asarray(Image.open(io.BytesIO(found.large[0])).convert("L")).astype(float)


def towers(pixels: Any) -> tuple[str, ...]:
    """Where the tower is in each half of a picture."""
    found = []
    for half in np.array_split(pixels, 2, axis=1):
        there = half[: half.shape[0] * 2 // 5] > 20
        columns = np.flatnonzero((half > 20).any(axis=0))
        middle = (columns[0] + columns[-1]) / 2
        found.append("left" if np.flatnonzero(there.any(axis=0)).mean() < middle else "right")
    return tuple(found)


@pytest.mark.slow(5)
@pytest.mark.parametrize(
    ("name", "structure", "views", "where"),
    [
        ("tpl-x_hemi-L_pial.surf.gii", "", ("lateral", "medial"), ("left", "right")),
        ("tpl-x_hemi-R_pial.surf.gii", "", ("lateral", "medial"), ("right", "left")),
        ("a.surf.gii", "CortexLeft", ("lateral", "medial"), ("left", "right")),
        ("x.L.surf.gii", "CortexRight", ("lateral", "medial"), ("right", "left")),
        ("brain.surf.gii", "Other", ("left", "right"), ("left", "right")),
    ],
)
def test_the_outer_side_is_shown_first_with_up_on_top(
    tmp_path: Path, name: str, structure: str, views: tuple[str, ...], where: tuple[str, ...]
) -> None:
    found, pixels = shown(tmp_path, of(tower(), structure), name)
    assert found.views == views
    assert towers(pixels) == where
    assert (found.vertices, found.triangles) == (16, 24)


def test_a_ball_is_round_and_lit_from_above_and_from_the_left() -> None:
    pixels = drawn(ball(), [FROM_RIGHT], 200)[0].astype(int)[..., 0]
    height, width = pixels.shape
    assert height == 200
    assert abs(width - height) <= 2
    assert 0.75 < (pixels > 0).mean() < 0.82  # a circle has pi / 4 of its square
    assert pixels[10, 10] == 0
    upper, lower = pixels[60, 70], pixels[140, 130]
    assert upper > lower + 40 > 60


@pytest.mark.slow(1)
def test_what_is_near_hides_what_is_behind_it() -> None:
    """A small square before a wall that leans, and the same behind it."""
    wall = np.array([[0, -50, -50], [0, 50, -50], [60, 50, 50], [60, -50, 50]], float)
    for x, is_seen in ((90, True), (-30, False)):
        small = np.array([[x, -10, -10], [x, 10, -10], [x, 10, 10], [x, -10, 10]], float)
        surface = joined(Surface(wall, SQUARE), Surface(small, SQUARE))
        pixels = drawn(surface, [FROM_RIGHT], 200)[0].astype(int)[..., 0]
        assert bool(abs(pixels[100, 100] - pixels[100, 20]) > 15) is is_seen


def test_it_does_not_matter_which_way_triangles_turn() -> None:
    surface = ball()
    turned = surface._replace(triangles=surface.triangles[:, ::-1])
    one, other = (drawn(each, [FROM_RIGHT], 100)[0].astype(int) for each in (surface, turned))
    assert abs(one - other).max() <= 1


def closed() -> Surface:
    """The ball with its seam and its poles sewn up."""
    surface = ball()
    points, number = np.unique(surface.points.round(6), axis=0, return_inverse=True)
    triangles = number.ravel()[surface.triangles]
    pairs = triangles, np.roll(triangles, 1, axis=1)
    return Surface(points, triangles[(pairs[0] != pairs[1]).all(axis=1)])


def test_what_is_turned_away_is_left_out_only_where_it_is_hidden() -> None:
    whole = closed()
    turned = whole._replace(triangles=whole.triangles[:, ::-1])
    assert (_outward(whole), _outward(turned), _outward(ball())) == (-1, 1, 0)
    # Seen from the right through a hole, the left half shows its inner side.
    middle = whole.points[whole.triangles].mean(axis=1)[:, 0]
    half = whole._replace(triangles=whole.triangles[middle < 0])
    assert _outward(half) == 0
    pictures = [drawn(each, [FROM_RIGHT], 100)[0].astype(int) for each in (whole, turned, half)]
    assert all(0.75 < (each[..., 0] > 0).mean() < 0.84 for each in pictures)
    # One triangle less at the back takes the way of what is open, and looks the same.
    back = whole._replace(triangles=np.delete(whole.triangles, middle.argmin(), axis=0))
    assert _outward(back) == 0
    pictures[2] = drawn(back, [FROM_RIGHT], 100)[0].astype(int)
    for other in pictures[1:]:
        # At the rim a normal may point to either side.
        assert (abs(other - pictures[0]) > 1).mean() < 0.01


@pytest.mark.slow(1)
def test_points_that_no_triangle_has_change_nothing(tmp_path: Path) -> None:
    surface = tower()
    far = Surface(np.concatenate([surface.points, [[1e4, 0, 0]]]), surface.triangles)
    _, one = shown(tmp_path, of(surface), "a.L.gii")
    _, other = shown(tmp_path, of(far), "a.L.gii")
    assert (one == other).all()


@pytest.mark.slow(1)
@pytest.mark.parametrize("name", ["a.flat.gii", "a.gii"])
def test_a_flat_surface_is_seen_once_from_its_front(tmp_path: Path, name: str) -> None:
    height = 30 if "flat" in name else 0
    points = np.array([[0, 0, 0], [90, 0, 0], [90, 60, height], [0, 60, 0]], "f4")
    found, pixels = shown(tmp_path, gifti(points, SQUARE.astype("i4")), name)
    assert found.views == ("front",)
    assert (pixels > 60).mean() > 0.5


@pytest.mark.slow(1)
def test_surfaces_of_freesurfer_and_packed_ones_look_the_same(tmp_path: Path) -> None:
    surface = ball()
    write_geometry(  # type: ignore[no-untyped-call]
        tmp_path / "lh.pial", surface.points, surface.triangles
    )
    contents = {
        "lh.pial": (tmp_path / "lh.pial").read_bytes(),
        "lh.pial.gii": of(surface),
        "lh.pial.gii.gz": gzip.compress(of(surface)),
        "lh.pial.surf.gii": gifti(
            surface.points.astype("f4"), surface.triangles.astype("i4"), encoding="ASCII"
        ),
    }
    pictures = [shown(tmp_path, content, name) for name, content in contents.items()]
    assert {found.hemisphere for found, _ in pictures} == {"left"}
    for _, pixels in pictures[1:]:
        assert abs(pixels - pictures[0][1]).max() < 12


@pytest.mark.slow(1)
def test_a_wall_behind_wall_behind_each_other_is_coarse_or_refused() -> None:
    wall = np.array([[0, -50, -50], [0, 50, -50], [0, 50, 50], [0, -50, 50]], float)
    walls = [Surface(wall + np.array([x, 0, 0]), SQUARE) for x in range(5000)]
    assert drawn(joined(*walls[:100]), [FROM_RIGHT], 300)[0].shape[0] == 300
    with pytest.raises(ValueError, match="too many layers"):
        drawn(joined(*walls), [FROM_RIGHT], 300)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/tpl-fsaverage_hemi-L_den-41k_pial.surf.gii", "left"),
        ("fs_LR.32k.R.midthickness_va.surf.gii", "right"),
        ("Left/rh.white", "right"),
        ("pial_right.gii.gz", "right"),
        ("fs_LR.gii", ""),
        ("from-L_to-R.gii", ""),
        ("skull.gii", ""),
    ],
)
def test_a_name_says_which_hemisphere(path: str, expected: str) -> None:
    assert hemisphere_in(path) == expected


def test_a_name_says_what_may_be_a_surface() -> None:
    surfaces = ("a.surf.gii", "a.gii", "A.GII.GZ", "x/lh.pial", "rh.sphere.reg", "lh.pial.T1")
    others = ("a.func.gii", "a.shape.gii.gz", "A.label.GII", "lh.curv", "lh.pial.txt", "a.nii")
    assert all(map(is_surface, surfaces))
    assert not any(map(is_surface, others))
    assert is_flat("x/a.flat.surf.gii")
    assert is_flat("flat_left.gii.gz")
    assert not is_flat("flat/inflated.gii")


POINTS, TRIANGLES = tower().points.astype("f4"), tower().triangles.astype("i4")


def changed(array: Any, value: float, kind: str = "f4") -> Any:
    found = array.astype(kind)
    found[3, 1] = value
    return found


def bomb() -> bytes:
    """A surface whose points inflate to 64 MB."""
    inside = b64encode(compress(bytes(64_000_000), 1)).decode()
    text = of(tower()).decode()
    begin = text.index("<Data>") + len("<Data>")
    return (text[:begin] + inside + text[text.index("</Data>") :]).encode()


def external() -> bytes:
    """A surface whose points are in a file elsewhere."""
    text = of(tower()).decode()
    text = text.replace(
        'Encoding="GZipBase64Binary"',
        'Encoding="ExternalFileBinary" ExternalFileName="/dev/zero"',
        1,
    ).replace('ExternalFileName=""', "", 1)
    begin = text.index("<Data>")
    return (text[:begin] + "<Data></Data>" + text[text.index("</Data>") + 7 :]).encode()


def freesurfer(*counts: int) -> bytes:
    return b"\xff\xff\xfemade\n\n" + np.array(counts, ">i4").tobytes() + bytes(600)


HOSTILE = {
    "beyond.gii": gifti(POINTS, changed(TRIANGLES, 16, "i4")),
    "negative.gii": gifti(POINTS, changed(TRIANGLES, -1, "i4")),
    "nan.gii": gifti(changed(POINTS, np.nan), TRIANGLES),
    "endless.gii": gifti(changed(POINTS, np.inf), TRIANGLES),
    "fractions.gii": gifti(POINTS, TRIANGLES.astype("f4")),
    "two.gii": gifti(POINTS[:, :2].copy(), TRIANGLES),
    "four.gii": gifti(POINTS, np.zeros((5, 4), "i4")),
    "line.gii": gifti(POINTS.ravel(), TRIANGLES),
    "none.gii": gifti(POINTS, np.zeros((0, 3), "i4")),
    "one-place.gii": gifti(np.zeros((16, 3), "f4"), TRIANGLES),
    "dimensions.gii": of(tower()).replace(b'Dim0="16"', b'Dim0="999999999999"'),
    "cut.gii": of(tower())[:900],
    "empty.gii": b"",
    "packed.gii.gz": gzip.compress(bytes(1_000_000), 9) * 300,
    "external.gii": external(),
    "entities.gii": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><GIFTI>&c;</GIFTI>',
    "data.gii": bytes(
        GiftiImage(  # type: ignore[no-untyped-call]
            darrays=[GiftiDataArray(POINTS[:, 0].copy(), "NIFTI_INTENT_SHAPE")]  # type: ignore[no-untyped-call]
        ).to_bytes()
    ),
    "lh.white": freesurfer(2_000_000_000, 2_000_000_000),
    "lh.pial": freesurfer(-5, -5),
    "lh.inflated": freesurfer(10, 2**31 - 1),
    "lh.orig": b"\xff\xff\xff" + bytes(30),
    "rh.sphere": b"",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=pytest.mark.slow(1) if each == "packed.gii.gz" else ())
        for each in (*HOSTILE, "bomb.gii")
    ],
)
def test_a_file_that_is_no_surface_is_refused(tmp_path: Path, name: str) -> None:
    reasons = {"bomb.gii": "larger than its dimensions", "packed.gii.gz": "is larger than"}
    reasons |= {"external.gii": "lie in other files", "dimensions.gii": "arrays are larger"}
    content = bomb() if name == "bomb.gii" else HOSTILE[name]
    with pytest.raises(Exception, match=reasons.get(name)) as caught:
        shown(tmp_path, content, name)
    assert isinstance(caught.value, Exception)
    assert not isinstance(caught.value, MemoryError | RecursionError)


@pytest.mark.slow(1)
def test_a_package_of_surfaces_that_cannot_be_drawn_has_no_pictures() -> None:
    files = HOSTILE | {"bomb.gii": bomb()}
    one = package(files=files)
    made = Repository({"nipy-templates": wheel(files)}).publish(one)
    assert json.loads(made[f"{previews.folder(one)}/facts.json"])["images"] == []
    assert b"beyond.gii" in made["packages/nipy-templates/index.html"]


@pytest.mark.slow(1)
def test_a_point_far_away_makes_a_picture_and_no_error(tmp_path: Path) -> None:
    points = changed(POINTS, 3e38)
    points[2, 1] = -3e38
    found, pixels = shown(tmp_path, gifti(points, TRIANGLES), "a.gii")
    assert pixels.shape == (found.large[2], found.large[1])
    assert found.large[1] < 2000


def mixed() -> dict[str, bytes]:
    return {
        "hemi-L_pial.surf.gii": of(ball()),
        "head.surf.gii": of(tower()),
        "hemi-L_flat.surf.gii": gifti(
            np.pad(POINTS[:4, 1:], ((0, 0), (0, 1))), SQUARE.astype("i4")
        ),
        "z.nii.gz": image(np.random.default_rng(0).random((9, 9, 9)).astype("f4")),
    }


@pytest.mark.slow(1)
def test_a_page_says_what_is_seen_and_how_many_triangles() -> None:
    files = mixed()
    one = package(files=files)
    there = Repository({"nipy-templates": wheel(files)})
    page = there.publish(one)["packages/nipy-templates/index.html"].decode()
    for text in (
        'alt="Lateral and medial view of the surface hemi-L_pial.surf.gii"',
        'alt="Surface head.surf.gii, seen from the left and from the right"',
        'alt="Surface hemi-L_flat.surf.gii, seen from its front"',
        'alt="Axial, coronal and sagittal slice through the middle of z.nii.gz"',
        ">1,225 vertices<",
        ">2,304 triangles<",
        ">left hemisphere<",
        "from its outer and from its inner side",
        "Left is left",
    ):
        assert text in page, text
    seen = [page.index(name) for name in ('from the right"', 'z.nii.gz"', 'its front"')]
    assert seen == sorted(seen), "a flat one is the last, and not on the card"
    there.opened.clear()
    again = there.publish(one, new={one.key}, changed={one.name})
    assert there.opened == []
    assert again["packages/nipy-templates/index.html"].decode() == page


@pytest.mark.slow(1)
def test_surfaces_of_which_there_were_no_pictures_once_get_them_when_asked() -> None:
    files = {"lh.surf.gii": of(tower()), "z.nii.gz": image(np.ones((5, 5, 5), "f4"))}
    one = package(files=files)
    there = Repository({"nipy-templates": wheel(files)})
    made = there.publish(one)
    facts_path = f"{previews.folder(one)}/facts.json"
    facts = json.loads(made[facts_path])
    old = [each for each in facts["images"] if "triangles" not in each]
    # As they were before there were pictures of surfaces.
    there.files[facts_path] = json.dumps({"images": old, "tables": [], "texts": []}).encode()
    assert len(there.publish(one)) == len(made) - 2
    assert [*previews.made(one, there)] == []
    later = dict(previews.made(one, there, again=True))
    assert not later.keys() & there.files.keys(), "what is there is never written again"
    there.files |= later
    page = there.publish(one)["packages/nipy-templates/index.html"].decode()
    assert "24 triangles" in page
    there.opened.clear()
    assert [*previews.made(one, there, again=True)] == []
    assert there.opened == []


@pytest.fixture(scope="module")
def open_page() -> Iterator[Open]:
    with launched() as browser, opening(browser) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.tools("chromium")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_surfaces_are_seen_in_a_browser(open_page: Open, tmp_path: Path, theme: str) -> None:
    files = mixed()
    made = Repository({"nipy-templates": wheel(files)}).publish(package(files=files))
    for path, content in made.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    address = (tmp_path / "packages/nipy-templates/index.html").as_uri()
    page = open_page(address, color_scheme=theme)
    pictures = page.locator(".images img")
    assert pictures.count() == 4
    for each in pictures.all():
        each.scroll_into_view_if_needed()
        each.evaluate("image => image.decode()")
        assert each.evaluate("image => image.naturalWidth >= 2 * 110 && image.complete")
    with serving(tmp_path) as address:
        page = open_page(f"{address}/packages/nipy-templates/index.html", bypass_csp=True)
        result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
