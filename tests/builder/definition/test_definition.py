"""The definition: what it says is read, and all that is wrong with it is told at once."""

import datetime as dt
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.builder.conftest import GOLDEN
from tests.builder.samples import MINIMAL, define
from tests.conftest import REPOSITORY

from nipack.builder.definition.faults import import_jsonschema, schema
from nipack.builder.definition.model import (
    CheckException,
    Citation,
    Consumer,
    Copyright,
    Maintainer,
    release_time,
)
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source
from nipack.system.errors import DataPackageError

BROKEN = sorted((GOLDEN / "definition").glob("*.yaml"))
RECIPES = sorted((REPOSITORY / "recipes").glob("*/package.yaml"))


def problems_of(path: Path) -> str:
    """Return the printed problems of a definition, without the folder that it is in."""
    with pytest.raises(DataPackageError) as caught:
        read_definition(path)
    return str(caught.value).replace(f"{path.parent}/", "") + "\n"


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_messages_name_line_field_and_remedy(
    path: Path, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    copy = tmp_path / "package.yaml"
    copy.write_bytes(path.read_bytes())
    golden(f"definition/{path.stem}.txt", problems_of(copy))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_the_recipes_are_valid(path: Path) -> None:
    assert read_definition(path).name == path.parent.name


def test_a_full_definition_is_read(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_bytes("\ufeffDo \x0cwhat\r\nyou want \r\n".encode())
    definition = define(
        tmp_path,
        """\
date: 2023-05-01
revision: 3
source: {address: data.tar.gz, md5: d41d8cd98f00b204e9800998ecf8427e}
summary: brain images
description: |
  One.

  Two.
homepage: https://example.org
license: mit and (cc0-1.0 or LicenseRef-Mine)
copyright:
  - {files: ["*"], holders: [Ada, Grace], license: mit, years: 2004-2011, text_file: LICENSE}
  - {files: [a*, b*], holders: [Ada], license: LicenseRef-Mine, text: "\\nMine.\\n"}
redistribution: verified
requires_nonfree: ['MATLAB, to read the .fig files']
maintainer: {name: Ada Lovelace, email: ada@example.org}
authors: [{name: Grace Hopper}]
citation: [{doi: 10.1000/x, text: A paper.}]
consumers:
  - {package: nipy, version: ">= 0.6", needs: ">=0.3"}
  - {package: my_code}
  - {package: other, names: {debian: other-tools}}
exceptions: [{code: empty-directory, path: atlas/*, reason: wanted}]
""",
    )
    assert definition.version == "0.3"
    assert definition.date == dt.date(2023, 5, 1)
    assert definition.revision == 3
    assert definition.source == Source(
        address=str(tmp_path / "data.tar.gz"),
        md5="d41d8cd98f00b204e9800998ecf8427e",
    )
    assert definition.description == "One.\n\nTwo."
    assert definition.license == "MIT AND (CC0-1.0 OR LicenseRef-Mine)"
    assert definition.copyright == (
        Copyright(
            files=("*",),
            holders=("Ada", "Grace"),
            license="MIT",
            years="2004-2011",
            text="Do what\nyou want",
            text_file="LICENSE",
        ),
        Copyright(files=("a*", "b*"), holders=("Ada",), license="LicenseRef-Mine", text="Mine."),
    )
    assert definition.requires_nonfree == ("MATLAB, to read the .fig files",)
    assert definition.maintainer == Maintainer(name="Ada Lovelace", email="ada@example.org")
    assert str(definition.maintainer) == "Ada Lovelace <ada@example.org>"
    assert [str(author) for author in definition.authors] == ["Grace Hopper"]
    assert definition.citation == (Citation(doi="10.1000/x", text="A paper."),)
    assert definition.consumers == (
        Consumer(package="nipy", since="0.6", needs="0.3"),
        Consumer(package="my_code"),
        Consumer(package="other", names={"debian": "other-tools"}),
    )
    names = [each.name_in("debian", "usual") for each in definition.consumers]
    assert names == ["usual", "usual", "other-tools"]
    assert definition.exceptions == (
        CheckException(code="empty-directory", reason="wanted", path="atlas/*"),
    )


def test_places_of_fields(tmp_path: Path) -> None:
    definition = define(tmp_path, "maintainer:\n  name: Ada\n  email: ada@example.org\n")
    assert definition.where("maintainer", "email") == f"{tmp_path}/package.yaml:6"
    # The nearest that is there.
    assert definition.where("maintainer", "telephone") == f"{tmp_path}/package.yaml:4"
    assert definition.where() == definition.where("nothing") == f"{tmp_path}/package.yaml:1"


@pytest.mark.parametrize("written", ["0.10", "1.20.300", "0.3", "'0.3'", "2009.1"])
def test_a_version_keeps_every_digit_without_quotes(tmp_path: Path, written: str) -> None:
    definition = define(tmp_path, base=MINIMAL.replace("'0.3'", written))
    assert definition.version == written.strip("'")


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: f"---\n{text}...\n".encode(),
    ],
    ids=["crlf", "cr", "bom", "document-marks"],
)
def test_ways_to_save_a_file(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    path = tmp_path / "package.yaml"
    path.write_bytes(encode(MINIMAL))
    assert read_definition(path).name == "nipy-templates"


@pytest.mark.parametrize(
    ("content", "line"),
    [("name: a\nsummary: é".encode("latin-1"), 2), ("name: nipy".encode("utf-16"), 1)],
)
def test_other_encodings_are_refused(tmp_path: Path, content: bytes, line: int) -> None:
    path = tmp_path / "package.yaml"
    path.write_bytes(content)
    assert problems_of(path).startswith(f"package.yaml:{line}: not UTF-8; save it as UTF-8")


def test_a_missing_definition(tmp_path: Path) -> None:
    assert "No such file or directory" in problems_of(tmp_path / "package.yaml")


def test_a_license_text_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_bytes("©".encode("latin-1"))
    stanza = "{files: ['*'], holders: [Ada], license: MIT, text_file: LICENSE}"
    with pytest.raises(
        DataPackageError, match=r"package\.yaml:5: licence text LICENSE is not UTF-8"
    ):
        define(tmp_path, f"copyright:\n  - {stanza}\n")


@pytest.mark.parametrize(
    ("version", "refused"),
    [("0.2", True), ("0.3", False), ("0.10", False), ("0.3rc1", True)],
)
def test_a_consumer_refuses_what_is_older_than_its_need(version: str, refused: bool) -> None:
    consumer = Consumer(package="nipy", since="0.6", needs="0.3")
    assert consumer.refuses(version) is refused


def test_a_consumer_without_a_need_refuses_nothing() -> None:
    assert not Consumer(package="nipy").refuses("0.1")


@pytest.mark.parametrize("prefix", ["", "https://doi.org/", "http://dx.doi.org/", "doi:", "DOI: "])
def test_what_everybody_understands_is_taken_as_meant(prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "package.yaml"
    stanza = "{files: ['*'], holders: [Ada], years: 2011, license: MIT, text: Do.}"
    path.write_text(f"{MINIMAL}copyright: [{stanza}]\ncitation: [{{doi: '{prefix}10.1000/x'}}]\n")
    definition = read_definition(path)
    assert [each.years for each in definition.copyright] == ["2011"]
    assert [each.doi for each in definition.citation] == ["10.1000/x"]


def test_release_time_is_in_utc() -> None:
    assert release_time(dt.date(2023, 5, 1)) == 1682899200


def test_the_schema_is_a_schema_and_its_examples_hold() -> None:
    import_jsonschema().Draft202012Validator.check_schema(schema())
    assert examples_checked(schema()) > 20


def examples_checked(part: object) -> int:
    """Check every example of a schema by the schema around it; return how many there are."""
    count = 0
    if isinstance(part, dict):
        for example in part.get("examples", ()) if "type" in part or "enum" in part else ():
            if "..." not in str(example):  # those stand for a whole digest or text
                import_jsonschema().validate(example, part)
                count += 1
        count += sum(examples_checked(below) for below in part.values())
    return count


@pytest.mark.slow(1)
def test_no_grammar_is_compiled_that_no_field_asks_for(tmp_path: Path) -> None:
    """jsonschema alone would, for seconds, wherever Jupyter has brought rfc3987_syntax."""
    assert importlib.util.find_spec("rfc3987_syntax") is not None
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from nipack.builder.definition.reading import read_definition\n"
        f"read_definition(Path({str(tmp_path / 'package.yaml')!r}))\n"
        "from importlib.util import find_spec\n"
        "print('jsonschema' in sys.modules, 'rfc3987_syntax' in sys.modules)\n"
        "print(find_spec('rfc3987_syntax') is not None)"  # which others can have as before
    )
    (tmp_path / "package.yaml").write_text(MINIMAL, "utf-8")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout.split() == [b"True", b"False", b"True"]


def test_the_remedies_are_yaml() -> None:
    """What a message tells to write can be written so."""
    for name, field in schema()["properties"].items():
        if "examples" in field:
            import json

            assert yaml.safe_load(f"{name}: {json.dumps(field['examples'][0])}")[name] is not None
