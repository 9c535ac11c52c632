"""Real clients install by name from a published repository, over HTTP on loopback.

What each finds is then loaded by unmodified nibabel.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.systems import DebianSystem, Prefix, run
from tests.publish.serving import made_artifacts, made_key, serving

Artifacts = dict[str, dict[str, Path]]
LOAD = (
    "import nibabel, nibabel.data as d; "
    "s = d.make_datasource(dict(relpath='nipy/examplepkg')); "
    "print(nibabel.load(s.get_filename('phantom', 'T1.nii.gz')).shape, s.version)"
)
# py-rattler's threads outlive it, and Python's own end at times dies of them.
CONDA = """
import asyncio, os, sys, rattler
async def main(address, prefix, cache, sharded, *specs):
    config = rattler.SourceConfig(sharded_enabled=sharded == 'sharded')
    gateway = rattler.Gateway(cache_dir=cache + '/repodata', default_config=config)
    records = await rattler.solve([rattler.Channel(address)], list(specs), gateway=gateway,
        platforms=['noarch'], virtual_packages=rattler.VirtualPackage.detect())
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)
    print(*[f'{r.name.normalized} {r.version}' for r in records], flush=True)
try:
    asyncio.run(main(*sys.argv[1:]))
except Exception as error:
    print(error, file=sys.stderr, flush=True)
    os._exit(1)
