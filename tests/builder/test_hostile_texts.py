"""Texts that are made to take memory and time, or to lead out of the folder they are in."""

import gzip
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.builder.samples import MINIMAL, define, tar_bytes

from nipack.builder.authoring.facts import Facts, read_facts, recognised_license
from nipack.builder.check.privacy import file_problems, finds, gzip_problems
from nipack.builder.definition.yaml_lines import load_yaml
from nipack.cli.app import nipack
from nipack.system.errors import DataPackageError

LETTERS = bytes(random.Random(1).choices(b"abcdefgh", k=250_000))
SECONDS = 5.0


@pytest.fixture
def in_time() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < SECONDS


TEXTS = [
    LETTERS,
    b"a" * 250_000,
    b"a@" * 125_000,
    b"a." * 125_000 + b"@",
    b"a@" + b"b." * 125_000,
    b"a " * 125_000,
    b"'" * 250_000,
    b"[a" * 125_000,
    b"[a@" + b"a" * 250_000,
    b"subject" * 30_000,
    b"patientname" + b"!" * 250_000,
    b"/home/" * 40_000,
    b"/home" + b"/" * 250_000,
    b"C:/Users/" + b"x" * 250_000,
]


@pytest.mark.slow(1)
@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12].decode())
def test_a_text_of_an_image_is_looked_through_in_time(text: bytes) -> None:
    list(gzip_problems(b"\x1f\x8b\x08\x08" + bytes(6) + text + b"\0", "there"))
    list(finds([("descrip", text)]))


PAIR = b"<MD><Name>a</Name><Value>b</Value></MD>"
NIFTI = b"\x5c\x01\0\0" + bytes(104) + b"\0\0\x80\x4b" + bytes(232) + b"n+1\0\1\0\0\0"
FILES = {
    "a.gii": [
        b"<MD>" * 800_000,
        b"</MD>" * 800_000,
        PAIR * 90_000,
        b'ExternalFileName="' * 200_000,
        b"<MD><Name>" + b"a" * 4_000_000,
    ],
    "a.dcm": [
        b"\x10\0\x10\0" * 80_000,
        b"\xfe\xff\x00\xe0\0\0\0\0" * 40_000,
        b"\xff" * 300_000,
        b"\x08\0\x05\0LO\0\0" * 40_000,
    ],
    "a.json": [
        b"[" * 2_000_000,
        b'{"a":' * 400_000,
        b'["a",' * 300_000 + b"1",
        b'{"PatientName": "' + b"x" * 1_900_000 + b'"}',
        b"[" + b'"ab",' * 390_000 + b"1]",
    ],
    "a.tsv": [
        b"a\t" * 130_000,
        b"participant_id\tname\n" + b"x\t\n" * 60_000,
        b"\n" * 260_000,
    ],
    "a.nii": [NIFTI + b"\x10\0\0\0\4\0\0\0abcdefgh" * 250_000],
}


