"""What is wrong with a data package, each problem with its place and its remedy."""

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.builder.samples import MINIMAL, RecordingReporter, define

from nipack.builder.check.structure import metadata_warnings, raise_or_warn, read_config, walk
from nipack.builder.definition.model import Definition
from nipack.builder.rules import problem_at
from nipack.system.errors import DataPackageError, Problem

TEMPLATES = Definition(name="nipy-templates", relpath="nipy/templates")


def config(directory: Path, content: bytes, definition: Definition = TEMPLATES) -> tuple[str, str]:
    """Return the version of a config.ini and the printed problems."""
    (directory / "config.ini").write_bytes(content)
    version, problems = read_config(directory, "t/config.ini", definition)
    return version, "\n".join(map(str, problems))


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b"[DEFAULT]\nversion = 0.3\n", "0.3"),
        (b"[DEFAULT]\r\nversion = 0.3\r\n", "0.3"),
        (b"[DEFAULT]\rversion = 0.3\r", "0.3"),
        (b"[DEFAULT]\nVERSION: 0.10", "0.10"),
        (b"# comment\n\n[other]\nversion = 9.9\n[DEFAULT]\nversion=1.2.3\n", "1.2.3"),
        (b"[DEFAULT]\nversion = 0.3\nnote = 100 % sure\n", "0.3"),
        ("[DEFAULT]\nversion = 0.3\nautor = Ü\n".encode(), "0.3"),
        (b"[DEFAULT]\nversion = 0.3.rc1\n", "0.3.rc1"),
    ],
)
def test_versions_that_nibabel_reads(content: bytes, version: str, tmp_path: Path) -> None:
    from nibabel.data import VersionedDatasource

    assert config(tmp_path, content) == (version, "")
    source = VersionedDatasource(str(tmp_path))  # type: ignore[no-untyped-call]
    assert source.version == version


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"version = 0.3\n", "t/config.ini: nibabel cannot read it: File contains no section"),
        (b"[DEFAULT]\nversion = 0.3\nversion = 0.4\n", "[config-malformed]"),
        (b"[DEFAULT]\nversion = 0.3%\n", "[config-malformed]"),
        (b"[DEFAULT]\nversion = %(other)s\n", "[config-malformed]"),
        (b"\xef\xbb\xbf[DEFAULT]\nversion = 0.3\n", "it begins with a byte order mark; save it as"),
        ("[DEFAULT]\nversion = 0.3\n".encode("utf-16"), "it is not UTF-8; save it as UTF-8"),
        (
            b"[DEFAULT]\nother = 1\n",
            "t/config.ini: it states no version;",
        ),
        (b"[default]\nversion = 0.3\n", "it states no version"),
        (b"", "it states no version"),
        (b"\n[DEFAULT]\nversion = 2009c\n", "t/config.ini:3: version '2009c' is not of the form"),
        (b"[DEFAULT]\nversion = 1\n", "t/config.ini:2: version '1' is not of the form 1.2"),
        (b"[DEFAULT]\nversion = 0.3rc1\n", "version '0.3rc1' is not of the form"),
        (b"[DEFAULT]\nversion = 0. 3\n", "version '0. 3' is not of the form"),
        (b"[DEFAULT]\nversion =\n", "version '' is not of the form"),
        (b"[DEFAULT]\nversion = 0.3\n 4\n", r"version '0.3\n4' is not of the form"),
        ("[DEFAULT]\nversion = \u0660.\u0663\n".encode(), "is not of the form"),
        (b"[DEFAULT]\nversion = 0." + b"1" * 5000, "is not of the form"),
    ],
)
def test_versions_that_cannot_be(content: bytes, problem: str, tmp_path: Path) -> None:
    assert problem in config(tmp_path, content)[1]


def test_a_version_must_be_the_definition_s(tmp_path: Path) -> None:
    problems = config(tmp_path, b"[DEFAULT]\nversion = 0.4\n", define(tmp_path))[1]
    assert problems == (
        f"t/config.ini:2: version is 0.4, but {tmp_path}/package.yaml:3 says 0.3; "
        "make them the same [version-differs]"
    )