os._exit(0)
"""


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    return made_artifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_key(tmp_path_factory.mktemp("keys") / "lab.key")


class Site:
    """A repository that is served."""

    def __init__(self, folder: Path, address: str, key: Path) -> None:
        self.folder, self.address, self.key = folder, address, key

    def nipack(self, *words: object) -> str:
        return run(sys.executable, "-m", "nipack", *map(str, words))

    def publish(self, *words: object) -> dict[str, list[str]]:
        said = self.nipack("publish", *words, self.folder, "--key", self.key,
                           "--address", self.address, "--json")  # fmt: skip
        lines: dict[str, list[str]] = json.loads(said)["lines"]
        return lines


@pytest.fixture
def site(tmp_path: Path, key: Path) -> Iterator[Site]:
    folder = tmp_path / "lab"
    with serving(folder) as address:
        yield Site(folder, address, key)


def conda(prefix: Prefix, address: str, *specs: str, form: str = "sharded", fresh: str = "") -> str:
    cache = prefix.channel / f"cache{fresh}"
    return run(sys.executable, "-c", CONDA, f"{address}/conda", prefix.directory, cache, form,
               *specs).strip()  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("form", ["sharded", "flat"])
def test_conda_solves_by_name_updates_and_does_not_see_what_is_retracted(
    artifacts: Artifacts, site: Site, prefix: Prefix, form: str
) -> None:
    [line] = site.publish(artifacts["0.1"][".conda"])["conda"]
    assert line == f"conda install --channel {site.address}/conda nipy-examplepkg"
    assert conda(prefix, site.address, "nipy-examplepkg", form=form) == "nipy-examplepkg 0.1"
    assert prefix.run_python(LOAD) == "(24, 28, 24) 0.1"
    site.publish(artifacts["0.2"][".conda"])
    said = conda(prefix, site.address, "nipy-examplepkg", form=form, fresh="2")
    assert said == "nipy-examplepkg 0.2"
    assert prefix.run_python(LOAD) == "(24, 28, 24) 0.2"
    site.nipack("retract", "nipy-examplepkg", "0.2", site.folder, "--key", site.key,
                "--why", "a wrong affine")  # fmt: skip
    said = conda(prefix, site.address, "nipy-examplepkg", form=form, fresh="3")
    assert said == "nipy-examplepkg 0.1"
    with pytest.raises(AssertionError, match=r"0\.2"):
        conda(prefix, site.address, "nipy-examplepkg=0.2", form=form, fresh="4")
    # A lock names the file, and the file is still there.
    retracted = f"{site.address}/conda/noarch/{artifacts['0.2']['.conda'].name}"
    run("curl", "-fsS", "-o", prefix.channel / "locked.conda", retracted)


def pip(python: Path, *words: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    environment["PIP_CONFIG_FILE"] = os.devnull
    return run(sys.executable, "-m", "pip", "--python", python, "--no-cache-dir", *words,
               env=environment)  # fmt: skip


@pytest.mark.slow
def test_pip_and_uv_install_by_name_and_honour_yank_and_upload_time(
    artifacts: Artifacts, site: Site, prefix: Prefix
) -> None:
    [line] = site.publish(*(artifacts[version][".whl"] for version in artifacts))["pip, uv"]
    words = line.split()
    assert words[:2] == ["pip", "install"]
    pip(prefix.python, *words[1:])
    assert prefix.run_python(LOAD) == "(24, 28, 24) 0.2"
    pip(prefix.python, "uninstall", "--yes", "nipy-examplepkg")
    site.nipack("retract", "nipy-examplepkg", "0.2", site.folder, "--key", site.key,
                "--why", 'an affine that is <wrong> & "bad"')  # fmt: skip
    pip(prefix.python, *words[1:])
    assert prefix.run_python(LOAD) == "(24, 28, 24) 0.1"
    pip(prefix.python, *words[1:-1], "nipy-examplepkg==0.2")
    assert prefix.run_python(LOAD) == "(24, 28, 24) 0.2"
    uv = Path(sys.executable).with_name("uv")
    options = ["--no-config", "--no-cache", "--reinstall", "--index-url", words[3]]
    command: list[str | Path] = [uv, "pip", "install", "--python", prefix.python, *options]
    run(*command, "nipy-examplepkg")
    assert prefix.run_python(LOAD) == "(24, 28, 24) 0.1"
    run(*command, "--exclude-newer", "2100-01-01", "nipy-examplepkg")
    with pytest.raises(AssertionError, match="nipy-examplepkg"):
        run(*command, "--exclude-newer", "2020-01-01", "nipy-examplepkg")


@pytest.mark.slow
def test_pip_refuses_a_wheel_that_was_changed(
    artifacts: Artifacts, site: Site, prefix: Prefix
) -> None:
    site.publish(artifacts["0.1"][".whl"])
    [wheel] = site.folder.rglob("*.whl")
    wheel.write_bytes(artifacts["0.2"][".whl"].read_bytes())
    with pytest.raises(AssertionError, match="DO NOT MATCH"):
        pip(prefix.python, "install", "--index-url", f"{site.address}/simple/", "nipy-examplepkg")


in_debian = [pytest.mark.slow, pytest.mark.root, pytest.mark.tools("mmdebstrap", "chroot")]


class TestApt:
    pytestmark = in_debian

    @pytest.fixture(params=["system_copy", "debian_13_copy"])
    def system(self, request: pytest.FixtureRequest) -> DebianSystem:
        """A system that has no other source of packages than the one that a test adds."""
        system = DebianSystem(request.getfixturevalue(request.param))
        for file in (system.root / "etc/apt").glob("sources.list*"):
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        (system.root / "etc/apt/sources.list.d").mkdir()
        return system

    def add_source(self, system: DebianSystem, site: Site) -> None:
        """Do what the printed line says, with this machine's curl for the system's."""
        [sources] = (site.folder / "apt").glob("*.sources")
        content = run("curl", "-fsSL", f"{site.address}/apt/{sources.name}")
        (system.root / "etc/apt/sources.list.d" / sources.name).write_text(content, "ascii")

    def test_apt_installs_by_name_upgrades_and_refuses_what_is_not_signed_so(
        self, system: DebianSystem, artifacts: Artifacts, site: Site, tmp_path: Path
    ) -> None:
        fetch, install = site.publish(artifacts["0.1"][".deb"])["apt"]
        assert fetch.startswith(f"curl -fsSL {site.address}/apt/lab.sources ")
        assert install == "sudo apt update && sudo apt install nipy-examplepkg"
        self.add_source(system, site)
        system.apt("update", "--error-on=any")
        # The keyring's file is there to the byte: dpkg asks nothing.
        system.apt("install", "nipy-examplepkg", "lab-archive-keyring")
        assert self.version(system) == "0.1-1"
        self.loads(system, "0.1")
        site.publish(artifacts["0.2"][".deb"])
        system.apt("update", "--error-on=any")
        system.apt("upgrade")
        assert self.version(system) == "0.2-1"
        self.retracted_is_not_seen(system, site)
        self.next_key_comes_by_an_upgrade(system, site, tmp_path)
        self.changed_package_is_refused(system, site)
        self.unknown_key_is_refused(system, site, tmp_path, artifacts)

    def version(self, system: DebianSystem) -> str:
        return system.run("dpkg-query", "-W", "-f", "${Version}", "nipy-examplepkg")

    def loads(self, system: DebianSystem, version: str) -> None:
        if (system.root / "usr/bin/python3").exists():
            assert system.run("/usr/bin/python3", "-c", LOAD) == f"(24, 28, 24) {version}\n"
        config = system.root / "usr/share/nipy/nipy/examplepkg/config.ini"
        assert f"version = {version}" in config.read_text("utf-8")

    def retracted_is_not_seen(self, system: DebianSystem, site: Site) -> None:
        site.nipack("retract", "nipy-examplepkg", "0.2", site.folder, "--key", site.key,
                    "--why", "a wrong affine")  # fmt: skip
        system.apt("update", "--error-on=any")
        system.apt("purge", "nipy-examplepkg")
        system.apt("install", "nipy-examplepkg")
        assert self.version(system) == "0.1-1"

    def next_key_comes_by_an_upgrade(
        self, system: DebianSystem, site: Site, tmp_path: Path
    ) -> None:
        new = made_key(tmp_path / "next.key")
        site.publish("--refresh", "--also-trust", new.with_suffix(".asc"))
        system.apt("update", "--error-on=any")
        system.apt("upgrade")
        site.key = new
        site.publish("--refresh")
        system.apt("update", "--error-on=any")

    def changed_package_is_refused(self, system: DebianSystem, site: Site) -> None:
        system.apt("purge", "nipy-examplepkg")
        system.apt("clean")
        [deb] = site.folder.rglob("nipy-examplepkg_0.1-1_all.deb")
        content = deb.read_bytes()
        deb.write_bytes(content[:-20] + bytes(20))
        with pytest.raises(AssertionError, match="Hash Sum mismatch"):
            system.apt("install", "nipy-examplepkg")
        assert not (system.root / "usr/share/nipy").exists()
        deb.write_bytes(content)

    def unknown_key_is_refused(
        self, system: DebianSystem, site: Site, tmp_path: Path, artifacts: Artifacts
    ) -> None:
        stranger = made_key(tmp_path / "stranger.key")
        shutil.rmtree(site.folder)
        site.key = stranger
        site.publish(artifacts["0.1"][".deb"])
        shutil.rmtree(system.root / "var/lib/apt/lists")
        with pytest.raises(AssertionError, match=r"not signed|NO_PUBKEY|Missing key"):
            system.apt("update", "--error-on=any")

    def test_a_repository_that_nobody_refreshed_is_refused_when_that_was_asked_for(
        self, system: DebianSystem, artifacts: Artifacts, site: Site
    ) -> None:
        site.publish(artifacts["0.1"][".deb"], "--valid-days", "1")
        self.add_source(system, site)
        system.apt("update", "--error-on=any")
        release = site.folder / "apt/dists/stable/Release"
        text = release.read_text("utf-8")
        date = next(line for line in text.splitlines() if line.startswith("Valid-Until: "))
        past = text.replace(date, "Valid-Until: Mon, 02 Jan 2023 00:00:00 GMT")
        # As one finds it who comes back to it after years.
        from nipack.publish.signing import signer_of

        signed = signer_of(str(site.key)).clear(past.encode())
        release.with_name("InRelease").write_bytes(signed)
        with pytest.raises(AssertionError, match="expired"):
            system.apt("update", "--error-on=any")


@pytest.mark.slow
@pytest.mark.tools("gpg")
def test_a_key_of_gpg_signs_and_gpg_agrees(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(os.environ.get("TMPDIR", "/tmp")) / f"nipack-gpg-{os.getpid()}"  # a short path
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    try:
        run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "Ada <ada@lab.example>",
            "ed25519", "sign", "1y")  # fmt: skip
        repository = tmp_path / "lab"
        run(sys.executable, "-m", "nipack", "publish", artifacts["0.1"][".deb"], repository,
            "--key", "ada@lab.example")  # fmt: skip
        for name in ("SHA256SUMS", "repository.json"):
            run("gpg", "--verify", repository / f"{name}.asc", repository / name)
        run("gpg", "--verify", repository / "apt/dists/stable/InRelease")
        run(sys.executable, "-m", "nipack", "verify", repository)
        done = subprocess.run(
            [sys.executable, "-m", "nipack", "publish", repository, "--refresh", "--key", "eve"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert "eve" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        run("gpgconf", "--kill", "all")
        shutil.rmtree(home)
