"""Connecting with the real adapter to the simulated Google, while one request of each kind meets
each fault of a network or of Google: in the end one calendar exists, and it is the one in use.

`tests/unit/test_calendar_creation.py` does the same a thousand times with the fake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from companion.adapters.google.service import GoogleGateway
from companion.domain.appointments import Practitioner
from companion.domain.errors import CompanionError, RemoteError
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings
from companion.sandbox.server import SimulatedHandle, client_file
from tests.contract.google_world import PersonAtPage
from tests.fakes.clock import FakeClock
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.simulator import ZOE, simulated_google
from tests.fakes.stores import MemoryActivity, MemoryLedger
from tests.fakes.syncing import connecting_over

BACK = "http://127.0.0.1:54321/oauth/callback"
STEPS = {
    "token": r"^POST /token",
    "create": r"^POST /calendar/v3/calendars$",
    "look": r"^GET /calendar/v3/users/me/calendarList",
    "read": r"^GET /calendar/v3/calendars/.*/events",
}
FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"kind": "refuse"},
    "timed out": {"kind": "timeout_before"},
    "answer lost": {"kind": "timeout_after"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "429": {"kind": "status", "status": 429},
    "403": {"kind": "status", "status": 403, "reason": "forbidden"},
    "404": {"kind": "status", "status": 404},
}


class Home:
    def __init__(self, handle: SimulatedHandle, clock: FakeClock) -> None:
        self.handle = handle
        self.clock = clock
        self.secrets = FakeSecrets()
        self.secrets.kept["google/client"] = json.dumps(client_file(handle.base_url))
        person = PractitionerSettings(practitioner=Practitioner(id="zoe", name="Zoë"))
        self.settings = FakeSettings(Settings(install_id="install").with_practitioner(person))
        self.person = PersonAtPage(handle.base_url)
        self.gateway = GoogleGateway(
            secrets=self.secrets,
            clock=self.clock,
            api_root=handle.base_url,
            threads=1,
            timeout=3.0,
        )
        ledger, activity = MemoryLedger(), MemoryActivity()
        self.service = connecting_over(
            google=self.gateway,
            settings=self.settings,
            secrets=self.secrets,
            ledger=ledger,
            activity=activity,
            clock=self.clock,
        )

    @property
    def link(self) -> GoogleLink:
        return self.settings.read().record("zoe").google

    @property
    def made(self) -> list[str]:
        with self.handle.lock:
            calendars = self.handle.google.calendars.values()
            return [each.id for each in calendars if each.created_by is not None]

    async def connect(self) -> None:
        start = await self.service.begin("zoe", redirect_uri=BACK)
        await self.service.finish(self.person.consents(start.url, ZOE))

    async def connect_at_last(self) -> None:
        for _ in range(6):
            try:
                await self.connect()
            except CompanionError:
                continue
            return
        pytest.fail("never connected")


@contextmanager
def a_home() -> Iterator[Home]:
    clock = FakeClock()
    with simulated_google(clock.now) as handle:
        made = Home(handle, clock)
        try:
            yield made
        finally:
            made.gateway.close()


@pytest.fixture
def home() -> Iterator[Home]:
    with a_home() as made:
        yield made


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
async def test_a_fault_at_any_request_leaves_one_calendar(
    home: Home, step: str, fault: str
) -> None:
    faults = home.handle.api.faults
    if step == "look":
        faults.add(kind="timeout_after", match=STEPS["create"], times=1)
    struck = faults.add(match=STEPS[step], times=1, **FAULTS[fault])
    await home.connect_at_last()
    assert struck.fired == 1
    assert home.made == [home.link.calendar_id]
    assert home.link.creations == ()


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_a_fresh_calendar_that_is_refused_for_20_seconds_is_connected_at_once(
    home: Home, status: Any
) -> None:
    home.handle.google.policy.fresh_calendar_status = status
    home.handle.google.policy.fresh_calendar_seconds = 20
    await home.connect()
    assert home.made == [home.link.calendar_id]


async def test_a_fresh_calendar_that_stays_refused_is_the_one_used_later(home: Home) -> None:
    home.handle.google.policy.fresh_calendar_seconds = 120
    with pytest.raises(RemoteError):
        await home.connect()
    home.clock.shift(90)
    await home.connect()
    assert home.made == [home.link.calendar_id]


async def test_testing_mode_is_known_at_the_sign_in_with_its_day(home: Home) -> None:
    await home.connect()
    assert home.link.ends_at is None
    home.handle.api.grants.testing = True
    await home.connect()
    assert home.link.ends_at == home.clock.now() + timedelta(days=7)
