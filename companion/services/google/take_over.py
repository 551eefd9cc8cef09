"""Taking over: what a calendar holds of this program's events, and whose they are.

A calendar may be kept by another installation: a computer that was lost, a second one. The marks
and stamps of its events tell (`domain/calendar_writers`); nothing else of them is read before
a person has decided. An account may also have calendars that an earlier installation made, which
bear its mark in their description; they are offered before another one is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from companion.domain.calendar_writers import MARK, EarlierCalendar
from companion.domain.differences import when
from companion.domain.errors import (
    CalendarGone,
    CalendarInUse,
    PermissionDenied,
    ScopeMissing,
)
from companion.domain.event_keys import EventKey
from companion.domain.settings import GoogleLink
from companion.services.google.account_changes import AccountChanges
from companion.services.ports import CalendarInfo, CalendarRef, Google, Ledger, MarkedEvent

_REMEDY = (
    "If that computer is no longer used, take the calendar over: what is right stays as it is, the "
    "rest is brought up to date, and nothing is there twice. By command: add --take-over."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a calendar holds of events of this program."""

    info: CalendarInfo
    events: int = 0
    theirs: int = 0
    """Of these, what another installation wrote and this one does not know."""
    last_write: datetime | None = None
    marks: tuple[str, ...] = ()
    """The most frequent first."""
    term: int = 0
    """The latest."""
    others: Mapping[str, str] = field(default_factory=dict)
    """As `SyncState.others` from now on; none are of the past where a person has to decide."""

    @property
    def offer(self) -> EarlierCalendar:
        return EarlierCalendar(
            calendar_id=self.info.id,
            name=self.info.name,
            events=self.events,
            last_write=self.last_write,
        )


class TakingOver:
    def __init__(self, google: Google, changes: AccountChanges, ledger: Ledger) -> None:
        self._google = google
        self._changes = changes
        self._ledger = ledger

    async def look(self, name: str, practitioner_id: str, info: CalendarInfo) -> Holding:
        """`name`: of the sign-in to use."""
        settings = self._changes.settings.read()
        link = settings.record(practitioner_id).google
        state = await self._ledger.state(practitioner_id)
        ref = CalendarRef(practitioner_id=practitioner_id, calendar_id=info.id)
        known = {row.event_id for row in await self._ledger.entries(ref)}
        present = info.id == link.calendar_id
        writer = settings.writer_for(link)

        def is_theirs(each: MarkedEvent) -> bool:
            if present:  # others is None: restored, and the first audit takes all for the past
                others = state.others
                return others is not None and bool(writer.overruled_by([each.stamp], others))
            if each.stamp.term:
                unknown = each.event_id not in known or each.stamp.term > ours
                return each.stamp.writer != writer.id and unknown
            return each.mark != settings.install_id and each.event_id not in known

        calendar = await self._google.calendar(name, info.id)
        found = await calendar.marked_events()
        stamps = [each.stamp for each in found]
        ours = max((each.term for each in stamps if each.writer == writer.id), default=1)
        shown = [each for each in found if not _is_no_appointment(each.key)]
        theirs = sum(map(is_theirs, shown))
        return Holding(
            info=info,
            events=len(shown),
            theirs=theirs,
            others={} if theirs else writer.last_moments(stamps),
            last_write=max((each.written_at for each in found if each.written_at), default=None),
            marks=tuple(mark for mark, _ in Counter(each.mark for each in found).most_common()),
            term=max((each.term for each in stamps), default=0),
        )

    async def earlier(self, name: str, practitioner_id: str) -> list[EarlierCalendar]:
        """Calendars that another installation made in the account, and nobody uses here."""
        practitioners = self._changes.settings.read().practitioners
        used = {each.google.calendar_id for each in practitioners.values() if each.google.account}
        begun = {
            creation.mark for each in practitioners.values() for creation in each.google.creations
        }
        found = []
        for each in await self._google.marked_calendars(name):
            if each.info.id in used or each.mark in begun:
                continue
            try:
                found.append((await self.look(name, practitioner_id, each.info)).offer)
            except (ScopeMissing, PermissionDenied, CalendarGone):  # another Google client made it
                found.append(EarlierCalendar(calendar_id=each.info.id, name=each.info.name))
        return found

    def joined(self, link: GoogleLink, holding: Holding, *, take_over: bool) -> GoogleLink:
        """The link to the calendar. Raises CalendarInUse where a person has to decide."""
        present = holding.info.id == link.calendar_id
        link = replace(link, calendar_id=holding.info.id, calendar_name=holding.info.name)
        if holding.theirs and not take_over:
            raise CalendarInUse(
                "Another installation of Calendar Companion keeps that calendar: "
                f"{self._described(holding.offer)}.",
                _REMEDY,
                offers=[holding.offer],
            )
        if present:
            more = tuple(each for each in holding.marks if each not in link.marks)
            term = max(link.term, holding.term) + 1 if holding.theirs else link.term
            return replace(link, marks=(*link.marks, *more), term=term)
        term = holding.term + 1 if holding.theirs else max(1, holding.term)
        return replace(link, marks=holding.marks or (MARK,), term=term)

    def in_use(self, offers: Sequence[EarlierCalendar]) -> CalendarInUse:
        named = " and ".join(self._described(each) for each in offers)
        count = "a calendar" if len(offers) == 1 else f"{len(offers)} calendars"
        return CalendarInUse(
            f"This Google account already has {count} made by Calendar Companion: {named}.",
            f"{_REMEDY} To make another calendar all the same: --new-calendar NAME.",
            offers=offers,
        )

    def _described(self, offer: EarlierCalendar) -> str:
        """``“Appointments” (500 events, last written on Tue 3 March 09:41)``."""
        if offer.events is None:
            return f"“{offer.name}”"
        said = f"{offer.events} event{'' if offer.events == 1 else 's'}"
        if offer.last_write is not None:
            timezone = self._changes.settings.read().practice.timezone
            said += f", last written on {when(offer.last_write, timezone)}"
        return f"“{offer.name}” ({said})"


def _is_no_appointment(key: str) -> bool:
    parsed = EventKey.parse(key)
    return parsed.is_notice or parsed.is_probe
