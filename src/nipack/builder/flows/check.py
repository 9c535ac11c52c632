"""Look at a source without building anything: every problem, whatever kind it is."""

from dataclasses import dataclass

from nipack.builder.changes import side_of
from nipack.builder.check.structure import for_release, is_excepted, release_warnings
from nipack.builder.reading import Survey, package_of, read_package, survey_source
from nipack.builder.rules import problem_at
from nipack.difference.versions import Difference, compare_versions
from nipack.system.address import public_address
from nipack.system.errors import DataPackageError, Problem, SourceError, system_errors_as
from nipack.system.leftovers import workspace
from nipack.system.progress import Reporter, StepsAlone


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Every problem of a source, and what changed since a previous version.

    `difference` is None where no version was named, or an error leaves nothing to compare.
    """

    problems: tuple[Problem, ...]
    difference: Difference | None = None


def check(
    source: str,
    reporter: Reporter,
    *,
    release: bool = False,
    offline: bool = False,
    previous: str | None = None,
) -> Checked:
    """Return every problem of a source, but for those that its definition excepts.

    For a `release`, what must not be passed on is an error too.  `previous` is the source of the
    version before; raises DataPackageError or SourceError where that cannot be read.
    """
    with workspace() as folder:
        try:
            survey = survey_source(source, folder, reporter, offline=offline)
        except DataPackageError as error:
            return Checked(problems=error.problems)
        except SourceError as error:
            return Checked(problems=(_source_problem(source, error),))
        found = [*survey.problems, *(release_warnings(survey.definition) if release else ())]
        left = [each for each in found if not is_excepted(each, survey.definition)]
        problems = tuple(for_release(each) if release else each for each in left)
        difference = None
        if previous is not None and all(each.severity != "error" for each in left):
            difference = _since(previous, survey, source, reporter, offline=offline)
    return Checked(problems=problems, difference=difference)


@system_errors_as(SourceError, "make it readable, and make sure that there is room to unpack it")
def _since(
    previous: str, survey: Survey, source: str, reporter: Reporter, *, offline: bool
) -> Difference:
    with workspace() as folder:
        # What was wrong with it was said when it was the newest.
        quiet = StepsAlone(reporter)
        old = read_package(previous, folder, quiet, offline=offline, inside=False)
        new = package_of(survey, reporter)
        return compare_versions(side_of(old, previous), side_of(new, source), reporter)


def _source_problem(source: str, error: SourceError) -> Problem:
    """Return the problem that an error of a source is; its text has place, reason and remedy."""
    where = public_address(source)
    text = str(error).removeprefix(f"{where}: ")
    message, _, remedy = text.rpartition("; ")
    return problem_at(error.code, where, message or text, remedy if message else "see above")
