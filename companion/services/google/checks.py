"""*Test Credentials* and *Check Calendar is accessible*: does it work, and what to try if not.

The remedies follow the order of the vendor's help page: the Google Login, signing in to Google
directly, connecting again, the Google Calendar ID; the one that fits the error comes first.

What a check finds is kept as the practitioner's trouble at once, so that the overview does not
wait for the next pass to say it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from companion.domain.errors import (
    KINDS_A_CHECK_SETTLES,
    AccountParked,
    CalendarGone,
    ClientFileMissing,
    CompanionError,
    DelegationRefused,
    EventGone,
    PermissionDenied,
    ScopeMissing,
    SignInError,
    SignInExpired,
    TransientError,
)
from companion.domain.event_keys import EventKey, event_id
from companion.domain.events import CalendarEvent
from companion.domain.practice_errors import DatabaseAway
from companion.domain.reconcile import ObservedEvent
from companion.domain.settings import GoogleLink
from companion.domain.sync_state import SyncState, SyncTrouble
from companion.services.google.account_changes import AccountChanges
from companion.services.ports import (
    ActivityKind,
    Clock,
    DeleteEvent,
    Google,
    InsertEvent,
    Ledger,
    RemoteCalendar,
    SettingsStore,
)

CREDENTIALS = "Test Credentials"
ACCESSIBLE = "Calendar Accessible"
PROBE = "Calendar Companion test"
_LOGIN = (
    "Re-enter the Google Login and test again.",
    "Confirm the Google Login by signing in to Google directly.",
    "Press Connect to Google again.",
)
_CALENDAR = (
    "Look up the Google Calendar ID again: Settings of that calendar, Integrate calendar.",
    "Paste the Google Calendar ID again and test again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    ok: bool
    label: str
    """For the button: ``Test Credentials (Succeeded)``."""
    what: str
    """One sentence."""
    remedies: tuple[str, ...] = ()
    """What to try, in this order; empty when it worked."""
    error: CompanionError | None = None
    """What was found to be wrong, even where this check itself worked."""


def succeeded(name: str, what: str) -> CheckResult:
    return CheckResult(ok=True, label=f"{name} (Succeeded)", what=what)


def failed(name: str, error: CompanionError) -> CheckResult:
    """Raises what says nothing of Google: that the practice's database is away."""
    if isinstance(error, DatabaseAway):
        raise error
    return CheckResult(
        ok=False,
        label=f"{name} (Failed)",
        what=error.what,
        remedies=remedies_for(error),
        error=error,
    )


def remedies_for(error: CompanionError) -> tuple[str, ...]:
    if isinstance(error, ClientFileMissing | DelegationRefused | AccountParked | TransientError):
        return (error.remedy,)
    if isinstance(error, CalendarGone | PermissionDenied):
        return (error.remedy, *_CALENDAR, _LOGIN[2])
    if isinstance(error, SignInExpired | SignInError | ScopeMissing):
        return (error.remedy, *_LOGIN)
    return (error.remedy, *_LOGIN, *_CALENDAR)


