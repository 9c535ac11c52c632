"""Give a reader of strangers' bytes damaged ones, until the time is over or it fails in a new way.

Each input is a good one with some bytes changed, cut, repeated or replaced by words that its
language knows; one that is refused at a place where none was before is changed further.  The reader
may take it, or refuse it by the errors that it promises; whatever else it raises is a finding, and
so is one that takes longer than --limit: it is written to a file, and the exit code is 1.
"""

import argparse
import contextlib
import gzip
import hashlib
import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
from nibabel.nifti1 import Nifti1Extension, Nifti1Image

from nipack.builder.authoring.facts import read_facts
from nipack.builder.check.contents import DamagedError, read_gzip
from nipack.builder.check.images import image_problems
from nipack.builder.check.privacy import file_problems
from nipack.builder.definition.reading import read_definition
from nipack.builder.dialects.versions import upstream_version
from nipack.builder.formats import formats
from nipack.builder.source.unpack import unpack
from nipack.inventory.owners import find_owner
from nipack.inventory.payload import read_manifest, read_metadata
from nipack.libraries.ledger import Ledger
from nipack.lookup import ini, version
from nipack.lookup.errors import DataError, IniError
from nipack.publish.artifacts.damage import damage_as_error
from nipack.publish.attestations import found_beside
from nipack.publish.client.known import add, repositories
from nipack.publish.ecosystems import Ecosystem, ecosystem_of, ecosystems
from nipack.publish.errors import RepositoryError
from nipack.publish.log import entry_path, load
from nipack.publish.stores.folder import FolderStore
from nipack.system.errors import NipackError
from nipack.system.images import quiet_nibabel

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
RECORD = REPOSITORY / "scripts" / "fuzzed.json"
LONG = 1300  # bytes of a definition; the time goes into reading, not into what differs
MOST_KEPT = 2000  # inputs that were refused at a new place
MEMORY = 4 << 30  # bytes of address space; a reader that wants more fails by MemoryError
WORDS = [
    *(
        b"\0",
        b"\xff",
        b"\n",
        b"[",
        b"{",
        b'"',
        b"'",
        b"%(a)s",
        b"..",
        b"/",
        b"&a ",
        b"*a",
        b"!!int ",
    ),
    *(b"-1", b"9" * 40, b"-0000001", b"ffffffff", b"7777777", b"1e999", b"NaN", b"null", b"true"),
    *(b"\x1b[31m", b"\xe2\x80\xae", b"${{ a }}", b"%post", b"# symlink ", b" -> ", b": ", b"- "),
    *(b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"PK\x01\x02", b"ustar", b"GNU.sparse.map=1,2\n"),
]


class TooSlow(BaseException):
    """A reader took longer than it may: none of its own `except` takes this for an error."""


@dataclass(frozen=True)
class Target:
    """One reader: good inputs, what reads one, and the errors that it may raise."""

    seeds: list[bytes]
    read: Callable[[bytes, Path], object]
    errors: tuple[type[Exception], ...]


def damaged(seed: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to four changes."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 4, 8, 64)))
        kind = chance.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at:end] = chance.randbytes(end - at)
        elif kind == 2:
            data[at:end] = b""
        elif kind == 3:
            data[at:at] = data[at:end] * chance.choice((1, 2, 50))
        elif kind == 4:
            del data[at:]
        else:
            word = chance.choice(WORDS)
            data[at : at + chance.choice((0, len(word)))] = word
    return bytes(data)


