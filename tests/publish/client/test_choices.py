"""What `nipack get` takes, what it leaves, and what it says: of repositories of a few files."""

import shutil
from pathlib import Path

import pytest
from tests.builder.samples import RecordingReporter
from tests.publish.client.repositories import Lab

from nipack.publish.client import get as getting
from nipack.publish.client.get import Got, get
from nipack.publish.client.known import KnownRepository
from nipack.publish.errors import RepositoryError


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def got(root: Path, *known: KnownRepository, name: str = "nipy-x") -> Got:
    return get(name, list(known), root, RecordingReporter())


def refusal(root: Path, *known: KnownRepository, name: str = "nipy-x") -> str:
    with pytest.raises(RepositoryError) as caught:
        got(root, *known, name=name)
    return str(caught.value)


def tree(folder: Path) -> dict[str, str]:
    """Return what is in a folder but for the lock and downloads that may go on."""
    return {
        path.relative_to(folder).as_posix(): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if (path.is_file() or path.is_symlink())
        and not {"lock", "partial"} & {*path.relative_to(folder).parts}
    }


def test_all_of_a_package_and_no_more_is_below_the_root(lab: Lab, root: Path) -> None:
    row = lab.put(links={"here": "deep/a", "deep/up": "../config.ini"})
    reporter = RecordingReporter()
    answer = get("nipy-x", [lab.known()], root, reporter)
    assert answer == Got(
        name="nipy-x", version="1.0", relpath="nipy/x", directory=root / "nipy/x",
        repository="lab", new=True,
    )  # fmt: skip
    found = tree(root)
    assert found.pop("share/nipack/nipy-x/package.json")
    manifest = found.pop("share/nipack/nipy-x/SHA256SUMS").splitlines()
    assert [line.partition(" ")[2].strip() for line in manifest] == [
        "nipy/x/config.ini", "nipy/x/deep/a",
        "symlink nipy/x/here -> deep/a", "symlink nipy/x/deep/up -> ../config.ini",
    ]  # fmt: skip
    assert found == {
        "nipy/x/config.ini": "[DEFAULT]\n", "nipy/x/deep/a": "a", "nipy/x/here": "-> deep/a",
        "nipy/x/deep/up": "-> ../config.ini",
        "share/nipack/nipy-x/payload-id": f"{row['payload_id']}\n",
    }  # fmt: skip
    size = row["artifacts"][0]["size"]
    assert reporter.steps == {"download": [size, size], "unpack": [11, 11]}
    assert [each.name for each in (root / ".nipack").iterdir() if any(each.glob("*"))] == []


def test_what_is_there_is_not_got_again(lab: Lab, root: Path) -> None:
    row = lab.put()
    assert got(root, lab.known()).new
    left = root / ".nipack/partial" / row["artifacts"][0]["sha256"]
    left.mkdir(parents=True)
    (lab.folder / "nipy-x-1.0.whl").unlink()
    again = got(root, lab.known(), name="nipy/x")
    assert (again.new, again.directory) == (False, root / "nipy/x")
    assert not left.exists(), "what a call that was killed had left is gone"
    shutil.rmtree(root / "nipy/x")
    assert "is not there" in refusal(root, lab.known()), "what was deleted is got again"


def test_a_newer_version_takes_the_place_of_the_old(lab: Lab, root: Path) -> None:
    lab.put(files={"old": b"1"})
    got(root, lab.known())
    lab.rows.clear()
    lab.put(version="2.0", files={"new": b"2"})
    assert got(root, lab.known()).version == "2.0"
    assert {path: text for path, text in tree(root).items() if path.startswith("nipy/")} == {
        "nipy/x/new": "2"
    }


def test_data_that_others_put_there_is_left(lab: Lab, root: Path) -> None:
    lab.put()
    (root / "nipy/x").mkdir(parents=True)
    (root / "nipy/x/mine").write_text("mine", "utf-8")
    said = refusal(root, lab.known())
    assert said == (
        f"{root / 'nipy/x'}: exists, but nipack get did not make it, so it is not replaced; move "
        "it away, or choose another folder with --into"
    )
    assert tree(root) == {"nipy/x/mine": "mine"}


