"""What the sync keeps: the ledger of sent events, sync states and the activity list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from companion.domain.reconcile import LedgerEntry
from companion.domain.settings import PractitionerSettings
from companion.domain.sync_state import SyncState


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
    """Every state that differs from before is published as `SyncStateChanged`."""

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
        """Put rows and drop keys in one durable transaction (returns after the disk has it). In a
        practice on several workstations: only under the practitioner's lock, and raises Overtaken
        where another process has it by now."""
        ...

    async def calendars(self, practitioner_id: str) -> list[str]:
        """Calendar ids this practitioner still has rows for."""
        ...

    async def state(self, practitioner_id: str) -> SyncState:
        """As saved last; an empty one where nothing was."""
        ...

    async def edit_state(
        self,
        practitioner_id: str,
        edit: Callable[[SyncState], SyncState],
        *,
        even_overtaken: bool = False,
    ) -> tuple[SyncState, SyncState]:
        """Read, edit and save what differs in one transaction: nothing that others save meanwhile
        is lost. Before and after. `edit` may run in another thread, and again. Raises Overtaken as
        `write` where it is called under a lock, unless `even_overtaken`."""
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
    SETTINGS = "settings"
    BACKUP = "backup"
    RESTORE = "restore"
    TOLD = "told"
    """Somebody was told of a trouble."""
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
        self,
        limit: int = 50,
        practitioner_id: str | None = None,
        *,
        kind: ActivityKind | None = None,
    ) -> list[Activity]:
        """Newest first; of one practitioner or kind alone, where it is given."""
        ...

    async def prune(self, before: datetime) -> int: ...
