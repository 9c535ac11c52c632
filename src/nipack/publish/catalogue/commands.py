"""What a user types to install from a repository, in the words of each ecosystem."""

import shlex
from dataclasses import dataclass

from nipack.publish.records import PublishedRepository

UNKNOWN_ADDRESS = "https://ADDRESS"
"""What stands in the place of an address that nobody has stated; the page puts its own there."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of one ecosystem: what adds the repository, and what installs a package."""

    ecosystem: str
    program: str
    add: tuple[str, ...]
    install: tuple[str, ...]


def commands(repository: PublishedRepository, ecosystem: str, package: str) -> Commands | None:
    """Return an ecosystem's commands for a package, None where it has none."""
    made = _COMMANDS.get(ecosystem)
    return made(repository, shlex.quote(package)) if made else None


def base_address(repository: PublishedRepository) -> str:
    """Return where the repository is served, without a slash at its end."""
    return repository.address or UNKNOWN_ADDRESS


def _place(repository: PublishedRepository, path: str) -> str:
    return shlex.quote(f"{base_address(repository)}/{path}")


def _conda(repository: PublishedRepository, package: str) -> Commands:
    channel = _place(repository, "conda")
    return Commands(
        "conda",
        "conda, mamba, pixi",
        (f"conda config --append channels {channel}",),
        (f"conda install -c {channel} {package}",),
    )


def _apt(repository: PublishedRepository, package: str) -> Commands:
    name = f"{repository.name}.sources"
    target = shlex.quote(f"/etc/apt/sources.list.d/{name}")
    add = (
        f"sudo curl -fsSLo {target} {_place(repository, f'apt/{name}')}",
        "sudo apt update",
    )
    return Commands("apt", "Debian, Ubuntu", add, (*add, f"sudo apt install {package}"))


def _pip(repository: PublishedRepository, package: str) -> Commands:
    index = _place(repository, "simple/")
    return Commands(
        "pip",
        "pip, uv",
        (f"pip config set site.extra-index-url {index}",),
        # Data depends on nothing, so that no other index is asked.
        (f"pip install --index-url {index} {package}",),
    )


def _rpm(repository: PublishedRepository, package: str) -> Commands:
    name = f"{repository.name}.repo"
    target = shlex.quote(f"/etc/yum.repos.d/{name}")
    add = (f"sudo curl -fsSLo {target} {_place(repository, f'rpm/{name}')}",)
    return Commands("rpm", "Fedora, openSUSE", add, (*add, f"sudo dnf install {package}"))


_COMMANDS = {"conda": _conda, "apt": _apt, "pip": _pip, "rpm": _rpm}
ECOSYSTEMS = tuple(_COMMANDS)
