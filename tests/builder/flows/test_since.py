"""`nipack build --since`: only what has changed is built, and has a new version."""

import gzip
import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.acceptance.systems import run
from tests.builder.samples import IN_PARTS, in_parts, plain

from nipack.builder.flows.build import Artifact, build
from nipack.builder.formats import formats
from nipack.cli.app import nipack as nipack_command
from nipack.system.errors import ArtifactError

FORMATS = [formats()["deb"], formats()["wheel"]]
# Versions are for the build to find.
PARTS = """\
parts:
  - {name: 1mm, files: ["*_res-01*"]}
  - {name: 2mm, files: ["*_res-02*"]}
  - {name: texts, files: ["*.txt"]}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source that was built once, into dist."""
    source = in_parts(tmp_path, PARTS)
    list(build(str(source), FORMATS, tmp_path / "dist"))
    return source


def release(source: Path, version: str) -> None:
    (source / "templates/config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
    definition = source / "package.yaml"
    lines = definition.read_text("utf-8").splitlines(keepends=True)
    lines = [f"version: '{version}'\n" if each.startswith("version") else each for each in lines]
    definition.write_text("".join(lines), "utf-8")


def change(source: Path, old: str, new: str) -> None:
    definition = source / "package.yaml"
    text = definition.read_text("utf-8")
    assert old in text
    definition.write_text(text.replace(old, new), "utf-8")


def since(source: Path, before: str = "dist", out: str = "new") -> list[Artifact]:
    top = source.parent
    return list(build(str(source), FORMATS, top / out, since=top / before))


def debs(built: list[Artifact], *, stood: bool = False) -> list[str]:
    """Return the .deb files that were built, or that stood, by their names and versions."""
    names = [each.path.name for each in built if each.stood is stood and each.format == "deb"]
    return [name.removesuffix("-1_all.deb") for name in names]


def test_only_what_has_changed_is_built(source: Path) -> None:
    (source / "templates" / IN_PARTS["1mm"]).write_bytes(gzip.compress(b"mended", mtime=1))
    release(source, "0.4")
    built = since(source)
    assert debs(built) == [
        "nipy-templates-1mm_0.4",
        "nipy-templates-texts_0.4",
        "nipy-templates_0.4",
    ]
    assert debs(built, stood=True) == ["nipy-templates-2mm_0.3"]
    assert len(list((source.parent / "new").iterdir())) == 3 * len(FORMATS)
    said = run("dpkg-deb", "-f", source.parent / "new/nipy-templates_0.4-1_all.deb", "Depends")
    assert "nipy-templates-2mm (= 0.3-1)" in said
    # Into the same folder, and once more.
    assert debs(since(source, out="dist")) == debs(built)
    release(source, "0.5")
    built = since(source, out="dist")
    assert debs(built) == ["nipy-templates-texts_0.5", "nipy-templates_0.5"]
    assert debs(built, stood=True) == ["nipy-templates-1mm_0.4", "nipy-templates-2mm_0.3"]


def test_nothing_has_changed(source: Path) -> None:
    built = since(source)
    assert debs(built, stood=True) == [
        "nipy-templates-1mm_0.3", "nipy-templates-2mm_0.3", "nipy-templates-texts_0.3",
    ]  # fmt: skip
    assert debs(built) == ["nipy-templates_0.3"]


def mend(source: Path) -> None:
    (source / "templates" / IN_PARTS["1mm"]).write_bytes(gzip.compress(b"mended", mtime=1))


def run_what_it_says(source: Path) -> str:
    """Run the command that a refused build says; return the words of it after the source."""
    with pytest.raises(ArtifactError) as caught:
        since(source)
    command = str(caught.value).rpartition("to raise what has changed, and nothing else: ")[2]
    nipack, *words = shlex.split(command)
    assert (nipack, words[:3]) == ("nipack", ["bump", "minor", str(source)])
    done = CliRunner().invoke(nipack_command, [*words, "--date", "2024-02-29"])
    assert done.exit_code == 0, done.output
    return " ".join(words[3:])


def test_what_has_changed_under_its_version_is_told_of_with_what_raises_it(source: Path) -> None:
    mend(source)
    with pytest.raises(ArtifactError) as caught:
        since(source)
    for name in ("nipy-templates-1mm", "nipy-templates"):
        line = f"  {name}: its files have changed since 0.3, and it has version 0.3; raise it\n"
        assert line in str(caught.value)
    assert not (source.parent / "new").exists()
    assert run_what_it_says(source) == ""
    assert debs(since(source)) == [
        "nipy-templates-1mm_0.4", "nipy-templates-texts_0.4", "nipy-templates_0.4",
    ]  # fmt: skip


def test_the_versions_of_parts_that_have_changed_are_raised_and_no_other(tmp_path: Path) -> None:
    """That of the config.ini is one of them; comments and the rest stay."""
    parts = """\
parts:
  - {name: 1mm, files: ["*_res-01*"], version: "0.2"}  # rarely changes
  - name: 2mm
    version: "0.3" # as the whole's
    files: ["*_res-02*"]
  - {name: texts, files: ["*.txt"], date: 2020-01-01, version: '0.5'}
"""
    source = in_parts(tmp_path, parts)
    list(build(str(source), FORMATS, tmp_path / "dist"))
    mend(source)
    before = (source / "package.yaml").read_text("utf-8")
    assert run_what_it_says(source) == "--part 1mm --part texts"
    after = before.replace("version: '0.3'", "version: '0.4'", 1).replace('"0.2"', '"0.4"')
    after = after.replace("'0.5'", "'0.6'")
    for day in ("2020-01-01", "2023-05-01"):
        after = after.replace(day, "2024-02-29")
    assert (source / "package.yaml").read_text("utf-8") == after
    built = since(source)
    assert debs(built) == [
        "nipy-templates-1mm_0.4", "nipy-templates-texts_0.6", "nipy-templates_0.4",
    ]  # fmt: skip
    assert debs(built, stood=True) == ["nipy-templates-2mm_0.3"]


def test_what_is_packed_is_not_raised_by_a_command(source: Path, tmp_path: Path) -> None:
    mend(source)
    packed = shutil.make_archive(str(tmp_path / "packed"), "gztar", source.parent, source.name)
    with pytest.raises(ArtifactError, match=r"raise it\n.*use nipack bump where the data is not"):
        list(build(packed, FORMATS, tmp_path / "new", since=tmp_path / "dist"))


def test_a_file_that_has_moved_has_to_be_told_of(source: Path) -> None:
    release(source, "0.4")
    change(source, '["*_res-02*"]', '["*_res-02*", "labels*"]')
    change(source, '["*.txt"]', '["more*"]')
    (source / "templates/more.txt").write_text("more\n", "utf-8")
    with pytest.raises(ArtifactError) as caught:
        since(source)
    line = 'replaces: [{part: texts, before: "0.4"}]'
    assert f"nipy-templates-2mm: has labels.txt, which nipy-templates-texts had; add to that part: {line}" in str(caught.value)  # fmt: skip  # noqa: E501
    change(source, '"labels*"]', f'"labels*"], {line}')
    assert debs(since(source)) == [
        "nipy-templates-2mm_0.4", "nipy-templates-texts_0.4", "nipy-templates_0.4",
    ]  # fmt: skip


def test_the_config_stays_where_it_was(source: Path) -> None:
    """The smallest part may be another by now, which would change all of them."""
    (source / "templates/more.txt").write_bytes(bytes(range(32, 127)) * 1000)
    release(source, "0.4")
    built = since(source)
    assert debs(built) == ["nipy-templates-texts_0.4", "nipy-templates_0.4"]
    said = run("dpkg-deb", "-c", source.parent / "new/nipy-templates-texts_0.4-1_all.deb")
    assert "nipy/templates/config.ini" in said


def test_data_in_one_package_is_built_if_it_has_changed(tmp_path: Path) -> None:
    source = plain(tmp_path)
    list(build(str(source), FORMATS, tmp_path / "dist"))
    assert all(each.stood for each in since(source))
    (source / "templates/more.txt").write_text("more\n", "utf-8")
    with pytest.raises(ArtifactError, match=r"nipy-templates: its files have changed since 0\.3"):
        since(source)


def test_a_folder_without_packages_is_told_of(source: Path) -> None:
    (source.parent / "empty").mkdir()
    with pytest.raises(ArtifactError, match=r"empty: has no .conda, .deb or wheel of nipy-temp"):
        since(source, "empty")
    with pytest.raises(ArtifactError, match="none: No such file or directory; name a folder of"):
        since(source, "none")
    (source.parent / "empty" / "nipy-templates_0.1-1_all.deb").write_bytes(b"no package")
    with pytest.raises(ArtifactError, match=r"nipy-templates_0\.1-1_all\.deb: "):
        since(source, "empty")


@pytest.mark.slow
def test_the_command_says_what_stood(source: Path) -> None:
    def said(*options: str) -> str:
        words = ("-m", "nipack", "build", str(source), "-f", "deb", "--since", "dist", "-o", "new")
        return run(sys.executable, *words, *options, cwd=source.parent)

    stood = "unchanged in dist: nipy-templates-1mm_0.3-1_all.deb, nipy-templates-2mm"
    assert stood in " ".join(said().split())
    artifacts = json.loads(said("--json"))["artifacts"]
    assert [each.get("unchanged") for each in artifacts] == [True, True, True, None]
