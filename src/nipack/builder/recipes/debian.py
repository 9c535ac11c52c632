"""The Debian source package: a debian/ folder for debhelper, as each suite wants it.

Sources: Debian Policy 4.6.2 to 4.7.4; debhelper(7) and dh_install(1); dpkg-maintscript-helper(1);
uscan(1); DEP-3, DEP-5, DEP-12 and DEP-14.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timezone
from email.utils import mktime_tz, parsedate_tz
from pathlib import Path, PurePosixPath
from shutil import copyfile, copytree
from typing import Any

from debian.changelog import ChangeBlock, Changelog, ChangelogParseError
from debian.deb822 import Deb822

from nipack import layout
from nipack.builder.archive.compression import gzip_level, is_mostly_compressed
from nipack.builder.archive.members import Content, read_tar
from nipack.builder.changes import directories, new_directories, new_links
from nipack.builder.dialects import debian
from nipack.builder.dialects.text import item
from nipack.builder.dialects.watch import watch_of
from nipack.builder.escaping import (
    ControlText,
    Escaped,
    MakeWord,
    NotExpressible,
    PythonText,
    WatchText,
    Word,
    YamlText,
    control_source_line,
)
from nipack.builder.json_text import json_text
from nipack.builder.package import DataPackage
from nipack.builder.recipes import (
    RecipeFile,
    RecipeFormat,
    RecipeRequest,
    changes_since,
    drafts,
    own_files,
    own_folder,
    sample_images,
    swapped_between_parts,
)
from nipack.builder.rendering import render
from nipack.system.errors import RecipeError
from nipack.system.programs import Program, run

_BUILDER = Program(name="dpkg-buildpackage", package="apt install dpkg-dev debhelper")
_DH = Program(name="dh", package="apt install debhelper")
_DPKG_DEB = Program(name="dpkg-deb", package="apt install dpkg")
_TAR = Program(name="tar", package="apt install tar")

# dpkg-deb(1): the default, xz, takes a hundred times as long and saves nothing on such data.
_QUICK = {"DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"}

_TEMPLATES: dict[str, type[Escaped]] = {
    "control": ControlText,
    "rules": MakeWord,
    "watch": WatchText,
    "gbp.conf": Word,
    "salsa-ci.yml": YamlText,
    "source/format": Word,
    "source/lintian-overrides": ControlText,
    "upstream/metadata": YamlText,
    "tests/control": ControlText,
    "tests/lookup": PythonText,
}
_VCS = ("Vcs-Browser", "Vcs-Git")
_EXECUTABLE = ("get-orig-source", "rules", "tests/lookup")

# Why lintian's remarks on the source package are none, with what follows the tag.
_NO_SIGNATURE = {
    "debian-watch-does-not-check-openpgp-signature": "Upstream does not sign its releases; "
    "the definition of the package has their digests.",
}
_NO_TRACKER = {
    "upstream-metadata-missing-bug-tracking": "The data is released as archives, without a "
    "tracker of bugs.",
    "upstream-metadata-missing-repository": "The data is released as archives, without a public "
    "repository.",
}
_TIMEWARP = {
    "timewarp-standards-version": "The entry has the date of the data's release, as its files do."
}


class DebianRecipe(RecipeFormat):
    """Format 3.0 (quilt), built by dpkg-buildpackage."""

    name = "debian"
    programs = (_BUILDER, _DH, _DPKG_DEB, _TAR)
    default = True
    splits = True
    suites = tuple(debian.SUITES)

    def obstacles(self, request: RecipeRequest) -> Iterator[tuple[str, str, str]]:
        """Yield what dpkg-source(1) leaves out or takes for its own."""
        package = request.package
        root = request.source.data == "."
        for path in package.paths:
            parts = PurePosixPath(path).parts
            if ".pc" in parts:
                yield path, "dpkg-source never unpacks '.pc', which is quilt's", "rename it"
            if root and parts[0] == "debian":
                reason = "the packaging's own folder 'debian' takes its place"
                yield path, reason, "put the data into a folder of the release, or rename it"
        definition = package.definition
        for field, text in (
            ("maintainer", str(debian.maintainer(definition))),
            ("homepage", definition.homepage or ""),
        ):
            try:
                control_source_line(text)
            except NotExpressible as error:
                yield definition.where(field), error.reason, error.remedy
        for words in (each for lines in _maintscripts(request).values() for each in lines):
            if unhelped := debian.why_not_helped(words[1], words[2]):
                yield f"{words[1]} -> {words[2]}", unhelped, "rename what it leads to"
            for word in words:
                if not _MAINTSCRIPT_WORD.fullmatch(word):
                    reason = "it is a folder in one version and a link in the other, and dpkg "
                    reason += "is told so by a script that takes no such name"
                    yield word, reason, "name it with ASCII letters, digits and '_.+,:=@/-' only"
        for path in swapped_between_parts(request):
            reason = "it is a folder in one version alone, and two packages have a part in it, of "
            reason += "which dpkg lets each change its own only"
            yield path, reason, "give the one of the two another name"

    def render(self, request: RecipeRequest) -> list[RecipeFile]:
        """Return the files of debian/."""
        package, changelog = request.package, _changelog(request)
        values = _values(request, changelog)
        name = package.definition.name
        files = {
            each: render(f"debian/{each}", language, values)
            for each, language in _TEMPLATES.items()
        }
        files |= {
            "changelog": changelog,
            "copyright": debian.copyright_text(package, packaging=True),
            **own_files(request, request.source.data, takes_parts=False),
            layout.ini_name(name): layout.ini_text(self.prefix),
            **_helped_files(request),
        }
        if request.parts:
            files["get-orig-source"] = render("debian/get-orig-source", PythonText, {})
            files["orig-sources"] = _orig_sources(request)
        return [
            RecipeFile(path=path, content=content, executable=path in _EXECUTABLE)
            for path, content in sorted(files.items())
            if content
        ]

    def build(self, request: RecipeRequest, workspace: Path) -> list[Path]:
        """Lay the orig tarball and the source tree out, and run dpkg-buildpackage in it."""
        package = request.package
        upstream = debian.debian_upstream(package)
        name, home = package.definition.name, workspace / "debian"
        tree = home / f"{name}-{upstream}"
        tree.mkdir(parents=True)
        suffix = request.source.name.rpartition(".tar.")[2].replace("tgz", "gz")
        orig = home / f"{name}_{upstream}.orig.tar.{suffix.rpartition('.')[2]}"
        copyfile(request.source.path, orig)
        strip = [] if request.source.top is None else ["--strip-components=1"]
        run(_TAR, ["-xf", orig, "--no-same-owner", *strip, "-C", tree], directory=home)
        copytree(request.directory, tree / "debian", dirs_exist_ok=True)
        environment = _QUICK if is_mostly_compressed(package.files) else {}
        run(_BUILDER, ["-us", "-uc"], directory=tree, environment=environment)
        made = [
            home / f"{each.definition.name}_{debian.debian_version(each)}_all.deb"
            for each in request.packages
        ]
        return [*made, *sorted({path for path in home.iterdir() if path.is_file()} - {*made})]

    def contents(self, artifact: Path, workspace: Path) -> Iterator[Content]:
        """Yield what is in the data member, whatever compression it has."""
        tar = workspace / "data.tar"
        run(_DPKG_DEB, ["--fsys-tarfile", artifact], directory=workspace, output=tar)
        with tar.open("rb") as stream:
            for content in read_tar(stream, lambda count: None):
                path = content.path.removeprefix("usr/")
                yield Content(
                    path=path,
                    mode=content.mode,
                    size=content.size,
                    digest=content.digest,
                    target=content.target,
                )

    def is_own(self, path: str, name: str) -> bool:
        """Tell whether a path is Debian's documentation of a package."""
        return path.startswith(f"share/doc/{name}/") or path == f"share/lintian/overrides/{name}"


