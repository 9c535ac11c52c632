"""Each sign is seen in each place, its false friends in none, and nothing makes the search fail."""

import gzip
import importlib
import json
import random
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.nifti1 import Nifti1Extension
from tests.builder.check.made_up_people import TRAITS
from tests.builder.check.private_files import FREE, LABELLED, data_set, gifti, written
from tests.conftest import REPOSITORY

from nipack.builder.check import privacy
from nipack.builder.check.places import PLACES
from nipack.builder.rules import RULES
from nipack.system.errors import Problem

# Without types of its own.
freesurfer: Any = importlib.import_module("nibabel.freesurfer.io")


def found(folder: Path, name: str, content: bytes) -> list[Problem]:
    """Return what `check` says of the words in a file."""
    path = folder / name
    path.write_bytes(content)
    start = content[: 1 << 15]
    where = f"nipy/x/{name}"
    said = privacy.file_problems(path, where, start, len(content))
    return [*privacy.gzip_problems(start, where), *said]


def codes(problems: Collection[Problem]) -> set[str]:
    return {problem.code for problem in problems}


# With a label, as each of the places in LABELLED has it.
SIGNS = [
    ("PatientName", "Lovelace^Ada", "privacy-person"),
    ("PatientName", "Ada Lovelace", "privacy-person"),
    ("PatientName", "Colin Firth", "privacy-person"),
    ("PatientName", "Testa^Bert", "privacy-person"),
    ("PatientName", "山田^太郎", "privacy-person"),
    ("PatientName", "Иванов^Иван", "privacy-person"),
    ("ReferringPhysicianName", "Snow^John", "privacy-person"),
    ("PatientBirthDate", "19791210", "privacy-person"),
    ("PatientBirthDate", "1979-12-10", "privacy-person"),
    ("PatientID", "MRN-0045812", "privacy-person"),
    ("PatientAddress", "St James's Square", "privacy-person"),
    ("StudyDate", "20140805", "privacy-session"),
    ("AcquisitionDateTime", "2014-08-05T11:27:34", "privacy-session"),
    ("AccessionNumber", "A1234567", "privacy-session"),
    ("StudyInstanceUID", "1.3.12.2.1107.5.2.32.35078.3000001112", "privacy-session"),
]
# Without a label, in any place.
TEXTS = [
    ("Lovelace^Ada", "privacy-person"),
    ("O'Brien^Mary Jane", "privacy-person"),
    ("Müller^Jörg", "privacy-person"),
    ("/home/ada/x", "privacy-account"),
    ("/Users/ada/x", "privacy-account"),
    ("/homes/4/greve/x", "privacy-account"),
    ("C:\\Users\\ada\\x", "privacy-account"),
    ("\\\\lab\\home\\ada\\x", "privacy-account"),
    ("[ada@host: Mon] 3d", "privacy-account"),
]


@pytest.mark.parametrize("place", LABELLED)
def test_a_value_with_its_label(place: str, tmp_path: Path) -> None:
    for label, value, code in SIGNS:
        problems = found(tmp_path, *written(place, label, value))
        assert [each.code for each in problems] == [code], (label, value)
        assert problems[0].where.startswith("nipy/x/")


# A text of many kinds of bytes may by chance look like a name with a caret.
NOT_LOOSE = {"MINC"}


@pytest.mark.parametrize("place", [*FREE, *LABELLED])
def test_a_text_that_gives_somebody_away(place: str, tmp_path: Path) -> None:
    for text, code in TEXTS:
        wanted = set() if place in NOT_LOOSE and code == "privacy-person" else {code}
        assert codes(found(tmp_path, *written(place, "", text))) == wanted, text


