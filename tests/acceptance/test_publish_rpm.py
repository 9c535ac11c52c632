"""dnf installs by name what rpmbuild made of our recipe, from a published repository.

It runs here, into a root of its own, and is told of no other repository.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.systems import run
from tests.publish.serving import EXAMPLE, made_key, serving

from nipack.publish.artifacts.rpm import rpm_files
from nipack.publish.verification import check_repository

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.tools("rpmbuild", "dnf", "curl")]
LOAD = (
    "import nibabel, nibabel.data as d; "
    "s = d.make_datasource(dict(relpath='nipy/examplepkg')); "
    "print(nibabel.load(s.get_filename('phantom', 'T1.nii.gz')).shape, s.version)"
)


def nipack(*words: object) -> str:
    return run(sys.executable, "-m", "nipack", *map(str, words))


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """What rpmbuild makes of the example in two versions: that of its source, too."""
    top, built = tmp_path_factory.mktemp("rpms"), {}
    for version in ("0.1", "0.2"):
        shutil.copytree(EXAMPLE, top / version)
        for name in ("package.yaml", "examplepkg/config.ini"):
            file = top / version / name
            file.write_text(file.read_text("utf-8").replace("0.1", version), "utf-8")
        dist = top / "dist" / version
        nipack("recipe", top / version, "-f", "rpm", "--build", "--draft", "-q",
               "-o", top / "recipes" / version, "--dist", dist)  # fmt: skip
        built[version] = sorted(dist.iterdir())
    return built


class Site:
    """A repository that is served, and a root that dnf installs into."""

    def __init__(self, folder: Path, address: str, root: Path) -> None:
        self.folder, self.address, self.root = folder, address, root
        self.key = made_key(root.parent / "lab.key")

    def publish(self, *words: object) -> str:
        return nipack("publish", *words, self.folder, "--key", self.key,
                      "--address", self.address)  # fmt: skip

    def dnf(self, *words: str) -> str:
        sources = self.root / "etc/yum.repos.d"
        return run("dnf", "-y", "--refresh", f"--installroot={self.root}", "--releasever=40",
                   f"--setopt=reposdir={sources}", f"--setopt=cachedir={self.root}/cache",
                   "--setopt=*.skip_if_unavailable=False", *words)  # fmt: skip

    def loaded(self) -> str:
        environment = os.environ | {"NIPY_DATA_PATH": f"{self.root}/usr/share/nipy"}
        return run(sys.executable, "-c", LOAD, env=environment).strip()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder, root = tmp_path / "lab", tmp_path / "root"
    (root / "etc/yum.repos.d").mkdir(parents=True)
    with serving(folder) as address:
        yield Site(folder, address, root)
    # Each folder of keys that dnf makes has an agent, which would stay.
    for keys in root.rglob("pubring"):
        run("gpgconf", "--homedir", keys, "--kill", "all")


def add_source(site: Site, said: str) -> None:
    """Do the first of the printed lines, for this root."""
    [line] = [line for line in said.splitlines() if "sudo curl" in line]
    words = line.replace("/etc/", f"{site.root}/etc/").split()
    run(*words[1:])


def test_dnf_installs_by_name_upgrades_and_refuses_what_is_not_signed_so(
    rpms: dict[str, list[Path]], site: Site, tmp_path: Path
) -> None:
    said = site.publish(rpms["0.1"][0])
    assert "  sudo dnf install nipy-examplepkg\n" in said
    add_source(site, said)
    site.dnf("install", "nipy-examplepkg")
    assert site.loaded() == "(24, 28, 24) 0.1"
    site.publish(rpms["0.2"][0])
    site.dnf("upgrade")
    assert site.loaded() == "(24, 28, 24) 0.2"

    nipack("retract", "nipy-examplepkg", "0.2", site.folder, "--key", site.key, "--why", "wrong")
    site.dnf("remove", "nipy-examplepkg")
    site.dnf("install", "nipy-examplepkg")
    assert site.loaded() == "(24, 28, 24) 0.1"

    # Whoever trusts both keys does not notice when the second begins to sign.
    new = made_key(tmp_path / "next.key")
    site.publish("--refresh", "--also-trust", new.with_suffix(".asc"))
    site.key = new
    site.publish("--refresh")
    site.dnf("makecache")

    [package] = site.folder.glob("rpm/*-0.1-1.noarch.rpm")
    content = package.read_bytes()
    site.dnf("remove", "nipy-examplepkg")
    site.dnf("clean", "all")
    package.write_bytes(content[:-20] + bytes(20))
    with pytest.raises(AssertionError, match=r"(?i)checksum"):
        site.dnf("install", "nipy-examplepkg")
    assert not (site.root / "usr/share/nipy/nipy").exists()

    index = site.folder / "rpm/repodata/repomd.xml"
    index.write_bytes(index.read_bytes().replace(b"<revision>", b"<revision>1"))
    with pytest.raises(AssertionError, match=r"(?i)signature"):
        site.dnf("makecache")
    problems = check_repository(str(site.folder)).problems
    assert any(each.startswith("rpm/repodata/repomd.xml: the signature") for each in problems)


def test_createrepo_c_reads_the_same_from_the_index(
    rpms: dict[str, list[Path]], site: Site, tmp_path: Path
) -> None:
    site.publish(rpms["0.1"][0], rpms["0.2"][0])
    import createrepo_c  # which needs GLib

    reader = createrepo_c.RepositoryReader.from_path(str(site.folder / "rpm"))
    packages, warnings = reader.parse_packages()
    assert list(warnings) == []
    for each in packages.values():
        read = createrepo_c.package_from_rpm(
            str(site.folder / "rpm" / each.location_href), createrepo_c.SHA256
        )
        assert (each.nevra(), each.pkgId) == (read.nevra(), read.pkgId)
        assert each.files == [(kind or None, *path) for kind, *path, _ in read.files]
        assert each.changelogs == read.changelogs
    assert len(packages) == 2
    assert check_repository(str(site.folder)).problems == ()


def test_an_rpm_of_the_source_is_passed_over_and_the_other_is_published(
    rpms: dict[str, list[Path]], site: Site, tmp_path: Path
) -> None:
    assert "is a source package, from which dnf installs nothing" in " ".join(
        site.publish(*rpms["0.1"]).split()
    )
    renamed = tmp_path / "renamed-1-1.noarch.rpm"
    [source] = [path for path in rpms["0.1"] if path.name.endswith(".src.rpm")]
    renamed.write_bytes(source.read_bytes())
    with pytest.raises(AssertionError, match="is for source; data is BuildArch: noarch"):
        site.publish(renamed)
    assert [path.name for path in site.folder.glob("rpm/*.rpm")] == [rpms["0.1"][0].name]


def test_get_unpacks_an_rpm(
    rpms: dict[str, list[Path]], site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPY_USER_DIR", str(tmp_path / "user"))
    site.publish(rpms["0.1"][0])
    nipack("repository", "add", site.address)
    nipack("get", "nipy-examplepkg", "--from", site.address, "--into", tmp_path / "data")
    for file in (EXAMPLE / "examplepkg").rglob("*"):
        if file.is_file():
            [mine] = (tmp_path / "data").rglob(file.name)
            assert mine.read_bytes() == file.read_bytes()


def test_prune_deletes_the_indexes_of_old_generations_and_no_signature(
    rpms: dict[str, list[Path]], site: Site
) -> None:
    for version in ("0.1", "0.2"):
        site.publish(rpms[version][0])
    long_ago = 1_000_000_000
    for path in (site.folder / "rpm").rglob("*"):
        os.utime(path, (long_ago, long_ago))
    nipack("prune", site.folder, "--keep", "1", "--key", site.key)
    assert [path.name for path in site.folder.glob("rpm/*.rpm")] == [rpms["0.2"][0].name]
    assert len(list(site.folder.glob("rpm/repodata/*-primary.xml.gz"))) == 1
    assert check_repository(str(site.folder)).problems == ()


SPEC = """
Name: small
Version: 1
Release: 1
Summary: A small one
License: CC0-1.0
BuildArch: noarch
%description
Small.
%install
mkdir -p %{buildroot}/usr/share/small
head -c 100001 /dev/zero > %{buildroot}/usr/share/small/zeros
printf x > %{buildroot}/usr/share/small/x
: > %{buildroot}/usr/share/small/empty
ln -s x %{buildroot}/usr/share/small/link
%files
/usr/share/small
"""


@pytest.mark.parametrize("payload", ["w1.gzdio", "w2.xzdio", "w3.zstdio"])
def test_the_payload_is_read_in_each_compression(payload: str, tmp_path: Path) -> None:
    (tmp_path / "small.spec").write_text(SPEC, "ascii")
    run("rpmbuild", "-bb", "--define", f"_topdir {tmp_path}", "--define",
        f"_binary_payload {payload}", tmp_path / "small.spec")  # fmt: skip
    [built] = tmp_path.rglob("*.rpm")
    with built.open("rb") as stream:
        found = {name: content.read() for name, content in rpm_files(stream)}
    top = "./usr/share/small"
    assert found == {f"{top}/zeros": bytes(100001), f"{top}/x": b"x", f"{top}/empty": b""}
    # Those that nobody reads are passed over.
    with built.open("rb") as stream:
        assert sorted(name for name, _ in rpm_files(stream)) == sorted(found)
