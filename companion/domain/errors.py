"""Errors, worded so that a receptionist knows what to do.

Every error carries *what* happened and the *remedy*; *detail* is for the log alone and never
holds a client's name, a token or an event's text. Adapters translate foreign errors into this
tree from one table each.

    CompanionError
    ├── BadInput                  a field, row or file a person gave us; names it
    │   └── FileRefused           the whole file cannot be used
    ├── SourceUnreachable         a calendar link or another source did not give what it should
    ├── NoticeNotSent             a message to people went out by none of its ways
    ├── NotFound                  no such practitioner, source, feed …
    ├── Busy                      another window or command holds what we need
    ├── ChangedMeanwhile          an edit was decided on what is no longer so
    ├── NotAllowed                the user's role does not include it
    ├── SignedOut                 no user is signed in at this screen
    ├── StoreError                disk, database, settings
    │   ├── StoreTooNew           written by a newer version of this program
    │   └── StoreDamaged          unreadable, and no good copy either
    ├── SecretsError
    │   ├── SecretsUnavailable    no working key store on this machine
    │   └── SecretsDamaged        the sealed file does not open with our key
    ├── SignInError               the sign-in itself
    │   ├── ClientFileMissing     the practice has no OAuth client yet
    │   ├── SignInDenied          the person pressed Cancel
    │   ├── SignInTimedOut
    │   ├── WrongAccount          another Google account than the one asked for
    │   ├── CalendarInUse         a calendar that another installation keeps: a person decides
    │   └── ScopeMissing          consent came without the calendar tick
    │       └── CalendarNotReached    a wider permission may reach that calendar
    └── RemoteError               answers of Google Calendar
        ├── TransientError        the same call again may succeed
        │   ├── Offline
        │   ├── RateLimited
        │   └── RemoteUnavailable
        ├── AccountParked         read-only for hours
        ├── SignInExpired         the person must sign in again
        │   └── DelegationRefused the practice's service account may not speak for the person
        ├── CalendarGone
        ├── PermissionDenied
        ├── AnotherWriter         another installation keeps the calendar
        ├── IdInUse               409
        ├── EventGone             404 or 410 on an event
        ├── PreconditionFailed    412
        └── RequestRefused        anything else: an error of ours or a new rule of Google's

Those of a practice on several workstations are in `practice_errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from companion.domain.calendar_writers import EarlierCalendar


class Technical(str):
    """Kinds, codes and numbers that the program has put together itself: the only text apart from
    the source's own that gets into the log. It holds nothing that a person or a file wrote."""

    __slots__ = ()


class CompanionError(Exception):
    """Root of every error a person may see."""

    default_what = "Something went wrong."
    default_remedy = "Try again. If it happens again, run the doctor: python run.py doctor"

    def __init__(
        self, what: str | None = None, remedy: str | None = None, *, detail: str = ""
    ) -> None:
        self.what = what or self.default_what
        self.remedy = remedy or self.default_remedy
        self.detail = Technical(detail)
        super().__init__(self.what)

    @property
    def unattended(self) -> str:
        """The remedy where nobody asked for what failed: the program did it by itself."""
        return self.remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


