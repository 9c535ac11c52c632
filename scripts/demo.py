#!/usr/bin/env python3
"""What scripts/demo shows, once its environment is there."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
DEMO = TOP / ".demo"
# As in any chroot: no questions, and what is called is the system's own.
ALONE = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
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


def run(
    *command: str | Path, env: dict[str, str] | None = None, shown: str = "", output: bool = True
) -> None:
    """Show a command, then run it; ends the demonstration where it fails."""
    words = [str(word) for word in command]
    print(f"$ {shown or shlex.join(words)}", flush=True)
    told = None if output else subprocess.DEVNULL
    if subprocess.run(words, env=os.environ | (env or {}), cwd=DEMO, stdout=told).returncode != 0:
        sys.exit("demo: that command failed; its message is above")


def main() -> None:
    """Build, publish, install by name with every client that is here, find."""
    source = sys.argv[1] if "://" in sys.argv[1] else str(Path(sys.argv[1]).absolute())
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()

    say("Build packages for conda, Debian and pip")
    nipack("build", source, "-o", "dist", "-f", "conda", "-f", "deb", "-f", "wheel")
    name = next((DEMO / "dist").glob("*.conda")).name.rsplit("-", 2)[0]

    say("Publish them in a signed repository, and serve it")
    with serving(DEMO / "lab") as address:
        nipack("keygen", "Ada Lovelace <ada@example.org>", "--out", "lab.key")
        packages = sorted(str(path.relative_to(DEMO)) for path in (DEMO / "dist").iterdir())
        options = ["lab", "--address", address, "--key", "lab.key"]
        nipack("publish", *packages, *options, shown=f"nipack publish dist/* {shlex.join(options)}")
        relpath = install_with_conda(address, name)
        images = find_images(DEMO / "prefix" / "share" / "nipy" / relpath)
        show_lookup(python_of(DEMO / "prefix"), relpath, images, {})
        install_with_pip(address, name, relpath, images)
        install_with_apt(name, relpath, images)
    print("\nThe same data was found each time.  The repository's catalogue for people:")
    print(DEMO / "lab" / "index.html")


def nipack(*words: str, shown: str = "") -> None:
    """Show and run the command."""
    run(SCRIPTS / "nipack", *words, shown=shown or shlex.join(["nipack", *words]))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, as any web server does, and yield its address."""
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """A handler that does not tell of each request."""

    def log_message(self, *_: object) -> None:  # noqa: D102
        pass


def install_with_conda(address: str, name: str) -> str:
    """Install by name with py-rattler; return the relpath of the data."""
    say("Install it by name with a real conda client (py-rattler)")
    prefix = DEMO / "prefix"
    make_prefix(prefix)
    run(sys.executable, TOP / "scripts" / "conda_install.py", f"{address}/conda", prefix, name,
        shown=f"scripts/conda_install.py {address}/conda prefix {name}")  # fmt: skip
    metadata = (prefix / "share" / "nipack" / name / "package.json").read_text("utf-8")
    return str(json.loads(metadata)["relpath"])


def install_with_pip(address: str, name: str, relpath: str, images: list[str]) -> None:
    """Install by name with pip, and find the data."""
    say("Install it by name with pip")
    environment = DEMO / "environment"
    make_prefix(environment)
    words = ["install", "--quiet", "--index-url", f"{address}/simple/", name]
    own = ["--isolated", "--disable-pip-version-check", "--no-cache-dir"]
    run(sys.executable, "-m", "pip", "--python", python_of(environment), *own, *words,
        shown=shlex.join(["pip", *words]))  # fmt: skip
    show_lookup(python_of(environment), relpath, images, {})


def install_with_apt(name: str, relpath: str, images: list[str]) -> None:
    """Install by name with apt in a Debian system of its own, and find the data.

    That needs root and mmdebstrap; elsewhere dpkg unpacks the package, where it is.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mmdebstrap"):
        say("Install it by name with apt, in a Debian system of its own")
        run("mmdebstrap", "--quiet", "--variant=apt", "trixie", "system")
        run("cp", "lab/apt/lab.sources", "system/etc/apt/sources.list.d")
        run("chroot", "system", "apt-get", "--quiet=2", "update")
        install = ["chroot", "system", "apt-get", "--quiet=2", "--yes", "install", name]
        quiet = ["-o", "DPkg::Use-Pty=0"]
        run(*install, *quiet, shown=shlex.join(install), env=ALONE, output=False)
        root = "system/usr/share/nipy"
    elif shutil.which("dpkg-deb"):
        say("Unpack the .deb into a root of its own")
        [deb] = (DEMO / "dist").glob("*.deb")
        run("dpkg-deb", "-x", deb.relative_to(DEMO), "root")
        root = "root/usr/share/nipy"
    else:
        return
    show_lookup(Path(sys.executable), relpath, images, {"NIPY_DATA_PATH": root})


def make_prefix(prefix: Path) -> None:
    """Make a virtual environment that sees this one's packages, and has data of its own."""
    venv.create(prefix, with_pip=False, symlinks=os.name != "nt")
    [packages] = prefix.glob("lib/python*/site-packages") if os.name != "nt" else [
        prefix / "Lib" / "site-packages"
    ]  # fmt: skip
    ours = [path for path in sys.path if path.endswith("site-packages")]
    source = TOP / "src"
    (packages / "demo.pth").write_text("\n".join([*ours, str(source)]) + "\n", "utf-8")


def python_of(prefix: Path) -> Path:
    """Return the interpreter of an environment."""
    return prefix / ("Scripts" if os.name == "nt" else "bin") / "python"


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