def _values(request: RecipeRequest, changelog: str) -> dict[str, Any]:
    package = request.package
    definition = package.definition
    address = request.source.address
    watch = watch_of(address, package.version) if address else None
    suite = debian.SUITES[request.suite or next(iter(debian.SUITES))]
    github = re.match(r"https://github\.com/[^/]+/[^/]+(?=/)", address or "")
    repository = github[0] if github else None
    return {
        "name": definition.name,
        "section": debian.section(definition),
        "maintainer": str(debian.maintainer(definition)),
        "homepage": definition.homepage,
        "is_split": request.is_split,
        "packages": [_own_values(each) for each in request.packages],
        "own_versions": _own_versions(request),
        "links": bool(package.links),
        "payload": layout.payload_directory(definition.relpath),
        "manifest": layout.manifest_path(definition.name),
        "address": address,
        "is_made": bool(request.parts),
        "suite": suite,
        "vcs": _vcs(request.directory / "control"),
        "watch": watch,
        "watch_fields": [
            tuple(each.split("=", 1)) for each in (watch.options.split(",") if watch else ())
        ],
        "tags": _source_tags(
            _newest(changelog), suite, watched=watch is not None, tracked=repository is not None
        ),
        "repository": repository,
        "citation": definition.citation,
        "relpath": definition.relpath,
        "version": package.version,
        "images": sample_images(request),
    }


