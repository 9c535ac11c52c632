"""The packages of a log's entry, as lines that are read when somebody asks."""

from dataclasses import replace

import pytest
from tests.publish.catalogue.samples import package
from tests.publish.handwritten import PACKAGES

from nipack.publish import packages as packages_module
from nipack.publish.errors import RepositoryError
from nipack.publish.packages import PackageLines, Packages, compact_json
from nipack.publish.records import PublishedPackage

TEXT = "may be used"
STORED = (*PACKAGES, package("nipy-é", license_text=TEXT), package("nipy-f", license_text=TEXT))


def text_of(packages: Packages) -> tuple[bytes, dict[str, str]]:
    lines, texts = packages.written()
    return b"[\n" + b",\n".join(lines) + b"\n]", texts


def lines_of(packages: Packages) -> PackageLines:
    content, texts = text_of(packages)
    return PackageLines(content, 2, len(content) - 1, texts)


def of(*packages: PublishedPackage) -> Packages:
    return Packages({each.key: each for each in packages})


@pytest.fixture
def stored() -> Packages:
    return Packages(lines=lines_of(of(*STORED)))


def test_lines_come_back_as_they_were(stored: Packages) -> None:
    assert len(stored) == len(STORED)
    assert dict(stored) == {each.key: each for each in STORED}
    assert text_of(stored) == text_of(of(*STORED))
    assert list(text_of(stored)[1].values()) == [TEXT], "one text for all who have it"
    assert b"may be used" not in text_of(stored)[0]
    assert list(stored.ordered()) == sorted(STORED, key=lambda each: each.key)
    assert stored.ordered()[0] == stored.ordered()[:1][0]
    assert len(stored.ordered()) == len(STORED)
    assert ("nipy-é", "0.3") in stored
    assert ("nipy-é", "0.4") not in stored
    with pytest.raises(KeyError):
        stored["nipy-é", "0.4"]


def test_no_line_is_read_for_its_key_alone(
    stored: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(lines: PackageLines, key: object) -> PublishedPackage:
        raise AssertionError("a line was read")

    monkeypatch.setattr(PackageLines, "package", refuse)
    assert set(stored) == {each.key for each in STORED}
    assert stored.with_added([package("nipy-new")])["nipy-new", "0.3"]


def test_what_is_added_joins_what_is_there(stored: Packages) -> None:
    known = STORED[-1]
    more = replace(known, artifacts=STORED[0].artifacts, description="Long.", license_text="other")
    after = stored.with_added([more, replace(more, description="Longer.")])
    assert len(after) == len(stored)
    joined = after[known.key]
    both = sorted([*known.artifacts, *more.artifacts], key=lambda each: each.path)
    assert joined.artifacts == tuple(both)
    assert (joined.description, joined.license_text) == ("Long.", TEXT)
    assert stored[known.key] == known, "what was there is as it was"
    assert after.named(["nipy-old"]) == STORED[2:4]
    assert [each.version for each in after.named(["nipy-a&b"])] == ["0.10", "0.9"]
    changed = after.updated({known.key: replace(known, retracted="wrong")})
    assert changed[known.key].retracted == "wrong"
    lines, texts = changed.written()
    assert len(lines) == len(STORED)
    assert list(texts.values()) == [TEXT]


@pytest.mark.parametrize("most", [0, 32])
def test_artifacts_are_found_by_path_and_by_digest(
    most: int, stored: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages_module, "_MOST_SOUGHT", most)
    new = package("nipy-new", artifacts=(replace(STORED[0].artifacts[0], path="apt/new.deb"),))
    for packages in (stored, stored.with_added([new]), of(*STORED, new)):
        for each in packages.values():
            for one in each.artifacts:
                assert packages.digests([one.path])[one.path] == one.sha256
                found = packages.holding(one.sha256, one.file_name, of=1)
                assert found == (each, one)
        some = STORED[0].artifacts[0]
        assert "apt/away.deb" not in packages.digests(["apt/away.deb"])
        assert packages.holding(some.sha256, "away.deb", of=1) is None
        assert packages.holding("0" * 64, some.file_name, of=1) is None
        # A file of a payload has a digest, too, and is no artifact.
        file = STORED[0].files[0]
        assert packages.holding(file.sha256, file.path, of=1) is None
        assert file.path not in packages.digests([file.path])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"name":"nipy-f"', b'{"names":"nipy-f"'),
        (b'{"name":"nipy-f"', b'["name":"nipy-f"'),
        (b'"name":"nipy-f"', b'"name":"nipy-\\u00e9"'),
    ],
    ids=["another field", "no object", "one that is there"],
)
def test_a_line_that_is_no_package_is_refused(old: bytes, new: bytes) -> None:
    content, texts = text_of(of(*STORED))
    assert old in content
    content = content.replace(old, new)
    with pytest.raises(ValueError, match="a line holds no package, or one that another line has"):
        PackageLines(content, 2, len(content) - 1, texts)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"size":901', b'"size":"x"'), (b'"license_text":"', b'"license_text":"0'), (b"}]}", b"}]")],
)
def test_a_damaged_line_is_told_when_it_is_read(old: bytes, new: bytes) -> None:
    content, texts = text_of(of(STORED[-1]))
    content = content.replace(old, new, 1)
    packages = Packages(lines=PackageLines(content, 2, len(content) - 1, texts))
    with pytest.raises(RepositoryError) as caught:
        packages[STORED[-1].key]
    assert str(caught.value).startswith("nipy-f 0.3: what the log has of it is damaged (")
    assert str(caught.value).endswith(
        "); the log of a repository is never edited: restore its last file from a copy of the "
        "repository"
    )


def test_json_is_compact_and_of_ascii() -> None:
    assert compact_json({"b": [1, "é"], "a": None}) == b'{"b":[1,"\\u00e9"],"a":null}'
    assert list(of()) == []
    assert Packages().named(["x"]) == ()
    assert of().written() == ([], {})