@dataclass(slots=True)
class CalendarChecks:
    google: Google
    settings: SettingsStore
    changes: AccountChanges
    ledger: Ledger
    clock: Clock
    random_word: Callable[[], str]
    doubt: Callable[[str], None]
    """Has Google asked again soon for a practitioner."""

    async def test(self, practitioner_id: str, *, fresh: bool) -> CheckResult:
        link = self.changes.record(practitioner_id).google
        try:
            if link.delegated and fresh:  # the token of before may outlive the permission
                await self.google.delegate(practitioner_id, login=link.account, scopes=link.scopes)
            calendar = await self._calendar(practitioner_id, link)
        except CompanionError as err:
            result = failed(CREDENTIALS, err)
        else:
            result = await credentials(calendar, link.account)
        await self._note(practitioner_id, link, result)
        return result

    async def check(self, practitioner_id: str) -> CheckResult:
        link = self.changes.record(practitioner_id).google
        try:
            calendar = await self._calendar(practitioner_id, link)
        except CompanionError as err:
            result = failed(ACCESSIBLE, err)
        else:
            result = await accessible(
                calendar,
                mark=link.marks[0],
                calendar_id=link.calendar_id,
                clock=self.clock,
                nonce=self.random_word(),
            )
        await self._note(practitioner_id, link, result)
        if result.ok:
            await self.changes.log(
                practitioner_id, ActivityKind.CHECK, "A test event was written and removed again."
            )
        return result

    async def _calendar(self, practitioner_id: str, link: GoogleLink) -> RemoteCalendar:
        if not link.account:
            raise SignInExpired(
                "This practitioner is not connected to Google.", "Press Connect to Google."
            )
        writer = self.settings.read().writer_for(link)
        return await self.google.calendar(practitioner_id, link.calendar_id or "primary", writer)

    async def _note(self, practitioner_id: str, link: GoogleLink, result: CheckResult) -> None:
        """As the practitioner's trouble: what is wrong, and that it is mended. What mends itself
        is looked at again soon."""
        if not link.connected:
            return
        error, now = result.error, self.clock.now()

        def edit(state: SyncState) -> SyncState:
            known = state.trouble
            if error is not None:
                since = known.since if known and known.kind == type(error).__name__ else now
                trouble = SyncTrouble(
                    kind=type(error).__name__, what=error.what, remedy=error.remedy, since=since
                )
                return replace(state, trouble=trouble)
            mended = known is not None and known.kind in KINDS_A_CHECK_SETTLES
            return replace(state, trouble=None) if mended else state

        state = await self.ledger.state(practitioner_id)
        if edit(state) != state:  # mostly nothing is to be written
            await self.ledger.edit_state(practitioner_id, edit)
        if isinstance(error, TransientError):
            self.doubt(practitioner_id)


async def credentials(calendar: RemoteCalendar, account: str) -> CheckResult:
    """Does Google still know this sign-in? A calendar that is gone does not change that."""
    try:
        await calendar.info()
    except (CalendarGone, PermissionDenied) as err:
        return replace(
            succeeded(CREDENTIALS, f"Signed in as {account}, but: {err.what}"), error=err
        )
    except CompanionError as err:
        return failed(CREDENTIALS, err)
    return succeeded(CREDENTIALS, f"Signed in to Google as {account}.")


async def accessible(
    calendar: RemoteCalendar, *, mark: str, calendar_id: str, clock: Clock, nonce: str
) -> CheckResult:
    """Write an event, and take it away again.

    It bears our mark, so that one which could not be removed is removed by the next audit."""
    start = clock.now().replace(minute=0, second=0, microsecond=0)
    probe = CalendarEvent(
        key=str(EventKey.probe(nonce)),
        start=start,
        end=start + timedelta(minutes=15),
        timezone="UTC",
        summary=PROBE,
    )
    wanted = event_id(mark, calendar_id, probe.key, 0)
    try:
        info = await calendar.info()
        written = await _one(calendar, InsertEvent(event_id=wanted, event=probe))
        if not isinstance(written, ObservedEvent):
            raise CalendarGone
        await _one(calendar, DeleteEvent(event_id=wanted))
    except CompanionError as err:
        return failed(ACCESSIBLE, err)
    name = f" “{info.name}”" if info.name else ""
    return succeeded(
        ACCESSIBLE, f"A test event was written to the calendar{name} and removed again."
    )


async def _one(calendar: RemoteCalendar, write: InsertEvent | DeleteEvent) -> object:
    answers: Sequence[object] = await calendar.write([write])
    answer = answers[0]
    if isinstance(answer, EventGone) and isinstance(write, DeleteEvent):
        return None
    if isinstance(answer, CompanionError):
        raise answer
    return answer
