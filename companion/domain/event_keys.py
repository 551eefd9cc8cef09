"""EventKey: the permanent name of an event in the ledger, in Google and in feeds; its id in Google.

Everything but this module treats a key as opaque text. As text it is one of

    <appointment id>                        a single appointment
    <appointment id>@20260302T090000        an occurrence of a series, by its original start
    stale-notice@20260302T081200            the notice that a schedule is out of date
    test <nonce>                            the event that "Check Calendar is accessible" writes

and any of them may be followed by ``#<event id>``: a surplus event in Google that bears the key of
another one; with nothing before the ``#`` its mark was damaged. A key read from Google may be any
text, so `parse` accepts all of them, and ``str(EventKey.parse(text)) == text``.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

OWN_ID: Final = "own-"
"""What the ids of appointments entered in our own book begin with."""
NOTICE: Final = "stale-notice"
_PROBE = "test "
_PLAIN_HASH, _HEX = 26, frozenset("0123456789abcdef")
_STAMP = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class EventKey:
    owner: str
    """The appointment's id, for an event of an appointment."""
    stamp: str = ""
    """Original start in wall time, for an occurrence of a series."""
    surplus_id: str = ""
    """Google's id of an event that is not the one of its key."""

    @classmethod
    def parse(cls, text: str) -> EventKey:
        base, surplus_id = _cut(text, "#")
        owner, stamp = _cut(base, "@")
        return cls(owner, stamp, surplus_id)

    @classmethod
    def of_occurrence(cls, appointment_id: str, original_start: datetime) -> EventKey:
        """`original_start`: wall time at which the rule of the series puts it."""
        return cls(appointment_id, original_start.strftime(_STAMP))

    @classmethod
    def notice(cls, since: datetime) -> EventKey:
        """Each staleness is an event of its own, never one that Google has seen deleted."""
        return cls(NOTICE, since.strftime(_STAMP))

    @classmethod
    def probe(cls, nonce: str) -> EventKey:
        return cls(f"{_PROBE}{nonce}")

    def surplus(self, event_id: str) -> EventKey:
        return EventKey.parse(f"{self}#{event_id}")

    def __str__(self) -> str:
        stamp = f"@{self.stamp}" if self.stamp else ""
        surplus = f"#{self.surplus_id}" if self.surplus_id else ""
        return f"{self.owner}{stamp}{surplus}"

    @property
    def original_start(self) -> datetime | None:
        """Wall time; None where the key names no occurrence. Raises ValueError for no time."""
        return datetime.strptime(self.stamp, _STAMP) if self.stamp else None  # noqa: DTZ007

    @property
    def is_notice(self) -> bool:
        return self.owner == NOTICE

    @property
    def is_probe(self) -> bool:
        return self.owner.startswith(_PROBE)

    @property
    def is_damaged(self) -> bool:
        """An event of ours whose key is not known any more."""
        return bool(self.surplus_id) and not self.owner

    @property
    def may_tell_a_name(self) -> bool:
        """Of an appointment whose id was a plain hash, as ids once were: a name can be tried."""
        return len(self.owner) == _PLAIN_HASH and set(self.owner) <= _HEX

    @property
    def entered_here(self) -> bool:
        """Of an appointment that was entered in our own book."""
        return self.owner.startswith(OWN_ID)


def _cut(text: str, mark: str) -> tuple[str, str]:
    """Before and after the first `mark`; all of it before, where nothing stands after."""
    before, _, after = text.partition(mark)
    return (before, after) if after else (text, "")


def is_notice(key: str) -> bool:
    """As `EventKey.is_notice`, cheap enough for every row of a ledger."""
    return key.startswith(NOTICE) and EventKey.parse(key).is_notice


def appointment_id_of(key: str) -> str:
    return EventKey.parse(key).owner


def surplus_key(key: str, event_id: str) -> str:
    """The ledger key of an event that is not the one of its key."""
    return str(EventKey.parse(key).surplus(event_id))


def event_id(mark: str, calendar: str, key: str, generation: int) -> str:
    """Google event id: base32hex of a SHA-256, 52 characters of 0-9 a-v. `mark`: of the calendar's
    writer.

    The same inputs always give the same id, so an insert repeated after any crash is met by a
    409 instead of making a second event.
    """
    name = "\x1f".join((mark, calendar, key, str(generation)))
    digest = hashlib.sha256(name.encode()).digest()
    return base64.b32hexencode(digest).decode().rstrip("=").lower()
