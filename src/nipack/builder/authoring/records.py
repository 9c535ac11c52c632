"""The files and the metadata of a DOI's record: at Zenodo, figshare, OSF or a Dataverse.

Each has an interface of its own, of which its documentation tells: developers.zenodo.org,
docs.figshare.com, developer.osf.io, and the API guide of guides.dataverse.org.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlsplit

from nipack.builder.authoring.facts import Facts, citations, license_expression, people, without_odd
from nipack.builder.authoring.listing import Listing
from nipack.builder.definition.sources import DIGEST_ALGORITHMS, Source
from nipack.builder.source.tree import fetch_source
from nipack.lookup.json_text import json_value
from nipack.system.errors import SourceError
from nipack.system.foreign import read_text
from nipack.system.progress import Advance, Reporter

_RESOLVER = "https://doi.org/api/handles"
_ZENODO, _FIGSHARE, _OSF = "https://zenodo.org", "https://api.figshare.com", "https://api.osf.io"
_DOI = re.compile(r"(?i)(?:doi:|https://(?:dx\.)?doi\.org/)(10\.[0-9]{4,9}/\S+)")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
_MOST_PAGES = 500
# How the repositories name what SPDX has another name for.
_LICENSES = {
    "cc0 1.0": "CC0-1.0",
    "cc0 1.0 universal": "CC0-1.0",
    "cc by 4.0": "CC-BY-4.0",
    "cc-by attribution 4.0 international": "CC-BY-4.0",
    "cc by-sa 4.0": "CC-BY-SA-4.0",
    "cc by-nc 4.0": "CC-BY-NC-4.0",
    "mit license": "MIT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file of a record."""

    path: str
    address: str
    digests: Mapping[str, str]
    size: int | None


@dataclass(frozen=True, slots=True)
class _Session:
    """What asks a repository: its answers go through the cache, as every download does."""

    doi: str
    reporter: Reporter
    offline: bool

    def ask(self, address: str) -> Any:
        """Return an answer in JSON; raises SourceError."""
        path, _ = fetch_source(Source(address=address), self, offline=self.offline)
        return json_value(read_text(path))

    def step(self, name: str, total: int | None) -> Advance:
        """Count nothing: answers are small."""
        return lambda count: None

    def warn(self, problem: Any) -> None:
        """Pass a warning on."""
        self.reporter.warn(problem)


def doi_of(source: str) -> str | None:
    """Return the DOI that a source is, as doi:10... or as its address; None for another."""
    found = _DOI.fullmatch(source)
    return found[1] if found else None


def listing_of_record(
    doi: str, take: Sequence[str], reporter: Reporter, *, offline: bool = False
) -> Listing:
    """Return the files of a DOI's record, and what it says of them.  Raises SourceError."""
    session = _Session(doi, reporter, offline)
    try:
        files, facts = _record(session)
        wanted = sorted(
            (each for each in files if _is_wanted(each.path, take)), key=lambda each: each.path
        )
        source = dict(_source(wanted))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise SourceError(
            f"doi:{doi}: its repository's answer is not as documented ({type(error).__name__}: "
            f"{str(error)[:100]}); list the files by hand, as docs/definition.md says"
        ) from error
    without = [each.path for each in wanted if not each.digests]
    if without:
        listed = "\n".join(f"doi:{doi}: {path}: its record has no digest of it" for path in without)
        raise SourceError(f"{listed}\n  leave it out with --take, or list the files by hand")
    if not wanted:
        raise SourceError(f"doi:{doi}: no files are listed; check the record, and --take")
    # The DOI of all versions is not that of the one whose files these are.
    own = facts.citation[0].doi if facts.citation else doi
    return Listing(source={"doi": own, **source}, facts=without_odd(facts))


def _is_wanted(path: str, take: Sequence[str]) -> bool:
    return not take or any(fnmatchcase(path, pattern) for pattern in take)


