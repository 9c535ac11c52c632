"""What somebody else has signed of an artifact: found beside it, and carried as it is.

Whether a signature is good is for whoever installs to say; here is looked whether it is of this
file.  Sources: the Sigstore bundle's format; the in-toto statement; PEP 740.
"""

import base64
from pathlib import Path
from typing import Any

from nipack.lookup.json_text import json_value
from nipack.publish.ecosystems import Attestations
from nipack.publish.errors import RepositoryError
from nipack.system.limits import how_to_raise, limits

BUNDLE, PUBLISH = ".sigstore.json", ".publish.attestation"


def belongs_to(path: Path) -> Path | None:
    """Return the artifact that a file is beside; None for what is no attestation."""
    for suffix in (BUNDLE, PUBLISH):
        if path.name.endswith(suffix):
            return path.with_name(path.name.removesuffix(suffix))
    return None


def found_beside(artifact: Path, sha256: str) -> Attestations:
    """Return what lies beside an artifact; raises RepositoryError where it is of another file."""
    bundle = _read(artifact.with_name(artifact.name + BUNDLE), sha256, _digests_of_bundle)
    publish = _read(artifact.with_name(artifact.name + PUBLISH), sha256, _digests_of_attestation)
    return Attestations(bundle=bundle, publish=publish)


def _read(path: Path, sha256: str, digests: Any) -> bytes:
    if not path.is_file():
        return b""
    if path.stat().st_size > limits().text:
        raise RepositoryError(f"{path.name} is larger than such files are; {how_to_raise('text')}")
    content = path.read_bytes()
    try:
        found = digests(json_value(content))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RepositoryError(
            f"{path.name} is not of the form that signers write ({error}); sign it again, or move "
            "it away"
        ) from error
    if sha256 not in found:
        raise RepositoryError(
            f"{path.name} is of another file than this; sign this one, or move it away"
        )
    return content


def _digests_of_bundle(bundle: dict[str, Any]) -> list[str]:
    if not bundle["mediaType"].startswith("application/vnd.dev.sigstore.bundle"):
        raise ValueError(f"its mediaType is {bundle['mediaType']}")
    if "messageSignature" in bundle:
        digest = bundle["messageSignature"]["messageDigest"]["digest"]
        return [base64.b64decode(digest, validate=True).hex()]
    return _subjects(bundle["dsseEnvelope"]["payload"])


def _digests_of_attestation(attestation: dict[str, Any]) -> list[str]:
    if attestation["version"] != 1:
        raise ValueError(f"its version is {attestation['version']}")
    return _subjects(attestation["envelope"]["statement"])


def _subjects(statement: str) -> list[str]:
    """Return the digests of what an in-toto statement is about."""
    document = json_value(base64.b64decode(statement, validate=True))
    return [str(each["digest"]["sha256"]) for each in document["subject"]]
