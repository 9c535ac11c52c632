"""Addresses of sources: what of them may be shown, and what must not stand in them."""

import re
from urllib.parse import urlsplit


def has_login(address: str) -> bool:
    """Tell whether a user's name or a password stands before the host."""
    return "://" in address and public_address(address) != address


def public_address(address: str) -> str:
    """Return an address as it may be shown: without a name and password before the host."""
    scheme, found, rest = address.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if not found or "@" not in rest or ("@" not in host and _is_host(host)):
        return address
    # A password may have a slash or an @ in it: all before the last @ may be part of it.
    return f"{scheme}://{rest.rpartition('@')[2]}"


def recorded_address(address: str) -> str:
    """Return an address as it may stand in a package: without what grants access to it."""
    return re.split(r"[?#]", public_address(address), maxsplit=1)[0]


def host_of(address: str) -> str:
    """Return the scheme and host of an address, and nothing else of it."""
    scheme, _, rest = public_address(address).partition("://")
    return f"{scheme}://{re.split(r'[/?#]', rest, maxsplit=1)[0]}"


def path_of(address: str) -> str:
    """Return the path of an address, with its escapes; it may be malformed everywhere else."""
    rest = re.split(r"[?#]", address.partition("://")[2], maxsplit=1)[0]
    return "/" + rest.partition("/")[2]


def is_well_formed(address: str) -> bool:
    """Tell whether an address can be taken apart: https://[ cannot."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    """Tell whether that is a host, and what follows its colon a port rather than a password."""
    try:
        port = urlsplit(f"https://{host}").port
    except ValueError:
        return False
    return port is None or port >= 0
