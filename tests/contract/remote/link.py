"""A calendar link, whose server knows its calendar by an ETag."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

from companion.adapters.sources.calendar_link import CalendarLink
from companion.domain.errors import SourceTrouble
from tests.contract.remote.harness import Booked, RemoteHarness, Setting, Switched
from tests.fakes.calendar_server import Answer, CalendarServer, says

_BAD: Mapping[SourceTrouble, Answer] = {
    SourceTrouble.CREDENTIALS: says(403),
    SourceTrouble.NOT_THERE: says(404),
    SourceTrouble.BROKEN: says(500),
    SourceTrouble.RATE_LIMITED: says(429, Retry_After="7200"),
    SourceTrouble.UNREADABLE: says(200, b"<html>Sign in</html>"),
    SourceTrouble.EMPTY: says(200, b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
    SourceTrouble.LARGE: says(200, b"BEGIN:VCALENDAR\r\n" + b"x" * 2_000_000),
}


class LinkHarness(RemoteHarness):
    kind: ClassVar[str] = "link"
    quiet_requests: ClassVar[int] = 1
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {*_BAD, SourceTrouble.SLOW, SourceTrouble.OFFLINE}
    )

    def __init__(self, setting: Setting) -> None:
        self.source = self._switch = Switched(
            CalendarLink() if setting.large else CalendarLink(size_limit=1_000_000),
            CalendarLink(size_limit=1_000_000, pause=0.3),
        )
        self._server = CalendarServer(b"", "private-3f9a.ics")
        self.secret = self._server.link
        self.wrong_secret = self._server.link.replace("3f9a", "0000")
        self.fields: Mapping[str, str] = {}
        self._calendar = b""
        self._hung = threading.Event()
        self._let_go = threading.Event()
        self.trouble(None)

    def put(self, booked: Sequence[Booked]) -> None:
        entries = "".join(_entry(each) for each in booked)
        head = "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Jo Smith\r\n"
        self._calendar = f"{head}{entries}END:VCALENDAR\r\n".encode()

    @property
    def requests(self) -> int:
        return len(self._server.seen)

    def trouble(self, which: SourceTrouble | None) -> None:
        self._switch.in_a_hurry = which is SourceTrouble.SLOW
        if which is SourceTrouble.SLOW:
            self._server.answer = self._wait
        elif which is SourceTrouble.OFFLINE:
            self._server.answer = _hang_up
        else:
            self._server.answer = self._give if which is None else _BAD[which]

    def hang(self) -> threading.Event:
        self._server.answer = self._wait
        return self._hung

    def close(self) -> None:
        self._let_go.set()
        self._server.close()

    def _give(self, request: BaseHTTPRequestHandler) -> None:
        if "3f9a" not in request.path:
            says(403)(request)
            return
        tag = f'"{hashlib.sha256(self._calendar).hexdigest()[:12]}"'
        if request.headers.get("if-none-match") == tag:
            says(304, ETag=tag)(request)
        else:
            says(200, self._calendar, ETag=tag)(request)

    def _wait(self, _request: BaseHTTPRequestHandler) -> None:
        self._hung.set()
        self._let_go.wait(60)


def _hang_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


def _entry(booked: Booked) -> str:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{booked.key}",
        f"DTSTART;TZID=Australia/Sydney:202612{booked.day:02}T{booked.hour:02}0000",
        f"DURATION:PT{booked.minutes}M",
        f"SUMMARY:{booked.client or booked.key}",
        *(["STATUS:CANCELLED"] if booked.cancelled else []),
        "END:VEVENT",
    ]
    return "".join(f"{each}\r\n" for each in lines)