def _orig_sources(request: RecipeRequest) -> str:
    """Return the list by which get-orig-source makes the orig tarball again, to the byte."""
    package = request.package
    made: dict[str, dict[str, Any]] = {
        each.path: {"text": each.content.decode("utf-8")}
        for each in package.files
        if each.content is not None
    }
    for number, part in enumerate(request.parts):
        for member, place in part.places:
            made[place] = {"source": number} | ({} if member is None else {"member": member})
    made |= {link.path: {"link": link.target} for link in package.links}
    document = {
        "tarball": f"{package.definition.name}_{debian.debian_upstream(package)}.orig.tar.gz",
        "folder": request.source.top,
        "time": package.time,
        "level": gzip_level(package.files),
        "sources": [
            {
                "address": part.address,
                "size": part.size,
                "sha256": part.sha256,
                "kind": part.suffix.lstrip("."),
            }
            for part in request.parts
        ],
        "members": [{"path": path} | made[path] for path in sorted(made, key=os.fsencode)],
    }
    return f"{json_text(document)}\n"


def _vcs(control: Path) -> dict[str, str]:
    """Return where the packaging is kept, which the recipe that is there may say."""
    if not control.is_file():
        return {}
    with control.open("rb") as stream:
        source = Deb822(stream)
    return {name: str(value) for name, value in source.items() if name in _VCS}


def _source_tags(
    entry: int, suite: debian.Suite, *, watched: bool, tracked: bool
) -> dict[str, str]:
    """Return lintian's tags on the source package that are meant to stay, with the reasons.

    `entry` is the time of the changelog's newest entry.
    """
    tags = ({} if tracked else _NO_TRACKER) | (_NO_SIGNATURE if watched else {})
    policy = datetime.combine(suite.policy_date, time(), timezone.utc).timestamp()
    return tags | (_TIMEWARP if entry < policy else {})


def _own_values(package: DataPackage) -> dict[str, Any]:
    """Return what a binary package has of its own."""
    return {
        "name": package.definition.name,
        "needed": debian.needed(package).get("Depends"),
        "relations": debian.relations(package),
        "description": debian.description(package),
        "has_data": bool(package.paths),
    }


def _own_versions(request: RecipeRequest) -> list[tuple[str, str]]:
    """Return the name and version of each binary package that has not the source's version."""
    source = debian.debian_version(request.package)
    versions = {each.definition.name: debian.debian_version(each) for each in request.packages}
    return [(name, version) for name, version in versions.items() if version != source]


def _helped_files(request: RecipeRequest) -> dict[str, str]:
    """Return the files that debhelper knows by a package's name, or by none where there is one."""
    scripts = _maintscripts(request)
    files = {}
    for each in request.packages:
        name = each.definition.name
        before = f"{name}." if request.is_split else ""
        lines = {"lines": _install_lines(request, each)}
        files[f"{before}install"] = render("debian/install", Word, lines)
        files[f"{before}maintscript"] = "".join(f"{' '.join(line)}\n" for line in scripts[name])
        files[f"{name}.lintian-overrides"] = debian.lintian_overrides(each, initial=False)
    return files


def _install_lines(request: RecipeRequest, package: DataPackage) -> list[tuple[str, str]]:
    """Return what dh_install(1) copies where, beside the data."""
    documents = str(PurePosixPath("usr", layout.manifest_path(package.definition.name)).parent)
    folder = PurePosixPath("debian", own_folder(package) if request.is_split else "")
    ini = [(f"debian/{layout.ini_name(package.whole)}", layout.CONFIGURATION)]
    return [
        *(ini if package.has_ini else []),
        (f"{folder}/{layout.MANIFEST_NAME}", documents),
        (f"{folder}/{layout.METADATA_NAME}", documents),
    ]


def _changelog(request: RecipeRequest) -> str:
    """Return the changelog: this version's entry on top of those that are there already.

    An entry of this version that a person has changed, to close a bug say, stays as it is.
    """
    version = debian.debian_version(request.package)
    there = _entries_there(request.directory / "changelog")
    others = "".join(str(each) for each in there if str(each.version) != version)
    entries = [_with_entry(each, others) for each in drafts(request)]
    ours = [_changes_in(next(iter(Changelog(draft)))) for draft in entries]
    for written in there:
        if str(written.version) == version and _changes_in(written) not in ours:
            return "".join(map(str, [written, *list(Changelog(entries[0]))[1:]]))
    return entries[0]


