"""Worker: keeps every calendar equal to the book while the app runs.

It wakes for a change that is published (collected for 200 ms, at most 1 s), at each local midnight
(the window moves), after sleep or a clock jump, when the network returns, and at least every ten
minutes. Every other second it also looks at the book's change sign and the settings, which show
what another process committed and any change whose notice was lost: that costs seconds, never a
change. A practitioner whose book, settings and day are as they were at the last good pass costs no
query and no plan; only Google is asked, every ten minutes, whether the calendar is still there.

Once a day it also tidies up (`daily`). While a person pauses the sync it begins nothing. When a
schedule becomes stale, or the day changes while it is, a pass brings the notice up to date
(`companion.services.sync.staleness`).

While Google cannot be reached, one practitioner at a time is tried as a probe; the others wait.
Otherwise some plan at a time, newest change first (`pass_queue`).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from companion.domain.errors import Busy, CompanionError, Offline, RemoteError, TransientError
from companion.domain.practice_errors import DatabaseAway, Overtaken
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.sync_state import SyncState
from companion.services.changes import BookChanged, Change, Changes, SettingsChanged
from companion.services.ports import AppointmentBook, ChangeSign, Clock, SettingsStore
from companion.services.sync.auditing import Auditing
from companion.services.sync.pacing import backoff
from companion.services.sync.pass_queue import Due, PassQueue
from companion.services.sync.passes import WORKER, PassResult
from companion.services.sync.progress import Progress, SyncPhase
from companion.services.sync.staleness import Staleness
from companion.services.sync.syncing import Syncing
from companion.services.sync.tidying import Tidying
from companion.services.sync.watches import (
    PASS_EVERY,
    NetworkState,
    PassInput,
    Watch,
    local_day,
    night_of,
)
from companion.services.waiting_for import set_or_over

log = logging.getLogger(__name__)
Look = Callable[[str], Awaitable[object]]

COLLECT = 0.2
COLLECT_AT_MOST = 1.0
LOOK_EVERY = 2.0
"""Seconds between looks at what was committed without a notice, as by other processes."""
ASK_AGAIN = timedelta(seconds=30)
"""After a check that Google did not answer."""
STALENESS_EVERY = 60.0
"""Seconds after which imports and passes are looked at for the staleness notice."""
ASLEEP = 30.0
"""Seconds of wall clock missing between two looks: the machine slept or the clock jumped."""


class Worker:
    def __init__(  # noqa: PLR0913 - what it drives; assembly names each
        self,
        *,
        syncing: Syncing,
        auditing: Auditing,
        book: AppointmentBook,
        settings: SettingsStore,
        clock: Clock,
        chance: random.Random,
        changes: Changes,
        staleness: Staleness | None = None,
        daily: Sequence[Callable[[], Awaitable[object]]] = (),
        look: Look | None = None,
    ) -> None:
        """`daily`: clean-up tasks that run once a day. `look`: asks Google whether a practitioner's
        sign-in and calendar are still there, and notes it where they are not."""
        self._syncing = syncing
        self._auditing = auditing
        self._book = book
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._changes = changes
        self._staleness = staleness
        self._tidying = Tidying(daily, clock)
        self._look_at_google = look
        self._fresh_until = float("-inf")
        self._watches: dict[str, Watch] = {}
        self._network = NetworkState()
        self._written: dict[str, int] = {}
        """Confirmed by each running pass so far."""
        self._revisions: Mapping[str, int] = {}
        self._sign: ChangeSign | None = None
        """As it was before `_revisions` was read; None to read them again."""
        self._others: int | None = None
        self._woken = asyncio.Event()
        self._queue = PassQueue(clock)
        changes.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        """Also while another workstation keeps the calendars: the newest is first afterwards."""
        if isinstance(change, BookChanged):
            self._queue.changed(change.practitioner_ids)
        if isinstance(change, BookChanged | SettingsChanged):
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled; running passes are cancelled with it and lose nothing. Begun again, it
        knows nothing of before: another workstation may have kept the calendars since."""
        self._watches.clear()
        self._network, self._sign, self._others = NetworkState(), None, None
        wall, steady = self._clock.now(), self._clock.monotonic()
        if self._staleness is not None:
            self._staleness.woke()
        unsubscribe = self._syncing.subscribe(self._on_progress)
        try:
            while True:
                try:
                    await self._look()
                except CompanionError:
                    self._sign = None  # a locked database: look again with fresh eyes
                except Exception as error:  # noqa: BLE001 - every practitioner's sync depends on this loop
                    self._sign = None
                    log.error("the worker failed with an internal error: %s", type(error).__name__)
                await self._wait()
                now, moment = self._clock.now(), self._clock.monotonic()
                missing = (now - wall).total_seconds() - (moment - steady)
                if abs(missing) > ASLEEP or moment - steady > ASLEEP:
                    self._woke()
                wall, steady = now, moment
        finally:
            unsubscribe()
            await self._stop_passes()

    def _on_progress(self, progress: Progress) -> None:
        """Google has confirmed a write: the network works, so the others need not wait for the end
        of the long upload that was the probe."""
        if progress.elsewhere:  # it says nothing about this computer's network
            return
        before = self._written.pop(progress.practitioner_id, 0)
        if progress.phase is not SyncPhase.WRITING:
            return
        self._queue.writes(progress.practitioner_id)
        self._written[progress.practitioner_id] = progress.done
        if progress.done > before and self._network.offline:
            self._reached()

    def _reached(self) -> None:
        """Google is reachable again: backoffs from before are cancelled."""
        if self._network.offline:
            for each in self._network.silent & self._watches.keys():
                self._watches[each].not_before = 0.0
        self._network = NetworkState()
        self._woken.set()

    async def _wait(self) -> None:
        """Two seconds, or a change and the time in which further changes are collected."""
        await set_or_over(self._woken, self._clock.sleep(LOOK_EVERY))
        until = self._clock.monotonic() + COLLECT_AT_MOST
        while self._woken.is_set() and self._clock.monotonic() < until:
            self._woken.clear()
            await self._clock.sleep(COLLECT)
        self._woken.clear()

    def _woke(self) -> None:
        """After a sleep everything is read anew, and backoffs from before are cancelled."""
        self._sign = None
        self._network = NetworkState(doubted=True)
        if self._staleness is not None:
            self._staleness.woke()
        for watch in self._watches.values():
            watch.not_before, watch.passed_at = 0.0, None

    async def _look(self) -> None:
        sign = await self._book.change_sign()
        if sign != self._sign:
            self._sign = sign
            self._revisions = await self._book.revisions()
            self._fresh_until = float("-inf")
        settings = self._settings.read()
        others, self._others = self._others, sign.others
        if others not in {None, sign.others}:
            for watch in self._watches.values():
                watch.doubtful = True
        await self._look_after_others()
        await self._look_at_staleness()
        await self._tidying.look(settings.practice.timezone)
        syncing = {key: record for key, record in settings.practitioners.items() if record.syncs}
        if not self._watches.keys() >= syncing.keys():
            await self._take_up(syncing, settings)
        if settings.pause(self._clock.now()) is not None:
            self._rest()
            return
        self._queue.renew({key: self._consider(key, syncing[key], settings) for key in syncing})
        for practitioner_id in self._watches.keys() - syncing.keys():
            if self._busy(practitioner_id, self._watches[practitioner_id]):
                # Switched off or disconnected: the running pass finds out before its next batch.
                self._syncing.book_changed(practitioner_id)

    def next_look(self, practitioner_id: str) -> datetime | None:
        """When this practitioner is looked at next, news or not; None for those not kept."""
        watch = self._watches.get(practitioner_id)
        return watch.next_look(self._clock, PASS_EVERY) if watch is not None else None

    def sync_now(self) -> None:
        """Every calendar gets a pass as soon as it can, whether or not anything changed."""
        for watch in self._watches.values():
            watch.want_pass()
        self._woken.set()

    def _rest(self) -> None:
        """A person pauses the sync: our passes stop, and begin again afterwards."""
        self._queue.renew({})
        for watch in self._watches.values():
            if watch.passing and watch.task is not None:
                watch.task.cancel()
                watch.seen = None

    async def _look_after_others(self) -> None:
        """Another process has committed. It may have begun a pass that was cut short, so
        practitioners that were complete are checked again; those in a pass, after it."""
        doubtful = {key: each for key, each in self._watches.items() if each.doubtful}
        if all(self._busy(*each) for each in doubtful.items()):
            return
        states = await self._syncing.states()
        for practitioner_id, watch in doubtful.items():
            if not self._busy(practitioner_id, watch):
                watch.compare(states.get(practitioner_id, SyncState()), self._clock)

    async def _look_at_staleness(self) -> None:
        """After each commit of another process, and every minute: passes write their state too."""
        if self._staleness is not None and self._clock.monotonic() >= self._fresh_until:
            await self._staleness.look()
            self._fresh_until = self._clock.monotonic() + STALENESS_EVERY

    async def _take_up(
        self, syncing: Mapping[str, PractitionerSettings], settings: Settings
    ) -> None:
        """New to this process: what an earlier process completed is taken over."""
        states = await self._syncing.states()
        for practitioner_id in syncing.keys() - self._watches.keys():
            state = states.get(practitioner_id, SyncState())
            seen = self._seen(practitioner_id, syncing[practitioner_id], settings)
            self._watches[practitioner_id] = Watch.taken_up(state, seen)

    def _seen(
        self, practitioner_id: str, record: PractitionerSettings, settings: Settings
    ) -> PassInput:
        return PassInput(
            revision=self._revisions.get(practitioner_id, 0),
            record=record,
            practice=settings.practice,
            day=local_day(self._clock.now(), record.practitioner.timezone),
            notice=self._staleness.book_since() if self._staleness is not None else None,
        )

    def _consider(
        self, practitioner_id: str, record: PractitionerSettings, settings: Settings
    ) -> Due | None:
        """What is to be done now, if anything."""
        now = self._clock.now()
        watch = self._watches[practitioner_id]
        seen = self._seen(practitioner_id, record, settings)
        if watch.looked is not None and seen.differs_in_person(watch.looked):
            self._queue.found_changed(practitioner_id)
        if watch.failures and watch.begun and watch.begun.record.google != record.google:
            watch.not_before = 0.0  # a new sign-in, or another calendar
        if self._busy(practitioner_id, watch):
            watch.looked = seen
            if watch.planned != seen:
                watch.planned = seen
                self._syncing.book_changed(practitioner_id)
            return None
        if self._syncing.was_stopped(practitioner_id):
            watch.rest(self._clock)
            watch.stops = None
        watch.looked = seen
        if self._syncing.was_doubted(practitioner_id) and watch.passed_at is not None:
            watch.passed_at = min(watch.passed_at, now - PASS_EVERY + ASK_AGAIN)
        audit = watch.audit_due(self._clock, record.practitioner.timezone)
        news = audit or watch.seen != seen
        if not news and watch.passed_at is not None:
            if now - watch.passed_at < PASS_EVERY:
                return None
            if not watch.failures:
                return Due(partial(self._begin_look, practitioner_id, watch), look_only=True)
        return Due(partial(self._begin_pass, practitioner_id, watch, seen, audit=audit))

    def _begin_look(self, practitioner_id: str, watch: Watch) -> asyncio.Task[None] | None:
        """All is as it was before a good pass: no query, no plan."""
        if self._busy(practitioner_id, watch):
            return None
        watch.passed_at = self._clock.now()
        if self._staleness is not None:
            self._staleness.confirm(practitioner_id)
        if self._look_at_google is None or self._network.offline:
            return None
        watch.task = asyncio.create_task(self._ask(self._look_at_google, practitioner_id))
        return watch.task

    def _begin_pass(
        self, practitioner_id: str, watch: Watch, seen: PassInput, *, audit: bool
    ) -> asyncio.Task[None] | None:
        moment = self._clock.monotonic()
        if self._busy(practitioner_id, watch) or moment < watch.not_before:
            return None
        if not self._network.may_try(moment):
            return None
        probe = self._network.offline
        self._network.probing |= probe
        watch.begun = watch.planned = seen
        watch.task = asyncio.create_task(
            self._pass(practitioner_id, watch, audit=audit, probe=probe)
        )
        return watch.task

    async def _ask(self, google: Look, practitioner_id: str) -> None:
        """A pass without news makes no call, and would not notice a calendar that was deleted."""
        try:
            await google(practitioner_id)
        except CompanionError as error:
            log.warning("Google was not looked at: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - one practitioner's error must not stop the rest
            log.error("a look at Google failed: %s", type(error).__name__)

    def _busy(self, practitioner_id: str, watch: Watch) -> bool:
        """A pass is running: ours, or one that a person started."""
        return watch.passing or self._syncing.running(practitioner_id) is not None

    async def _pass(self, practitioner_id: str, watch: Watch, *, audit: bool, probe: bool) -> None:
        fingerprint = watch.begun.signature() if watch.begun is not None else ""
        try:
            if audit:
                result = await self._auditing.audit(
                    practitioner_id, cause=WORKER, fingerprint=fingerprint
                )
            else:
                result = await self._syncing.run(
                    practitioner_id, cause=WORKER, fingerprint=fingerprint
                )
        except Exception as error:  # noqa: BLE001 - one practitioner's error must not stop the rest
            watch.failures += 1
            watch.not_before = self._clock.monotonic() + PASS_EVERY.total_seconds()
            log.error("a pass could not start: %s", type(error).__name__)
            return
        finally:
            if probe:
                self._network.probing = False
        moment = self._clock.monotonic()
        if result.proof is not None and result.error is None:
            zone = self._settings.read().practitioner(practitioner_id).practitioner.timezone
            watch.audited_on = night_of(self._clock.now(), zone)
        elif audit:
            watch.no_audit_before = moment + PASS_EVERY.total_seconds()
        self._note_result(watch, result, moment)

    def _note_result(self, watch: Watch, result: PassResult, moment: float) -> None:
        network = self._network
        watch.passed_at = self._clock.now()
        again, watch.again = watch.again, False
        if isinstance(result.error, Offline):
            watch.seen, watch.failures = None, watch.failures + 1
            pause = network.failed(result.practitioner_id, watch.failures, moment, self._chance)
            # The next probe is another practitioner's, in case it is this account alone.
            watch.not_before = moment + pause + (LOOK_EVERY if network.offline else 0.0)
            return
        if network.silent or network.doubted:
            if result.api_calls or isinstance(result.error, RemoteError):
                self._reached()
            network.doubted = False  # a pass without a call shows nothing about the network
            self._woken.set()
        if result.error is None:
            watch.seen, watch.failures = None if again else watch.begun, 0
            return
        watch.failures += 1
        if isinstance(result.error, TransientError | Busy | Overtaken | DatabaseAway):
            named = getattr(result.error, "retry_after", None) or 0.0
            pause = max(2.0, named, backoff(watch.failures, self._chance, cap=60.0))
            watch.seen, watch.not_before = None, moment + pause
        else:  # a person is needed, or another plan: not again before ten minutes or a change
            watch.seen, watch.not_before = watch.begun, moment + LOOK_EVERY

    async def _stop_passes(self) -> None:
        self._queue.renew({})
        running = [watch.task for watch in self._watches.values() if watch.task is not None]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=3.0)
