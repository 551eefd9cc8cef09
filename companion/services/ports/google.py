"""Google: sign-in, calendars, and the events of one calendar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from companion.domain.calendar_writers import NOBODY, CalendarWriter, WriterStamp
from companion.domain.errors import CompanionError
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import ObservedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertEvent:
    event_id: str
    event: CalendarEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchEvent:
    """Our fields only (3 quota units); with `style` also colour and reminder."""

    event_id: str
    event: CalendarEvent
    style: bool = False
    if_match: str = ""
    """ETag the event must still have, or PreconditionFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEvent:
    event_id: str


Write = InsertEvent | PatchEvent | DeleteEvent


WriteAnswer = ObservedEvent | CompanionError | None
"""The event as Google now holds it (None for a delete), or what went wrong with this part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFile:
    """What may be told of an OAuth client file, or of a service account's key."""

    name: str
    """Its project, else its client id."""
    client_id: str
    token_uri: str
    digest: str
    """SHA-256 of what counts in it: files with the same one are the same."""
    service_account: str = ""
    """Its e-mail, where the file is its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarInfo:
    id: str
    name: str
    access_role: str
    """``owner``, ``writer``, ``reader`` …"""
    primary: bool = False
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedEvent:
    """Of an event of this program, whichever installation wrote it, what it says of its writer."""

    event_id: str
    mark: str
    key: str
    stamp: WriterStamp
    changed_at: datetime | None = None
    """By Google's clock, whoever changed it."""

    @property
    def written_at(self) -> datetime | None:
        return self.stamp.moment or self.changed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedCalendar:
    """A calendar that this program made, whichever installation it was."""

    info: CalendarInfo
    mark: str
    """In its description."""


class RemoteCalendar(Protocol):
    """One calendar of one signed-in account. Safe to call from several tasks."""

    async def write(
        self, writes: Sequence[Write]
    ) -> Sequence[ObservedEvent | CompanionError | None]:
        """At most 50 writes; one request when there is one, a batch otherwise.

        Answers in the same order: the event as Google now holds it (None for a delete), or the
        error of that part (IdInUse, EventGone, PreconditionFailed, RateLimited …). Raises
        RemoteError only when the whole call failed and nothing is known of any part. No
        retries of its own: pacing decides."""
        ...

    async def get(self, event_id: str) -> ObservedEvent | None:
        """One event with its tombstone flag; None when Google knows no such id."""
        ...

    async def list_ours(
        self, start: datetime | None, end: datetime | None, *, since: datetime | None = None
    ) -> list[ObservedEvent]:
        """Events bearing a mark of the writer that overlap [start, end); all pages. `since`: only
        those changed from then on, at most 28 days ago; tombstones may be among them."""
        ...

    async def marked_events(self) -> list[MarkedEvent]:
        """All that any installation of this program wrote, whatever its mark; neither titles nor
        anything else of an event is asked for."""
        ...

    async def info(self) -> CalendarInfo:
        """The calendar itself. Raises CalendarGone, PermissionDenied, SignInExpired …"""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """An authorisation under way."""

    url: str
    """Where the person's browser goes."""
    state: str
    code_verifier: str
    redirect_uri: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    account: str
    """E-mail that signed in; empty when Google did not say."""
    granted_scopes: tuple[str, ...]
    token: str
    """JSON for the SecretStore; opaque to services."""
    ends_at: datetime | None = None
    """When Google ends the sign-in by itself, where it says so."""
    client_id: str = ""
    """Of the Google client, or service account, that it was given to."""
    delegated: str = ""
    """Client id of the service account that speaks for the account, where nobody signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One thing that this program assumes of Google, as a self-test found it."""

    id: str
    """``id-in-use``, ``batch`` … stable, for scripts."""
    assumed: str
    """One sentence."""
    came: str = ""
    """What came instead; empty where it is as assumed. No names, ids or addresses."""

    @property
    def holds(self) -> bool:
        return not self.came

    def __str__(self) -> str:
        return f"{'as assumed' if self.holds else 'DIFFERS'}: {self.assumed}" + (
            "" if self.holds else f" Instead: {self.came}"
        )


class Google(Protocol):
    """The gateway: sign-in, calendars, and a RemoteCalendar per practitioner."""

    def check_client(self, content: bytes) -> ClientFile:
        """Validate a client_secret JSON (type "installed"), or a key of type "service_account".
        Raises BadInput."""
        ...

    async def begin_sign_in(
        self, *, redirect_uri: str, scopes: Sequence[str], login: str
    ) -> SignInRequest:
        """Raises ClientFileMissing."""
        ...

    async def finish_sign_in(self, request: SignInRequest, response_url: str) -> SignedIn:
        """Exchange the code. Raises SignInDenied, SignInError, Offline."""
        ...

    async def delegate(
        self, practitioner_id: str, *, login: str, scopes: Sequence[str]
    ) -> SignedIn:
        """Let the practice's service account speak for the account `login`, which Google is asked
        for now. Raises ClientFileMissing without a key, DelegationRefused, Offline."""
        ...

    async def discard(self, signed_in: SignedIn) -> None:
        """Tell Google to forget a sign-in that is not kept. Google then drops every sign-in of
        that account with this client, so never call it for an account in use."""
        ...

    def same_sign_in(self, token: str, other: str) -> bool:
        """Whether both are of one sign-in, which was renewed in between or not."""
        ...

    async def calendar(
        self, practitioner_id: str, calendar_id: str, writer: CalendarWriter = NOBODY
    ) -> RemoteCalendar:
        """`writer`: as whom to write. Raises SignInExpired when there is no token."""
        ...

    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]: ...

    async def create_calendar(
        self, practitioner_id: str, name: str, timezone: str, mark: str
    ) -> CalendarInfo:
        """Not idempotent at Google, and never sent twice; `mark` goes into the description. When
        it raises Offline or RemoteUnavailable, the calendar may have been made."""
        ...

    async def marked_calendars(self, practitioner_id: str) -> list[MarkedCalendar]:
        """Those in the account's list that may be written to. Raises ScopeMissing where the list
        may not be seen."""
        ...

    async def delete_calendar(self, practitioner_id: str, calendar_id: str) -> None:
        """For good, with all its events; one that is gone counts as done."""
        ...

    async def check_assumptions(
        self, practitioner_id: str, calendar_id: str, tell: Callable[[Assumption], None]
    ) -> list[Assumption]:
        """Try on an empty calendar that Google behaves as we assume; leaves events in it. Raises
        SignInExpired when there is no token."""
        ...

    async def revoke(self, practitioner_id: str) -> None:
        """Tell Google to forget the token; a token Google no longer knows counts as done."""
        ...

    async def forget(self, practitioner_id: str) -> None:
        """Drop cached credentials (after a new sign-in or a disconnect)."""
        ...
