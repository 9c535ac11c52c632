"""Headers of images that state more than is there: what nibabel reads for them has a bound."""

import gzip
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

nibabel = pytest.importorskip("nibabel")

from nipack.system.gifti import NotReadError  # noqa: E402
from nipack.system.images import quiet_nibabel  # noqa: E402
from nipack.system.opening import is_drawable, opened  # noqa: E402

SAMPLES = Path(nibabel.__file__).parent / "tests" / "data"
MB = 1 << 20


def nifti(offset: float, dims: tuple[int, ...] = (2, 2, 2), extensions: bytes = b"") -> bytes:
    """Return the header of a NIfTI file of bytes, and what is behind it."""
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(dims), *dims, *([1] * (7 - len(dims))))
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<f", header, 108, offset)
    header[344:348] = b"n+1\0"
    return bytes(header) + (b"\1\0\0\0" if extensions else bytes(4)) + extensions


def analyze() -> bytes:
    return nifti(0)[:344] + bytes(4)


def mgh(dims: tuple[int, ...]) -> bytes:
    return struct.pack(">7i", 1, *dims, 0, 0).ljust(284, b"\0")


def _named(name: str) -> bytes:
    return struct.pack(">i", len(name)) + name.encode() + bytes(-len(name) % 4)


def minc(variables: int, size: int, *, records: int = 0, attributes: int = 0) -> bytes:
    """Return the header of a MINC 1 file whose variables all begin at the same place."""
    head = b"CDF\1" + struct.pack(">i", records)
    head += struct.pack(">2i", 10, 2) + _named("zspace") + struct.pack(">i", size)
    head += _named("time") + struct.pack(">i", 0)
    head += struct.pack(">2i", 12 if attributes else 0, attributes)
    head += b"".join(
        _named(f"a{each}") + struct.pack(">2i", 1, 1) + b"x   " for each in range(attributes)
    )
    head += struct.pack(">2i", 11, variables)
    for each in range(variables):
        head += _named(f"v{each}") + struct.pack(">2i", 1, 1 if records else 0)
        head += struct.pack(">2i", 0, 0) + struct.pack(">3i", 1, size, 1024)
    return head


