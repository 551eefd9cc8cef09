"""The source that CONTRIBUTING.md shows works as it stands there."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.remote import by_name
from tests.fakes.calendar_server import CalendarServer, says
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY, fake_application

PAGE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
APPOINTMENTS = [
    {
        "id": f"{number}", "starts_at": f"2026-12-{7 + number:02}T01:00:00Z",
        "ends_at": f"2026-12-{7 + number:02}T01:45:00Z", "practitioner": "Jo Smith",
        "patient_name": f"Sam Example {number}", "cancelled_at": None,
    }
    for number in range(15)
]  # fmt: skip


def shown() -> Any:
    """The class of the page's example."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return names["ExampleSource"]


def answer(request: BaseHTTPRequestHandler) -> None:
    if request.headers["authorization"] != "Bearer right":
        says(401)(request)
        return
    since = re.search(r"updated_since=(\d+)", request.path)
    second = "page=2" in request.path
    found = [{**APPOINTMENTS[0], "cancelled_at": "2026-12-01T00:00:00Z"}] if since else APPOINTMENTS
    rows = found[10:] if second else found[:10]
    more = None if second or since else f"http://{request.headers['host']}/appointments?page=2"
    page = {"appointments": rows, "total": len(found), "next": more, "now": "7"}
    says(200, json.dumps(page).encode())(request)


async def test_the_source_that_the_page_shows_fetches_what_there_is_and_what_changed(
    tmp_path: Path,
) -> None:
    server = CalendarServer(b"", "")
    server.answer = answer
    clock = FakeClock(TUESDAY)
    source = shown()(f"http://127.0.0.1:{server.port}")
    application = fake_application(clock=clock, home=tmp_path, remotes=by_name(source))
    services = application.services
    try:
        await services.practitioners.add("Jo Smith")
        wanted = TypedPlace(kind="example", secret="right")
        sample = await services.fetched_sources.sample("books", wanted)
        assert len(sample.rows) == 11
        await services.fetched_sources.add("books", wanted)
        first = await services.fetched_sources.sync("books")
        assert first.error is None
        assert first.report is not None
        assert (first.report.added, first.report.held) == (15, False)
        await clock.advance(900)
        again = await services.fetched_sources.sync("books")
        assert again.report is not None
        assert (again.report.cancelled, again.report.removed) == (1, 0)
        await services.fetched_sources.add("books", TypedPlace(kind="example", secret="wrong"))
        refused = await services.fetched_sources.sync("books")
        assert isinstance(refused.error, SourceUnreachable)
        assert refused.error.reason is SourceTrouble.CREDENTIALS
    finally:
        server.close()