@pytest.mark.parametrize("relpath", ["../x", "nipy", "/nipy/x", "nipy/../x", "nipy/x\n", ".a/b"])
def test_a_relpath_that_leads_elsewhere_is_refused(relpath: str, lab: Lab, root: Path) -> None:
    lab.put()["relpath"] = relpath
    assert "is not a relpath; tell whoever runs Ada's lab" in refusal(root, lab.known())
    assert not root.exists()


@pytest.mark.parametrize("digest", ["../../x", "0" * 63, "0" * 65, "G" * 64, ""])
def test_what_is_no_digest_names_no_folder(digest: str, lab: Lab, root: Path) -> None:
    lab.put()["artifacts"][0]["sha256"] = digest
    assert refusal(root, lab.known()) == f"nipy-x: '{digest}' is not a digest"


@pytest.mark.parametrize(
    ("wanted", "near"),
    [("x", "nipy-x"), ("nipy-x==1.0", "nipy-x"), ("NIPY-X", "nipy-x"), ("niyp-x", "nipy-x"),
     ("templates", None)],
)  # fmt: skip
def test_a_name_that_is_nearly_one_is_told(
    wanted: str, near: str | None, lab: Lab, root: Path
) -> None:
    lab.put()
    lab.put(name="\x1b[31mnipy-x")
    said = refusal(root, lab.known(), name=wanted)
    assert (f"; did you mean {near}? Or add the one that has it:" in said) == (near is not None)
    assert "\x1b" not in said
    assert ("check the name" in said) == (near is None)


def test_which_of_several_repositories_is_asked(tmp_path: Path, root: Path) -> None:
    old, new = Lab(tmp_path / "old", title="Old"), Lab(tmp_path / "new", name="new", title="New")
    assert refusal(root) == (
        "nipy-x: there is no repository to get it from; add one: nipack repository add ADDRESS"
    )
    assert refusal(root, old.known(), new.known()) == (
        "nipy-x: no repository that you have added has it (Old, New); check the name, or add the "
        "one that has it: nipack repository add ADDRESS"
    )
    old.put(date="2026-11-01T12:00:00Z")
    retracted = new.put(version="2.0", date="2026-11-02T12:00:00Z", retracted="wrong")
    assert got(root, old.known(), new.known()).repository == "lab"
    assert refusal(root, new.known()) == (
        "nipy-x: is retracted: wrong; ask its authors what to use instead"
    )
    del retracted["retracted"]
    answer = got(root, old.known(), new.known())
    assert (answer.repository, answer.version) == ("new", "2.0")
    retracted["date"] = old.rows[0]["date"]
    shutil.rmtree(root)
    assert got(root, old.known(), new.known()).repository == "lab", "the first of two the same"


def test_the_smallest_artifact_that_can_be_read_is_taken(lab: Lab, root: Path) -> None:
    row = lab.put()
    [good] = row["artifacts"]
    damaged = lab.folder / "damaged.whl"
    damaged.write_bytes(b"PK")
    row["artifacts"] = [
        {**good, "ecosystem": "unheard-of", "size": 1},
        {**good, "path": "away.whl", "size": good["size"] + 1},
        good,
        lab.artifact(damaged),
    ]
    assert got(root, lab.known()).new
    shutil.rmtree(root)
    row["artifacts"] = [lab.artifact(damaged)]
    said = refusal(root, lab.known())
    assert said.startswith("damaged.whl: is damaged, or is not a .whl that can be read: ")
    assert said.endswith("; tell whoever runs the repository")
    assert tree(root) == {}
    row["artifacts"] = None
    assert refusal(root, lab.known()) == (
        "nipy-x: Ada's lab has it in no format that can be unpacked here; install it with its "
        "package manager, or tell whoever runs the repository"
    )


def test_another_payload_than_the_list_s_is_refused(lab: Lab, root: Path) -> None:
    row = lab.put()
    is_, row["payload_id"] = row["payload_id"], "f" * 64
    assert f"has the payload {is_[:16]}, and the repository's list says {'f' * 16};" in refusal(
        root, lab.known()
    )


@pytest.mark.parametrize("target", ["../../out", "/etc/passwd", "deep/../../out"])
def test_a_link_that_leads_out_is_not_made(target: str, lab: Lab, root: Path) -> None:
    lab.put(links={"link": target})
    assert "leads out of the data; nothing of it is unpacked" in refusal(root, lab.known())
    assert tree(root) == {}


