"""What people search for reaches the metadata of every format."""

import json
import tarfile
import zipfile
from pathlib import Path

from conda_package_streaming.package_streaming import stream_conda_component
from debian.debfile import DebFile
from packaging.metadata import Metadata
from tests.builder.samples import RecordingReporter, define, plain

from nipack.builder.flows.build import build
from nipack.builder.formats import formats

WORDS = """\
keywords: [cortex, "white matter"]
species: [Homo sapiens]
space: [MNI152NLin2009cAsym, fsaverage]
resolution: [1 mm, 2 x 2 x 3.5 mm]
description: Averages of 152 brains.
"""
FACTS = [
    "- Species: Homo sapiens",
    "- Space: MNI152NLin2009cAsym, fsaverage",
    "- Resolution: 1 mm, 2 x 2 x 3.5 mm",
]
TERMS = ["cortex", "white matter", "Homo sapiens", "MNI152NLin2009cAsym", "fsaverage"]


def test_each_format_has_the_words_where_people_search(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree, WORDS)
    every = [formats()[name] for name in ("conda", "deb", "wheel", "sdist")]
    made = {
        each.format: each.path
        for each in build(str(tree), every, tmp_path / "dist", RecordingReporter())
    }
    with made["conda"].open("rb") as stream:
        [about] = [
            json.loads((tar.extractfile(info) or stream).read())
            for tar, info in stream_conda_component(made["conda"].name, stream, "info")
            if info.name == "info/about.json"
        ]
    assert about["keywords"] == TERMS
    assert about["description"].splitlines()[-3:] == FACTS

    with DebFile(str(made["deb"])) as deb:
        described = deb.debcontrol()["Description"]
    assert all(f"\n  {fact}" in described for fact in FACTS)

    with zipfile.ZipFile(made["wheel"]) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Metadata.from_email(wheel.read(name))
    assert metadata.keywords == ["neuroimaging", "data", *TERMS]
    assert all(fact in str(metadata.description) for fact in FACTS)

    with tarfile.open(made["sdist"]) as tar:
        [member] = [each for each in tar.getmembers() if each.name.endswith("/package.json")]
        content = tar.extractfile(member)
        assert content is not None
        package = json.loads(content.read())
    assert (package["keywords"], package["species"]) == (TERMS[:2], TERMS[2:3])
    assert (package["space"], package["resolution"][1]) == (TERMS[3:], "2 x 2 x 3.5 mm")
