"""One pass over one calendar, with honest fakes on every side."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Practitioner,
)
from companion.domain.settings import (
    GoogleLink,
    PractitionerSettings,
    Settings,
    SyncChoices,
)
from companion.services.pacing import Pacer
from companion.services.passes import PassResult, SyncParts
from companion.services.ports import BookChange
from companion.services.syncing import Syncing
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeRemoteCalendar
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryStores

ANNA = "anna"
MONDAY = datetime(2026, 3, 2, 9, 0)


class NoTurns:
    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        yield


async def inline(work: Callable[[], Any]) -> Any:
    return work()


class OneCalendar:
    """A gateway that always gives the same calendar."""

    def __init__(self, calendar: FakeRemoteCalendar) -> None:
        self._calendar = calendar

    async def calendar(self, practitioner_id: str, calendar_id: str) -> FakeRemoteCalendar:
        return self._calendar


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stores = MemoryStores()
        self.remote = FakeRemoteCalendar(install="install", id="anna@calendar")
        self.settings = FakeSettings(
            Settings(install_id="install").with_practitioner(
                PractitionerSettings(
                    practitioner=Practitioner(id=ANNA, name="Anna Example"),
                    google=GoogleLink(account="anna@example.com", calendar_id="anna@calendar"),
                    choices=SyncChoices(enabled=True),
                )
            )
        )
        self.syncing = self.build()

    def build(self) -> Syncing:
        return Syncing(
            SyncParts(
                book=self.stores.book,
                ledger=self.stores.ledger,
                settings=self.settings,
                google=OneCalendar(self.remote),  # type: ignore[arg-type]
                activity=self.stores.activity,
                turns=NoTurns(),
                pacer=Pacer(self.clock, user_rate=10, project_rate=166),
                clock=self.clock,
                chance=random.Random(1),
                offload=inline,
            )
        )

    async def book(self, *appointments: Appointment) -> None:
        await self.stores.book.apply(BookChange(put=appointments), self.clock.now())

    async def run(self, **more: Any) -> PassResult:
        result = await self.syncing.run(ANNA, cause="test", **more)
        return result


def appointment(number: int, **more: Any) -> Appointment:
    start = MONDAY + timedelta(minutes=30 * number)
    return Appointment(
        **{
            "id": f"a{number}",
            "practitioner_id": ANNA,
            "kind": AppointmentKind.CLIENT,
            "start": start,
            "end": start + timedelta(minutes=30),
            "timezone": "Australia/Sydney",
            "client_first_name": "Mira",
            "client_last_name": "Sample",
            **more,
        }
    )


async def test_the_first_upload_writes_each_event_once_and_reads_nothing() -> None:
    world = World()
    await world.book(*(appointment(n) for n in range(1000)))
    result = await world.run()
    assert result.error is None
    assert (result.inserted, result.api_calls) == (1000, 1000)
    assert world.remote.parts == {"insert": 1000}
    assert set(world.remote.calls) == {"write"}
    again = await world.run()
    assert (again.api_calls, again.unchanged) == (0, 1000)
    await world.book(appointment(5, location="Room 2"))
    once = await world.run()
    assert (once.updated, once.api_calls) == (1, 1)
    await world.book(appointment(6, status=AppointmentStatus.CANCELLED))
    once = await world.run()
    assert (once.deleted, once.api_calls) == (1, 1)


async def test_a_lost_answer_is_asked_again_and_never_doubles() -> None:
    world = World()
    await world.book(*(appointment(n) for n in range(100)))
    world.remote.lose_answers(2)
    result = await world.run()
    assert result.error is None
    assert len(world.remote.live()) == 100
    assert (await world.run()).api_calls == 0


async def test_a_person_s_deletion_is_put_back_at_the_audit_with_the_next_generation() -> None:
    world = World()
    await world.book(*(appointment(n) for n in range(20)))
    await world.run()
    gone = world.remote.live()[3].event_id
    world.remote.person_deletes(gone)
    result = await world.run(audit=True)
    assert result.error is None
    assert [each.kind.value for each in result.differences] == ["deleted in Google"]
    assert len(world.remote.live()) == 20
    assert result.proof is not None and result.proof.equal
    assert (await world.run()).api_calls == 0
