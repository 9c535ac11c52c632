"""The .deb, read by dpkg-deb and python-debian."""

import gzip
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from debian.deb822 import Deb822
from debian.debfile import DebFile
from tests.builder.samples import RecordingReporter, define, linked, member, plain, read, tar_bytes

from nipack.builder.archive.members import Content
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.flows.build import build, build_artifact
from nipack.builder.formats import deb
from nipack.builder.formats.deb import FORMAT, DebFormat
from nipack.system.errors import ArtifactError
from nipack.system.progress import Advance


def built(source: Path, tmp_path: Path) -> Path:
    [artifact] = build(str(source), [FORMAT], tmp_path / "dist", RecordingReporter())
    return artifact.path


def control_of(tmp_path: Path, more: str) -> Deb822:
    tree = plain(tmp_path)
    define(tree, f"date: 2023-05-01\n{more}")
    with DebFile(str(built(tree, tmp_path))) as package:
        return package.control.debcontrol()


def test_the_name_of_the_file(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 0.3.rc1\n", "utf-8")
    assert built(tree, tmp_path).name == "nipy-templates_0.3~rc1-1_all.deb"


@pytest.mark.tools("dpkg-deb")
def test_the_members_are_what_every_dpkg_reads(tmp_path: Path) -> None:
    content = built(linked(tmp_path), tmp_path).read_bytes()
    assert content.startswith(b"!<arch>\ndebian-binary   1682899200  0     0     100644  4 ")
    assert content.count(b"control.tar.gz  ") == 1
    path = tmp_path / "dist" / "nipy-templates_0.3-1_all.deb"
    run = subprocess.run(["dpkg-deb", "-I", path], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert " new Debian package, version 2.0." in run.stdout


@pytest.mark.tools("ar")
def test_ar_lists_the_members(tmp_path: Path) -> None:
    path = built(plain(tmp_path), tmp_path)
    run = subprocess.run(["ar", "t", path], capture_output=True, text=True, check=True)
    assert run.stdout == "debian-binary\ncontrol.tar.gz\ndata.tar.gz\n"


def test_control(tmp_path: Path) -> None:
    control = control_of(
        tmp_path,
        """\
revision: 1
summary: brain images (not all)
homepage: https://example.org/#a:b
maintainer: {name: "Ada: Ünal", email: ada@example.org}
consumers: [{package: nipy, version: ">=0.6", needs: ">=0.4"}]
""",
    )
    installed = control.pop("Installed-Size")
    assert dict(control) == {
        "Package": "nipy-templates",
        "Version": "0.3-2",
        "Architecture": "all",
        "Maintainer": "Ada: Ünal <ada@example.org>",
        "Enhances": "python3-nipy",
        "Breaks": "python3-nipy (>= 0.6)",
        "Section": "non-free/science",
        "Priority": "optional",
        "Multi-Arch": "foreign",
        "Homepage": "https://example.org/#a:b",
        "Description": "brain images (not all)\n"
        " Data package nipy/templates for neuroimaging software that looks its data up\n"
        " below share/nipy.",
    }
    assert 20 < int(installed) < 60


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("One.", [" One."]),
        ("One.\n\nTwo.", [" One.", " .", " Two."]),
        ("One.\n\n \n\t\n\nTwo.", [" One.", " .", " Two."]),
        ("  indented", [" indented"]),
        (".\n\n.", ["  .", " .", "  ."]),
        (".nii images", ["  .nii images"]),
        ("Package: evil\nVersion: 9", [" Package: evil Version: 9"]),
        ("# no comment", [" # no comment"]),
        (
            "word " * 20 + ".nii",
            [" " + "word " * 14 + "word", " word word word word word .nii"],
        ),
        ("x" * 300, [" " + "x" * 300]),
        ("\u00a0\n\nnext", [" next"]),
        ("Übersicht\nder\tBilder", [" Übersicht der     Bilder"]),
    ],
)
def test_every_description_is_one_field(text: str, lines: list[str], tmp_path: Path) -> None:
    tree = plain(tmp_path)
    escaped = text.encode("unicode-escape").decode()
    define(tree, f'description: "{escaped}"\n')
    path = built(tree, tmp_path)
    with DebFile(str(path)) as package:
        control = package.control.debcontrol()
    assert control["Description"].split("\n")[1:] == lines
    assert control["Package"] == "nipy-templates"


