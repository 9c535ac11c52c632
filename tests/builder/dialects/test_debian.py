"""Debian's spelling of a definition, read back with python-debian."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from debian.changelog import Changelog
from debian.copyright import Copyright as Dep5
from debian.copyright import License
from debian.deb822 import Deb822
from tests.builder.samples import MINIMAL, define, plain, read

from nipack.builder.definition.model import Definition
from nipack.builder.dialects import debian
from nipack.builder.package import DataPackage


def package_of(tmp_path: Path, more: str = "") -> DataPackage:
    tree = plain(tmp_path)
    define(tree, f"date: 2023-05-01\n{more}")
    return read(tree, tmp_path / "work")


def test_the_revision_counts_from_one(tmp_path: Path) -> None:
    assert debian.debian_version(package_of(tmp_path, "revision: 4\n")) == "0.3-5"


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("CC0-1.0", "CC0-1.0"),
        ("MIT", "Expat"),
        ("BSD-3-Clause", "BSD-3-clause"),
        ("GPL-2.0-only", "GPL-2"),
        ("GPL-2.0-or-later", "GPL-2+"),
        ("LGPL-2.1-or-later", "LGPL-2.1+"),
        ("GFDL-1.3-only", "GFDL-1.3"),
        ("AGPL-3.0-only", "AGPL-3"),
        ("LicenseRef-McGill", "McGill"),
        ("MIT AND (CC0-1.0 OR GPL-3.0-only)", "Expat and (CC0-1.0 or GPL-3)"),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "GPL-3+ with GCC-exception-3.1"),
    ],
)
def test_license_names(expression: str, name: str) -> None:
    assert debian.license_name(expression) == name


CONSUMERS = """\
consumers:
  - {package: nipy, version: ">=0.4", needs: ">=0.2"}
  - {package: nipy, version: ">=0.6", needs: ">=0.3"}
  - {package: some_code}
"""


@pytest.mark.parametrize(
    ("version", "breaks"),
    [
        ("0.1", "python3-nipy (>= 0.4), python3-nipy (>= 0.6)"),
        ("0.2", "python3-nipy (>= 0.6)"),
        ("0.3", None),
        ("0.10", None),
    ],
)
def test_relations(version: str, breaks: str | None, tmp_path: Path) -> None:
    relations = debian.relations(replace(package_of(tmp_path, CONSUMERS), version=version))
    assert relations.pop("Enhances") == "python3-nipy, python3-some-code"
    assert relations.pop("Breaks", None) == breaks
    assert relations == {}


def test_a_consumer_of_another_name(tmp_path: Path) -> None:
    named = 'consumers: [{package: nipy, version: ">=1", needs: ">=9", names: {debian: nipy3}}]\n'
    relations = debian.relations(package_of(tmp_path, named))
    assert relations == {"Enhances": "nipy3", "Breaks": "nipy3 (>= 1)"}


def test_no_consumers_no_relations(tmp_path: Path) -> None:
    assert debian.relations(package_of(tmp_path)) == {}


def test_the_changelog_is_one_entry(tmp_path: Path) -> None:
    package = package_of(tmp_path, "maintainer: {name: Ada Ünal, email: ada@example.org}\n")
    text = debian.changelog_text(package)
    changelog = Changelog(text, strict=True)
    assert len(changelog) == 1
    assert str(changelog.version) == "0.3-1"
    assert changelog.author == "Ada Ünal <ada@example.org>"
    assert changelog.date == "Mon, 01 May 2023 00:00:00 +0000"
    assert str(changelog) == text


@pytest.mark.tools("dpkg-parsechangelog")
def test_dpkg_reads_the_changelog(tmp_path: Path) -> None:
    path = tmp_path / "changelog"
    path.write_text(debian.changelog_text(package_of(tmp_path)), "utf-8")
    run = subprocess.run(
        ["dpkg-parsechangelog", "-l", str(path)], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    assert "Version: 0.3-1\n" in run.stdout
    assert "Maintainer: Unknown maintainer <unknown@maintainer.invalid>" in run.stdout


def dep5(tmp_path: Path, more: str = "") -> list[Deb822]:
    """Return the paragraphs of the copyright file, which python-debian takes for strict DEP-5."""
    lines = debian.copyright_text(package_of(tmp_path, more)).splitlines(keepends=True)
    Dep5(lines, strict=True)
    return list(Deb822.iter_paragraphs(lines, use_apt_pkg=False))


def license_texts(paragraphs: list[Deb822]) -> dict[str, str]:
    """Return the text of each stand-alone licence paragraph by its name."""
    licenses = [License.from_str(each["License"]) for each in paragraphs[1:] if "Files" not in each]
    return {each.synopsis: each.text for each in licenses if each is not None}


def test_copyright_without_a_word_of_it(tmp_path: Path) -> None:
    header, files, license_ = dep5(tmp_path)
    assert header["Upstream-Name"] == "nipy-templates"
    assert header["Disclaimer"].splitlines() == [
        "This package is not part of the Debian distribution.",
        " It was not verified that everybody may pass this data on.",
        " Its source states no licence.",
    ]
    assert files["Files"] == "*"
    assert files["Copyright"] == "not stated by the source"
    assert license_["License"] == "unknown\n The source of this data states no licence."


def test_copyright_of_several_stanzas(tmp_path: Path) -> None:
    paragraphs = dep5(
        tmp_path,
        """\
