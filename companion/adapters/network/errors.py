"""Sentences for errors of the network rather than of Google. Imports no library."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from companion.domain.errors import CompanionError, Offline


def unexpected_answer(detail: str) -> Offline:
    return Offline(
        "Something between this computer and Google answered in Google's place.",
        "Open any web page to see whether the network asks for a sign-in, and check the proxy or "
        "internet filter; the sync goes on by itself afterwards.",
        detail=detail,
    )


def proxy_sign_in(detail: str) -> Offline:
    return Offline(
        "The proxy of this network asks for a user and a password.",
        "Ask whoever looks after your network to let this computer through, or set HTTPS_PROXY to "
        "http://USER:PASSWORD@HOST:PORT and start Calendar Companion again.",
        detail=detail,
    )


def _untrusted(detail: str) -> Offline:
    return Offline(
        "The secure connection to Google could not be verified.",
        "Check this computer's date and time, and whether antivirus or an internet filter "
        "inspects secure connections; allow googleapis.com there.",
        detail=detail,
    )


def network_trouble(error: BaseException) -> Offline | None:
    """For a certificate that is not trusted, and a proxy that wants a password; else None."""
    detail = type(error).__name__
    if is_untrusted(error):
        return _untrusted(detail)
    return proxy_sign_in(detail) if is_proxy_sign_in(error) else None


def is_untrusted(error: BaseException) -> bool:
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in _chain(error))


def is_proxy_sign_in(error: BaseException) -> bool:
    return any(
        isinstance(each, OSError) and "connection failed: 407" in str(each.args[:1])
        for each in _chain(error)
    )


def network_error(error: BaseException) -> CompanionError:
    """For any failure of `HttpClient.request`."""
    if isinstance(error, CompanionError):
        return error
    return network_trouble(error) or Offline(detail=type(error).__name__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Libraries wrap what happened as an argument, as the reason or as the cause."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
            yield each
