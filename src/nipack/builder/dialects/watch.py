"""What debian/watch says: the page that lists the releases, and how uscan(1) finds them there."""

import re
from dataclasses import dataclass

# What comes before a release, as people spell it on their pages; Perl reads this as Python does.
PRE_RELEASE = r"((?:alpha|a|beta|b|c|rc|preview|pre|dev)[0-9]*)(?![^.])"
_TILDE = rf"s/[._-]?{PRE_RELEASE}/~$1/gi"
_OF_FILES, _OF_FOLDERS = f"uversionmangle={_TILDE}", f"dirversionmangle={_TILDE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The page, the pattern of the releases on it, and uscan's options.

    A folder in the page's address may be a pattern too, of which uscan takes the newest.
    """

    page: str
    pattern: str
    options: str = _OF_FILES

    @property
    def is_text(self) -> bool:
        """Whether the pattern is looked for in the whole text, not in the page's links."""
        return self.options.startswith("searchmode=plain")


def version_in(version: str) -> re.Pattern[str]:
    """Return what finds a version in a name: 1.2, but neither 1.2.3 nor 11.2."""
    return re.compile(rf"(?<![0-9])(?<![0-9]\.){re.escape(version)}(?!\.?[0-9])")


def watch_of(address: str, version: str) -> Watch | None:
    """Return where newer releases than that at an address are, None where nothing tells it."""
    place = address.replace(" ", "%20")
    github = re.match(r"https://github\.com/([^/]+/[^/]+)/(releases/download/|archive/)?", place)
    if github and github[2] == "archive/":
        return _watch_tags(place, github[1], version)
    if github:
        return _watch_assets(place, github[1], version) if github[2] else None
    page, _, file = place.rpartition("/")
    pattern = _any_version(file, version)
    if pattern is None:
        return None
    parts = page.split("/")
    folders = [_any_version(each, version) or each for each in parts[3:]]
    options = _OF_FILES if folders == parts[3:] else f"{_OF_FOLDERS},{_OF_FILES}"
    return Watch(page="/".join([*parts[:3], *folders, ""]), pattern=pattern, options=options)


def _watch_tags(place: str, repository: str, version: str) -> Watch | None:
    """Return where GitHub lists the archives of all tags, whatever name stands behind this one."""
    tag, file = place.rsplit("/", 2)[1:]
    in_tag, in_file = _any_version(tag, version), _any_version(file, version)
    pattern = f"{in_tag}@ARCHIVE_EXT@" if in_tag else in_file
    if pattern is None:
        return None
    return Watch(page=f"https://github.com/{repository}/tags", pattern=f".*/{pattern}")


def _watch_assets(place: str, repository: str, version: str) -> Watch | None:
    """Return where GitHub lists what was added to releases: its pages show that to scripts only."""
    folder, tag, file = place.rsplit("/", 2)
    in_file, in_tag = _any_version(file, version), _any_version(tag, version)
    if in_file is None and in_tag is None:
        return None
    # Every group is taken for a part of the version.
    below = f"[^/]+/{in_file}" if in_file else f"{in_tag}/{_escaped(file)}"
    return Watch(
        page=f"https://api.github.com/repos/{repository}/releases?per_page=100",
        pattern=f"{_escaped(folder)}/{below}",
        options=f"searchmode=plain,{_OF_FILES}",
    )


def _any_version(name: str, version: str) -> str | None:
    """Return a name as a pattern of every version's, None where this version is not in it."""
    found = list(re.finditer(f"v?{version_in(version).pattern}", name))
    if not found:
        return None
    before, after = name[: found[-1].start()], name[found[-1].end() :]
    return f"{_escaped(before)}@ANY_VERSION@{_escaped(after)}"


def _escaped(text: str) -> str:
    """Return a pattern of a text; at the end of an archive's name every compression will do."""
    stem = re.sub(r"\.(tar\.(gz|xz|bz2)|tgz)$", "", text)
    pattern = re.sub(r"[][.+*?(){}^$|\\]", r"\\\g<0>", stem)
    return pattern if stem == text else f"{pattern}@ARCHIVE_EXT@"