def test_control_files_and_documentation(tmp_path: Path) -> None:
    path = built(linked(tmp_path), tmp_path)
    with DebFile(str(path)) as package:
        files = {"control", "conffiles", "md5sums"}
        scripts = {"preinst", "postinst", "prerm", "postrm"}
        members = list(package.control.tgz())
        assert {str(info.name) for info in members} == {f"./{each}" for each in files | scripts}
        executable = {str(info.name) for info in members if info.mode == 0o755}
        assert executable == {f"./{each}" for each in scripts}
        assert package.control.get_content("conffiles") == b"/etc/nipy/nipy_templates.ini\n"
        sums = package.md5sums(encoding="utf-8")
        names = {str(info.name).removeprefix("./") for info in package.data.tgz() if info.isreg()}
        assert sums.keys() == names - {"etc/nipy/nipy_templates.ini"}
        changelog = package.changelog()
        assert changelog is not None
        assert str(changelog.version) == "0.3-1"
        content = package.data.get_content("usr/share/doc/nipy-templates/changelog.Debian.gz")
        assert isinstance(content, bytes)
        assert gzip.decompress(content).startswith(b"nipy-templates (0.3-1) unstable")


@pytest.mark.tools("dpkg-deb", "md5sum")
def test_md5sums_hold(tmp_path: Path) -> None:
    path = built(linked(tmp_path), tmp_path)
    subprocess.run(["dpkg-deb", "-R", path, tmp_path / "root"], check=True)
    command = ["md5sum", "--check", "--quiet", "DEBIAN/md5sums"]
    run = subprocess.run(command, cwd=tmp_path / "root", capture_output=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


def test_every_directory_has_a_member_and_everything_is_root_s(tmp_path: Path) -> None:
    with DebFile(str(built(linked(tmp_path), tmp_path))) as package:
        members = list(package.data.tgz())
    directories = {str(info.name) for info in members if info.isdir()}
    for info in members:
        parent = str(info.name).rpartition("/")[0] or "."
        assert parent in directories
        assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "root", "root")
        assert info.mtime == 1682899200
        assert info.mode == (0o755 if info.isdir() else 0o777 if info.issym() else 0o644)


def test_a_member_that_is_too_large_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deb, "AR_SIZE_LIMIT", 2000)
    with pytest.raises(ArtifactError, match=r"data\.tar\.gz: [0-9,]+ bytes, but .* at most 2,000"):
        built(linked(tmp_path), tmp_path)
    assert list((tmp_path / "dist").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an ar archive"),
        (b"PK\x03\x04", "not an ar archive"),
        (b"!<arch>\n", "has no data.tar.gz"),
    ],
)
def test_what_is_no_deb(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=words):
        list(FORMAT.contents(path, lambda count: None))


def test_odd_sizes_are_padded(tmp_path: Path) -> None:
    """Members begin at even places, however long the one before is."""
    path = tmp_path / "x.deb"
    with path.open("wb") as output:
        output.write(deb.AR_MAGIC)
        with deb._ar_member(output, "debian-binary", 0):
            output.write(b"odd")
        with deb._ar_member(output, "data.tar.gz", 0):
            output.write(gzip.compress(tar_bytes(member("./file", b"content"))))
    [content] = FORMAT.contents(path, lambda count: None)
    assert (content.path, content.size) == ("file", 7)


def test_a_directory_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    class Different(DebFormat):
        def contents(
            self,
            artifact: Path,
            advance: Advance,
            found: ReadBack = NOTHING,
            algorithm: str = "sha256",
        ) -> Iterator[Content]:
            for content in super().contents(artifact, advance, found, algorithm):
                if content.path == "usr":
                    continue
                yield replace(content, mode=0o700) if content.path == "etc" else content
            yield Content(path="./usr", mode=0o755, is_directory=True)

    package, out = read(plain(tmp_path), tmp_path / "work"), tmp_path / "dist"
    with pytest.raises(ArtifactError) as caught:
        build_artifact(package, Different(), out, RecordingReporter())
    assert str(caught.value).splitlines()[1:4] == [
        "  ./usr: should not be there",
        "  etc: is a directory with mode 700, not a directory with mode 755",
        "  usr: is missing",
    ]
    assert list(out.iterdir()) == []
