"""`nipack init` of a DOI: its record's files with digests, licence and citation, and a build of it.

The servers answer in the shapes that Zenodo, figshare, OSF and Dataverse document, about made-up
records.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.builder.served import Server

from nipack.builder.authoring import records
from nipack.builder.definition.model import Definition
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Sources
from nipack.cli.app import nipack

ONE, TWO = b"1 thalamus\n", b"image"
MD5 = {text: hashlib.md5(text).hexdigest() for text in (ONE, TWO)}
SHA256 = {text: hashlib.sha256(text).hexdigest() for text in (ONE, TWO)}


@pytest.fixture
def server(trusted_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    trusted_server.etag = ""  # else what was asked before is taken for unchanged
    top = trusted_server.base.rstrip("/")
    monkeypatch.setattr(records, "_RESOLVER", f"{top}/api/handles")
    for name in ("_ZENODO", "_FIGSHARE", "_OSF"):
        monkeypatch.setattr(records, name, top)
    return trusted_server


def serve(server: Server, answers: dict[str, Any]) -> None:
    server.files |= {
        path: answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        for path, answer in answers.items()
    }


def init(tmp_path: Path, *arguments: str) -> Result:
    options = ["--relpath", "mylab/atlas", "-o", str(tmp_path / "definition")]
    return CliRunner().invoke(nipack, ["init", *arguments, *options])


def definition_of(tmp_path: Path, *arguments: str) -> Definition:
    result = init(tmp_path, *arguments)
    assert result.exit_code == 0, result.stderr
    return read_definition(tmp_path / "definition" / "package.yaml")


def listed(definition: Definition) -> list[tuple[str, dict[str, str], int | None]]:
    assert isinstance(definition.source, Sources)
    return [(each.path, each.source.digests, each.source.size) for each in definition.source.files]


def built(tmp_path: Path) -> set[str]:
    """Build what was defined; return the files of the payload."""
    source, out = tmp_path / "definition", tmp_path / "dist"
    arguments = ["build", str(source), "-f", "wheel", "-o", str(out), "--json"]
    result = CliRunner().invoke(nipack, arguments)
    assert result.exit_code == 0, result.stderr
    from zipfile import ZipFile

    [wheel] = out.glob("*.whl")
    names = ZipFile(wheel).namelist()
    return {name.partition("/mylab/atlas/")[2] for name in names if "/mylab/atlas/" in name}


ZENODO = {
    "id": 4924875,
    "conceptrecid": "4924874",
    "doi": "10.5281/zenodo.4924875",
    "metadata": {
        "title": "An atlas of phantoms",
        "publication_date": "2021-06-10",
        "description": "<p>Areas of the <b>phantom</b> cortex.</p><p>At 1&nbsp;mm.</p>",
        "creators": [{"name": "Lovelace, Ada", "affiliation": "London"}, {"name": "Some Centre"}],
        "license": {"id": "cc-by-4.0"},
        "version": "v1.2.0",
    },
    "files": [
        {
            "key": "labels of it.txt",
            "size": len(ONE),
            "checksum": f"md5:{MD5[ONE]}",
            "links": {"self": "https://zenodo.org/api/records/4924875/files/labels/content"},
        },
        {"key": "map.mat", "size": len(TWO), "checksum": f"md5:{MD5[TWO]}", "links": {}},
    ],
}


def zenodo(server: Server) -> None:
    serve(
        server,
        {
            "/api/records/4924875": ZENODO,
            "/records/4924875/files/labels%20of%20it.txt?download=1": ONE,
            "/records/4924875/files/map.mat?download=1": TWO,
        },
    )


@pytest.mark.parametrize(
    "doi",
    [
        "doi:10.5281/zenodo.4924875",
        "https://doi.org/10.5281/zenodo.4924875",
        "DOI:10.5281/Zenodo.4924875",
    ],
)
def test_zenodo(doi: str, server: Server, tmp_path: Path) -> None:
    zenodo(server)
    definition = definition_of(tmp_path, doi)
    assert listed(definition) == [
        ("labels of it.txt", {"md5": MD5[ONE]}, len(ONE)),
        ("map.mat", {"md5": MD5[TWO]}, len(TWO)),
    ]
    assert (definition.version, str(definition.date)) == ("1.2.0", "2021-06-10")
    assert definition.summary == "atlas of phantoms"
    assert definition.description == "Areas of the phantom cortex.\n\nAt 1 mm."
    assert definition.license == "CC-BY-4.0"
    assert [str(each) for each in definition.authors] == ["Ada Lovelace", "Some Centre"]
    assert [each.doi for each in definition.citation] == ["10.5281/zenodo.4924875"]
    assert definition.homepage == f"{server.base}records/4924875"
    assert definition.redistribution == "unverified"
    text = (tmp_path / "definition" / "package.yaml").read_text("utf-8")
    assert "source:\n  doi: 10.5281/zenodo.4924875\n  files:\n" in text
    assert built(tmp_path) == {"labels of it.txt", "map.mat", "config.ini"}


def test_the_doi_of_all_versions_is_pinned_to_the_newest(server: Server, tmp_path: Path) -> None:
    zenodo(server)
    serve(server, {"/api/records/4924874": ZENODO})
    definition = definition_of(tmp_path, "doi:10.5281/zenodo.4924874")
    assert isinstance(definition.source, Sources)
    for each in definition.source.files:
        assert "/records/4924875/" in each.source.address
    assert [each.doi for each in definition.citation] == ["10.5281/zenodo.4924875"]


def test_archives_of_a_record_are_unpacked(server: Server, tmp_path: Path) -> None:
    from tests.builder.samples import member, tar_bytes

    content = tar_bytes(member("top/a.txt", b"a"))
    entry = {
        "key": "atlas.tar", "size": len(content),
        "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
    }  # fmt: skip
    serve(
        server,
        {
            "/api/records/4924875": ZENODO | {"files": [entry]},
            "/records/4924875/files/atlas.tar?download=1": content,
        },
    )
    definition_of(tmp_path, "doi:10.5281/zenodo.4924875")
    text = (tmp_path / "definition" / "package.yaml").read_text("utf-8")
    assert "# TODO: strip, take and into of each archive: what of it goes where\n" in text
    assert built(tmp_path) == {"top/a.txt", "config.ini"}


ARTICLE = {
    "id": 14763051,
    "title": "The atlas",
    "doi": "10.6084/m9.figshare.14763051.v2",
    "version": 2,
    "published_date": "2021-06-10T14:34:01Z",
    "description": "<div>An atlas.</div>",
    "authors": [{"id": 1, "full_name": "Ada Lovelace", "is_active": True}],
    "license": {"value": 1, "name": "CC BY 4.0", "url": "https://creativecommons.org/"},
    "figshare_url": "https://figshare.com/articles/dataset/atlas/14763051",
    "url_public_html": "https://figshare.com/articles/dataset/atlas/14763051",
}


def figshare_files(server: Server) -> list[dict[str, Any]]:
    serve(server, {"/files/1": ONE, "/files/2": TWO})
    file = {"is_link_only": False, "mimetype": "text/plain"}
    return [
        file | {"id": 1, "name": "labels.txt", "size": len(ONE), "supplied_md5": "",
                "computed_md5": MD5[ONE], "download_url": f"{server.base}files/1"},
        file | {"id": 2, "name": "map.mat", "size": len(TWO), "supplied_md5": MD5[TWO],
                "computed_md5": "", "download_url": f"{server.base}files/2"},
        file | {"id": 3, "name": "elsewhere", "size": 0, "is_link_only": True,
                "computed_md5": "", "download_url": "https://example.org"},
    ]  # fmt: skip


@pytest.mark.parametrize(("suffix", "path"), [(".v2", "/versions/2"), ("", "")])
def test_figshare(suffix: str, path: str, server: Server, tmp_path: Path) -> None:
    article = ARTICLE | {"files": figshare_files(server)}
    serve(server, {f"/v2/articles/14763051{path}": article})
    definition = definition_of(tmp_path, f"doi:10.6084/m9.figshare.14763051{suffix}")
    assert listed(definition) == [
        ("labels.txt", {"md5": MD5[ONE]}, len(ONE)),
        ("map.mat", {"md5": MD5[TWO]}, len(TWO)),
    ]
    assert (definition.version, str(definition.date)) == ("2.0", "2021-06-10")
    assert definition.license == "CC-BY-4.0"
    assert [each.doi for each in definition.citation] == ["10.6084/m9.figshare.14763051.v2"]
    assert built(tmp_path) == {"labels.txt", "map.mat", "config.ini"}


def handle(address: str) -> dict[str, Any]:
    """Return the resolver's answer for a DOI."""
    value = {"index": 1, "type": "URL", "data": {"format": "string", "value": address}}
    return {"responseCode": 1, "handle": "10.25573/data.1", "values": [value]}


