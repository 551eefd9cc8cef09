"""Convergence: what must hold once the faults of a history have ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import (
    Appointment,
)
from companion.domain.disclosure import KindChoice
from companion.domain.events import CalendarEvent, Content, as_instant, project
from companion.domain.reconcile import LedgerEntryState
from companion.domain.settings import PractitionerSettings
from companion.domain.window import SyncWindow
from companion.services.changes import Change
from companion.services.sync.passes import PassResult
from tests.battery.world import (
    SYDNEY,
    World,
    as_kept,
)
from tests.fakes.background import in_background
from tests.fakes.google_calendar import StoredEvent


class Convergence:
    """The checks of a `History`, whose state they read."""

    world: World
    people: list[str]
    calendar_ids: dict[str, list[str]]
    person_deleted: set[str]
    foreign: dict[str, StoredEvent]
    audit_needed: bool
    restored: bool
    memory_lost: bool

    def who(self) -> str:
        raise NotImplementedError

    def new_appointment(self, **more: object) -> Appointment:
        raise NotImplementedError

    async def converge(self) -> None:
        """Without faults: equal after one pass, or two where only an audit can see what happened;
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
        left_out = {key for key, row in rows.items() if row.state is LedgerEntryState.LEFT_OUT}
        require(
            self.restored or left_out <= self.person_deleted,
            f"left out though no person deleted it: {left_out - self.person_deleted}",
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
        """The projection, its window computed here independently: whole local days."""
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
                for each in self.world.stores.kept.values()
                if each.practitioner_id == record.practitioner.id
            ],
            wide,
            self.world.settings.current.disclosure_of(record),
            practitioner_name=record.practitioner.name,
            style=record.choices.style,
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
        """One more appointment whose notice is lost is in Google within ten seconds."""
        world, who = self.world, self.who()
        world.choose(who, days_in_arrears=7, days_in_advance=7)
        disclosure = replace(world.record(who).choices.disclosure, kinds=frozenset(KindChoice))
        world.choose(who, disclosure=disclosure)
        async with in_background(world.worker.run()):
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
            await self._let_requests_end(lambda: made.id in world.live(who))
            require(made.id in world.live(who), f"{made.id} is not in Google after ten seconds")

    async def _let_requests_end(self, done: Callable[[], bool]) -> None:
        """Where requests take real time, which the virtual clock does not wait for."""

    def _check_foreign(self) -> None:
        for remote in self.world.calendars.by_id.values():
            for name, event in remote.events.items():
                if name in self.foreign:
                    require(event == self.foreign[name], "a foreign event was changed")


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
