"""Every rule has a package that breaks it, and the whole package here breaks none."""

import ast
import gzip
import hashlib
import io
import os
import shutil
import socket
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

from nipack import builder
from nipack.builder.flows import check as check_flow
from nipack.builder.rules import RULES
from nipack.system.errors import Problem
from nipack.system.progress import SilentReporter

DEFINITION = """\
name: nipy-templates
relpath: nipy/templates
version: "0.3"
date: 2023-05-01
summary: templates for tests
description: Images for tests.
homepage: https://example.org/templates
license: CC0-1.0
copyright:
  - {files: ["*"], holders: [Ada Lovelace], license: CC0-1.0, text: All rights are waived.}
redistribution: verified
maintainer: {name: Ada Lovelace, email: ada@example.org, github: ada}
"""


def nifti(description: str = "") -> bytes:
    """Return a small image."""
    shape = (4, 4, 4)
    image = nibabel.Nifti1Image(np.zeros(shape, np.uint8), np.eye(4))  # type: ignore[no-untyped-call]
    image.header["descrip"] = description.encode()
    return bytes(image.to_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source in which nothing is wrong; its definition is beside the data directory."""
    folder = tmp_path / "nipy-templates-0.3"
    data = folder / "templates"
    (data / "ICBM152").mkdir(parents=True)
    (folder / "package.yaml").write_text(DEFINITION, "utf-8")
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.3\n", "utf-8")
    (data / "ICBM152" / "T1.nii.gz").write_bytes(gzip.compress(nifti("MNI average"), mtime=0))
    (data / "ICBM152" / "T1.json").write_text('{"Space": "MNI152"}', "utf-8")
    return folder


def problems(source: Path, *, release: bool = False) -> tuple[Problem, ...]:
    return check_flow.check(str(source), SilentReporter(), release=release).problems


def codes(source: Path, *, release: bool = False) -> set[str]:
    return {problem.code for problem in problems(source, release=release)}


def define(folder: Path, **fields: object) -> None:
    """Change fields of the definition; None removes one."""
    path = folder / "package.yaml"
    data = yaml.safe_load(path.read_text("utf-8")) | fields
    data["date"] = str(data["date"]) if data.get("date") else None
    text = yaml.safe_dump({name: value for name, value in data.items() if value is not None})
    path.write_text(text, "utf-8")


def part(name: str, *files: str) -> dict[str, object]:
    return {"name": name, "files": list(files)}


def link_between_parts(folder: Path) -> None:
    link(folder, "ICBM152")
    define(folder, parts=[part("images", "ICBM152/*"), part("links", "link")])


def put(folder: Path, name: str, content: bytes) -> None:
    path = folder / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def put_config(folder: Path, content: bytes) -> None:
    put(folder, "config.ini", content)


def link(folder: Path, target: str) -> None:
    (folder / "templates" / "link").symlink_to(target)


def make_socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder / "templates")  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as each:
            each.bind("socket")
    finally:
        os.chdir(here)


def with_name(image: bytes, name: bytes) -> bytes:
    """Return a gzip file whose header has a name."""
    packed = gzip.compress(image, mtime=0)
    return packed[:3] + b"\x08" + packed[4:10] + name + b"\0" + packed[10:]


def nest(folder: Path) -> None:
    data = folder / "templates"
    (data / "templates").mkdir()
    (data / "ICBM152").rename(data / "templates" / "ICBM152")


def second_data_directory(folder: Path) -> None:
    (folder / "package.yaml").unlink()
    (folder / "data").mkdir()
    (folder / "data" / "config.ini").write_text("[DEFAULT]\nversion = 1.0\n", "utf-8")


def without_data_directory(folder: Path) -> None:
    (folder / "package.yaml").unlink()
    (folder / "templates" / "config.ini").unlink()


def from_archive(folder: Path, sha256: str | None) -> None:
    """Let the definition name an archive of the folder, with its digest or another."""
    archive = folder / "nipy-templates-0.3.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder / "templates", "nipy-templates-0.3/templates")
    digest = sha256 or hashlib.sha256(archive.read_bytes()).hexdigest()
    define(folder, source={"address": archive.name, "sha256": digest})


def epoch(folder: Path) -> None:
    os.environ["SOURCE_DATE_EPOCH"] = "yesterday"


def rename_whole(folder: Path) -> None:
    (folder / "package.yaml").unlink()
    (folder / "templates").rename(folder / "!")


T1, JSON = "ICBM152/T1.nii.gz", "ICBM152/T1.json"


def view(folder: Path, **fields: object) -> None:
    """Let other libraries find the data."""
    define(folder, views=[fields])


def template(folder: Path, description: bytes) -> None:
    """Make the data a template of TemplateFlow's, with this description."""
    put(folder, "template_description.json", description)
    put(folder, "tpl-X_T1w.nii.gz", gzip.compress(nifti(), mtime=0))
    view(folder, library="templateflow", at="tpl-X", files=["t*"])


def with_file(folder: Path, name: str, content: bytes) -> Path:
    put(folder, name, content)
    return folder


def with_archive(folder: Path) -> Path:
    """Put an archive beside the image that is in it."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("inside/T1.nii.gz", b"x")
    return with_file(folder, "a.zip", output.getvalue())


ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
# What nipack check says with --release alone.
OF_RELEASES = {"no-github-name"}
BREAKS: dict[str, Callable[[Path], object]] = {
    "source-unreadable": lambda f: define(f, source={"address": "absent.tar.gz"}),
    "source-digest": lambda f: from_archive(f, "0" * 64),
    "definition-unreadable": lambda f: (f / "package.yaml").write_bytes(b"\xff"),
    "definition-malformed": lambda f: (f / "package.yaml").write_text("a: [", "utf-8"),
    "definition-field": lambda f: define(f, licence="CC0-1.0"),
    "exception-unknown": lambda f: define(f, exceptions=[{"code": "jnuk", "reason": "why"}]),
    "no-definition": lambda f: (f / "package.yaml").unlink(),
    "no-license": lambda f: define(f, license=None),
    "no-license-text": lambda f: define(f, license="CC-BY-4.0", copyright=None),
    "missing-metadata": lambda f: define(f, summary=None),
    "redistribution-unverified": lambda f: define(f, redistribution=None),
    "redistribution-forbidden": lambda f: define(f, redistribution="forbidden"),
    "no-github-name": lambda f: define(f, maintainer=ADA),
    "no-date": lambda f: define(f, date=None),
    "bad-epoch": epoch,
    "no-data-directory": without_data_directory,
    "several-data-directories": second_data_directory,
    "no-name": rename_whole,
    "umbrella-differs": lambda f: define(f, relpath="pbrain/templates"),
    "umbrella-nested": nest,
    "config-unreadable": lambda f: put_config(f, b"[DEFAULT]\nversion = 0.3 \xff\n"),
    "config-malformed": lambda f: put_config(f, b"version = 0.3\n"),
    "config-no-version": lambda f: put_config(f, b"[DEFAULT]\n"),
    "config-version": lambda f: put_config(f, b"[DEFAULT]\nversion = 2009c\n"),
    "version-differs": lambda f: put_config(f, b"[DEFAULT]\nversion = 0.4\n"),
    "name-not-utf8": lambda f: put(f, os.fsdecode(b"caf\xe9"), b"x"),
    "name-unportable": lambda f: put(f, "a\\b", b"x"),
    "name-windows": lambda f: put(f, "aux.nii", nifti()),
    "name-too-long": lambda f: put(f, "n" * 173, b"x"),  # 260 characters, one too many
    "name-collision": lambda f: put(f, "ICBM152/t1.JSON", b"{}"),
    "link-dangling": lambda f: link(f, "absent"),
    "link-escapes": lambda f: link(f, "/etc/passwd"),
    "link-to-folder": lambda f: link(f, "ICBM152"),
    "empty-directory": lambda f: (f / "templates" / "empty").mkdir(),
    "special-file": make_socket,
    "executable": lambda f: (f / "templates" / "ICBM152" / "T1.json").chmod(0o755),
    "junk": lambda f: put(f, "ICBM152/.DS_Store", b"x"),
    "own-package": lambda f: put(f, "dist/nipy-templates-0.3-0.conda", b"x"),
    "empty-file": lambda f: put(f, "T2.nii", b""),
    "pointer-file": lambda f: put(
        f, "T2.nii.gz", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    ),
    "gzip-damaged": lambda f: put(f, "T2.nii.gz", gzip.compress(nifti())[:-9]),
    "gzip-name": lambda f: put(f, "T2.nii.gz", nifti()),
    "image-unreadable": lambda f: put(f, "T2.nii", b"no image"),
    "json-invalid": lambda f: put(f, "T2.json", b'{"a": 1,}'),
    "privacy-person": lambda f: put(f, "T2.nii", nifti("Lovelace^Ada")),
    "privacy-session": lambda f: put(f, "T2.json", b'{"StudyDate": "2014-08-05"}'),
    "privacy-account": lambda f: put(f, "T2.nii.gz", with_name(nifti(), b"/home/ada/T2.nii")),
    "file-in-no-part": lambda f: define(f, parts=[part("t1", T1)]),
    "file-in-two-parts": lambda f: define(f, parts=[part("all", "*"), part("t1", T1)]),
    "part-empty": lambda f: define(f, parts=[part("all", "*"), part("t2", "*T2*")]),
    "link-between-parts": link_between_parts,
    "view-empty": lambda f: view(f, library="nilearn", files=["T2*"]),
    "view-claimed": lambda f: view(f, library="nilearn", rename={JSON: "x", T1: "x"}),
    "view-placeholder": lambda f: view(with_file(f, "T2.nii", b""), library="nilearn"),
    "view-templateflow": lambda f: view(f, library="templateflow", at="tpl-X"),
    "view-license": lambda f: template(f, b'{"License": "See LICENSE file"}'),
    "view-unpacked": lambda f: view(with_archive(f), library="dipy"),
    "view-rewritten": lambda f: view(f, library="nilearn", at="fsaverage3"),
    "view-readme": lambda f: view(f, library="nilearn", at="."),
}


def test_every_rule_is_broken_by_a_package() -> None:
    assert list(BREAKS) == list(RULES)


@pytest.mark.parametrize("code", BREAKS)
def test_a_package_that_breaks_the_rule(
    code: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    BREAKS[code](folder)
    release = code in OF_RELEASES
    found = [each for each in problems(folder, release=release) if each.code == code]
    assert found
    assert release == (code not in codes(folder))
    for problem in found:
        assert problem.severity == RULES[code].severity
        assert problem.where
        assert problem.message
        assert problem.remedy


def test_a_package_that_breaks_no_rule(folder: Path) -> None:
    assert problems(folder) == ()
    assert problems(folder, release=True) == ()


def test_a_licence_of_which_one_stanza_has_the_text_needs_no_other(folder: Path) -> None:
    def stanza(license: str, **fields: object) -> dict[str, object]:
        return {"files": ["*"], "holders": ["Ada"], "license": license, **fields}

    define(folder, copyright=[stanza("CC-BY-4.0"), stanza("CC-BY-4.0", text="You may.")])
    assert problems(folder) == ()
    define(folder, copyright=[stanza("CC-BY-4.0"), stanza("MIT"), stanza("CC-BY-4.0")])
    [problem] = problems(folder)
    assert (problem.code, problem.message) == (
        "no-license-text",
        "it has no text of CC-BY-4.0 and MIT",
    )


def test_an_archive_with_the_digest_that_is_stated(folder: Path) -> None:
    from_archive(folder, None)
    assert problems(folder) == ()


NO_BREAKS: dict[str, Callable[[Path], object]] = {
    "a device's name inside another": lambda f: put(f, "auxiliary.nii", nifti()),
    "names of one folder in two": lambda f: put(f, "icbm/T1.JSON", b"{}"),
    "a path as long as Windows takes": lambda f: put(f, "n" * 172, b"x"),
    "an inner link": lambda f: link(f, "ICBM152/T1.json"),
    "an empty file that means something": lambda f: put(f, "ICBM152/__init__.py", b""),
    "two gzip members, padded": lambda f: put(
        f, "T2.nii.gz", gzip.compress(nifti()[:100]) + gzip.compress(nifti()[100:]) + b"\0" * 9
    ),
    "the same name in the gzip header": lambda f: put(
        f, "T2.nii.gz", with_name(nifti(), b"T1.nii")
    ),
    "a home of nobody": lambda f: put(f, "T2.nii", nifti("/home/runner/out.nii")),
    "a folder and a file of conda's": lambda f: put(f, "x.conda/.conda", b"x"),
    "an Analyze header without its image": lambda f: put(f, "notes.hdr", b"not an image"),
    "JSON with a byte order mark": lambda f: put(f, "T2.json", b"\xef\xbb\xbf{}"),
    "a config.ini with spaces and CRLF": lambda f: put_config(
        f, b"; made by hand\r\n[DEFAULT]\r\nversion: 0.3\r\n"
    ),
    "a text that mentions git-annex": lambda f: put(
        f, "README.txt", b"/annex/objects/ is where git-annex keeps them\n" * 40
    ),
    "a template": lambda f: template(f, b'{"License": "CC0"}'),
    "an archive without its members": lambda f: view(
        with_archive(f), library="dipy", files=["a.zip"]
    ),
    "a placeholder that no view has": lambda f: view(
        with_file(f, "ICBM152/__init__.py", b""), library="nilearn", files=["*.nii.gz"]
    ),
    "nilearn's whole directory with its README.md": lambda f: view(
        with_file(f, "README.md", b"Atlases.\n"), library="nilearn", at="."
    ),
    "nilearn's data set alone": lambda f: view(f, library="nilearn", at="icbm152_2009"),
    "files that nilearn's directory has by other names": lambda f: view(
        f, library="nilearn", at=".", rename={T1: "icbm152_2009/t1.nii.gz"}
    ),
    "another library's whole directory": lambda f: view(f, library="neuromaps", at="."),
    "a folder of the umbrella's name among others": lambda f: put(f, "nipy/T1.nii", nifti()),
    "a further package of a template": lambda f: view(
        with_file(f, "tpl-X_T2w.nii.gz", gzip.compress(nifti(), mtime=0)),
        library="templateflow",
        at="tpl-X",
        files=["tpl-*"],
    ),
}


@pytest.mark.parametrize("name", NO_BREAKS)
def test_a_package_that_only_looks_wrong(name: str, folder: Path) -> None:
    NO_BREAKS[name](folder)
    assert problems(folder) == ()


def test_the_umbrella_may_be_a_folder_of_its_own(folder: Path) -> None:
    (folder / "pbrain").mkdir()
    (folder / "templates").rename(folder / "pbrain" / "templates")
    [differs] = [each for each in problems(folder) if each.code == "umbrella-differs"]
    assert differs.message == "its folders say pbrain/templates, but the relpath is nipy/templates"


def test_folders_that_contradict_the_relpath_or_repeat_it(folder: Path) -> None:
    define(folder, relpath="pbrain/templates")
    nest(folder)
    differs, nested = [each for each in problems(folder) if each.code.startswith("umbrella")]
    line = (
        (folder / "package.yaml").read_text("utf-8").splitlines().index("relpath: pbrain/templates")
    )
    assert differs.where == f"{folder / 'package.yaml'}:{line + 1}"
    assert differs.message == "its folders say nipy/templates, but the relpath is pbrain/templates"
    assert differs.remedy == "make the relpath what the code looks up, or rename the folder"
    assert nested.where == "pbrain/templates/templates"
    assert nested.message == "all of the data is in it, so its path has that name twice"
    assert nested.remedy == "move the files up, beside config.ini"


def test_every_problem_of_a_template_is_found(folder: Path) -> None:
    put(folder, "T2.nii.gz", gzip.compress(nifti(), mtime=0))
    view(folder, library="templateflow", at="tpl-X", files=["T2.nii.gz"])
    assert [problem.message for problem in problems(folder)] == [
        "tpl-X/T2.nii.gz does not begin with tpl-X_: the client cannot read its name",
        "there is no template_description.json, which the client reads for metadata and citation",
    ]
    view(folder, library="templateflow", at="X")
    [problem] = problems(folder)
    assert problem.message == "TemplateFlow has no directory 'X': a template's is tpl-ID"


def test_an_umbrella_is_a_view_too(folder: Path) -> None:
    (folder / "templates").rename(folder / "fsaverage4")
    define(folder, relpath="nilearn_data/fsaverage4")
    assert "view-rewritten" in codes(folder)


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.stops_release])
def test_what_must_not_be_passed_on_is_an_error_for_a_release(code: str, folder: Path) -> None:
    BREAKS[code](folder)
    severities = {p.severity for p in problems(folder, release=True) if p.code == code}
    assert severities == {"error"}


def test_an_exception_lets_a_problem_stay_where_it_says_so(folder: Path) -> None:
    put(folder, "broken/T2.nii.gz", b"\x1f\x8b")
    put(folder, "broken/T2.json", b"{\n\n")
    exceptions = [
        {"code": "gzip-damaged", "path": "broken/*", "reason": "readers are tested with it"},
        {"code": "json-invalid", "path": "broken/T2.json", "reason": "the same"},
    ]
    define(folder, exceptions=exceptions)
    assert problems(folder) == ()
    put(folder, "ICBM152/T2.nii.gz", b"\x1f\x8b")
    assert [problem.where for problem in problems(folder)] == ["nipy/templates/ICBM152/T2.nii.gz"]


def test_what_would_break_every_reader_cannot_be_excepted(folder: Path) -> None:
    put_config(folder, b"[DEFAULT]\nversion = 2009c\n")
    define(folder, version="0.3", exceptions=[{"code": "config-version", "reason": "I want it"}])
    assert codes(folder) == {"config-version", "version-differs", "exception-unknown"}


def test_all_problems_are_reported_at_once(folder: Path) -> None:
    for code in ("config-version", "json-invalid", "gzip-damaged", "junk", "link-dangling"):
        BREAKS[code](folder)
    wanted = {"config-version", "json-invalid", "gzip-damaged", "junk", "link-dangling"}
    assert wanted <= codes(folder)


def test_an_image_with_less_data_than_its_header_says(folder: Path) -> None:
    put(folder, "T2.nii", nifti()[:-1])
    put(folder, "T3.nii.gz", gzip.compress(nifti()[:-1]))
    found = {p.where.rpartition("/")[2]: p.message for p in problems(folder)}
    assert found == {
        "T2.nii": "its header declares 416 bytes, but it has 415",
        "T3.nii.gz": "its header declares 416 bytes, but it has 415",
    }


def test_an_image_in_two_files(folder: Path) -> None:
    for name in ("T2.hdr", "T2.IMG", "T3.hdr", "T4.HDR", "T4.img.gz"):
        put(folder, name, b"no image" * 99)
    found = [(p.where.rpartition("/")[2], p.code) for p in problems(folder)]
    assert ("T2.hdr", "image-unreadable") in found
    assert ("T4.HDR", "image-unreadable") in found
    assert "T3.hdr" not in dict(found)


def test_a_folder_is_listed_once_however_many_pairs_are_in_it(folder: Path) -> None:
    for number in range(50):
        put(folder, f"pairs/{number}.hdr", b"no image")
        put(folder, f"pairs/{number}.img", b"no image")
    listed: list[str] = []

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if counting and event in ("os.listdir", "os.scandir"):
            listed.append(str(arguments[0]))

    counting = True
    sys.addaudithook(count)
    assert codes(folder) == {"image-unreadable"}
    counting = False
    assert len([path for path in listed if Path(path).name == "pairs"]) < 5


def test_a_gzip_file_with_a_wrong_check_sum(folder: Path) -> None:
    packed = bytearray(gzip.compress(nifti()))
    packed[-5] ^= 1
    put(folder, "T2.nii.gz", bytes(packed))
    [problem] = problems(folder)
    assert problem.code == "gzip-damaged"
    assert "damaged" in problem.message


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("con", "name-windows"), ("Lpt1.txt", "name-windows"), ("a:b", "name-windows"),
        ("a.", "name-windows"), ("a ", "name-windows"), ("._T1", "junk"), ("x.pyc", "junk"),
        (".git/HEAD", "junk"), ("old~", "junk"), ("dist/a_0.3-1_all.deb", "own-package"),
        ("a-0.3-py3-none-any.whl", "own-package"), ("A-1-0.CONDA", "own-package"),
    ],
)  # fmt: skip
def test_names(name: str, code: str, folder: Path) -> None:
    put(folder, name, b"x")
    assert codes(folder) == {code}


@pytest.mark.parametrize("kind", ["gztar", "zip"])
def test_an_executable_file_in_an_archive(kind: str, folder: Path, tmp_path: Path) -> None:
    (folder / "templates" / "ICBM152" / "T1.json").chmod(0o755)
    made = shutil.make_archive(str(tmp_path / "release"), kind, folder, "templates")
    define(folder, source={"address": made})
    assert [problem.code for problem in problems(folder)] == ["executable"]


def test_a_folder_of_junk_is_reported_once(folder: Path) -> None:
    for name in ("HEAD", "objects/a", "objects/b"):
        put(folder, f".git/{name}", b"x")
    assert [problem.where for problem in problems(folder)] == ["nipy/templates/.git"]


def test_the_codes_in_the_source_are_those_of_the_rules() -> None:
    """A new problem cannot be without its explanation, nor state a severity of its own."""
    package = Path(builder.__file__).parent
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", None)
            if isinstance(node, ast.Call) and path.name != "rules.py":
                assert name != "Problem", f"{path.name}:{node.lineno} states a severity"
                if name == "problem_at" and isinstance(node.args[0], ast.Constant):
                    assert node.args[0].value in RULES, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("code", RULES)
def test_an_explanation_says_what_why_and_how(code: str) -> None:
    rule = RULES[code]
    for text in (rule.what, rule.why, rule.remedy):
        assert len(text) > 15