def test_a_university_s_figshare_is_known_by_where_its_doi_leads(
    server: Server, tmp_path: Path
) -> None:
    address = "https://smithsonian.figshare.com/articles/dataset/atlas/14763051/2"
    serve(
        server,
        {
            "/api/handles/10.25573/data.14763051.v2?type=URL": handle(address),
            "/v2/articles?doi=10.25573/data.14763051.v2": [{"id": 14763051, "title": "The atlas"}],
            "/v2/articles/14763051/versions/2": ARTICLE | {"files": figshare_files(server)},
        },
    )
    definition = definition_of(tmp_path, "doi:10.25573/data.14763051.v2")
    assert [path for path, _, _ in listed(definition)] == ["labels.txt", "map.mat"]


def osf_file(server: Server, path: str, name: str, text: bytes) -> dict[str, Any]:
    serve(server, {f"/download/{name}/": text})
    return {
        "id": name,
        "type": "files",
        "attributes": {
            "kind": "file",
            "name": path.rpartition("/")[2],
            "materialized_path": path,
            "size": len(text),
            "provider": "osfstorage",
            "extra": {"hashes": {"md5": MD5[text], "sha256": SHA256[text]}, "downloads": 7},
        },
        "links": {"download": f"{server.base}download/{name}/"},
    }


