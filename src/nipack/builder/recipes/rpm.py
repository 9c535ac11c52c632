"""The RPM source package: a spec in Fedora's style.

Sources: Fedora Packaging Guidelines (versioning, licences, changelogs, noarch); rpm's reference
manual of spec files.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path, PurePosixPath
from shutil import copyfile
from typing import Any

from nipack import layout
from nipack.builder.archive.compression import is_mostly_compressed
from nipack.builder.archive.members import LINK_MODE, Content, read_tar
from nipack.builder.changes import directories, new_files
from nipack.builder.definition.licenses import license_files
from nipack.builder.definition.model import Consumer, Definition
from nipack.builder.dialects.text import filled, item
from nipack.builder.dialects.versions import upstream_version
from nipack.builder.escaping import NotExpressible, PythonText, SpecText, spec_path, spec_text
from nipack.builder.package import DataPackage
from nipack.builder.recipes import (
    RecipeFile,
    RecipeFormat,
    RecipeRequest,
    changes_since,
    copied_parts,
    drafts,
    own_files,
    swapped_between_parts,
)
from nipack.builder.rendering import render
from nipack.system.programs import Program, run

# The number of the source before the first of several files: there are not so many licences.
_FIRST_PART = 1000
# That of what the first of several packages has beside the recipe, each three of them.
_FIRST_RECORD = 100000

_BUILDER = Program(name="rpmbuild", package="dnf install rpm-build, or apt install rpm")
_READER = Program(name="rpm2archive", package="dnf install rpm, or apt install rpm")

# gzip's payloads are read by every rpm; level 1 where the data is compressed already.
_QUICK, _SMALL = "w1.gzdio", "w19.zstdio"


class RpmRecipe(RecipeFormat):
    """A spec and its sources, built by rpmbuild."""

    name = "rpm"
    programs = (_BUILDER, _READER)
    default = True
    takes_parts = True
    splits = True

    def obstacles(self, request: RecipeRequest) -> Iterator[tuple[str, str, str]]:
        """Yield what rpm cannot pack."""
        definition = request.package.definition
        for line in _description(definition).split("\n"):
            try:
                spec_text(line)
            except NotExpressible as error:
                yield definition.where("description"), error.reason, error.remedy
        for path in request.package.paths if request.is_split else ():
            try:
                spec_path(path)
            except NotExpressible as error:
                yield path, error.reason, error.remedy
        for path in swapped_between_parts(request):
            reason = "it is a folder in one version alone, and two packages have a part in it, of "
            reason += "which rpm lets each change its own only"
            yield path, reason, "give the one of the two another name"

    def render(self, request: RecipeRequest) -> list[RecipeFile]:
        """Return the spec, and the sources that are not the release."""
        name = request.package.definition.name
        spec = "rpm/spec-of-parts" if request.is_split else "rpm/spec"
        filters = _FILTERS | (_FILTERS_OF_PARTS if request.is_split else {})
        files = {
            f"{name}.spec": render(spec, SpecText, _values(request)),
            f"{name}.rpmlintrc": render("rpm/rpmlintrc", PythonText, {"filters": filters}),
            **_own_files(request),
            layout.ini_name(name): layout.ini_text(self.prefix),
            **dict(license_files(request.package.definition)),
        }
        return [RecipeFile(path=path, content=text) for path, text in sorted(files.items())]

    def build(self, request: RecipeRequest, workspace: Path) -> list[Path]:
        """Build the package and the source package, with a database of their own."""
        home = workspace / "rpm"
        sources = home / "SOURCES"
        sources.mkdir(parents=True)
        for path in request.directory.iterdir():
            if path.is_file():
                copyfile(path, sources / path.name)
        if request.parts:
            copied_parts(request, sources)
        else:
            copyfile(request.source.path, sources / request.source.name)
        spec = sources / f"{request.package.definition.name}.spec"
        payload = _QUICK if is_mostly_compressed(request.package.files) else _SMALL
        macros = {"_topdir": home, "_dbpath": home / "db", "_binary_payload": payload}
        defines = [word for key, value in macros.items() for word in ("-D", f"{key} {value}")]
        # Its own database knows of no installed package, so none can be asked for.
        run(_BUILDER, ["-ba", "--nodeps", *defines, spec], directory=home)
        made = [_built(each, home / "RPMS") for each in request.packages]
        return [*made, *(home / "SRPMS").glob("*.rpm")]

    def contents(self, artifact: Path, workspace: Path) -> Iterator[Content]:
        """Yield what is in the payload."""
        # It writes its result beside what it reads.
        link = workspace / "payload"
        link.symlink_to(artifact.absolute())
        run(_READER, ["-n", link], directory=workspace)
        with link.with_name("payload.tar").open("rb") as stream:
            for content in read_tar(stream, lambda count: None):
                mode = LINK_MODE if content.target else content.mode & 0o7777
                yield replace(content, path=content.path.removeprefix("usr/"), mode=mode)

    def is_own(self, path: str, name: str) -> bool:
        """Tell whether a path is a licence."""
        return path.startswith(f"share/licenses/{name}/")


def _built(package: DataPackage, folder: Path) -> Path:
    [path] = folder.rglob(f"{package.definition.name}-{upstream_version(package.version)}-*.rpm")
    return path


def _own_files(request: RecipeRequest) -> dict[str, str]:
    files = own_files(request, request.source.folder, flat=True)
    if not request.is_split:
        return files
    # rpm wants a list of its own kind.
    files = {path: text for path, text in files.items() if not path.endswith(".files")}
    lists = {each.definition.name: _list_of(each) for each in request.packages if each.paths}
    return files | {f"{name}.list": text for name, text in lists.items()}


def _list_of(package: DataPackage) -> str:
    """Return what rpm packs of the data for a package, by macros of its own and literal names."""
    relpath = PurePosixPath("nipy", package.definition.relpath)
    top = [f"{each}" for each in reversed(relpath.parents) if each.name] + [str(relpath)]
    folders = top + [f"{relpath}/{each}" for each in sorted(directories(package))]
    lines = [f"%dir {_listed(each)}" for each in folders]
    lines += [_listed(f"{relpath}/{each}") for each in sorted(package.paths)]
    return "".join(f"{line}\n" for line in lines)


def _listed(path: str) -> str:
    return spec_path(path).replace('"', '"%{_datadir}/', 1)


def _values(request: RecipeRequest) -> dict[str, Any]:
    package, source = request.package, request.source
    definition = package.definition
    relpath = PurePosixPath(definition.relpath)
    licenses = [name for name, _ in license_files(definition)]
    before_licenses = 2 if request.is_split else 4
    own = [_own_values(request, each) for each in request.packages]
    return {
        **own[-1],
        "each": own[-1],
        "is_split": request.is_split,
        "packages": [
            each | {"number": _FIRST_RECORD + 3 * index} for index, each in enumerate(own)
        ],
        "before_licenses": before_licenses,
        "data_files": before_licenses + len(licenses) + 1,
        "license": definition.license or "LicenseRef-not-stated",
        "homepage": definition.homepage,
        "source": source.address or source.name,
        "parts": [
            {
                "number": _FIRST_PART + part.number,
                # rpm takes what is behind the last slash for the name here, and spectool too.
                "source": f"{part.address}#/{part.name}",
                "folder": part.folder,
                "is_archive": part.is_archive,
                "is_zip": part.suffix == ".zip",
            }
            for part in request.parts
        ],
        "has_zips": any(part.suffix == ".zip" for part in request.parts),
        "adds_config": request.adds_config,
        "ini_name": layout.ini_name(definition.name),
        "licenses": licenses,
        "relpath": definition.relpath,
        "directories": [f"nipy/{each}".removesuffix("/.") for each in reversed(relpath.parents)],
        "changelog": _changelog(request),
    }


def _own_values(request: RecipeRequest, package: DataPackage) -> dict[str, Any]:
    """Return what each of several packages has of its own."""
    definition = package.definition
    summary = definition.summary or f"neuroimaging data {definition.relpath}"
    links = [link.path for link in package.links]
    earlier = next((p for p in request.earlier if p.definition.name == definition.name), None)
    if not request.is_split:
        earlier = request.previous
    files = new_files(package, earlier) if earlier else []
    consumers = definition.consumers
    return {
        "name": definition.name,
        "version": upstream_version(package.version),
        "release": definition.revision + 1,
        "summary": summary[0].upper() + summary[1:],
        "description": _description(definition),
        "has_ini": package.has_ini,
        "has_data": bool(package.paths),
        "requires": [package.needs] if package.needs else [],
        "pulls": [f"{each.definition.name} = {_edition(each)}" for each in package.pulls],
        # A link of the old version may be a folder of this one.
        "swaps": bool(links or files or directories(package)),
        "links": links,
        "files": files,
        "enhances": list(dict.fromkeys(_consumer_name(each) for each in consumers)),
        "conflicts": [
            *(
                f"{_consumer_name(each)} >= {each.since}"
                for each in consumers
                if each.refuses(package.version)
            ),
            # What had some of a part's files: rpm lets a file have one owner.
            *(f"{each.name} < {upstream_version(each.before)}" for each in package.replaces),
        ],
    }


def _consumer_name(consumer: Consumer) -> str:
    """Return the name of a consumer's package (Fedora's Python Packaging Guidelines, Naming)."""
    return consumer.name_in("fedora", f"python3-{consumer.package.replace('_', '-')}")


def _description(definition: Definition) -> str:
    text = definition.described(f"Data package {definition.relpath} for neuroimaging software.")
    return "\n".join(filled(text, 79, never_first="%#"))


# rpmlint's remarks on every such package that are meant to stay, with the reasons.
_FILTERS = {
    "no-(packager|group|buildroot)-tag": "Fedora has given these tags up.",
    "no-signature": "The distribution's build system signs the package.",
    "no-documentation": "The data has none of its own; package.json says what it is.",
}

_FILTERS_OF_PARTS = {
    "requires-on-release": "A version of the whole is one payload, so it wants each part as it is.",
}


_SAME_DATA = "Packaging only: the data is as it was"


def _changelog(request: RecipeRequest) -> str:
    """Return the changelog: this version's entry on top of those that are there already.

    An entry of this version that a person has changed stays as it is.
    """
    own = f" - {_edition(request.package)}"
    there = _entries_there(request.directory / f"{request.package.definition.name}.spec")
    others = [each for each in there if not each.splitlines()[0].endswith(own)]
    entries = [_with_entry(each, others) for each in drafts(request)]
    ours = [_changes_in(entry) for entry, *_ in entries]
    by_hand = [each for each in there if each not in others and _changes_in(each) not in ours]
    fresh, *older = entries[0]
    return "\n\n".join([*(by_hand or [fresh]), *older])


def _changes_in(entry: str) -> list[str]:
    return entry.splitlines()[1:]


def _with_entry(request: RecipeRequest, older: list[str]) -> list[str]:
    package, previous = request.package, request.previous
    if previous is not None and not any(_edition_before(request) in each for each in older):
        changes = [f"Version {previous.version}"]
        older = [_entry(previous, package, _edition_before(request), changes), *older]
    if older and f" - {upstream_version(package.version)}-" in older[0].splitlines()[0]:
        return [_entry(package, package, _edition(package), [_SAME_DATA]), *older]
    changes = [f"Update to {package.version}" if older else f"Version {package.version}"]
    changes += changes_since(request)
    return [_entry(package, package, _edition(package), changes), *older]


def _edition(package: DataPackage) -> str:
    return f"{upstream_version(package.version)}-{package.definition.revision + 1}"


def _edition_before(request: RecipeRequest) -> str:
    assert request.previous is not None, "asked for only where there is one"
    return f"{upstream_version(request.previous.version)}-1"


def _entry(dated: DataPackage, package: DataPackage, edition: str, changes: list[str]) -> str:
    """Return an entry, with the date in English whatever the locale."""
    moment = format_datetime(datetime.fromtimestamp(dated.time, timezone.utc))
    weekday, day, month, year = moment.replace(",", "").split()[:4]
    person = package.definition.maintainer or "Unknown maintainer <unknown@maintainer.invalid>"
    lines = [line for change in changes for line in item(change, 76, never_first="%#")]
    return "\n".join([f"* {weekday} {month} {day} {year} {person} - {edition}", *lines])


def _entries_there(spec: Path) -> list[str]:
    """Return the entries of a spec's changelog, the newest first."""
    if not spec.is_file():
        return []
    _, _, changelog = spec.read_text("utf-8").partition("\n%changelog\n")
    entries = [each.strip() for each in re.split(r"(?m)^(?=\* )", changelog)]
    return [each.replace("%%", "%") for each in entries if each]


RECIPE: RecipeFormat = RpmRecipe()
