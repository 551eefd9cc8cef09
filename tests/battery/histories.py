"""Histories: random months of a clinic, from one seed, and what must hold after.

A history is a list of operations: the book is edited, settings change, days pass, people edit in
Google, the disk is lost or restored from a backup. Between them passes run with faults: calls
refused, lost, half done, answers lost, disks full, the process killed at any step, the pass stopped
by a person, the book edited during it. What must hold at *every* step is checked by
`world.BatteryCalendar`; `converge` ends the faults and checks the rest: equal after at most two
passes without faults, then a pass without a single call, then an audit that finds nothing.

Everything is drawn from `random.Random(seed)`: a failing seed replays, and `History.log` holds what
happened.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.domain.disclosure import ClientName, Item, KindChoice
from companion.domain.errors import (
    AccountParked,
    CompanionError,
    Offline,
    RateLimited,
    RemoteError,
    RemoteUnavailable,
    RequestRefused,
    SignInExpired,
    StoreError,
)
from companion.domain.events import CalendarEvent, Content, as_instant, project
from companion.domain.reconcile import EntryState
from companion.domain.settings import PractitionerSettings
from companion.domain.window import SyncWindow
from companion.services.changes import Change
from companion.services.ports import Write
from companion.services.sync.passes import PassResult
from tests.battery.world import (
    ANNA,
    BORIS,
    HIDDEN,
    SYDNEY,
    BatteryCalendar,
    Crash,
    World,
    as_kept,
)
from tests.fakes.clock import FakeClock
from tests.fakes.google import StoredEvent, content
from tests.fakes.stores import MemoryStores

BEGINNINGS = (
    datetime(2026, 3, 2, 9, tzinfo=UTC),
    datetime(2026, 4, 3, 13, tzinfo=UTC),  # two days before clocks go back in Sydney
    datetime(2026, 10, 2, 14, tzinfo=UTC),  # a day before they go forward
    datetime(2026, 12, 30, 12, 55, tzinfo=UTC),  # five minutes before local midnight
)
ZONES = (SYDNEY, "Australia/Adelaide", "Europe/Berlin", "Pacific/Auckland")
ROOMS = ("", "Room 1", "Room 2", " Room 3")
STYLES = ("9|", "5|10", "|30")


class Failure(AssertionError):
    """With the seed and what happened: it can be played again."""


@dataclass(slots=True)
class Weather:
    """What goes wrong during one pass."""

    history: History
    rate: float
    crash_at: int = 0
    cancel_at: int = 0
    edit_at: int = 0
    meddle_at: int = 0
    steps: int = 0
    dead: bool = False

    def __call__(self, name: str) -> None:
        self.steps += 1
        if self.dead or self.steps == self.crash_at:
            self.dead = True
            raise Crash(name)
        if self.steps == self.cancel_at:
            for who in self.history.people:
                self.history.world.syncing.cancel(who)
        if self.steps == self.edit_at:
            self.history.edit_under_a_pass()
        if self.steps == self.meddle_at:
            self.history.meddle()
        if self.history.rng.random() < self.rate:
            self._strike(name)

    def _strike(self, name: str) -> None:
        chance = self.history.rng
        if name == "before ledger.write" and chance.random() < 0.1:
            raise StoreError(detail="disk full")
        if name in {"part", "after google.write", "after google.get", "after google.list"}:
            if chance.random() < 0.3:
                raise Offline(detail=f"lost at {name}")
        elif name.startswith("before google."):
            raise chance.choice(
                [
                    Offline(),
                    RateLimited(),
                    RateLimited(retry_after=5.0),
                    RemoteUnavailable(detail="500"),
                    RemoteUnavailable(detail="503"),
                    *([SignInExpired(), AccountParked()] if chance.random() < 0.2 else []),
                ]
            )

    def part(self, _write: Write) -> RemoteError | None:
        chance = self.history.rng
        if chance.random() >= self.rate:
            return None
        rare = [RequestRefused()] if chance.random() < 0.2 else []
        return chance.choice([RateLimited(), RemoteUnavailable(), *rare])


class History:
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
        self.backup: MemoryStores | None = None
        self.before_the_edit: dict[str, Appointment] = {}
        self.person_deleted: set[str] = set()
        self.calendar_ids = {who: [f"{who}@calendar"] for who in self.people}
        self.audit_needed = False
        """Somebody changed our events in Google, or the window went back over what was forgotten
        as history: only an audit sees that."""
        self.restored = False
        """After that, what we ourselves deleted since the backup looks like a person's doing."""
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
        kept = [*self.world.stores.book._kept.values()]
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
        kept = self.world.stores.book._kept
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
        kept = [*self.world.stores.book._kept.values()]
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

    # ── settings and time ─────────────────────────────────────────────────────────────────────

    async def settings(self) -> None:
        who, rng = self.who(), self.rng
        match rng.choice(["days", "items", "kinds", "name", "mask", "colour", "back", "tidy"]):
            case "days":
                arrears = rng.choice([0, 3, 7, 14])
                before = self.world.record(who).choices.days_in_arrears
                self.audit_needed = self.audit_needed or arrears > before
                advance = rng.choice([0, 5, 14, 60])
                self.world.choose(who, days_in_arrears=arrears, days_in_advance=advance)
            case "items":
                items = frozenset(each for each in Item if rng.random() < 0.6)
                self.world.disclose(who, items=items)
            case "kinds":
                kinds = frozenset(each for each in KindChoice if rng.random() < 0.8)
                self.world.disclose(who, kinds=kinds or frozenset({KindChoice.CLIENT}))
            case "name":
                modes = [ClientName.NONE, ClientName.ID, ClientName.INITIALS, ClientName.FIRST]
                self.world.disclose(who, client_name=rng.choice(modes))
            case "mask":
                self.world.disclose(who, masked_types=frozenset(rng.choice([(), ("Consult",)])))
            case "colour":
                self.world.choose(who, colour=rng.choice(["", "3", "7"]))
            case "back":
                self.world.choose(who, put_back_deleted=rng.random() < 0.5)
            case "tidy":
                self.world.choose(who, tidy_past=rng.random() < 0.3)

    async def zone(self) -> None:
        self.audit_needed = True
        who = self.who()
        record = self.world.record(who)
        person = replace(record.practitioner, timezone=self.rng.choice(ZONES))
        self.world.settings.current = self.world.settings.current.with_practitioner(
            replace(record, practitioner=person)
        )

    async def time_passes(self) -> None:
        self.world.clock.shift(
            self.rng.choice([60.0, 3_600.0, 12 * 3_600.0, 86_400.0, 3 * 86_400.0, 9 * 86_400.0])
        )

    async def to_midnight(self) -> None:
        zone = ZoneInfo(self.world.record(self.who()).practitioner.timezone)
        local = self.world.clock.now().astimezone(zone)
        midnight = datetime.combine(local.date() + timedelta(days=1), time.min, zone)
        self.world.clock.shift((midnight - local).total_seconds() + self.rng.choice([-1.0, 0.0]))

    async def clock_jumps(self) -> None:
        jump = timedelta(seconds=self.rng.choice([-86_400, -3_600, -61, 61, 3_600, 86_400]))
        self.world.clock.set(self.world.clock.now() + jump)
        if jump < timedelta(0):
            # What was forgotten as past may be to come again.
            self.memory_lost = self.audit_needed = True

    async def another_calendar(self) -> None:
        who = self.who()
        known = self.calendar_ids[who]
        if self.rng.random() < 0.5 and len(known) < 3:
            known.append(f"{who}{len(known)}@calendar")
        self.world.link(who, calendar_id=self.rng.choice(known))
        await self.world.stores.ledger.edit_state(who, lambda state: replace(state, audit_due=True))

    async def off_and_on(self) -> None:
        who = self.who()
        self.world.choose(who, enabled=not self.world.record(who).choices.enabled)

    async def decides(self) -> None:
        """A person looks at held removals."""
        who = self.who()
        if self.rng.random() < 0.5:
            await self.world.syncing.keep_held(who)
        else:
            await self.one_pass(who, release_held=True)

    # ── people in Google ──────────────────────────────────────────────────────────────────────

    async def meddles(self) -> None:
        for _ in range(self.rng.choice([1, 1, 3])):
            self.meddle()

    def meddle(self) -> None:
        self.audit_needed = True
        remote = self.world.remote(self.who())
        ours = sorted(remote.ours(), key=lambda each: each.event_id)
        what = self.rng.choice(["delete", "title", "move", "far", "colour", "restore", "own"])
        if what == "own":
            name = f"foreign{len(self.foreign)}"
            remote.person_adds(name, content())
            self.foreign[name] = copy.copy(remote.events[name])
            return
        if what == "restore":
            self.restore(remote)
            return
        if not ours:
            return
        event = self.rng.choice(ours)
        start, end = event.content.start, event.content.end
        match what:
            case "delete":
                remote.person_deletes(event.event_id)
                remote.touched.pop(event.event_id, None)
                self.person_deleted.add(event.key)
            case "title":
                remote.person_edits(event.event_id, summary="Dentist")
            case "move":
                step = timedelta(days=self.rng.randint(-2, 2))
                remote.person_edits(event.event_id, start=start + step, end=end + step)
            case "far":
                step = timedelta(days=400)
                remote.person_edits(event.event_id, start=start + step, end=end + step)
                self.memory_lost = True
            case "colour":
                remote.person_styles(event.event_id, self.rng.choice(STYLES))

    def restore(self, remote: BatteryCalendar) -> None:
        """From Google's bin; what was ours and is live again may double what we put back."""
        dead = [each for each in remote.events.values() if each.deleted and each.install]
        dead.sort(key=lambda each: each.event_id)
        for event in self.rng.sample(dead, min(len(dead), self.rng.choice([1, 3, 8]))):
            remote.person_restores(event.event_id)
            remote.excused.add(event.key)
            self.memory_lost = True

    # ── disks ─────────────────────────────────────────────────────────────────────────────────

    async def backs_up(self) -> None:
        self.backup = copy.deepcopy(self.world.stores)

    async def restores(self) -> None:
        """The whole database as it was, book and all; or the ledger alone is lost."""
        self.memory_lost = self.restored = True
        if self.backup is not None and self.rng.random() < 0.7:
            self.world.stores = copy.deepcopy(self.backup)
        else:
            self.world.stores.ledger._rows.clear()
            if self.rng.random() < 0.5:
                self.world.stores.ledger._states.clear()
        self.world.restart()

    # ── passes ────────────────────────────────────────────────────────────────────────────────

    async def passes(self) -> None:
        await self.one_pass(self.who(), audit=self.rng.random() < 0.25)

    async def both_pass(self) -> None:
        await self._in_weather(
            lambda: asyncio.gather(
                *(self.world.syncing.run(who, cause="history") for who in self.people)
            )
        )

    async def one_pass(self, who: str, *, release_held: bool = False, audit: bool = False) -> None:
        await self._in_weather(
            lambda: self.world.syncing.run(
                who, cause="history", release_held=release_held, audit=audit
            )
        )

    async def _in_weather(self, work: Callable[[], Awaitable[object]]) -> None:
        rng = self.rng
        weather = Weather(self, self.rate)
        trouble = rng.random()
        if trouble < 0.35:
            weather.crash_at = rng.randint(1, rng.choice([20, 60, 200]))
        elif trouble < 0.45:
            weather.cancel_at = rng.randint(1, 60)
        if rng.random() < 0.15:
            weather.edit_at = rng.randint(1, 60)
        if rng.random() < 0.1:
            weather.meddle_at = rng.randint(1, 60)
        world = self.world
        world.at_step = weather
        for remote in world.calendars.by_id.values():
            remote.part_fault, remote.latency = weather.part, self.latency
        try:
            await work()
        except (Crash, asyncio.CancelledError) as end:
            self.log.append(f"  {type(end).__name__} at step {weather.steps}")
        finally:
            if weather.dead:
                await drain_in_flight()
                world.restart()
            world.at_step = lambda _name: None
            for remote in world.calendars.by_id.values():
                remote.part_fault, remote.latency = _fine, 0.0

    # ── the whole ─────────────────────────────────────────────────────────────────────────────

    async def play(self, operations: int) -> None:
        choices: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.books, 10),
            (self.edits, 10),
            (self.undoes, 5),
            (self.cancels, 5),
            (self.removes, 3),
            (self.imports, 3),
            (self.notices_get_lost, 2),
            (self.settings, 5),
            (self.zone, 1),
            (self.time_passes, 6),
            (self.to_midnight, 2),
            (self.clock_jumps, 1),
            (self.another_calendar, 1),
            (self.off_and_on, 1),
            (self.decides, 2),
            (self.meddles, 8),
            (self.backs_up, 1),
            (self.restores, 1),
            (self.passes, 22),
            (self.both_pass, 4),
        ]
        if self.rng.random() < 0.4:  # nobody meddles: then no audit is needed
            choices = [each for each in choices if each[0] not in {self.meddles, self.restores}]
        actions = [action for action, _ in choices]
        weights = [weight for _, weight in choices]
        await self.books()
        for _ in range(operations):
            await self.happen(self.rng.choices(actions, weights)[0])

    async def happen(self, action: Callable[[], Awaitable[None]]) -> None:
        self.log.append(action.__name__)
        await action()

    async def converge(self) -> None:
        """Fine weather: equal after one pass, or two where only an audit can see what happened;
        silent in the third, proven by the fourth."""
        for who in self.people:
            self.world.choose(who, enabled=True)
            await self._forget_what_was_shown(who)
        await self._wait_out_parking()
        self._keep_clear_of_midnight()
        for who in self.people:
            for audit in (False, True):
                result = await self.world.syncing.run(
                    who, cause="converge", release_held=True, audit=audit
                )
                require(result.error is None, f"{who}: {result.error!r}")
                if audit or not (self.audit_needed or self.restored):
                    await self._check_equal(who)
        for who in self.people:
            await self._check_silent(who)
            await self._check_proof(who)
            await self._check_nothing_left_behind(who)
        self._check_foreign()
        await self._check_an_unpublished_edit()
        peak = max((each.peak for each in self.world.accounts.values()), default=0)
        require(peak <= 600, f"{peak} units within a minute")

    async def _forget_what_was_shown(self, who: str) -> None:
        """Released without a list is everything; with one it is the list alone."""
        await self.world.stores.ledger.edit_state(who, lambda state: replace(state, held=None))

    async def _wait_out_parking(self) -> None:
        for who in self.people:
            until = (await self.world.syncing.state(who)).parked_until
            if until is not None and until > self.world.clock.now():
                self.world.clock.shift((until - self.world.clock.now()).total_seconds() + 1)

    def _keep_clear_of_midnight(self) -> None:
        """The window must not move while we compare."""
        for who in [*self.people, *self.people]:
            zone = ZoneInfo(self.world.record(who).practitioner.timezone)
            soon = self.world.clock.now() + timedelta(minutes=15)
            if soon.astimezone(zone).date() != self.world.clock.now().astimezone(zone).date():
                self.world.clock.shift(16 * 60)

    async def _check_equal(self, who: str) -> None:
        record = self.world.record(who)
        rows = await self.world.rows(who)
        left_out = {key for key, row in rows.items() if row.state is EntryState.LEFT_OUT}
        require(
            self.restored or left_out <= self.person_deleted,
            f"left out though nobody deleted it: {left_out - self.person_deleted}",
        )
        desired = self.desired(record)
        first, last = edges(record, self.world.clock.now())
        wanted = as_kept(event for event in desired if event.key not in left_out)
        inside = [
            each
            for each in self.world.remote(who).ours()
            if span(each, record)[0] < last and span(each, record)[1] > first
        ]
        keys = sorted(each.key for each in inside)
        require(len(keys) == len(set(keys)), f"doubled: {keys}")
        there = {each.key: each.content for each in inside}
        require(there.keys() == wanted.keys(), difference(wanted, there))
        require(there == wanted, difference(wanted, there))

    def desired(self, record: PractitionerSettings) -> list[CalendarEvent]:
        """The projection, its window reckoned here by itself: whole local days."""
        now = self.world.clock.now()
        first, last = edges(record, now)
        wide = SyncWindow(
            first_day=first.date() - timedelta(days=4),
            last_day=last.date() + timedelta(days=4),
            timezone=record.practitioner.timezone,
        )
        events = project(
            [
                each
                for each in self.world.stores.book._kept.values()
                if each.practitioner_id == record.practitioner.id
            ],
            wide,
            self.world.settings.current.disclosure_of(record),
            practitioner_name=record.practitioner.name,
            colour=record.choices.colour,
        )
        return [each for each in events if each.begins < last and each.ends > first]

    async def _check_silent(self, who: str) -> None:
        remotes = self.world.calendars.by_id.values()
        for remote in remotes:
            remote.exploding = True
        result = await self.world.syncing.run(who, cause="converge")
        for remote in remotes:
            remote.exploding = False
        require(result.error is None and result.api_calls == 0, f"not silent: {result}")
        require(result.held == 0 and not any(result.planned.values()), f"not converged: {result}")

    async def _check_proof(self, who: str) -> None:
        result: PassResult = await self.world.audit(who)
        require(result.differences == (), f"differences: {result.differences}")
        require(result.proof is not None and result.proof.equal, f"proof: {result.proof}")
        require(result.api_calls == 1, f"an equal calendar cost {result.api_calls} calls")

    async def _check_nothing_left_behind(self, who: str) -> None:
        """In previous calendars and outside the window, as far as we could know of it."""
        if self.memory_lost:
            return
        record = self.world.record(who)
        now = self.world.clock.now()
        _, last = edges(record, now)
        for calendar_id in self.calendar_ids[who]:
            present = calendar_id == record.google.calendar_id
            stray = [
                each.key
                for each in self.world.calendars.named(calendar_id).ours()
                if span(each, record)[0] >= last or (not present and span(each, record)[1] > now)
            ]
            require(not stray, f"left behind in {calendar_id}: {stray}")

    async def _check_an_unpublished_edit(self) -> None:
        """Nobody is told of one more appointment, and within ten seconds Google has it."""
        world, who = self.world, self.who()
        world.choose(who, days_in_arrears=7, days_in_advance=7)
        disclosure = replace(world.record(who).choices.disclosure, kinds=frozenset(KindChoice))
        world.choose(who, disclosure=disclosure)
        worker = asyncio.create_task(world.worker.run())
        try:
            await world.clock.sleep(60)
            start = world.clock.now().astimezone(ZoneInfo(SYDNEY)).replace(tzinfo=None)
            made = self.new_appointment(
                practitioner_id=who,
                all_day=False,
                recurrence=None,
                start=start,
                end=start + timedelta(minutes=30),
            )
            world.changes.loses = everything_lost
            await world.put(made)
            await world.clock.sleep(10)
            require(made.id in world.live(who), f"{made.id} is not in Google after ten seconds")
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    def _check_foreign(self) -> None:
        for remote in self.world.calendars.by_id.values():
            for name, event in remote.events.items():
                if name in self.foreign:
                    require(event == self.foreign[name], "somebody else's event was changed")


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def edges(record: PractitionerSettings, now: datetime) -> tuple[datetime, datetime]:
    zone = ZoneInfo(record.practitioner.timezone)
    today: date = now.astimezone(zone).date()
    first = today - timedelta(days=record.choices.days_in_arrears)
    after = today + timedelta(days=record.choices.days_in_advance + 1)
    return (
        datetime.combine(first, time.min, zone).astimezone(UTC),
        datetime.combine(after, time.min, zone).astimezone(UTC),
    )


