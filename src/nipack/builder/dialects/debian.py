"""How Debian spells what a definition says: versions, licences, relations, texts.

Sources: Debian Policy 2.2 (archive areas), 5.6.12 (versions), 7 (relations), 12.5 (copyright);
the machine-readable copyright format 1.0 (DEP-5).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from email.utils import format_datetime
from itertools import pairwise

from debian.changelog import Changelog
from debian.copyright import Copyright as Dep5
from debian.copyright import FilesParagraph, License, LicenseParagraph

from nipack import layout
from nipack.builder.definition.model import Consumer, Copyright, Definition, Person
from nipack.builder.dialects.text import filled
from nipack.builder.dialects.versions import upstream_version
from nipack.builder.package import DataPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A release of Debian, and what its tools and its reviewers want of a source package.

    `debhelper` is the compatibility level, `watch` the version of debian/watch.  Since
    dpkg 1.22.13 a field need not state what is its default; lintian was slower with one of the two.
    """

    policy: str
    policy_date: date
    debhelper: int
    watch: int
    states_priority: bool
    states_root: bool


# From the oldest that is looked after: what is made for it is built by each.
SUITES = {
    "bookworm": Suite(
        policy="4.6.2",
        policy_date=date(2022, 12, 17),
        debhelper=13,
        watch=4,
        states_priority=True,
        states_root=True,
    ),
    "trixie": Suite(
        policy="4.7.2",
        policy_date=date(2025, 2, 27),
        debhelper=13,
        watch=4,
        states_priority=True,
        states_root=False,
    ),
    "sid": Suite(
        policy="4.7.4",
        policy_date=date(2026, 3, 31),
        debhelper=14,
        watch=5,
        states_priority=False,
        states_root=False,
    ),
}

# RFC 2606: no mail is ever delivered below .invalid.
UNKNOWN_MAINTAINER = Person(name="Unknown maintainer", email="unknown@maintainer.invalid")

# DEP-5 has names of its own, older than SPDX's, for these (its section "License specification").
_DEP5_NAMES = {
    "BSD-2-Clause": "BSD-2-clause",
    "BSD-3-Clause": "BSD-3-clause",
    "BSD-4-Clause": "BSD-4-clause",
    "MIT": "Expat",
    "Zlib": "zlib",
}
_GNU_NAME = re.compile(
    r"(?P<name>[AL]?GPL|GFDL)-(?P<version>[0-9.]+?)(\.0)?-(?P<kind>only|or-later)"
)

# Debian Policy 12.5: the texts that every Debian system has in /usr/share/common-licenses.
_COMMON_LICENSES = frozenset(
    {"Apache-2.0", "CC0-1.0", "GFDL-1.2", "GFDL-1.3", "GPL-1", "GPL-2", "GPL-3"}
    | {"LGPL-2", "LGPL-2.1", "LGPL-3", "MPL-1.1", "MPL-2.0"}
)

# What lintian 2.116 takes for documentation, by the last part of a path.
_DOCUMENTATION = re.compile(
    r"(^|/)([^/]*\.(docx?|html?|info|latex|markdown|md|odt|pdf|readme|rmd|rst|rtf|tex|txt)"
    r"|code[-_]of[-_]conduct|contribut(e|ing)|copyright|licen[sc]es?|howto|patents?"
    r"|readme(\.?first|\.1st|\.debian|\.source)?|todos?)$",
    re.IGNORECASE,
)


def debian_version(package: DataPackage) -> str:
    """Return the version and Debian revision; revision 0 of a definition is Debian's 1."""
    return f"{debian_upstream(package)}-{package.definition.revision + 1}"


def debian_upstream(package: DataPackage) -> str:
    """Return the version of the orig tarball, which is none of the authors' with +ds behind it.

    Theirs are several files then, put together (Debian Developer's Reference 6.7.8).
    """
    return upstream_version(package.version) + ("+ds" if package.parts else "")


