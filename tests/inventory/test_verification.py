"""`nipack.verify`: what is wrong with each file of an installed copy."""

import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.machine import Machine, add_records, install, make_machine, ordinary_user, write

import nipack
from nipack.data import DataError
from nipack.inventory import verification
from nipack.inventory.verification import FileProblem, Verification, is_failure


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = make_machine(tmp_path / "a mächine", monkeypatch)
    data = install(machine.own_root)
    for name in ("T1.nii.gz", "2mm/T1.nii.gz", "notes é.txt"):
        write(data / name, f"{name}\n" * 1000)
    (data / "default.nii.gz").symlink_to("2mm/T1.nii.gz")
    (data / "default").symlink_to("2mm")
    add_records(machine.prefix)
    return machine


def checked(*places: str, quick: bool = False) -> Verification:
    [found] = nipack.verify(*(places or ("nipy/templates",)), quick=quick)
    return found


def damage(quick: bool = False) -> list[tuple[str, str]]:
    return [(each.path, each.damage) for each in checked(quick=quick).problems]


@pytest.fixture
def data(machine: Machine) -> Path:
    return machine.own_root / "nipy/templates"


@pytest.mark.parametrize("quick", [True, False])
def test_an_intact_copy(machine: Machine, quick: bool) -> None:
    before = {*threading.enumerate()}
    found = checked(quick=quick)
    assert {*threading.enumerate()} <= before, "no thread is left"
    assert (found.state, found.problems, found.files) == ("intact", (), 4)
    assert found.manifest == str(machine.prefix / "share/nipack/nipy-templates/SHA256SUMS")
    assert (found.relpath, found.version, found.quick) == ("nipy/templates", "0.3", quick)


def test_each_kind_of_damage_is_named(data: Path) -> None:
    (data / "T1.nii.gz").write_text("T1.nii.gz\n" * 999)
    (data / "2mm/T1.nii.gz").unlink()
    (data / "notes é.txt").write_text("Notes é.txt\n" * 1000)
    (data / "extra").mkdir()
    (data / "extra/._T1").touch()
    assert damage(quick=True) == [
        ("2mm/T1.nii.gz", "missing"),
        ("T1.nii.gz", "truncated"),
        ("extra/._T1", "extra"),
    ]
    assert damage() == [*damage(quick=True), ("notes é.txt", "changed")]
    assert str(checked().problems[1]) == "T1.nii.gz: truncated (9,990 bytes instead of 10,000)"


def test_a_file_that_grew_is_changed(data: Path) -> None:
    (data / "T1.nii.gz").write_text("T1.nii.gz\n" * 1001)
    assert damage(quick=True) == [("T1.nii.gz", "changed")]


def test_without_sizes_a_truncated_file_is_a_changed_one(machine: Machine, data: Path) -> None:
    write(machine.prefix / "share/nipack/nipy-templates/package.json", "{}")
    (data / "T1.nii.gz").write_text("")
    assert damage(quick=True) == []
    assert damage() == [("T1.nii.gz", "changed")]


def test_a_link_that_leads_elsewhere_is_changed(data: Path) -> None:
    (data / "default").unlink()
    (data / "default").symlink_to("1mm")
    assert damage(quick=True) == [("default", "changed")]
    (data / "default").unlink()
    assert damage() == [("default", "missing")]


def test_a_copy_without_links_is_intact(data: Path) -> None:
    """As a wheel's, and that of a file system that knows no links."""
    for link in ("default", "default.nii.gz"):
        (data / link).unlink()
    shutil.copy(data / "2mm/T1.nii.gz", data / "default.nii.gz")
    shutil.copytree(data / "2mm", data / "default")
    assert damage() == []
    (data / "default/T1.nii.gz").write_text("2mm/t1.nii.gz\n" * 1000)
    assert damage() == [("default/T1.nii.gz", "changed")]


def test_no_more_files_stand_for_links_than_may(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "default.nii.gz").unlink()
    shutil.copy(data / "2mm/T1.nii.gz", data / "default.nii.gz")
    (data / "default").unlink()
    shutil.copytree(data / "2mm", data / "default")
    monkeypatch.setattr(verification, "MOST_BEHIND_LINKS", 2)
    assert checked().state == "intact"
    monkeypatch.setattr(verification, "MOST_BEHIND_LINKS", 1)
    assert "more than 1 files would stand for its links; install" in str(checked().reason)


