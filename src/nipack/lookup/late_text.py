"""Text that is made when somebody reads it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class LateText:
    """Stand for a string that a function returns, called when the string is first looked at.

    The message of an error that most programs catch and never show may take longer to make than
    all that led to the error. `str()` of the error is the text; a copy of this object, by way of
    pickle too, is a string.
    """

    def __init__(self, make: Callable[[], str]) -> None:
        """Take the function; it is called once."""
        self._make = make
        self._text: str | None = None

    def __str__(self) -> str:
        """Return the text, made now if this is the first time."""
        if self._text is None:
            self._text = self._make()
        return self._text

    def __repr__(self) -> str:
        """Return what the string's own would be."""
        return repr(str(self))

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Give pickle and copy the text, for a function cannot always go with it."""
        return str, (str(self),)
