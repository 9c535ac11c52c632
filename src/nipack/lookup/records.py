"""Frozen records, as `dataclass(frozen=True, slots=True, kw_only=True)` makes them.

`dataclasses` imports `inspect`, which takes several times as long as the whole of `import
nipack.data`: every program that uses nipy would wait for it. `nipack.builder` is in no such hurry.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_options):
        """Stand in for the declaration that only type checkers read."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """Hold the values named in `__slots__`; two of one class with equal values are equal."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, **values: Any) -> None:
        """Take a value for each name in `__slots__`."""
        if values.keys() != set(self.__slots__):
            wanted = ", ".join(self.__slots__)
            raise TypeError(f"{type(self).__name__} takes {wanted}, not {', '.join(values)}")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse, as a frozen dataclass does."""
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse, as a frozen dataclass does."""
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name; records within stay records."""
        return {name: getattr(self, name) for name in self.__slots__}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with these values changed."""
        return type(self)(**{**self.as_dict(), **changes})

    def __eq__(self, other: object) -> bool:
        """Compare class and values."""
        if type(other) is not type(self):
            return NotImplemented
        return self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        """Hash class and values."""
        return hash((type(self), *self.as_dict().values()))

    def __repr__(self) -> str:
        """Return the call that makes an equal record."""
        values = ", ".join(f"{name}={value!r}" for name, value in self.as_dict().items())
        return f"{type(self).__name__}({values})"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[type[Self], dict[str, Any]]]:
        """Copy and unpickle by a call: the default way sets attributes, which these refuse."""
        return _rebuild, (type(self), self.as_dict())


def plain(value: Any) -> Any:
    """Return a record, and all within it, as the dictionaries and lists that JSON knows."""
    if isinstance(value, Record):
        return {name: plain(each) for name, each in value.as_dict().items()}
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return value


def _rebuild(cls: Callable[..., Any], values: dict[str, Any]) -> Any:
    return cls(**values)
