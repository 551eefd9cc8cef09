"""CalendarLinks: fetching the calendar that a link leads to.

A link opens a calendar to whoever has it, so nothing of it but the host gets into a sentence.
Redirects are followed to secure addresses only, and to this computer only from this computer.
"""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from urllib3.exceptions import HTTPError

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.network.errors import is_proxy_sign_in, is_untrusted, proxy_sign_in
from companion.adapters.network.http import HttpClient, TooMuch
from companion.domain.errors import BadInput, SourceUnreachable
from companion.services.pools import LINKS
from companion.services.sources.links import LinkAnswer, checked_link, is_this_computer

SIZE_LIMIT = 50_000_000
SECONDS = 120.0
"""For a whole answer."""
PAUSE = 30.0
"""Seconds for connecting, and for each pause of an answer."""
_REDIRECTS = 5
_ITSELF = "It is tried again by itself."


class HttpCalendarLinks:
    """A CalendarLinks."""

    def __init__(
        self, *, size_limit: int = SIZE_LIMIT, seconds: float = SECONDS, pause: float = PAUSE
    ) -> None:
        self._size_limit = size_limit
        self._seconds = seconds
        self._pause = pause

    async def fetch(self, link: str, *, entity: str = "", modified: str = "") -> LinkAnswer:
        client = HttpClient(timeout=self._pause)
        headers = {"accept": "text/calendar, */*;q=0.1"}
        if entity:
            headers["if-none-match"] = entity
        if modified:
            headers["if-modified-since"] = modified
        fetching = asyncio.ensure_future(LINKS.run(self._fetch, client, link, headers))
        try:
            return await asyncio.shield(fetching)
        except asyncio.CancelledError:
            client.interrupt()
            await asyncio.wait([fetching])
            fetching.exception()  # seen: no caller wants it any more
            raise
        finally:
            client.close()

    def _fetch(self, client: HttpClient, link: str, headers: dict[str, str]) -> LinkAnswer:
        host = urlsplit(link).hostname or ""
        at_home = is_this_computer(host)
        for _ in range(_REDIRECTS + 1):
            answer = self._request(client, link, headers, host)
            if answer.status not in {301, 302, 303, 307, 308}:
                known = bool(headers.keys() & {"if-none-match", "if-modified-since"})
                return _calendar(answer, host, known=known)
            link = _next(link, answer.headers.get("location", ""), host, at_home=at_home)
            client.close()  # the server may be about to close the connection
        raise SourceUnreachable(f"{host} sends from one address to the next without end.", _ANEW)

    def _request(
        self, client: HttpClient, link: str, headers: dict[str, str], host: str
    ) -> HttpAnswer:
        parts = urlsplit(link)
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            basic = base64.b64encode(pair.encode()).decode("ascii")
            headers = {**headers, "authorization": f"Basic {basic}"}
            bare = parts.netloc.rpartition("@")[2]
            link = urlunsplit((parts.scheme, bare, parts.path, parts.query, ""))
        try:
            return client.request(
                "GET", link, headers=headers, most=self._size_limit, seconds=self._seconds
            )
        except TooMuch as error:
            what = "larger than a calendar should be" if error.args == ("large",) else "too slow"
            raise SourceUnreachable(
                f"What {host} sends is {what}, so nothing of it was taken.",
                "Let the link cover fewer days, if the practice software can.",
            ) from None
        except (HTTPError, OSError, ValueError) as error:
            raise _unreachable(error, host) from None  # the cause names the link


_ANEW = "Copy the calendar's link anew from the practice software, and give it here again."


def _next(link: str, place: str, host: str, *, at_home: bool) -> str:
    try:
        following, target = checked_link(urljoin(link, place))
    except (BadInput, ValueError):
        raise SourceUnreachable(
            f"{host} sends to an address that is not secure, so it was not followed.", _ANEW
        ) from None
    if is_this_computer(target) and not at_home:
        raise SourceUnreachable(f"{host} sends to this computer itself.", _ANEW)
    return following


def _calendar(answer: HttpAnswer, host: str, *, known: bool) -> LinkAnswer:
    """Raises SourceUnreachable for anything but a calendar."""
    headers = answer.headers
    given = {"entity": headers.get("etag", ""), "modified": headers.get("last-modified", "")}
    if answer.status == 304 and known:
        return LinkAnswer(content=None, **given)
    if answer.status != 200:
        raise _refusal(answer, host)
    start = answer.content[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        start = answer.content[:200].decode("utf-16", "ignore").lstrip().encode()
    if start[:15].upper() != b"BEGIN:VCALENDAR":
        page = start[:1] == b"<"
        raise SourceUnreachable(
            f"What {host} sends is not a calendar" + (", but a web page." if page else "."),
            "The link may need a sign-in, or have ended. " + _ANEW,
        )
    return LinkAnswer(content=answer.content, **given)


def _refusal(answer: HttpAnswer, host: str) -> SourceUnreachable:
    status, wait = answer.status, _seconds_of(answer.headers.get("retry-after", ""))
    detail = f"HTTP {status}"
    if status in {401, 403, 407}:
        return SourceUnreachable(f"{host} refuses the link.", _ANEW, detail=detail)
    if status in {404, 410}:
        return SourceUnreachable(f"{host} has no calendar at this link.", _ANEW, detail=detail)
    what = "asks for patience" if status == 429 else f"is out of order ({status})"
    return SourceUnreachable(f"{host} {what}.", _ITSELF, wait=wait, detail=detail)


def _seconds_of(text: str) -> float:
    """Of Retry-After; a date there is as good as nothing."""
    return min(float(text), 86_400.0) if text.strip().isdecimal() else 0.0


def _unreachable(error: Exception, host: str) -> SourceUnreachable:
    detail = type(error).__name__
    if is_untrusted(error):
        return SourceUnreachable(
            f"The secure connection to {host} could not be verified.",
            "Check this computer's date and time, and whether antivirus or an internet filter "
            f"inspects secure connections; allow {host} there.",
            detail=detail,
        )
    if is_proxy_sign_in(error):
        trouble = proxy_sign_in(detail)
        return SourceUnreachable(trouble.what, trouble.remedy, detail=detail)
    return SourceUnreachable(f"{host} cannot be reached.", detail=detail)
