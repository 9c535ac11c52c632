"""The bill of materials, read and validated by the library of CycloneDX itself."""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import ComponentType
from cyclonedx.schema import SchemaVersion
from tests.builder.samples import plain
from tests.conftest import REPOSITORY

from nipack import __version__
from nipack.builder.definition.faults import import_jsonschema
from nipack.cli.app import nipack

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
FORMATS = ("-f", "conda", "-f", "deb", "-f", "wheel", "-f", "sdist", "-f", "pacman")


def run(*words: object) -> dict[str, Any]:
    done = CliRunner().invoke(nipack, ["build", *map(str, words), "--sbom", "--json"])
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def bill_of(artifact: str) -> Bom:
    """Return the bill beside an artifact, which the schema allows."""
    import_jsonschema()  # without its grammars, which take seconds
    from cyclonedx.validation.json import JsonStrictValidator

    text = Path(f"{artifact}.cdx.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = Bom.from_json(json.loads(text))  # type: ignore[attr-defined]
    assert isinstance(bill, Bom)
    assert bill.validate()
    return bill


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_says_what_is_in_each_artifact(tmp_path: Path) -> None:
    made = run(EXAMPLE, "-o", tmp_path, *FORMATS)["artifacts"]
    assert len(made) == 5
    data = EXAMPLE / "examplepkg"
    files = {p.relative_to(data).as_posix(): sha256(p) for p in data.rglob("*") if p.is_file()}
    for artifact in made:
        bill = bill_of(artifact["path"])
        found = {each.name: next(iter(each.hashes)).content for each in bill.components}
        assert found == files
        assert {each.type for each in bill.components} == {ComponentType.FILE}
        package = bill.metadata.component
        assert package is not None
        assert (package.name, package.version) == ("nipy-examplepkg", "0.1")
        assert [each.content for each in package.hashes] == [sha256(Path(artifact["path"]))]
        properties = {each.name: each.value for each in package.properties}
        assert properties["nipack:payload_id"] == artifact["payload_id"]
        [tool] = bill.metadata.tools.components
        assert (tool.name, tool.version) == ("nipack", __version__)


def test_it_says_where_the_data_is_from(tmp_path: Path) -> None:
    """Of names with blanks and other letters, too."""
    tree = plain(tmp_path / "a b")
    (tree / "templates" / "größe 脳 %41.txt").write_bytes(b"x")
    archive = Path(shutil.make_archive(str(tmp_path / "nipy templates é"), "gztar", tree))
    [artifact] = run(archive, "-o", tmp_path / "dist", "-f", "deb")["artifacts"]
    bill = bill_of(artifact["path"])
    assert bill.metadata.component is not None
    [source] = bill.metadata.component.external_references
    assert [each.content for each in source.hashes] == [sha256(archive)]
    assert "größe 脳 %41.txt" in {each.name for each in bill.components}


def test_the_same_artifact_has_the_same_bill(tmp_path: Path) -> None:
    bills = []
    for folder in ("one", "two"):
        [artifact] = run(EXAMPLE, "-o", tmp_path / folder, "-f", "deb")["artifacts"]
        bills.append(Path(f"{artifact['path']}.cdx.json").read_bytes())
    assert bills[0] == bills[1]


@pytest.mark.slow
def test_several_processes_write_bills_too(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        shutil.copytree(plain(tmp_path / name), tmp_path / f"nipy-{name}-0.3")
        shutil.move(
            tmp_path / f"nipy-{name}-0.3" / "templates", tmp_path / f"nipy-{name}-0.3" / name
        )
    sources = [tmp_path / "nipy-x-0.3", tmp_path / "nipy-y-0.3"]
    made = run(*sources, "-o", tmp_path / "dist", "-f", "deb", "--jobs", 2)["artifacts"]
    assert len(made) == 2
    assert all(bill_of(each["path"]).components for each in made)


def test_without_the_library_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx.model.bom", None)
    done = CliRunner().invoke(nipack, ["build", str(EXAMPLE), "--sbom", "-o", str(tmp_path / "d")])
    assert done.exit_code == 1
    assert "pip install cyclonedx-python-lib" in done.stderr
    assert not (tmp_path / "d").exists()


def test_what_is_replaced_leaves_no_bill(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    [before] = run(tree, "-o", tmp_path / "dist", "-f", "conda")["artifacts"]
    (tree / "templates" / "more.txt").write_bytes(b"x")
    [after] = run(tree, "-o", tmp_path / "dist", "-f", "conda", "--force")["artifacts"]
    assert before["path"] != after["path"]
    left = {path.name for path in (tmp_path / "dist").iterdir()}
    assert left == {Path(after["path"]).name, f"{Path(after['path']).name}.cdx.json"}


def test_publish_passes_over_bills(tmp_path: Path) -> None:
    run(EXAMPLE, "-o", tmp_path / "dist")
    words = ["publish", *map(str, sorted((tmp_path / "dist").iterdir()))]
    done = CliRunner().invoke(nipack, [*words, str(tmp_path / "www"), "--unsigned", "--json"])
    assert done.exit_code == 0, done.output
    assert not list((tmp_path / "www").rglob("*.cdx.json"))


def test_package_json_says_what_made_it_of_what(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    archive = Path(shutil.make_archive(str(tmp_path / "nipy-templates-0.3"), "gztar", tree))
    [artifact] = run(archive, "-o", tmp_path / "dist", "-f", "wheel")["artifacts"]
    shutil.unpack_archive(artifact["path"], tmp_path / "wheel", "zip")
    [path] = (tmp_path / "wheel").rglob("package.json")
    document = json.loads(path.read_bytes())
    assert document["made_by"] == f"nipack {__version__}"
    assert document["payload_id"] == artifact["payload_id"]
    assert document["source"] == {"address": archive.name, "digests": {"sha256": sha256(archive)}}
