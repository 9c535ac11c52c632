"""Why a download failed, in a few words that quote no address."""

import socket
from collections.abc import Iterator
from http import HTTPStatus

from nipack.system.address import host_of


def reason_of(error: Exception, address: str) -> str:
    """Return why an address was not fetched; the texts of requests quote what may be secret."""
    import requests

    response = getattr(error, "response", None)
    if response is not None and isinstance(error, requests.HTTPError):
        return _status(response.status_code)
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects in circles"
    schemes = requests.exceptions.InvalidSchema | requests.exceptions.MissingSchema
    if isinstance(error, schemes):
        return "it leads to an address that is not https"
    if isinstance(error, ValueError):  # InvalidURL and UnicodeError are such
        return "it is not a valid address"
    return _connection(error, host_of(address).partition("://")[2])


def _status(code: int) -> str:
    # The server's own phrase could be anything.
    known = code in list(HTTPStatus)
    return f"{code} {HTTPStatus(code).phrase}" if known else f"status {code}"


def _connection(error: Exception, host: str) -> str:
    """Return what the system says of the connection to a host, or to the proxy before it."""
    import urllib3

    causes = list(_causes(error))
    proxied = any(isinstance(each, urllib3.exceptions.ProxyError) for each in causes)
    place = "the proxy" if proxied else host
    if any(isinstance(each, socket.gaierror) for each in causes):
        return f"{place}: its name cannot be resolved"
    # The system's own texts are short, and name no address.
    texts = (each.strerror for each in causes if isinstance(each, OSError) and each.strerror)
    spoken = next(texts, None)
    if spoken:
        return f"{place}: {spoken}"
    # After those: urllib3 takes a refused connection for a timeout.
    if any(isinstance(each, urllib3.exceptions.TimeoutError) for each in causes):
        return f"{place}: no answer in time"
    return f"{place}: the connection was lost"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it was made of."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if any(each is other for other in seen):
            continue
        seen.append(each)
        yield each
        inner = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        waiting += [other for other in inner if isinstance(other, BaseException)]