def osf(server: Server, kind: str) -> None:
    top = f"{server.base}v2/{kind}/w8zq2/files/osfstorage/"
    folder = {
        "type": "files",
        "attributes": {"kind": "folder", "materialized_path": "/maps/", "name": "maps"},
        "relationships": {"files": {"links": {"related": {"href": f"{top}5a6/"}}}},
    }
    node = {
        "id": "w8zq2",
        "type": kind,
        "attributes": {
            "title": "A subcortical atlas", "description": "Of nuclei.",
            "date_modified": "2018-04-01T10:11:12.000000",
        },
        "embeds": {
            "license": {"data": {"attributes": {"name": "CC-By Attribution 4.0 International"}}},
            "bibliographic_contributors": {
                "data": [
                    {"embeds": {"users": {"data": {"attributes": {"full_name": "Ada Lovelace"}}}}}
                ]
            },
        },
    }  # fmt: skip
    embeds = "embed=license&embed=bibliographic_contributors"
    path = f"/v2/{kind}/w8zq2/files/osfstorage/"
    serve(
        server,
        {
            f"/v2/{kind}/w8zq2/?{embeds}": {"data": node},
            f"{path}?page%5Bsize%5D=100": {
                "data": [osf_file(server, "/labels.txt", "abc", ONE)],
                "links": {"next": f"{top}?page=2"},
            },
            f"{path}?page=2": {"data": [folder], "links": {"next": None}},
            f"{path}5a6/": {
                "data": [osf_file(server, "/maps/map.mat", "def", TWO)],
                "links": {"next": None},
            },
        },
    )


@pytest.mark.parametrize("kind", ["nodes", "registrations"])
def test_osf(kind: str, server: Server, tmp_path: Path) -> None:
    osf(server, kind)
    definition = definition_of(tmp_path, "doi:10.17605/OSF.IO/W8ZQ2")
    assert listed(definition) == [
        ("labels.txt", {"sha256": SHA256[ONE]}, len(ONE)),
        ("maps/map.mat", {"sha256": SHA256[TWO]}, len(TWO)),
    ]
    assert definition.license == "CC-BY-4.0"
    assert str(definition.date) == "2018-04-01"
    assert [str(each) for each in definition.authors] == ["Ada Lovelace"]
    assert built(tmp_path) == {"labels.txt", "maps/map.mat", "config.ini"}


def test_pages_of_osf_elsewhere_and_without_an_end_are_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    osf(server, "nodes")
    path = "/v2/nodes/w8zq2/files/osfstorage/?page=2"
    for following in ("https://example.org/secret", f"{server.base}{path[1:]}"):
        serve(server, {path: {"data": [], "links": {"next": following}}})
        monkeypatch.setattr(records, "_MOST_PAGES", 5)
        result = init(tmp_path, "doi:10.17605/osf.io/w8zq2")
        assert result.exit_code == 1
        assert "its repository's answer is not as documented" in result.stderr
    assert not (tmp_path / "definition").exists()


