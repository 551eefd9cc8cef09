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
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from companion.domain.disclosure import ClientName, DisclosureItem, KindChoice
from companion.domain.errors import (
    CompanionError,
    RemoteError,
)
from companion.services.ports import Write
from tests.battery.book_history import BookHistory
from tests.battery.calendars import BatteryCalendar, Crash
from tests.battery.faults import Faults
from tests.battery.world import SYDNEY, let_strays_end
from tests.fakes.google_calendar import content

ZONES = (SYDNEY, "Australia/Adelaide", "Europe/Berlin", "Pacific/Auckland")
STYLES = ("9|", "5|10", "|30")


class Failure(AssertionError):
    """With the seed and what happened: it can be replayed."""


class History(BookHistory):
    """With settings, time, Google, the disk and the passes as well."""

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
                items = frozenset(each for each in DisclosureItem if rng.random() < 0.6)
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

    async def people_edit_google(self) -> None:
        for _ in range(self.rng.choice([1, 1, 3])):
            self.edit_in_google()

    def edit_in_google(self) -> None:
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
        dead = [each for each in remote.events.values() if each.deleted and each.mark]
        dead.sort(key=lambda each: each.event_id)
        for event in self.rng.sample(dead, min(len(dead), self.rng.choice([1, 3, 8]))):
            remote.person_restores(event.event_id)
            remote.excused.add(event.key)
            self.memory_lost = True

    # ── disks ─────────────────────────────────────────────────────────────────────────────────

    async def backs_up(self) -> None:
        self.backup = self.world.stores.copied()

    async def restores(self) -> None:
        """The whole database as it was, book and all; or the ledger alone is lost."""
        self.memory_lost = self.restored = True
        if self.backup is not None and self.rng.random() < 0.7:
            self.world.stores = self.world.stores.put_back(self.backup)
        else:
            self.world.stores.lose_ledger(states=self.rng.random() < 0.5)
        self.world.restart()

    # ── passes ────────────────────────────────────────────────────────────────────────────────

    async def passes(self) -> None:
        await self.one_pass(self.who(), audit=self.rng.random() < 0.25)

    async def both_pass(self) -> None:
        await self._with_faults(
            lambda: asyncio.gather(
                *(self.world.syncing.run(who, cause="history") for who in self.people)
            )
        )

    async def one_pass(self, who: str, *, release_held: bool = False, audit: bool = False) -> None:
        await self._with_faults(
            lambda: self.world.syncing.run(
                who, cause="history", release_held=release_held, audit=audit
            )
        )

    async def _with_faults(self, work: Callable[[], Awaitable[object]]) -> None:
        rng = self.rng
        faults = Faults(
            rng=rng,
            rate=self.rate,
            cancel=lambda: [world.syncing.cancel(who) for who in self.people],
            edit=self.edit_under_a_pass,
            edit_in_google=self.edit_in_google,
        )
        trouble = rng.random()
        if trouble < 0.35:
            faults.crash_at = rng.randint(1, rng.choice([20, 60, 200]))
        elif trouble < 0.45:
            faults.cancel_at = rng.randint(1, 60)
        if rng.random() < 0.15:
            faults.edit_at = rng.randint(1, 60)
        if rng.random() < 0.1:
            faults.edit_in_google_at = rng.randint(1, 60)
        world = self.world
        world.at_step = faults
        for remote in world.calendars.by_id.values():
            remote.part_fault, remote.latency = faults.part, self.latency
        try:
            await work()
        except (Crash, asyncio.CancelledError) as end:
            self.log.append(f"  {type(end).__name__} at step {faults.steps}")
        finally:
            if faults.dead:
                await let_strays_end()
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
            (self.people_edit_google, 8),
            (self.backs_up, 1),
            (self.restores, 1),
            (self.passes, 22),
            (self.both_pass, 4),
        ]
        if self.rng.random() < 0.4:  # no person edits in Google: no audit is needed
            without = {self.people_edit_google, self.restores}
            choices = [each for each in choices if each[0] not in without]
        actions = [action for action, _ in choices]
        weights = [weight for _, weight in choices]
        await self.books()
        for _ in range(operations):
            await self.perform(self.rng.choices(actions, weights)[0])

    async def perform(self, action: Callable[[], Awaitable[None]]) -> None:
        self.log.append(action.__name__)
        await action()


def _fine(_write: Write) -> RemoteError | None:
    return None


def play(seed: int, operations: int = 14, *, rate: float | None = None) -> History:
    """One history to its end, converged; raises `Failure` with how to replay it."""
    history = History(seed, rate=rate)

    async def whole() -> None:
        await history.play(operations)
        await history.converge()

    try:
        asyncio.run(whole())
    except (AssertionError, CompanionError, Crash) as error:
        log = "\n".join(history.log)
        raise Failure(f"history {seed} failed: {error}\n{log}") from error
    return history
