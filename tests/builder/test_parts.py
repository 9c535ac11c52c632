"""Data in several packages: what each holds, and that an update of one leaves the others alone."""

import gzip
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from debian.debfile import DebFile
from tests.acceptance.systems import deb_content
from tests.builder.samples import IN_PARTS, in_parts, plain, read

from nipack.builder.flows.build import build
from nipack.builder.formats import Format, formats
from nipack.builder.package import DataPackage
from nipack.builder.parts import packages_of
from nipack.system.errors import ArtifactError

FORMATS = [each for each in formats().values() if each.holds_parts]
NAMES = [f"nipy-templates{part}" for part in ("-1mm", "-2mm", "-texts", "")]


@dataclass(frozen=True)
class Before:
    """What was built before an update: the data, where its packages are, their digests by name."""

    package: DataPackage
    out: Path
    digests: dict[str, str]


MENDED = gzip.compress(b"mended", mtime=1)


def digests(source: Path, out: Path) -> dict[str, str]:
    """Build every format; return the digest of each artifact by its name."""
    built = list(build(str(source), FORMATS, out))
    return {each.path.name: hashlib.sha256(each.path.read_bytes()).hexdigest() for each in built}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Before:
    """The packages of the sample, which no test changes."""
    top = tmp_path_factory.mktemp("before")
    source = in_parts(top, more="views: [{library: nilearn}]\n")
    return Before(read(source, top / "work"), top / "dist", digests(source, top / "dist"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return in_parts(tmp_path, more="views: [{library: nilearn}]\n")


def mend(source: Path) -> None:
    (source / "templates" / IN_PARTS["1mm"]).write_bytes(MENDED)


def change(source: Path, *pairs: tuple[str, str]) -> None:
    """Change the first of each text in the definition."""
    path = source / "package.yaml"
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def control(before: Before, package: str) -> dict[str, str]:
    [path] = before.out.glob(f"{package}_*.deb")
    with DebFile(str(path)) as deb:
        return dict(deb.debcontrol())


def about(before: Before, package: str) -> dict[str, Any]:
    [path] = before.out.glob(f"{package}_*.deb")
    with DebFile(str(path)) as deb:
        content = deb_content(deb, f"usr/share/nipack/{package}/package.json")
    return dict(json.loads(content))


def test_conda_debian_pip_and_arch_have_parts() -> None:
    assert {each.name for each in FORMATS} == {"conda", "deb", "wheel", "pacman"}


@pytest.mark.parametrize("format", FORMATS, ids=lambda each: each.name)
def test_each_file_is_in_one_package(format: Format, before: Before) -> None:
    paths = Counter(
        each.path
        for name in before.digests
        if name.endswith(format.ending)
        for each in format.contents(before.out / name, lambda count: None)
        if not each.is_directory
    )
    payload = [path for path in paths if "/nipy/templates/" in path]
    assert sorted(path.partition("/nipy/templates/")[2] for path in payload) == sorted(
        before.package.paths
    )
    assert [path for path in paths if path.endswith("etc/nipy/nipy_templates.ini")]
    assert set(paths.values()) == {1}


def test_an_update_of_one_part_changes_no_byte_of_the_others(
    before: Before, source: Path, tmp_path: Path
) -> None:
    mend(source)
    change(source, ('version: "0.3"', 'version: "0.3.1"'), ("parts:", "revision: 1\nparts:"))
    after = digests(source, tmp_path / "after")
    same = {name for name, digest in before.digests.items() if after.get(name) == digest}
    assert len(before.digests) == len(after) == 4 * len(FORMATS)
    assert len(same) == 2 * len(FORMATS)
    assert all("2mm" in name or "texts" in name for name in same)
    # What is not the same has another name: caches know a package by that.
    assert before.digests.keys() & after.keys() == same
    for name in ("nipy-templates-1mm_0.3.1-1_all.deb", "nipy-templates_0.3-2_all.deb"):
        assert name in after.keys() - before.digests.keys()


def test_another_version_of_the_whole_changes_the_part_with_the_config(
    before: Before, source: Path, tmp_path: Path
) -> None:
    (source / "templates/config.ini").write_bytes(b"[DEFAULT]\nversion = 0.4\n")
    change(source, ("version: '0.3'", "version: '0.4'"))
    change(source, ('"config.ini"]\n    version: "0.3"', '"config.ini"]'))
    after = digests(source, tmp_path / "after")
    same = {name for name, digest in before.digests.items() if after.get(name) == digest}
    assert len(same) == 2 * len(FORMATS)
    assert all("mm" in name for name in same)
    assert "nipy-templates-texts_0.4-1_all.deb" in after


def test_the_whole_wants_just_these_parts(before: Before) -> None:
    whole = about(before, "nipy-templates")
    # It has the payload id that it had in one piece, and names every file.
    assert whole["payload_id"] == before.package.payload_id
    assert list(whole["files"]) == list(before.package.paths)
    wanted = control(before, "nipy-templates")["Depends"]
    assert wanted == ", ".join(f"{name} (= 0.3-1)" for name in NAMES[:3])
    part = control(before, "nipy-templates-1mm")
    assert (part["Depends"], part["Replaces"]) == ("nipy-templates-texts", "nipy-templates")
    assert part["Description"].splitlines()[0] == "brain templates: 1mm"
    assert "Depends" not in control(before, "nipy-templates-texts")
    payload = whole["parts"]["nipy-templates-1mm"]["payload_id"]
    assert f"nipy-templates-1mm-0.3-h{payload[:7]}_0.conda" in before.digests


def test_views_are_told_of_by_the_part_with_the_config(before: Before) -> None:
    said = {name: about(before, name) for name in NAMES}
    assert [name for name in NAMES if "views" in said[name]] == [NAMES[2], NAMES[3]]
    assert [said[name].get("part_of") for name in NAMES] == [*["nipy-templates"] * 3, None]


def config_of(source: Path, work: Path) -> list[str]:
    packages = packages_of(read(source, work))
    home = [each.definition.name for each in packages if "config.ini" in each.paths]
    assert [each.needs for each in packages] == [
        None if each.pulls or [each.definition.name] == home else home[0] for each in packages
    ]
    return home


def test_the_config_is_in_the_smallest_part_unless_one_names_it(
    source: Path, tmp_path: Path
) -> None:
    change(source, (', "config.ini"', ""))
    assert config_of(source, tmp_path / "a") == [NAMES[2]]
    change(source, ('"*_res-01*"', '"*_res-01*", "*.ini"'))
    assert config_of(source, tmp_path / "b") == [NAMES[0]]


def test_data_without_a_config_gets_one_in_its_smallest_part(source: Path, tmp_path: Path) -> None:
    change(source, (', "config.ini"', ""))
    (source / "templates/config.ini").unlink()
    assert config_of(source, tmp_path / "a") == [NAMES[2]]


def test_a_whole_of_other_parts_is_not_taken_for_this_one(source: Path, tmp_path: Path) -> None:
    deb = [formats()["deb"]]
    list(build(str(source), deb, tmp_path / "dist"))
    mend(source)
    change(source, ('version: "0.3"', 'version: "0.3.1"'))
    with pytest.raises(ArtifactError, match=r"nipy-templates_0\.3-1_all\.deb\n    its parts are"):
        list(build(str(source), deb, tmp_path / "dist"))
    assert not list((tmp_path / "dist").glob("*0.3.1*"))


def test_a_second_build_keeps_all(source: Path, tmp_path: Path) -> None:
    deb = [formats()["deb"]]
    built = list(build(str(source), deb, tmp_path / "dist"))
    times = {each.path: each.path.stat().st_mtime_ns for each in built}
    assert list(build(str(source), deb, tmp_path / "dist")) == built
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_what_carries_no_parts_says_so(source: Path, tmp_path: Path) -> None:
    refused = (
        r"sdist does not carry parts: pip makes one package of .*; build other formats \(conda, "
    )
    with pytest.raises(ArtifactError, match=refused):
        list(build(str(source), [formats()["sdist"]], tmp_path / "dist"))
    assert not (tmp_path / "dist").exists()


def test_one_package_stays_one(tmp_path: Path) -> None:
    package = read(plain(tmp_path), tmp_path / "work")
    assert packages_of(package) == (package,)