def license_name(expression: str) -> str:
    """Return DEP-5's spelling of an SPDX expression: MIT AND GPL-2.0-only is Expat and GPL-2."""
    words = []
    for word in re.findall(r"[()]|[^\s()]+", expression):
        gnu = _GNU_NAME.fullmatch(word)
        if gnu:
            words.append(
                f"{gnu['name']}-{gnu['version']}{'+' if gnu['kind'] == 'or-later' else ''}"
            )
        elif word in ("AND", "OR", "WITH"):
            words.append(word.lower())
        else:
            words.append(_DEP5_NAMES.get(word, word.removeprefix("LicenseRef-")))
    return " ".join(words).replace("( ", "(").replace(" )", ")")


def needed(package: DataPackage) -> dict[str, str]:
    """Return Depends: of a whole its parts, each of one version; of a part what has config.ini."""
    parts = [f"{part.definition.name} (= {debian_version(part)})" for part in package.pulls]
    listed = ", ".join([*parts, *([package.needs] if package.needs else [])])
    return {"Depends": listed} if listed else {}


def relations(package: DataPackage) -> dict[str, str]:
    """Return Enhances, Breaks and Replaces, comma-separated, where there is something in them.

    The first two are of the definition's consumers.  What had some of a part's files is broken, and
    gives them (Policy 7.6.1); so does the whole as it was before there were parts, which had all.
    """
    definition = package.definition
    enhances = dict.fromkeys(_consumer_name(consumer) for consumer in definition.consumers)
    refusing = [consumer for consumer in definition.consumers if consumer.refuses(package.version)]
    givers = [f"{each.name} (<< {upstream_version(each.before)})" for each in package.replaces]
    breaks = dict.fromkeys(
        [f"{_consumer_name(consumer)} (>= {consumer.since})" for consumer in refusing] + givers
    )
    fields = {
        "Enhances": ", ".join(enhances),
        "Breaks": ", ".join(breaks),
        "Replaces": ", ".join([*givers, *([package.part_of] if package.part_of else [])]),
    }
    return {name: value for name, value in fields.items() if value}


def _consumer_name(consumer: Consumer) -> str:
    """Return the name of a consumer's package, which has no underscore (Debian Policy 5.6.1)."""
    return consumer.name_in("debian", f"python3-{consumer.package.replace('_', '-')}")


def section(definition: Definition) -> str:
    """Return the section, with its archive area: what is not known to be free is not in main."""
    if _reasons_for_nonfree(definition):
        return "non-free/science"
    return "contrib/science" if definition.requires_nonfree else "science"


# Creative Commons: no commercial use, no derivatives.
_RESTRICTED = re.compile(r"-N[CD]\b", re.IGNORECASE)
_REDISTRIBUTION = {
    "unverified": ["It was not verified that everybody may pass this data on."],
    "forbidden": ["This data must not be passed on."],
    "verified": [],
}


def _reasons_for_nonfree(definition: Definition) -> list[str]:
    """Return, as sentences, why the data itself is not known to be free (Policy 2.2.3)."""
    stated = [definition.license, *(stanza.license for stanza in definition.copyright)]
    licenses = dict.fromkeys(
        word for each in stated for word in re.findall(r"[^\s()]+", each or "")
    )
    return [
        *_REDISTRIBUTION[definition.redistribution],
        *([] if licenses else ["Its source states no licence."]),
        *(
            f"The licence {each} restricts how this data may be used or changed."
            for each in licenses
            if _RESTRICTED.search(each)
        ),
    ]


def _reasons_against_main(definition: Definition) -> list[str]:
    """Return, as sentences, why the package is in contrib or non-free, which Policy 12.5 asks."""
    needed = (each.rstrip(".") for each in definition.requires_nonfree)
    return [
        *_reasons_for_nonfree(definition),
        *(f"This data is of no use without what is not free: {each}." for each in needed),
    ]


def maintainer(definition: Definition) -> Person:
    """Return the maintainer, or a stand-in that no mail reaches."""
    return definition.maintainer or UNKNOWN_MAINTAINER


def first_changes(package: DataPackage) -> list[str]:
    """Return what the first changelog entry of a package says."""
    definition = package.definition
    change = (
        f"Data package {definition.relpath} {package.version}, as its authors released it,\n"
        f"packaged with nipack.\nPayload {package.payload_id}"
    )
    return ["Initial release.", change]


