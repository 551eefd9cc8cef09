"""What reconcile() compares: rows of the ledger, and our events as Google holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from companion.domain.calendar_writers import UNSTAMPED, WriterStamp
from companion.domain.event_keys import is_notice
from companion.domain.events import CalendarEvent, Content, as_instant

STRANGER: Final = -1
"""Generation of an event that another installation may have written: see `pairing`."""


class LedgerEntryState(StrEnum):
    PENDING = "pending"
    """An intent is committed; whether Google has it is unknown."""
    OK = "ok"
    """Google confirmed exactly `fingerprint`."""
    REMOVING = "removing"
    """A delete is committed; whether Google has done it is unknown."""
    LEFT_OUT = "left out"
    """A person deleted it in Google and the setting says to leave it so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What we know of one event of one calendar."""

    key: str
    event_id: str
    generation: int
    """Part of the id; `STRANGER` where the id was found under a key that is not wanted."""
    state: LedgerEntryState
    fingerprint: str
    """Of what we last sent; empty where our mark is not the one of `key` yet, so that it is
    written whatever Google holds."""
    style: str
    """Colour and reminder as we last sent them."""
    begins: datetime
    """Aware UTC, as last sent; decides whether the event lies behind the window."""
    ends: datetime
    etag: str = ""
    """Of Google's last answer; empty where colour or reminder are the practitioner's own."""
    content_hash: str = ""
    """Fingerprint of our fields as Google answered them (it normalises text); empty until the
    first confirmation."""

    def keeps_out(self, event: CalendarEvent) -> bool:
        """A person deleted the event in Google, and it has kept its time since; of a staleness
        notice, which moves on with each day, whatever its time is."""
        same_time = (self.begins, self.ends) == (event.begins, event.ends)
        return self.state is LedgerEntryState.LEFT_OUT and (same_time or is_notice(self.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEvent:
    """One of our own events as Google holds it now."""

    event_id: str
    key: str
    """Empty when our mark has been damaged."""
    etag: str
    content: Content
    """Our fields as Google holds them, times in UTC."""
    style: str
    timezone: str
    """Of the calendar: the edges of all-day events."""
    deleted: bool = False
    """A tombstone (status: cancelled); its content may be blank."""
    stamp: WriterStamp = UNSTAMPED

    @property
    def begins(self) -> datetime:
        return as_instant(self.content.start, self.timezone)

    @property
    def ends(self) -> datetime:
        return as_instant(self.content.end, self.timezone)
