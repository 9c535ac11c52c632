"""What each ecosystem makes of an artifact's own words, and what it refuses of them."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from debian.deb822 import Deb822
from packaging.version import Version
from tests.builder.samples import member, tar_bytes
from tests.publish.catalogue.samples import package

from nipack.publish.ecosystems import Attestations, apt, conda, ecosystems, pip, rpm, sources
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedPackage

PACKAGE: PublishedPackage = package("nipy-x", "1.0", artifacts=())


def refusal(read: Any, *given: Any) -> str:
    with pytest.raises(RepositoryError) as caught:
        read(*given)
    return str(caught.value)


def control(**fields: str) -> Deb822:
    return Deb822({"Package": "nipy-x", "Version": "1.0-1", "Architecture": "all"} | fields)


def test_a_deb_has_its_place_version_and_description() -> None:
    said = "brain data\n long text\n .\n  indented"
    found = apt._reading(PACKAGE, control(Version="2:1.0-1", Description=said))
    assert found.place == "apt/pool/main/n/nipy-x/nipy-x_1.0-1_all.deb"
    assert (found.version, found.checked) == ("2:1.0-1", True)
    assert found.package.description == "long text\n\n indented"
    assert found.index["control"].startswith("Package: nipy-x\nVersion: 2:1.0-1\n")
    short = apt._reading(PACKAGE, control())
    assert (short.package.description, short.version) == ("", "1.0-1")
    assert short.place == found.place


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"Package": name, "Version": version},
            f"'{name} {version}' is not the name and version of a Debian package; build it again",
        )
        for name, version in (
            *((name, "1") for name in ("N", "a", "-a", "a_b", "a/b", "a\x1b")),
            *(("nipy", version) for version in ("v1", "1_0", "1/2", "")),
        )
    ]
    + [({"Architecture": "amd64"}, "is for amd64; data is Architecture: all: build it so")],
)
def test_a_deb_is_of_debian_s_words(fields: dict[str, str], said: str) -> None:
    assert refusal(apt._reading, PACKAGE, control(**fields)) == said


def ar(*members: tuple[str, bytes]) -> bytes:
    output = b"!<arch>\n"
    for name, content in members:
        output += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        output += content + b"\n" * (len(content) % 2)
    return output


def test_the_members_of_an_ar_are_where_they_begin() -> None:
    stream = io.BytesIO(ar(("a/", b"odd"), ("b", b"even"), ("c.tar", b"")))
    found = [(name, size, stream.read(size)) for name, size in apt._ar_members(stream)]
    assert found == [("a", 3, b"odd"), ("b", 4, b"even"), ("c.tar", 0, b"")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it does not start like an ar archive"),
        (ar()[:-1], "it does not start like an ar archive"),
        (ar(("a", b"x")) + b"a", "it ends in the middle of a header"),
        (ar(("a", b"xy")).replace(b"`\n", b"`x"), "the header of a member is damaged"),
        (
            ar(("a", b"xy")).replace(b"2         `", b"-2        `"),
            "a member of the .deb has -2 bytes",
        ),
    ],
)
def test_a_damaged_ar_is_told(content: bytes, said: str) -> None:
    with pytest.raises((ValueError, EOFError)) as caught:
        list(apt._ar_members(io.BytesIO(content)))
    assert str(caught.value) == said


def test_the_files_of_a_deb_have_their_part() -> None:
    parts = (
        ("debian-binary", b"2.0\n"),
        ("control.tar", tar_bytes(member("./control", b"c"))),
        ("data.tar", tar_bytes(member("./usr/a", b"d"))),
        ("other.tar", tar_bytes(member("./x", b"e"))),
    )
    found = [
        (part, path, content.read()) for part, path, content in apt._files(io.BytesIO(ar(*parts)))
    ]
    assert found == [("control", "control", b"c"), ("data", "usr/a", b"d")]
    [(part, _, _)] = apt._files(io.BytesIO(ar(*parts)), ("data",))
    assert part == "data"
    with pytest.raises(
        ValueError, match=r"^its debian-binary does not say that it is of format 2$"
    ):
        list(apt._files(io.BytesIO(ar(("debian-binary", b"3.0\n")))))


def test_a_deb_without_a_control_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.deb"
    path.write_bytes(ar(("debian-binary", b"2.0\n"), ("data.tar", tar_bytes(member("./x", b"")))))
    assert refusal(ecosystems()["apt"].read, path) == (
        "is damaged, or is not a .deb: it has no control file; build it again"
    )


INDEX = {"name": "nipy-x", "version": "1.0", "build": "0", "subdir": "noarch"}


def test_a_conda_package_has_its_place_version_and_texts() -> None:
    info = {"licenses/b": b"two\n", "licenses/a": b"one\n", "index.json": b"{}"}
    found = conda._reading(PACKAGE, INDEX, {"description": "long"}, info)
    assert found.place == "conda/noarch/nipy-x-1.0-0.conda"
    assert (found.version, found.index, found.checked) == ("1.0-0", INDEX, True)
    assert (found.package.description, found.package.license_text) == ("long", "one\n\ntwo")
    assert conda._reading(PACKAGE, INDEX, {}, {}).package.description == ""


@pytest.mark.parametrize(
    ("name", "version", "build"),
    [
        *((name, "1", "0") for name in ("N", "-a", ".a", "a b", "")),
        *(("a", version, "0") for version in ("1/2", "", "1-é")),
        *(("a", "1", build) for build in ("0/1", "", "a b")),
    ],
)
def test_a_conda_package_is_of_conda_s_words(name: str, version: str, build: str) -> None:
    index = INDEX | {"name": name, "version": version, "build": build}
    assert refusal(conda._reading, PACKAGE, index, {}, {}) == (
        f"'{name} {version} {build}' is not the name of a conda package; rename it"
    )


@pytest.mark.parametrize("subdir", [None, "linux-64"])
def test_a_conda_package_is_for_every_platform(subdir: str | None) -> None:
    assert refusal(conda._reading, PACKAGE, INDEX | {"subdir": subdir}, {}, {}) == (
        "is for one platform; data is the same on all of them: build it as noarch"
    )


def zip_of(files: Mapping[str, bytes]) -> zipfile.ZipFile:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return zipfile.ZipFile(output)


def test_a_conda_package_has_one_part_of_each_kind() -> None:
    tar = tar_bytes(member("info/index.json", b"{}"), member("info/files", b""))
    info = zip_of({"info-a.tar": tar, "pkg-a.tar": tar_bytes(member("a", b"x"))})
    assert conda._info_files(info) == {"index.json": b"{}"}
    assert [path for path, _ in conda._part(info, "pkg-")] == ["a"]
    for files, count in (({}, 0), ({"pkg-a.tar": tar, "pkg-b.tar": tar}, 2)):
        archive = zip_of(files)
        assert refusal(lambda each: list(conda._part(each, "pkg-")), archive) == (
            f"has {count} parts pkg-*; build it again"
        )


def header(**fields: Any) -> Any:
    given = {"name": "nipy-x", "version": "1.0", "release": "1", "arch": "noarch"}
    more = {"rpm_sourcerpm": "x.src.rpm", "epoch": "0", "description": None, "time_build": 7}
    return SimpleNamespace(**(given | more | fields))


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What createrepo_c says of an .rpm, which a test may change."""
    found = SimpleNamespace(header=header(), error=None)

    class Failure(Exception):
        pass

    def read(path: str, checksum_type: object) -> Any:
        if found.error is not None:
            raise found.error
        return found.header

    fake = SimpleNamespace(
        package_from_rpm=read,
        SHA256=8,
        CreaterepoCError=Failure,
        xml_dump=lambda each: (f"p {each.location_href} {each.time_file}", "f", "o"),
    )
    monkeypatch.setitem(__import__("sys").modules, "createrepo_c", fake)
    found.failure = Failure
    return found


