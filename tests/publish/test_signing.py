"""Keys and signatures by themselves: what is asked of gpg, what is good, and what is said else."""

import stat
from pathlib import Path

import pytest

from nipack.publish import signing
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import GpgKey, KeyFile, Signer, signer_of, verified

GPG = """#!/bin/sh
[ "$1 $2" = "--batch --no-tty" ] || exit 9
shift 2
case "$*" in
*--list-secret-keys*nobody) echo "gpg: error reading key: No secret key" >&2; exit 2 ;;
*--list-secret-keys*silent) exit 3 ;;
*--list-secret-keys*empty) ;;
*--list-secret-keys*) echo "sec:u:255:22:x:"; echo "fpr:::::::::%s:"; echo "fpr:::::::::%s:" ;;
"--armor --export "*) echo "certificate of $3" ;;
*) echo "$*"; cat ;;
esac
"""


@pytest.fixture
def gpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the place of gpg that says what it is asked; slow tests have the real one."""
    program = tmp_path / "bin" / "gpg"
    program.parent.mkdir()
    program.write_text(GPG % ("A" * 40, "B" * 40), "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


@pytest.fixture(scope="module")
def signer(key: Path) -> Signer:
    return signer_of(str(key))


@pytest.mark.usefixtures("gpg")
def test_gpg_is_asked_for_the_key_and_its_signatures() -> None:
    found = signer_of("Ada")
    assert isinstance(found, GpgKey)
    assert found.fingerprint == "A" * 40, "of the key itself, not of a part of it"
    assert found.certificate == f"certificate of {'A' * 40}\n"
    asked = f"--armor --digest-algo SHA512 --local-user {'A' * 40}"
    assert found.clear(b"text") == f"{asked} --clear-sign\ntext".encode()
    assert found.detached(b"text") == f"{asked} --detach-sign\ntext".encode()


@pytest.mark.usefixtures("gpg")
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("nobody", "nobody: gpg: gpg: error reading key: No secret key; see gpg --list-secret-key"),
        ("silent", "silent: gpg: failed; see gpg --list-secret-keys, or make a key with nipack"),
        ("empty", "empty: is neither a file nor a secret key of gpg; see gpg --list-secret-keys"),
    ],
)
def test_what_gpg_does_not_have_is_said(key: str, said: str) -> None:
    with pytest.raises(RepositoryError) as caught:
        signer_of(key)
    assert str(caught.value).startswith(said)


def test_without_gpg_a_file_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryError) as caught:
        signer_of("Ada")
    assert str(caught.value) == (
        "Ada: is not a file, and gpg is not installed; give the file of a key, which nipack keygen "
        "makes, or install gpg"
    )


def test_what_was_signed_is_given_back_and_nothing_else(signer: Signer, key: Path) -> None:
    assert isinstance(signer, KeyFile)
    certificate = key.with_suffix(".asc").read_text("utf-8")
    assert signing.fingerprints_in(certificate) == [signer.fingerprint]
    signature = signer.detached(b"content")
    assert signature.startswith(b"-----BEGIN PGP SIGNATURE-----")
    assert verified(b"content", certificate, signature) == b"content"
    clear = signer.clear(b"text\n")
    assert clear.startswith(b"-----BEGIN PGP SIGNED MESSAGE-----")
    assert verified(clear, certificate).rstrip() == b"text"
    for content, by in ((b"other", certificate), (b"content", "")):
        with pytest.raises(RepositoryError) as caught:
            verified(content, by, signature)
        assert str(caught.value).startswith("the signature is not good: ")
        assert str(caught.value).endswith("; none of it can be trusted")
        assert "\n" not in str(caught.value)
    with pytest.raises(RepositoryError):
        verified(clear.replace(b"text", b"test"), certificate)


def test_one_of_several_certificates_is_enough(signer: Signer) -> None:
    _, other, fingerprint = signing.generate("Bob <bob@lab.example>", years=1)
    both = f"a word before\n{other}and between\n{signer.certificate}"
    assert signing.certificates_in(both) == [other, signer.certificate]
    assert signing.fingerprints_in(both) == [fingerprint, signer.fingerprint]
    assert verified(b"x", both, signer.detached(b"x")) == b"x"
    with pytest.raises(RepositoryError):
        verified(b"x", other, signer.detached(b"x"))
    assert signing.certificates_in("nothing") == signing.fingerprints_in("") == []


def test_what_is_no_key_is_said(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "lab.key"
    for content in ("", "no key", signer.certificate):
        path.write_text(content, "utf-8")
        with pytest.raises(RepositoryError) as caught:
            signer_of(str(path))
        assert str(caught.value).startswith(f"{path}: cannot sign: ")
        assert (
            "; it must be an OpenPGP secret key, of which nipack keygen makes one, and valid by "
            in str(caught.value)
        )
        assert "\n" not in str(caught.value)


def test_a_damaged_certificate_is_said() -> None:
    armour = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDM=\n-----END PGP PUBLIC KEY BLOCK-----\n"
    with pytest.raises(RepositoryError, match="a certificate cannot be read: "):
        signing.fingerprints_in(armour)


def test_a_key_is_good_for_years_of_365_days(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Key:
        fingerprint = "0a1b"

        @classmethod
        def generate(cls, user: str, *, profile: object, validity_seconds: int) -> "Key":
            asked.append(validity_seconds)
            return cls()

        def extract_certificate(self) -> "Key":
            return self

    monkeypatch.setattr("pysequoia.Tsk", Key)
    assert signing.generate("Ada <ada@x.example>", years=2)[2] == "0A1B"
    assert asked == [2 * 365 * 86_400]