def _changes_in(entry: ChangeBlock) -> list[str]:
    return [line.strip() for line in entry.changes() if line.strip()]


def _with_entry(request: RecipeRequest, older: str) -> str:
    package, previous = request.package, request.previous
    if previous is not None and not _has_version(older, debian.debian_version(previous)):
        older = debian.changelog_text(_as_own(previous, package), older=older)
    if not older:
        return debian.changelog_text(package)
    dated = replace(package, time=max(package.time, _newest(older) + 1))
    return debian.changelog_text(dated, _changes(request, older), older)


def _newest(changelog: str) -> int:
    """Return the time of the newest entry, than which lintian wants the next to be later.

    Packaged again, the same data has the same day of release.
    """
    dates = (parsedate_tz(block.date or "") for block in Changelog(changelog))
    return max((mktime_tz(date) for date in dates if date), default=0)


def _changes(request: RecipeRequest, older: str) -> list[str]:
    package, previous = request.package, request.previous
    upstream = debian.debian_upstream(package)
    if str(Changelog(older).version.upstream_version) == upstream:
        return ["Packaging only: the data is as it was."]
    changes = [f"New upstream release {package.version}."]
    if previous is not None:
        changes[0] = f"New upstream release {package.version}, after {previous.version}:"
        listed = "\n".join("\n".join(item(line, 70)) for line in changes_since(request))
        changes[0] = f"{changes[0]}\n{listed}"
    return changes


def _entries_there(path: Path) -> list[ChangeBlock]:
    if not path.is_file():
        return []
    try:
        return list(Changelog(path.read_text("utf-8"), strict=True))
    except (ChangelogParseError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not a Debian changelog: {error}; fix or remove it") from error


def _has_version(changelog: str, version: str) -> bool:
    return bool(changelog) and version in [str(each) for each in Changelog(changelog).versions]


def _as_own(previous: DataPackage, package: DataPackage) -> DataPackage:
    """Return the previous version under the present definition's name and maintainer."""
    definition = replace(package.definition, version=previous.version, revision=0)
    return replace(previous, definition=definition)


# debhelper makes shell code of these by way of sed: nothing that either reads may be in one.
_MAINTSCRIPT_WORD = re.compile(r"[A-Za-z0-9_.+,:=@~/-]+")


def _maintscripts(request: RecipeRequest) -> dict[str, list[tuple[str, ...]]]:
    """Return the lines of debian/maintscript of each package, which may be none."""
    earlier = {each.definition.name: each for each in request.earlier}
    if not request.is_split:
        there = request.directory / "maintscript"
        name = request.package.definition.name
        return {name: _maintscript(request.package, request.previous, there)}
    return {
        name: _maintscript(each, earlier.get(name), request.directory / f"{name}.maintscript")
        for each in request.packages
        for name in [each.definition.name]
    }


def _maintscript(
    package: DataPackage, previous: DataPackage | None, there: Path
) -> list[tuple[str, ...]]:
    """Return what makes dpkg swap folders and links, which it never does by itself.

    Without it, a folder that becomes a link loses its data on an upgrade.  What earlier versions
    swapped stays, for an upgrade may leave them out.
    """
    root = layout.in_file_system(layout.payload_directory(package.definition.relpath))
    before = f"{debian.debian_version(package)}~"
    lines = (
        []
        if previous is None
        else [
            ("dir_to_symlink", f"{root}/{path}", target, before)
            for path, target in new_links(package, previous)
        ]
        + [
            ("symlink_to_dir", f"{root}/{path}", target, before)
            for path, target in new_directories(package, previous)
        ]
    )
    links = {f"{root}/{link.path}": link.target for link in package.links}
    folders = {f"{root}/{path}" for path in directories(package)}
    return [*_swaps_there(there, links, folders, lines), *lines]


def _swaps_there(
    path: Path, links: dict[str, str], folders: set[str], lines: Sequence[tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    """Yield the lines that hold still, but for those of what is swapped once more."""
    swapped = {(kind, path) for kind, path, *_ in lines}
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        match tuple(line.split()):
            case (kind, where, *_) if (kind, where) in swapped:
                pass
            case ("dir_to_symlink", where, target, _) as words if links.get(where) == target:
                yield words
            case ("symlink_to_dir", where, _, _) as words if where in folders:
                yield words


RECIPE: RecipeFormat = DebianRecipe()
