"""Worker: keeps every calendar equal to the book while the app runs, and forgives everything.

It wakes for a nudge (a change, collected for 200 ms, at most 1 s), for what another process
changed (the stores' change signs, looked at every other second), at each local midnight (the
window moves), after sleep or a clock jump, when the network returns, and at least every ten
minutes. A practitioner whose book, settings and day are as they were at the last good pass costs
nothing at all: no query and no plan. Losing a nudge costs seconds, never a change.

Once a day it also tidies up (`daily`). When a schedule becomes stale, or the day changes while it
is, a pass brings the notice up to date (`companion.services.staleness`).

While Google cannot be reached, one practitioner at a time is tried as a probe; the others wait.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.errors import Busy, CompanionError, Offline, TransientError
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.auditing import Auditing
from companion.services.pacing import backoff
from companion.services.passes import PassResult
from companion.services.ports import AppointmentBook, Clock, SettingsStore
from companion.services.staleness import Staleness
from companion.services.syncing import Syncing

log = logging.getLogger(__name__)

COLLECT = 0.2
COLLECT_AT_MOST = 1.0
LOOK_EVERY = 2.0
"""Seconds between looks at what other processes changed."""
PASS_EVERY = timedelta(minutes=10)
AUDIT_HOUR = 3
"""Local hour of the nightly audit."""
STALENESS_EVERY = 60.0
"""Seconds after which imports and passes are looked at for the staleness notice."""
ASLEEP = 30.0
"""Seconds of wall clock missing between two looks: the machine slept or the clock jumped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a good pass had before it; equal now means nothing to do."""

    revision: int
    record: PractitionerSettings
    practice: object
    day: date
    notice: datetime | None
    """What the calendar has to say of its being out of date."""


@dataclass(slots=True)
class _Watch:
    """One practitioner as the worker sees it."""

    seen: _Seen | None = None
    """Before the last good pass."""
    planned: _Seen | None = None
    """What a running pass has been told of."""
    passed_at: datetime | None = None
    audited_on: date | None = None
    failures: int = 0
    not_before: float = 0.0
    """Monotonic seconds."""
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class _Network:
    offline: bool = False
    probing: bool = False
    failures: int = 0
    next_probe: float = 0.0


class Worker:
    def __init__(  # noqa: PLR0913 - the parts of the house that it drives; main names each
        self,
        *,
        syncing: Syncing,
        auditing: Auditing,
        book: AppointmentBook,
        settings: SettingsStore,
        clock: Clock,
        chance: random.Random,
        change_sign: Callable[[], Awaitable[object]],
        staleness: Staleness | None = None,
        daily: Sequence[Callable[[], Awaitable[object]]] = (),
    ) -> None:
        """`change_sign` differs once another process has committed to the book; cheap. `daily`:
        what is to be tidied once a day."""
        self._syncing = syncing
        self._auditing = auditing
        self._book = book
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._change_sign = change_sign
        self._staleness = staleness
        self._daily = tuple(daily)
        self._tidied_on: date | None = None
        self._fresh_until = float("-inf")
        self._watches: dict[str, _Watch] = {}
        self._network = _Network()
        self._revisions: Mapping[str, int] = {}
        self._sign: object = None
        self._nudged = asyncio.Event()
        self._stopping = False

    def nudge(self, practitioner_id: str | None = None) -> None:
        """Something changed (for one practitioner or anyone): look soon. Only a hint."""
        if practitioner_id is not None:
            self._syncing.book_changed(practitioner_id)
        self._sign = None  # the sign does not tell of what this process wrote
        self._nudged.set()

    async def run(self) -> None:
        """Until cancelled; running passes are cancelled with it and lose nothing."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        try:
            while True:
                try:
                    await self._look()
                except CompanionError:
                    self._sign = None  # a locked database: look again with fresh eyes
                await self._wait()
                now, moment = self._clock.now(), self._clock.monotonic()
                missing = (now - wall).total_seconds() - (moment - steady)
                if abs(missing) > ASLEEP or moment - steady > ASLEEP:
                    self._woke()
                wall, steady = now, moment
        finally:
            await self._stop_passes()

    async def _wait(self) -> None:
        """Two seconds, or a nudge and the moment in which its like are collected."""
        nudge = asyncio.ensure_future(self._nudged.wait())
        pause = asyncio.ensure_future(self._clock.sleep(LOOK_EVERY))
        try:
            await asyncio.wait({nudge, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudge.cancel()
            pause.cancel()
        until = self._clock.monotonic() + COLLECT_AT_MOST
        while self._nudged.is_set() and self._clock.monotonic() < until:
            self._nudged.clear()
            await self._clock.sleep(COLLECT)
        self._nudged.clear()

    def _woke(self) -> None:
        """After sleep nothing is taken for granted, and nobody waits for an old backoff."""
        self._sign = None
        self._network = _Network()
        if self._staleness is not None:
            self._staleness.woke()
        for watch in self._watches.values():
            watch.not_before = 0.0
            watch.passed_at = None

    async def _look(self) -> None:
        sign = await self._change_sign()
        if sign != self._sign:
            self._sign = sign
            self._revisions = await self._book.revisions()
            self._fresh_until = float("-inf")
        settings = self._settings.read()
        await self._look_at_staleness()
        await self._tidy(settings)
        for practitioner_id, record in settings.practitioners.items():
            if record.google.connected and record.choices.enabled:
                self._consider(practitioner_id, record, settings)

    async def _look_at_staleness(self) -> None:
        """Where somebody committed, and every minute: passes write their state too."""
        if self._staleness is not None and self._clock.monotonic() >= self._fresh_until:
            await self._staleness.look()
            self._fresh_until = self._clock.monotonic() + STALENESS_EVERY

    async def _tidy(self, settings: Settings) -> None:
        today = _local_day(self._clock.now(), settings.practice.timezone)
        if today == self._tidied_on:
            return
        self._tidied_on = today
        for tidy in self._daily:
            try:
                await tidy()
            except CompanionError as error:  # tomorrow is soon enough
                log.warning("the daily tidying was left out: %s", type(error).__name__)

    def _consider(
        self, practitioner_id: str, record: PractitionerSettings, settings: Settings
    ) -> None:
        now = self._clock.now()
        watch = self._watches.setdefault(practitioner_id, _Watch())
        seen = _Seen(
            revision=self._revisions.get(practitioner_id, 0),
            record=record,
            practice=settings.practice,
            day=_local_day(now, record.practitioner.timezone),
            notice=self._staleness.book_since() if self._staleness is not None else None,
        )
        if watch.failures and watch.planned and watch.planned.record.google != record.google:
            watch.not_before = 0.0  # somebody has signed in again, or chosen another calendar
        if self._busy(practitioner_id, watch):
            if watch.planned != seen:
                watch.planned = seen
                self._syncing.book_changed(practitioner_id)
            return
        audit = self._audit_due(watch, record, now)
        due = watch.passed_at is None or now - watch.passed_at >= PASS_EVERY
        if (watch.seen == seen and not due and not audit) or not self._may_try(watch):
            return
        if watch.seen == seen and not audit and watch.failures == 0 and watch.passed_at:
            watch.passed_at = now  # everything is as it was at a good pass: no query, no plan
            if self._staleness is not None:
                self._staleness.confirm(practitioner_id)
            return
        watch.planned = seen
        watch.task = asyncio.create_task(self._pass(practitioner_id, watch, audit=audit))

    def _busy(self, practitioner_id: str, watch: _Watch) -> bool:
        """A pass is running: ours, or one that a person started."""
        ours = watch.task is not None and not watch.task.done()
        return ours or self._syncing.running(practitioner_id) is not None

    def _audit_due(self, watch: _Watch, record: PractitionerSettings, now: datetime) -> bool:
        local = now.astimezone(ZoneInfo(record.practitioner.timezone))
        night = local.date() if local.hour >= AUDIT_HOUR else local.date() - timedelta(days=1)
        if watch.audited_on is None:
            watch.audited_on = night
            return False
        return night > watch.audited_on

    def _may_try(self, watch: _Watch) -> bool:
        moment = self._clock.monotonic()
        if moment < watch.not_before:
            return False
        if not self._network.offline:
            return True
        if self._network.probing or moment < self._network.next_probe:
            return False
        self._network.probing = True
        return True

    async def _pass(self, practitioner_id: str, watch: _Watch, *, audit: bool) -> None:
        probe = self._network.probing
        try:
            if audit:
                result = await self._auditing.audit(practitioner_id)
            else:
                result = await self._syncing.run(practitioner_id, cause="worker")
        except CompanionError as error:  # the practitioner was removed meanwhile, a locked disk …
            watch.not_before = self._clock.monotonic() + PASS_EVERY.total_seconds()
            watch.seen = None
            log.warning("a pass could not start: %s", type(error).__name__)
            return
        finally:
            if probe:
                self._network.probing = False
        if audit and result.error is None:
            watch.audited_on = None
        self._learn(watch, result)

    def _learn(self, watch: _Watch, result: PassResult) -> None:
        moment = self._clock.monotonic()
        watch.passed_at = self._clock.now()
        if isinstance(result.error, Offline):
            network = self._network
            network.offline = True
            network.failures += 1
            network.next_probe = moment + 2.0 + backoff(network.failures, self._chance, cap=30.0)
            watch.passed_at = None
            return
        if self._network.offline:
            self._network = _Network()
            self._nudged.set()
        if result.error is None:
            watch.seen, watch.failures = watch.planned, 0
            return
        watch.failures += 1
        watch.seen = None
        patient = isinstance(result.error, TransientError | Busy)
        pause = backoff(watch.failures, self._chance, cap=60.0) if patient else 600.0
        watch.not_before = moment + max(2.0, pause)

    async def _stop_passes(self) -> None:
        running = [watch.task for watch in self._watches.values() if watch.task is not None]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=3.0)


def _local_day(now: datetime, timezone: str) -> date:
    return now.astimezone(ZoneInfo(timezone)).date()
