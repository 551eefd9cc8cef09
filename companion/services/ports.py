"""What the services need from outside, as Protocols; adapters and test fakes implement them.

All methods that may touch a disk or a network are coroutines: an adapter runs blocking work in
threads, so that the event loop never waits. Times are aware UTC unless said otherwise. Every
error raised is a CompanionError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from companion.domain.appointments import Appointment
from companion.domain.disclosure import Disclosure
from companion.domain.errors import CompanionError
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import LedgerEntry, ObservedEvent
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.sync_state import SyncState


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds, for intervals only."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SettingsStore(Protocol):
    """Every change that is written is published as `SettingsChanged`."""

    def read(self) -> Settings:
        """The current snapshot; cheap (cached, renewed when another process wrote)."""
        ...

    async def change(self, edit: Callable[[Settings], Settings]) -> Settings:
        """Read, edit, write as one turn among all processes of this home.

        `edit` may run again if another process wrote meanwhile; what it raises leaves the
        settings as they were."""
        ...


class SecretStore(Protocol):
    """Named small texts, sealed on disk. Names hold no secret: ``google/client``,
    ``google/token/<practitioner>``, ``feed/<feed>``."""

    async def get(self, name: str) -> str | None: ...

    async def put(self, name: str, value: str) -> None: ...

    async def remove(self, name: str) -> None: ...

    async def check(self) -> str:
        """Set, get and delete a probe; names the backend. Raises SecretsUnavailable."""
        ...

    async def names(self) -> tuple[str, ...]: ...

    async def set_aside(self) -> Path | None:
        """Start anew with an empty store; where the one that cannot be opened lies now."""
        ...


# ── the book ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """What the book knows of one appointment of a source: enough to diff a new file. It names a
    client, so it goes into no log."""

    appointment_id: str
    source: str
    source_id: str
    """Empty for one that was entered in the book itself."""
    practitioner_id: str
    start: datetime
    """Wall time."""
    end: datetime
    row_hash: bytes
    """`rows.row_hash` of its content: 16 bytes."""
    cancelled: bool
    client_id: str = ""
    client_name: str = ""
    what: str = ""
    """Title, else appointment type."""
    updated: datetime | None = None
    """The source's own last change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChange:
    """Appointments to write (whole, new or changed) and ids to remove, as one transaction."""

    put: Sequence[Appointment] = ()
    remove: Sequence[str] = ()
    expect: Mapping[str, int] = field(default_factory=dict)
    """By id of something put or removed: the revision this change was decided on, 0 for "not in
    the book". Where one differs nothing is written."""
    imported: ImportRecord | None = None
    """Kept with what this change replaced, so that it can be undone."""
    undoes: Undoing | None = None


class ChangeSign(NamedTuple):
    """Other than before once something has been committed."""

    others: int
    """By another process, to anything of the database."""
    own: int
    """By this process, to the book."""


