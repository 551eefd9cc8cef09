"""What the machine tells the doctor: tried against real sockets on this machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from companion.adapters.probes import LIBRARIES, MachineProbes
from companion.domain.errors import Offline, StoreError


@contextlib.contextmanager
def server(*, date: str | None, status: int = 200, body: bytes = b"") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            if date is not None:
                self.send_header("Date", date)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_port}"
        finally:
            made.shutdown()
            thread.join()


def http_date(ahead: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + ahead, usegmt=True)


@pytest.mark.parametrize("status", [200, 404, 503])
@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=2), timedelta(minutes=-7)])
async def test_the_clock_is_compared_with_any_answer(status: int, ahead: timedelta) -> None:
    with server(date=http_date(ahead), status=status) as url:
        offset = await MachineProbes(google_api=f"{url}/").clock_offset()
    assert abs(offset - ahead) < timedelta(seconds=20)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
async def test_an_answer_without_a_time_is_no_comparison(date: str | None) -> None:
    with server(date=date) as url, pytest.raises(Offline):
        await MachineProbes(google_api=url).clock_offset()


async def test_nobody_there_is_offline_and_no_listener() -> None:
    with server(date=None) as url:
        gone = url
    probes = MachineProbes(google_api=gone, seconds=2)
    with pytest.raises(Offline):
        await probes.clock_offset()
    assert not await probes.listener_answers(gone)


@pytest.mark.parametrize(
    ("body", "status", "answers"),
    [
        (b'{"status":"ok"}', 200, True),
        (b'{"status":"bad"}', 200, False),
        (b"[]", 200, False),
        (b"a router's page", 200, False),
        (b'{"status":"ok"}', 404, False),
        (b"", 200, False),
    ],
)
async def test_only_our_own_listener_counts(body: bytes, status: int, answers: bool) -> None:
    with server(date=None, body=body, status=status) as url:
        assert await MachineProbes().listener_answers(url) is answers


async def test_a_proxy_of_the_environment_is_not_asked_about_the_clinic_s_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with server(date=None, body=b'{"status":"ok"}') as url:
        assert await MachineProbes().listener_answers(url)


async def test_an_unreachable_certificate_is_offline() -> None:
    with server(date=None) as url:
        port = int(url.rpartition(":")[2])
    with pytest.raises(Offline):
        await MachineProbes(seconds=2).certificate_end("127.0.0.1", port)


async def test_free_space_is_told_after_a_file_could_be_written(tmp_path: Path) -> None:
    assert await MachineProbes().free_bytes(tmp_path) > 0
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240 - a test may wait
    with pytest.raises(StoreError):
        await MachineProbes().free_bytes(tmp_path / "missing")


def test_versions_name_every_library_that_matters() -> None:
    found = MachineProbes().versions()
    assert set(LIBRARIES) <= found.keys()
    assert "missing" not in found.values()


def test_the_machine_s_zone_is_asked_for_a_moment() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert MachineProbes().machine_offset(moment) == moment.astimezone().utcoffset()