FRIENDS = [
    # names that are nobody's
    ("", "Smith-Waterman"), ("", "Brodmann area 4"), ("", "MNI152NLin2009cAsym"), ("", "Colin27"),
    ("", "x^2 + y^2"), ("", "mm^2/s"), ("", "10^3"), ("", "FSL5.0"), ("", "3.2a"),
    ("StudyDescription", "CBU^Neuroimaging"), ("ProtocolName", "Head^Routine"),
    ("SubjectName", "fsaverage5"), ("SubjectName", "colin27"), ("SubjectName", "sub-01"),
    ("Name", "Ada Lovelace Atlas"), ("Authors", "Ada Lovelace"),
    ("PatientName", "anonymous"), ("PatientName", ""), ("PatientName", "ANON12"),
    ("PatientName", "Phantom EPI"), ("PatientName", "05aug14test"), ("PatientName", "sub-MNI01"),
    ("PatientPosition", "HFS"), ("PatientSex", "F"), ("PatientAge", "035Y"),
    # dates that are no one's
    ("date", "2023-05-01"), ("DateReleased", "2023-05-01"), ("", "2009-06-15"),
    ("PatientBirthDate", "19000101"), ("PatientBirthDate", "1979"),
    ("StudyDate", "18990615"), ("AcquisitionDateTime", "1924-12-31T10:00:00"),
    ("AcquisitionTime", "11:27:34.000000"), ("acq_time", "n/a"), ("ContentTime", "112734"),
    # numbers that are of a program, an image or a template
    ("version", "5.0.11"), ("SoftwareVersions", "syngo MR E11"), ("PatientID", "sub-1001"),
    ("PatientID", "007"), ("Identifier", "MNI152"), ("AccessionNumber", "0"),
    ("DeviceSerialNumber", "35078"), ("StationName", "MEDPC"),
    ("InstitutionName", "University Hospital"), ("InstitutionAddress", "Main Street 1"),
    # folders and addresses of everybody
    ("", "/usr/share/fsl/5.0"), ("", "/home/runner/w"), ("", "/Users/Shared/x"),
    ("", "C:\\Users\\Public\\x"), ("", "https://example.org/home/research"),
    ("", "[1@2]"), ("UserName", "root"), ("", "homes/atlas"),
]  # fmt: skip


@pytest.mark.parametrize("place", LABELLED)
def test_what_is_nobodys(place: str, tmp_path: Path) -> None:
    for label, value in FRIENDS:
        assert found(tmp_path, *written(place, label, value)) == [], (label, value)


@pytest.mark.parametrize("place", FREE)
def test_a_text_that_is_nobodys(place: str, tmp_path: Path) -> None:
    for value in (value for label, value in FRIENDS if not label):
        assert found(tmp_path, *written(place, "", value)) == [], value


def footer(text: str) -> bytes:
    return written("MGH's footer", "", text)[1]


def comment(text: str) -> bytes:
    return written("NIfTI's comment", "", text)[1]


def sidecar(text: str) -> bytes:
    """Return a sidecar that is too large to be read as JSON."""
    return b"{" + text.encode() + b', "a": [' + b"0," * (1 << 20) + b"0]}"


LONG = b'{"a": ["' + b"many words, " * 100_000 + b'"], "b": "/home/ada/x"}'
LATIN_1 = comment("MXXller^JYYrg").replace(b"XX", b"\xfc").replace(b"YY", b"\xf6")
ANALYZE = written("Analyze's descrip", "", "")[1][:283] + b"00451234".ljust(65, b"\0")
LINK = b'<DataArray ExternalFileName="/home/ada/x.dat"/></GIFTI>'
COMMAND = "mri_convert  User: ada  Machine: host"
CREATED = b"\xff\xff\xfecreated by ada on Mon Jan  1 2001\n\n"
NO_ENDING = bytes(128) + b"DICM" + data_set("PatientName", "Lovelace^Ada")
OTHERS = [
    ("T1.hdr", ANALYZE, "privacy-person"),
    ("lh.white", CREATED, "privacy-account"),
    ("lh.gii", written("GIFTI", "UserName", "ada")[1], "privacy-account"),
    ("lh.gii", b"<GIFTI>" + b" " * 5000 + LINK, "privacy-account"),
    ("T1.mgh", footer(f"PatientName: Ada {'x' * 54}"), "privacy-person"),  # F is its length
    ("T1.mgh", footer(COMMAND), "privacy-account"),
    ("T1.nii", comment("by ada@example.org"), "privacy-account"),
    ("T1.nii", comment("Patient name: Ada"), "privacy-person"),
    ("T1.nii", LATIN_1, "privacy-person"),
    ("participants.tsv", b"participant_id\tfirst_name\nsub-01\tAda\n", "privacy-person"),
    ("scans.tsv", b"filename\tacq_time\na.nii\t2014-08-05T11:27:34\n", "privacy-session"),
    ("big.json", sidecar('"PatientName": "Ada Lovelace"'), "privacy-person"),
    ("long.json", LONG, "privacy-account"),
    ("escaped.json", b'{"P\\u0061tientN\\u0061me": "Ada Lovelace"}', "privacy-person"),
    ("first.csv", b"PATIENTNAME;x\nAda Lovelace;1\n", "privacy-person"),
    ("x.ima", NO_ENDING[132:], "privacy-person"),
    ("no-ending", NO_ENDING, "privacy-person"),
]


@pytest.mark.parametrize(
    ("name", "content", "code"), OTHERS, ids=[f"{n}-{row[0]}" for n, row in enumerate(OTHERS)]
)
def test_what_one_kind_of_file_has(name: str, content: bytes, code: str, tmp_path: Path) -> None:
    assert codes(found(tmp_path, name, content)) == {code}


