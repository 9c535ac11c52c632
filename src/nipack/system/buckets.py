"""Buckets, by fsspec: which addresses are of one, and how each kind of server is asked."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TIMEOUT = 30  # seconds without a byte
# Each of the first are so many of the second, with pauses between them.
S3FS_TRIES, BOTOCORE_TRIES = 2, 3


def is_in_bucket(address: str) -> bool:
    """Tell whether an address is of a bucket, or of what stands for one."""
    scheme, found, _ = address.partition("://")
    return bool(found) and scheme in PROTOCOLS


def file_system(address: str, **options: Any) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path there.

    `options` are the file system's own.  Within `patiently` a server is watched as one of the web
    is.  Raises ImportError where a library is not there.
    """
    import fsspec

    service = service_of(address)
    system, path = fsspec.url_to_fs(address, **{**service.options(), **options})
    if service.library == "s3fs":
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
    return {**_own(), "config_kwargs": {**timeouts, "retries": retries}}


def _gs_options() -> dict[str, Any]:
    """Return how gcsfs asks: what others write is seen, by the JSON API, and nothing is logged.

    It else asks by gRPC which kind of bucket it is; every kind answers the JSON API.
    """
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    import aiohttp  # gcsfs brings it

    # What it raises in the end it logs before, with a traceback.
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
    timeouts = aiohttp.ClientTimeout(sock_connect=_TIMEOUT, sock_read=_TIMEOUT)
    return {**_own(), "requests_timeout": timeouts}


def _own() -> dict[str, Any]:
    """Return what makes a file system see what others write, and its connections be watched."""
    from nipack.system.patient_loop import patient_loop

    return {"use_listings_cache": False, "skip_instance_cache": True, "loop": patient_loop()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A kind of bucket: by which library it is asked, and on which condition it writes once.

    `content_type` is what the library calls that, empty where objects have none; `login` what a
    message adds to "your permissions"; `one_request` lets the library read an object in one: of
    several parts each might be of another publisher.
    """

    library: str
    condition: str
    content_type: str = ""
    login: str = ""
    options: Callable[[], Mapping[str, Any]] = dict
    one_request: Mapping[str, Any] = field(default_factory=dict)


_SERVICES = {
    "memory": Service(library="fsspec", condition="exclusive creation"),
    "s3": Service(
        library="s3fs",
        condition="If-None-Match",
        content_type="ContentType",
        options=_s3_options,
        one_request={"max_concurrency": 1},
    ),
    "gs": Service(
        library="gcsfs",
        condition="ifGenerationMatch",
        content_type="content_type",
        login=" (gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS)",
        options=_gs_options,
    ),
}
PROTOCOLS = tuple(_SERVICES)


def service_of(address: str) -> Service:
    """Return the kind of bucket that an address is of."""
    return _SERVICES[address.partition("://")[0]]
