"""What a file's name says of a surface: that it is one, of which hemisphere, and whether flat."""

import re

# Files of GIFTI that have values of points, and not their places, by the ends that are usual.
_VALUES = re.compile(
    r"\.(func|shape|label|time|topo|vector|tensor|rgba|annot)\.gii(\.gz)?$", re.IGNORECASE
)
_FREESURFER = re.compile(
    r"[lr]h\.(white|pial|inflated|sphere|orig|smoothwm|midthickness|graymid)"
    r"(\.reg|\.preaparc|\.nofix|\.T1|\.avg|_avg)?"
)
# tpl-fsaverage_hemi-L_pial.surf.gii, lh.pial, fs_LR.32k.R.midthickness.surf.gii, pial_left.gii.gz
_SIDE = re.compile(
    r"(?:^|[-_.])(?:(?P<left>L|[Ll]h|[Ll]eft)|(?:R|[Rr]h|[Rr]ight))(?=[-_.])",
)
_FLAT = re.compile(r"(?:^|[-_.])flat[-_.]", re.IGNORECASE)
_SPHERE = re.compile(r"(?:^|[-_.])sphere(?:[-_.]|$)", re.IGNORECASE)


def is_surface(path: str) -> bool:
    """Tell whether a file may be a surface."""
    if is_gifti(path):
        return not _VALUES.search(path)
    return _FREESURFER.fullmatch(_name(path)) is not None


def is_gifti(path: str) -> bool:
    """Tell whether a file is one of GIFTI."""
    return path.lower().endswith((".gii", ".gii.gz"))


def hemisphere_in(path: str) -> str:
    """Return left or right, or nothing where a name says neither, or both."""
    sides = {"left" if found["left"] else "right" for found in _SIDE.finditer(_name(path))}
    return sides.pop() if len(sides) == 1 else ""


def is_flat(path: str) -> bool:
    """Tell whether a name says that a surface was cut and spread out."""
    return _FLAT.search(_name(path)) is not None


def shown_order(path: str) -> tuple[bool, str]:
    """Return where a file comes among others: those that look like nothing of a brain are last."""
    return is_flat(path) or _SPHERE.search(_name(path)) is not None, path


def _name(path: str) -> str:
    return path.rpartition("/")[2]
