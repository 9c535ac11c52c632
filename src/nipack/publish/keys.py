"""Make a key, and never write over one."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from nipack.publish.errors import RepositoryError
from nipack.publish.signing import generate
from nipack.system.errors import system_errors_as


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A key's certificate, in a file, and its fingerprint."""

    certificate: Path
    fingerprint: str


def make_key(user: str, path: Path, *, years: int) -> MadeKey:
    """Write a new secret key, which only its owner may read, and its certificate beside it.

    Raises RepositoryError where the file is there, or the user's name is of another form.
    """
    if not re.fullmatch(r"[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>", user):
        raise RepositoryError(f"'{user}' is not of the form 'Name <name@host>'")
    certificate = path.with_name(f"{path.stem}.asc")
    for each in (path, certificate):
        if each.exists():
            raise RepositoryError(f"{each}: already exists; choose another name with --out")
    secret, public, fingerprint = generate(user, years=years)
    with system_errors_as(RepositoryError, "check the folder's permissions"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
        certificate.write_text(public, "ascii")
    return MadeKey(certificate=certificate, fingerprint=fingerprint)
