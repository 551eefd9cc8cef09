"""CalendarLink: the calendar that a private link leads to (.ics over https, webcal).

A link opens a calendar to whoever has it, so it is the secret, and only its host gets into a
sentence. Redirects are followed to secure addresses only, and to this computer only from this
computer. A calendar is whole each time; it has not changed by the server's word (304), else by its
content without the moments of its writing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.sources.web import PAUSE, SECONDS, SIZE_LIMIT, SourceWeb
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.services.sources.addresses import checked_address, is_this_computer
from companion.services.sources.remote import (
    FetchAnswer,
    FetchRequest,
    SourceField,
    SourceKind,
    SourcePlace,
)

_REDIRECTS = 5
_ANEW = "Copy the calendar's link anew from the practice software, and give it here again."
_WRITTEN = re.compile(rb"^DTSTAMP[:;][^\r\n]*", re.MULTILINE | re.IGNORECASE)
"""Many servers write the moment of the answer into every entry."""


class CalendarLink:
    """A RemoteSource."""

    kind = SourceKind(
        name="link",
        title="Calendar link",
        about=(
            "Most practice software can give a private calendar link (.ics, iCal, webcal) for each "
            "practitioner. Whoever has it can read that calendar, so it is kept sealed."
        ),
        secret=SourceField(
            name="secret", label="Link", hint="It begins with https:// or webcal://"
        ),
    )

    def __init__(
        self, *, size_limit: int = SIZE_LIMIT, seconds: float = SECONDS, pause: float = PAUSE
    ) -> None:
        self._size_limit = size_limit
        self._seconds = seconds
        self._pause = pause

    def check(self, fields: Mapping[str, str], secret: str) -> SourcePlace:
        del fields
        address, host = checked_address(secret)
        return SourcePlace(place=host, secret=address)

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        known = _known(request.cursor)
        host = urlsplit(request.secret).hostname or ""
        with SourceWeb(
            host,
            request.stop,
            anew=_ANEW,
            refused="refuses the link",
            missing="has no calendar at this link",
            size_limit=self._size_limit,
            seconds=self._seconds,
            pause=self._pause,
        ) as web:
            answer = _followed(web, request.secret, known, host)
            if answer.status == 304 and known:
                return FetchAnswer(cursor=request.cursor)
            if answer.status != 200:
                raise web.refusal(answer)
        _check_calendar(answer.content, host)
        digest = digest_of(answer.content)
        cursor = json.dumps(
            {
                "entity": answer.headers.get("etag", ""),
                "modified": answer.headers.get("last-modified", ""),
                "digest": digest,
            }
        )
        if known.get("digest") == digest:
            return FetchAnswer(cursor=cursor)
        file = request.folder / "calendar.ics"
        file.touch(0o600, exist_ok=False)
        file.write_bytes(answer.content)
        return FetchAnswer(file=file, cursor=cursor, digest=digest)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(_WRITTEN.sub(b"", content)).hexdigest()


def _known(cursor: str) -> dict[str, Any]:
    """ETag, Last-Modified and digest of what is in the book; empty where all is wanted."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _followed(web: SourceWeb, link: str, known: Mapping[str, Any], host: str) -> HttpAnswer:
    headers = {"accept": "text/calendar, */*;q=0.1"}
    if known.get("entity"):
        headers["if-none-match"] = known["entity"]
    if known.get("modified"):
        headers["if-modified-since"] = known["modified"]
    at_home = is_this_computer(host)
    for _ in range(_REDIRECTS + 1):
        address, signed_in = _without_password(link)
        answer = web.ask(address, headers={**headers, **signed_in})
        if answer.status not in {301, 302, 303, 307, 308}:
            return answer
        link = _next(link, answer.headers.get("location", ""), host, at_home=at_home)
        web.close()  # the server may be about to close the connection
    raise SourceUnreachable(
        f"{host} sends from one address to the next without end.",
        _ANEW,
        reason=SourceTrouble.UNREADABLE,
    )


def _without_password(link: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(link)
    if parts.username is None:
        return link, {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    basic = base64.b64encode(pair.encode()).decode("ascii")
    bare = parts.netloc.rpartition("@")[2]
    address = urlunsplit((parts.scheme, bare, parts.path, parts.query, ""))
    return address, {"authorization": f"Basic {basic}"}


def _next(link: str, place: str, host: str, *, at_home: bool) -> str:
    try:
        following, target = checked_address(urljoin(link, place))
    except (BadInput, ValueError):
        raise SourceUnreachable(
            f"{host} sends to an address that is not secure, so it was not followed.",
            _ANEW,
            reason=SourceTrouble.UNREADABLE,
        ) from None
    if is_this_computer(target) and not at_home:
        raise SourceUnreachable(
            f"{host} sends to this computer itself.", _ANEW, reason=SourceTrouble.UNREADABLE
        )
    return following


def _check_calendar(content: bytes, host: str) -> None:
    """Raises SourceUnreachable for anything but a calendar."""
    start = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        start = content[:200].decode("utf-16", "ignore").lstrip().encode()
    if start[:15].upper() != b"BEGIN:VCALENDAR":
        page = start[:1] == b"<"
        raise SourceUnreachable(
            f"What {host} sends is not a calendar" + (", but a web page." if page else "."),
            "The link may need a sign-in, or have ended. " + _ANEW,
            reason=SourceTrouble.UNREADABLE,
        )