def test_a_loop_of_links_is_no_end(data: Path) -> None:
    (data / "loop").symlink_to(".")
    (data / "T1.nii.gz").unlink()
    (data / "T1.nii.gz").symlink_to("T1.nii.gz")
    assert ("loop", "extra") in damage()
    assert ("T1.nii.gz", "unreadable") in damage() or ("T1.nii.gz", "truncated") in damage()


@pytest.mark.skipif(sys.platform == "win32", reason="chmod closes no file there")
def test_a_file_that_may_not_be_read(data: Path) -> None:
    for directory in [data, *data.parents][:-2]:
        directory.chmod(0o755)
    (data / "T1.nii.gz").chmod(0)
    with ordinary_user():
        assert damage() == [("T1.nii.gz", "unreadable")]


def test_data_whose_files_are_all_gone_is_missed(data: Path) -> None:
    shutil.rmtree(data)
    [found] = nipack.verify()
    assert (found.state, len(found.problems)) == ("damaged", 6)
    assert {problem.damage for problem in found.problems} == {"missing"}


def test_every_copy_is_checked(machine: Machine) -> None:
    shutil.copytree(machine.prefix / "share", machine.home / "share", symlinks=True)
    write(machine.home / ".nipy/config.ini", f"[DATA]\npath = {machine.home / 'share/nipy'}\n")
    install(machine.home / ".nipy", "0.4")
    (machine.own_root / "nipy/templates/T1.nii.gz").unlink()
    assert [each.state for each in nipack.verify("nipy/templates")] == [
        "intact",
        "damaged",
        "not checked",
    ]
    assert nipack.verify() == nipack.verify("nipy/templates")


def test_a_copy_anywhere_is_checked_against_the_manifest_beside_it(machine: Machine) -> None:
    share = machine.directory / "net" / "nipy-templates-0.3"
    shutil.copytree(machine.own_root / "nipy/templates", share / "templates", symlinks=True)
    shutil.copy(machine.prefix / "share/nipack/nipy-templates/SHA256SUMS", share)
    (share / "templates/T1.nii.gz").write_text("")
    found = checked(str(share / "templates"))
    assert found.manifest == str(share / "SHA256SUMS")
    assert [problem.path for problem in found.problems] == ["T1.nii.gz"]


def test_a_copy_is_checked_against_the_manifest_of_another(machine: Machine) -> None:
    """The payload of a version is one, wherever it is."""
    net = machine.directory / "net/nipy/templates"
    shutil.copytree(machine.own_root / "nipy/templates", net, symlinks=True)
    found = checked(str(net))
    assert found.state == "intact"
    assert found.reason == f"checked against the manifest of {machine.own_root}/nipy/templates"
    write(net / "config.ini", "[DEFAULT]\nversion = 0.2\n")
    assert checked(str(net)).state == "not checked"
    manifest = machine.prefix / "share/nipack/nipy-templates/SHA256SUMS"
    [found] = nipack.verify(str(net), manifest=str(manifest))
    assert [problem.path for problem in found.problems] == ["config.ini"]


def test_places_without_data(machine: Machine) -> None:
    with pytest.raises(DataError, match="nipy/data is not installed"):
        nipack.verify("nipy/data")
    with pytest.raises(DataError, match="is not a directory"):
        nipack.verify(str(machine.directory / "none"))


@pytest.mark.parametrize("text", ["nonsense\n", "\xff", "0" * 64 + "  share/x\n"])
def test_a_malformed_manifest_is_damage(machine: Machine, text: str) -> None:
    manifest = machine.prefix / "share/nipack/nipy-templates/SHA256SUMS"
    manifest.write_text(text, "latin-1")
    found = checked()
    assert found.state == "damaged"
    assert str(manifest) in found.reason


