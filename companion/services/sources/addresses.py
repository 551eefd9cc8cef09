"""Addresses: what a person pastes to say where on the web a source is, checked."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from companion.domain.errors import BadInput

LINK = "This is not the link of a calendar."
_HOW = "Copy it from the practice software: it begins with https:// or webcal://."


def checked_address(
    typed: str, *, field: str = "secret", what: str = LINK, how: str = _HOW
) -> tuple[str, str]:
    """The address as it is asked, and its host. Raises BadInput, which does not repeat it: `what`
    is wrong, and `how` to get the right one."""
    link = typed.strip().strip('"<>')
    try:
        parts = urlsplit(link)
        host, _port = (parts.hostname or "").casefold(), parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    scheme = {"webcal": "https", "webcals": "https"}.get(parts.scheme.casefold(), parts.scheme)
    plain = scheme == "http"
    if not host or scheme not in {"http", "https"} or len(link) > 4_000 or not link.isprintable():
        raise BadInput(what, how, field=field)
    if plain and not is_this_computer(host):
        raise BadInput(
            "This is not secure: with http:// others could read the appointments on the way.",
            "Ask the practice software for an address that begins with https://.",
            field=field,
        )
    return urlunsplit((scheme, parts.netloc, parts.path or "/", parts.query, "")), host


def is_this_computer(host: str) -> bool:
    if host.rstrip(".") == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
