"""The search as data: which roots, why, and what is in each."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.machine import ordinary_user

from nipack.lookup.search import (
    Candidate,
    DataPath,
    SearchSettings,
    _ini_directories,
    candidates,
    find_data_path,
    given_data_path,
    mark_choice,
    newer_than_chosen,
)

RELPATH = os.path.join("nipy", "templates")  # noqa: PTH118


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def install(root: Path, version: str = "0.3") -> Path:
    """Put a data package below a root, and return its directory."""
    return write(root / RELPATH / "config.ini", f"[DEFAULT]\nversion = {version}\n").parent


@pytest.fixture
def open_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a directory that every user can look into: those of pytest are closed to others."""
    with TemporaryDirectory(dir=tmp_path_factory.getbasetemp().parents[1]) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def data_path(tmp_path: Path, prefix: str | None = None, **environ: str) -> DataPath:
    return find_data_path(
        SearchSettings(
            environ=environ,
            user_dir=str(tmp_path / "user"),
            prefix=str(tmp_path / "prefix") if prefix is None else prefix,
            system_dir=str(tmp_path / "system"),
        )
    )


def origins(found: DataPath, within: Path) -> list[tuple[str, str]]:
    return [
        (root.path.replace(str(within), "T"), str(root.origin).replace(str(within), "T"))
        for root in found.roots
    ]


def test_all_roots_in_order_with_what_put_them_there(tmp_path: Path) -> None:
    write(tmp_path / "user/config.ini", "[DATA]\npath = /u1:/u2\n".replace(":", os.pathsep))
    write(tmp_path / "prefix/etc/nipy/b.ini", "[DATA]\npath = /p2\n")
    write(tmp_path / "prefix/etc/nipy/a.ini", "# mine\n[DATA]\npath = /p1\n")
    write(tmp_path / "system/s.ini", "[DATA]\npath = /s%\n")
    found = data_path(tmp_path, NIPY_DATA_PATH=os.pathsep.join(["/e1", "/e2"]))
    assert found.problems == ()
    assert [(path, origin.replace("\\", "/")) for path, origin in origins(found, tmp_path)] == [
        ("/e1", "NIPY_DATA_PATH"),
        ("/e2", "NIPY_DATA_PATH"),
        ("/u1", "T/user/config.ini:2"),
        ("/u2", "T/user/config.ini:2"),
        ("/p1", "T/prefix/etc/nipy/a.ini:3"),
        ("/p2", "T/prefix/etc/nipy/b.ini:2"),
        ("/s%", "T/system/s.ini:2"),
        (os.path.join("T", "prefix", "share", "nipy"), "sys.prefix"),  # noqa: PTH118
        (os.path.join("T", "user"), "user directory"),  # noqa: PTH118
    ]


def test_usr_has_its_ini_files_in_etc_and_a_local_root(tmp_path: Path) -> None:
    write(tmp_path / "system/s.ini", "[DATA]\npath = /s\n")
    found = data_path(tmp_path, prefix="/usr")
    assert [(path.replace("\\", "/"), origin) for path, origin in origins(found, tmp_path)][1:] == [
        ("/usr/share/nipy", "sys.prefix"),
        ("/usr/local/share/nipy", "/usr/local"),
        ("T/user", "user directory"),
    ]
    assert found.roots[0].path == "/s"


def test_usr_etc_is_never_looked_into() -> None:
    assert _ini_directories("/usr", "/etc/nipy") == ["/etc/nipy"]
    own = os.path.join("/opt", "etc", "nipy")  # noqa: PTH118
    assert _ini_directories("/opt", "/etc/nipy") == [own, "/etc/nipy"]


def test_a_prefix_whose_inis_are_the_systems_has_them_once(tmp_path: Path) -> None:
    system = tmp_path / "etc" / "nipy"
    write(system / "s.ini", "[DATA]\npath = /s\n")
    found = find_data_path(
        SearchSettings(environ={}, user_dir="/user", prefix=str(tmp_path), system_dir=str(system))
    )
    assert [root.path for root in found.roots].count("/s") == 1


def test_without_a_system_directory(tmp_path: Path) -> None:
    found = find_data_path(
        SearchSettings(environ={}, user_dir="/user", prefix=str(tmp_path), system_dir=None)
    )
    assert [str(root.origin) for root in found.roots] == ["sys.prefix", "user directory"]


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/mine")
    monkeypatch.setenv("USERPROFILE", "/home/mine")
    write(tmp_path / "user/config.ini", "[DATA]\npath = ~/ini\n")
    found = data_path(tmp_path, NIPY_DATA_PATH=os.pathsep.join(["~/variable", "/a/~/b"]))
    assert [root.path for root in found.roots][:3] == [
        "/home/mine/variable",
        "/a/~/b",
        "/home/mine/ini",
    ]


