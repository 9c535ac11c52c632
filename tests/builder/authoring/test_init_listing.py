"""`nipack init` of files that are published one by one: a folder, a template, a registry."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.builder.served import Server

from nipack.builder.definition.model import Definition
from nipack.builder.definition.reading import read_definition
from nipack.builder.definition.sources import Sources
from nipack.cli.app import nipack

FILES = {"T1.mat": b"image", "maps/areas of it.txt": b"1 thalamus\n", "LICENSE": b"ask us\n"}
COMMIT = "e37b3f4e0e50b6c2f79e9e01e8f1aeffcb69fc7f"
DESCRIPTION = {
    "Authors": ["Ada Lovelace"],
    "Identifier": "Phantom",
    "License": "CC0",
    "Name": "The phantom template.",
    "ReferencesAndLinks": ["https://doi.org/10.1000/phantom"],
}


def init(*arguments: str | Path) -> Result:
    return CliRunner().invoke(nipack, ["init", *map(str, arguments)])


def definition_of(out: Path, *arguments: str | Path) -> Definition:
    result = init(*arguments, "-o", out)
    assert result.exit_code == 0, result.stderr
    return read_definition(out / "package.yaml")


def listed(definition: Definition) -> dict[str, tuple[str, dict[str, str], int | None]]:
    """Return what a definition says of each file: its address, digests and size."""
    assert isinstance(definition.source, Sources)
    return {
        each.path: (each.source.address, each.source.digests, each.source.size)
        for each in definition.source.files
    }


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def server(trusted_server: Server) -> Server:
    trusted_server.files = {
        "/v1/T1.mat": FILES["T1.mat"],
        "/v1/maps/areas%20of%20it.txt": FILES["maps/areas of it.txt"],
        "/v1/LICENSE": FILES["LICENSE"],
    }
    return trusted_server


def payload(definition: Path, out: Path) -> str:
    arguments = ["build", str(definition), "-f", "wheel", "-o", str(out), "--json"]
    result = CliRunner().invoke(nipack, arguments)
    assert result.exit_code == 0, result.stderr
    [artifact] = json.loads(result.stdout)["artifacts"]
    return str(artifact["payload_id"])


@pytest.mark.slow(1)
def test_a_folder_is_listed_with_digests_and_sizes(server: Server, tmp_path: Path) -> None:
    folder = write(tmp_path / "mylab" / "atlas", FILES | {".hidden": b"", ".git/config": b""})
    out = tmp_path / "definition"
    definition = definition_of(out, folder, "--address", f"{server.base}v1")
    assert (definition.name, definition.relpath) == ("mylab-atlas", "mylab/atlas")
    assert listed(definition) == {
        path: (
            f"{server.base}v1/{path.replace(' ', '%20')}",
            {"sha256": hashlib.sha256(content).hexdigest()},
            len(content),
        )
        for path, content in FILES.items()
    }
    # What is built of it is what a build of the folder itself is.
    (folder / ".hidden").unlink()
    (folder / ".git" / "config").unlink()
    (folder / ".git").rmdir()
    local = definition_of(tmp_path / "local", folder)
    assert local.relpath == definition.relpath
    assert payload(out, tmp_path / "a") == payload(tmp_path / "local", tmp_path / "b")


def test_only_some_files_are_listed(tmp_path: Path) -> None:
    folder = write(tmp_path / "mylab" / "atlas", FILES)
    options = ("--address", "https://example.org/", "--take", "maps/*", "--take", "L*")
    definition = definition_of(tmp_path / "definition", folder, *options)
    assert list(listed(definition)) == ["LICENSE", "maps/areas of it.txt"]


def annexed(folder: Path, name: str, key: str) -> None:
    """Make a file of git-annex whose content is not there."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(f".git/annex/objects/03/e3/{key}/{key}")


