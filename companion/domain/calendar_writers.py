"""CalendarWriter: the one installation that writes to a calendar, and how its writes are known.

Every event of ours bears a mark that is the same for every installation, so that each of them finds
the events of all. Every write adds a stamp: the writer's term, its id, and when. The term rises
whenever a person puts an installation in charge of the calendar. So of two installations

- the one of the lower term stops as soon as it sees a stamp of the higher one;
- in the same term, as after a restore while the old computer is left on, the one that finds newer
  writes of the other stops. Moments of one writer's clock are compared with each other, never the
  clocks of two computers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MARK: Final = "1"
"""Until version 9 of the settings it was the id of the installation."""


@dataclass(frozen=True, slots=True)
class WriterStamp:
    """Who wrote an event last, and when; as text ``2 9f3ac1 2026-11-24T09:41:07.250Z``."""

    term: int = 0
    """0 where nobody has stamped it."""
    writer: str = ""
    at: str = ""
    """By the writer's own clock, in UTC; texts are in the order of the moments."""

    @classmethod
    def parse(cls, text: str) -> WriterStamp:
        """What is no stamp reads as none."""
        term, _, rest = text.partition(" ")
        writer, _, at = rest.partition(" ")
        known = term.isascii() and term.isdigit() and len(term) < 10 and writer and at
        return cls(int(term), writer, at) if known else cls()

    def __str__(self) -> str:
        return f"{self.term} {self.writer} {self.at}" if self.term else ""

    @property
    def moment(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self.at).astimezone(UTC)
        except ValueError:
            return None


UNSTAMPED: Final = WriterStamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWriter:
    """This installation, for one calendar."""

    id: str
    term: int = 1
    marks: tuple[str, ...] = (MARK,)
    """The first is written, and is part of event ids; what bears any of them is ours."""

    @property
    def mark(self) -> str:
        return self.marks[0]

    def stamp(self, now: datetime) -> WriterStamp:
        if not self.id:
            return UNSTAMPED
        text = now.astimezone(UTC).isoformat(timespec="milliseconds")
        return WriterStamp(self.term, self.id, text.replace("+00:00", "Z"))

    def wrote(self, stamp: WriterStamp) -> bool:
        return stamp.writer == self.id and stamp.term <= self.term

    def overruled_by(
        self, stamps: Iterable[WriterStamp], known: Mapping[str, str]
    ) -> WriterStamp | None:
        """The latest write by which another installation took the calendar over. `known`: last
        moments by writer, as in `last_moments`, of writes from before this one began."""
        return max(
            (
                each
                for each in stamps
                if each.term > self.term
                or (
                    each.term == self.term
                    and each.writer != self.id
                    and each.at > known.get(each.writer, "")
                )
            ),
            key=lambda each: (each.term, each.at),
            default=None,
        )

    def last_moments(self, stamps: Iterable[WriterStamp]) -> dict[str, str]:
        """Of every other writer."""
        found: dict[str, str] = {}
        for each in stamps:
            if each.writer and each.writer != self.id:
                found[each.writer] = max(each.at, found.get(each.writer, ""))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCalendar:
    """A calendar that another installation of this program made, or wrote events of ours to."""

    calendar_id: str
    name: str
    events: int | None = None
    """None where they cannot be read with the permission given."""
    last_write: datetime | None = None


NOBODY: Final = CalendarWriter(id="")
"""For calendars that are only looked at."""