def walked(directory: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the paths of a payload, and code and place of each problem."""
    paths, problems = walk(directory, "nipy/templates")
    return paths, [(problem.code, problem.where) for problem in problems]


def test_the_walk_is_sorted_by_bytes_and_whole(tmp_path: Path) -> None:
    names = ["b", "a/b", "a.txt", "B", "é", "z", ".hidden", "-dash", "a b", "ß/😀", "ﬀ", "a/é/c"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "link").symlink_to("a/b")
    (tmp_path / "folder").symlink_to("a")
    paths, problems = walked(tmp_path)
    assert paths == sorted([*names, "link", "folder"], key=os.fsencode)
    assert problems == [
        ("name-collision", "nipy/templates/b"),
        ("link-to-folder", "nipy/templates/folder"),
    ]


@pytest.mark.slow(1)
def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    deep = tmp_path / "/".join("d" * 1500)
    subprocess.run(["mkdir", "-p", str(deep)], check=True)
    (deep / "file").write_bytes(b"")
    try:
        assert walked(tmp_path)[0] == [f"{'d/' * 1500}file"]
    finally:
        # pytest's own removal of old directories is recursive.
        subprocess.run(["rm", "-r", str(tmp_path / "d")], check=True)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.mkdir(), "empty-directory"),
        (lambda path: path.symlink_to("/etc/passwd"), "link-escapes"),
        (lambda path: path.symlink_to("../outside"), "link-escapes"),
        (lambda path: path.symlink_to("nothing"), "link-dangling"),
        (lambda path: path.symlink_to("it"), "link-dangling"),
        (lambda path: path.symlink_to("../.git/annex/objects/a/b"), "link-dangling"),
        # Out by '..' and in again by the folder's name, which is another one when installed.
        (lambda path: path.symlink_to("../templates/file"), "link-escapes"),
        (lambda path: path.symlink_to("out"), "link-escapes"),
        (os.mkfifo, "special-file"),
    ],
)
def test_what_cannot_be_packed(make: Callable[[Path], object], code: str, tmp_path: Path) -> None:
    directory = tmp_path / "templates"
    directory.mkdir()
    (tmp_path / "outside").write_bytes(b"")
    (directory / "file").write_bytes(b"")
    if code == "link-escapes":
        (directory / "out").symlink_to("../outside")
    make(directory / "it")
    paths, problems = walked(directory)
    assert (code, "nipy/templates/it") in problems
    assert paths == ["file"]


@pytest.mark.parametrize(
    ("name", "code", "where"),
    [
        (b"\xff", "name-not-utf8", "\\udcff"),
        (b"a\nb", "name-unportable", "a\nb"),
        (b"a\\b", "name-unportable", "a\\b"),
        (b"\x1b[31m", "name-unportable", "\x1b[31m"),
        ("a\u2028b".encode(), "name-unportable", "a\u2028b"),
        ("a\x85b".encode(), "name-unportable", "a\x85b"),
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_names_that_cannot_be_packed(
    name: bytes, code: str, where: str, folder: bool, tmp_path: Path
) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118
    if folder:
        os.mkdir(path)  # noqa: PTH102
        path += b"/inner"
    with open(path, "wb"):  # noqa: PTH123
        pass
    # One problem, however much is in the folder.
    assert walked(tmp_path) == ([], [(code, f"nipy/templates/{where}")])


def test_names_that_two_systems_take_for_one(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "é.nii")
    decomposed = unicodedata.normalize("NFD", "é.nii")
    for name in (composed, decomposed, "T1.nii", "t1.NII", "single.nii"):
        (tmp_path / name).write_bytes(b"")
    paths, problems = walked(tmp_path)
    assert len(paths) == 5
    assert problems == [
        ("name-collision", "nipy/templates/t1.NII"),
        ("name-collision", f"nipy/templates/{composed}"),
    ]


def test_a_locale_that_cannot_spell_a_name(tmp_path: Path) -> None:
    (tmp_path / "é").write_bytes(b"")
    program = (
        "import sys, pathlib; from nipack.builder.check.structure import walk\n"
        "print(walk(pathlib.Path(sys.argv[1]), 'r')[1][0].remedy)"
    )
    env = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", program, str(tmp_path)]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert run.stdout == "set LC_ALL=C.UTF-8\n"


def test_links_of_datalad_are_known(tmp_path: Path) -> None:
    """What is there is to be unlocked, and what is not to be fetched first."""
    data, store = tmp_path / "data", tmp_path / ".git" / "annex" / "objects"
    data.mkdir()
    store.mkdir(parents=True)
    (store / "there").write_bytes(b"image")
    for name in ("there", "absent"):
        (data / f"{name}.nii.gz").symlink_to(f"../.git/annex/objects/{name}")
    absent, there = walk(data, "nipy/data")[1]
    assert (absent.code, there.code) == ("link-dangling", "link-escapes")
    assert absent.remedy == "fetch it: datalad get absent.nii.gz, then git annex unlock"
    assert there.remedy == "put the file there: git annex unlock"


def problem_of(code: str, where: str = "nipy/templates/atlas/a") -> Problem:
    return problem_at(code, where, "message", "remedy")


def test_an_error_raises_all_there_is(reporter: RecordingReporter) -> None:
    problems = [problem_of("empty-file"), problem_of("special-file")]
    with pytest.raises(DataPackageError) as caught:
        raise_or_warn(problems, TEMPLATES, reporter)
    assert caught.value.problems == tuple(problems)
    assert str(caught.value).splitlines() == [
        "nipy/templates/atlas/a: message; remedy [empty-file]",
        "nipy/templates/atlas/a: message; remedy [special-file]",
    ]
    assert reporter.warnings == []


@pytest.mark.parametrize(
    ("exception", "left"),
    [
        ("{code: empty-file, reason: r}", ["executable"]),
        ("{code: empty-file, path: atlas/*, reason: r}", ["executable"]),
        ("{code: empty-file, path: other/*, reason: r}", ["empty-file", "executable"]),
        ("{code: junk, reason: r}", ["empty-file", "executable"]),
    ],
)
def test_exceptions_keep_warnings_quiet(
    exception: str, left: list[str], tmp_path: Path, reporter: RecordingReporter
) -> None:
    definition = define(tmp_path, f"exceptions: [{exception}]\n")
    raise_or_warn(
        [problem_of("empty-file"), problem_of("executable")],
        definition,
        reporter,
    )
    assert [problem.code for problem in reporter.warnings] == left


def test_no_exception_lets_an_error_pass(tmp_path: Path, reporter: RecordingReporter) -> None:
    definition = define(tmp_path, "exceptions: [{code: special-file, reason: r}]\n")
    with pytest.raises(DataPackageError):
        raise_or_warn([problem_of("special-file")], definition, reporter)


FULL = (
    "license: MIT\ncopyright: [{files: ['*'], holders: [Ada], license: MIT, text: You may.}]\n"
    "summary: brains\ndescription: Brains.\nhomepage: https://example.org\n"
    "maintainer: {name: Ada, email: ada@example.org}\n"
)


@pytest.mark.parametrize(
    ("more", "messages"),
    [
        (f"{FULL}redistribution: verified\n", []),
        (FULL, ["redistribution is unverified"]),
        (f"{FULL}redistribution: forbidden\n", ["redistribution is forbidden"]),
        (
            "redistribution: verified\n",
            [
                "it states no licence",
                "it does not say copyright, summary, description, homepage, maintainer",
            ],
        ),
    ],
)
def test_warnings_of_a_definition(more: str, messages: list[str], tmp_path: Path) -> None:
    definition = define(tmp_path, more)
    assert [problem.message for problem in metadata_warnings(definition)] == messages


def test_the_place_of_a_warning_is_its_field(tmp_path: Path) -> None:
    [problem] = metadata_warnings(define(tmp_path, f"{FULL}redistribution: forbidden\n"))
    line = len((MINIMAL + FULL).splitlines()) + 1
    assert problem.where == f"{tmp_path}/package.yaml:{line}"
