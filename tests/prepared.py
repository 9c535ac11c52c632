"""Commands that change a disk, each with the folder in which it does."""

import hashlib
import json
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.builder.samples import IMAGE, READY
from tests.builder.served import Server, serving
from tests.killed import Command

Prepare = Callable[[Path], Command]
# What no program makes smaller, and a download writes in several pieces.
LONG = random.Random(1).randbytes(400_000)


def source_in(folder: Path, version: str = "0.2", more: bytes = b"") -> Path:
    """Write a small package with a definition; it is larger by a file of more bytes."""
    data = folder / f"source-{version}" / "x"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "a.nii.gz").write_bytes(IMAGE)
    (data / "README.txt").write_text(f"data of {version}\n", "utf-8")
    (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
    if more:
        (data / "deep" / "more.bin").write_bytes(more)
    definition = {**READY, "version": version, "source": {"address": "x"}}
    (data.parent / "package.yaml").write_text(json.dumps(definition), "utf-8")
    return data.parent


def beginning(folder: Path) -> Command:
    source = source_in(folder)
    (source / "package.yaml").unlink()
    return Command.of(folder, "init", source / "x", "--relpath", "nipy/x")


def raising(folder: Path) -> Command:
    return Command.of(folder, "bump", "minor", source_in(folder), "--date", "2024-02-29")


def linking(folder: Path) -> Command:
    """Link for a library that has one of the files already, as a placeholder."""
    prefix, files = folder / "prefix", {"a.txt": b"a", "deep/b.txt": b"b"}
    data = prefix / "share" / "nipy" / "templateflow" / "tpl-x"
    for name, content in {"config.ini": b"[DEFAULT]\nversion = 1.0\n", **files}.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    home = folder / "templateflow"
    (home / "tpl-x").mkdir(parents=True)
    (home / "tpl-x" / "a.txt").touch()
    where = {"NIPY_DATA_PATH": str(prefix / "share" / "nipy"), "TEMPLATEFLOW_HOME": str(home)}
    return Command.of(folder, "link", "templateflow", **where)


def unlinking(folder: Path) -> Command:
    command = linking(folder)
    done(command)
    return replace(command, words=("unlink", "templateflow"))


def building(folder: Path) -> Command:
    """Build two formats over what an earlier build has left."""
    return Command.of(folder, "build", source_in(folder), "-f", "wheel", "-f", "sdist", "-q")


def writing_recipes(folder: Path) -> Command:
    return Command.of(folder, "recipe", source_in(folder), "-f", "rpm", "--draft", "-q")


def published(folder: Path, version: str, more: bytes = b"") -> Command:
    """Build a version; return what publishes it."""
    source = source_in(folder, version, more)
    done(Command.of(folder, "build", source, "-f", "wheel", "-q", "-o", folder / version))
    wheel = next((folder / version).glob("*.whl"))
    return Command.of(folder, "publish", wheel, folder / "repository", "--unsigned", "-q")


def getting(folder: Path) -> Command:
    """Get a package for the first time."""
    done(published(folder, "0.2"))
    done(Command.of(folder, "repository", "add", folder / "repository", "--unsigned"))
    return Command.of(folder, "get", "nipy-x", "-q")


def getting_newer(folder: Path) -> Command:
    """Get a newer version in place of one that was got."""
    command = getting(folder)
    done(command)
    done(published(folder, "0.3"))
    return command


def done(command: Command) -> None:
    ended = command.run()
    assert ended.returncode == 0, ended.stdout + ended.stderr


@contextmanager
def fetching(command: str, folder: Path) -> Iterator[tuple[Prepare, Server]]:
    """Prepare a build or a get from a server on loopback, which can begin anywhere."""
    authority = folder / "ca.pem"
    with serving(authority if command == "build" else None) as server:

        def build(folder: Path) -> Command:
            source = source_in(folder, more=LONG)
            with tarfile.open(folder / "made.tar.gz", "w:gz") as packed:
                packed.add(source / "x", "x")
            shutil.rmtree(source / "x")
            server.content = (folder / "made.tar.gz").read_bytes()
            definition = json.loads((source / "package.yaml").read_text("utf-8"))
            digest = hashlib.sha256(server.content).hexdigest()
            definition["source"] = {"address": server.address, "sha256": digest}
            (source / "package.yaml").write_text(json.dumps(definition), "utf-8")
            trusted = {"REQUESTS_CA_BUNDLE": str(authority)}
            return Command.of(folder, "build", source, "-f", "wheel", "-q", **trusted)

        def get(folder: Path) -> Command:
            done(published(folder, "0.2", LONG))
            repository = folder / "repository"
            server.files = {
                f"/{path.relative_to(repository).as_posix()}": path.read_bytes()
                for path in repository.rglob("*")
                if path.is_file()
            }
            done(Command.of(folder, "repository", "add", server.base, "--unsigned"))
            return Command.of(folder, "get", "nipy-x", "-q")

        yield {"build": build, "get": get}[command], server


CASES = {
    "init": beginning,
    "bump": raising,
    "link": linking,
    "unlink": unlinking,
    "build": building,
    "recipe": writing_recipes,
    "get": getting,
    "get newer": getting_newer,
}
