"""Find installed neuroimaging data (the runtime) and make packages of it (`nipack.builder`)."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .advice.diagnosis import diagnose
    from .advice.explanation import explain
    from .inventory.installed import list_packages
    from .inventory.verification import verify

__all__ = ["__version__", "diagnose", "explain", "list_packages", "verify"]

# Loaded when they are asked for: who finds data does not wait for them. No submodule has the name
# of a function, for it would take the function's place here when it is imported.
_HOMES = {
    "diagnose": "advice.diagnosis",
    "explain": "advice.explanation",
    "list_packages": "inventory.installed",
    "verify": "inventory.verification",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
