"""SourceWeb: requests to a source on the web, each failure one of the named ones.

Sentences hold the source's place and never an address, which may be a secret. No redirect is
followed, and nothing goes to another host than the first: a key must not travel.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.exceptions import TimeoutError as PauseTooLong

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.network.errors import is_proxy_sign_in, is_untrusted, proxy_sign_in
from companion.adapters.network.http import HttpClient, TooMuch
from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.sources.remote import Stop

SIZE_LIMIT = 50_000_000
"""Bytes of one answer."""
SECONDS = 120.0
"""For one answer, whole."""
PAUSE = 30.0
"""Seconds for connecting, and for each pause of an answer."""
MOST_WAIT = 86_400.0
_ITSELF = "It is tried again by itself."


class SourceWeb(AbstractContextManager["SourceWeb"]):
    """Of one fetch and its thread."""

    def __init__(
        self,
        place: str,
        stop: Stop,
        *,
        anew: str,
        refused: str = "does not accept what it was given to sign in with",
        missing: str = "has nothing under this address",
        size_limit: int = SIZE_LIMIT,
        seconds: float = SECONDS,
        pause: float = PAUSE,
    ) -> None:
        """`anew`: what a person does about a refusal, as a sentence. `refused`, `missing`: what
        the place does then."""
        self._place = place
        self._stop = stop
        self._anew = anew
        self._refused = refused
        self._missing = missing
        self._size_limit = size_limit
        self._seconds = seconds
        self._client = HttpClient(timeout=pause)
        self._origin = ""
        self._answered = False
        """A connection may be open on which there was an answer."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """The next request opens new connections."""
        self._answered = False
        self._client.close()

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpAnswer:
        """An answer of any status. Raises SourceUnreachable, Stopped, BadInput for an unusable
        proxy."""
        place = self._place
        try:
            try:
                return self._asked(method, url, headers, body)
            except ProtocolError:
                # The server ended the connection of the last answer just as it was used again.
                if method != "GET" or not self._answered:
                    raise
            self.close()
            return self._asked(method, url, headers, body)
        except TooMuch as error:
            large = error.args == ("large",)
            what = "larger than appointments should be" if large else "too slow"
            raise SourceUnreachable(
                f"What {place} sends is {what}, so nothing of it was taken.",
                "Let it cover fewer days, if the practice software can.",
                reason=SourceTrouble.LARGE if large else SourceTrouble.SLOW,
            ) from None
        except (HTTPError, OSError, ValueError) as error:
            raise _unreachable(error, place) from None  # the cause names the address

    def _asked(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> HttpAnswer:
        with self._stop.interrupting(self._client.interrupt):
            answer = self._client.request(
                method,
                url,
                body=body,
                headers=headers,
                most=self._size_limit,
                seconds=self._seconds,
            )
        self._answered = True
        return answer

    def json(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[Any, HttpAnswer]:
        """The document of a good answer, and the answer for its headers; all requests go to one
        origin. Raises as `ask`, and SourceUnreachable for any other answer."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if self._origin not in {"", origin}:
            raise SourceUnreachable(
                f"{self._place} sends to another address, which was not followed.",
                self._anew,
                reason=SourceTrouble.UNREADABLE,
            )
        self._origin = origin
        headers = {"accept": "application/json", **(headers or {})}
        answer = self.ask(url, method=method, headers=headers, body=body)
        if not answer.ok:
            raise self.refusal(answer)
        try:
            return json.loads(answer.content), answer
        except ValueError:
            page = answer.content[:100].lstrip()[:1] == b"<"
            raise SourceUnreachable(
                f"What {self._place} sends cannot be read"
                + (": it is a web page." if page else "."),
                self._anew,
                reason=SourceTrouble.UNREADABLE,
            ) from None

    def refusal(self, answer: HttpAnswer) -> SourceUnreachable:
        """What an answer of a bad status means."""
        status, remedy, wait = answer.status, self._anew, 0.0
        if status in {401, 403, 407}:
            what, reason = self._refused, SourceTrouble.CREDENTIALS
        elif status in {404, 410}:
            what, reason = self._missing, SourceTrouble.NOT_THERE
        else:
            remedy, wait = _ITSELF, wait_of(answer.headers)
            what, reason = f"is out of order ({status})", SourceTrouble.BROKEN
            if status == 429:
                what, reason = "asks for patience", SourceTrouble.RATE_LIMITED
        return SourceUnreachable(
            f"{self._place} {what}.", remedy, reason=reason, wait=wait, detail=f"HTTP {status}"
        )


def wait_of(headers: Mapping[str, str]) -> float:
    """Seconds for which a server asks to be left alone: Retry-After, or the moment at which a
    limit ends (X-RateLimit-Reset, epoch seconds)."""
    text = headers.get("retry-after", "").strip()
    seconds = 0.0
    if text.isdecimal():
        seconds = float(text)
    elif text:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - _moment_of(headers)
        except (ValueError, OverflowError):
            seconds = 0.0
    elif (reset := headers.get("x-ratelimit-reset", "").strip()).isdecimal():
        seconds = float(reset) - _moment_of(headers)
    return min(max(seconds, 0.0), MOST_WAIT)


def _moment_of(headers: Mapping[str, str]) -> float:
    """Epoch seconds by the server's own clock, where it says them."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _unreachable(error: Exception, place: str) -> SourceUnreachable:
    detail = type(error).__name__
    if is_untrusted(error):
        return SourceUnreachable(
            f"The secure connection to {place} could not be verified.",
            "Check this computer's date and time, and whether antivirus or an internet filter "
            f"inspects secure connections; allow {place} there.",
            detail=detail,
        )
    if is_proxy_sign_in(error):
        trouble = proxy_sign_in(detail)
        return SourceUnreachable(trouble.what, trouble.remedy, detail=detail)
    reason = SourceTrouble.SLOW if isinstance(error, PauseTooLong) else SourceTrouble.OFFLINE
    return SourceUnreachable(f"{place} cannot be reached.", reason=reason, detail=detail)
