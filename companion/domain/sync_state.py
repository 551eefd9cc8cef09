"""SyncState: what is kept of one practitioner's sync between passes and restarts.

Kept as a small JSON document beside the ledger. Unknown parts are left out and a damaged document
reads as "not known", since everything here can be found out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from companion.domain.event_keys import EventKey
from companion.domain.json_documents import DAMAGED, from_document, to_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The last comparison of book and Google, event by event."""

    at: datetime
    book: int
    google: int
    differences: int
    imported_at: datetime | None = None
    """Age of the book itself, where it comes from imports."""
    left_out: int = 0
    """Counted on neither side: a person deleted them in Google, and they are to stay away."""

    @property
    def equal(self) -> bool:
        return self.differences == 0 and self.book == self.google


@dataclass(frozen=True, slots=True)
class HeldKey:
    """Distinguishes an event in a previous calendar from the same one in the present calendar."""

    key: str
    calendar_id: str = ""
    """Of a previous calendar; empty for the present one."""

    @classmethod
    def parse(cls, text: str) -> HeldKey:
        """Of keys only a probe's holds a blank, and the id of a calendar holds none."""
        calendar_id, _, key = text.partition(" ")
        return cls(key, calendar_id) if key and not EventKey.parse(text).is_probe else cls(text)

    def __str__(self) -> str:
        return f"{self.calendar_id} {self.key}" if self.calendar_id else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldItem:
    key: str
    begins: datetime
    calendar_id: str = ""
    """Of a previous calendar; empty for the present one."""

    @property
    def name(self) -> HeldKey:
        return HeldKey(self.key, self.calendar_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Removals that wait for a person."""

    since: datetime
    why: str
    items: tuple[HeldItem, ...]

    @property
    def names(self) -> frozenset[HeldKey]:
        return frozenset(item.name for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncTrouble:
    kind: str
    """Name of the error class."""
    what: str
    remedy: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    last_pass: datetime | None = None
    last_success: datetime | None = None
    events: int = 0
    """Events the window held at the last pass."""
    waiting: int = 0
    """Of these, not yet as they should be in Google."""
    trouble: SyncTrouble | None = None
    held: Held | None = None
    kept: frozenset[HeldKey] = frozenset()
    """Held removals a person decided to keep in Google. They stay until they are released, or
    wanted again."""
    audit_due: bool = False
    awaiting_upload: bool = False
    """Newly connected: until a person presses Upload to Google, what it will show may change."""
    fingerprint: str = ""
    """Signature of the worker's input to the last pass, when that pass left nothing to do: while it
    is equal, also after a restart, there is nothing to do. Emptied before the first write of a
    pass."""
    parked_until: datetime | None = None
    parkings: int = 0
    """Pauses in a row; each is longer."""
    proof: Proof | None = None
    written_since: int = 0
    """Writes that Google confirmed after the proof."""
    shared_calendar: str = ""
    """Id of the calendar that the permission for owned ones did not reach at the last sign-in."""
    owned_calendar: str = ""
    """Id of the calendar that the permission for calendars of our making did not reach."""
    others: Mapping[str, str] | None = None
    """Last moments by writer of what others wrote to the calendar before this installation began
    (`CalendarWriter`); None until an audit has looked."""
    overruled_by: str = ""
    """The stamp of another installation, since which nothing is written from here."""
    history: str = ""
    """How the last days went (`sync_history`)."""
    claimed: bool = False
    """A person has put this installation in charge: the next audit begins a new term."""
    asked: int = 0
    """How often a person asked for a pass where the calendars were kept by another workstation."""
    stops: int = 0
    """How often a person stopped a pass."""
    doubts: int = 0
    """How often a workstation was overtaken with writes on their way; an audit that began before
    the last of them has not seen it."""
    late_removals: frozenset[str] = frozenset()
    """Keys of the events that such writes may have removed, after they were put back."""

    def doubted(self, removals: Iterable[str]) -> SyncState:
        """After writes whose outcome nobody knows."""
        return replace(
            self,
            audit_due=True,
            doubts=self.doubts + 1,
            late_removals=self.late_removals | frozenset(removals),
        )

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = to_document(replace(self, kept=frozenset()))
        return {
            **document,
            "kept": "|".join(sorted(map(str, self.kept))),
            "late_removals": "|".join(sorted(self.late_removals)),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SyncState:
        try:
            late_removals = _keys(document.get("late_removals", ""))
            kept = frozenset(map(HeldKey.parse, _keys(document.get("kept", ""))))
            read = from_document(cls, {**document, "late_removals": late_removals, "kept": ()})
            return replace(read, kept=kept) if kept else read
        except DAMAGED:
            return cls(audit_due=True)


def _keys(text: str) -> list[str]:
    return text.split("|") if text else []
