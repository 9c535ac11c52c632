"""What lies beside artifacts: what others signed, source packages; and source tarballs."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest
import zstandard
from pypi_simple import ProjectPage
from tests.publish.serving import EXAMPLE, publish, run, serving

Artifacts = dict[str, dict[str, Path]]
ADDRESS = "https://data.lab.example"


def statement(artifact: Path) -> str:
    """Return an in-toto statement of a file, as an envelope has it."""
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": artifact.name, "digest": {"sha256": digest}}],
        "predicateType": "https://schemas.conda.org/attestations-publish-1.schema.json",
        "predicate": {},
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


def sign(artifact: Path, *, of: Path | None = None) -> bytes:
    """Put what a signer would write beside an artifact; return the bundle."""
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {},
        "dsseEnvelope": {"payload": statement(of or artifact), "signatures": [{"sig": "AA=="}]},
    }
    content = json.dumps(bundle, indent=2).encode()
    artifact.with_name(f"{artifact.name}.sigstore.json").write_bytes(content)
    if artifact.suffix == ".whl":
        envelope = {"statement": statement(of or artifact), "signature": "AA=="}
        attestation = {"version": 1, "verification_material": {}, "envelope": envelope}
        place = artifact.with_name(f"{artifact.name}.publish.attestation")
        place.write_text(json.dumps(attestation), "utf-8")
    return content


@pytest.fixture
def dist(artifacts: Artifacts, tmp_path: Path) -> Path:
    """A folder with the artifacts of a version."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for path in artifacts["0.1"].values():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


def test_what_others_signed_is_carried_as_each_ecosystem_wants_it(
    dist: Path, lab: Path, key: Path
) -> None:
    bundles = {path.suffix: sign(path) for path in sorted(dist.iterdir())}
    done = publish(*sorted(dist.iterdir()), lab, "--key", key, "--address", ADDRESS)
    assert len(done["published"]) == 3
    assert len(done["passed"]) == 4
    [conda] = lab.rglob("*.conda")
    sidecar = conda.with_name(f"{conda.name}.sigs").read_bytes()
    digest = hashlib.sha256(sidecar).hexdigest()
    assert conda.with_name(f"{conda.name}.sigs.{digest}").read_bytes() == sidecar
    assert json.loads(sidecar) == [json.loads(bundles[".conda"])]
    assert bundles[".conda"] in sidecar
    [record] = json.loads((conda.parent / "repodata.json").read_bytes())["packages.conda"].values()
    assert record["attestations_sha256"] == digest
    [shard] = (conda.parent / "shards").iterdir()
    plain = msgpack.unpackb(zstandard.ZstdDecompressor().decompress(shard.read_bytes()))
    assert [each["attestations_sha256"] for each in plain["packages.conda"].values()] == [digest]
    for suffix in (".deb", ".whl"):
        [carried] = lab.rglob(f"*{suffix}.sigstore.json")
        assert carried.read_bytes() == bundles[suffix]
    [provenance] = lab.rglob("*.provenance")
    [bundle] = json.loads(provenance.read_bytes())["attestation_bundles"]
    [attestation] = dist.glob("*.publish.attestation")
    assert bundle["attestations"] == [json.loads(attestation.read_bytes())]
    place = f"{ADDRESS}/{provenance.relative_to(lab).as_posix()}"
    folder = provenance.parent
    html = ProjectPage.from_html("nipy-examplepkg", (folder / "index.html").read_text("utf-8"))
    document = json.loads((folder / "index.json").read_bytes())
    page = ProjectPage.from_json_data(document, base_url=f"{ADDRESS}/simple/nipy-examplepkg/")
    assert [each.packages[0].provenance_url for each in (html, page)] == [place, place]
    sums = (lab / "SHA256SUMS").read_text("utf-8")
    for each in [*lab.rglob("*.sigs*"), *lab.rglob("*.sigstore.json"), provenance]:
        assert each.relative_to(lab).as_posix() in sums
    assert run("verify", lab).exit_code == 0
    publish(*sorted(dist.iterdir()), lab, "--key", key)
    assert json.loads(run("prune", lab, "--keep", 3, "--key", key, "--json").stdout)["files"] == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is not of the form"),
        (b"[]", "is not of the form"),
        (b'{"mediaType": "text/plain"}', "is not of the form"),
        (None, "is of another file than this"),
        (b" " * 600_000, "larger than such files are"),
    ],
    ids=["no JSON", "a list", "another kind", "of another", "large"],
)
def test_what_is_no_bundle_of_the_artifact_is_refused(
    dist: Path, lab: Path, content: bytes | None, reason: str
) -> None:
    conda, deb = next(dist.glob("*.conda")), next(dist.glob("*.deb"))
    sign(conda, of=deb)
    if content is not None:
        conda.with_name(f"{conda.name}.sigstore.json").write_bytes(content)
    done = run("publish", conda, deb, lab, "--unsigned")
    said = " ".join(done.output.split())
    assert (done.exit_code, reason in said, conda.name in said) == (1, True, True), said
    assert list(lab.rglob("*.deb"))
    assert not list(lab.rglob("*.conda*"))


def test_a_source_package_is_passed_over(dist: Path, lab: Path) -> None:
    source = dist / "nipy-examplepkg-0.1-1.src.rpm"
    source.write_bytes(b"")
    done = run("publish", *sorted(dist.iterdir()), lab, "--unsigned")
    assert done.exit_code == 0, done.output
    assert "from which dnf installs nothing" in " ".join(done.output.split())
    assert not list(lab.rglob("*.rpm"))


@pytest.mark.slow(8)
def test_source_tarballs_are_there_by_their_digests(
    tmp_path: Path, lab: Path, key: Path, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [sys.executable, "-m", "nipack", "build", EXAMPLE, "-f", "sdist", "-q", "-o"]
    subprocess.run([*map(str, words), str(tmp_path / "sdist")], check=True, capture_output=True)
    [sdist] = (tmp_path / "sdist").glob("*.tar.gz")
    monkeypatch.setenv("NIPY_USER_DIR", str(tmp_path / "user"))
    with serving(lab) as address:
        assert publish(sdist, lab, "--key", key, "--address", address)["lines"] == {}
        assert (lab / "sources" / sdist.name).read_bytes() == sdist.read_bytes()
        about = json.loads((lab / "repository.json").read_bytes())
        digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
        assert about["sources"] == {f"sources/{sdist.name}": digest}
        page = (lab / "packages/nipy-examplepkg/index.html").read_text("utf-8")
        assert f"sources/{sdist.name}" in page
        assert ".webp" in page
        assert "Install by name" not in (lab / "index.html").read_text("utf-8")
        # What it has is the data, to the byte, for who has no package manager either.
        for words_of_get in (["repository", "add", address], ["get", "nipy-examplepkg"]):
            done = run(*words_of_get)
            assert done.exit_code == 0, done.output
        [image] = (tmp_path / "user").rglob("T1.nii.gz")
        assert image.read_bytes() == next(EXAMPLE.rglob("T1.nii.gz")).read_bytes()
        publish(*sorted(dist.iterdir()), lab, "--key", key)
        assert json.loads((lab / "repository.json").read_bytes())["sources"] == about["sources"]
        assert run("verify", lab).exit_code == 0
    stranger = tmp_path / "stranger-1.0.tar.gz"
    stranger.write_bytes(sdist.read_bytes()[:2000])
    done = run("publish", stranger, lab, "--key", key)
    assert done.exit_code == 1
    assert "is damaged, or is not a source tarball" in " ".join(done.output.split())
