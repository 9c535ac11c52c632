"""What changed in a data package from one version to the next."""

from nipack.builder.package import DataPackage
from nipack.difference.versions import Content, Release, Side


def side_of(package: DataPackage, source: str) -> Side:
    """Return a data package as one side of a comparison; its files must stay while it lasts."""
    release = Release(
        source=source,
        version=package.version,
        payload_id=package.payload_id,
        size=package.size,
    )
    contents = {file.path: Content(file.sha256, file.size) for file in package.files}
    contents |= {link.path: Content(f"-> {link.target}") for link in package.links}
    return Side(release=release, contents=contents, directory=package.directory)


def new_links(package: DataPackage, previous: DataPackage) -> list[tuple[str, str]]:
    """Return (path, target) of every folder of the previous version that is a link now."""
    folders = directories(previous)
    return [(link.path, link.target) for link in package.links if link.path in folders]


def new_files(package: DataPackage, previous: DataPackage) -> list[str]:
    """Return every folder of the previous version that is a file now."""
    folders = directories(previous)
    return [file.path for file in package.files if file.path in folders]


def new_directories(package: DataPackage, previous: DataPackage) -> list[tuple[str, str]]:
    """Return (path, old target) of every link of the previous version that is a folder now."""
    folders = directories(package)
    return [(link.path, link.target) for link in previous.links if link.path in folders]


def directories(package: DataPackage) -> set[str]:
    """Return every folder below the data directory."""
    return {path[:i] for path in package.paths for i, letter in enumerate(path) if letter == "/"}
