#!/usr/bin/env python3
"""What scripts/demo shows, once its environment is there."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
DEMO = TOP / ".demo"
SCRIPTS = Path(sys.executable).parent

LOOK_UP = """
import sys, nibabel
from nibabel.data import make_datasource
source = make_datasource({"relpath": sys.argv[1]})
print("nibabel finds version", source.version, "in", source.base_path)
for name in sys.argv[2:]:
    print("and loads", name, nibabel.load(source.get_filename(*name.split("/"))).shape)
"""


def say(text: str) -> None:
    """Print a headline."""
    print(f"\n== {text}", flush=True)


def run(*command: str | Path, env: dict[str, str] | None = None, shown: str = "") -> None:
    """Show a command, then run it; ends the demonstration where it fails."""
    words = [str(word) for word in command]
    print(f"$ {shown or shlex.join(words)}", flush=True)
    if subprocess.run(words, env=os.environ | (env or {}), cwd=DEMO).returncode != 0:
        sys.exit("demo: that command failed; its message is above")


def main() -> None:
    """Build, install, find."""
    source = sys.argv[1] if "://" in sys.argv[1] else str(Path(sys.argv[1]).absolute())
    shutil.rmtree(DEMO, ignore_errors=True)
    (DEMO / "channel" / "noarch").mkdir(parents=True)

    say("Build a .conda and a .deb")
    run(SCRIPTS / "nipack", "build", source, "-o", "dist", shown=f"nipack build {source} -o dist")
    conda = next((DEMO / "dist").glob("*.conda"))
    name = conda.name.rsplit("-", 2)[0]
    shutil.copy(conda, DEMO / "channel" / "noarch")

    say("Install the .conda into a prefix, with a real conda client (py-rattler)")
    prefix = DEMO / "prefix"
    make_prefix(prefix)
    run(sys.executable, TOP / "scripts" / "conda_install.py", "channel", prefix, name,
        shown=f"scripts/conda_install.py channel prefix {name}")  # fmt: skip
    metadata = json.loads((prefix / "share" / "nipack" / name / "package.json").read_text("utf-8"))
    relpath = metadata["relpath"]
    images = find_images(prefix / "share" / "nipy" / relpath)
    python = prefix / ("Scripts" if os.name == "nt" else "bin") / "python"
    show_lookup(python, relpath, images, {})

    say("Unpack the .deb into a root of its own")
    if shutil.which("dpkg-deb") is None:
        print("(no dpkg here, so this part is left out; Debian and Ubuntu have it)")
        return
    deb = next((DEMO / "dist").glob("*.deb"))
    run("dpkg-deb", "-x", deb.relative_to(DEMO), "root")
    show_lookup(Path(sys.executable), relpath, images, {"NIPY_DATA_PATH": "root/usr/share/nipy"})
    print("\nThe same data was found in both.")


def make_prefix(prefix: Path) -> None:
    """Make a virtual environment that sees this one's packages, and has data of its own."""
    venv.create(prefix, with_pip=False, symlinks=os.name != "nt")
    [packages] = prefix.glob("lib/python*/site-packages") if os.name != "nt" else [
        prefix / "Lib" / "site-packages"
    ]  # fmt: skip
    ours = [path for path in sys.path if path.endswith("site-packages")]
    source = TOP / "src"
    (packages / "demo.pth").write_text("\n".join([*ours, str(source)]) + "\n", "utf-8")


def find_images(directory: Path) -> list[str]:
    """Return the first image of the data, if there is one."""
    images = sorted(p.relative_to(directory).as_posix() for p in directory.rglob("*.nii*"))
    return images[:1]


def show_lookup(python: Path, relpath: str, images: list[str], env: dict[str, str]) -> None:
    """Show what nipack finds, and then unmodified nibabel."""
    shown = python.relative_to(DEMO) if python.is_relative_to(DEMO) else Path("python")
    variables = "".join(f"{key}={shlex.quote(value)} " for key, value in env.items())
    asked = shlex.join([relpath, *images])
    run(python, "-m", "nipack", "where", relpath, *images, env=env,
        shown=f"{variables}{shown} -m nipack where {asked}")  # fmt: skip
    run(python, "-c", LOOK_UP, relpath, *images, env=env,
        shown=f"{variables}{shown} -c 'from nibabel.data import make_datasource; ...'")  # fmt: skip


if __name__ == "__main__":
    main()
