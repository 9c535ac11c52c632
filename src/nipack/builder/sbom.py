"""The bill of materials of an artifact, in CycloneDX 1.6: what is in it, and where that is from.

Source: the CycloneDX specification (ECMA-424).  The same artifact always has the same bill.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from nipack import __version__
from nipack.builder.package import DataFile, DataPackage
from nipack.layout import BILL_SUFFIX
from nipack.lookup.json_text import json_value
from nipack.system.atomic import written_beside
from nipack.system.errors import ArtifactError
from nipack.system.extras import how_to_have
from nipack.system.hashing import digest_file

if TYPE_CHECKING:
    from cyclonedx.model import ExternalReference, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component


def must_be_at_hand() -> None:
    """Raise ArtifactError where the library that writes bills is not installed."""
    try:
        import cyclonedx.model.bom  # noqa: F401
    except ImportError as error:
        raise ArtifactError(how_to_have("cyclonedx-python-lib", "--sbom", error)) from error


def bill_beside(artifact: Path) -> Path:
    """Return where the bill of an artifact lies."""
    return artifact.with_name(f"{artifact.name}{BILL_SUFFIX}")


def write_sbom(package: DataPackage, artifact: Path) -> Path:
    """Write the bill of an artifact beside it; raises ArtifactError where it cannot be written."""
    from cyclonedx.output.json import JsonV1Dot6

    sha256 = digest_file(artifact, ["sha256"]).by_algorithm["sha256"]
    text = JsonV1Dot6(_bill(package, artifact.name, sha256)).output_as_string()
    target = bill_beside(artifact)
    with written_beside(target, ArtifactError) as output:
        output.write(f"{json.dumps(json_value(text), indent=2, sort_keys=True)}\n".encode())
    return target


def _bill(package: DataPackage, file_name: str, sha256: str) -> "Bom":
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType

    data, files = _data(package, file_name, sha256), [_file(each) for each in package.files]
    bill = Bom(
        components=files,
        # From the artifact, so that a bill of the same one is the same.
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{sha256}"),
    )
    bill.metadata.timestamp = datetime.fromtimestamp(package.time, timezone.utc)
    bill.metadata.component = data
    bill.register_dependency(data, files)
    bill.metadata.tools.components.add(
        Component(type=ComponentType.APPLICATION, name="nipack", version=__version__)
    )
    return bill


def _data(package: DataPackage, file_name: str, sha256: str) -> "Component":
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import LicenseExpression

    definition = package.definition
    facts = {
        "artifact": file_name,
        "relpath": definition.relpath,
        "payload_id": package.payload_id,
        "redistribution": definition.redistribution,
    }
    return Component(
        type=ComponentType.DATA,
        name=definition.name,
        version=package.version,
        bom_ref=f"{definition.name}@{package.version}",
        description=definition.summary,
        hashes=[_hash("sha256", sha256)],
        licenses=[LicenseExpression(definition.license)] if definition.license else [],
        external_references=_references(package),
        properties=[Property(name=f"nipack:{key}", value=value) for key, value in facts.items()],
    )


def _references(package: DataPackage) -> "Iterator[ExternalReference]":
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri

    if package.definition.homepage:
        address = XsUri(package.definition.homepage)
        yield ExternalReference(type=ExternalReferenceType.WEBSITE, url=address)
    if package.source is not None:
        digests = package.source.digests
        yield ExternalReference(
            type=ExternalReferenceType.SOURCE_DISTRIBUTION,
            url=XsUri(package.source.address),
            hashes=[_hash(*each) for each in sorted(digests.items())],
        )


def _file(file: DataFile) -> "Component":
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        type=ComponentType.FILE,
        name=file.path,
        bom_ref=f"file:{file.path}",
        hashes=[_hash("sha256", file.sha256)],
    )


def _hash(algorithm: str, digest: str) -> "HashType":
    from cyclonedx.model import HashAlgorithm, HashType

    names = {"md5": "MD5", "sha256": "SHA-256", "sha512": "SHA-512"}
    return HashType(alg=HashAlgorithm(names[algorithm]), content=digest)
