"""The same practitioner is connected in two windows, or on two workstations, at the same moment."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from companion.domain.errors import Busy, CompanionError, SignInError
from companion.services.google.connecting import Connecting
from companion.services.google.joining import Connected
from companion.services.google.trials import OLD
from companion.services.sync.snapshot import OwnedLock
from tests.fakes.connecting import BACK, CLIENT, MAX, TOKEN, ZOE, Fixture
from tests.fakes.locks import FreeLocks


class RealLocks(FreeLocks):
    """One at a time, as in a practice."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[OwnedLock]:
        async with self._locks.setdefault(name, asyncio.Lock()):
            yield OwnedLock()


class BusyOnce(FreeLocks):
    """Another workstation connects the same practitioner, for longer than anybody waits."""

    def __init__(self) -> None:
        self.busy = True

    @asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[OwnedLock]:
        if self.busy and name.startswith("connect-"):
            self.busy = False
            raise Busy
        yield OwnedLock()


class Paused:
    """The first who makes a calendar waits there until `go_on`."""

    def __init__(self, fixture: Fixture) -> None:
        self.there, self.go_on = asyncio.Event(), asyncio.Event()
        fixture.google.hook = self

    async def __call__(self, when: str, name: str) -> None:
        if (when, name) == ("before", "create") and not self.there.is_set():
            self.there.set()
            await self.go_on.wait()


async def sign_in(fixture: Fixture, service: Connecting, account: str) -> asyncio.Task[Connected]:
    start = await service.begin("zoe", redirect_uri=BACK)
    return asyncio.create_task(service.finish(fixture.google.consent(start.url, account)))


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


async def test_a_try_is_never_checked_with_the_token_of_another(fixture: Fixture) -> None:
    paused = Paused(fixture)
    first = await sign_in(fixture, fixture.service, ZOE)
    await paused.there.wait()
    second = await (await sign_in(fixture, fixture.new_service(), ZOE))
    paused.go_on.set()
    assert (await first).account == second.account == ZOE
    assert set(fixture.secrets.kept) == {"google/client", TOKEN}


async def test_of_two_accounts_the_calendar_and_the_token_that_stay_are_of_the_same(
    fixture: Fixture,
) -> None:
    locks, paused = RealLocks(), Paused(fixture)
    first = await sign_in(fixture, fixture.new_service(locks), ZOE)
    await paused.there.wait()
    second = await sign_in(fixture, fixture.new_service(locks), MAX)
    paused.go_on.set()
    await asyncio.gather(first, second)
    link = fixture.record().google
    assert json.loads(fixture.secrets.kept[TOKEN])["account"] == link.account == MAX
    assert fixture.google.owners[link.calendar_id] == MAX
    assert fixture.google.revoked == {ZOE}


async def test_a_sign_in_that_met_another_s_is_good_for_another_try(fixture: Fixture) -> None:
    service = fixture.new_service(BusyOnce())
    start = await service.begin("zoe", redirect_uri=BACK)
    address = fixture.google.consent(start.url, ZOE)
    with pytest.raises(Busy):
        await service.finish(address)
    assert (await service.finish(address)).account == ZOE
    with pytest.raises(SignInError, match="already used"):
        await service.finish(address)


async def test_of_one_sign_in_that_is_finished_twice_at_once_one_is_refused(
    fixture: Fixture,
) -> None:
    service = fixture.new_service(RealLocks())
    start = await service.begin("zoe", redirect_uri=BACK)
    address = fixture.google.consent(start.url, ZOE)
    done = await asyncio.gather(
        service.finish(address), service.finish(address), return_exceptions=True
    )
    assert [type(each) for each in done] == [Connected, SignInError]


async def test_what_crashed_tries_left_goes_with_the_next_that_succeeds(fixture: Fixture) -> None:
    kept, now = fixture.secrets.kept, fixture.clock.now()
    old, young = (now - OLD - timedelta(minutes=1), now - OLD + timedelta(hours=1))
    kept["google/token/zoe.new"] = "of an earlier version"
    kept[f"google/token/max.new-{old:%Y%m%d%H%M%S}-0a1b2c3d"] = "of a crash"
    still = f"google/token/zoe.new-{young:%Y%m%d%H%M%S}-0a1b2c3d"
    kept[still] = "perhaps in use on another workstation"
    await fixture.connect()
    assert set(kept) == {"google/client", TOKEN, still}


async def test_a_client_replaced_while_somebody_signs_in_keeps_nothing_of_the_old_one(
    fixture: Fixture,
) -> None:
    paused = Paused(fixture)
    first = await sign_in(fixture, fixture.service, ZOE)
    await paused.there.wait()
    other = json.dumps({"installed": {"project_id": "harbour"}})
    assert CLIENT.decode() != other
    await fixture.new_service().set_client(other.encode())
    paused.go_on.set()
    with pytest.raises(CompanionError, match="client was replaced"):
        await first
    assert set(fixture.secrets.kept) == {"google/client"}
    assert not fixture.record().google.account
