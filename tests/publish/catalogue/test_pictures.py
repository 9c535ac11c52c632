"""Pictures and other previews: what is drawn, of what, from which artifact, and how often."""

import gzip
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO, Any

import nibabel
import numpy as np
import pytest
import zstandard
from PIL import Image
from tests.publish.catalogue.samples import HARM, many, package, repository

from nipack.publish.artifacts.payload import payload_files
from nipack.publish.catalogue import ahead, previews, render
from nipack.publish.catalogue.slices import preview
from nipack.publish.ecosystems import members_of
from nipack.publish.records import PublishedPackage

TOP = "share/nipy/nipy/templates"


def image(data: Any, affine: Any = None, *, suffix: str = ".nii.gz") -> bytes:
    kind: Any = nibabel.MGHImage if suffix == ".mgz" else nibabel.Nifti1Image
    content = kind(data, np.diag([2.0, 2, 2, 1]) if affine is None else affine).to_bytes()
    return gzip.compress(content, 1) if suffix != ".nii" else bytes(content)


def tar(files: dict[str, bytes], prefix: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"{prefix}{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def wheel(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in files.items():
            archive.writestr(f"nipy_templates-0.3.data/data/{TOP}/{path}", content)
    return target.getvalue()


def conda(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("metadata.json", "{}")
        packed = zstandard.ZstdCompressor().compress(tar(files, f"{TOP}/"))
        archive.writestr("pkg-nipy-templates-0.3-0.tar.zst", packed)
    return target.getvalue()


def deb(files: dict[str, bytes]) -> bytes:
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": b"odd",
        "data.tar.gz": gzip.compress(tar(files, f"./usr/{TOP}/")),
    }
    content = b"!<arch>\n"
    for name, member in members.items():
        content += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(member):<10}`\n".encode()
        content += member + b"\n" * (len(member) % 2)
    return content


class Repository:
    """A repository in memory, which counts how often an artifact is opened."""

    def __init__(self, artifacts: dict[str, bytes]) -> None:
        self.artifacts = artifacts
        self.files: dict[str, bytes] = {}
        self.opened: list[str] = []

    def open(self, package: PublishedPackage) -> tuple[str, IO[bytes]] | None:
        self.opened.append(package.version)
        found = self.artifacts.get(package.name)
        return (f"{package.name}.whl", io.BytesIO(found)) if found else None

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def publish(
        self,
        *packages: PublishedPackage,
        new: Collection[tuple[str, str]] | None = None,
        **options: Any,
    ) -> dict[str, bytes]:
        """Store what pages show of new versions, and render them, as publishers do in turn."""
        named = {each.key for each in packages} if new is None else new
        for path, content in ahead(packages, named, self):
            self.files.setdefault(path, content)
        made = dict(render(repository(), packages, self, **options))
        self.files |= made
        return made


def drawn(tmp_path: Path, content: bytes, name: str = "a.nii.gz") -> tuple[Any, Any]:
    path = tmp_path / name
    path.write_bytes(content)
    found = preview(path)
    return found, np.asarray(Image.open(io.BytesIO(found.large[0])).convert("L")).astype(int)


def test_what_a_header_says_is_told(tmp_path: Path) -> None:
    data = np.zeros((4, 6, 8, 3), np.int16)
    affine = np.diag([-1.5, 2, 3, 1])
    header: Any = nibabel.Nifti1Image(data, affine)  # type: ignore[no-untyped-call]
    header.set_sform(affine, code=4)
    found, _ = drawn(tmp_path, gzip.compress(header.to_bytes()))
    assert found.shape == (4, 6, 8, 3)
    assert found.zooms == (1.5, 2, 3)
    assert (found.orientation, found.kind, found.space) == ("LAS", "int16", "MNI 152")


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, 1)])
@pytest.mark.parametrize(
    "suffix",
    [".nii.gz", *(pytest.param(each, marks=pytest.mark.slow(0.1)) for each in (".nii", ".mgz"))],
)
def test_left_is_left_and_up_is_up_however_an_image_is_stored(
    tmp_path: Path, axes: tuple[int, ...], signs: tuple[int, ...], suffix: str
) -> None:
    """The corner at the left, in front and on top is bright, in every order of the axes."""
    world = np.zeros((60, 80, 40), np.float32)
    # A little more than an octant, so that each middle plane meets it.
    world[:33, 36:, 17:] = 100
    world[0, 0, 0] = 1
    data = np.transpose(world, axes)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for voxel, axis in enumerate(axes):
        affine[axis, voxel] = signs[axis]
        if signs[axis] < 0:
            data = np.flip(data, voxel)
    found, pixels = drawn(tmp_path, image(data, affine, suffix=suffix), f"a{suffix}")
    assert found.orientation[axes.index(0)] == ("R" if signs[0] > 0 else "L")
    height, width = pixels.shape
    scale = (width - 4) / (60 + 60 + 80)
    tall = {"axial": 80 * scale, "other": 40 * scale}
    middle = height / 2

    def quadrants(left: float, wide: float, high: float) -> list[list[bool]]:
        return [
            [
                bool(
                    pixels[round(middle + v * high / 4), round(left + wide / 2 + h * wide / 4)]
                    > 128
                )
                for h in (-1, 1)
            ]
            for v in (-1, 1)
        ]

    assert quadrants(0, 60 * scale, tall["axial"]) == [[True, False], [False, False]]
    coronal = quadrants(60 * scale + 2, 60 * scale, tall["other"])
    sagittal = quadrants(120 * scale + 4, 80 * scale, tall["other"])
    assert coronal == [[True, False], [False, False]]
    assert sagittal == [[False, True], [False, False]]


def test_a_voxel_that_is_not_a_cube_keeps_its_form(tmp_path: Path) -> None:
    ball = np.indices((40, 40, 10)) - np.array([20, 20, 5]).reshape(3, 1, 1, 1)
    data = ((ball * np.array([1, 1, 4]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0) < 15**2
    _, pixels = drawn(tmp_path, image(data.astype(np.float32), np.diag([1.0, 1, 4, 1])))
    third = pixels[:, pixels.shape[1] // 3 + 4 : 2 * pixels.shape[1] // 3 - 4] > 128
    wide, high = np.ptp(np.nonzero(third.any(axis=0))), np.ptp(np.nonzero(third.any(axis=1)))
    assert 0.75 < high / wide < 1.25


def test_regions_have_colours_and_measurements_are_grey(tmp_path: Path) -> None:
    blocks = np.kron(np.arange(64, dtype=np.int16).reshape(4, 4, 4), np.ones((8, 8, 8), np.int16))
    noise = np.random.default_rng(0).integers(0, 200, (32, 32, 32)).astype(np.int16)
    for data, coloured in ((blocks, True), (noise, False), ((blocks > 20).astype(np.int16), False)):
        path = tmp_path / "a.nii.gz"
        path.write_bytes(image(data))
        pixels = np.asarray(Image.open(io.BytesIO(preview(path).large[0]))).astype(int)
        assert bool(np.ptp(pixels, axis=2).max() > 60) is coloured


@pytest.mark.parametrize(
    "data",
    [
        np.full((5, 5, 5), np.nan, np.float32),
        np.full((5, 5, 5), 7, np.int16),
        np.zeros((5, 5, 5), np.uint8),
        np.zeros((1, 1, 1), np.float64),
        np.zeros((300, 2, 2), np.float32),
    ],
    ids=["nan", "constant", "zero", "one voxel", "long"],
)
def test_an_image_with_nothing_in_it_has_a_picture(tmp_path: Path, data: Any) -> None:
    found, pixels = drawn(tmp_path, image(data))
    assert pixels.shape == (found.large[2], found.large[1])
    assert found.large[1] <= 1200


@pytest.mark.parametrize("pack", [wheel, conda, deb], ids=["whl", "conda", "deb"])
def test_the_payload_is_read_from_every_artifact(
    pack: Callable[[dict[str, bytes]], bytes],
) -> None:
    files = {"config.ini": b"0", "a/b.nii.gz": b"1" * 70_000, "other": b"2"}
    sample = package(files={"config.ini": b"0", "a/b.nii.gz": b"1" * 70_000})
    found = {
        path: content.read()
        for path, content in payload_files(
            sample,
            members_of(f"x.{pack.__name__[:5]}".replace("wheel", "whl"), io.BytesIO(pack(files))),
        )
    }
    assert found == {"config.ini": b"0", "a/b.nii.gz": b"1" * 70_000}


def sample() -> tuple[PublishedPackage, dict[str, bytes]]:
    files = {
        "T1.nii.gz": image(np.random.default_rng(1).random((20, 24, 22)).astype(np.float32)),
        "broken.nii.gz": b"this is no image",
        "people.tsv": f"name\tage\n{HARM}\t3\n".encode(),
        "T1.json": b'{"Space": "MNI152"}\n',
        "odd.json": b"\xff\xfe\x00",
    }
    return package(files=files), files


def test_a_package_shows_its_images_tables_and_texts() -> None:
    one, files = sample()
    made = Repository({"nipy-templates": wheel(files)}).publish(one)
    page = made["packages/nipy-templates/index.html"].decode()
    facts = json.loads(made[f"{previews.folder(one)}/facts.json"])
    (found,) = facts["images"]
    assert found["shape"] == [20, 24, 22]
    for size in ("large", "small"):
        picture = Image.open(io.BytesIO(made[found[size]["path"]]))
        assert picture.size == (found[size]["width"], found[size]["height"])
    assert found["large"]["path"] in page
    assert "20 \u00d7 24 \u00d7 22" in page
    assert "<td>name</td><td>age</td>" in page
    assert "&lt;script&gt;window.harmed" in page
    assert "<script>window.harmed" not in page
    assert "MNI152" in page
    (row,) = json.loads(made["packages.json"])["packages"]
    assert row["picture"] == found["small"]
    assert found["small"]["path"] in made["index.html"].decode()
    order = list(made)
    assert order.index(found["large"]["path"]) < order.index("packages/nipy-templates/index.html")


def test_a_payload_is_drawn_once() -> None:
    one, files = sample()
    there = Repository({"nipy-templates": wheel(files)})
    first = there.publish(one, *many(2))
    there.opened.clear()
    again = there.publish(one, *many(2), new={one.key}, changed={one.name})
    assert there.opened == []
    shown = [path for path in first if path.startswith("pictures/")]
    assert len(shown) == 3
    for path in [*shown, "index.html", "packages/nipy-templates/index.html"]:
        assert again[path] == first[path]


def test_a_picture_that_another_publisher_made_is_found() -> None:
    one, files = sample()
    there = Repository({"nipy-templates": wheel(files)})
    there.publish(one)
    # What a publisher wrote last who began before there was the package.
    there.files["packages.json"] = json.dumps({"packages": []}).encode()
    made = there.publish(one, *many(1), changed={"nipy-data-00000"})
    found = {
        each["name"]: each["picture"] for each in json.loads(made["packages.json"])["packages"]
    }
    assert found["nipy-templates"]["path"].endswith("-small.webp")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", None])
def test_a_damaged_artifact_is_published_without_a_picture(content: bytes | None) -> None:
    one, _ = sample()
    made = Repository({"nipy-templates": content} if content is not None else {}).publish(one)
    assert "packages/nipy-templates/index.html" in made
    assert json.loads(made["packages.json"])["packages"][0]["picture"] is None


@pytest.mark.parametrize(("name", "is_read"), [("a.bin", False), ("a.JSON", True), ("a.nii", True)])
def test_only_a_payload_of_which_something_is_shown_is_read(
    name: str, is_read: bool, caplog: pytest.LogCaptureFixture
) -> None:
    there = Repository({"nipy-templates": b"this cannot be unpacked"})
    there.publish(package(files={name: b"1"}))
    assert ("no more pictures can be made" in caplog.text) is is_read


@pytest.mark.slow
def test_a_large_image_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.nii.gz"
    data = np.random.default_rng(0).integers(0, 4000, (256, 256, 256), dtype=np.int16)
    path.write_bytes(image(data))
    program = (
        "import re, sys, pathlib\n"
        "from nipack.publish.catalogue.slices import preview\n"
        "import nibabel, PIL.Image\n"
        "preview(pathlib.Path(sys.argv[1]))\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', status)[1])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, check=True, text=True
    )
    # 34 MB of voxels as they are, 134 MB as numbers of 64 bits.
    assert int(run.stdout) < 200_000
