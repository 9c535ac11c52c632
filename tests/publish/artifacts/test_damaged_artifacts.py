"""Artifacts that are damaged, or made to mislead, each as publish meets it."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import zstandard
from click.testing import CliRunner
from tests.conftest import REPOSITORY

from nipack.cli.app import nipack
from nipack.publish.artifacts.damage import read_text
from nipack.publish.artifacts.rpm import rpm_files
from nipack.publish.artifacts.zstd_frames import zstd_reader
from nipack.publish.ecosystems import ecosystems, members_of
from nipack.publish.errors import RepositoryError


def _directory(content: bytes, at: int, value: bytes) -> bytes:
    """Change each entry of a zip's directory."""
    entries = content.split(b"PK\x01\x02")
    changed = [each[: at - 4] + value + each[at - 4 + len(value) :] for each in entries[1:]]
    return b"PK\x01\x02".join([entries[0], *changed])


def _needs_later_zip(content: bytes) -> bytes:
    return _directory(content, 6, b"\x95")


def _encrypted(content: bytes) -> bytes:
    return _directory(content, 8, b"\x01")


def _starts_before_the_file(content: bytes) -> bytes:
    """Let the directory say that it lies further behind than it does."""
    end = content.rindex(b"PK\x05\x06")
    start = int.from_bytes(content[end + 16 : end + 20], "little") + 0x1000
    return content[: end + 16] + start.to_bytes(4, "little") + content[end + 20 :]


def _deep_index(content: bytes) -> bytes:
    """Put JSON that is nested 100,000 deep where a wheel has its package.json."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            deep = info.filename.endswith("/package.json")
            new.writestr(info, b"[" * 100_000 if deep else old.read(info))
    return made.getvalue()


def _endless_metadata(content: bytes) -> bytes:
    """Give a wheel's METADATA 64 MB of blanks, which take no room in the wheel."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            more = b" " * (64 << 20) if info.filename.endswith("/METADATA") else b""
            new.writestr(info.filename, old.read(info) + more, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _no_magic(content: bytes) -> bytes:
    return b"?" + content[1:]


def _short_header(content: bytes) -> bytes:
    return content[:90]


def _member_without_end(content: bytes) -> bytes:
    return content[:66] + b"`?" + content[68:]


def _data_of_noise(content: bytes) -> bytes:
    """Change the middle of the data, where its compression notices."""
    middle = len(content) * 2 // 3
    return content[:middle] + b"\xff" * 40 + content[middle + 40 :]


def _in_member(ending: str) -> Callable[[bytes], bytes]:
    """Return what changes the middle of the data of a member of a zip."""

    def changed(content: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = [each for each in archive.infolist() if each.filename.endswith(ending)]
        (info,) = infos
        middle = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
        return _flipped(content, middle)

    return changed


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def _other_format(content: bytes) -> bytes:
    return content.replace(b"`\n2.0\n", b"`\n3.0\n", 1)


def _control_without_checksum(content: bytes) -> bytes:
    """Change the last bytes but four of the control tar's gzip, which are its CRC."""
    return _flipped(content, content.index(b"data.tar") - 8)


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        (".conda", _in_member("metadata.json")),
        (".whl", _in_member(".dist-info/RECORD")),
        (".whl", _in_member(".dist-info/WHEEL")),
        (".deb", _other_format),
        (".deb", _control_without_checksum),
        (".conda", _needs_later_zip),
        (".conda", _encrypted),
        (".conda", _starts_before_the_file),
        (".conda", _data_of_noise),
        (".whl", _needs_later_zip),
        (".whl", _encrypted),
        (".whl", _starts_before_the_file),
        (".whl", _deep_index),
        (".deb", _no_magic),
        (".deb", _short_header),
        (".deb", _member_without_end),
        (".deb", _data_of_noise),
    ],
)
def test_a_damaged_artifact_is_refused_by_name(
    suffix: str,
    change: Callable[[bytes], bytes],
    artifacts: dict[str, dict[str, Path]],
    key: Path,
    tmp_path: Path,
) -> None:
    good = artifacts["0.1"][suffix]
    path = tmp_path / good.name
    path.write_bytes(change(good.read_bytes()))
    words = ["publish", str(path), str(tmp_path / "www"), "--key", str(key)]
    done = CliRunner().invoke(nipack, words)
    said = " ".join(done.output.split())
    assert done.exit_code == 1, said
    assert "bug in nipack" not in said
    assert good.name in said.replace(" ", "")
    assert "build it again" in said


