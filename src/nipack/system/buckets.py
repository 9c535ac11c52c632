"""Buckets, by fsspec: which addresses are of one, and how a server of S3 is asked."""

import os
from typing import Any

PROTOCOLS = ("memory", "s3")
_TIMEOUT = 30  # seconds without a byte
# Each of the first are so many of the second, with pauses between them.
S3FS_TRIES, BOTOCORE_TRIES = 2, 3


def is_in_bucket(address: str) -> bool:
    """Tell whether an address is of a bucket, or of what stands for one."""
    scheme, found, _ = address.partition("://")
    return bool(found) and scheme in PROTOCOLS


def file_system(address: str, **options: Any) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path there.

    `options` are the file system's own.  Raises ImportError where a library is not there.
    """
    import fsspec

    is_s3 = address.startswith("s3://")
    more = _s3_options() if is_s3 else {}
    system, path = fsspec.url_to_fs(address, **{**more, **options})
    if is_s3:
        system.retries = S3FS_TRIES
    return system, path


def reason_of(error: Exception) -> str:
    """Return what a store or the network says, in one line.

    Each library has classes of its own for a lost connection, a wrong key, a full quota.
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _s3_options() -> dict[str, Any]:
    """Return how s3fs asks: what others write is seen, and a network that is gone ends a call.

    By default it asks 25 times, and waits for a minute each time.
    """
    retries: dict[str, Any] = {"mode": "standard"}
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        retries["total_max_attempts"] = BOTOCORE_TRIES
    timeouts = {"connect_timeout": _TIMEOUT, "read_timeout": _TIMEOUT}
    return {
        "use_listings_cache": False,
        "skip_instance_cache": True,
        "config_kwargs": {**timeouts, "retries": retries},
    }