def test_the_malformed_manifest_of_another_package_is_none_of_it(machine: Machine) -> None:
    write(machine.prefix / "share/nipack/a-data/SHA256SUMS", "nonsense\n")
    write(machine.prefix / "share/nipack/a-data/package.json", "nonsense\n")
    folder = machine.prefix / "share/nipack"
    (folder / "nipy-templates").rename(folder / "templates-of-mine")
    assert checked().state == "intact"


def test_each_byte_is_counted_once(machine: Machine) -> None:
    said: list[tuple[int, int]] = []
    [found] = nipack.verify(progress=lambda done, total: said.append((done, total)))
    assert said[-1] == (found.size, found.size)
    assert {total for _, total in said} == {found.size}
    assert [done for done, _ in said] == sorted(done for done, _ in said)


def test_binary_marks_of_other_tools_are_read(machine: Machine) -> None:
    manifest = machine.prefix / "share/nipack/nipy-templates/SHA256SUMS"
    text = manifest.read_text("utf-8").replace("  share", " *share")
    manifest.write_text(f"# made by hand\n\n{text}", "utf-8")
    assert checked().state == "intact"


def test_relative_directories(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machine.own_root / "nipy")
    assert checked(f".{os.sep}templates").state == "intact"


def test_a_name_is_one_line_without_a_terminals_commands(data: Path) -> None:
    (data / "a\nb: \x1b[31mé").touch()
    [problem] = checked().problems
    assert str(problem) == r"a\nb: \x1b[31mé: extra"
    assert problem.path == "a\nb: \x1b[31mé"


