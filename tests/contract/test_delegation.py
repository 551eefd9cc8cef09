"""A service account speaking for people: the gateway against the simulated Google, over real
sockets. Tests with the parameter run on the fake gateway too."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from companion.adapters.google.account import Token
from companion.adapters.google.service import GoogleGateway
from companion.domain.errors import (
    ClientFileMissing,
    DelegationRefused,
    Offline,
    RateLimited,
    RemoteUnavailable,
    ScopeMissing,
    SignInExpired,
)
from companion.sandbox.server import SimulatedHandle
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST, EVENTS_OWNED
from companion.services.ports import DeleteEvent, Google, SignedIn
from tests.contract.calendar_world import insert, wanted_id
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle
from tests.fakes.keys import key_text
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import JURGEN, SYDNEY, ZOE, simulated_google

ROBOT = "sync@clinic.iam.gserviceaccount.com"
SCOPES = (APP_CREATED, CALENDAR_LIST)


@dataclass
class World:
    google: Google
    secrets: FakeSecrets

    async def speak_for(
        self, login: str = ZOE, name: str = "zoe", scopes: tuple[str, ...] = SCOPES
    ) -> SignedIn:
        signed_in = await self.google.delegate(name, login=login, scopes=scopes)
        await self.secrets.put(f"google/token/{name}", signed_in.token)
        await self.google.forget(name)
        return signed_in

    async def made(self, name: str = "zoe") -> str:
        info = await self.google.create_calendar(name, "Appointments", SYDNEY, f"companion-{name}")
        return info.id


@dataclass
class SimulatedWorld(World):
    handle: SimulatedHandle
    clock: FakeClock
    gateway: GoogleGateway

    @property
    def tokens(self) -> int:
        """Given out so far."""
        return len(self.handle.api.grants.access)

    async def another_key(self, email: str = ROBOT) -> dict[str, Any]:
        made = self.handle.api.delegation.new_key(email, self.handle.base_url)
        await self.secrets.put("google/service-account", json.dumps(made))
        return made


async def simulated() -> AsyncIterator[SimulatedWorld]:
    secrets = FakeSecrets()
    with simulated_google() as handle:
        clock = FakeClock(handle.api.clock(), auto=False)
        google = GoogleGateway(
            secrets=secrets,
            clock=clock,
            install_id="install-one",
            api_root=handle.base_url,
            threads=8,
            timeout=3.0,
        )
        world = SimulatedWorld(
            google=google, gateway=google, secrets=secrets, handle=handle, clock=clock
        )
        made = await world.another_key()
        handle.api.delegation.authorise(made["client_id"], "example.com", SCOPES)
        try:
            yield world
        finally:
            google.close()


@pytest.fixture
async def real() -> AsyncIterator[SimulatedWorld]:
    async for world in simulated():
        yield world


@pytest.fixture(params=["fake", "google"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "google":
        async for made in simulated():
            yield made
        return
    secrets = FakeSecrets()
    await secrets.put("google/service-account", key_text().decode())
    fake = FakeGoogle(secrets=secrets, strangers={"nobody@example.com"})
    yield World(google=fake, secrets=secrets)


# ── on both ───────────────────────────────────────────────────────────────────────────────────


async def test_the_service_account_speaks_for_the_login(world: World) -> None:
    signed_in = await world.speak_for()
    assert (signed_in.account, signed_in.granted_scopes) == (ZOE, SCOPES)
    assert signed_in.ends_at is None
    calendar = await world.google.calendar("zoe", await world.made())
    assert (await calendar.info()).access_role == "owner"


async def test_a_calendar_is_found_again_by_its_mark(world: World) -> None:
    await world.speak_for()
    made = await world.made()
    [found] = await world.google.marked_calendars("zoe")
    assert found.info.id == made


async def test_an_unknown_login_is_refused_before_anything_is_kept(world: World) -> None:
    with pytest.raises(DelegationRefused, match="knows nobody"):
        await world.speak_for("nobody@example.com")
    assert "google/token/zoe" not in world.secrets.kept


async def test_a_scope_that_was_not_authorised_is_refused(world: World) -> None:
    with pytest.raises(DelegationRefused, match="not authorised"):
        await world.speak_for(scopes=(EVENTS_OWNED,))


async def test_without_a_key_nobody_is_spoken_for(world: World) -> None:
    await world.secrets.remove("google/service-account")
    with pytest.raises(ClientFileMissing):
        await world.speak_for()


async def test_there_is_nothing_to_give_back_to_google(world: World) -> None:
    signed_in = await world.speak_for()
    made = await world.made()
    await world.google.revoke("zoe")
    await world.google.discard(signed_in)
    await world.secrets.remove("google/service-account")
    await world.google.revoke("zoe")  # not even the key is needed
    assert made


async def test_another_service_account_reaches_no_calendar_of_the_one_before(
    world: World,
) -> None:
    await world.speak_for()
    made = await world.made()
    other = key_text(client_id="200727004242420010001")
    if isinstance(world, SimulatedWorld):
        key = await world.another_key("other@clinic.iam.gserviceaccount.com")
        world.handle.api.delegation.authorise(key["client_id"], "example.com", SCOPES)
    else:
        await world.secrets.put("google/service-account", other.decode())
    with pytest.raises(DelegationRefused, match="was replaced"):
        await world.google.calendar("zoe", made)
    await world.speak_for()
    with pytest.raises(ScopeMissing):
        await (await world.google.calendar("zoe", made)).info()


# ── tokens ────────────────────────────────────────────────────────────────────────────────────


async def test_no_token_is_kept_on_disk(real: SimulatedWorld) -> None:
    await real.speak_for()
    await real.made()
    kept = Token.from_json(real.secrets.kept["google/token/zoe"])
    assert (kept.access_token, kept.refresh_token, kept.delegated) == ("", "", True)


async def test_one_token_lasts_an_hour_for_all_calls(real: SimulatedWorld) -> None:
    await real.speak_for()
    calendar = await real.google.calendar("zoe", await real.made())
    await calendar.write([insert("1")])
    assert real.tokens == 1
    real.clock.shift(3600)
    await calendar.write([insert("2")])
    assert real.tokens == 2


async def test_calls_that_meet_an_ended_token_ask_for_one_new_token_together(
    real: SimulatedWorld,
) -> None:
    await real.speak_for()
    calendar = await real.google.calendar("zoe", await real.made())
    real.handle.api.grants.expire_access()
    await asyncio.gather(*(calendar.info() for _ in range(6)))
    assert real.tokens == 1


async def test_a_batch_that_meets_an_ended_token_goes_again(real: SimulatedWorld) -> None:
    await real.speak_for()
    made = await real.made()
    calendar = await real.google.calendar("zoe", made)
    real.handle.api.grants.expire_access()
    answers = await calendar.write([insert(str(number)) for number in range(3)])
    assert len(real.handle.google.events(made)) == len(answers) == 3


async def test_a_new_key_of_the_same_service_account_goes_on_with_everybody(
    real: SimulatedWorld,
) -> None:
    await real.speak_for()
    calendar = await real.google.calendar("zoe", await real.made())
    real.handle.api.delegation.accounts[ROBOT].keys.clear()
    real.handle.api.grants.expire_access()
    with pytest.raises(DelegationRefused, match="no longer accepts the key"):
        await calendar.info()
    await real.another_key()
    await calendar.info()


async def test_delegation_that_is_withdrawn_is_noticed_and_may_come_back(
    real: SimulatedWorld,
) -> None:
    await real.speak_for()
    calendar = await real.google.calendar("zoe", await real.made())
    client_id = real.handle.api.delegation.accounts[ROBOT].client_id
    real.handle.api.delegation.authorise(client_id, "example.com", [])
    real.handle.api.grants.expire_access()
    with pytest.raises(DelegationRefused, match="not authorised") as caught:
        await calendar.info()
    assert client_id in caught.value.remedy
    real.handle.api.delegation.authorise(client_id, "example.com", SCOPES)
    await calendar.info()


@pytest.mark.parametrize("hours", [-7, 3])
async def test_a_computer_whose_clock_is_wrong_signs_by_googles_clock(
    real: SimulatedWorld, hours: int
) -> None:
    real.handle.api.clock.advance(timedelta(hours=hours))
    await real.speak_for()
    assert await real.made()


async def test_a_clock_that_stays_unreasonable_is_said(
    real: SimulatedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    monkeypatch.setattr(real.handle.api.delegation, "now", lambda: now + timedelta(days=2))
    with pytest.raises(DelegationRefused, match="date or time is wrong"):
        await real.speak_for()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "refuse"}, Offline),
        ({"kind": "timeout_after"}, Offline),
        ({"kind": "status", "status": 500}, RemoteUnavailable),
    ],
)
async def test_trouble_on_the_way_to_the_token_endpoint_has_its_words(
    real: SimulatedWorld, fault: dict[str, Any], error: type[Exception]
) -> None:
    real.handle.api.faults.add(match="POST /token", **fault)
    with pytest.raises(error):
        await real.speak_for()


async def test_a_sign_in_of_the_persons_own_takes_over_at_once(real: SimulatedWorld) -> None:
    await real.speak_for()
    made = await real.made()
    await real.google.calendar("zoe", made)
    token = Token.from_json(real.secrets.kept["google/token/zoe"])
    await real.secrets.put(
        "google/token/zoe", token.to_json().replace('"refresh_token": ""', '"refresh_token": "r"')
    )
    with pytest.raises((SignInExpired, ClientFileMissing)):
        await (await real.google.calendar("zoe", made)).info()


# ── quota ─────────────────────────────────────────────────────────────────────────────────────


async def test_each_practitioner_has_a_quota_of_their_own(real: SimulatedWorld) -> None:
    for login, name in ((ZOE, "zoe"), (JURGEN, "jurgen")):
        await real.speak_for(login, name)
        calendar = await real.google.calendar(name, await real.made(name))
        await calendar.write([insert("1")])
        await calendar.write([insert(str(number)) for number in range(2, 6)])
        await calendar.list_ours(None, None)
    users = real.handle.google.meter.users
    assert [window.peak for window in users.values()] == [7, 7]
    assert ROBOT not in users


async def test_the_self_test_holds_for_a_service_account_too(real: SimulatedWorld) -> None:
    await real.speak_for()
    lines = await real.google.check_assumptions("zoe", await real.made(), lambda _line: None)
    assert [line for line in lines if not line.holds] == []
    assert len(lines) > 10


async def test_two_practitioners_of_one_login_do_not_share_it(real: SimulatedWorld) -> None:
    for name in ("zoe", "zoe-at-the-other-site"):
        await real.speak_for(ZOE, name)
        await real.made(name)
    assert len(real.handle.google.meter.users) == 2


async def test_the_word_that_google_counts_by_tells_nothing_and_stays_the_same(
    real: SimulatedWorld,
) -> None:
    words = set()
    for _ in range(2):
        await real.speak_for()
        await real.made()
        words |= set(real.handle.google.meter.users)
    (word,) = words
    assert len(word) == 32
    assert not {"zoe", "install"} & set(word.split("-"))


async def test_another_practitioners_spent_quota_delays_nobody(real: SimulatedWorld) -> None:
    for login, name in ((ZOE, "zoe"), (JURGEN, "jurgen")):
        await real.speak_for(login, name)
        await real.made(name)
    real.handle.google.meter.forget_windows()
    real.handle.google.meter.quota.per_user = 2
    calendars = [
        await real.google.calendar(name, info.id)
        for name in ("zoe", "jurgen")
        for info in await real.google.calendars(name)
        if not info.primary
    ]
    zoe, jurgen = calendars
    await zoe.info()
    answers = await zoe.write([DeleteEvent(event_id=wanted_id("1"))])
    assert isinstance(answers[0], RateLimited)
    await jurgen.info()