def hole(start: bytes, size: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("wb") as output:
            output.write(start)
            output.truncate(size)

    return write


def written(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def packed(content: bytes) -> Callable[[Path], None]:
    return written(gzip.compress(content, 1))


EXTENSION = struct.pack("<2i", 16, 6) + bytes(8)


def hostile() -> dict[str, tuple[Callable[[Path], None], str]]:
    """Return what is made, and what is said of it; "" where it is left alone without a word."""
    xml = struct.pack("<2i", 12 * MB, 32) + b"<CIFTI>" + b"<a/>" * (3 * MB - 10)
    return {
        "extensions.nii.gz": (packed(nifti(15 * MB, extensions=EXTENSION * 980_000)), "1,000 ext"),
        "offset.nii.gz": (packed(nifti(2e9)), "2,000,000,000 bytes before the data"),
        "nan.nii.gz": (packed(nifti(float("nan"))), "nan bytes before the data"),
        "xml.nii.gz": (packed(nifti(13 * MB, extensions=xml)), "bytes of XML"),
        "pair.hdr": (hole(nifti(0)[:344] + b"ni1\0\1\0\0\0", 900 * MB), "bytes before the data"),
        "matrices.hdr": (hole(analyze(), 348), "bytes of matrices"),
        "wide.nii.gz": (packed(nifti(352, (30_000, 30_000, 1))), "but it has 352"),
        "high.mgz": (packed(mgh((32_767, 32_767, 9, 1)) + bytes(50 * MB)), "2,000,000,000 voxels"),
        "high.mgh": (hole(mgh((32_767, 32_767, 9, 1)), 1000), "but it has 1,000"),
        "same.mnc": (hole(minc(400, 20 * MB), 20 * MB + 9000), "more than the file has"),
        "same.mnc.gz": (packed(minc(400, 20 * MB) + bytes(21 * MB)), "more than the file has"),
        "records.mnc": (hole(minc(9, 9 * MB, records=2**31 - 1), 9000), "more than the file has"),
        "attributes.mnc": (hole(minc(1, 4, attributes=300_000), 30 * MB), "more than the file has"),
        "large.mnc": (hole(minc(1, 4), 300 * MB), "it is larger than 256,000,000 bytes"),
        "hdf5.mnc": (hole(b"\x89HDF\r\n\x1a\n", 900 * MB), "it is MINC 2"),
        "text+orig.head": (
            hole(b"type = string-attribute\n", 900 * MB),
            "its header has more than",
        ),
        "text.par": (hole(b"# a\n", 900 * MB), "its header has more than"),
        "lines.par": (written(b"a\n" * 2 * MB), "100,000 lines"),
        "text.tck": (hole(b"mrtrix tracks\na: b\n", 900 * MB), "no end in its first"),
    }


BESIDE = {"pair.img": 99, "matrices.img": 99, "matrices.mat": MB}
BESIDE |= {"text+orig.brik": 99, "text.rec": 99, "lines.rec": 99}

_CHILD = """
import json, re, resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from nipack.builder.check.images import image_problems
from nipack.builder.check.contents import read_gzip
from nipack.difference.voxels import compare_images
from nipack.publish.catalogue import slices
from nipack.system.images import quiet_nibabel
from nipack.system.opening import opened

def content_size(path):
    packed = path.name.endswith(("gz",))
    return read_gzip(path, lambda count: None) if packed else path.stat().st_size

def peak():
    # Not that of getrusage, which has what the process that began this one had.
    [kilobytes] = re.findall(r"VmHWM:\\s*([0-9]+)", Path("/proc/self/status").read_text())
    return int(kilobytes) >> 10

def words(done, *words):
    try:
        return str(done(*words))
    except Exception as error:
        return f"{type(error).__name__}: {error}"

said = {}
with quiet_nibabel():
    for name in sys.argv[2:]:
        path = Path(sys.argv[1], name)
        begin = time.process_time()
        said[name] = {
            "opened": words(opened, path),
            "checked": [each.message for each in image_problems(path, name, content_size(path))],
            "drawn": words(slices.preview, path),
            "compared": words(compare_images, path, path),
            "seconds": time.process_time() - begin,
            "peak": peak(),
        }
print(json.dumps(said))
"""


@pytest.mark.slow(8)
@pytest.mark.skipif(sys.platform != "linux", reason="looks at the memory of a process of Linux")
def test_no_header_makes_nibabel_read_more_than_a_bound(tmp_path: Path) -> None:
    """All in one process, whose memory has been at its largest 256 MB."""
    hostiles = hostile()
    for name, (write, _) in hostiles.items():
        write(tmp_path / name)
    for name, size in BESIDE.items():
        hole(b"", size)(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(tmp_path), *hostiles],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    for name, (_, expected) in hostiles.items():
        told = found[name]
        assert expected in f"{told['opened']} {told['checked']}", (name, told)
        assert "Error" in told["drawn"], (name, told)
        assert told["compared"] == "None" or "differing=0" in told["compared"], (name, told)
        assert told["seconds"] < 10, (name, told)
        assert told["peak"] < 256, (name, told)


GOOD = ("tiny.mnc", "minc1_4d.mnc", "minc1_1_scale.mnc", "minc1-no-att.mnc", "test.mgz")


@pytest.mark.parametrize("name", [*GOOD, "example4d+orig.HEAD", "example4d.nii.gz"])
def test_what_is_good_is_opened_as_nibabel_does(name: str) -> None:
    with quiet_nibabel():
        ours, theirs = opened(SAMPLES / name), nibabel.load(SAMPLES / name)
    assert type(ours) is type(theirs)
    assert ours.shape == theirs.shape
    assert (ours.affine == theirs.affine).all()
    assert (ours.dataobj[..., 0] == theirs.dataobj[..., 0]).all()


def test_hdf5_is_left_alone_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.mnc").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(NotReadError, match="it is MINC 2"):
        opened(tmp_path / "a.mnc")


@pytest.mark.parametrize(
    ("shape", "drawn"),
    [
        ((600, 700, 600, 9), True), ((2800, 2800, 1), True), ((2, 2), False), ((2, 0, 2), False),
        ((3000, 3000, 1), False), ((32_767, 30_000, 2), False),
    ],
)  # fmt: skip
def test_what_has_too_many_pixels_is_not_drawn(shape: tuple[int, ...], drawn: bool) -> None:
    assert is_drawable(shape) is drawn
