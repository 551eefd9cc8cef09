"""What is looked at in the Appointment Book, and how it stands in the address.

The address names what survives a reload and what a link may lead to; the location, which may be
somebody's words, stays out of it and is kept for the tab (`memory.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from companion.domain.appointments import Occurrence
from companion.services.book.view import BookEntry
from companion.web.ui import formatting

VIEWS = {"day": "Day", "week": "Week", "workweek": "Work week", "month": "Month", "list": "List"}
OF_ONE = frozenset({"week", "workweek", "month"})
"""Views of one practitioner."""


@dataclass(slots=True, kw_only=True)
class ShownView:
    """Of one open page."""

    day: date
    view: str = "day"
    narrow: bool = False
    """The window is wide enough for the list only."""
    who: list[str] = field(default_factory=list)
    """Practitioner ids in day and list; empty for everyone."""
    one: str = ""
    """The practitioner of the views of one."""
    location: str = ""
    cancelled: bool = True
    """Show cancelled ones, struck through."""

    @classmethod
    def of(
        cls,
        *,
        day: str,
        view: str,
        who: str,
        one: str,
        cancelled: str,
        today: date,
        known: Sequence[str],
    ) -> ShownView:
        """As an address names it; what it does not name, or wrongly, is as usual. `known`: the
        practitioners this person may see."""
        try:
            shown = date.fromisoformat(day)
        except ValueError:
            shown = today
        several = [each for each in who.split(",") if each in known]
        return cls(
            day=shown,
            view=view if view in VIEWS else "day",
            who=several,
            one=one if one in known else next(iter(several or known), ""),
            cancelled=cancelled != "0",
        )

    def address(self) -> str:
        named = {"day": self.day.isoformat(), "view": self.view}
        if self.who:
            named["who"] = ",".join(self.who)
        if self.view in OF_ONE:
            named["one"] = self.one
        if not self.cancelled:
            named["cancelled"] = "0"
        return f"/book?{urlencode(named, safe=',')}"

    @property
    def shown_view(self) -> str:
        return "list" if self.narrow else self.view

    def shows(self, entry: BookEntry) -> bool:
        if entry.shown.cancelled and not self.cancelled:
            return False
        return not self.location or entry.occurrence.location == self.location

    def revealing(self, occurrence: Occurrence, *, cancelled: bool) -> ShownView:
        """The same, but for what hides that occurrence."""
        who = occurrence.appointment.practitioner_id
        return replace(
            self,
            day=occurrence.start.date(),
            one=who,
            who=[*self.who, who] if self.who and who not in self.who else list(self.who),
            location=self.location if self.location == occurrence.location else "",
            cancelled=self.cancelled or cancelled,
        )

    def span(self) -> tuple[date, date]:
        """First and last day on screen."""
        view = self.shown_view
        if view not in OF_ONE:
            return self.day, self.day
        first = self.day.replace(day=1) if view == "month" else self.day
        monday = first - timedelta(days=first.weekday())
        if view == "month":
            return monday, monday + timedelta(days=41)
        return monday, monday + timedelta(days=4 if self.view == "workweek" else 6)

    def step(self, by: int) -> date:
        """The day after turning over `by` pages; of a month its first."""
        if self.shown_view == "month":
            months = self.day.year * 12 + self.day.month - 1 + by
            return date(months // 12, months % 12 + 1, 1)
        return self.day + timedelta(days=7 * by if self.shown_view in OF_ONE else by)

    def title(self) -> str:
        if self.shown_view == "month":
            return f"{self.day:%B} {self.day.year}"
        first, last = self.span()
        if first == last:
            return f"{first:%A} {first.day} {first:%B} {first.year}"
        month = f" {first:%b}" if first.month != last.month else ""
        return f"{first.day}{month} – {last.day} {last:%B} {last.year}"

    def short_title(self) -> str:
        first, last = self.span()
        if self.shown_view == "month":
            return self.title()
        if first == last:
            return formatting.day(first, year=True)
        month = f" {first:%b}" if first.month != last.month else ""
        return f"{first.day}{month} – {last.day} {last:%b} {last.year}"