def changelog_text(package: DataPackage, changes: Sequence[str] = (), older: str = "") -> str:
    """Return debian/changelog: an entry for this version, on top of the older ones.

    Without `changes` it is the package's first.
    """
    changelog = Changelog(older or None)
    changelog.new_block(
        package=package.definition.name,
        version=debian_version(package),
        distributions="unstable",
        urgency="medium",
        author=str(maintainer(package.definition)),
        date=format_datetime(datetime.fromtimestamp(package.time, timezone.utc)),
    )
    for line in ("", *_bullets(changes or first_changes(package)), ""):
        changelog.add_change(line)
    return str(changelog)


def _bullets(changes: Iterable[str]) -> list[str]:
    return [line for each in changes for line in f"  * {each}".replace("\n", "\n    ").split("\n")]


def description(package: DataPackage) -> str:
    """Return the synopsis and the extended description, whose empty lines are dots (5.6.13)."""
    definition = package.definition
    summary = definition.summary or f"neuroimaging data {definition.relpath}"
    text = definition.described(
        f"Data package {definition.relpath} for neuroimaging software that looks its data up "
        "below share/nipy."
    )
    # A line of its own that begins with a dot has no meaning yet; with one more space it is kept
    # as it is written.
    lines = [f" {line}" if line.startswith(".") else line or "." for line in filled(text, 76)]
    return "\n".join([summary, *(f" {line}" for line in lines)])


def copyright_text(package: DataPackage, *, packaging: bool = False) -> str:
    """Return the machine-readable copyright file; its patterns are those of the source tree.

    With `packaging` there is a stanza for debian/*, which a source package has.
    """
    definition = package.definition
    dep5 = Dep5()
    dep5.header.upstream_name = definition.name  # type: ignore[assignment]
    place = _release_place(package)
    if place:
        dep5.header.source = place  # type: ignore[assignment]
    if package.parts:
        text = "The authors publish several files, which nipack has put together in one tarball."
        dep5.header.comment = text  # type: ignore[assignment]
    reasons = _reasons_against_main(definition)
    if reasons:
        lines = ["This package is not part of the Debian distribution.", *reasons]
        dep5.header.disclaimer = "\n ".join(lines)  # type: ignore[assignment]
    stanzas = _stanzas(definition)
    for stanza in stanzas:
        name, holders = license_name(stanza.license), _holders(stanza)
        files = [_source_pattern(pattern, package) for pattern in stanza.files]
        dep5.add_files_paragraph(FilesParagraph.create(files, holders, License(name)))
    texts = dict(_license_texts(stanzas))
    if packaging:
        year = datetime.fromtimestamp(package.time, timezone.utc).year
        holder = f"{year} {maintainer(definition)}"
        dep5.add_files_paragraph(FilesParagraph.create(["debian/*"], holder, License("Expat")))
        texts.setdefault("Expat", _EXPAT)
    for name, text in texts.items():
        dep5.add_license_paragraph(LicenseParagraph.create(License(name, text)))
    return dep5.dump() or ""


_MOST_PLACES = 20


def _release_place(package: DataPackage) -> str | None:
    """Return where the release was taken from, else what tells of it."""
    if package.parts:
        addresses = [part.record.address for part in package.parts if part.address is not None]
        folders = dict.fromkeys(address.rpartition("/")[0] + "/" for address in addresses)
        return "\n ".join(each.replace(" ", "%20") for each in list(folders)[:_MOST_PLACES])
    address = package.source.address if package.source else ""
    if address.startswith("https://"):
        return address.replace(" ", "%20")
    return package.definition.homepage


_EXPAT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies
of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE."""


def _stanzas(definition: Definition) -> tuple[Copyright, ...]:
    """Return the definition's stanzas, below one for what they do not match."""
    if any("*" in stanza.files for stanza in definition.copyright):
        return definition.copyright
    return (_stanza_without_definition(definition), *definition.copyright)


_NO_LICENSE_TEXT = "The definition has no text of it."


