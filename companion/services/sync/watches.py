"""What the worker knows of each practitioner and of the network between two passes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.settings import PracticeSettings, PractitionerSettings, Settings
from companion.domain.sync_state import SyncState
from companion.services.ports import Clock
from companion.services.settings.documents import to_tables
from companion.services.sync.pacing import backoff

AUDIT_HOUR = 3
"""Local hour of the nightly audit."""
PASS_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassInput:
    """Input of a good pass; while it is equal there is nothing to do."""

    revision: int
    record: PractitionerSettings
    practice: PracticeSettings
    day: date
    notice: datetime | None
    """Since when the book is out of date, as the calendar's notice shows it."""

    def differs_in_person(self, other: PassInput) -> bool:
        """By more than what differs for everybody."""
        return (self.revision, self.record) != (other.revision, other.record)

    def signature(self) -> str:
        """The same in every process of this home."""
        alone = Settings(install_id="", practice=self.practice).with_practitioner(self.record)
        parts = [self.revision, to_tables(alone), str(self.day), str(self.notice)]
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(slots=True)
class Watch:
    """One practitioner as the worker sees it."""

    seen: PassInput | None = None
    """Input of the last pass; None when it is to be repeated as soon as possible."""
    begun: PassInput | None = None
    """Input of the running pass."""
    planned: PassInput | None = None
    """Input that the running pass has been asked to plan for since."""
    passed_at: datetime | None = None
    audited_on: date | None = None
    """The night of the last audit; None until looked up."""
    no_audit_before: float = 0.0
    """Monotonic seconds."""
    failures: int = 0
    not_before: float = 0.0
    """Monotonic seconds."""
    task: asyncio.Task[None] | None = None
    looked: PassInput | None = None
    """Input as of the last look, whatever came of it."""
    again: bool = False
    """A pass was asked for while one was running."""
    doubtful: bool = False
    """Another process has committed something since the state was compared."""
    asked: int = 0
    """As `SyncState.asked`, when it was compared last."""
    stops: int | None = None
    """The same of `SyncState.stops`; None where the next one found is known already."""

    @property
    def passing(self) -> bool:
        return self.task is not None and not self.task.done()

    @classmethod
    def taken_up(cls, state: SyncState, seen: PassInput) -> Watch:
        """What an earlier process completed is taken over."""
        zone = seen.record.practitioner.timezone
        watch = cls(asked=state.asked, stops=state.stops)
        watch.audited_on = date.min if state.proof is None else night_of(state.proof.at, zone)
        if not state.audit_due and state.fingerprint == seen.signature():
            watch.seen, watch.passed_at = seen, state.last_success
        return watch

    def audit_due(self, clock: Clock, timezone: str) -> bool:
        if self.audited_on is None or clock.monotonic() < self.no_audit_before:
            return False
        tonight = night_of(clock.now(), timezone)
        # A later night than tomorrow's was counted by a clock that ran ahead.
        return not tonight <= self.audited_on <= tonight + timedelta(days=1)

    def want_pass(self) -> None:
        """As soon as it can, whether or not anything changed; after the one that is running."""
        self.seen, self.not_before, self.again = None, 0.0, self.passing

    def rest(self, clock: Clock) -> None:
        """A person stopped a pass: what is left waits for the next change, or ten minutes."""
        self.seen, self.passed_at, self.failures = self.looked, clock.now(), self.failures + 1
        self.no_audit_before = clock.monotonic() + PASS_EVERY.total_seconds()

    def compare(self, state: SyncState, clock: Clock) -> None:
        """With what another process may have saved: a pass is needed where it broke one off, found
        reason to doubt, or was asked for one by a person; and none where a person stopped one."""
        self.doubtful = False
        stops, self.stops = self.stops, state.stops
        if stops not in {None, state.stops}:
            self.rest(clock)
        if state.asked != self.asked:
            self.asked, self.seen, self.not_before = state.asked, None, 0.0
            return
        if self.seen is None or self.failures:
            return
        if state.audit_due or state.fingerprint != self.seen.signature():
            self.seen = None

    def next_look(self, clock: Clock, every: timedelta) -> datetime | None:
        """Without news; None before the first pass."""
        if self.passed_at is None:
            return None
        now, wait = clock.now(), self.not_before - clock.monotonic()
        return now + timedelta(seconds=wait) if wait > 0 else max(now, self.passed_at + every)


@dataclass(slots=True)
class NetworkState:
    silent: set[str] = field(default_factory=set)
    """Practitioners who failed to reach Google since any last did. One alone may be a problem of
    the account; from the second on it is the network."""
    doubted: bool = False
    """After a sleep: unknown until the first pass."""
    probing: bool = False
    failures: int = 0
    next_probe: float = 0.0

    @property
    def offline(self) -> bool:
        return self.doubted or len(self.silent) > 1

    def failed(
        self, practitioner_id: str, failures: int, moment: float, chance: random.Random
    ) -> float:
        """Seconds to pause after the `failures`-th pass in a row that did not reach Google."""
        self.silent.add(practitioner_id)
        self.failures += 1
        pause = 2.0 + backoff(min(self.failures, failures), chance, cap=30.0)
        self.next_probe = moment + pause
        return pause

    def may_try(self, moment: float) -> bool:
        return not self.offline or (not self.probing and moment >= self.next_probe)


def night_of(moment: datetime, timezone: str) -> date:
    """Whose nightly audit was last due: the local day, from the hour of the audit on."""
    local = moment.astimezone(ZoneInfo(timezone))
    return local.date() if local.hour >= AUDIT_HOUR else local.date() - timedelta(days=1)


def local_day(now: datetime, timezone: str) -> date:
    return now.astimezone(ZoneInfo(timezone)).date()
