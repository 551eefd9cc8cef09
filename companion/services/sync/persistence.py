"""Persistence: what a pass leaves behind. The state of the practitioner's sync, the rest of an
account that Google has closed for hours, and lines in the activity list.

The state is changed in one transaction of the ledger, and only in the fields the pass has
determined: a person may have decided about held removals, or chosen another calendar, while it was
running.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.differences import when
from companion.domain.errors import KINDS_FOR_A_PERSON, AccountParked, AnotherWriter, CompanionError
from companion.domain.settings import PractitionerSettings
from companion.domain.sync_history import noted
from companion.domain.sync_state import Proof, SyncState, SyncTrouble
from companion.services.acting import caused
from companion.services.ports import Activity, ActivityKind
from companion.services.sync.held_removals import HeldRemovals
from companion.services.sync.snapshot import SyncParts, SyncSnapshot, account_of
from companion.services.sync.steps import Tally

FIRST_PARKING = timedelta(minutes=15)
LONGEST_PARKING = timedelta(hours=6)
REFUSALS_NAMED = 10
"""In the activity list, by their time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOutcome:
    """How a pass ended."""

    ended: bool
    """False where it was cancelled."""
    to_write: int
    """By its first plan, without the removals that wait or stay."""
    tally: Tally
    holding: HeldRemovals
    snapshot: SyncSnapshot | None
    """None when it ended before it had planned."""
    proof: Proof | None
    notices: int
    """Writes to the staleness notice."""
    repaired: bool
    claimed: bool
    """A person had put this installation in charge before it began."""
    before: SyncState
    """Before it began."""
    stopped: bool
    """By a person."""
    fingerprint: str
    error: CompanionError | None


class PassRecorder:
    """Records the outcome of one pass of one practitioner."""

    def __init__(self, parts: SyncParts, record: PractitionerSettings, cause: str) -> None:
        self._parts = parts
        self._record = record
        self._id = record.practitioner.id
        self._cause = cause

    async def keep(self, outcome: PassOutcome) -> None:
        now = self._parts.clock.now()
        present = self._parts.settings.read().practitioners.get(self._id)
        same = present is not None and (
            present.google.calendar_id == self._record.google.calendar_id
        )

        def edit(state: SyncState) -> SyncState:
            after = _after(state, outcome, now, same_calendar=same)
            return replace(after, history=self._history(state, outcome, now))

        before, after = await self._parts.ledger.edit_state(self._id, edit)
        if isinstance(outcome.error, AccountParked):
            await self._park(now)
        await self.log(outcome, before, after)

    def _history(self, state: SyncState, outcome: PassOutcome, now: datetime) -> str:
        error = outcome.error or outcome.tally.last_refusal
        return noted(
            state.history,
            now.astimezone(ZoneInfo(self._record.practitioner.timezone)).date(),
            ended=outcome.ended,
            written=outcome.tally.done,
            delays=outcome.tally.delays,
            trouble=error.what if error is not None else "",
        )

    async def _park(self, now: datetime) -> None:
        """Pause every calendar of the account, each time for longer. A pause that another of its
        calendars has already started is not prolonged."""

        def rest(state: SyncState) -> SyncState:
            if rests_until(state, now) is not None:
                return state
            pause = min(LONGEST_PARKING, FIRST_PARKING * 2 ** min(state.parkings, 10))
            return replace(state, parked_until=now + pause, parkings=state.parkings + 1)

        account = account_of(self._record)
        for record in self._parts.settings.read().practitioners.values():
            if account_of(record) == account:
                await self._parts.ledger.edit_state(record.practitioner.id, rest)

    async def log(self, outcome: PassOutcome, before: SyncState, after: SyncState) -> None:
        tally = outcome.tally
        lines = [
            self._line(kind, f"{count} {words}", count)
            for kind, count, words in (
                (ActivityKind.INSERT, tally.inserted, "added to Google"),
                (ActivityKind.UPDATE, tally.updated, "changed in Google"),
                (ActivityKind.DELETE, tally.deleted, "removed from Google"),
            )
            if count
        ]
        if outcome.notices:
            text = "Renewed what the calendar says of being out of date"
            lines.append(self._line(ActivityKind.NOTICE, text, outcome.notices))
        if after.trouble and (before.trouble is None or before.trouble.kind != after.trouble.kind):
            lines.append(self._line(ActivityKind.ERROR, after.trouble.what))
            lines += [
                self._line(
                    ActivityKind.REFUSED, f"Google did not accept {when(each.start, each.timezone)}"
                )
                for each in tally.refused[:REFUSALS_NAMED]
            ]
        if after.held and before.held is None:
            count = len(after.held.items)
            lines.append(
                self._line(ActivityKind.HELD, f"{count} removals wait for a person", count)
            )
        if lines:
            await self._parts.activity.add(lines)

    async def add_line(self, kind: ActivityKind, text: str, count: int) -> None:
        await self._parts.activity.add([self._line(kind, text, count)])

    def _line(self, kind: ActivityKind, text: str, count: int = 1) -> Activity:
        return Activity(
            at=self._parts.clock.now(),
            practitioner_id=self._id,
            cause=caused(self._cause),
            kind=kind,
            text=text,
            count=count,
        )