def _stanza_without_definition(definition: Definition) -> Copyright:
    """Return what can be said where the definition says nothing of copyright."""
    holders = tuple(map(str, definition.authors)) or ("not stated by the source",)
    return Copyright(
        files=("*",),
        holders=holders,
        license=definition.license or "unknown",
        text=None if definition.license else "The source of this data states no licence.",
    )


def _holders(stanza: Copyright) -> str:
    years = f"{stanza.years} " if stanza.years else ""
    return "\n ".join(f"{years}{holder}" for holder in stanza.holders)


def _source_pattern(pattern: str, package: DataPackage) -> str:
    data = package.directory.relative_to(package.tree).as_posix()
    # DEP-5 parts patterns with spaces; '?' matches any one character.
    folder = "" if data == "." else re.sub(r"\s", "?", f"{data}/")
    return pattern if pattern == "*" else f"{folder}{pattern}"


def _license_texts(stanzas: Iterable[Copyright]) -> list[tuple[str, str]]:
    """Return each licence once with its text: the definition's, or where Debian keeps it."""
    texts: dict[str, list[str]] = {}
    for stanza in stanzas:
        given = texts.setdefault(license_name(stanza.license), [])
        if stanza.text and stanza.text not in given:
            given.append(stanza.text)
    return [(name, _license_text(name, given)) for name, given in texts.items()]


# Debian Policy 12.5: these are referred to, and not repeated.
_NEVER_REPEATED = re.compile(r"(L?GPL|GFDL|Apache)-.*")


def _license_text(name: str, given: list[str]) -> str:
    """Return what a licence's paragraph says; two licences that are joined have no common file."""
    common = _common_license_text(name)
    if common and _NEVER_REPEATED.fullmatch(name):
        return common
    return "\n\n".join(given) or common or _NO_LICENSE_TEXT


def _common_license_text(name: str) -> str | None:
    file = name.rstrip("+")
    if file not in _COMMON_LICENSES:
        return None
    return (
        "On Debian systems, the full text of this licence is in\n"
        f"/usr/share/common-licenses/{file}."
    )


def lintian_overrides(package: DataPackage, *, initial: bool = True) -> str:
    """Return the overrides of a package: each tag that holds, and why it may.

    A tag that does not hold is not overridden, for lintian remarks on that too.  `initial` is
    whether the changelog's one entry closes no bug.
    """
    name, root = package.definition.name, layout.payload_directory(package.definition.relpath)
    parts = root.split("/")
    overrides = []
    if initial and package.definition.revision == 0:
        reason = "Until the bug of an intent to package (ITP) has a number, none can be closed."
        overrides.append((reason, "initial-upload-closes-no-bugs"))
    if package.paths and any(one == other for one, other in pairwise(parts)):
        reason = "The umbrella of a data package is a folder below share/nipy, whatever its name."
        overrides.append((reason, "repeated-path-segment"))
    if any(_is_documentation(f"{root}/{file.path}") for file in package.files):
        reason = "The authors' texts stay beside the data, where its readers look for them."
        tag = "package-contains-documentation-outside-usr-share-doc"
        overrides.append((reason, f"{tag} [usr/{root}/*]"))
    return "".join(f"# {reason}\n{name}: {override}\n" for reason, override in overrides)


def _is_documentation(path: str) -> bool:
    """Tell whether lintian takes a file for documentation; it lets all templates be."""
    folder, _, name = path.rpartition("/")
    return bool(_DOCUMENTATION.search(name)) and not re.search(r"templates?(\.d)?/", f"{folder}/")


def why_not_helped(path: str, target: str) -> str | None:
    """Return why dpkg-maintscript-helper cannot put a link in a folder's place; None if it can.

    It gives `ln` the target without a word before it, takes `--` for the end of its own words, and
    has xargs put a file's name in the place of each '%' of where the link leads.
    """
    if target.startswith("-"):
        return "dpkg takes a link's target that begins with '-' as an option"
    if "%" in target or "%" in path.rpartition("/")[0]:
        return "dpkg takes a '%' in a link's target as the name of a file"
    return None