def test_only_visible_files_named_ini_are_read(tmp_path: Path) -> None:
    for name in ("a.ini~", ".a.ini", "a.ini.dpkg-old", "a.txt"):
        write(tmp_path / "system" / name, "[DATA]\npath = /s\n")
    assert len(data_path(tmp_path).roots) == 2


def test_brackets_in_the_prefix_are_no_pattern(tmp_path: Path) -> None:
    prefix = tmp_path / "env [1] é*"
    if os.name == "nt":
        prefix = tmp_path / "env [1] é"
    write(prefix / "etc/nipy/a.ini", "[DATA]\npath = /found\n")
    assert data_path(tmp_path, prefix=str(prefix)).roots[0].path == "/found"


def test_malformed_inis_are_problems_with_their_line(tmp_path: Path) -> None:
    bad = write(tmp_path / "system/bad.ini", "path = /s\n")
    copy = write(tmp_path / "system/copy.ini", "path = /s\n")
    write(tmp_path / "system/good.ini", "[DATA]\npath = /good\n")
    found = data_path(tmp_path)
    assert found.roots[0].path == "/good"
    assert [(problem.file, problem.line) for problem in found.problems] == [
        (str(bad), 1),
        (str(copy), 1),
    ]
    assert str(found.problems[0]).startswith(f"{bad}:1: no section; write [DATA]")


def test_unreadable_inis_are_problems_without_a_line(tmp_path: Path) -> None:
    (tmp_path / "system" / "directory.ini").mkdir(parents=True)
    (problem,) = data_path(tmp_path).problems
    assert problem.line is None
    assert str(problem).startswith(f"{tmp_path / 'system' / 'directory.ini'}: cannot be read (")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_an_unreadable_directory_of_inis_is_a_problem(open_directory: Path) -> None:
    system = write(open_directory / "system/a.ini", "[DATA]\npath = /a\n").parent
    system.chmod(0)
    with ordinary_user():
        found = data_path(open_directory)
    system.chmod(0o755)
    assert f"{system}: cannot be read (Permission denied)" in str(found.problems[0])
    assert [str(root.origin) for root in found.roots] == ["sys.prefix", "user directory"]


def find(*roots: Path, minimum: str | None = None) -> list[Candidate]:
    return list(candidates(given_data_path(map(str, roots)).roots, RELPATH, minimum))