@pytest.mark.skipif(sys.platform != "linux", reason="names are texts elsewhere")
def test_the_bytes_of_a_name_that_is_no_text_are_kept(data: Path) -> None:
    for name in (b"a\x80", b"b\xff"):
        (data / os.fsdecode(name)).touch()
    assert [str(each) for each in checked().problems] == ["a\udc80: extra", "b\udcff: extra"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in directories")
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_has_no_end_is_not_read(data: Path, kind: str) -> None:
    (data / "T1.nii.gz").unlink()
    if kind == "pipe":
        os.mkfifo(data / "T1.nii.gz")
    else:
        (data / "T1.nii.gz").symlink_to("/dev/zero")
    write(data.parents[2] / "nipack/nipy-templates/package.json", "{}")
    [problem] = checked().problems
    assert str(problem) == "T1.nii.gz: changed (it is not a regular file)"


def test_what_conda_leaves_is_called_by_its_name(data: Path) -> None:
    (data / "2mm.c~").symlink_to("1mm")
    [problem] = nipack.verify("nipy/templates")[0].problems
    assert str(problem).startswith("2mm.c~: extra (conda leaves it where it replaces a link")


@pytest.mark.skipif(sys.platform == "win32", reason="a signal is sent to no thread there")
def test_ctrl_c_does_not_wait_for_the_end_of_a_large_file(
    data: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 parts of a file would each take a millisecond."""
    monkeypatch.setattr(verification, "CHUNK", 100)
    write(data / "large", "x" * 1_000_000)
    shutil.rmtree(machine.prefix / "share/nipack")
    add_records(machine.prefix)
    parts: list[int] = []

    def interrupted(read: int, total: int) -> None:
        if not parts:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        parts.append(read)
        time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt):
        nipack.verify("nipy/templates", progress=interrupted)
    assert 0 < len(parts) < 10_000


def test_what_is_extra_is_counted_apart_from_what_is_spoiled(data: Path) -> None:
    assert checked().extent == ""
    (data / "more.txt").touch()
    assert checked().extent == "1 extra"
    (data / "T1.nii.gz").unlink()
    assert checked().extent == "1 of 4 files, 1 extra"
    (data / "more.txt").unlink()
    assert checked().extent == "1 of 4 files"


def test_each_problem_is_told_with_its_reason(machine: Machine, data: Path) -> None:
    (data / "T1.nii.gz").write_text("T1.nii.gz\n" * 999)
    (data / "2mm/T1.nii.gz").write_text("x" * 99_999)
    (data / "notes é.txt").write_text("Notes é.txt\n" * 1000)
    (data / "config.ini").unlink()
    (data / "default").unlink()
    (data / "default.nii.gz").unlink()
    (data / "default.nii.gz").symlink_to("T1.nii.gz")
    (data / "a.c~").touch()
    (data / "b").touch()
    kept = "conda leaves it where it replaces a link to a folder; it can be removed"
    glances = [
        "2mm/T1.nii.gz: changed (99,999 bytes instead of 14,000)",
        "T1.nii.gz: truncated (9,990 bytes instead of 10,000)",
        f"a.c~: extra ({kept})",
        "b: extra",
        "config.ini: missing",
        "default: missing (a link to 2mm)",
        "default.nii.gz: changed (a link to T1.nii.gz instead of 2mm/T1.nii.gz)",
    ]
    assert [str(each) for each in checked(quick=True).problems] == glances
    assert [each.reason for each in checked(quick=True).problems][3:5] == ["", ""]
    found = checked()
    assert [str(each) for each in found.problems] == [
        *glances,
        "notes é.txt: changed (its sha256 differs)",
    ]
    assert (found.state, found.quick, found.reason, found.files) == ("damaged", False, "", 4)
    assert found.extent == "6 of 4 files, 2 extra"
    assert found.size == 9_990 + 99_999 + len("Notes é.txt\n".encode()) * 1000


@pytest.mark.parametrize(
    ("damage", "extent"),
    [
        ([], ""),
        (["missing", "changed"], "2 of 7 files"),
        (["extra"], "1 extra"),
        (["extra", "unreadable", "extra"], "1 of 7 files, 2 extra"),
    ],
)
def test_how_much_is_spoiled_and_how_much_is_extra(
    machine: Machine, damage: list[str], extent: str
) -> None:
    problems = tuple(
        FileProblem(path="a", damage=each, reason="")  # type: ignore[arg-type]
        for each in damage
    )
    assert checked().replace(problems=problems, files=7).extent == extent


@pytest.mark.parametrize(
    ("states", "asked", "alone"),
    [
        ([], False, False),
        (["intact"], False, False),
        (["intact", "not checked"], True, False),
        (["intact", "damaged"], True, True),
    ],
)
def test_what_could_not_be_checked_fails_where_it_was_asked_for(
    machine: Machine, states: list[str], asked: bool, alone: bool
) -> None:
    found = [checked().replace(state=state) for state in states]
    assert is_failure(found, asked_for=True) is asked
    assert is_failure(found, asked_for=False) is alone


def test_a_path_of_a_problem_is_one_line() -> None:
    for name in ("a\x1b\n", "é ", "\u202e", *map(chr, (0xD800, 0xDC7F, 0xDC80, 0xDCFF, 0xDD00))):
        problem = FileProblem(path=name, damage="extra", reason="")
        kept = name.isprintable() or 0xDC80 <= ord(name[0]) <= 0xDCFF
        shown = (
            name
            if kept
            else "".join(
                each if each.isprintable() else each.encode("unicode_escape").decode()
                for each in name
            )
        )
        assert str(problem) == f"{shown}: extra"


def test_what_is_in_the_place_of_a_link_is_what_the_link_led_to(data: Path) -> None:
    for name in ("default", "default.nii.gz"):
        (data / name).unlink()
    (data / "default").mkdir()
    shutil.copy(data / "2mm/T1.nii.gz", data / "default/T1.nii.gz")
    (data / "default.nii.gz").write_text("other")
    assert [str(each) for each in checked().problems] == [
        "default.nii.gz: changed (its sha256 differs)"
    ]
    assert checked().files == 6
    (data / "default").joinpath("T1.nii.gz").unlink()
    (data / "default").rmdir()
    (data / "default").symlink_to("2mm")
    assert [str(each) for each in checked().problems] == [
        "default.nii.gz: changed (its sha256 differs)"
    ]


def test_what_was_asked_for_by_its_path_has_the_name_of_its_folders(
    machine: Machine, data: Path
) -> None:
    copy = shutil.copytree(data, machine.directory / "some" / "where", symlinks=True)
    found = checked(str(copy))
    assert (found.relpath, found.path, found.version) == (None, str(copy), "0.3")
    assert (found.state, found.reason) == ("not checked", "it has no SHA256SUMS")
    assert (found.files, found.size, found.manifest) == (0, 0, None)
