"""Links: the secret address of a calendar, as a person pastes it, and the port that fetches one."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from companion.domain.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAnswer:
    content: bytes | None
    """A calendar; None where it is as it was."""
    entity: str = ""
    """ETag, as the server wrote it."""
    modified: str = ""
    """Last-Modified, likewise."""


class CalendarLinks(Protocol):
    async def fetch(self, link: str, *, entity: str = "", modified: str = "") -> LinkAnswer:
        """The calendar at a link that `checked_link` gave, unless it is as `entity` and `modified`
        say. Raises SourceUnreachable for anything but a calendar, BadInput for an unusable proxy;
        neither holds more of the link than its host."""
        ...


def checked_link(typed: str) -> tuple[str, str]:
    """The link as it is fetched, and its host. Raises BadInput, which does not repeat it."""
    link = typed.strip().strip('"<>')
    try:
        parts = urlsplit(link)
        host, _port = (parts.hostname or "").casefold(), parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    scheme = {"webcal": "https", "webcals": "https"}.get(parts.scheme.casefold(), parts.scheme)
    plain = scheme == "http"
    if not host or scheme not in {"http", "https"} or len(link) > 4_000 or not link.isprintable():
        raise BadInput(
            "This is not the link of a calendar.",
            "Copy it from the practice software: it begins with https:// or webcal://.",
            field="link",
        )
    if plain and not is_this_computer(host):
        raise BadInput(
            "This link is not secure: with http:// others could read the appointments on the way.",
            "Ask the practice software for a link that begins with https:// or webcal://.",
            field="link",
        )
    return urlunsplit((scheme, parts.netloc, parts.path or "/", parts.query, "")), host


def is_this_computer(host: str) -> bool:
    if host.rstrip(".") == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