def written(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    """Return what gives a reader of files one of this name."""

    def read_bytes(data: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return read_bytes


def unpacked(path: Path) -> None:
    """Unpack an archive anew."""
    inner = path.parent / "unpacked"
    shutil.rmtree(inner, ignore_errors=True)
    unpack(path, inner, lambda count: None, shown="archive")


def drained(ecosystem: Ecosystem) -> Callable[[Path], None]:
    """Return what reads every file of an artifact."""

    def read(path: Path) -> None:
        with damage_as_error(ecosystem.title), path.open("rb") as stream:
            for _, content in ecosystem.members(stream):
                while content.read(1 << 16):
                    pass

    return read


def read_whole(ecosystem: Ecosystem) -> Callable[[Path], None]:
    """Return what reads an artifact as `publish` does, and then its files as `get` does."""

    def read(path: Path) -> None:
        with contextlib.suppress(NipackError):
            ecosystem.read(path)
        drained(ecosystem)(path)

    return read


def versions(data: bytes, folder: Path) -> None:
    """Read, compare and respell a version."""
    text = data.decode("utf-8", "replace")
    version.normal(text)
    version.major_minor(text)
    version.at_least(text, "1.0")
    upstream_version(text)


def read_log(data: bytes, folder: Path) -> None:
    """Read a repository whose log has this first entry."""
    path = folder / entry_path(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    load(FolderStore(folder))


def add_repository(rows: bytes, folder: Path) -> None:
    """Add a repository whose list of packages this is, unsigned."""
    known = folder / "known"
    shutil.rmtree(known, ignore_errors=True)
    known.mkdir()
    sums = f"{_sha256(rows)}  packages.json\n".encode()
    about = {"name": "a", "title": "A", "generation": 1, "date": "", "sha256sums": _sha256(sums)}
    (folder / "packages.json").write_bytes(rows)
    (folder / "SHA256SUMS").write_bytes(sums)
    (folder / "repository.json").write_text(json.dumps(about), "utf-8")
    for each in (add(str(folder), known, unsigned=True), *repositories(known)):
        each.find("nipy-a")


def image(path: Path) -> None:
    """Look at an image as `check` does."""
    size = path.stat().st_size
    with quiet_nibabel():
        list(image_problems(path, "image", size))
    with path.open("rb") as stream:
        list(file_problems(path, "image", stream.read(1 << 15), size))


def header() -> bytes:
    """Return a small image with an extension."""
    made = Nifti1Image(np.zeros((2, 2, 2), "u1"), np.eye(4))
    made.header.extensions.append(Nifti1Extension("comment", b"from /home/ada, by Lovelace^Ada"))
    return bytes(made.to_bytes())


def gzip_of(path: Path) -> None:
    """Read a compressed file as `check` does."""
    with contextlib.suppress(DamagedError):
        read_gzip(path, lambda count: None)


def owner(record: str) -> Callable[[bytes, Path], object]:
    """Return what asks for the owner of data, of which a package manager's record is this."""

    def read(data: bytes, folder: Path) -> object:
        file = folder / record
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return find_owner(str(folder / "usr/share/nipy/nipy/a"), "nipy/a")

    return read


def attestation(data: bytes, folder: Path) -> object:
    """Read what is signed of an artifact."""
    (folder / "a.whl.sigstore.json").write_bytes(data)
    return found_beside(folder / "a.whl", "0" * 64)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def made(folder: Path) -> dict[str, Path]:
    """Return a small package's artifacts by their ecosystems, and its source as archives."""
    words = [*(f"--format={name}" for name in formats()), "-q", "-o", str(folder)]
    build = [sys.executable, "-m", "nipack", "build", str(EXAMPLE), *words]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    built = ((ecosystem_of(path.name), path) for path in folder.iterdir())
    found = {ecosystem.name: path for ecosystem, path in built if ecosystem}
    publish = [sys.executable, "-m", "nipack", "publish", *map(str, found.values()), "--unsigned"]
    repository = Path(tempfile.mkdtemp(dir=folder.parent))
    subprocess.run([*publish, str(repository), "-q"], check=True, stdout=subprocess.DEVNULL)
    found["log"], found["rows"] = repository / entry_path(1), repository / "packages.json"
    for kind in ("tar", "gztar", "xztar", "zip"):
        found[kind] = Path(shutil.make_archive(str(folder / "source"), kind, EXAMPLE))
    return found


def cpio(name: bytes, content: bytes) -> bytes:
    """Return one file as cpio has it."""
    fields = [1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % each for each in fields) + name + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def small_rpm() -> bytes:
    """Return the parts of an .rpm that its files' reader looks at, uncompressed."""
    header = b"\x8e\xad\xe8\x01" + bytes(4) + b"\0\0\0\1" + b"\0\0\0\x08" + bytes(24)
    return (
        b"\xed\xab\xee\xdb"
        + bytes(92)
        + header * 2
        + cpio(b"./usr/a", b"abc")
        + cpio(b"TRAILER!!!", b"")
    )


# Artifacts that `nipack build` does not make, as small as the reader of their files takes them.
SMALL = {"rpm": small_rpm}


def artifact_target(ecosystem: Ecosystem, artifacts: dict[str, Path]) -> Target:
    """Return the readers of one ecosystem's artifacts."""
    path = artifacts.get(ecosystem.name)
    if path is not None:
        read = written(path.name, read_whole(ecosystem))
        return Target([path.read_bytes()], read, (NipackError,))
    if ecosystem.name not in SMALL:
        sys.exit(f"{ecosystem.name}: nipack build makes no {ecosystem.suffix}; add one to SMALL")
    read = written(f"a{ecosystem.suffix}", drained(ecosystem))
    return Target([SMALL[ecosystem.name]()], read, (NipackError,))


def targets(artifacts: dict[str, Path]) -> dict[str, Target]:
    """Return every reader by its name."""
    refused = (NipackError,)
    seeds = {kind: [path.read_bytes()] for kind, path in artifacts.items()}
    manifest = b"0" * 64 + b"  share/nipy/a/b.txt\n# symlink share/nipy/a/c -> b.txt\n"
    metadata = b'{"name": "a", "version": "1.0", "relpath": "nipy/a", "size": 3, "files": {"b": 3}}'
    citation = (
        b"cff-version: 1.2.0\ntitle: a\nauthors:\n  - given-names: Ada\n    family-names: L\n"
    )
    described = (
        b'{"Name": "a", "License": "CC0", "Authors": ["Ada <a@b.c>"], "DatasetDOI": "10.1000/a"}'
    )
    core = b"Name: a\nVersion: 1.0\nAuthor-email: Ada <a@b.c>\nProject-URL: Home, https://a.b\n"
    project = (
        b'[project]\nname = "a"\nversion = "1.0"\nauthors = [{name = "Ada"}]\nlicense = "MIT"\n'
    )
    definitions = [
        *sorted(REPOSITORY.glob("recipes/*/package.yaml")),
        *sorted(REPOSITORY.glob("tests/samples/*.yaml")),
    ]
    settings = b"[DEFAULT]\nversion = 0.3\n[DATA]\npath: %(version)s/a\n  b\n"

    listed = b"/usr/share/nipy/nipy/a/b\n/usr/share/nipy/nipy/a/config.ini\n"
    record = b'{"name": "nipy-a", "version": "1", "files": ["share/nipy/nipy/a/config.ini"]}'
    linked = b'{"library": "mne", "directory": "/a"}\n{"copy": "/a/b", "state": [1, 2]}\n'
    digest = b'{"messageDigest": {"digest": "AAAA"}}'
    bundle = (
        b'{"mediaType": "application/vnd.dev.sigstore.bundle", "messageSignature": %b}' % digest
    )

    def facts(name: str, seed: bytes) -> Target:
        return Target([seed], written(name, lambda path: read_facts([path.parent])), ())

    return {
        "definition": Target(
            [path.read_bytes() for path in definitions if path.stat().st_size < LONG],
            written("package.yaml", read_definition),
            refused,
        ),
        "ini": Target(
            [settings],
            lambda data, folder: ini.find_setting(data, "config.ini", "DATA", "path"),
            (IniError,),
        ),
        "tar": Target(
            [*seeds["tar"], *seeds["gztar"], *seeds["xztar"]], written("archive", unpacked), refused
        ),
        "zip": Target(seeds["zip"], written("archive", unpacked), refused),
        "manifest": Target(
            [manifest], written("SHA256SUMS", lambda p: read_manifest(str(p))), (DataError,)
        ),
        "metadata": Target(
            [metadata], written("package.json", lambda p: read_metadata(str(p.parent))), ()
        ),
        **{each.name: artifact_target(each, artifacts) for each in ecosystems().values()},
        "log": Target(seeds["log"], read_log, (RepositoryError,)),
        "repository": Target(seeds["rows"], add_repository, (RepositoryError,)),
        "citation": facts("CITATION.cff", citation),
        "description": facts("dataset_description.json", described),
        "core-metadata": facts("PKG-INFO", core),
        "pyproject": facts("pyproject.toml", project),
        "image": Target([header()], written("a.nii", image), ()),
        "gzip": Target([gzip.compress(b"ab" * 99, mtime=0)], written("a.gz", gzip_of), ()),
        "dpkg": Target([listed], owner("var/lib/dpkg/info/nipy-a.list"), ()),
        "conda-meta": Target([record], owner("usr/conda-meta/nipy-a-1.json"), ()),
        "links": Target([linked], written("links.jsonl", lambda p: Ledger.read(str(p))), ()),
        "attestation": Target([bundle], attestation, (RepositoryError,)),
        "version": Target([b"1.0", b"1.0.rc1", b"v2!1.0+a.1"], versions, (ValueError,)),
    }


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooSlow after so many seconds of the processor, or where a reader waits for ever."""

    def too_slow(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds:g} s")

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, 1), (signal.ITIMER_REAL, signal.SIGALRM, 20))
    for timer, number, times in timers:
        signal.signal(number, too_slow)
        signal.setitimer(timer, seconds * times)
    try:
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)


def place_of(error: BaseException) -> int:
    """Return a number for the lines of code by which an error came about, and its causes."""
    lines = []
    cause: BaseException | None = error
    while cause is not None:
        lines += [(each.f_code, number) for each, number in traceback.walk_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    return hash(tuple(lines))


def record(name: str, seed: int, tried: int) -> None:
    """Note that so many inputs of a seed were given to a reader, and nothing was found."""
    known = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    seeds = known.setdefault(name, {})
    # A longer run of the same seed begins with the same inputs.
    seeds[str(seed)] = max(tried, seeds.get(str(seed), 0))
    beside = RECORD.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", "utf-8")
    beside.replace(RECORD)


def fuzz(
    target: Target, options: argparse.Namespace, folder: Path
) -> tuple[int, list[tuple[str, bytes]]]:
    """Return how many inputs were tried, and what was found: one input for each kind of failure."""
    chance = random.Random(options.seed)
    found: dict[str, bytes] = {}
    lines: dict[str, str] = {}
    kept, places = list(target.seeds), set[int]()
    largest = 4 * max(map(len, kept)) + 4096
    tried, end = 0, time.monotonic() + options.seconds
    while time.monotonic() < end and tried < options.executions:
        data = damaged(chance.choice(chance.choice((target.seeds, kept))), chance)
        tried += 1
        try:
            with limited(options.limit):
                target.read(data, folder)
        except target.errors as error:
            place = place_of(error)
            if place not in places and len(data) <= largest and len(kept) < MOST_KEPT:
                places.add(place)
                kept.append(data)
        except (Exception, TooSlow) as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} {last.filename}:{last.lineno}"
            if key not in found:
                found[key], lines[key] = data, traceback.format_exc()
    return tried, [(lines[key], data) for key, data in found.items()]


def memory_folder() -> str | None:
    """Return a folder that is on no disk, many times as fast; None for the usual one."""
    folder = "/dev/shm"
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def main() -> int:
    """Run one target or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="a reader's name, or 'all'; 'list' prints them")
    parser.add_argument(
        "--seconds", type=float, help="for each target (60; with --executions, as many as it takes)"
    )
    parser.add_argument("--executions", type=int, default=1 << 62, help="inputs for each target")
    parser.add_argument(
        "--limit", type=float, default=10.0, help="seconds of the processor for each input (10)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is changed (0)")
    parser.add_argument(
        "--into", type=Path, default=Path("fuzz-findings"), help="folder of findings"
    )
    parser.add_argument(
        "--record", action="store_true", help=f"add what found nothing to scripts/{RECORD.name}"
    )
    options = parser.parse_args()
    if options.seconds is None:
        options.seconds = 60.0 if options.executions == 1 << 62 else math.inf
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    failed = False
    with tempfile.TemporaryDirectory(dir=memory_folder()) as work:
        known = targets(made(Path(work) / "made"))
        if options.target == "list":
            print(*known, sep="\n")
            return 0
        if options.target != "all" and options.target not in known:
            parser.error(f"no target {options.target}; there are: {', '.join(known)}")
        for name in known if options.target == "all" else [options.target]:
            folder = Path(work) / name
            folder.mkdir()
            tried, found = fuzz(known[name], options, folder)
            print(f"{name}: {tried:,} tried, {len(found)} found", flush=True)
            for number, (trace, data) in enumerate(found):
                options.into.mkdir(exist_ok=True)
                path = options.into / f"{name}-{options.seed}-{number}"
                path.write_bytes(data)
                print(f"{trace}  the input is in {path}")
            if options.record and not found:
                record(name, options.seed, tried)
            failed |= bool(found)
    return int(failed)


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "100")
    sys.exit(main())
