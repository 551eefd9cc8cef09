"""World: the real sync services over faithful fakes, for every test of the engine.

One clinic with some practitioners, one in-memory Google calendar each, virtual time. `restart`
builds all services anew on the same stores, as after a crash. Every call to a store or to Google is
a *step*: `at_step` is called before and after each, and may raise `Crash` (a BaseException that no
code catches: the process is gone), cancel, or change the book in mid-pass.

What must hold at all times is checked in `BatteryCalendar`, at the moment Google commits: one live
event per key, no foreign event changed, no hidden name sent, no quota exceeded.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from companion.domain.appointments import Appointment, Practitioner
from companion.domain.events import CalendarEvent, Content
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.domain.settings import (
    GoogleLink,
    PracticeSettings,
    PractitionerSettings,
    Settings,
    SyncChoices,
)
from companion.services.known_names import KnownNames
from companion.services.ports import BookChange, CalendarRef, Messages
from companion.services.sync.auditing import Auditing
from companion.services.sync.pacing import Pacer
from companion.services.sync.passes import PassResult
from companion.services.sync.snapshot import NamedLocks, SyncParts
from companion.services.sync.staleness import Staleness
from companion.services.sync.syncing import Syncing
from companion.services.sync.worker import Worker
from tests.battery.calendars import (
    HIDDEN,
    BatteryCalendar,
    Calendars,
    Crash,
    FreeLocks,
    Spending,
    Step,
    Stepped,
    inline,
)
from tests.fakes import appointments
from tests.fakes.changes import LossyChanges
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryStores

INSTALL = "install"
ANNA, BORIS = "anna", "boris"
SYDNEY = "Australia/Sydney"
MONDAY = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 - wall time
"""The clock starts at this Monday, 09:00 UTC: 20:00 in Sydney."""


def appointment(number: int, **more: Any) -> Appointment:
    """Number `number` of half-hour appointments from Monday 09:00 on, a week full of them."""
    start = more.pop("start", MONDAY + timedelta(minutes=30 * number))
    usual = {"id": f"a{number}", "client_first_name": "Mira", "client_last_name": HIDDEN}
    return appointments.appointment(start, **{**usual, "practitioner_id": ANNA, **more})


class World:
    def __init__(
        self,
        *people: str,
        account: str = "",
        seed: int = 1,
        user_rate: float = 10.0,
        project_rate: float = 166.0,
        clock: FakeClock | None = None,
    ) -> None:
        """`account`: one login for all `people`; each has their own without."""
        self.clock = clock or FakeClock()
        self.changes = LossyChanges()
        self.stores = MemoryStores(self.changes)
        self.at_step: Step = lambda _name: None
        self.steps = 0
        self.user_rate, self.project_rate = user_rate, project_rate
        self.chance = random.Random(seed)
        self.project = Spending(self.clock)
        self.accounts: dict[str, Spending] = {}
        self.calendars = Calendars(self._calendar)
        self.locks: NamedLocks = FreeLocks()
        self.messages: Messages | None = None
        settings = Settings(install_id=INSTALL, practice=PracticeSettings(timezone=SYDNEY))
        for name in people or (ANNA,):
            settings = settings.with_practitioner(
                PractitionerSettings(
                    practitioner=Practitioner(id=name, name=f"{name.title()} Example"),
                    google=GoogleLink(
                        account=account or f"{name}@example.com",
                        calendar_id=f"{name}@calendar",
                        connected_at=self.clock.now(),
                    ),
                    choices=SyncChoices(enabled=True),
                )
            )
        self.settings = FakeSettings(settings, self.changes)
        self.restart()

    def _calendar(self, calendar_id: str) -> BatteryCalendar:
        account = next(
            (
                each.google.account
                for each in self.settings.current.practitioners.values()
                if each.google.calendar_id == calendar_id
            ),
            "somebody",
        )
        spending = self.accounts.setdefault(account, Spending(self.clock))
        return BatteryCalendar(
            id=calendar_id,
            now=self.clock.now,
            clock=self.clock,
            step=self._step,
            spendings=(spending, self.project),
        )

    def _step(self, name: str) -> None:
        self.steps += 1
        self.at_step(name)

    def restart(self) -> None:
        """A new process on the same disk."""
        self.changes.forget_subscribers()
        self.ledger: Any = Stepped(self.stores.ledger, "ledger", self._step)
        self.book: Any = Stepped(self.stores.book, "book", self._step)
        self.pacer = Pacer(self.clock, user_rate=self.user_rate, project_rate=self.project_rate)
        self.syncing = Syncing(
            SyncParts(
                book=self.book,
                names=KnownNames(self.book),
                ledger=self.ledger,
                settings=self.settings,
                google=self.calendars,  # type: ignore[arg-type] # passes use `calendar` alone
                activity=self.stores.activity,
                locks=self.locks,
                pacer=self.pacer,
                clock=self.clock,
                chance=self.chance,
                offload=inline,
            ),
            self.changes,
            self.messages,
        )
        self.auditing = Auditing(syncing=self.syncing, ledger=self.ledger, settings=self.settings)
        self.worker = self.new_worker()

    def neighbour(self) -> World:
        """Another process on the same home, at the same Google."""
        other = World(*self.settings.current.practitioners, clock=self.clock)
        other.settings, other.stores = self.settings, self.stores
        other.calendars = self.calendars
        other.restart()
        return other

    async def restored_elsewhere(self) -> World:
        """Another computer on which this home was restored; this one is left on."""
        other = World(*self.settings.current.practitioners, clock=self.clock)
        other.settings = FakeSettings(replace(self.settings.current, restored_as="elsewhere"))
        other.stores = copy.deepcopy(self.stores)
        other.calendars = self.calendars
        other.restart()
        for who in self.settings.current.practitioners:
            await other.stores.ledger.edit_state(
                who, lambda state: replace(state, audit_due=True, others=None, overruled_by="")
            )
        return other

    async def taken_over_elsewhere(self) -> World:
        """A new computer without a backup, connected to the same calendars by taking them over;
        its book is still empty."""
        other = World(*self.settings.current.practitioners, clock=self.clock)
        other.calendars = self.calendars
        settings = replace(self.settings.current, install_id="new")
        for record in self.settings.current.practitioners.values():
            link = replace(record.google, term=record.google.term + 1)
            settings = settings.with_practitioner(replace(record, google=link))
        other.settings = FakeSettings(settings, other.changes)
        other.restart()
        for who in settings.practitioners:
            await other.stores.ledger.edit_state(
                who, lambda state: replace(state, audit_due=True, others={})
            )
        return other

    def new_worker(self, staleness: Staleness | None = None) -> Worker:
        return Worker(
            syncing=self.syncing,
            auditing=self.auditing,
            book=self.book,
            settings=self.settings,
            clock=self.clock,
            chance=self.chance,
            changes=self.changes,
            staleness=staleness,
        )

    def committed_elsewhere(self) -> None:
        """Another process has written something to the database."""
        sign = self.stores.book.sign
        self.stores.book.sign = sign._replace(others=sign.others + 1)

    async def put_elsewhere(self, *appointments: Appointment) -> None:
        """As `put`, by another process."""
        sign = self.stores.book.sign
        with self.changes.losing():
            await self.put(*appointments)
        self.stores.book.sign = sign
        self.committed_elsewhere()

    # ── what people do ────────────────────────────────────────────────────────────────────────

    def remote(self, practitioner_id: str = ANNA) -> BatteryCalendar:
        return self.calendars.named(self.record(practitioner_id).google.calendar_id)

    def record(self, practitioner_id: str = ANNA) -> PractitionerSettings:
        return self.settings.current.practitioner(practitioner_id)

    async def put(self, *appointments: Appointment, remove: Sequence[str] = ()) -> None:
        await self.stores.book.apply(BookChange(put=appointments, remove=remove), self.clock.now())

    def choose(self, practitioner_id: str = ANNA, **choices: Any) -> None:
        """Change a practitioner's sync choices."""
        record = self.record(practitioner_id)
        self.settings.current = self.settings.current.with_practitioner(
            replace(record, choices=replace(record.choices, **choices))
        )

    def disclose(self, practitioner_id: str = ANNA, **changes: Any) -> None:
        disclosure = replace(self.record(practitioner_id).choices.disclosure, **changes)
        self.choose(practitioner_id, disclosure=disclosure)

    def link(self, practitioner_id: str = ANNA, **changes: Any) -> None:
        record = self.record(practitioner_id)
        self.settings.current = self.settings.current.with_practitioner(
            replace(record, google=replace(record.google, **changes))
        )

    # ── passes ────────────────────────────────────────────────────────────────────────────────

    async def run(self, practitioner_id: str = ANNA, **more: Any) -> PassResult:
        return await self.syncing.run(practitioner_id, cause="test", **more)

    async def audit(self, practitioner_id: str = ANNA, *, repair: bool = True) -> PassResult:
        return await self.auditing.audit(practitioner_id, repair=repair)

    async def crash_at(self, step: int | str, work: Callable[[], Any]) -> bool:
        """Let the process die at the step of `work` with this number, or the first of this name,
        and start it anew; False when `work` ended before."""
        self.steps = 0

        def die(name: str) -> None:
            if step in {self.steps, name}:
                raise Crash(name)

        self.at_step = die
        try:
            await work()
        except Crash:
            return True
        else:
            return False
        finally:
            self.at_step = lambda _name: None
            await _let_strays_end()
            self.restart()

    # ── how things stand ──────────────────────────────────────────────────────────────────────

    def ref(self, practitioner_id: str = ANNA) -> CalendarRef:
        calendar_id = self.record(practitioner_id).google.calendar_id
        return CalendarRef(practitioner_id=practitioner_id, calendar_id=calendar_id)

    async def rows(self, practitioner_id: str = ANNA) -> dict[str, LedgerEntry]:
        ref = self.ref(practitioner_id)
        return {entry.key: entry for entry in await self.stores.ledger.entries(ref)}

    async def row(self, key: str, practitioner_id: str = ANNA) -> LedgerEntry:
        return (await self.rows(practitioner_id))[key]

    async def states(self, practitioner_id: str = ANNA) -> set[LedgerEntryState]:
        return {entry.state for entry in (await self.rows(practitioner_id)).values()}

    def texts(self) -> list[str]:
        """The activity list."""
        return [line.text for line in self.stores.activity.lines]

    def live(self, practitioner_id: str = ANNA) -> dict[str, Content]:
        """Our events that Google shows, by key."""
        return {each.key: each.content for each in self.remote(practitioner_id).ours()}

    def id_of(self, key: str, practitioner_id: str = ANNA) -> str:
        """The live event of an appointment."""
        found = [e.event_id for e in self.remote(practitioner_id).ours() if e.key == key]
        assert len(found) == 1, f"{len(found)} live events for {key}"
        return found[0]


def as_kept(events: Iterable[CalendarEvent]) -> dict[str, Content]:
    """Events as Google answers them: without outer blanks."""
    return {
        each.key: replace(
            each.content, summary=each.summary.strip(), location=each.location.strip()
        )
        for each in events
    }


async def _let_strays_end() -> None:
    """A dead process has no tasks: those the crash left behind are cancelled."""
    strays = asyncio.all_tasks() - {asyncio.current_task()}
    for task in strays:
        task.cancel()
    await asyncio.gather(*strays, return_exceptions=True)
