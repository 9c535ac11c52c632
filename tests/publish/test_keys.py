"""A key is made for a user, and over nothing."""

from pathlib import Path

import pytest

from nipack.publish.errors import RepositoryError
from nipack.publish.keys import make_key


@pytest.mark.parametrize(
    "user", ["Ada", "Ada ada@x", "<ada@x>", "Ada <ada>", "A <a@b> ", "A\n<a@b>"]
)
def test_a_key_has_a_user_of_its_form(user: str, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError) as caught:
        make_key(user, tmp_path / "a.key", years=1)
    assert str(caught.value) == f"'{user}' is not of the form 'Name <name@host>'"


@pytest.mark.parametrize("there", ["a.key", "a.asc"])
def test_no_key_is_written_over(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(RepositoryError) as caught:
        make_key("Ada <ada@x.example>", tmp_path / "a.key", years=1)
    assert str(caught.value) == (
        f"{tmp_path / there}: already exists; choose another name with --out"
    )
