"""What readers raise becomes one error, but for what the system refuses."""

import errno
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import pytest
import zstandard

from nipack.publish.artifacts.damage import damage_as_error, read_record, read_text
from nipack.publish.errors import RepositoryError
from nipack.system import limits


@pytest.mark.parametrize(
    "error",
    [
        *(AttributeError, EOFError, LookupError, OverflowError, RuntimeError, TypeError),
        *(ValueError, lzma.LZMAError, struct.error, tarfile.TarError, zipfile.BadZipFile),
        *(zlib.error, zstandard.ZstdError, OSError, BufferError),
    ],
)
def test_what_readers_raise_is_damage(error: type[Exception]) -> None:
    with pytest.raises(RepositoryError) as caught, damage_as_error("a .deb", BufferError):
        raise error("why")
    assert str(caught.value) == "is damaged, or is not a .deb: why; build it again"
    assert type(caught.value.__cause__) is error


def test_an_error_without_words_has_its_name_and_another_remedy_may_be_given() -> None:
    with pytest.raises(RepositoryError) as caught, damage_as_error("a wheel", remedy="fetch it"):
        raise EOFError
    assert str(caught.value) == "is damaged, or is not a wheel: EOFError; fetch it"
    with pytest.raises(RepositoryError, match="Invalid argument"), damage_as_error("a wheel"):
        raise OSError(errno.EINVAL, "Invalid argument")


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), BufferError("no")])
def test_what_is_not_the_artifact_s_fault_stays(error: Exception) -> None:
    with pytest.raises(type(error)), damage_as_error("a wheel"):
        raise error


@pytest.mark.parametrize(("read", "limit"), [(read_text, "text"), (read_record, "record")])
def test_a_text_is_as_long_as_its_own_limit(
    read: object, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(read)
    other = {"text": "record", "record": "text"}[limit]
    monkeypatch.setenv(limits.VARIABLE, f"{limit}=2000 {other}=10")
    assert read(io.BytesIO(bytes(2000)), "x") == bytes(2000)
    with pytest.raises(RepositoryError) as caught:
        read(io.BytesIO(bytes(2001)), "x")
    assert str(caught.value) == f"its x has more than 2,000 bytes; {limits.how_to_raise(limit)}"
