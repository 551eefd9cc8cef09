"""The source that CONTRIBUTING shows is whole: it is read from there and asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from companion.domain.errors import BadInput
from companion.services.sources.fetched_sources import Wanted
from companion.services.sources.remote import FetchRequest, RemoteSource, by_name
from tests.fakes.calendar_server import CalendarServer, says
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY, fake_application

PAGE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text("utf-8")


def appointment(number: int, **more: object) -> dict[str, object]:
    return {
        "id": f"r{number}",
        "starts_at": f"2026-12-{number + 1:02}T09:00:00+11:00",
        "ends_at": f"2026-12-{number + 1:02}T09:30:00+11:00",
        "practitioner": "Jo Smith",
        "client": f"Sam Example {number}",
        "cancelled": False,
        "updated_at": "2026-11-20T00:00:00Z",
        **more,
    }


class Roster:
    """The server of the example: three appointments a page."""

    def __init__(self) -> None:
        self.http = CalendarServer(b"", "unused")
        self.http.answer = self._answer
        self.held = [appointment(number) for number in range(8)]
        self.changed: list[dict[str, object]] = []

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.headers["authorization"] != "Bearer key-1":
            says(401)(request)
            return
        rows = self.changed if "updated_since" in request.path else self.held
        first = int((re.search(r"from=(\d+)", request.path) or [0, 0])[1])
        more = f"http://127.0.0.1:{self.http.port}/appointments?from={first + 3}"
        page = {
            "appointments": rows[first : first + 3],
            "total": len(rows),
            "next": more if first + 3 < len(rows) else None,
            "server_time_less_five_minutes": "2026-11-23T22:25:00Z",
        }
        says(200, json.dumps(page).encode())(request)


@pytest.fixture
def roster() -> Iterator[Roster]:
    found = Roster()
    yield found
    found.http.close()


def the_example(roster: Roster) -> RemoteSource:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)  # noqa: S102 - our own page
    made: RemoteSource = names["RosterSource"](f"http://127.0.0.1:{roster.http.port}")
    return made


async def test_the_source_that_contributing_shows_brings_its_appointments(
    roster: Roster, tmp_path: Path
) -> None:
    clock = FakeClock(TUESDAY)
    source = the_example(roster)
    application = fake_application(clock=clock, home=tmp_path, remotes=by_name(source))
    services = application.services
    await services.practitioners.add("Jo Smith")
    wanted = Wanted(kind="roster", secret="key-1", fields={"site": "bondi"})
    sample = await services.fetched_sources.sample("clinic", wanted)
    assert len(sample.rows) == 1 + 8
    await services.fetched_sources.add("clinic", wanted)
    outcome = await services.fetched_sources.sync("clinic")
    assert outcome.report is not None
    assert (outcome.report.added, outcome.report.questions) == (8, ())
    assert (await services.fetched_sources.sync("clinic")).report is None
    roster.changed = [appointment(2, cancelled=True, updated_at="2026-11-23T22:40:00Z")]
    report = (await services.fetched_sources.sync("clinic")).report
    assert report is not None
    assert (report.changed, report.removed) == (1, 0)
    wrong = Wanted(kind="roster", secret="key-2", fields={"site": "bondi"})
    await services.fetched_sources.add("clinic", wanted=wrong)
    assert "Make a new API key" in str((await services.fetched_sources.sync("clinic")).error)


def test_it_refuses_what_is_no_site_and_stops_after_a_few_rows(
    roster: Roster, tmp_path: Path
) -> None:
    source = the_example(roster)
    with pytest.raises(BadInput) as refused:
        source.check({"site": "evil.example/"}, "key-1")
    assert refused.value.field == "site"
    request = FetchRequest(
        fields={"site": "bondi"}, secret="key-1", cursor="", folder=tmp_path,
        now=datetime(2026, 11, 23, tzinfo=UTC), timezone="Australia/Sydney", most=3,
    )  # fmt: skip
    answer = source.fetch(request)
    assert answer.file is not None
    assert len(answer.file.read_text("utf-8").splitlines()) == 4
