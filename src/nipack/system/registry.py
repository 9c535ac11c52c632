"""What can be made, by name: each in a module of its own, here or in a distribution of others."""

import importlib
import logging
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, TypeGuard, TypeVar


class Named(Protocol):
    """What a registry holds."""

    name: str


T = TypeVar("T", bound=Named)
Accepts = Callable[[object], TypeGuard[T]]
log = logging.getLogger(__name__)


def registered(package: str, attribute: str, group: str, accepts: "Accepts[T]") -> dict[str, T]:
    """Return everything of one kind, by its name.

    It is what each module of a package has as `attribute`, and then what other distributions bring
    by an entry point of a `group`.  What does not load, or does not have the interface, is left out
    with a warning: nobody's fault stops the work of the others.
    """
    found: dict[str, T] = {}
    for module in pkgutil.iter_modules(sys.modules[package].__path__):
        own = getattr(importlib.import_module(f"{package}.{module.name}"), attribute)
        assert accepts(own), f"{module.name}.{attribute} does not have the interface"
        found[own.name] = own
    for place, other in _of_others(group):
        # What inherits from an interface has it, but perhaps no name.
        if not accepts(other) or not hasattr(other, "name"):
            log.warning(
                "%s: it does not have the interface; update or uninstall the package", place
            )
        elif other.name in found:
            taken = "the name is already taken"
            log.warning("%s: %s: %s; uninstall one of the two", place, other.name, taken)
        else:
            found[other.name] = other
    return found


def _of_others(group: str) -> Iterator[tuple[str, object]]:
    """Yield each entry point's place in words, and what it leads to."""
    for entry in sorted(entry_points(group=group), key=lambda each: (each.name, each.value)):
        place = f"{_distribution(entry)}, entry point {entry.name} of {group}"
        try:
            yield place, entry.load()
        except Exception as error:  # whatever a stranger's module raises
            reason = f"{type(error).__name__}: {error}"
            log.warning("%s: cannot be loaded: %s; update or uninstall it", place, reason)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "unknown distribution"