MD5 = hashlib.md5(b"T1").hexdigest()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A checkout of a template, as TemplateFlow's repositories are."""
    folder = tmp_path / "checkouts" / "tpl-Phantom"
    write(
        folder,
        {
            "template_description.json": json.dumps(DESCRIPTION).encode(),
            "CHANGES": b"1.0.1 2020-01-02\n  - more\n",
            "scripts/make it.py": b"pass\n",
            "tpl-Phantom_unlocked_mask.nii.gz": f"/annex/objects/MD5E-s7--{MD5}.nii.gz\n".encode(),
            ".git/HEAD": b"ref: refs/heads/master\n",
            ".git/refs/heads/master": f"{COMMIT}\n".encode(),
            ".datalad/config": b"x",
        },
    )
    annexed(folder, "tpl-Phantom_res-01_T1w.nii.gz", f"MD5E-s13685075--{MD5}.nii.gz")
    return folder


def test_a_template_of_templateflow_needs_no_content_and_no_address(
    template: Path, tmp_path: Path
) -> None:
    definition = definition_of(tmp_path / "definition", template)
    assert definition.relpath == "templateflow/tpl-Phantom"
    assert definition.space == ("Phantom",)
    assert (definition.version, str(definition.date)) == ("1.0.1", "2020-01-02")
    assert definition.license == "CC0-1.0"
    assert definition.summary == "phantom template"
    assert [each.doi for each in definition.citation] == ["10.1000/phantom"]
    files = listed(definition)
    store = "https://templateflow.s3.amazonaws.com/tpl-Phantom/"
    names = ("tpl-Phantom_res-01_T1w.nii.gz", "tpl-Phantom_unlocked_mask.nii.gz")
    sizes = (13685075, 7)
    for name, size in zip(names, sizes, strict=True):
        assert files.pop(name) == (f"{store}{name}", {"md5": MD5}, size)
    # What is no annexed file is in git itself.
    top = f"https://raw.githubusercontent.com/templateflow/tpl-Phantom/{COMMIT}/"
    assert {path: address for path, (address, _, _) in files.items()} == {
        "CHANGES": f"{top}CHANGES",
        "scripts/make it.py": f"{top}scripts/make%20it.py",
        "template_description.json": f"{top}template_description.json",
    }
    assert files["CHANGES"][1] == {
        "sha256": hashlib.sha256(b"1.0.1 2020-01-02\n  - more\n").hexdigest()
    }


def test_the_commit_may_be_packed_or_detached_or_unknown(template: Path, tmp_path: Path) -> None:
    git = template / ".git"
    (git / "refs" / "heads" / "master").unlink()
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/master\n", "utf-8")
    assert COMMIT in listed(definition_of(tmp_path / "1", template))["CHANGES"][0]
    (git / "HEAD").write_text(f"{COMMIT}\n", "utf-8")
    assert COMMIT in listed(definition_of(tmp_path / "2", template))["CHANGES"][0]
    (git / "HEAD").write_text("ref: ../../outside\n", "utf-8")
    (tmp_path / "checkouts" / "outside").write_text(f"{COMMIT}\n", "utf-8")
    address = listed(definition_of(tmp_path / "3", template))["CHANGES"][0]
    assert address == "https://templateflow.s3.amazonaws.com/tpl-Phantom/CHANGES"


def test_content_that_is_there_is_hashed_where_its_key_has_no_digest(
    template: Path, tmp_path: Path
) -> None:
    annexed(template, "tpl-Phantom_there.txt", "WORM-s3-m1--there.txt")
    there = template / ".git" / "annex" / "objects" / "03" / "e3" / "WORM-s3-m1--there.txt"
    write(there, {"WORM-s3-m1--there.txt": b"abc"})
    files = listed(definition_of(tmp_path / "definition", template))
    assert files["tpl-Phantom_there.txt"][1:] == ({"sha256": hashlib.sha256(b"abc").hexdigest()}, 3)


def test_every_file_without_a_digest_is_told_of(template: Path, tmp_path: Path) -> None:
    annexed(template, "tpl-Phantom_a.nii.gz", "URL-s3--http&c%%example.org%a")
    (template / "b").symlink_to("../../outside")
    (tmp_path / "outside").write_text("secret", "utf-8")
    result = init(template, "-o", tmp_path / "definition")
    assert result.exit_code == 1
    assert (
        "tpl-Phantom_a.nii.gz: its key URL-s3--http&c%%example.org%a has no digest; "
        "git annex get it first"
    ) in result.stderr
    assert "tpl-Phantom/b: not a file; put one there, or leave it out with --take" in result.stderr
    assert not (tmp_path / "definition").exists()


