"""Look at a source without building anything: every problem, whatever kind it is."""

from nipack.builder.check.structure import for_release, is_excepted
from nipack.builder.reading import survey_source
from nipack.builder.rules import problem_at
from nipack.system.address import public_address
from nipack.system.errors import DataPackageError, Problem, SourceError
from nipack.system.leftovers import workspace
from nipack.system.progress import Reporter


def check(
    source: str, reporter: Reporter, *, release: bool = False, offline: bool = False
) -> tuple[Problem, ...]:
    """Return every problem of a source, but for those that its definition excepts.

    For a `release`, what must not be passed on is an error too.
    """
    with workspace() as folder:
        try:
            survey = survey_source(source, folder, reporter, offline=offline)
        except DataPackageError as error:
            return error.problems
        except SourceError as error:
            return (_source_problem(source, error),)
    left = [each for each in survey.problems if not is_excepted(each, survey.definition)]
    return tuple(for_release(each) if release else each for each in left)


def _source_problem(source: str, error: SourceError) -> Problem:
    """Return the problem that an error of a source is; its text has place, reason and remedy."""
    where = public_address(source)
    text = str(error).removeprefix(f"{where}: ")
    message, _, remedy = text.rpartition("; ")
    return problem_at(error.code, where, message or text, remedy if message else "see above")
