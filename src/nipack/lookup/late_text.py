"""Text that is made when somebody reads it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class LateText:
    """Stand for a string that a function returns, called when the string is first looked at.

    The message of an error that most programs catch and never show may take longer to make than
    all that led to the error. It does what a string does in messages; a copy, by way of pickle too,
    is one. Not a `collections.UserString`, whose import takes longer than the search.
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

    def __eq__(self, other: object) -> bool:
        """Compare the texts."""
        return str(self) == str(other) if isinstance(other, (str, LateText)) else NotImplemented

    def __hash__(self) -> int:
        """Hash as the string does."""
        return hash(str(self))

    def __contains__(self, part: str) -> bool:
        """Look for a part of the text."""
        return part in str(self)

    def __len__(self) -> int:
        """Return the length of the text."""
        return len(str(self))

    def __getitem__(self, place: int | slice) -> str:
        """Return a part of the text."""
        return str(self)[place]

    def __add__(self, other: str) -> str:
        """Return the text with another behind it."""
        return str(self) + other

    def __radd__(self, other: str) -> str:
        """Return the text with another before it."""
        return other + str(self)

    def __format__(self, form: str) -> str:
        """Format as the string does."""
        return format(str(self), form)

    def __getattr__(self, name: str) -> Any:
        """Return a method of the string."""
        return getattr(str(self), name)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Give pickle and copy the text, for a function cannot always go with it."""
        return str, (str(self),)