class AppointmentBook(Protocol):
    """Every commit is published as `BookChanged` (`services.changes`)."""

    async def appointments(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> list[Appointment]:
        """Those that may take place in the wall-time span [start, end): single ones that overlap
        it, every series that begins before `end`. Cancelled ones too."""
        ...

    async def versions(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        """Revision by appointment id, of exactly those that `appointments` would give; much
        cheaper, to tell what changed."""
        ...

    async def appointment(self, appointment_id: str) -> Appointment | None: ...

    async def source_rows(self, source: str) -> dict[str, SourceRow]:
        """By source id; all of one import source."""
        ...

    async def rows_elsewhere(
        self, source: str, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[SourceRow]:
        """Of every other source, the book's own screen included: those of these practitioners
        that begin in [start, end), wall time."""
        ...

    async def apply(self, change: BookChange, now: datetime) -> None:
        """One transaction. Sets revision (one more than before) and changed_at (`now`, yet at
        least a second after the last) on each appointment put, and raises `revision` of every
        practitioner touched (also the one an appointment leaves). Raises Busy when another
        process writes for too long, and ChangedMeanwhile when an expected revision is no longer
        the book's, or what is undone was undone already."""
        ...

    async def of_practitioners(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[Appointment]:
        """As `appointments`, of several practitioners in one query."""
        ...

    async def series(self, practitioner_ids: Sequence[str], end: datetime) -> list[Appointment]:
        """Every series that may take place before `end`, cancelled ones too."""
        ...

    async def day_counts(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[date, int]:
        """Booked single appointments by the day on which they begin, in [start, end); days
        without any are left out, and so are series."""
        ...

    async def search(
        self, practitioner_ids: Sequence[str], text: str, around: datetime, limit: int = 50
    ) -> list[Appointment]:
        """Those whose client, title or notes hold every word of `text`, without regard to case:
        the next ones from `around` (wall time) on, then the latest before it; at most `limit` of
        each. A series counts by its first start."""
        ...

    async def change_sign(self) -> ChangeSign:
        """Costs microseconds and no query, yet waits for a write under way. What was committed
        before it changed is in what is read after it."""
        ...

    async def revisions(self) -> Mapping[str, int]:
        """By practitioner id; 0 is left out. One query."""
        ...

    async def reassign(self, from_practitioner: str, to_practitioner: str, now: datetime) -> None:
        """Merge two practitioners' appointments."""
        ...

    async def count(self, practitioner_id: str | None = None) -> int: ...

    async def imports(self, limit: int = 20) -> list[ImportRecord]:
        """Newest first."""
        ...

    async def replaced(self, import_id: int) -> list[Replaced]:
        """What one import replaced; empty when it touched nothing, was undone, or is too long
        ago: the newest `UNDO_IMPORTS` are kept, and of these at most `UNDO_ROWS` rows."""
        ...


UNDO_IMPORTS = 100
UNDO_ROWS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMemory:
    """What an import kept in the settings, for its undoing."""

    created: tuple[str, ...] = ()
    """Ids of new practitioners."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """New aliases by practitioner's id."""
    answers: tuple[str, ...] = ()
    """Keys of the source's new answers."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The source's headings as they were before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    id: int = 0
    """The book's; 0 before it is kept."""
    source: str
    at: datetime
    by: str = ""
    """Who or what: a user's name, ``folder``, ``import`` for a command."""
    file_name: str
    """Empty where a source's appointments were removed."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    rejected: int = 0
    cancelled: int = 0
    older: int = 0
    kept: int = 0
    memory: ImportMemory = field(default_factory=ImportMemory)
    undone_at: datetime | None = None
    undone_by: str = ""
    can_undo: bool = False
    """What it replaced is still kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """One appointment that an import added, changed or removed."""

    appointment_id: str
    before: Appointment | None
    """None for one that it added."""
    revision: int
    """As the import left it; 0 for one that it removed."""
    now: int
    """Revision as the book has it now; 0 when it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """A change that undoes an import: marked so, and no longer to be undone. What it puts bears
    the revision of then; earlier imports that left it so can still be undone."""

    import_id: int
    by: str


# ── ledger, state, activity ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRef:
    """Whose ledger: one practitioner's one calendar."""

    practitioner_id: str
    calendar_id: str


def calendar_of(record: PractitionerSettings) -> CalendarRef:
    return CalendarRef(
        practitioner_id=record.practitioner.id, calendar_id=record.google.calendar_id
    )


class Ledger(Protocol):
    """Every state that is saved is published as `SyncStateChanged`."""

    async def entries(self, calendar: CalendarRef) -> list[LedgerEntry]: ...

    async def entries_between(
        self, calendars: Sequence[CalendarRef], start: datetime, end: datetime
    ) -> dict[CalendarRef, dict[str, LedgerEntry]]:
        """By calendar and key: the rows whose event, as last sent, overlaps [start, end). One
        query; a calendar without any is left out."""
        ...

    async def write(
        self,
        calendar: CalendarRef,
        put: Iterable[LedgerEntry] = (),
        drop: Iterable[str] = (),
    ) -> None:
        """Put rows and drop keys in one durable transaction (returns after the disk has it)."""
        ...

    async def calendars(self, practitioner_id: str) -> list[str]:
        """Calendar ids this practitioner still has rows for."""
        ...

    async def state(self, practitioner_id: str) -> SyncState:
        """As saved last; an empty one where nothing was."""
        ...

    async def edit_state(
        self, practitioner_id: str, edit: Callable[[SyncState], SyncState]
    ) -> tuple[SyncState, SyncState]:
        """Read, edit and save in one transaction: nothing that others save meanwhile is lost.
        Before and after. `edit` may run in another thread."""
        ...

    async def states(self) -> dict[str, SyncState]:
        """By practitioner id, of everybody with one; one query."""
        ...


class ActivityKind(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    NOTICE = "notice"
    """What a calendar says of being out of date was renewed."""
    HELD = "held"
    REFUSED = "refused"
    LEFT_BEHIND = "left behind"
    ERROR = "error"
    IMPORT = "import"
    UNDO = "undo"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    CHECK = "check"
    FEED_ADDED = "feed added"
    FEED_REVOKED = "feed revoked"
    USERS = "users"
    PRACTITIONERS = "practitioners"
    BACKUP = "backup"
    RESTORE = "restore"
    OTHER = "other"
    """Written by a later version."""

    @classmethod
    def _missing_(cls, _value: object) -> ActivityKind:
        return cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of the activity list; no client names, no event text."""

    at: datetime
    practitioner_id: str
    """Empty for the practice as a whole."""
    cause: str
    """``worker``, ``upload``, ``import``, ``audit``, a user's name …"""
    kind: ActivityKind
    text: str
    """One plain sentence, or empty."""
    count: int = 1


class ActivityLog(Protocol):
    """New lines are published as `ActivityAdded`."""

    async def add(self, lines: Sequence[Activity]) -> None: ...

    async def recent(
        self, limit: int = 50, practitioner_id: str | None = None
    ) -> list[Activity]: ...

    async def prune(self, before: datetime) -> int: ...


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────


class FeedDetail(StrEnum):
    """How much a calendar link shows."""

    FULL = "full"
    INITIALS = "initials"
    BUSY = "busy"
    GOOGLE = "google"
    """As in the practitioner's Google calendar."""
    CUSTOM = "custom"


NetworkPlace = Literal["", "inside", "outside", "here"]
"""``inside`` the practice's network, ``outside`` of it, or ``here``: this machine, a proxy on it
included. Empty where nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    id: str
    practitioner_id: str
    label: str
    detail: FeedDetail
    custom: Disclosure | None = None
    """What it shows when its detail is CUSTOM."""
    token_hash: bytes
    """SHA-256 of the token."""
    created_at: datetime
    days_in_arrears: int
    days_in_advance: int
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_fetched_at: datetime | None = None
    last_client: str = ""
    """First product of the User-Agent, shortened."""
    last_status: int = 0
    """200 or 304; 0 before the first fetch."""
    last_network: NetworkPlace = ""
    intervals: tuple[int, ...] = ()
    """Seconds between the latest fetches, at most `INTERVALS_KEPT`, newest last."""
    fetches: int = 0


INTERVALS_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One time that a device asked for its calendar."""

    at: datetime
    client: str
    status: int
    network: NetworkPlace

    def noted_in(self, link: FeedLink) -> FeedLink:
        intervals = link.intervals
        if link.last_fetched_at is not None:
            since = max(0, round((self.at - link.last_fetched_at).total_seconds()))
            intervals = (*intervals, since)[-INTERVALS_KEPT:]
        return replace(
            link,
            last_fetched_at=self.at,
            last_client=self.client,
            last_status=self.status,
            last_network=self.network,
            intervals=intervals,
            fetches=link.fetches + 1,
        )


class FeedStore(Protocol):
    """A link that is put or removed is published as `FeedLinksChanged`; fetches are not."""

    async def links(self, practitioner_id: str | None = None) -> list[FeedLink]: ...

    async def by_token_hash(self, token_hash: bytes) -> FeedLink | None: ...

    async def put(self, link: FeedLink) -> None: ...

    async def remove(self, feed_id: str) -> None: ...

    async def fetched(self, feed_id: str, fetch: Fetch) -> None:
        """Note one; a link that is gone is none."""
        ...


# ── Google ────────────────────────────────────────────────────────────────────────────────────


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
    """What may be told of an OAuth client file."""

    name: str
    """Its project, else its client id."""
    client_id: str
    token_uri: str
    digest: str
    """SHA-256 of what counts in it: files with the same one are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarInfo:
    id: str
    name: str
    access_role: str
    """``owner``, ``writer``, ``reader`` …"""
    primary: bool = False
    timezone: str = ""


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

    async def list_ours(self, start: datetime | None, end: datetime | None) -> list[ObservedEvent]:
        """Events bearing this installation's mark that overlap [start, end); all pages."""
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


class Google(Protocol):
    """The gateway: sign-in, calendars, and a RemoteCalendar per practitioner."""

    def check_client(self, content: bytes) -> ClientFile:
        """Validate a client_secret JSON (type "installed"). Raises BadInput."""
        ...

    async def begin_sign_in(
        self, *, redirect_uri: str, scopes: Sequence[str], login: str
    ) -> SignInRequest:
        """Raises ClientFileMissing."""
        ...

    async def finish_sign_in(self, request: SignInRequest, response_url: str) -> SignedIn:
        """Exchange the code. Raises SignInDenied, SignInError, Offline."""
        ...

    async def discard(self, signed_in: SignedIn) -> None:
        """Tell Google to forget a sign-in that is not kept. Google then drops every sign-in of
        that account with this client, so never call it for an account in use."""
        ...

    async def calendar(self, practitioner_id: str, calendar_id: str) -> RemoteCalendar:
        """Raises SignInExpired when there is no token."""
        ...

    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]: ...

    async def create_calendar(
        self, practitioner_id: str, name: str, timezone: str, mark: str
    ) -> CalendarInfo:
        """Not idempotent at Google, and never sent twice; `mark` goes into the description. When
        it raises Offline or RemoteUnavailable, the calendar may have been made."""
        ...

    async def find_calendar(self, practitioner_id: str, mark: str) -> CalendarInfo | None:
        """The calendar that bears the mark. Raises ScopeMissing where the list of calendars may
        not be seen."""
        ...

    async def delete_calendar(self, practitioner_id: str, calendar_id: str) -> None:
        """For good, with all its events; one that is gone counts as done."""
        ...

    async def revoke(self, practitioner_id: str) -> None:
        """Tell Google to forget the token; a token Google no longer knows counts as done."""
        ...

    async def forget(self, practitioner_id: str) -> None:
        """Drop cached credentials (after a new sign-in or a disconnect)."""
        ...


# ── import files ──────────────────────────────────────────────────────────────────────────────
