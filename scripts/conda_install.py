#!/usr/bin/env python3
"""Install packages from a channel of .conda files into a prefix, with py-rattler.

    conda_install.py CHANNEL PREFIX SPEC...

CHANNEL is the address of a channel of noarch packages, or a directory with a `noarch` folder that
holds the packages, and one of this platform if there are packages of it; that gets its index here.
Nothing but CHANNEL is asked, and the package cache is a folder of it or beside PREFIX, so nothing
of the user's is read or written.
"""

import argparse
import asyncio
import os
from pathlib import Path

import rattler
from rattler.index import index_fs


async def install(channel: str, prefix: Path, specs: list[str]) -> list[str]:
    """Index a channel that is a directory, solve, install; return what as NAME-VERSION-BUILD."""
    platforms, cache = ["noarch"], prefix.parent / ".cache"
    if "://" not in channel:
        folder = Path(channel).resolve()
        await index_fs(folder, force=True)
        platforms = [path.parent.name for path in folder.glob("*/repodata.json")]
        channel, cache = folder.as_uri(), folder / ".cache"
    records = await rattler.solve(
        [rattler.Channel(channel)],
        specs,
        gateway=rattler.Gateway(cache_dir=cache / "repodata"),
        platforms=platforms,
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    await rattler.install(records, prefix, cache_dir=cache / "packages", show_progress=False)
    return [f"{r.name.normalized}-{r.version}-{r.build}" for r in records]


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("channel")
    parser.add_argument("prefix", type=Path)
    parser.add_argument("specs", nargs="+")
    arguments = parser.parse_args()
    # A relative prefix would be written into the ini files as it is.
    prefix = arguments.prefix.absolute()
    for name in asyncio.run(install(arguments.channel, prefix, arguments.specs)):
        print(f"installed {name} into {arguments.prefix}", flush=True)
    # py-rattler's threads outlive the installation, and Python's own end at times dies of them.
    os._exit(0)


if __name__ == "__main__":
    main()
