"""The error for data that is not found; its words are made when somebody reads them."""

from __future__ import annotations

from ..lookup.errors import DEFAULT_INSTALL_HINT, DataError
from ..lookup.late_text import LateText

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..lookup.search import DataPath, SearchSettings, Wanted


def not_found(
    wanted: Wanted,
    settings: SearchSettings,
    given: DataPath | None = None,
    hint: str | None = None,
) -> DataError:
    """Return the error for data that is not in the given data path, or in that of the settings.

    Its message, which ends in the hint, is made when it is first read, with the settings of now.
    The default hint is left out where the message knows better.
    """
    settings = settings.replace(environ=dict(settings.environ))

    def message() -> str:
        try:
            return _message(wanted, settings, given, hint)
        except Exception as error:  # An interpreter that ends imports nothing, for one.
            return (
                f"{wanted.relpath} was not found; the reason is not known: {error}; "
                f"ask by: nipack where {wanted.relpath} --explain"
            )

    return DataError(LateText(message))


def _message(
    wanted: Wanted, settings: SearchSettings, given: DataPath | None, hint: str | None
) -> str:
    # Only now: who finds data, or goes on without it, does not wait for these.
    from ..layout import is_relpath
    from .explanation import search
    from .report import failure

    found = search(wanted, settings, given)
    # The default is for who has it where nothing points to; a package's own is its author's.
    if hint is None or (hint == DEFAULT_INSTALL_HINT and not found.nowhere):
        return failure(found)
    if hint == DEFAULT_INSTALL_HINT and is_relpath(wanted.relpath):
        # Its example is of another package.
        return f"{failure(found)}\n\n{hint.replace('nipy/templates', wanted.relpath)}"
    return f"{failure(found, hinted=hint != DEFAULT_INSTALL_HINT)}\n\n{hint}"
