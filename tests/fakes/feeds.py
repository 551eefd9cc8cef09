"""A whole Feeds on in-memory stores, with an invented practice of as many people as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from companion.adapters.icalendar import IcalendarWriter
from companion.domain.appointments import Appointment, AppointmentKind, Practitioner
from companion.domain.settings import PracticeSettings, PractitionerSettings, Settings, SyncChoices
from companion.domain.tokens import token_digest
from companion.services.feeds.answers import Poll
from companion.services.feeds.bodies import FeedBodies
from companion.services.feeds.feeds import Feeds
from companion.services.ports import BookChange
from tests.fakes.book_store import MemoryBook
from tests.fakes.changes import LossyChanges
from tests.fakes.clock import FakeClock
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryFeeds

INSTALL = "0123456789abcdef"
SYDNEY = "Australia/Sydney"
NOON = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Monday 2 March 2026, midday in Sydney."""
TODAY = datetime(2026, 3, 2)  # noqa: DTZ001 - wall time


class MemoryKept:
    """A KeptFeeds."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}

    async def keep(self, name: str, token: str, content: bytes) -> None:
        self.files[name] = (token, content)

    async def last(self, name: str, token: str) -> bytes | None:
        owner, content = self.files.get(name, ("", b""))
        return content if owner == token and content else None

    async def drop(self, name: str) -> None:
        self.files.pop(name, None)


class CountingBook(MemoryBook):
    """Counts what is read and can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.fault: Exception | None = None

    def _note(self, what: str) -> None:
        self.reads.append(what)
        if self.fault is not None:
            raise self.fault

    async def appointments(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> list[Appointment]:
        self._note("appointments")
        return await super().appointments(practitioner_id, start, end)

    async def appointment(self, appointment_id: str) -> Appointment | None:
        self._note("appointment")
        return await super().appointment(appointment_id)

    async def revisions(self) -> Any:
        self._note("revisions")
        return await super().revisions()

    async def versions(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> dict[str, int]:
        self._note("versions")
        found = await MemoryBook.appointments(self, practitioner_id, start, end)
        return {each.id: each.revision for each in found}


class CountingFeeds(MemoryFeeds):
    def __init__(self) -> None:
        super().__init__()
        self.fault: Exception | None = None

    async def links(self, practitioner_id: str | None = None) -> Any:
        if self.fault is not None:
            raise self.fault
        return await super().links(practitioner_id)

    async def by_token_hash(self, token_hash: bytes) -> Any:
        if self.fault is not None:
            raise self.fault
        return await super().by_token_hash(token_hash)


def practice(*people: str, timezone: str = SYDNEY, **choices: Any) -> Settings:
    """Settings with these practitioners, their ids being their names in lower case."""
    settings = Settings(install_id=INSTALL, practice=PracticeSettings(name="Harbour Allied Health"))
    for name in people or ("Avery",):
        who = Practitioner(id=name.lower(), name=name, timezone=timezone, colour="#2a9d8f")
        record = PractitionerSettings(practitioner=who, choices=SyncChoices(**choices))
        settings = settings.with_practitioner(record)
    return settings


def visit(number: int, start: datetime = TODAY, **changes: Any) -> Appointment:
    """A client's half hour, `number` half hours after `start`."""
    begins = start + timedelta(minutes=30 * number)
    made = Appointment(
        id=f"{number:026x}",
        practitioner_id="avery",
        kind=AppointmentKind.CLIENT,
        start=begins,
        end=begins + timedelta(minutes=30),
        timezone=SYDNEY,
        appointment_type="Standard consultation",
        client_id=str(4000 + number),
        client_first_name="Marigold",
        client_last_name="Quillfeather",
        location="Room 2, Harbour St",
    )
    return replace(made, **changes)


@dataclass(kw_only=True)
class FeedApplication:
    changes: LossyChanges = field(default_factory=LossyChanges)
    settings: FakeSettings = field(default_factory=lambda: FakeSettings(practice()))
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON, auto=False))
    book: CountingBook = field(default_factory=CountingBook)
    store: CountingFeeds = field(default_factory=CountingFeeds)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    activity: MemoryActivity = field(default_factory=MemoryActivity)
    kept: MemoryKept = field(default_factory=MemoryKept)
    size_limit: int = 900_000
    memory: int = 64_000_000
    stale_since: Callable[[str], datetime | None] = lambda _who: None
    reachable: bool = True
    """Whether the server of a shared practice is."""
    feeds: Feeds = field(init=False)
    writer: IcalendarWriter = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """The process, on the stores as they are."""
        self.changes.forget_subscribers()
        self.settings.publishes_to = self.changes
        self.book.publishes_to = self.changes
        self.store.publishes_to = self.changes
        self.writer = IcalendarWriter(INSTALL)
        bodies = FeedBodies(
            book=self.book,
            writer=self.writer,
            size_limit=self.size_limit,
            memory=self.memory,
        )
        self.feeds = Feeds(
            book=self.book,
            settings=self.settings,
            store=self.store,
            secrets=self.secrets,
            activity=self.activity,
            clock=self.clock,
            changes=self.changes,
            writer=self.writer,
            kept=self.kept,
            listener=lambda: ("192.168.20.7", 8090),
            stale_since=self.stale_since,
            bodies=bodies,
            reachable=lambda: self.reachable,
        )

    async def write(self, *appointments: Appointment, remove: Iterable[str] = ()) -> None:
        """Change the book as another process would: nobody tells the feeds."""
        with self.changes.losing():
            await self.edit(*appointments, remove=remove)

    async def edit(self, *appointments: Appointment, remove: Iterable[str] = ()) -> None:
        """Change the book in this process."""
        await self.book.apply(BookChange(put=appointments, remove=tuple(remove)), self.clock.now())

    async def token(self, practitioner_id: str = "avery", **how: Any) -> str:
        """A new link's token."""
        _link, url = await self.feeds.add(practitioner_id, label="Work phone", **how)
        return token_of(url)


def asking(token: str, *, tags: str = "", client: str = "", gzip: bool = True) -> Poll:
    """What a phone's request says; `tags`: the bodies that it has."""
    return Poll(token_digest(token), tags=tags, gzip=gzip, client=client)


def token_of(url: str) -> str:
    return url.rpartition("/")[2].removesuffix(".ics")
