"""Terminals as they look: real commands in a home of their own, as SVG files."""

import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path

import nibabel
import numpy as np
from rich.console import Console
from rich.text import Text

TOP = Path(__file__).resolve().parent.parent
PICTURES = TOP / "docs" / "_static" / "terminals"
COLUMNS = 88
HOME = "/home/ada"


@dataclass(frozen=True)
class Scene:
    """A picture: its name and title, and the commands that are shown in it."""

    name: str
    title: str
    commands: tuple[str, ...]


SCENES = (
    Scene("build", "From a folder to packages", (
        "nipack check atlas",
        "nipack build atlas -o dist",
    )),
    Scene("publish", "A signed repository", (
        "nipack publish dist/* lab --address https://data.lab.example --key lab.key",
    )),
    Scene("use", "Where is it, who installed it, is it intact?", (
        "nipack where nipy/examplepkg phantom/T1.nii.gz",
        "nipack list",
        "nipack verify",
    )),
    Scene("missing", "Data that is not found", ("nipack where nipy/templates",)),
    Scene("doctor", "A damaged file", ("nipack doctor nipy/examplepkg",)),
    Scene("diff", "What changed between two releases", ("nipack diff atlas atlas-0.2",)),
)  # fmt: skip


def made() -> dict[Path, str]:
    """Return the picture of every scene; one that shows the same text stays as it is."""
    pictures = {}
    # How lines break depends on how long its path is, on any machine.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        home = Path(folder).resolve() / "ada"
        prepare(home)
        for scene in SCENES:
            if scene.name == "doctor":
                damage(home)
            file = PICTURES / f"{scene.name}.svg"
            pictures[file] = record(scene, home)
            kept = file.read_text("utf-8") if file.exists() else ""
            if shown(kept) == shown(pictures[file]):
                pictures[file] = kept
    return pictures


def prepare(home: Path) -> None:
    """Make a home with a data package in two releases, its repository, and its data installed."""
    home.mkdir()
    shutil.copytree(TOP / "recipes" / "nipy-examplepkg", home / "atlas")
    shutil.copytree(home / "atlas", home / "atlas-0.2")
    run("nipack bump minor atlas-0.2", home)
    change(home / "atlas-0.2")
    run("nipack keygen 'Ada Lovelace <ada@example.org>' --out lab.key", home)
    run("nipack build atlas -o first -f conda", home)
    run("nipack publish first/* first-lab --key lab.key", home)
    run("nipack repository add ./first-lab", home)
    run("nipack get nipy-examplepkg", home)


def change(package: Path) -> None:
    """Change a few voxels of the package's image."""
    [path] = package.rglob("T1.nii.gz")
    image = nibabel.load(path)
    values = np.asanyarray(image.dataobj).copy()
    values[tuple(length // 2 for length in values.shape)] += 12
    nibabel.save(nibabel.Nifti1Image(values, image.affine, image.header), path)


def damage(home: Path) -> None:
    """Cut an installed image short."""
    [image] = (home / ".nipy").rglob("T1.nii.gz")
    content = image.read_bytes()
    image.chmod(0o644)
    image.write_bytes(content[:-1])


def run(command: str, home: Path) -> str:
    """Return what a command prints on a terminal of some colours, on both streams."""
    words = shlex.split(command)
    expanded = [each for word in words for each in (sorted(map(str, _files(home, word))) or [word])]
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    scripts = Path(sys.executable).parent
    env = kept | {
        "PATH": f"{scripts}{os.pathsep}{kept.get('PATH', '')}",
        "HOME": str(home),
        "COLUMNS": str(COLUMNS),
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
    }
    terminal, output = pty.openpty()  # what is printed to one is as wide as it is
    with subprocess.Popen(
        expanded, cwd=home, env=env, stdout=output, stderr=subprocess.PIPE
    ) as done:
        os.close(output)
        assert done.stderr is not None
        said = [done.stderr.read(), *iter(partial(_read, terminal), b"")]
    os.close(terminal)
    text = b"".join(said).decode("utf-8").replace("\r\n", "\n")
    text = text.replace(str(home), HOME).replace(sys.prefix, f"{HOME}/env")
    # These paths were longer when they were put one below the other.
    return re.sub(r"(\S)\s+not there\s+\[", r"\1  not there  [", text)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux, where nobody writes to it any more
        return b""


def _files(home: Path, word: str) -> list[Path]:
    return [path.relative_to(home) for path in home.glob(word)] if "*" in word else []


def record(scene: Scene, home: Path) -> str:
    """Return a picture of a terminal in which the scene's commands were typed."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    for command in scene.commands:
        console.print(Text(f"$ {command}", style="bold"))
        said = re.sub(
            r"\b[0-9A-F]{40}\b", "6435CFAF4950AF865E90D53A489DAE1239F9420E", run(command, home)
        )
        console.print(Text.from_ansi(said.rstrip("\n")))
    picture = console.export_svg(title=scene.title, unique_id=scene.name)
    return re.sub(r'(-clip-terminal">\s*<rect [^>]*height=")([0-9.]+)', _with_descenders, picture)


def _with_descenders(cut: re.Match[str]) -> str:
    """Return a cut that shows the underscores of the last line, too."""
    return f"{cut[1]}{float(cut[2]) + 6:.1f}"


def shown(picture: str) -> str:
    """Return the text of a picture."""
    return "\n".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))
