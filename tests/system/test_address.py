"""Addresses: no password is shown, and none that is no password is taken for one."""

import pytest

from nipack.system.address import has_login, public_address


@pytest.mark.parametrize(
    "address",
    [
        "https://ada:pass@host/a", "https://ada:p/ss@host/a", "https://ada:p?ss@host/a",
        "https://ada:p#ss@host/a", "https://ada:p@ss@host/a", "https://ada@host/a",
        "https://ada:p/s@s@host/a", "https://ada:p\\ss@host/a",
    ],
)  # fmt: skip
def test_a_login_is_not_shown(address: str) -> None:
    assert has_login(address)
    assert public_address(address) == "https://host/a"


@pytest.mark.parametrize(
    "address",
    ["https://host/pkg@1.0/a", "https://host:8443/pkg@1.0", "https://host/?to=ada@host",
     "https://[::1]:80/a@b", "ada@1.0.tar.gz", "/data/a@b", "file:///data/a@b"],
)  # fmt: skip
def test_what_is_no_login(address: str) -> None:
    assert not has_login(address)
