"""Which of a package's several sources a recipe can put its data together of, by itself."""

from urllib.parse import quote

from nipack.builder.escaping import has_controls
from nipack.builder.package import DataPackage, SourcePart
from nipack.builder.recipes import RecipePart
from nipack.system.address import path_of

# What every builder of a distribution knows for an archive, by its address.
_ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")


def recipe_parts(package: DataPackage) -> tuple[RecipePart, ...]:
    """Return the files that anybody can fetch and put in place; none where one cannot be."""
    parts = [_part(number, part) for number, part in enumerate(package.parts, 1)]
    found = tuple(part for part in parts if part is not None)
    return found if len(found) == len(parts) else ()


def _part(number: int, part: SourcePart) -> RecipePart | None:
    if part.address is None or "#" in part.address:
        return None
    suffix = ""
    if part.is_archive:
        path = path_of(part.address).lower()
        suffix = next((each for each in _ARCHIVES if path.endswith(each)), "")
        if not suffix:
            return None
    # A tab parts the two names of a line.
    names = [name for pair in part.places for name in pair if name is not None]
    if any("\t" in name or has_controls(name) for name in names):
        return None
    return RecipePart(
        number=number,
        # RFC 3986, 2: what an address may not have stands in it as %20 and the like.
        address=quote(part.address, safe="%:/?#[]@!$&'()*+,;=~"),
        path=part.path,
        size=part.size,
        sha256=part.record.digests["sha256"],
        suffix=suffix,
        places=part.places,
        top=part.top,
    )