def _after(
    before: SyncState, outcome: PassOutcome, now: datetime, *, same_calendar: bool
) -> SyncState:
    snapshot, tally, error = outcome.snapshot, outcome.tally, outcome.error
    written = before.written_since + tally.done
    state = replace(before, last_pass=now, written_since=written)
    if outcome.ended:
        state = replace(state, trouble=_trouble(error or tally.last_refusal, outcome, before, now))
    if snapshot is not None:
        began = outcome.repaired and (outcome.ended or tally.done > 0)
        left = tally.left if began else outcome.to_write
        state = replace(state, events=len(snapshot.desired), waiting=left + tally.failed)
    if not outcome.ended:
        return replace(state, stops=state.stops + 1) if outcome.stopped else state
    if snapshot is not None:
        decided = outcome.holding.resulting_state(before, snapshot, now)
        state = replace(state, kept=decided.kept)
        if error is None:
            state = replace(state, held=decided.held)
    if outcome.proof is not None and same_calendar:
        claimed = state.claimed and not (outcome.claimed and outcome.repaired)
        doubted = before.doubts != outcome.before.doubts  # by what may have arrived after the list
        due = doubted or (not outcome.repaired and outcome.proof.differences > 0)
        late = before.late_removals if due else frozenset[str]()
        state = replace(
            state,
            proof=outcome.proof,
            written_since=0,
            audit_due=due,
            claimed=claimed,
            late_removals=late,
        )
    if isinstance(error, AnotherWriter) and same_calendar:
        state = replace(state, overruled_by=error.stamp)
    if error is None:
        asked = before.asked != outcome.before.asked  # so another pass is to come
        known = not (tally.failed or asked) and same_calendar
        state = replace(
            state,
            last_success=now,
            fingerprint=outcome.fingerprint if known else "",
            parked_until=None,
            parkings=0,
        )
    return state


def _trouble(
    error: CompanionError | None, outcome: PassOutcome, before: SyncState, now: datetime
) -> SyncTrouble | None:
    if error is None:
        # A pass that had nothing to ask of Google has learnt nothing of the sign-in.
        known = before.trouble
        asked = outcome.tally.api_calls or outcome.proof is not None
        return known if known and not asked and known.kind in KINDS_FOR_A_PERSON else None
    since = before.trouble.since if before.trouble else now
    return SyncTrouble(
        kind=type(error).__name__, what=error.what, remedy=error.unattended, since=since
    )


def rests_until(state: SyncState, now: datetime) -> datetime | None:
    """Until when Google is not called. A pause longer than the longest we set comes from a clock
    that ran ahead, and counts as ended."""
    until = state.parked_until
    return until if until is not None and now < until <= now + LONGEST_PARKING else None


def parked(until: datetime, timezone: str, trouble: SyncTrouble | None) -> AccountParked:
    """`trouble`: why it was parked."""
    local = until.astimezone(ZoneInfo(timezone))
    known = trouble is not None and trouble.kind == AccountParked.__name__
    return AccountParked(
        trouble.what if trouble is not None and known else None,
        f"It is tried again by itself at {local:%H:%M}; other practitioners go on.",
    )