def test_every_status_and_its_reason(tmp_path: Path) -> None:
    write(tmp_path / "above/nipy", "a file where the umbrella would be")
    write(tmp_path / "file/nipy/templates", "")
    (tmp_path / "empty/nipy/templates").mkdir(parents=True)
    write(tmp_path / "bare/nipy/templates/T1.nii", "")
    write(tmp_path / "malformed/nipy/templates/config.ini", "version = 1.2\n")
    (tmp_path / "unreadable/nipy/templates/config.ini").mkdir(parents=True)
    write(tmp_path / "unversioned/nipy/templates/config.ini", "[DATA]\nversion = 1.2\n")
    install(tmp_path / "odd", "2009c")
    install(tmp_path / "local", "0.3.my build")
    install(tmp_path / "old", "0.2")
    install(tmp_path / "good", "0.10")
    names = [
        "none",
        "above",
        "file",
        "empty",
        "bare",
        "malformed",
        "unreadable",
        "unversioned",
        "odd",
    ]
    names += ["local", "old", "good"]
    found = find(*(tmp_path / name for name in names), minimum="0.9")
    assert [candidate.root.path for candidate in found] == [str(tmp_path / name) for name in names]
    assert [(candidate.status, candidate.version) for candidate in found] == [
        ("absent", None),
        ("absent", None),
        ("not a directory", None),
        ("no config.ini", None),
        ("no config.ini", None),
        ("malformed config.ini", None),
        ("unreadable", None),
        ("no version", None),
        ("malformed version", "2009c"),
        ("version not comparable", "0.3.my build"),
        ("too old", "0.2"),
        ("usable", "0.10"),
    ]
    reasons = [candidate.reason for candidate in found]
    assert reasons[:6] == [
        "not there",
        "not there",
        "not a directory",
        "empty directory",
        "no config.ini",
        "config.ini:1: no section; write [DEFAULT] on a line above this one",
    ]
    assert reasons[6].startswith("config.ini cannot be read (")
    assert reasons[7:] == [
        "config.ini has no version below [DEFAULT]",
        "version '2009c' does not begin with two numbers; write e.g. 2009.0",
        "version '0.3.my build' cannot be compared with 0.9",
        "version 0.2 is older than 0.9",
        "version 0.10",
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_what_may_not_be_read_is_unreadable(open_directory: Path) -> None:
    roots = [open_directory / name for name in ("package", "config", "root")]
    closed = [install(roots[0]), install(roots[1]) / "config.ini", install(roots[2]).parents[1]]
    for path in closed:
        path.chmod(0)
    with ordinary_user():
        found = find(*roots)
    for path in closed:
        path.chmod(0o755)
    assert [(candidate.status, candidate.reason) for candidate in found] == [
        ("unreadable", "config.ini cannot be read (Permission denied)"),
        ("unreadable", "config.ini cannot be read (Permission denied)"),
        ("unreadable", "cannot be read (Permission denied)"),
    ]


def test_a_loop_of_links_and_a_broken_name_are_unreadable(tmp_path: Path) -> None:
    loop = tmp_path / "loop" / "nipy" / "templates"
    loop.parent.mkdir(parents=True)
    try:
        loop.symlink_to(loop)
    except OSError:
        pytest.skip("no symbolic links here")
    assert [candidate.status for candidate in find(tmp_path / "loop", Path("a\0b"))] == [
        "unreadable",
        "unreadable",
    ]


def test_a_place_named_twice_is_looked_at_once(tmp_path: Path) -> None:
    install(tmp_path / "a")
    assert len(find(tmp_path / "a", tmp_path / "a")) == 1


def test_nothing_is_read_beyond_the_first_that_is_asked_for(tmp_path: Path) -> None:
    install(tmp_path / "a")
    late = given_data_path([str(tmp_path / "b")]).roots[0]
    seen = []

    def roots() -> Iterator[object]:
        for root in (*given_data_path([str(tmp_path / "a")]).roots, late):
            seen.append(root)
            yield root

    assert next(candidates(roots(), RELPATH)).status == "usable"  # type: ignore[arg-type]
    assert late not in seen


def test_one_is_chosen_and_hides_the_later(tmp_path: Path) -> None:
    install(tmp_path / "old", "0.2")
    chosen = install(tmp_path / "good", "0.3")
    install(tmp_path / "late", "0.4")
    roots = [tmp_path / name for name in ("none", "old", "good", "late", "gone")]
    found = mark_choice(find(*roots, minimum="0.3"))
    assert [candidate.status for candidate in found] == [
        "absent",
        "too old",
        "chosen",
        "hidden",
        "absent",
    ]
    assert found[3].reason == f"version 0.4, hidden by {chosen}"


def test_a_hidden_version_that_cannot_be_compared_is_not_newer(tmp_path: Path) -> None:
    for name, version in (("good", "0.3"), ("odd", "0.4.my build"), ("late", "0.10")):
        install(tmp_path / name, version)
    found = mark_choice(find(*(tmp_path / name for name in ("good", "odd", "late"))))
    assert [each.status for each in found] == ["chosen", "hidden", "hidden"]
    assert [each.version for each in newer_than_chosen(found)] == ["0.10"]


def test_what_comes_before_the_chosen_one_is_not_newer(tmp_path: Path) -> None:
    for name, version in (("good", "0.3"), ("late", "0.10")):
        install(tmp_path / name, version)
    chosen, hidden = mark_choice(find(tmp_path / "good", tmp_path / "late"))
    assert list(newer_than_chosen([hidden, chosen])) == []
    assert list(newer_than_chosen([hidden])) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_folder_that_may_not_be_listed_is_not_called_empty(open_directory: Path) -> None:
    package = open_directory / RELPATH
    package.mkdir(parents=True)
    package.chmod(0o111)
    with ordinary_user():
        found = find(open_directory)
    package.chmod(0o755)
    assert [(each.status, each.reason) for each in found] == [("no config.ini", "no config.ini")]


def test_what_is_installed_later_is_found_by_the_next_search(tmp_path: Path) -> None:
    assert find(tmp_path)[0].status == "absent"
    package = install(tmp_path)
    assert find(tmp_path)[0].status == "usable"
    (package / "config.ini").write_text("[DEFAULT]\nversion = 0.4\n")
    assert find(tmp_path)[0].version == "0.4"


def test_a_relative_path_in_an_ini_of_the_prefix_is_taken_from_the_prefix(tmp_path: Path) -> None:
    """A wheel does not know which prefix its ini will be in."""
    prefix, system = tmp_path / "prefix", tmp_path / "system"
    write(prefix / "etc/nipy/a.ini", "[DATA]\npath = share/nipy:/absolute:../other\n")
    write(system / "b.ini", "[DATA]\npath = share/nipy\n")
    settings = SearchSettings(
        environ={}, user_dir=str(tmp_path / "user"), prefix=str(prefix), system_dir=str(system)
    )
    paths = [root.path for root in find_data_path(settings).roots]
    assert paths[:4] == [
        str(prefix / "share/nipy"),
        "/absolute",
        str(tmp_path / "other"),
        "share/nipy",
    ]
