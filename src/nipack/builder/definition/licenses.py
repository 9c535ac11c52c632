"""The licence files that packages carry."""

import re

from nipack.builder.definition.model import Definition


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


def license_files(definition: Definition) -> list[tuple[str, str]]:
    """Return the same for a folder that holds other files, too."""
    return [(f"LICENSE.{name}", text) for name, text in license_texts(definition)]
