"""Signatures: by a secret key in a file, or by a key of the user's gpg.

apt of Debian 12 reads keys of RFC 4880 only, so no other is made.  Source: apt-secure(8).
"""

import re
import subprocess
from pathlib import Path
from typing import Any, Protocol

from nipack.publish.errors import RepositoryError

YEAR = 365 * 24 * 3600


class Signer(Protocol):
    """A key that signs."""

    fingerprint: str
    """In upper case, without spaces."""
    certificate: str
    """Its public part, armoured."""

    def clear(self, text: bytes) -> bytes:
        """Return a text with its signature behind it, as apt's InRelease is."""
        ...

    def detached(self, content: bytes) -> bytes:
        """Return an armoured signature of these bytes."""
        ...


def signer_of(key: str, passphrase: str | None = None) -> Signer:
    """Return the signer of a secret key's file or, where there is none, of one that gpg knows."""
    if Path(key).is_file():
        return KeyFile(Path(key), passphrase)
    return GpgKey(key)


class KeyFile:
    """A secret key in a file, armoured or not."""

    def __init__(self, path: Path, passphrase: str | None = None) -> None:
        """Read it; raises RepositoryError where it is none, or is locked."""
        from pysequoia import Tsk

        try:
            key = Tsk.from_file(str(path))
            self._signer = key.signer(passphrase)
        except Exception as error:
            raise RepositoryError(
                f"{path}: cannot sign: {_first_line(error)}; "
                "it must be an OpenPGP secret key, of which nipack keygen makes one, and valid by "
                "this machine's clock; "
                "the passphrase of a locked one is taken from NIPACK_KEY_PASSPHRASE"
            ) from error
        certificate = key.extract_certificate()
        self.fingerprint = certificate.fingerprint.upper()
        self.certificate = str(certificate)
        if len(self.fingerprint) != 40:
            raise RepositoryError(
                f"{path}: is a key of RFC 9580, which Debian 12 cannot read; "
                "make one of RFC 4880, as nipack keygen does"
            )

    def clear(self, text: bytes) -> bytes:
        """Return a text with its signature behind it."""
        return self._sign(text, "CLEAR")

    def detached(self, content: bytes) -> bytes:
        """Return an armoured signature."""
        return self._sign(content, "DETACHED")

    def _sign(self, content: bytes, mode: str) -> bytes:
        from pysequoia import SignatureMode, sign

        try:
            return bytes(sign(self._signer, content, mode=getattr(SignatureMode, mode)))
        except Exception as error:
            raise RepositoryError(
                f"{self.fingerprint}: cannot sign: {_first_line(error)}; has it expired?"
            ) from error


class GpgKey:
    """A key of the user's gpg, with its agent and what cards it has."""

    def __init__(self, key: str) -> None:
        """Ask gpg for it; raises RepositoryError where it has none of that name."""
        listed = _gpg("--with-colons", "--list-secret-keys", "--", key, of=key).decode()
        prints = re.findall(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)
        if not prints:
            raise RepositoryError(
                f"{key}: is neither a file nor a secret key of gpg; see gpg --list-secret-keys, "
                "or make one with nipack keygen"
            )
        self.fingerprint = prints[0]
        self.certificate = _gpg("--armor", "--export", self.fingerprint, of=key).decode("ascii")

    def clear(self, text: bytes) -> bytes:
        """Return a text with its signature behind it."""
        return self._sign("--clear-sign", text)

    def detached(self, content: bytes) -> bytes:
        """Return an armoured signature."""
        return self._sign("--detach-sign", content)

    def _sign(self, mode: str, content: bytes) -> bytes:
        # SHA-1 is refused everywhere.
        options = ("--armor", "--digest-algo", "SHA512", "--local-user", self.fingerprint)
        return _gpg(*options, mode, of=self.fingerprint, given=content)


def _gpg(*arguments: str, of: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            ["gpg", "--batch", "--no-tty", *arguments], input=given, capture_output=True
        )
    except FileNotFoundError as error:
        raise RepositoryError(
            f"{of}: is not a file, and gpg is not installed; give the file of a key, which nipack "
            "keygen makes, or install gpg"
        ) from error
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()[-1:]
        raise RepositoryError(
            f"{of}: gpg: {reason[0] if reason else 'failed'}; see gpg --list-secret-keys, or make "
            "a key with nipack keygen"
        )
    return done.stdout


def _first_line(error: Exception) -> str:
    # The library's messages go on with where in its own source it was.
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def generate(user: str, *, years: int) -> tuple[str, str, str]:
    """Return a new secret key and its certificate, armoured, and its fingerprint."""
    from pysequoia import Profile, Tsk

    key = Tsk.generate(user, profile=Profile.RFC4880, validity_seconds=years * YEAR)
    certificate = key.extract_certificate()
    return str(key), str(certificate), certificate.fingerprint.upper()


def certificates_in(text: str) -> list[str]:
    """Return the armoured certificates in a text."""
    form = r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----\n?"
    return re.findall(form, text, re.DOTALL)


def fingerprints_in(text: str) -> list[str]:
    """Return the fingerprints of the certificates in a text; raises RepositoryError for none."""
    from pysequoia import Cert

    try:
        return [
            Cert.from_bytes(each.encode()).fingerprint.upper() for each in certificates_in(text)
        ]
    except Exception as error:
        raise RepositoryError(
            f"a certificate cannot be read: {_first_line(error)}; gpg --armor --export writes one"
        ) from error


def verified(content: bytes, certificates: str, signature: bytes | None = None) -> bytes:
    """Return the bytes that are signed by one of the certificates; raises RepositoryError."""
    from pysequoia import Cert, Sig, verify

    known: list[Any] = []

    def store(keys: list[str]) -> list[Any]:
        return known

    try:
        known += [Cert.from_bytes(each.encode()) for each in certificates_in(certificates)]
        if signature is not None:
            verify(content, store=store, signature=Sig.from_bytes(signature))
            return content
        return bytes(verify(content, store=store).bytes or b"")
    except Exception as error:
        raise RepositoryError(
            f"the signature is not good: {_first_line(error)}; none of it can be trusted"
        ) from error


def signing_key(content: bytes, certificates: str, signature: bytes) -> str:
    """Return the fingerprint of that certificate by which bytes are signed; raises RepositoryError.

    What a repository says of its key is a text, and whoever signs it can name another's.
    """
    error: RepositoryError | None = None
    for each in certificates_in(certificates):
        try:
            verified(content, each, signature)
        except RepositoryError as not_good:
            error = error or not_good
        else:
            return fingerprints_in(each)[0]
    raise error or RepositoryError("the signature is not good: there is no certificate")