def test_an_rpm_has_its_place_version_and_snippets(created: Any, tmp_path: Path) -> None:
    (tmp_path / "a.rpm").touch()
    assert rpm._header(tmp_path / "a.rpm") is created.header
    found = rpm._reading(created.header, PACKAGE)
    assert (found.place, found.version) == ("rpm/nipy-x-1.0-1.noarch.rpm", "1.0-1")
    assert found.index == {
        "primary": "p nipy-x-1.0-1.noarch.rpm 7", "filelists": "f", "other": "o",
    }  # fmt: skip
    assert (found.package.description, found.checked) == ("", True)
    epoch = rpm._reading(header(epoch="2", description="long"), PACKAGE)
    assert (epoch.version, epoch.package.description) == ("2:1.0-1", "long")
    assert rpm._reading(header(epoch=None), PACKAGE).version == "1.0-1"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        *(
            ({"name": name}, f"'{name} 1.0-1' is not the name of an .rpm; build it again")
            for name in ("", "-a", "a b", "a/b")
        ),
        *(
            ({"version": v}, f"'nipy-x {v}-1' is not the name of an .rpm; build it again")
            for v in ("", "1-2", "1 2")
        ),
        ({"release": "1-2"}, "'nipy-x 1.0-1-2' is not the name of an .rpm; build it again"),
        ({"arch": "x86_64"}, "is for x86_64; data is BuildArch: noarch: publish that .rpm"),
        ({"rpm_sourcerpm": None}, "is for source; data is BuildArch: noarch: publish that .rpm"),
    ],
)
def test_an_rpm_is_of_rpm_s_words(
    fields: dict[str, Any], said: str, created: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.rpm").touch()
    created.header = header(**fields)
    assert refusal(rpm._header, tmp_path / "a.rpm") == said


def test_what_createrepo_cannot_read_is_damaged(created: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rpm._header(tmp_path / "none.rpm")
    (tmp_path / "a.rpm").touch()
    for error in (created.failure("here: there: why"), OSError("why")):
        created.error = error
        assert refusal(rpm._header, tmp_path / "a.rpm") == (
            "is damaged, or is not an .rpm: why; build it again"
        )


@pytest.mark.parametrize(("name", "version"), [("nipy-y", "1.0"), ("nipy-x", "1.0.0"), (None, "1")])
def test_a_wheel_is_called_what_its_metadata_says(name: str | None, version: str) -> None:
    metadata = f"Name: {name}\nVersion: {version}\n" if name else f"Version: {version}\n"
    archive = zip_of({"x.dist-info/METADATA": metadata.encode(), **records("x.data/data/")})
    said = refusal(pip._reading, archive, "x.whl", "nipy-x", Version("1.0"))
    assert said == f"its METADATA is of {name} {version}; restore its original name"


def records(top: str) -> dict[str, bytes]:
    """Return the records and the data of a package of one file, below a folder."""
    import hashlib
    import json

    root = "share/nipy/nipy/x"
    sums = f"{hashlib.sha256(b'a').hexdigest()}  {root}/a\n".encode()
    document = {
        "name": "nipy-x", "version": "1.0", "relpath": "nipy/x", "size": 1, "files": {"a": 1},
        "payload_id": hashlib.sha256(sums).hexdigest(),
    }  # fmt: skip
    return {
        f"{top}share/nipack/nipy-x/package.json": json.dumps(document).encode(),
        f"{top}share/nipack/nipy-x/SHA256SUMS": sums,
        f"{top}{root}/a": b"a",
    }


def test_a_wheel_has_its_place_version_and_texts() -> None:
    metadata = b"Name: Nipy_X\nVersion: 1.0\nRequires-Python: >=3\n\n long text \n"
    files = {
        "x.dist-info/METADATA": metadata,
        "x.dist-info/licenses/B": b"two",
        "x.dist-info/licenses/A": b"one",
        "x/METADATA": b"of a module",
        "x.data/licenses/C": b"three",
        **records("x.data/data/"),
    }
    found = pip._reading(zip_of(files), "x-1.0.whl", "nipy-x", Version("1.0"))
    assert (found.place, found.version, found.checked) == ("simple/nipy-x/x-1.0.whl", "1.0", True)
    assert found.index == {
        "project": "nipy-x", "metadata": metadata.decode(), "requires-python": ">=3",
    }  # fmt: skip
    assert (found.package.description, found.package.license_text) == ("long text", "one\n\ntwo")
    odd = zip_of(files | {"x.dist-info/METADATA": metadata + b"\xff"})
    with pytest.raises(UnicodeDecodeError):
        pip._reading(odd, "x-1.0.whl", "nipy-x", Version("1.0"))


def test_the_members_of_a_wheel_are_its_data(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.data/data/share/a", "a.data/scripts/b", "a.dist-info/METADATA"):
            archive.writestr(name, name)
    with path.open("rb") as stream:
        found = [(name, content.read()) for name, content in ecosystems()["pip"].members(stream)]
    assert found == [("share/a", b"a.data/data/share/a")]


def source(tmp_path: Path, files: Mapping[str, bytes], name: str = "a.tar.gz") -> Path:
    import gzip

    members = (member(f"nipy-x-1.0/{path}", content) for path, content in files.items())
    (tmp_path / name).write_bytes(gzip.compress(tar_bytes(*members)))
    return tmp_path / name


def source_files() -> dict[str, bytes]:
    found = {path.rpartition("/")[2]: content for path, content in records("").items()}
    return {
        "package.json": found["package.json"],
        "SHA256SUMS": found["SHA256SUMS"],
        "PKG-INFO": b"Version: 1.0.post1\n\n long \n",
        "LICENSES/b": b"two",
        "LICENSES/a": b"one",
        "x/a": b"a",
    }


def test_a_source_tarball_has_its_place_version_and_texts(tmp_path: Path) -> None:
    path = source(tmp_path, source_files())
    found = ecosystems()["sources"].read(path)
    assert (found.place, found.version, found.checked) == ("sources/a.tar.gz", "1.0.post1", True)
    assert (found.package.description, found.package.license_text) == ("long", "one\n\ntwo")
    with path.open("rb") as stream:
        members = [path for path, _ in ecosystems()["sources"].members(stream)]
    assert members == [
        "share/nipack/nipy-x/package.json",
        "share/nipack/nipy-x/SHA256SUMS",
        "share/nipy/nipy/x/a",
    ]
    assert sources._data("nipy/x/y") == "x/y/"
    odd = source(tmp_path, source_files() | {"PKG-INFO": b"Version: 1\n\n\xff"})
    assert ecosystems()["sources"].read(odd).package.description == "\ufffd"


@pytest.mark.parametrize("missing", ["package.json", "SHA256SUMS", "PKG-INFO"])
def test_a_source_tarball_has_its_records(missing: str, tmp_path: Path) -> None:
    files = {name: text for name, text in source_files().items() if name != missing}
    path = source(tmp_path, files)
    assert refusal(ecosystems()["sources"].read, path) == (
        f"has no {missing}, so nipack did not make it; make one with nipack build -f sdist"
    )
    if missing == "package.json":
        with (
            path.open("rb") as stream,
            pytest.raises(ValueError, match=r"^it has no package.json$"),
        ):
            list(ecosystems()["sources"].members(stream))


def test_a_source_tarball_s_name_and_data_are_looked_at(tmp_path: Path) -> None:
    odd = source(tmp_path, source_files(), "a b.tar.gz")
    assert refusal(ecosystems()["sources"].read, odd) == (
        "no recipe can have this name in it; build it again"
    )
    other = source(tmp_path, source_files() | {"x/a": b"b"})
    assert "its a has the digest" in refusal(ecosystems()["sources"].read, other)


def test_what_is_signed_lies_beside() -> None:
    bundle = Attestations(bundle=b' {"a": 1}\n', publish=b'{"b": 2}')
    by = ecosystems()
    assert by["apt"].carried("x", bundle) == {"x.sigstore.json": bundle.bundle}
    assert by["apt"].carried("x", Attestations()) == {}
    sidecar = b'[{"a": 1}]\n'
    found = by["conda"].carried("x", bundle)
    digest = next(path for path in found if path != "x.sigs").removeprefix("x.sigs.")
    assert found == {f"x.sigs.{digest}": sidecar, "x.sigs": sidecar}
    assert len(digest) == 64
    assert by["conda"].carried("x", Attestations(publish=b"{}")) == {}
    assert by["pip"].carried("x", bundle) == {
        "x.sigstore.json": bundle.bundle,
        "x.provenance": b'{"attestation_bundles":[{"attestations":[{"b":2}],'
        b'"publisher":{"kind":"nipack"}}],"version":1}\n',
    }


def test_ecosystems_are_told_of_in_their_order_and_found_by_the_longest_ending() -> None:
    from nipack.publish.ecosystems import ecosystem_of, members_of

    assert [*ecosystems()] == ["conda", "apt", "pip", "rpm", "sources"]
    for name, file in {
        "conda": "a.conda", "apt": "a.deb", "pip": "a.whl", "rpm": "a.rpm", "sources": "a.tar.gz",
    }.items():  # fmt: skip
        found = ecosystem_of(file)
        assert found is not None
        assert found.name == name
    assert ecosystem_of("a.zip") is None
    assert list(members_of("a.zip", io.BytesIO())) == []