def _source(files: Sequence[_File]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    archives = [each for each in files if each.path.lower().endswith(_ARCHIVES)]
    others = [each for each in files if each not in archives]
    if others:
        yield "files", [{"path": each.path, **_written(each)} for each in others]
    if archives:
        yield "archives", [_written(each) for each in archives]


def _written(file: _File) -> dict[str, Any]:
    size = {} if file.size is None else {"size": file.size}
    return {"address": file.address, **file.digests} | size


def _record(session: _Session) -> tuple[list[_File], Facts]:
    """Return the files and the facts of a record, whose repository the DOI tells or its landing."""
    doi = session.doi.lower()
    if found := re.fullmatch(r"10\.5281/zenodo\.([0-9]+)", doi):
        return _of_zenodo(session, found[1])
    if found := re.fullmatch(r"10\.6084/m9\.figshare\.([0-9]+)(?:\.v([0-9]+))?", doi):
        return _of_figshare(session, found[1], found[2])
    if found := re.fullmatch(r"10\.17605/osf\.io/([a-z0-9]+)", doi):
        return _of_osf(session, found[1])
    landing = urlsplit(_landing(session))
    if found := re.search(r"/records?/([0-9]+)$", landing.path):
        return _of_zenodo(session, found[1], f"https://{landing.netloc}")
    if landing.netloc.endswith("figshare.com"):
        [article] = session.ask(f"{_FIGSHARE}/v2/articles?doi={quote(session.doi)}")
        version = re.search(r"\.v([0-9]+)$", doi)
        return _of_figshare(session, str(int(article["id"])), version[1] if version else None)
    if landing.netloc == "osf.io":
        return _of_osf(session, landing.path.strip("/").rpartition("/")[2])
    return _of_dataverse(session, f"https://{landing.netloc}")


def _landing(session: _Session) -> str:
    """Return the address that a DOI leads to (www.doi.org/the-identifier/resources/factsheets)."""
    answer = session.ask(f"{_RESOLVER}/{quote(session.doi)}?type=URL")
    [address] = [each["data"]["value"] for each in answer["values"] if each["type"] == "URL"]
    return str(address)


def _of_zenodo(session: _Session, number: str, top: str | None = None) -> tuple[list[_File], Facts]:
    top = top or _ZENODO
    record = session.ask(f"{top}/api/records/{number}")
    said, newest = record["metadata"], int(record["id"])
    files = [
        _File(
            path=each["key"],
            # What links.self has is of the interface; people and builders get the file here.
            address=f"{top}/records/{newest}/files/{quote(each['key'])}?download=1",
            digests=_digest(*each["checksum"].split(":", 1)),
            size=each["size"],
        )
        for each in record["files"]
    ]
    return files, Facts(
        version=str(said.get("version") or "").removeprefix("v") or None,
        date=said.get("publication_date"),
        summary=said.get("title"),
        description=_plain(said.get("description")),
        homepage=f"{top}/records/{newest}",
        license=_license((said.get("license") or {}).get("id")),
        authors=people((_spoken(each["name"]), None) for each in said.get("creators", ())),
        citation=citations([record.get("doi") or session.doi], None),
    )


def _of_figshare(session: _Session, number: str, version: str | None) -> tuple[list[_File], Facts]:
    more = f"/versions/{version}" if version else ""
    article = session.ask(f"{_FIGSHARE}/v2/articles/{number}{more}")
    files = [
        _File(
            path=each["name"],
            address=each["download_url"],
            digests=_digest("md5", each.get("computed_md5") or each.get("supplied_md5") or ""),
            size=each["size"],
        )
        for each in article["files"]
        if not each.get("is_link_only")
    ]
    return files, Facts(
        version=f"{int(article['version'])}.0" if article.get("version") else None,
        date=str(article.get("published_date") or "")[:10] or None,
        summary=article.get("title"),
        description=_plain(article.get("description")),
        homepage=article.get("figshare_url") or article.get("url_public_html"),
        license=_license((article.get("license") or {}).get("name")),
        authors=people((each["full_name"], None) for each in article.get("authors", ())),
        citation=citations([article.get("doi") or session.doi], None),
    )


def _of_osf(session: _Session, name: str) -> tuple[list[_File], Facts]:
    try:
        node = _osf_node(session, "nodes", name)
    except SourceError:
        node = _osf_node(session, "registrations", name)
    said, embedded = node["attributes"], node.get("embeds") or {}
    license = ((embedded.get("license") or {}).get("data") or {}).get("attributes") or {}
    writers = [
        each["embeds"]["users"]["data"]["attributes"]["full_name"]
        for each in (embedded.get("bibliographic_contributors") or {}).get("data", ())
    ]
    first = f"{_OSF}/v2/{node['type']}/{name}/files/osfstorage/?page%5Bsize%5D=100"
    return list(_osf_files(session, first)), Facts(
        date=str(said.get("date_registered") or said.get("date_modified") or "")[:10] or None,
        summary=said.get("title"),
        description=_plain(said.get("description")),
        homepage=f"https://osf.io/{name}/",
        license=_license(license.get("name")),
        authors=people((each, None) for each in writers),
        citation=citations([session.doi], None),
    )


def _osf_node(session: _Session, kind: str, name: str) -> Any:
    embeds = "embed=license&embed=bibliographic_contributors"
    return session.ask(f"{_OSF}/v2/{kind}/{name}/?{embeds}")["data"]


def _osf_files(session: _Session, first: str) -> Iterator[_File]:
    """Yield the files of a folder and of the folders in it, page by page."""
    waiting, seen = [first], 0
    while waiting:
        address, seen = waiting.pop(0), seen + 1
        if seen > _MOST_PAGES or not address.startswith(f"{_OSF}/"):
            raise ValueError("pages without an end" if seen > _MOST_PAGES else "a page elsewhere")
        page = session.ask(address)
        for each in page["data"]:
            said = each["attributes"]
            if said["kind"] == "folder":
                waiting.append(each["relationships"]["files"]["links"]["related"]["href"])
                continue
            hashes = (said.get("extra") or {}).get("hashes") or {}
            yield _File(
                path=said["materialized_path"].removeprefix("/"),
                address=each["links"]["download"],
                digests=_digest("sha256", hashes.get("sha256") or "")
                or _digest("md5", hashes.get("md5") or ""),
                size=said.get("size"),
            )
        following = page["links"].get("next")
        waiting += [following] if following else []


def _of_dataverse(session: _Session, top: str) -> tuple[list[_File], Facts]:
    doi = quote(session.doi, safe="/")
    dataset = session.ask(f"{top}/api/datasets/:persistentId?persistentId=doi:{doi}")["data"]
    version = dataset["latestVersion"]
    said = {each["typeName"]: each["value"] for each in
            version["metadataBlocks"]["citation"]["fields"]}  # fmt: skip
    license = version.get("license")
    texts = [each["dsDescriptionValue"]["value"] for each in said.get("dsDescription", ())]
    return [_dataverse_file(top, each) for each in version["files"]], Facts(
        version=f"{int(version['versionNumber'])}.{int(version['versionMinorNumber'])}",
        date=str(version.get("releaseTime") or "")[:10] or None,
        summary=said.get("title"),
        description=_plain("\n\n".join(texts)),
        homepage=f"https://doi.org/{session.doi}",
        license=_license(license.get("name") if isinstance(license, dict) else license),
        authors=people((_spoken(each["authorName"]["value"]), None) for each in said["author"]),
        citation=citations([session.doi], None),
    )


def _dataverse_file(top: str, file: Any) -> _File:
    """Return a file as it was uploaded: of that a table, too, has its digest (IQSS/dataverse#7275).

    By default a table is given in another form.
    """
    data = file["dataFile"]
    is_table = "originalFileFormat" in data
    name = data.get("originalFileName", data["filename"]) if is_table else data["filename"]
    stated = data.get("checksum") or {"type": "MD5", "value": data.get("md5") or ""}
    folder = file.get("directoryLabel")
    return _File(
        path=f"{folder}/{name}" if folder else name,
        address=f"{top}/api/access/datafile/{int(data['id'])}"
        + ("?format=original" if is_table else ""),
        digests=_digest(stated["type"].lower().replace("-", ""), stated["value"]),
        size=data.get("originalFileSize") if is_table else data.get("filesize"),
    )


def _digest(algorithm: str, digits: str) -> dict[str, str]:
    """Return a digest, where it is one that nipack checks."""
    known = algorithm in DIGEST_ALGORITHMS and re.fullmatch("[0-9A-Fa-f]{32,128}", digits)
    return {algorithm: digits.lower()} if known else {}


def _license(name: str | None) -> str | None:
    return license_expression(_LICENSES.get((name or "").lower(), name))


def _spoken(name: str) -> str:
    """Return a name with the given one before: 'Lovelace, Ada' is Ada Lovelace."""
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}" if comma and "," not in given else name


def _plain(text: str | None) -> str | None:
    """Return a description without the tags of HTML, as paragraphs."""
    if not text:
        return None
    parted = re.sub(r"(?i)<br ?/?>|</p>|</div>|</li>", "\n\n", text[:20_000])
    bare = html.unescape(re.sub(r"<[^<>]{0,500}>", "", parted)).replace("\xa0", " ")
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", bare)]
    return "\n\n".join(filter(None, paragraphs)) or None