@pytest.mark.tools("dpkg-deb")
@pytest.mark.parametrize("compression", ["zstd", "xz", "gzip"])
@pytest.mark.parametrize("part", ["control.tar", "data.tar"])
def test_the_last_bytes_of_a_deb_are_read(
    compression: str, part: str, artifacts: dict[str, dict[str, Path]], tmp_path: Path
) -> None:
    """They are a checksum: what is in the files is whole, and dpkg refuses it all the same."""
    good, unpacked = artifacts["0.1"][".deb"], tmp_path / "unpacked"
    artifact = tmp_path / good.name
    subprocess.run(["dpkg-deb", "-R", good, unpacked], check=True)
    pack = [
        "dpkg-deb",
        "--root-owner-group",
        f"-Z{compression}",
        "-b",
        str(unpacked),
        str(artifact),
    ]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    ecosystems()["apt"].read(artifact)
    content = artifact.read_bytes()
    start = content.index(part.encode())
    size = int(content[start + 48 : start + 58])
    end = start + 60 + size
    for changed in (
        _flipped(content, end - 1),
        # Cut within the archive, whose header says so.
        content[: start + 48] + f"{size - 1:<10}".encode() + content[start + 58 : end - 1]
        + b"\n" * ((size - 1) % 2) + content[end + size % 2 :],
    ):  # fmt: skip
        artifact.write_bytes(changed)
        with pytest.raises(RepositoryError, match=r"is damaged, or is not a \.deb"):
            ecosystems()["apt"].read(artifact)


def test_zstd_that_is_cut_off_anywhere_is_refused() -> None:
    data = bytes(range(256)) * 2000
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"
    whole = compressor.compress(data)
    assert zstd_reader(io.BytesIO(skippable + whole + whole)).read() == data * 2
    for length in range(1, len(whole)):
        with pytest.raises((EOFError, zstandard.ZstdError)):
            _read_all(zstd_reader(io.BytesIO(whole + whole[:length])))
    with pytest.raises((ValueError, zstandard.ZstdError)):
        _read_all(zstd_reader(io.BytesIO(whole + b"more")))


def _read_all(stream: IO[bytes]) -> None:
    while stream.read(10_000):
        pass


@pytest.mark.slow(1)
def test_a_text_of_an_artifact_has_a_bound(
    artifacts: dict[str, dict[str, Path]], key: Path, tmp_path: Path
) -> None:
    path = tmp_path / artifacts["0.1"][".whl"].name
    path.write_bytes(_endless_metadata(artifacts["0.1"][".whl"].read_bytes()))
    words = ["publish", str(path), str(tmp_path / "www"), "--key", str(key)]
    done = CliRunner().invoke(nipack, words)
    said = " ".join(done.output.split())
    assert (done.exit_code, "its METADATA has more than 524,288 bytes" in said) == (1, True)
    assert "set NIPACK_LIMITS=text=NUMBER" in said


def _rpm(fields: bytes) -> io.BytesIO:
    header = b"\x8e\xad\xe8\x01" + bytes(12)
    return io.BytesIO(b"\xed\xab\xee\xdb" + bytes(92) + header * 2 + b"070701" + fields)


@pytest.mark.parametrize("length", [b"-0000001", b"7fffffff", b"00_00_01", b" 0000001"])
def test_a_name_in_an_rpm_is_as_long_as_names_are(length: bytes) -> None:
    """A length that is negative reads all there is; one of gigabytes takes them as memory."""
    stream = _rpm(b"00000000" * 11 + length + b"00000000" + bytes(1 << 20))
    with pytest.raises(ValueError, match=r"has a name of|on-hexadecimal"):
        list(rpm_files(stream))
    assert stream.tell() < 500


def test_a_member_of_a_deb_has_no_negative_size() -> None:
    header = b"debian-binary".ljust(48) + b"-1".ljust(10) + b"`\n"
    stream = io.BytesIO(b"!<arch>\n" + header + bytes(1 << 20))
    with pytest.raises(ValueError, match="has -1 bytes"):
        list(members_of("a.deb", stream))
    assert stream.tell() < 100


def test_a_deb_whose_size_leads_back_is_refused_at_once(tmp_path: Path) -> None:
    """python-debian would read the header before it again, for ever; found by the fuzzer."""
    first = b"debian-binary".ljust(48) + b"4".ljust(10) + b"`\n2.0\n"
    second = b"control.tar.gz".ljust(48) + b"-61".ljust(10) + b"`\n"
    artifact = tmp_path / "a_1.0-1_all.deb"
    artifact.write_bytes(b"!<arch>\n" + first + second + bytes(200))
    with pytest.raises(RepositoryError, match=r"is damaged, or is not a \.deb: .* has -61 bytes"):
        ecosystems()["apt"].read(artifact)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it limits its memory")
def test_no_reader_fails_in_another_way(tmp_path: Path) -> None:
    script = [sys.executable, str(REPOSITORY / "scripts" / "fuzz.py")]
    words = ["all", "--executions", "60", "--into", str(tmp_path / "findings")]
    done = subprocess.run([*script, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    listed = subprocess.run([*script, "list"], capture_output=True, text=True, check=True)
    targets = listed.stdout.split()
    assert {*ecosystems()} < {*targets}
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == targets
    assert done.stdout.count(" tried, 0 found") == len(targets)


def test_a_text_of_just_the_bound_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "text=5")
    assert read_text(io.BytesIO(b"12345"), "it") == b"12345"
    with pytest.raises(RepositoryError, match="its it has more than 5 bytes"):
        read_text(io.BytesIO(b"123456"), "it")