def dataset(license: object) -> dict[str, Any]:
    fields = [
        {"typeName": "title", "value": "An atlas of phantoms"},
        {"typeName": "author", "value": [{"authorName": {"value": "Lovelace, Ada"}}]},
        {
            "typeName": "dsDescription",
            "value": [{"dsDescriptionValue": {"value": "<p>A</p>"}}],
        },
    ]
    table = {
        "label": "labels.tab",
        "directoryLabel": "tables",
        "dataFile": {
            "id": 41, "filename": "labels.tab", "filesize": 9999, "md5": MD5[ONE],
            "originalFileFormat": "text/csv", "originalFileName": "labels.csv",
            "originalFileSize": len(ONE), "checksum": {"type": "MD5", "value": MD5[ONE]},
        },
    }  # fmt: skip
    image = {
        "label": "map.mat",
        "dataFile": {
            "id": 42, "filename": "map.mat", "filesize": len(TWO),
            "checksum": {"type": "SHA-256", "value": SHA256[TWO]},
        },
    }  # fmt: skip
    version = {
        "versionNumber": 1,
        "versionMinorNumber": 1,
        "releaseTime": "2020-02-03T04:05:06Z",
        "license": license,
        "metadataBlocks": {"citation": {"fields": fields}},
        "files": [table, image],
    }
    return {"status": "OK", "data": {"id": 7, "latestVersion": version}}


@pytest.mark.parametrize("license", [{"name": "CC0 1.0", "uri": "http://..."}, "CC0"])
def test_dataverse(license: object, server: Server, tmp_path: Path) -> None:
    doi = "10.7910/DVN/CLSFKX"
    landing = f"{server.base}dataset.xhtml?persistentId=doi:{doi}"
    serve(
        server,
        {
            f"/api/handles/{doi}?type=URL": handle(landing),
            f"/api/datasets/:persistentId?persistentId=doi:{doi}": dataset(license),
            # A table is given in another form by default, of which nobody states a digest.
            "/api/access/datafile/41?format=original": ONE,
            "/api/access/datafile/42": TWO,
        },
    )
    definition = definition_of(tmp_path, f"doi:{doi}")
    assert listed(definition) == [
        ("map.mat", {"sha256": SHA256[TWO]}, len(TWO)),
        ("tables/labels.csv", {"md5": MD5[ONE]}, len(ONE)),
    ]
    assert (definition.version, str(definition.date)) == ("1.1", "2020-02-03")
    assert definition.license == "CC0-1.0"
    assert [str(each) for each in definition.authors] == ["Ada Lovelace"]
    assert built(tmp_path) == {"map.mat", "tables/labels.csv", "config.ini"}


def changed(change: Callable[[Any], object]) -> Any:
    record = json.loads(json.dumps(ZENODO))
    change(record)
    return record


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (changed(lambda each: each.pop("files")), "not as documented"),
        (changed(lambda each: each["files"].append("x")), "not as documented"),
        (changed(lambda each: each["files"][0].update(key=7)), "not as documented"),
        ([], "not as documented"),
        (b"<html>busy</html>", "not as documented"),
        (changed(lambda each: each["files"].clear()), "no files are listed"),
        (
            changed(lambda each: each["files"][0].update(checksum="crc32:00")),
            "labels of it.txt: its record has no digest of it",
        ),
        (changed(lambda each: each["files"][0].update(key="../x")), "has '..' in its name"),
        (changed(lambda each: each["files"][0].update(key="map.mat")), "the path of another file"),
    ],
)
def test_an_odd_record_is_refused_with_the_reason(
    record: Any, said: str, server: Server, tmp_path: Path
) -> None:
    serve(server, {"/api/records/4924875": record})
    result = init(tmp_path, "doi:10.5281/zenodo.4924875")
    assert result.exit_code == 1
    assert re.sub(r"\s+", " ", result.stderr).count(said) == 1
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "definition").exists()


def test_odd_metadata_is_left_out(server: Server, tmp_path: Path) -> None:
    metadata = {"title": ["a"], "version": 7, "license": None, "description": None}
    serve(server, {"/api/records/4924875": ZENODO | {"metadata": metadata}})
    definition = definition_of(tmp_path, "doi:10.5281/zenodo.4924875", "--take", "*.mat")
    assert definition.summary is None
    assert [path for path, _, _ in listed(definition)] == ["map.mat"]


def test_a_doi_without_a_record_says_what_was_asked(server: Server, tmp_path: Path) -> None:
    serve(server, {"/else": b""})
    result = init(tmp_path, "doi:10.1000/none")
    assert result.exit_code == 1
    assert "api/handles/10.1000/none?type=URL: cannot be fetched: 404 Not Found" in result.stderr
    result = CliRunner().invoke(nipack, ["init", "doi:10.5281/zenodo.4924875"])
    assert result.exit_code == 1