@pytest.mark.parametrize("trait", [name for name in TRAITS if not name.startswith("a name")])
def test_people_who_do_not_exist(trait: str, tmp_path: Path) -> None:
    """As `scripts/privacy-rates` tries them, which counts those of names."""
    chance = random.Random(trait)
    for place in LABELLED:
        label = chance.choice(TRAITS[trait].labels or ("",))
        value = TRAITS[trait].spell(chance)
        problems = found(tmp_path, *written(place, label, value))
        assert codes(problems) == {TRAITS[trait].code}, (place, label, value)


def test_the_figures_are_of_every_trait_and_place() -> None:
    known = json.loads((REPOSITORY / "scripts" / "privacy_rates.json").read_text("utf-8"))
    assert list(known["traits"]) == list(TRAITS)
    assert set(known["places"]) == {*FREE, *LABELLED}


def test_addresses_belong_in_what_is_for_readers(tmp_path: Path) -> None:
    assert found(tmp_path, "a.json", b'{"Contact": "ada@example.org"}') == []
    assert found(tmp_path, "a.tsv", b"contact\nada@example.org\n") == []


def test_a_table_of_regions_has_their_names(tmp_path: Path) -> None:
    assert found(tmp_path, "atlas.tsv", b"index\tname\n1\tSuperior Frontal Gyrus\n") == []


def test_a_message_says_where_and_what_and_shows_it_safely(tmp_path: Path) -> None:
    content = written("JSON", "PatientName", f"Ada\u202e{'x' * 400}\x1b[2J")[1]
    [problem] = found(tmp_path, "T1.json", content)
    assert (
        "the value of PatientName seems to have a person's name, 'PatientName: Ada"
        in problem.message
    )
    assert "\x1b" not in problem.message
    assert "\u202e" not in problem.message
    assert len(problem.message) < 200


def test_many_finds_are_one_problem(tmp_path: Path) -> None:
    names = "PatientName", "OtherPatientNames", "PatientBirthName"
    dates = "PatientBirthDate", "DateOfBirth", "Birthday"
    values = dict.fromkeys(names, "Ada Lovelace") | dict.fromkeys(dates, "1979-12-10")
    meta = "".join(f"<MD><Name>{n}</Name><Value>{v}</Value></MD>" for n, v in values.items())
    [problem] = found(tmp_path, "lh.gii", f"<GIFTI>{meta}</GIFTI>".encode())
    assert problem.message.count("seems to have") == 3
    assert problem.message.endswith("; and 3 more")


def test_of_hostile_files_little_is_read(tmp_path: Path) -> None:
    """Each is 2 GB long, for who reads it; what is in front of the hole is found."""
    for name, start in {
        "T1.nii": written("NIfTI's descrip", "", "/home/ada/x")[1],
        "a.PAR": b"/home/ada/x",
        "a.json": b'"/home/ada/x',
        "a.tsv": b"a\n/home/ada/x\n",
    }.items():
        path = tmp_path / name
        path.write_bytes(start)
        with path.open("r+b") as stream:
            stream.truncate(2 << 30)
        [problem] = privacy.file_problems(path, name, start, 2 << 30)
        assert problem.code == "privacy-account"
        path.unlink()


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_nothing_makes_it_fail(data: st.DataObject, tmp_path: Path) -> None:
    """A file of each kind, with some bytes of it changed, cut off or put in."""
    place = data.draw(st.sampled_from([*LABELLED, *FREE]))
    name, content = written(place, "PatientName", "Lovelace^Ada")
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    for _ in range(data.draw(st.integers(0, 4))):
        position = data.draw(st.integers(0, len(content)))
        end = position + data.draw(st.sampled_from([0, 1, 4, 100, 1 << 20]))
        content = content[:position] + data.draw(st.binary(max_size=12)) + content[end:]
    for problem in found(tmp_path, name.removesuffix(".gz"), content):
        assert problem.code in RULES


@pytest.mark.parametrize("ending", [ending for place in PLACES for ending in place.endings])
def test_what_is_of_no_kind_has_nothing(ending: str, tmp_path: Path) -> None:
    for content in (b"", b"\0" * 999, b"\xff" * 999, b"\x1f\x8b\x08", b"x" * 5):
        assert found(tmp_path, f"a{ending}", content) == []
        assert found(tmp_path, f"a{ending}.gz", gzip.compress(content, mtime=0)) == []


# -- what the rules advise ----------------------------------------------------------------------


def advised(kind: str) -> str:
    """Return the command that is for a kind of file, for this Python."""
    for code in ("privacy-person", "privacy-session", "privacy-account"):
        assert RULES[code].commands == RULES["privacy-person"].commands
    [command] = [each for what, each in RULES["privacy-person"].commands if what.startswith(kind)]
    return command.replace("python -c", f"{sys.executable} -c")


def run(kind: str, folder: Path) -> None:
    subprocess.run(advised(kind), shell=True, check=True, cwd=folder)