def test_a_checkout_that_is_no_template_needs_an_address(template: Path, tmp_path: Path) -> None:
    other = template.rename(template.parent / "atlas-Phantom")
    result = init(other, "-o", tmp_path / "definition")
    assert result.exit_code == 1
    assert "nothing says where its files are published; name that with --address" in result.stderr
    address = "https://example.org/phantom/"
    definition = definition_of(tmp_path / "definition", other, "--address", address)
    assert listed(definition)["CHANGES"][0] == f"{address}CHANGES"


def test_a_registry_lies_beside_the_definition_and_is_built_from(
    server: Server, tmp_path: Path
) -> None:
    lines = [f"{hashlib.sha256(text).hexdigest()}  {path}\n" for path, text in FILES.items()]
    registry = tmp_path / "SHA256SUMS"
    registry.write_text("".join(lines), "utf-8")
    out, address = tmp_path / "definition", f"{server.base}v1/"
    definition = definition_of(out, registry, "--address", address, "--relpath", "mylab/atlas")
    assert (out / "SHA256SUMS").read_text("utf-8") == "".join(lines)
    assert set(listed(definition)) == set(FILES)
    assert payload(out, tmp_path / "a") == payload(
        write(tmp_path / "mylab" / "atlas", FILES | {"config.ini": b"[DEFAULT]\nversion = 0.1\n"}),
        tmp_path / "b",
    )


def test_a_registry_that_is_wrong_or_says_no_name_is_refused(tmp_path: Path) -> None:
    registry = tmp_path / "registry.txt"
    registry.write_text(f"a {'0' * 64}\n../b {'0' * 64}\nc\n", "utf-8")
    options = ("--address", "https://example.org/", "-o", tmp_path / "definition")
    result = init(registry, *options, "--relpath", "mylab/atlas")
    assert result.exit_code == 1
    assert "registry.txt:2: the path '../b' has '..' in its name" in result.stderr
    assert "registry.txt:3: neither" in result.stderr
    registry.write_text(f"a {'0' * 64}\n", "utf-8")
    result = init(registry, *options)
    assert "name that, e.g. --relpath mylab/atlas" in result.stderr
    assert not (tmp_path / "definition").exists()


def test_no_other_file_is_replaced_by_a_registry(tmp_path: Path) -> None:
    registry = tmp_path / "registry.txt"
    registry.write_text(f"a {'0' * 64}\n", "utf-8")
    write(tmp_path / "definition", {"registry.txt": b"mine"})
    options = ("--address", "https://example.org/", "--relpath", "mylab/atlas")
    result = init(registry, *options, "-o", tmp_path / "definition")
    assert result.exit_code == 1
    assert "registry.txt: another file is there" in result.stderr
    assert [each.name for each in (tmp_path / "definition").iterdir()] == ["registry.txt"]


@pytest.mark.parametrize(
    "address", ["http://example.org/", "files/", "https://me:secret@example.org/", "https://["]
)
def test_an_address_of_no_folder_is_refused(address: str, tmp_path: Path) -> None:
    result = init(write(tmp_path / "mylab" / "atlas", FILES), "--address", address, "--dry-run")
    assert result.exit_code == 1
    assert "not an https:// address of a folder" in result.stderr
    assert "secret" not in result.stderr


def test_what_is_no_folder_and_no_registry_cannot_be_listed(tmp_path: Path) -> None:
    result = init("https://example.org/a.tar.gz", "--address", "https://example.org/")
    assert result.exit_code == 1
    assert "neither a folder nor a registry of this machine" in result.stderr
    result = init(
        write(tmp_path / "mylab" / "atlas", FILES), "--take", "none*", "--address", "https://e.org/"
    )
    assert "no files are listed; check the folder, and --take" in result.stderr
