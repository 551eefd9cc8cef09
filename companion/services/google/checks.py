"""*Test Credentials* and *Check Calendar is accessible*: does it work, and what to try if not.

The remedies follow the order of the vendor's help page: the Google Login, signing in to Google
directly, connecting again, the Google Calendar ID; the one that fits the error comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from companion.domain.errors import (
    AccountParked,
    CalendarGone,
    ClientFileMissing,
    CompanionError,
    EventGone,
    PermissionDenied,
    ScopeMissing,
    SignInError,
    SignInExpired,
    TransientError,
)
from companion.domain.event_keys import EventKey
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import ObservedEvent, event_id
from companion.services.ports import Clock, DeleteEvent, InsertEvent, RemoteCalendar

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


def succeeded(name: str, what: str) -> CheckResult:
    return CheckResult(ok=True, label=f"{name} (Succeeded)", what=what)


def failed(name: str, error: CompanionError) -> CheckResult:
    return CheckResult(
        ok=False, label=f"{name} (Failed)", what=error.what, remedies=remedies_for(error)
    )


def remedies_for(error: CompanionError) -> tuple[str, ...]:
    if isinstance(error, ClientFileMissing | AccountParked | TransientError):
        return (error.remedy,)
    if isinstance(error, CalendarGone | PermissionDenied):
        return (error.remedy, *_CALENDAR, _LOGIN[2])
    if isinstance(error, SignInExpired | SignInError | ScopeMissing):
        return (error.remedy, *_LOGIN)
    return (error.remedy, *_LOGIN, *_CALENDAR)


async def credentials(calendar: RemoteCalendar, account: str) -> CheckResult:
    """Does Google still know this sign-in? A calendar that is gone does not change that."""
    try:
        await calendar.info()
    except (CalendarGone, PermissionDenied) as err:
        return succeeded(CREDENTIALS, f"Signed in as {account}, but: {err.what}")
    except CompanionError as err:
        return failed(CREDENTIALS, err)
    return succeeded(CREDENTIALS, f"Signed in to Google as {account}.")


async def accessible(
    calendar: RemoteCalendar, *, install: str, calendar_id: str, clock: Clock, nonce: str
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
    wanted = event_id(install, calendar_id, probe.key, 0)
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