@pytest.mark.slow(1)
@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_the_command_for_nifti(image_class: type, tmp_path: Path) -> None:
    data = np.arange(64, dtype="i2").reshape(4, 4, 4)
    image = image_class(data, np.diag([2, 3, 4, 1]))
    image.header["descrip"] = b"Lovelace^Ada"
    image.header.set_slope_inter(0.3, 7)
    image.header.extensions.append(Nifti1Extension(6, b"/home/ada/x"))
    nibabel.save(image, tmp_path / "T1.nii.gz")
    assert len(found(tmp_path, "T1.nii.gz", (tmp_path / "T1.nii.gz").read_bytes())) == 2
    run("NIfTI", tmp_path)
    clean: Any = nibabel.load(tmp_path / "clean.nii.gz")
    assert np.array_equal(clean.dataobj.get_unscaled(), data)
    assert np.array_equal(clean.affine, image.affine)
    assert (clean.dataobj.slope, clean.dataobj.inter) == (pytest.approx(0.3), 7)
    assert found(tmp_path, "clean.nii.gz", (tmp_path / "clean.nii.gz").read_bytes()) == []


@pytest.mark.slow(1)
def test_the_command_for_mgh(tmp_path: Path) -> None:
    content = written("MGH's footer in gzip", "", "/home/ada/x")[1]
    assert found(tmp_path, "T1.mgz", content)
    run("MGH", tmp_path)
    clean = (tmp_path / "clean.mgz").read_bytes()
    assert found(tmp_path, "clean.mgz", clean) == []
    whole = gzip.decompress(content)
    assert whole.startswith(gzip.decompress(clean)[: 284 + 64])


@pytest.mark.slow(1)
def test_the_command_for_gifti(tmp_path: Path) -> None:
    points = np.random.default_rng(1).random((9, 3), "f4")
    meta = gifti.GiftiMetaData({"UserName": "ada", "AnatomicalStructurePrimary": "CortexLeft"})
    array = gifti.GiftiDataArray(points, datatype="NIFTI_TYPE_FLOAT32", meta=meta)
    nibabel.save(gifti.GiftiImage(darrays=[array], meta=meta), tmp_path / "lh.gii")
    assert found(tmp_path, "lh.gii", (tmp_path / "lh.gii").read_bytes())
    run("GIFTI", tmp_path)
    assert found(tmp_path, "clean.gii", (tmp_path / "clean.gii").read_bytes()) == []
    clean: Any = nibabel.load(tmp_path / "clean.gii")
    assert np.array_equal(clean.darrays[0].data, points)
    assert dict(clean.darrays[0].meta) == {"AnatomicalStructurePrimary": "CortexLeft"}


@pytest.mark.slow(1)
def test_the_command_for_surfaces(tmp_path: Path) -> None:
    points = np.random.default_rng(1).random((4, 3), "f4")
    faces = np.array([[0, 1, 2], [1, 2, 3]])
    freesurfer.write_geometry(tmp_path / "lh.white", points, faces, "created by ada on Monday")
    assert found(tmp_path, "lh.white", (tmp_path / "lh.white").read_bytes())
    run("FreeSurfer", tmp_path)
    assert found(tmp_path, "clean.white", (tmp_path / "clean.white").read_bytes()) == []
    clean, triangles = freesurfer.read_geometry(tmp_path / "clean.white")[:2]
    assert np.array_equal(clean, points)
    assert np.array_equal(triangles, faces)


@pytest.mark.tools("jq")
def test_the_command_for_json(tmp_path: Path) -> None:
    content = b'{"EchoTime": 0.1, "a": [{"PatientName": "Ada Lovelace", "b": 1}]}'
    assert found(tmp_path, "T1.json", content)
    run("JSON", tmp_path)
    clean = (tmp_path / "clean.json").read_text("utf-8")
    assert "".join(clean.split()) == '{"EchoTime":0.1,"a":[{"b":1}]}'


def test_the_commands_for_gzip(tmp_path: Path) -> None:
    content = written("gzip's name", "", "/home/ada/T1.nii")[1]
    [problem] = found(tmp_path, "T1.nii.gz", content)
    run("gzip", tmp_path)
    subprocess.run(problem.remedy.partition(": ")[2], shell=True, check=True, cwd=tmp_path)
    for name in ("clean.nii.gz", "T1.nii.gz"):
        clean = (tmp_path / name).read_bytes()
        assert found(tmp_path, name, clean) == []
        assert gzip.decompress(clean) == gzip.decompress(content)


@pytest.mark.slow(0.3)
def test_what_is_looked_for_in_no_file_is_not_compiled() -> None:
    code = (
        "from nipack.builder.check import privacy; print(privacy._compiled.cache_info().currsize)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "0\n", "it takes a tenth of what a small package does"
