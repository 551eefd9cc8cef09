"""BookHistory: what becomes of the book in a random month, from one seed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.services.changes import Change
from tests.battery.calendars import HIDDEN
from tests.battery.convergence import Convergence, everything_lost
from tests.battery.world import ANNA, BORIS, SYDNEY, World
from tests.fakes.clock import FakeClock
from tests.fakes.google_calendar import StoredEvent

BEGINNINGS = (
    datetime(2026, 3, 2, 9, tzinfo=UTC),
    datetime(2026, 4, 3, 13, tzinfo=UTC),  # two days before clocks go back in Sydney
    datetime(2026, 10, 2, 14, tzinfo=UTC),  # a day before they go forward
    datetime(2026, 12, 30, 12, 55, tzinfo=UTC),  # five minutes before local midnight
)
ROOMS = ("", "Room 1", "Room 2", " Room 3")


class BookHistory(Convergence):
    def __init__(self, seed: int, *, rate: float | None = None) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.rate = self.rng.choice([0.0, 0.03, 0.1, 0.3]) if rate is None else rate
        self.people = [ANNA, BORIS] if self.rng.random() < 0.3 else [ANNA]
        self.world = World(
            *self.people,
            account="practice@example.com" if self.rng.random() < 0.5 else "",
            seed=seed,
            clock=FakeClock(self.rng.choice(BEGINNINGS)),
        )
        self.latency = self.rng.choice([0.0, 0.0, 0.3, 3.0])
        self.log: list[str] = [f"rate {self.rate}, people {self.people}, latency {self.latency}"]
        self.numbers = 0
        self.backup: Any = None
        self.before_the_edit: dict[str, Appointment] = {}
        self.person_deleted: set[str] = set()
        self.calendar_ids = {who: [f"{who}@calendar"] for who in self.people}
        self.audit_needed = False
        """A person changed our events in Google, or the window went back over what was forgotten
        as history: only an audit sees that."""
        self.restored = False
        """After that, what we deleted since the backup looks as if a person had done it."""
        self.memory_lost = False
        """A ledger was lost or restored, or a person put events where we do not look: events in
        previous calendars or outside the window may stay unknown to us."""
        self.foreign: dict[str, StoredEvent] = {}

    # ── the book ──────────────────────────────────────────────────────────────────────────────

    def who(self) -> str:
        return self.rng.choice(self.people)

    def wall_time(self) -> datetime:
        """Within three weeks of today, often near midnight or a change of clocks."""
        today = self.world.clock.now().astimezone(ZoneInfo(SYDNEY)).date()
        day = today + timedelta(days=self.rng.randint(-9, 20))
        hour = self.rng.choice([0, 1, 2, 3, 9, 10, 11, 14, 16, 23])
        return datetime.combine(day, time(hour, self.rng.choice([0, 15, 30])))

    def new_appointment(self, **more: object) -> Appointment:
        self.numbers += 1
        kind = self.rng.choice(list(AppointmentKind))
        start = self.wall_time()
        all_day = self.rng.random() < 0.1
        if all_day:
            start = datetime.combine(start.date(), time.min)
        client = "" if kind is AppointmentKind.MEETING else HIDDEN
        length = timedelta(days=self.rng.randint(1, 2)) if all_day else timedelta(minutes=30)
        made = Appointment(
            id=f"k{self.numbers}",
            practitioner_id=self.who(),
            kind=kind,
            start=start,
            end=start + length,
            timezone=SYDNEY,
            all_day=all_day,
            show_as=self.rng.choice(list(ShowAs)),
            title="Team" if kind is AppointmentKind.MEETING else "",
            appointment_type=self.rng.choice(["", "Consult", "Review"]),
            client_first_name="" if kind is AppointmentKind.MEETING else "Mira",
            client_last_name=client,
            location=self.rng.choice(ROOMS),
            notes=f"Call {client} back" if self.rng.random() < 0.3 else "",
            reminder_minutes=self.rng.choice([None, 10]),
        )
        if kind is AppointmentKind.MEETING and not all_day and self.rng.random() < 0.5:
            made = replace(made, recurrence=self.new_recurrence())
        return replace(made, **more)  # type: ignore[arg-type] # names of its fields

    def new_recurrence(self) -> Recurrence:
        return Recurrence(
            rule=self.rng.choice(
                ["FREQ=WEEKLY;COUNT=5", "FREQ=DAILY;COUNT=9", "FREQ=WEEKLY;INTERVAL=2;COUNT=4"]
            )
        )

    def some(self) -> list[Appointment]:
        kept = [*self.world.stores.kept.values()]
        return self.rng.sample(kept, min(len(kept), self.rng.choice([1, 1, 2, 5])))

    async def books(self) -> None:
        count = self.rng.choice([1, 1, 2, 5, 12])
        await self.world.put(*(self.new_appointment() for _ in range(count)))

    async def edits(self) -> None:
        some = self.some()
        self.before_the_edit = {each.id: each for each in some}
        await self.world.put(*(self.edited(each) for each in some))

    async def undoes(self) -> None:
        """The last edits are taken back, whatever became of them meanwhile."""
        kept = self.world.stores.kept
        back = [each for key, each in self.before_the_edit.items() if key in kept]
        await self.world.put(*back)

    def edited(self, was: Appointment) -> Appointment:
        length = was.end - was.start
        what = self.rng.choice(["move", "place", "type", "show", "note", "who", "series"])
        if what == "move" and not was.all_day:
            start = self.wall_time()
            return replace(was, start=start, end=start + length)
        if what == "who":
            return replace(was, practitioner_id=self.who())
        if what == "series" and was.recurrence is not None:
            return replace(was, recurrence=self.changed_series(was))
        if what == "show":
            return replace(was, show_as=self.rng.choice(list(ShowAs)))
        if what == "note":
            return replace(was, notes=f"Ask {was.client_last_name or 'the others'}")
        if what == "type":
            return replace(was, appointment_type=self.rng.choice(["Consult", "Review", "X-ray"]))
        return replace(was, location=self.rng.choice(ROOMS))

    def changed_series(self, was: Appointment) -> Recurrence:
        rule = was.recurrence or self.new_recurrence()
        if self.rng.random() < 0.2:
            return self.new_recurrence()
        original = was.start + timedelta(days=7 * self.rng.randint(0, 3))
        moved = original + timedelta(days=self.rng.randint(-3, 12), hours=1)
        change = self.rng.choice(
            [
                OccurrenceChange(original_start=original, cancelled=True),
                OccurrenceChange(original_start=original, start=moved),
                OccurrenceChange(original_start=original, title="Team, elsewhere"),
            ]
        )
        others = tuple(each for each in rule.changes if each.original_start != original)
        return replace(rule, changes=(*others, change))

    async def cancels(self) -> None:
        flips = {
            AppointmentStatus.BOOKED: AppointmentStatus.CANCELLED,
            AppointmentStatus.CANCELLED: AppointmentStatus.BOOKED,
        }
        await self.world.put(*(replace(each, status=flips[each.status]) for each in self.some()))

    async def removes(self) -> None:
        await self.world.put(remove=[each.id for each in self.some()])

    async def imports(self) -> None:
        """Everything at once: some new, some changed, some gone."""
        kept = [*self.world.stores.kept.values()]
        gone = [each.id for each in kept if self.rng.random() < 0.2]
        changed = [
            self.edited(each)
            for each in kept
            if each.id not in set(gone) and self.rng.random() < 0.3
        ]
        new = [self.new_appointment() for _ in range(self.rng.randint(0, 6))]
        await self.world.put(*changed, *new, remove=gone)

    def edit_under_a_pass(self) -> None:
        asyncio.get_running_loop().create_task(self.edits())

    async def notices_get_lost(self) -> None:
        """From now on, or no longer: what is committed is published to nobody."""
        lost = self.world.changes.loses
        self.world.changes.loses = nothing_lost if lost is everything_lost else everything_lost


def nothing_lost(_change: Change) -> bool:
    return False
