"""A clinic that fetches its appointments from a calendar's link."""

from __future__ import annotations

from pathlib import Path

from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.fetching import FetchOutcome
from companion.services.sources.notes import SourceNote
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY, fake_application

LINK = "https://calendar.example/private-3f9a/basic.ics"
HOST = "calendar.example"


def calendar(*entries: str, stamp: str = "20260303T000000Z") -> bytes:
    body = "".join(
        f"BEGIN:VEVENT\r\nDTSTAMP:{stamp}\r\n{each}\r\nEND:VEVENT\r\n" for each in entries
    )
    return f"BEGIN:VCALENDAR\r\nX-WR-CALNAME:Jo Smith\r\n{body}END:VCALENDAR\r\n".encode()


def entry(uid: str, day: int, hour: int = 9, *more: str) -> str:
    start = f"DTSTART;TZID=Australia/Sydney:202612{day:02}T{hour:02}0000"
    return "\r\n".join((f"UID:{uid}", start, "DURATION:PT45M", f"SUMMARY:Entry {uid}", *more))


def at(link: str) -> TypedPlace:
    return TypedPlace(kind="link", secret=link)


FOUR = [entry(each, day) for each, day in zip("abcd", (7, 8, 9, 10), strict=True)]


class Clinic:
    def __init__(self, home: Path) -> None:
        self.clock = FakeClock(TUESDAY, auto=False)
        self.application = fake_application(clock=self.clock, home=home)
        self.services = self.application.services
        self.links = self.application.links
        self.home = home

    async def open(self, *entries: str, **wishes: object) -> None:
        await self.services.practitioners.add("Jo Smith")
        self.links.calendars[LINK] = calendar(*(entries or FOUR))
        await self.services.fetched_sources.add("books", at(LINK), **wishes)  # type: ignore[arg-type]

    async def fetch(self) -> FetchOutcome:
        return await self.services.fetched_sources.sync("books")

    async def look(self) -> None:
        """As the background does every few seconds."""
        await self.services.watching.fetching.look("books")

    async def note(self) -> SourceNote:
        (status,) = await self.services.sources.overview()
        return status.note

    async def book(self) -> dict[str, str]:
        """What takes place, by id: its start."""
        rows = await self.application.book.source_rows("books")
        return {
            key: f"{row.start:%d %H:%M}" for key, row in sorted(rows.items()) if not row.cancelled
        }

    async def all_text(self) -> str:
        """Everything that is kept or said outside of the sealed secrets."""
        activity = await self.services.activity.recent(100)
        notes = await self.services.sources.overview()
        return f"{self.application.settings.read()} {activity} {notes}"