def test_what_a_killed_call_moved_away_is_back(lab: Lab, root: Path) -> None:
    row = lab.put()
    got(root, lab.known())
    work = root / ".nipack/unpacked-1"
    (work / "data").mkdir(parents=True)
    (root / "nipy/x").rename(work / "old")
    (work / "relpath").write_text("nipy/x", "utf-8")
    (lab.folder / "nipy-x-1.0.whl").unlink()
    assert not got(root, lab.known()).new
    assert not work.exists()
    # Until all is done the records say so, and it is done again.
    (root / "share/nipack/nipy-x/payload-id").write_text("unfinished\n", "utf-8")
    assert "is not there" in refusal(root, lab.known())
    lab.rows.clear()
    assert lab.put()["payload_id"] == row["payload_id"]
    assert got(root, lab.known()).new


@pytest.mark.parametrize("fails_at", [1, 2, 3])
@pytest.mark.parametrize("was_there", [True, False])
def test_an_error_while_it_is_put_leaves_all_as_it_was(
    fails_at: int, was_there: bool, lab: Lab, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if was_there:
        lab.put(files={"old": b"1"})
        got(root, lab.known())
    before = tree(root) if was_there else {}
    lab.rows.clear()
    lab.put(version="2.0", files={"new": b"2"})
    write, calls = getting._write, 0

    def fail(path: Path, text: str) -> None:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise RepositoryError("the disk is full")
        write(path, text)

    monkeypatch.setattr(getting, "_write", fail)
    assert refusal(root, lab.known()) == "the disk is full"
    monkeypatch.undo()
    assert tree(root) == before
    assert got(root, lab.known()).version == "2.0"


def test_a_part_is_the_one_that_the_whole_wants(lab: Lab) -> None:
    row = lab.put(name="nipy-x-one", version="1.0")
    wanted = {"version": "1.0", "payload_id": row["payload_id"]}
    assert getting._part_row(lab.known(), "nipy-x", "nipy-x-one", wanted) == row

    def said(name: str) -> str:
        with pytest.raises(RepositoryError) as caught:
            getting._part_row(lab.known(), "nipy-x", name, wanted)
        return str(caught.value)

    assert said("nipy-x-two") == (
        "nipy-x: wants its part nipy-x-two 1.0, and Ada's lab has no nipy-x-two; tell whoever runs "
        "the repository"
    )
    row["payload_id"] = "0" * 64
    assert "Ada's lab has nipy-x-one 1.0 of another content; " in said("nipy-x-one")
    row |= {"payload_id": wanted["payload_id"], "retracted": "wrong"}
    assert said("nipy-x-one").startswith("nipy-x-one: is retracted: wrong; ")


def test_records_are_written_whole_and_names_as_they_are(tmp_path: Path) -> None:
    getting._write(tmp_path / "a" / "b", "c\udcff")
    assert (tmp_path / "a" / "b").read_bytes() == b"c\xff\n"
    (tmp_path / "payload-id").write_text("0a1b\n", "ascii")
    assert getting._payload_id(tmp_path) == "0a1b"
    assert getting._payload_id(tmp_path / "a") is None


def test_the_artifacts_that_can_be_read_are_offered_by_their_size() -> None:
    sizes = {"pip": 30, "apt": 4, "other": 1, "conda": 200}
    row = {"artifacts": [{"ecosystem": name, "size": size} for name, size in sizes.items()]}
    found = [(ecosystem.name, each["size"]) for ecosystem, each in getting._offered(row)]
    assert found == [("apt", 4), ("pip", 30), ("conda", 200)]
    assert getting._offered({}) == getting._offered({"artifacts": None}) == []


def test_what_has_no_date_is_older_than_what_has_one(tmp_path: Path) -> None:
    labs = [Lab(tmp_path / name) for name in ("undated", "dated", "later")]
    for lab, date in zip(labs, ("", "2026-11-20", "2026-11-21"), strict=True):
        row = lab.put()
        del row["date"]
        if date:
            row["date"] = date
    undated, dated, later = (lab.known() for lab in labs)
    assert getting._choice("nipy-x", [undated, dated])[0] is dated
    assert getting._choice("nipy-x", [dated, later, undated])[0] is later
    assert getting._choice("nipy-x", [undated, undated])[0] is undated


def test_data_of_no_file_is_an_empty_folder(lab: Lab, root: Path) -> None:
    lab.put(files={})
    lab.write()
    found = got(root, lab.known())
    assert list(found.directory.iterdir()) == []
