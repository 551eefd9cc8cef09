"""Calendars behind links, as real servers give them: what is taken, refused, and said of it."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from companion.adapters.sources.calendar_link import CalendarLink
from companion.domain.errors import SourceUnreachable
from companion.services.sources.remote import FetchAnswer, FetchRequest, Stop, Stopped
from tests.fakes.calendar_server import Answer, CalendarServer, says
from tests.fakes.certificates import write_certificate

CALENDAR = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261207T090000Z\r\nEND:VEVENT\r\n"
    b"END:VCALENDAR\r\n"
)
SECRET = "private-3f9a"


@pytest.fixture
def server() -> Iterator[CalendarServer]:
    found = CalendarServer(CALENDAR, f"{SECRET}.ics")
    yield found
    found.close()


def fetch(link: str, cursor: str = "", stop: Stop | None = None, **limits: float) -> FetchAnswer:
    request = FetchRequest(
        fields={},
        secret=link,
        cursor=cursor,
        folder=Path(tempfile.mkdtemp()),
        now=datetime(2026, 3, 3, tzinfo=UTC),
        timezone="Australia/Sydney",
        stop=stop or Stop(),
    )
    try:
        answer = CalendarLink(**limits).fetch(request)  # type: ignore[arg-type]
        given.append(answer.file.read_bytes() if answer.file else b"")
        return answer
    finally:
        shutil.rmtree(request.folder)


given: list[bytes] = []
"""What each good answer held."""


def content(link: str) -> bytes:
    fetch(link)
    return given[-1]


def refusal(link: str, **limits: float) -> SourceUnreachable:
    with pytest.raises(SourceUnreachable) as refused:
        fetch(link, **limits)  # type: ignore[arg-type]
    said = f"{refused.value} {refused.value.detail} {refused.value.__cause__}"
    assert SECRET not in said
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return refused.value


def test_a_calendar_comes_with_what_tells_it_next_time(server: CalendarServer) -> None:
    server.answer = says(200, CALENDAR, ETag='"7"', Last_Modified="Mon, 02 Mar 2026 00:00:00 GMT")
    answer = fetch(server.link)
    assert (given[-1], answer.whole) == (CALENDAR, True)
    server.answer = says(304, ETag='"7"')
    again = fetch(server.link, answer.cursor)
    assert (again.file, again.cursor) == (None, answer.cursor)
    assert server.seen[1][1]["if-none-match"] == '"7"'
    assert server.seen[1][1]["if-modified-since"] == "Mon, 02 Mar 2026 00:00:00 GMT"


def test_a_packed_answer_is_unpacked(server: CalendarServer) -> None:
    server.answer = says(200, gzip.compress(CALENDAR), Content_Encoding="gzip")
    assert content(server.link) == CALENDAR


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\r\n \r\n"])
def test_what_stands_before_a_calendar_is_no_matter(server: CalendarServer, mark: bytes) -> None:
    server.answer = says(200, mark + CALENDAR)
    assert content(server.link) == mark + CALENDAR


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says(401), "refuses the link"),
        (says(403), "refuses the link"),
        (says(404), "no calendar at this link"),
        (says(410), "no calendar at this link"),
        (says(500), "out of order"),
        (says(204), "out of order"),
        (says(304), "out of order"),
        (says(200, b"<html>Sign in</html>"), "not a calendar, but a web page"),
        (says(200, b""), "not a calendar"),
        (says(200, b'{"error": "expired"}'), "not a calendar"),
        (says(200, b"not gzip", Content_Encoding="gzip"), "cannot be reached"),
        (says(302, Location="http://calendar.example/x.ics"), "not secure"),
        (says(302, Location="ftp://calendar.example/x.ics"), "not secure"),
        (says(302), "without end"),
    ],
)
def test_anything_but_a_calendar_is_a_sentence(
    server: CalendarServer, answer: Answer, sentence: str
) -> None:
    server.answer = answer
    assert sentence in (refusal(server.link)).what


def test_a_wish_to_be_left_alone_is_kept(server: CalendarServer) -> None:
    server.answer = says(429, Retry_After="120")
    assert (refusal(server.link)).wait == 120


def test_a_redirect_on_this_computer_is_followed_and_carries_no_password(
    server: CalendarServer,
) -> None:
    def move(request: BaseHTTPRequestHandler) -> None:
        moved = request.path == "/moved.ics"
        there = f"http://localhost:{server.port}/moved.ics"
        (says(200, CALENDAR) if moved else says(307, Location=there))(request)

    server.answer = move
    link = server.link.replace("://", "://jo:s%40cret@")
    assert content(link) == CALENDAR
    assert server.seen[0][1]["authorization"] == "Basic am86c0BjcmV0"
    assert "authorization" not in server.seen[1][1]


@pytest.mark.parametrize(
    "content", [CALENDAR + b"x" * 3_000_000, gzip.compress(CALENDAR + b" " * 300_000_000)]
)
def test_a_huge_answer_is_left_at_its_limit(server: CalendarServer, content: bytes) -> None:
    packed = {"Content_Encoding": "gzip"} if content[:2] == b"\x1f\x8b" else {}
    server.answer = says(200, content, **packed)
    assert "larger than" in (refusal(server.link, size_limit=1_000_000)).what


def test_a_slow_answer_is_left(server: CalendarServer) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(1_000):
            if stopped.wait(0.01):
                return
            request.wfile.write(b" " * 70_000)

    stopped = threading.Event()
    server.answer = drip
    assert "too slow" in (refusal(server.link, seconds=0.0)).what
    stopped.set()


def test_a_silent_server_is_left(server: CalendarServer) -> None:
    stopped = threading.Event()

    def wait(_request: BaseHTTPRequestHandler) -> None:
        stopped.wait(30)

    server.answer = wait
    assert "cannot be reached" in (refusal(server.link, pause=0.2)).what
    stopped.set()


def test_a_certificate_that_nobody_trusts_is_a_sentence(
    server: CalendarServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    link = server.link.replace("http:", "https:")
    assert "could not be verified" in (refusal(link)).what
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert content(link) == CALENDAR


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    error = refusal(f"http://127.0.0.1:{port}/{SECRET}.ics")
    assert error.what == "127.0.0.1 cannot be reached."


def test_a_fetch_that_is_given_up_ends_at_once(server: CalendarServer) -> None:
    asked, stopped, stop = threading.Event(), threading.Event(), Stop()

    def wait(_request: BaseHTTPRequestHandler) -> None:
        asked.set()
        stopped.wait(60)

    server.answer = wait

    def give_up() -> None:
        asked.wait(60)
        stop.ask()

    threading.Thread(target=give_up, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        fetch(server.link, stop=stop)
    assert time.monotonic() - began < 20, "it waits for no answer of 30 seconds"
    stopped.set()
