"""SyncState: what is remembered of one practitioner's sync between passes and restarts.

Kept as a small JSON document beside the ledger; unknown or damaged parts read as "not known",
since everything here can be found out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The last comparison of book and Google, event by event."""

    at: datetime
    book: int
    google: int
    differences: int
    imported_at: datetime | None = None
    """Age of the book itself, where it comes from imports."""

    @property
    def equal(self) -> bool:
        return self.differences == 0 and self.book == self.google


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldItem:
    key: str
    begins: datetime
    calendar_id: str = ""
    """Of a calendar used before; empty for the present one."""

    @property
    def name(self) -> str:
        """Tells the same appointment in a former calendar from the one in the present."""
        return f"{self.calendar_id} {self.key}" if self.calendar_id else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Removals that wait for a person."""

    since: datetime
    why: str
    items: tuple[HeldItem, ...]

    @property
    def signature(self) -> str:
        """The same removals, whatever the order."""
        return signature_of(item.name for item in self.items)


def signature_of(names: Iterable[str]) -> str:
    return "|".join(sorted(names))


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
    kept: str = ""
    """Signature of held removals a person decided to keep in Google. They stay until they are
    released, or wanted again."""
    audit_due: bool = False
    awaiting_upload: bool = False
    """Newly connected: until a person presses Upload to Google, what it will show may change."""
    settled: str = ""
    """What the worker saw before the last pass, when that pass left nothing to do: equal after a
    restart, there is nothing to do either. Empty from before the first write of a pass."""
    parked_until: datetime | None = None
    parkings: int = 0
    """In a row; each parks longer."""
    proof: Proof | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys other services keep here."""

    @property
    def kept_names(self) -> frozenset[str]:
        return frozenset(self.kept.split("|")) if self.kept else frozenset()

    def to_json(self) -> dict[str, Any]:
        document = asdict(replace(self, extra={}))
        document.pop("extra")
        return {**self.extra, **_texts(document)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SyncState:
        own = set(cls.__dataclass_fields__)
        rest = {key: value for key, value in document.items() if key not in own}
        try:
            return cls(
                last_pass=_moment(document.get("last_pass")),
                last_success=_moment(document.get("last_success")),
                events=int(document.get("events", 0)),
                waiting=int(document.get("waiting", 0)),
                trouble=_trouble(document.get("trouble")),
                held=_held(document.get("held")),
                kept=str(document.get("kept", "")),
                audit_due=bool(document.get("audit_due", False)),
                awaiting_upload=bool(document.get("awaiting_upload", False)),
                settled=str(document.get("settled", "")),
                parked_until=_moment(document.get("parked_until")),
                parkings=int(document.get("parkings", 0)),
                proof=_proof(document.get("proof")),
                extra=rest,
            )
        except (KeyError, TypeError, ValueError):
            return cls(audit_due=True, extra=rest)


def _texts(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _texts(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(each) for each in value]
    return value


def _moment(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text)


def _trouble(document: Mapping[str, Any] | None) -> SyncTrouble | None:
    if not document:
        return None
    return SyncTrouble(
        kind=document["kind"],
        what=document["what"],
        remedy=document["remedy"],
        since=datetime.fromisoformat(document["since"]),
    )


def _held(document: Mapping[str, Any] | None) -> Held | None:
    if not document:
        return None
    items = tuple(
        HeldItem(
            key=item["key"],
            begins=datetime.fromisoformat(item["begins"]),
            calendar_id=item.get("calendar_id", ""),
        )
        for item in document["items"]
    )
    return Held(since=datetime.fromisoformat(document["since"]), why=document["why"], items=items)


def _proof(document: Mapping[str, Any] | None) -> Proof | None:
    if not document:
        return None
    return Proof(
        at=datetime.fromisoformat(document["at"]),
        book=int(document["book"]),
        google=int(document["google"]),
        differences=int(document["differences"]),
        imported_at=_moment(document.get("imported_at")),
    )