class BadInput(CompanionError):
    """Something a person typed or dropped; `field` names it ("" for the whole)."""

    default_what = "That cannot be used as it is."
    default_remedy = "Correct it and try again."

    def __init__(
        self,
        what: str | None = None,
        remedy: str | None = None,
        *,
        field: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(what, remedy, detail=detail)
        self.field = field


class FileRefused(BadInput):
    default_what = "This file cannot be read."
    default_remedy = "Export it again from the practice software as CSV or Excel (.xlsx)."


class SourceTrouble(StrEnum):
    """What is the matter with a source; its sentence says it in words."""

    CREDENTIALS = "credentials"
    """The link, key or password is not accepted."""
    NOT_THERE = "not there"
    """It answers, but has nothing under this address."""
    OFFLINE = "offline"
    BROKEN = "broken"
    """It is out of order, and says so."""
    RATE_LIMITED = "patience"
    """Asked too often; `SourceUnreachable.wait` says for how long to leave it alone."""
    SLOW = "slow"
    LARGE = "large"
    UNREADABLE = "unreadable"
    """What it gives is not what it should be."""
    EMPTY = "empty"


class SourceUnreachable(CompanionError):
    """Nothing was taken from it, and nothing may be removed because of it."""

    default_what = "The source cannot be reached."
    default_remedy = "Check this computer's internet connection; it is tried again by itself."

    def __init__(
        self,
        what: str | None = None,
        remedy: str | None = None,
        *,
        reason: SourceTrouble = SourceTrouble.OFFLINE,
        wait: float = 0.0,
        detail: str = "",
    ) -> None:
        """`wait`: seconds for which it asked to be left alone."""
        super().__init__(what, remedy, detail=detail)
        self.reason = reason
        self.wait = wait


class NoticeNotSent(CompanionError):
    default_what = "The notice was not sent."
    default_remedy = "It is tried again by itself."

    def __init__(
        self,
        what: str | None = None,
        remedy: str | None = None,
        *,
        unconfirmed: bool = False,
        address_only: bool = False,
        detail: str = "",
    ) -> None:
        """`unconfirmed`: it may have arrived all the same. `address_only`: others are reached."""
        super().__init__(what, remedy, detail=detail)
        self.unconfirmed = unconfirmed
        self.address_only = address_only


class NotFound(CompanionError):
    default_what = "That does not exist."
    default_remedy = "Check the name; the list shows what there is."


class Busy(CompanionError):
    default_what = "Another Calendar Companion window or command is working on this right now."
    default_remedy = "Wait a few seconds and try again."


class ChangedMeanwhile(CompanionError):
    default_what = "This appointment was changed elsewhere meanwhile."
    default_remedy = "It is shown as it is now; make your change again if it is still right."


class NotAllowed(CompanionError):
    default_what = "You may not do that."
    default_remedy = "Ask an administrator of the practice."


class SignedOut(CompanionError):
    default_what = "You are signed out."
    default_remedy = "Sign in again and repeat what you did last."


class StoreError(CompanionError):
    default_what = "The data folder could not be read or written."
    default_remedy = "Check that the disk has space and that this user may write to the folder."


class StoreTooNew(StoreError):
    default_what = "The data was written by a newer version of Calendar Companion."
    default_remedy = "Install that version or a later one; nothing was changed."


class StoreDamaged(StoreError):
    default_what = "The data file is damaged."
    default_remedy = "Restore a backup, or run the doctor: python run.py doctor"


class SecretsError(CompanionError):
    default_what = "The stored sign-ins could not be opened."
    default_remedy = "Run the doctor: python run.py doctor"


class SecretsUnavailable(SecretsError):
    default_what = "This computer has no working password store to keep Google sign-ins in."
    default_remedy = (
        "Use a desktop session with a keyring, or set COMPANION_SECRETS_KEY to a long "
        "passphrase before starting, then try again."
    )


class SecretsDamaged(SecretsError):
    default_what = "The sealed file of sign-ins does not open with this computer's key."
    default_remedy = "Restore a backup of the data folder, or connect each practitioner again."


class SignInError(CompanionError):
    default_what = "Signing in to Google did not work."
    default_remedy = "Try Connect to Google again."


class ClientFileMissing(SignInError):
    default_what = "The practice's Google client file has not been added yet."
    default_remedy = "Add it once: python run.py google client FILE, or Practice > Google client."


class SignInDenied(SignInError):
    default_what = "Google says the sign-in was cancelled."
    default_remedy = "Press Connect to Google again and choose Allow."


class SignInTimedOut(SignInError):
    default_what = "Nobody finished the Google sign-in in time."
    default_remedy = "Press Connect to Google again and finish within five minutes."


class WrongAccount(SignInError):
    default_what = "Another Google account signed in than the Google Login asked for."
    default_remedy = "Connect again and choose the account of the Google Login, or correct it."


class CalendarInUse(SignInError):
    """`offers`: what may be taken over."""

    default_what = "Another installation of Calendar Companion keeps that calendar."

    def __init__(self, what: str, remedy: str, *, offers: Sequence[EarlierCalendar]) -> None:
        super().__init__(what, remedy)
        self.offers = tuple(offers)


class ScopeMissing(SignInError):
    default_what = "Google signed in, but without permission for the calendar."
    default_remedy = "Connect again and leave the calendar box ticked on Google's page."


class CalendarNotReached(ScopeMissing):
    """`calendar_id`: of the one chosen; `maybe_shared`: a person can say that it is shared with the
    account."""

    default_what = "Google does not show that calendar to the account that signed in."

    def __init__(
        self, what: str, remedy: str, *, calendar_id: str, maybe_shared: bool, detail: str = ""
    ) -> None:
        super().__init__(what, remedy, detail=detail)
        self.calendar_id = calendar_id
        self.maybe_shared = maybe_shared


class RemoteError(CompanionError):
    """An answer of Google Calendar that is not success."""

    default_what = "Google Calendar answered with an error."


class TransientError(RemoteError):
    """The same call again may succeed; `retry_after` in seconds where Google named it."""

    default_remedy = "It is tried again by itself."

    def __init__(
        self,
        what: str | None = None,
        remedy: str | None = None,
        *,
        retry_after: float | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(what, remedy, detail=detail)
        self.retry_after = retry_after


class Offline(TransientError):
    default_what = "Google cannot be reached from this computer."
    default_remedy = "Check the internet connection; the sync goes on by itself when it is back."


class RateLimited(TransientError):
    default_what = "Google asks us to slow down."


class RemoteUnavailable(TransientError):
    default_what = "Google Calendar has a fault of its own right now."


class AccountParked(RemoteError):
    default_what = "Google has set this account's calendar to read-only for some hours."
    default_remedy = "Nothing to do: it is tried again by itself; other practitioners go on."


class SignInExpired(RemoteError):
    default_what = "Google no longer accepts this practitioner's sign-in."
    default_remedy = "Press Connect to Google to sign in again; nothing is lost."


class DelegationRefused(SignInExpired):
    default_what = "Google did not let the practice's service account into this Google account."
    default_remedy = (
        "Check the Google Login and, in Google's Admin console, the domain-wide delegation; it is "
        "tried again by itself."
    )


class CalendarGone(RemoteError):
    default_what = "The Google calendar does not exist any more, or is not shared with us."
    default_remedy = "Choose the calendar again, or let us create a new one."


class PermissionDenied(RemoteError):
    default_what = "This Google account may not write to that calendar."
    default_remedy = "Choose a calendar of its own, or let us create a new one."


class AnotherWriter(RemoteError):
    """`stamp`: the write that was found, as text."""

    default_what = "Another computer writes to this Google calendar too, so this one has stopped."
    default_remedy = "Decide which computer keeps it; by command: google take-over NAME."

    def __init__(
        self, what: str | None = None, remedy: str | None = None, *, stamp: str = ""
    ) -> None:
        super().__init__(what, remedy)
        self.stamp = stamp


class IdInUse(RemoteError):
    default_what = "Google already knows an event with this id."


class EventGone(RemoteError):
    default_what = "The event no longer exists in Google."


class PreconditionFailed(RemoteError):
    default_what = "The event was changed in Google meanwhile."


class RequestRefused(RemoteError):
    default_what = "Google did not accept an event."
    default_remedy = "It is left out and tried again later; the activity list names it."


def _kinds(*roots: type[CompanionError]) -> frozenset[str]:
    """Their names, and those of their subclasses."""
    below = (_kinds(*root.__subclasses__()) for root in roots)
    return frozenset(root.__name__ for root in roots).union(*below)


KINDS_FOR_A_PERSON = _kinds(SignInExpired, SignInError, PermissionDenied, CalendarGone)
"""Of sign-in and calendar: only a person mends them, and any answer of Google shows whether they
are mended."""
KINDS_A_CHECK_SETTLES = KINDS_FOR_A_PERSON | _kinds(TransientError, SecretsError)
