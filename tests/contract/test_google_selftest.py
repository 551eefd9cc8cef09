"""The self-test on the simulated Google: it passes, and what differs is reported exactly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from companion.domain.errors import CompanionError, RateLimited, ScopeMissing, SignInExpired
from companion.domain.settings import GoogleLink
from companion.services.google.account_changes import AccountChanges
from companion.services.google.consents import CalendarChoice
from companion.services.google.selftest import SelfTest, SelfTestReport
from companion.services.ports import Assumption
from tests.contract.test_calendar_made_once import Home
from tests.fakes.clock import FakeClock
from tests.fakes.simulator import ZOE, simulated_google
from tests.fakes.stores import MemoryActivity

EVENTS = "/calendar/v3/calendars/.*/events"


class SelfTestHome(Home):
    def selftest(self) -> SelfTest:
        changes = AccountChanges(
            self.gateway, self.settings, self.secrets, MemoryActivity(), self.clock
        )
        return SelfTest(
            self.gateway, changes, self.clock, program="1.2.3", random_word=lambda: "word"
        )

    async def run(self) -> SelfTestReport:
        return await self.selftest().run("zoe")


@pytest.fixture
async def home() -> AsyncIterator[SelfTestHome]:
    clock = FakeClock()
    with simulated_google(clock.now) as handle:
        made = SelfTestHome(handle, clock)
        await made.connect()
        try:
            yield made
        finally:
            made.gateway.close()


def differing(report: SelfTestReport) -> set[str]:
    return {line.id for line in report.lines if not line.holds}


async def test_the_simulated_google_passes_and_nothing_is_left(home: SelfTestHome) -> None:
    told: list[Assumption] = []
    report = await home.selftest().run("zoe", told.append)
    assert report.passed, report.text()
    assert tuple(told) == report.lines
    assert len(report.lines) > 20
    assert home.made == [home.link.calendar_id]
    assert home.link.creations == ()


@pytest.mark.parametrize(
    ("policy", "differs"),
    [
        ({"longest_summary": 100}, {"title-limit"}),
        ({"longest_location": 499}, {"place-limit"}),
        ({"longest_description": 7999}, {"notes-limit"}),
        ({"fresh_calendar_seconds": 45, "fresh_calendar_status": 403}, {"fresh-calendar"}),
        ({"fresh_calendar_seconds": 20}, set()),
        ({"revival": "refuse", "bare_tombstones": True}, set()),
    ],
)
async def test_a_google_that_differs_is_reported_exactly(
    home: SelfTestHome, policy: dict[str, Any], differs: set[str]
) -> None:
    for name, value in policy.items():
        setattr(home.handle.google.policy, name, value)
    report = await home.run()
    assert differing(report) == differs
    assert report.passed == (not differs)


@pytest.mark.parametrize(
    ("fault", "differs"),
    [
        ({"match": f"^GET {EVENTS}$", "nth": 2, "status": 400, "reason": "invalid"}, "properties"),
        (
            {"match": f"^PATCH {EVENTS}/", "nth": 2, "status": 409, "reason": "conflict"},
            "stale-etag",
        ),
        ({"match": f"batch-part DELETE {EVENTS}/", "status": 410, "reason": "gone"}, "batch"),
        ({"match": f"batch-part GET {EVENTS}/", "nth": 9, "status": 400}, "rate"),
    ],
)
async def test_one_answer_that_differs_changes_one_line(
    home: SelfTestHome, fault: dict[str, Any], differs: str
) -> None:
    home.handle.api.faults.add(kind="status", times=1, **fault)
    report = await home.run()
    assert differing(report) == {differs}
    (line,) = [line for line in report.lines if not line.holds]
    assert str(fault["status"]) in line.came


async def test_to_be_asked_to_slow_down_is_as_assumed(home: SelfTestHome) -> None:
    home.handle.api.faults.add(
        kind="status", match=f"batch-part GET {EVENTS}/", nth=20, status=429, times=1
    )
    assert (await home.run()).passed


async def test_the_report_holds_no_names(home: SelfTestHome) -> None:
    home.handle.google.policy.longest_summary = 10
    report = await home.run()
    text = report.text()
    assert "DIFFERS: A title of 300 characters is kept. Instead: 400 invalid" in text
    assert "1.2.3" in text
    for secret in (ZOE, "Zoë", "zoe", home.link.calendar_id, "group.calendar"):
        assert secret not in text


async def test_what_a_crash_left_behind_is_removed_by_the_next_one(home: SelfTestHome) -> None:
    home.handle.api.faults.add(
        kind="refuse", match=r"^DELETE /calendar/v3/calendars/[^/]+$", times=1
    )
    report = await home.run()
    assert differing(report) == {"removal"}
    assert len(home.made) == 2
    assert (await home.run()).passed
    assert home.made == [home.link.calendar_id]


async def test_a_connection_never_takes_the_calendar_of_a_self_test(home: SelfTestHome) -> None:
    home.handle.api.faults.add(
        kind="refuse", match=r"^DELETE /calendar/v3/calendars/[^/]+$", times=1
    )
    await home.run()
    (left,) = home.link.creations
    start = await home.service.begin(
        "zoe", calendar=CalendarChoice(kind="new"), redirect_uri="http://127.0.0.1:1/oauth/callback"
    )
    await home.service.finish(home.person.consents(start.url, ZOE))
    assert home.link.calendar_id != left.calendar_id


async def test_without_a_sign_in_or_the_permission_nothing_is_made(home: SelfTestHome) -> None:
    async def refused(link: GoogleLink) -> CompanionError:
        record = home.settings.read().record("zoe")
        home.settings.current = home.settings.read().with_practitioner(replace(record, google=link))
        with pytest.raises(CompanionError) as caught:
            await home.run()
        return caught.value

    narrow = ("https://www.googleapis.com/auth/calendar.events.owned",)
    assert isinstance(await refused(GoogleLink()), SignInExpired)
    assert isinstance(await refused(GoogleLink(account=ZOE, scopes=narrow)), ScopeMissing)
    assert len(home.made) == 1


async def test_a_calendar_that_google_refuses_to_make_ends_it_with_its_own_sentence(
    home: SelfTestHome,
) -> None:
    home.handle.api.faults.add(
        kind="status", match=r"^POST /calendar/v3/calendars$", status=403, times=1
    )
    with pytest.raises(RateLimited):
        await home.run()
    assert home.made == [home.link.calendar_id]
    assert not home.link.creations[0].calendar_id
