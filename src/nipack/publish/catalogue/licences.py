"""What the common licences of data ask of who uses it, in a sentence; no advice of a lawyer."""

_ATTRIBUTION = "You may use, change and share it, also commercially, if you name its authors"
PLAIN_WORDS = {
    "CC0-1.0": "No rights are reserved: use, change and share it as you like.",
    "PDDL-1.0": "No rights are reserved: use, change and share it as you like.",
    "CC-BY-3.0": f"{_ATTRIBUTION} and say what you changed.",
    "CC-BY-4.0": f"{_ATTRIBUTION} and say what you changed.",
    "ODC-By-1.0": f"{_ATTRIBUTION}.",
    "CC-BY-SA-4.0": f"{_ATTRIBUTION} and share what you make of it under this licence.",
    "CC-BY-SA-3.0": f"{_ATTRIBUTION} and share what you make of it under this licence.",
    "ODbL-1.0": f"{_ATTRIBUTION} and share a database made of it under this licence.",
    "CC-BY-NC-4.0": "You may use, change and share it, not commercially, if you name its authors.",
    "CC-BY-NC-SA-4.0": "You may use, change and share it under this licence, not commercially, if "
    "you name its authors.",
    "CC-BY-ND-4.0": "You may use and share it as it is if you name its authors; changed copies may "
    "not be shared.",
    "BSD-2-Clause": "You may use, change and share it if the copyright notice stays with it.",
    "BSD-3-Clause": "You may use, change and share it if the copyright notice stays with it; "
    "the authors' names may not be used to promote what you make of it.",
    "MIT": "You may use, change and share it if the copyright notice stays with it.",
    "Apache-2.0": "You may use, change and share it if the notices stay with it and changes are "
    "stated; patents that it needs are licensed, too.",
}
NOT_STATED = "Nobody has stated a licence: ask its authors before you pass it on."


def plain_words(license: str | None) -> str:
    """Return what a licence asks, empty where only its text can say that."""
    if license is None:
        return NOT_STATED
    return PLAIN_WORDS.get(license, "")
