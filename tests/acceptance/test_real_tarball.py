"""The first public release of nipy-templates becomes a .conda and a .deb, its bytes untouched."""

import gzip
import re
import struct
import tarfile
from pathlib import Path

import pytest
from debian.debfile import DebFile
from tests.acceptance.systems import Build, deb_content, run

pytestmark = [pytest.mark.shared]

IMAGES = ("ICBM152/2mm/T1.nii.gz", "colin27/2mm/T1.nii.gz")
FIRST_DAY_OF_2009 = 1230768000


@pytest.mark.slow(1)
@pytest.mark.tools("dpkg-deb")
def test_gives_both_artifacts_with_the_same_payload(
    build: Build, real_tarball: Path, tmp_path: Path
) -> None:
    artifacts = build(real_tarball)
    assert re.fullmatch(r"nipy-templates-0\.1-h[0-9a-f]{7}_0\.conda", artifacts["conda"].name)
    assert artifacts["deb"].name == "nipy-templates_0.1-1_all.deb"
    run("dpkg-deb", "-x", artifacts["deb"], tmp_path / "root")
    installed = tmp_path / "root" / "usr" / "share" / "nipy" / "nipy" / "templates"
    with tarfile.open(real_tarball) as tar:
        for name in IMAGES:
            member = tar.extractfile(f"nipy-templates-0.1/templates/{name}")
            assert member is not None
            assert (installed / name).read_bytes() == member.read()


@pytest.mark.slow(1)
def test_gzip_members_keep_their_names_and_times(build: Build, real_tarball: Path) -> None:
    with DebFile(str(build(real_tarball)["deb"])) as deb:
        contents = [deb_content(deb, f"usr/share/nipy/nipy/templates/{name}") for name in IMAGES]
    for content in contents:
        flags, seconds = struct.unpack("<xxxBI", content[:8])
        assert flags & 8, "the header has the original name"
        assert content[10 : content.index(b"\0", 10)].endswith(b".nii")
        assert FIRST_DAY_OF_2009 <= seconds < FIRST_DAY_OF_2009 + 366 * 86400
        assert gzip.decompress(content)[344:348] == b"n+1\0"
