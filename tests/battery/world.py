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
import contextlib
import copy
import inspect
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from companion.domain.appointments import Appointment, AppointmentKind, Practitioner
from companion.domain.errors import CompanionError, RemoteError
from companion.domain.events import CalendarEvent, Content
from companion.domain.keepers import MARK, NOBODY, Keeper
from companion.domain.reconcile import EntryState, LedgerEntry, ObservedEvent
from companion.domain.settings import (
    GoogleLink,
    Practice,
    PractitionerSettings,
    Settings,
    SyncChoices,
)
from companion.services.known_names import KnownNames
from companion.services.ports import (
    BookChange,
    CalendarRef,
    DeleteEvent,
    InsertEvent,
    PatchEvent,
    Write,
)
from companion.services.sync.auditing import Auditing
from companion.services.sync.pacing import Pacer
from companion.services.sync.passes import PassResult
from companion.services.sync.snapshot import NamedLocks, SyncParts
from companion.services.sync.syncing import Syncing
from companion.services.sync.worker import Worker
from tests.fakes.changes import LossyChanges
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeRemoteCalendar, KeptCalendar
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryStores

INSTALL = "install"
ANNA, BORIS = "anna", "boris"
SYDNEY = "Australia/Sydney"
MONDAY = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 - wall time
"""The clock starts at this Monday, 09:00 UTC: 20:00 in Sydney."""
HIDDEN = "Quillfeather"
"""Last name of every client: the disclosure hides it, so it may not leave the book."""

Step = Callable[[str], None]


class Crash(BaseException):
    """The process died here."""


class Exploded(AssertionError):
    """A call was made that must not have been."""


def appointment(number: int, **more: Any) -> Appointment:
    """Number `number` of half-hour appointments from Monday 09:00 on, a week full of them."""
    start = MONDAY + timedelta(minutes=30 * number)
    values: dict[str, Any] = {
        "id": f"a{number}",
        "practitioner_id": ANNA,
        "kind": AppointmentKind.CLIENT,
        "start": start,
        "end": start + timedelta(minutes=30),
        "timezone": SYDNEY,
        "client_first_name": "Mira",
        "client_last_name": HIDDEN,
    }
    values |= more
    if "start" in more and "end" not in more:
        values["end"] = more["start"] + timedelta(minutes=30)
    return Appointment(**values)


async def inline(work: Callable[[], Any]) -> Any:
    return work()


class FreeLocks:
    """Turns among processes, where there is only one."""

    @contextlib.asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        yield


class Stepped:
    """A store whose every coroutine tells `step` before and after."""

    def __init__(self, inner: Any, name: str, step: Step) -> None:
        self._inner, self._name, self._step = inner, name, step

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found) or name == "change_sign":  # no query
            return found

        async def call(*positional: Any, **named: Any) -> Any:
            self._step(f"before {self._name}.{name}")
            answer = await found(*positional, **named)
            self._step(f"after {self._name}.{name}")
            return answer

        return call


@dataclass(slots=True)
class Spending:
    """Quota units by fake time: the most that fell into any 60 seconds."""

    clock: FakeClock
    peak: int = 0
    total: int = 0
    _recent: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0

    def spend(self, units: int) -> None:
        now = self.clock.monotonic()
        while self._recent and self._recent[0][0] <= now - 60:
            self._sum -= self._recent.popleft()[1]
        self._recent.append((now, units))
        self._sum += units
        self.total += units
        self.peak = max(self.peak, self._sum)


@dataclass(slots=True, kw_only=True)
class BatteryCalendar(FakeRemoteCalendar):
    """A calendar that checks, at each commit, what must never happen."""

    step: Step = lambda _name: None
    latency: float = 0.0
    clock: FakeClock | None = None
    spendings: Sequence[Spending] = ()
    forbidden: Sequence[str] = (HIDDEN,)
    """Words that no request may contain."""
    exploding: bool = False
    """Every call is a failure of the test."""
    part_fault: Callable[[Write], RemoteError | None] = lambda _write: None
    excused: set[str] = field(default_factory=set)
    """Keys a person has doubled (restored from Google's bin, copied)."""
    touched: dict[str, str] = field(default_factory=dict)
    """Event id to the style a person gave it."""

    async def _called(self, name: str) -> None:
        if self.exploding:
            raise Exploded(name)
        self.step(f"before google.{name}")
        if self.latency and self.clock is not None:
            await self.clock.sleep(self.latency / 2)
        if name != "write":
            self._spend(1)
        await FakeRemoteCalendar._called(self, name)

    async def _answered(self, name: str) -> None:
        await FakeRemoteCalendar._answered(self, name)
        if self.latency and self.clock is not None:
            await self.clock.sleep(self.latency / 2)
        self.step(f"after google.{name}")

    def _spend(self, units: int) -> None:
        for spending in self.spendings:
            spending.spend(units)

    def _write(self, write: Write) -> ObservedEvent | RemoteError | None:
        self._spend(3 if isinstance(write, PatchEvent) else 1)
        self.step("part")
        fault = self.part_fault(write)
        if fault is not None:
            return fault
        stored = self.events.get(write.event_id)
        if stored is not None and stored.mark != MARK:
            raise Exploded("somebody else's event was written")
        words = repr(write)
        if any(word in words for word in self.forbidden):
            raise Exploded("a hidden name was sent to Google")
        answer = FakeRemoteCalendar._write(self, write)
        self._check(write)
        return answer

    def _check(self, write: Write) -> None:
        stored = self.events.get(write.event_id)
        if stored is None:
            return
        if isinstance(write, InsertEvent | PatchEvent) and not stored.deleted:
            same = [each for each in self.ours() if each.key == stored.key]
            if len(same) > 1 and stored.key not in self.excused:
                raise Exploded(f"{len(same)} live events for one appointment")
        chosen = self.touched.get(write.event_id)
        if isinstance(write, DeleteEvent):
            self.touched.pop(write.event_id, None)
        elif chosen is not None and stored.style != chosen:
            raise Exploded("a colour the practitioner chose was reset")

    def person_restores(self, event_id: str) -> None:
        """From Google's bin."""
        self.events[event_id].deleted = False

    def person_styles(self, event_id: str, style: str) -> None:
        self.person_edits(event_id, style=style)
        self.touched[event_id] = style


class Calendars:
    """The gateway: a calendar for each id, an error for each broken sign-in."""

    def __init__(self, make: Callable[[str], BatteryCalendar]) -> None:
        self._make = make
        self.by_id: dict[str, BatteryCalendar] = {}
        self.refusing: dict[str, CompanionError] = {}
        """By practitioner."""

    def named(self, calendar_id: str) -> BatteryCalendar:
        if calendar_id not in self.by_id:
            self.by_id[calendar_id] = self._make(calendar_id)
        return self.by_id[calendar_id]

    async def calendar(
        self, practitioner_id: str, calendar_id: str, keeper: Keeper = NOBODY
    ) -> KeptCalendar:
        await asyncio.sleep(0)
        if practitioner_id in self.refusing:
            raise self.refusing[practitioner_id]
        return KeptCalendar(self.named(calendar_id), keeper)


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
        settings = Settings(install_id=INSTALL, practice=Practice(timezone=SYDNEY))
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

    def new_worker(self) -> Worker:
        return Worker(
            syncing=self.syncing,
            auditing=self.auditing,
            book=self.book,
            settings=self.settings,
            clock=self.clock,
            chance=self.chance,
            changes=self.changes,
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

    async def states(self, practitioner_id: str = ANNA) -> set[EntryState]:
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
