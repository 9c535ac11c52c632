"""What is wrong with the data that is asked for, and what fixes it."""

from __future__ import annotations

from ..inventory.installed import owners_of
from ..inventory.owners import find_owner
from ..inventory.verification import verify_directory
from ..lookup.records import Record
from ..lookup.search import Wanted, newer_than_chosen
from .explanation import explanation
from .report import (
    causes,
    first_line,
    installation,
    is_without_data,
    mistaken,
    near_by,
    nibabel_differs,
    reinstallation,
    what_to_install,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal

    from ..inventory.verification import Verification
    from ..lookup.search import Candidate, IniProblem, SearchSettings
    from .report import Explanation

    Verdict = Literal["usable", "missing", "too old", "unusable", "damaged"]


class PackageDiagnosis(Record):
    """What was found of one package.

    `summary` is a line for people, `commands` are those that fix it in this interpreter, and
    `hidden` are the newer copies that the chosen one hides.
    """

    __slots__ = ("commands", "explanation", "hidden", "summary", "verdict", "verification")
    verdict: Verdict
    summary: str
    commands: tuple[str, ...]
    hidden: tuple[Candidate, ...]
    explanation: Explanation
    verification: Verification | None

    @property
    def usable(self) -> bool:
        """Whether a package that asks for this data can work."""
        return self.verdict == "usable"

    def __str__(self) -> str:
        """Return what is wrong and what fixes it."""
        return self.text(causes(self.explanation))

    def text(self, first: Sequence[str] = ()) -> str:
        """Return what is wrong and what fixes it, in one list; `first` are causes, its head."""
        lines = [self.summary]
        if self.verification is not None:
            lines += [f"  {problem}" for problem in self.verification.problems[:10]]
        near = [] if self.usable else near_by(self.explanation)
        commands = self.commands[len(self.explanation.near_misses) :] if near else self.commands
        fixes = [] if self.usable else [*first]
        if fixes or (commands and not near):
            fixes = ["To fix this:", *(f"  {each}" for each in fixes)]
        if commands:
            title = ["To install it instead:"] if near else []
            near += [*title, *(f"  {command}" for command in commands)]
        elif not self.usable:
            near += what_to_install(self.explanation)
        return "\n".join([*lines, *fixes, *near])


class Diagnosis(Record):
    """What was found of all packages; true where each can be used.

    `problems` are the ini files that were passed over, `mistakes` those in the settings that name
    the roots.
    """

    __slots__ = ("mistakes", "packages", "problems")
    packages: tuple[PackageDiagnosis, ...]
    problems: tuple[IniProblem, ...]
    mistakes: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether every package can be used."""
        return all(package.usable for package in self.packages)

    def __str__(self) -> str:
        """Return it all as text."""
        return "\n\n".join([*self.texts(), *self.remarks()])

    def texts(self) -> list[str]:
        """Return what there is to say of each package; a cause is told with the first of them."""
        told: set[str] = set()
        found = []
        for package in self.packages:
            first = [each for each in causes(package.explanation) if each not in told]
            found.append(package.text(first))
            told.update(() if package.usable else first)
        return found

    def remarks(self) -> list[str]:
        """Return what there is to say beside the packages' own state."""
        blocks: list[str] = []
        for package in self.packages:
            newer = [f"{each.path}: {each.reason}; remove one" for each in package.hidden]
            found = package.explanation
            # Where it is not usable, the causes are at the head of what fixes it.
            wrong = mistaken(found, with_causes=bool(self))
            blocks += [*newer, *wrong, *nibabel_differs(found)]
        if not self.packages:
            blocks += map(str, (*self.problems, *self.mistakes))
        return list(dict.fromkeys(blocks))


def diagnosis(wanted: Iterable[Wanted], settings: SearchSettings, *, full: bool) -> Diagnosis:
    """Return what is wrong with the data that is wanted.

    Files are checked by name and size, with `full` by every byte.
    """
    packages = tuple(_package(each, settings, full=full) for each in wanted)
    if packages:
        search_for = packages[0].explanation
    else:
        search_for = explanation(Wanted.read({"relpath": "nipy/data"}), settings)
    return Diagnosis(packages=packages, problems=search_for.problems, mistakes=search_for.mistakes)


def _package(wanted: Wanted, settings: SearchSettings, *, full: bool) -> PackageDiagnosis:
    found = explanation(wanted, settings)
    chosen = found.chosen
    if chosen is None:
        return PackageDiagnosis(
            verdict=_verdict(found),
            summary=first_line(found.wanted, found.tried),
            commands=(*(near.remedy for near in found.near_misses), *installation(found)),
            hidden=(),
            explanation=found,
            verification=None,
        )
    verification = verify_directory(chosen.path, wanted.relpath, settings, quick=not full)
    damaged = verification.state == "damaged"
    where = f"{wanted.relpath} {chosen.version} in {chosen.path}"
    return PackageDiagnosis(
        verdict="damaged" if damaged else "usable",
        summary=f"{where}: {_state(verification)}",
        commands=tuple(_reinstallation(chosen, wanted, verification)) if damaged else (),
        hidden=tuple(newer_than_chosen(found.tried)),
        explanation=found,
        verification=verification,
    )


def _verdict(found: Explanation) -> Verdict:
    statuses = {each.status for each in found.tried}
    if "too old" in statuses:
        return "too old"
    there = [each for each in found.tried if each.status not in ("absent", "repeated")]
    is_missing = all(
        is_without_data(each) and find_owner(each.path, found.wanted.relpath).name is None
        for each in there
    )
    return "missing" if is_missing else "unusable"


def _state(verification: Verification) -> str:
    if verification.state == "damaged":
        return verification.reason or f"not as packaged: {verification.extent}"
    if verification.state == "not checked":
        return f"not checked, since {verification.reason}"
    how = "name and size" if verification.quick else "checksum"
    return f"{verification.files} files intact by {how}"


def _reinstallation(chosen: Candidate, wanted: Wanted, found: Verification) -> list[str]:
    damaged = [each.path for each in found.problems]
    owners = owners_of(chosen.path, wanted.relpath, damaged)
    if owners[0].name is None:
        return [f"put {chosen.path} there again, from where it came"]
    lines = [reinstallation(chosen.path, wanted.relpath, each) for each in owners if each.name]
    return [line for several in lines for line in several]
