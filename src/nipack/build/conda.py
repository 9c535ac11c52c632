"""How conda spells what a definition says: relations and licence files.

Sources: the conda package specification; CEP 20 (noarch packages and virtual packages).
"""

import re

from nipack.build.definition import Definition
from nipack.build.package import DataPackage


def depends(package: DataPackage) -> list[str]:
    """Return what the package depends on: no code, but Unix where it has links.

    Windows cannot make the links, and a noarch package is offered there too (CEP 20).
    """
    return ["__unix"] if package.links else []


def constrains(package: DataPackage) -> list[str]:
    """Return which consumers may be installed beside this version: those that take it."""
    return [
        f"{consumer.package} <{consumer.since}"
        for consumer in package.definition.consumers
        if consumer.refuses(package.version)
    ]


def license_texts(definition: Definition) -> list[tuple[str, str]]:
    """Return a file name and the text of each licence of which the definition has the text."""
    texts: dict[str, str] = {}
    for stanza in definition.copyright:
        if stanza.text is not None:
            name = re.sub(r"[^A-Za-z0-9.+-]+", "-", stanza.license)
            while texts.get(f"{name}.txt", stanza.text) != stanza.text:
                name += "-other"
            texts[f"{name}.txt"] = stanza.text
    return [(name, f"{text}\n") for name, text in texts.items()]