@pytest.mark.slow(2)
@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(
    ("name", "content"),
    [(name, content) for name, contents in FILES.items() for content in contents],
    ids=lambda each: each if isinstance(each, str) else each[:12].decode("latin-1"),
)
def test_a_file_is_looked_through_in_time(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    list(file_problems(tmp_path / name, name, content[:9], len(content)))


FACTS = {
    "LICENSE": [b" " * 4000, b"\n" * 4000, b"Copyright " + b" " * 100_000, b"( " * 9000],
    "CITATION.cff": [
        b"a: &a [x]\nb: &b [*a, *a]\ntitle: *b\n",
        b"[" * 100_000,
        b"- " * 100_000,
        b"title: !!python/object:os.system {}\n",
        b"title: !!int ''\n",
        b"title: {a: b}\nauthors: x\nidentifiers: [1, 2]\n",
        b"x" * 4_000_000,
    ],
    "dataset_description.json": [
        b"[" * 200_000,
        b'{"Name": ' * 50_000,
        b'{"Name": 1' + b"0" * 5000 + b"}",
        b'{"Authors": 3, "ReferencesAndLinks": {"a": 1}}',
        b"\xff\xfe",
    ],
    "pyproject.toml": [
        b"a = " + b"[" * 100_000,
        b"a = " + b"{a=" * 50_000,
        b".".join([b"a"] * 200_000) + b" = 1",
        b"[project]\nversion = 1\nauthors = 'x'\nurls = 3\n",
        b"[project]\nversion = " + b"9" * 5000,
    ],
    "PKG-INFO": [
        b"Author-email: " + b"(" * 100_000,
        b"Author-email: " + b"<" * 100_000,
        b"Author-email: " + b'"\\' * 100_000,
        b"Author-email: " + b"a@b, " * 20_000,
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 5000,
    ],
    "setup.cfg": [b"[metadata]\na" + b" " * 100_000 + b"b", b"[" * 60_000],
    "README": [b"=" * 400_000, b"\n" * 400_000, b"# a\n" * 100_000],
}


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(
    ("name", "content"),
    [(name, content) for name, contents in FACTS.items() for content in contents],
    ids=lambda each: each if isinstance(each, str) else each[:20].decode("latin-1"),
)
@pytest.mark.slow
def test_a_file_that_says_nothing_says_it_in_time(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    facts = read_facts([tmp_path])
    assert name == "README" or (facts.version, facts.authors) == (None, ())


def test_a_pipe_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "CITATION.cff").symlink_to("/dev/zero")
    assert read_facts([tmp_path]) == Facts()


@pytest.mark.slow
def test_a_licence_that_takes_minutes_is_not_recognised() -> None:
    text = (Path(__file__).parents[2] / "LICENSE").read_text("utf-8") * 60
    start = time.monotonic()
    assert recognised_license(text) is None
    assert time.monotonic() - start < 20


TAGS = ['!!int ""', "!!bool maybe", "!!binary é", "!!timestamp x", "!!set {a}", "!a b", "! b"]


@pytest.mark.parametrize("value", [*TAGS, "0x_", "0b_", "!!omap [a]", "!!str a"])
def test_a_tag_is_refused_with_its_line(value: str, tmp_path: Path) -> None:
    with pytest.raises(DataPackageError, match=r"package\.yaml:4: "):
        define(tmp_path, f"summary: {value}\n")


@pytest.mark.parametrize("kind", ["pipe", "device", "large", "folder"])
def test_a_definition_that_cannot_be_read_whole(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.symlink_to(tmp_path / "none")
    else:
        path.write_bytes(b"#" * 1_000_000)
    result = CliRunner().invoke(nipack, ["check", str(path)])
    assert result.exit_code == 1
    words = {"large": "more than 524,288 bytes", "folder": "No such file"}
    assert words.get(kind, "not a regular file") in result.output


@pytest.mark.skipif(sys.platform == "win32", reason="links and devices of POSIX")
@pytest.mark.parametrize("kind", ["link", "pipe", "device", "large"])
def test_a_licence_text_is_a_file_beside_the_definition(kind: str, tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "folder"
    secret.write_text("secret")
    folder.mkdir()
    text = folder / "LICENSE"
    if kind == "link":
        text.symlink_to("../secret")
    elif kind == "pipe":
        os.mkfifo(text)
    elif kind == "device":
        text.symlink_to("/dev/zero")
    else:
        text.write_bytes(b"x" * 1_000_000)
    stanza = "{files: ['*'], holders: [Ada], license: MIT, text_file: LICENSE}"
    with pytest.raises(DataPackageError, match=r"package\.yaml:5: licence text LICENSE: "):
        define(folder, f"copyright:\n  - {stanza}\n")


@pytest.mark.slow
def test_deep_yaml_ends_in_an_error_of_its_own(tmp_path: Path) -> None:
    for text in ("[" * 9000, "- " * 9000, "{a: " * 9000, "? " * 9000):
        with pytest.raises(RecursionError):
            load_yaml(text.encode())
    with pytest.raises(DataPackageError, match="nested too deep"):
        define(tmp_path, "summary: " + "[" * 5000)


def test_an_archive_of_an_address_stays_in_its_folder(tmp_path: Path) -> None:
    """A name with an escaped slash in it is that of its last part."""
    from nipack.builder.flows.recipe import archive_name

    address = "https://example.org/a/..%2f..%2f..%2fetc%2fx.tar.gz?b=c/d"
    assert archive_name(address) == "x.tar.gz"
    assert archive_name("https://example.org/%2e%2e") == ""


def test_a_version_that_is_none_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(gzip.compress(tar_bytes()))
    for version in ("1.0.foo", "9" * 5000, "1." + "0" * 5000, "1e5", "²"):
        text = MINIMAL.replace("'0.3'", f"'{version}'")
        (tmp_path / "package.yaml").write_text(text, "utf-8")
        result = CliRunner().invoke(nipack, ["check", str(tmp_path)])
        assert result.exit_code == 1
        assert "bug in nipack" not in result.output
