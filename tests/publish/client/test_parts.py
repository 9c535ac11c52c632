"""`nipack get` of data in parts: the whole is put together, a part alone is refused in words."""

import http.server
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.builder.samples import IN_PARTS, PARTS, in_parts
from tests.publish.serving import run, serving

from nipack.builder.flows.build import build
from nipack.builder.formats import formats
from nipack.data import make_datasource
from nipack.publish.client.get import _taken_in, _unpacked, get
from nipack.publish.client.known import KnownRepository
from nipack.publish.client.known import add as add_repository
from nipack.publish.ecosystems import ecosystem_of
from nipack.publish.errors import RepositoryError
from nipack.system.progress import SilentReporter

NAMES = [f"nipy-templates{part}" for part in ("-1mm", "-2mm", "-texts", "")]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user"
    monkeypatch.setenv("NIPY_USER_DIR", str(folder))
    return folder


def publish(source: Path, tmp_path: Path, format: str, *, without: str = "-none_") -> None:
    built = [each.path for each in build(str(source), [formats()[format]], tmp_path / "dist")]
    packages = [path for path in built if without not in path.name]
    done = run("publish", *packages, tmp_path / "www", "--unsigned")
    assert done.exit_code == 0, done.output


def got(*words: object) -> str:
    done = run("get", *words)
    assert "Traceback" not in done.output
    return " ".join(done.output.split())


def add(tmp_path: Path) -> None:
    assert run("repository", "add", tmp_path / "www", "--unsigned").exit_code == 0


def contents(folder: Path) -> dict[str, bytes | str]:
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize("format", ["conda", "deb", "wheel"])
def test_the_whole_is_put_together(format: str, user: Path, tmp_path: Path) -> None:
    source = in_parts(tmp_path, PARTS.replace('"*_res-02*"', '"*_res-02*", "*link"'))
    if format != "wheel":
        (source / "templates" / "link").symlink_to(IN_PARTS["2mm"])
    publish(source, tmp_path, format)
    add(tmp_path)
    # By its relpath, which the parts have as well.
    assert "nipy-templates 0.3 is in" in got("nipy/templates")
    assert contents(user / "nipy/templates") == contents(source / "templates")
    found = make_datasource({"relpath": "nipy/templates"}, data_path=[str(user)])
    assert found.version == "0.3"
    assert "was already in" in got("nipy-templates")
    assert not [path for path in (user / ".nipack" / "partial").rglob("*") if path.is_file()]
    done = run("verify", user / "nipy/templates", "--json")
    assert [each["state"] for each in json.loads(done.stdout)] == ["intact"]


