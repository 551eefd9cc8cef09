"""FeedView: everything that decides what one feed shows, as one comparable value.

Two links with equal views share one body. A view holds the day, not the time: its body stays the
same until the book, a setting or the date changes. The presets are turned into a Disclosure here
and always lie under the practice's cap.

A feed is never without an event, because some clients ignore one that is: an empty period, a link
switched off and a book that is not kept up to date each say so in an all-day entry on today, which
is shown as free. Its UID stays the same and its SEQUENCE counts the days, so a client that has
yesterday's replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import ShowAs, instant
from companion.domain.client_names import ClientNames
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem
from companion.domain.errors import BadInput
from companion.domain.events import CalendarEvent
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.window import SyncWindow
from companion.services.ports import FeedDetail
from companion.services.sync.staleness import notice_words

PRESETS: Mapping[FeedDetail, Disclosure] = {
    FeedDetail.FULL: Disclosure(
        items=frozenset(
            {
                DisclosureItem.TYPE,
                DisclosureItem.LOCATION,
                DisclosureItem.NOTES,
                DisclosureItem.STATUS,
            }
        ),
        client_name=ClientName.FULL,
    ),
    FeedDetail.INITIALS: Disclosure(),
    FeedDetail.BUSY: Disclosure(items=frozenset(), client_name=ClientName.NONE, busy_only=True),
}

EMPTY = "No appointments in this period"
SWITCHED_OFF = "This phone link was switched off"
_FIRST_DAY = date(2020, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What decides an event's words: `project()`'s arguments beside the appointments."""

    practitioner_id: str
    practitioner_name: str
    window: SyncWindow
    disclosure: Disclosure
    known_names: int
    """How many names of clients free text is cleaned of: names only ever come, and any text may
    hold a new one."""
    disclosure_revision: int
    disclosure_changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    projection: Projection
    calendar_name: str
    colour: str
    """``#rrggbb`` or empty."""
    today: date
    """In the practitioner's zone."""
    stale_since: datetime | None = None
    """When the book was last kept up to date, where that is too long ago."""

    @property
    def timezone(self) -> str:
        return self.projection.window.timezone


def read_detail(text: str) -> FeedDetail:
    """As a person writes it; raises BadInput."""
    try:
        return FeedDetail(" ".join(text.split()).casefold().removeprefix("as "))
    except ValueError:
        raise BadInput(
            f'"{text[:40]}" is not a level of detail.',
            f"Use one of {', '.join(FeedDetail)}.",
            field="detail",
        ) from None


def disclosure_for(
    detail: FeedDetail,
    record: PractitionerSettings,
    settings: Settings,
    custom: Disclosure | None = None,
) -> Disclosure:
    """What `detail` shows of this practitioner's book, under the practice's cap.

    Types the practitioner masks or leaves out in Google are so in every link. `custom` is what a
    link of that detail shows; without it, initials."""
    own = settings.disclosure_of(record)
    if detail is FeedDetail.GOOGLE:
        return own
    wanted = (custom or Disclosure()) if detail is FeedDetail.CUSTOM else PRESETS[detail]
    preset = wanted.capped(settings.practice.cap)
    return Disclosure(
        kinds=preset.kinds,
        items=preset.items,
        client_name=preset.client_name,
        masked_types=preset.masked_types | own.masked_types,
        left_out_types=preset.left_out_types | own.left_out_types,
        busy_only=preset.busy_only,
    )


def view_of(
    record: PractitionerSettings,
    settings: Settings,
    *,
    detail: FeedDetail,
    custom: Disclosure | None = None,
    window: SyncWindow,
    names: ClientNames,
    now: datetime,
    stale_since: datetime | None = None,
) -> FeedView:
    who = record.practitioner
    return FeedView(
        projection=Projection(
            practitioner_id=who.id,
            practitioner_name=who.name,
            window=window,
            disclosure=disclosure_for(detail, record, settings, custom),
            known_names=len(names),
            disclosure_revision=record.disclosure_revision,
            disclosure_changed_at=record.disclosure_changed_at,
        ),
        calendar_name=calendar_name(record, settings),
        colour=who.colour,
        today=now.astimezone(ZoneInfo(window.timezone)).date(),
        stale_since=stale_since,
    )


def calendar_name(record: PractitionerSettings, settings: Settings) -> str:
    names = (record.practitioner.name, settings.practice.name)
    return " – ".join(name for name in names if name)


def notice(key: str, text: str, day: date, timezone: str) -> CalendarEvent:
    """An all-day entry of ours, shown as free; `key` is its permanent name."""
    return CalendarEvent(
        key=f"notice/{key}",
        start=day,
        end=day + timedelta(days=1),
        timezone=timezone,
        summary=text,
        show_as=ShowAs.FREE,
        private=False,
        sequence=max(0, (day - _FIRST_DAY).days),
        changed_at=instant(datetime.combine(day, time.min), timezone),
    )


def empty_notice(view: FeedView) -> CalendarEvent:
    key = f"empty/{view.projection.practitioner_id}"
    return notice(key, EMPTY, view.today, view.timezone)


def stale_notice(view: FeedView, since: datetime) -> CalendarEvent:
    """A new staleness is a new entry: its words differ."""
    key = f"stale/{view.projection.practitioner_id}/{since.isoformat()}"
    return notice(key, notice_words(since, view.timezone), view.today, view.timezone)