def span(event: StoredEvent, record: PractitionerSettings) -> tuple[datetime, datetime]:
    zone = record.practitioner.timezone
    return as_instant(event.content.start, zone), as_instant(event.content.end, zone)


def difference(wanted: dict[str, Content], there: dict[str, Content]) -> str:
    lines = [f"missing {key}: {wanted[key]}" for key in wanted.keys() - there.keys()]
    lines += [f"ghost {key}: {there[key]}" for key in there.keys() - wanted.keys()]
    lines += [
        f"stale {key}: {there[key]} instead of {wanted[key]}"
        for key in wanted.keys() & there.keys()
        if wanted[key] != there[key]
    ]
    return "\n".join(lines)


def everything_lost(_change: Change) -> bool:
    return True


def nothing_lost(_change: Change) -> bool:
    return False


def _fine(_write: Write) -> RemoteError | None:
    return None


async def drain_in_flight() -> None:
    """A dead process has no tasks."""
    strays = asyncio.all_tasks() - {asyncio.current_task()}
    for task in strays:
        task.cancel()
    await asyncio.gather(*strays, return_exceptions=True)


def play(seed: int, operations: int = 14, *, rate: float | None = None) -> History:
    """One history to its end, converged; raises `Failure` with how to replay it."""
    history = History(seed, rate=rate)

    async def whole() -> None:
        await history.play(operations)
        await history.converge()

    try:
        asyncio.run(whole())
    except (AssertionError, CompanionError, Crash) as error:
        told = "\n".join(history.log)
        raise Failure(f"history {seed} failed: {error}\n{told}") from error
    return history