@pytest.mark.slow(1)
def test_a_newer_whole_replaces_it(user: Path, tmp_path: Path) -> None:
    source = in_parts(tmp_path)
    publish(source, tmp_path, "conda")
    add(tmp_path)
    got("nipy-templates")
    (source / "templates" / IN_PARTS["1mm"]).write_bytes(b"other")
    (source / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 0.4\n", "utf-8")
    head, two, rest = (source / "package.yaml").read_text("utf-8").partition("  - name: 2mm")
    changed = (
        head.replace("0.3", "0.4") + two + rest.replace('.ini"]\n    version: "0.3"', '.ini"]')
    )
    (source / "package.yaml").write_text(changed, "utf-8")
    publish(source, tmp_path, "conda")
    assert "nipy-templates 0.4 is in" in got("nipy-templates")
    assert contents(user / "nipy/templates") == contents(source / "templates")


def asked_of(www: Path, name: str) -> tuple[str, list[str]]:
    """Return what `nipack get` says, and the paths that it asked the server for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def send_head(self) -> io.BytesIO | BinaryIO | None:
            asked.append(self.path)
            return super().send_head()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with serving(www, Handler) as address:
        assert run("repository", "add", address, "--unsigned").exit_code == 0
        asked.clear()
        return got(name), asked


def test_a_part_alone_is_refused_before_anything_is_downloaded(user: Path, tmp_path: Path) -> None:
    publish(in_parts(tmp_path), tmp_path, "deb")
    said, asked = asked_of(tmp_path / "www", "nipy-templates-1mm")
    assert "nipy-templates-1mm: is a part of nipy-templates, and nipack get has the whole" in said
    assert "nipack get nipy-templates, or install the part" in said
    assert "/packages.json" in asked
    assert not [path for path in asked if path.endswith(".deb")]
    assert not (user / "nipy").exists()
    advice = run("where", "nipy/templates").output
    assert "  nipack get nipy-templates\n" in advice


def rows_of_an_older_nipack(www: Path) -> KnownRepository:
    known = add_repository(str(www), www / "known", unsigned=True)
    rows = [
        {key: value for key, value in row.items() if key != "part_of"} for row in known.packages
    ]
    return replace(known, packages=tuple(rows))


def test_a_part_of_a_list_that_does_not_say_so_is_refused_as_well(tmp_path: Path) -> None:
    publish(in_parts(tmp_path), tmp_path, "deb")
    known, root = rows_of_an_older_nipack(tmp_path / "www"), tmp_path / "root"
    with pytest.raises(RepositoryError, match="is a part of nipy-templates, and nipack get has"):
        get("nipy-templates-1mm", [known], root, SilentReporter())
    assert not (root / "nipy").exists()
    assert not list((root / ".nipack").rglob("*.deb"))
    assert get("nipy/templates", [known], root, SilentReporter()).name == "nipy-templates"


def test_a_list_with_a_command_for_a_name_is_not_quoted_as_one(tmp_path: Path) -> None:
    row = {"name": "lab-data-1", "relpath": "lab/data", "payload_id": "1", "part_of": "a; rm -r ~"}
    known = KnownRepository(
        address="http://127.0.0.1:9", name="lab", title="lab", generation=1, date="",
        fingerprint=None, certificate=None, packages=(row,),
    )  # fmt: skip
    with pytest.raises(RepositoryError, match="is a part of 'a; rm -r ~', which is not a name; "):
        get("lab-data-1", [known], tmp_path, SilentReporter())


def test_data_of_another_package_says_whose_it_is(user: Path, tmp_path: Path) -> None:
    """Two packages may have one relpath; no more than one of them is got."""
    source = in_parts(tmp_path)
    definition = source / "package.yaml"
    text = definition.read_text("utf-8").partition("parts:")[0]
    definition.write_text(text.replace("name: nipy-templates", "name: lab-copy"), "utf-8")
    publish(source, tmp_path, "deb")
    definition.write_text(text, "utf-8")
    publish(source, tmp_path, "deb")
    add(tmp_path)
    assert "lab-copy 0.3 is in" in got("lab-copy")
    said = got("nipy-templates")
    assert "templates: belongs to lab-copy 0.3 (nipack get), so it is not replaced; " in said
    remove = f"rm -r {user / 'nipy/templates'}"
    assert f"first: {remove}; or choose another folder with --into" in said
    shutil.rmtree(user / "nipy/templates")
    assert "nipy-templates 0.3 is in" in got("nipy-templates")


@pytest.mark.slow(1)
def test_a_whole_of_which_a_part_is_not_there_is_refused(user: Path, tmp_path: Path) -> None:
    publish(in_parts(tmp_path), tmp_path, "deb", without="-2mm_")
    add(tmp_path)
    said = got("nipy-templates")
    assert "nipy-templates: wants its part nipy-templates-2mm 0.3" in said
    assert "has no nipy-templates-2mm; tell whoever runs the repository" in said
    assert not (user / "nipy").exists()


def test_a_file_that_the_whole_does_not_know_is_not_taken(tmp_path: Path) -> None:
    """Whatever a list of a repository says of the two."""
    packages = []
    for content in (b"one", b"other"):
        source = in_parts(tmp_path / content.decode())
        (source / "templates" / IN_PARTS["1mm"]).write_bytes(content)
        work = tmp_path / f"work-{content.decode()}"
        built = list(build(str(source), [formats()["deb"]], tmp_path / content.decode() / "dist"))
        for each in (built[0], built[-1]):
            folder = work / each.path.stem
            folder.mkdir(parents=True)
            ecosystem = ecosystem_of(each.path.name)
            assert ecosystem is not None
            found = _unpacked(each.path, ecosystem, folder, each.payload_id, SilentReporter())
            packages.append((folder / "data", found))
    (_, _), (data, whole), (source, part), _ = packages
    with pytest.raises(RepositoryError, match=r"-1mm: its ICBM152/.* is not what nipy-templates"):
        _taken_in(source, part, data, whole)
    assert contents(data) == {}


def test_a_part_of_another_content_is_not_taken(user: Path, tmp_path: Path) -> None:
    source = in_parts(tmp_path)
    publish(source, tmp_path, "deb")
    (source / "templates" / IN_PARTS["2mm"]).write_bytes(b"other")
    text = (source / "package.yaml").read_text("utf-8")
    rest = text.partition("  - name: 2mm")[2].replace("0.3", "0.3.1", 1)
    newer = text.partition("  - name: 2mm")[0] + "  - name: 2mm" + rest
    (source / "package.yaml").write_text(newer.replace("relpath", "revision: 1\nrelpath"), "utf-8")
    shutil.rmtree(tmp_path / "dist")
    built = [each.path for each in build(str(source), [formats()["deb"]], tmp_path / "dist")]
    [two] = [path for path in built if "-2mm_0.3.1" in path.name]
    assert run("publish", two, tmp_path / "www", "--unsigned").exit_code == 0
    add(tmp_path)
    assert "has nipy-templates-2mm 0.3.1 of another content; tell" in got("nipy-templates")
    assert not (user / "nipy").exists()