homepage: https://example.org
license: MIT AND CC0-1.0
redistribution: verified
copyright:
  - files: ["*"]
    holders: ["Ada <ada@example.org>", "Institut: für Übersicht", "#3"]
    years: "2004-2011"
    license: CC0-1.0
  - files: [atlas/*, "*.txt"]
    holders: [Grace]
    license: LicenseRef-Mine
    text: "Mine.\\n\\nAll."
  - {files: [b], holders: [Grace], license: LicenseRef-Mine, text: Yours.}
  - {files: [c], holders: [Grace], license: LicenseRef-Mine, text: Yours.}
  - {files: [d], holders: [Grace], license: MIT}
""",
    )
    header, first, second, *_ = paragraphs
    assert header["Source"] == "https://example.org"
    assert "Disclaimer" not in header
    assert [line.strip() for line in first["Copyright"].splitlines()] == [
        "2004-2011 Ada <ada@example.org>",
        "2004-2011 Institut: für Übersicht",
        "2004-2011 #3",
    ]
    assert second["Files"].split() == ["templates/atlas/*", "templates/*.txt"]
    assert license_texts(paragraphs) == {
        "CC0-1.0": "On Debian systems, the full text of this licence is in\n"
        "/usr/share/common-licenses/CC0-1.0.",
        # Two texts under one name are both kept.
        "Mine": "Mine.\n\nAll.\n\nYours.",
        "Expat": "The definition has no text of it.",
    }


FREE = "license: CC0-1.0\nredistribution: verified\n"
NEEDS = "requires_nonfree: ['MATLAB, to read the .fig files.', a key of the lab]\n"
NEEDED = [
    "This data is of no use without what is not free: MATLAB, to read the .fig files.",
    "This data is of no use without what is not free: a key of the lab.",
]
STANZA = "copyright: [{files: ['*'], holders: [Ada], license: CC-BY-ND-4.0, text: None.}]\n"


@pytest.mark.parametrize(
    ("fields", "section", "reasons"),
    [
        (FREE, "science", []),
        (FREE + NEEDS, "contrib/science", NEEDED),
        (
            "license: CC0-1.0\n" + NEEDS,
            "non-free/science",
            ["It was not verified that everybody may pass this data on.", *NEEDED],
        ),
        (
            "license: CC0-1.0\nredistribution: forbidden\n",
            "non-free/science",
            ["This data must not be passed on."],
        ),
        (
            "license: CC-BY-NC-SA-4.0\nredistribution: verified\n",
            "non-free/science",
            ["The licence CC-BY-NC-SA-4.0 restricts how this data may be used or changed."],
        ),
        (
            FREE + STANZA,
            "non-free/science",
            ["The licence CC-BY-ND-4.0 restricts how this data may be used or changed."],
        ),
        (
            f"license: CC-BY-4.0 AND (CC-BY-ND-4.0 OR MIT)\nredistribution: verified\n{STANZA}",
            "non-free/science",
            ["The licence CC-BY-ND-4.0 restricts how this data may be used or changed."],
        ),
        ("redistribution: verified\n", "non-free/science", ["Its source states no licence."]),
    ],
)
def test_what_is_not_in_main_says_why(
    fields: str, section: str, reasons: list[str], tmp_path: Path
) -> None:
    header = dep5(tmp_path, fields)[0]
    assert debian.section(define(tmp_path, fields)) == section
    first = ["This package is not part of the Debian distribution."] if reasons else []
    said = header.get("Disclaimer", "").splitlines()
    assert [line.strip() for line in said] == first + reasons


def test_a_restriction_counts_in_small_letters_too() -> None:
    """SPDX tells no cases apart; where packaging is old, an expression stays as it was written."""
    written = Definition(
        name="a-b", relpath="a/b", license="cc-by-nc-4.0", redistribution="verified"
    )
    assert debian.section(written) == "non-free/science"


@pytest.mark.parametrize(
    "text",
    [
        "one\n\n\n\ntwo",
        "  indented\n\tby a tab\n",
        "License: other\nFiles: *\n",
        "\n\nempty lines around\n\n",
        "trailing blanks   \n   \nmore",
        "© Übersicht",
        "# no comment",
        "a form\ffeed",
        "-----BEGIN PGP SIGNED MESSAGE-----",
    ],
)
def test_every_license_text_survives(text: str, tmp_path: Path) -> None:
    license_file = tmp_path / "nipy-templates-0.3" / "LICENSE"
    license_file.parent.mkdir()
    license_file.write_text(text, "utf-8")
    fields = "files: ['*'], holders: [Ada], license: LicenseRef-X, text_file: LICENSE"
    texts = license_texts(dep5(tmp_path, f"copyright: [{{{fields}}}]\n"))
    wanted = [line.rstrip() for line in text.replace("\f", "").strip("\n").splitlines()]
    assert texts["X"].splitlines() == wanted


def test_a_line_that_is_a_dot_is_the_only_one_that_does_not(tmp_path: Path) -> None:
    """DEP-5 has no way to write it: it means an empty line."""
    fields = "files: ['*'], holders: [Ada], license: LicenseRef-X, text: \"one\\n.\\ntwo\""
    assert license_texts(dep5(tmp_path, f"copyright: [{{{fields}}}]\n")) == {"X": "one\n\ntwo"}


def test_the_minimal_definition_is_enough(tmp_path: Path) -> None:
    assert debian.maintainer(define(tmp_path, base=MINIMAL)) == debian.UNKNOWN_MAINTAINER


@pytest.mark.parametrize(
    ("license", "file"),
    [("GPL-2.0-or-later", "GPL-2"), ("LGPL-3.0-only", "LGPL-3"), ("Apache-2.0", "Apache-2.0")],
)
def test_a_licence_that_every_debian_has_is_referred_to(
    license: str, file: str, tmp_path: Path
) -> None:
    stanza = f"- {{files: ['*'], holders: [A], years: '2020', license: {license}, text: Long.}}"
    text = debian.copyright_text(package_of(tmp_path, f"copyright:\n  {stanza}\n"))
    assert f"/usr/share/common-licenses/{file}." in text
    assert "Long." not in text


def test_the_packaging_has_a_stanza_in_a_source_package_alone(tmp_path: Path) -> None:
    package = package_of(tmp_path)
    assert "debian/*" not in debian.copyright_text(package)
    dep5 = Dep5(debian.copyright_text(package, packaging=True).splitlines(), strict=True)
    assert [list(each.files) for each in dep5.all_files_paragraphs()] == [["*"], ["debian/*"]]
    found: Any = dep5.find_files_paragraph("debian/rules")
    assert found.license.synopsis == "Expat"
