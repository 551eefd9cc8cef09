"""The whole house on fakes: the real services over in-memory stores and a Google in memory.

What the pages are tested on, and a quick way to look at them: nothing here reads a disk but the
import of a file, and nothing reaches a network.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from companion.adapters.icalendar import CalendarWriter
from companion.adapters.tabular.tables import TableFiles
from companion.domain.appointments import Appointment, Practitioner
from companion.domain.event_keys import OWN_ID
from companion.domain.settings import Practice, PractitionerSettings, Settings
from companion.domain.users import Role, User
from companion.sandbox.sample import SamplePractice, sample_practice
from companion.services.accounts.accounts import Accounts
from companion.services.application import Services
from companion.services.book.availability import Availability
from companion.services.book.booking import Booking
from companion.services.book.view import BookView
from companion.services.changes import Changes
from companion.services.feeds.feeds import Feeds
from companion.services.feeds.reachability import ListenerStatus, Reachability
from companion.services.google.connecting import CalendarChoice, Connecting
from companion.services.imports.importing import Importing
from companion.services.maintenance.backup import Backups
from companion.services.maintenance.doctor import Doctor
from companion.services.maintenance.findings import CheckContext
from companion.services.maintenance.support import Support
from companion.services.ports import BookChange, Clock
from companion.services.settings.practitioners import Practitioners
from companion.services.settings.setup import Setup
from companion.services.settings.transfer import SettingTransfer
from companion.services.sources.sources import Sources
from companion.services.sources.watching import Watching
from companion.services.status import Status
from companion.services.sync.auditing import Auditing
from companion.services.sync.pacing import Pacer
from companion.services.sync.snapshot import SyncParts
from companion.services.sync.staleness import Staleness
from companion.services.sync.syncing import Syncing
from companion.services.sync.worker import Worker
from tests.fakes.accounts import MemorySessions, PlainPasswords
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import MemoryKept
from tests.fakes.google import FakeGoogle
from tests.fakes.maintenance import FakeProbes, answering, copy_words, nowhere, quick_archive
from tests.fakes.network import FakeNetwork
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.sources import MemoryNotes
from tests.fakes.stores import MemoryActivity, MemoryBook, MemoryFeeds, MemoryLedger
from tests.fakes.workbooks import InlineWorkbooks

INSTALL = "0123456789abcdef"
SYDNEY = "Australia/Sydney"
TUESDAY = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
"""Tuesday 24 November 2026, 09:30 in Sydney."""
PASSWORD = "tram violet anchor"
ADMINISTRATOR = User(
    id="robin", name="Alex", role=Role.ADMINISTRATOR, password=f"plain1${PASSWORD}"
)
"""Of every practice that has people."""
CLIENT_FILE = (
    b'{"installed": {"client_id": "practice.apps.example", "client_secret": "made-up",'
    b' "project_id": "banksia-calendar", "auth_uri": "https://accounts.google.com/o/oauth2/auth",'
    b' "token_uri": "https://oauth2.googleapis.com/token"}}'
)


class RunningClock:
    """Virtual time while a house is furnished; real seconds from `start` on, for a browser."""

    def __init__(self) -> None:
        self._virtual = FakeClock(TUESDAY)
        self._offset: float | None = None

    def start(self) -> None:
        self._offset = self._virtual.monotonic() - time.monotonic()

    def now(self) -> datetime:
        return TUESDAY + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        if self._offset is None:
            return self._virtual.monotonic()
        return time.monotonic() + self._offset

    async def sleep(self, seconds: float) -> None:
        await (self._virtual if self._offset is None else asyncio).sleep(seconds)


class FreeLocks:
    """Turns among processes, where there is only one."""

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeApplication:
    services: Services
    clock: Clock
    settings: FakeSettings
    google: FakeGoogle
    book: MemoryBook
    ledger: MemoryLedger
    activity: MemoryActivity
    secrets: FakeSecrets
    probes: FakeProbes
    home: Path

    async def write(self, *appointments: Appointment, remove: Sequence[str] = ()) -> None:
        await self.book.apply(BookChange(put=appointments, remove=remove), self.clock.now())

    async def connect(self, practitioner_id: str, account: str) -> None:
        """As a person would: begin, allow at Google, come back."""
        start = await self.services.connecting.begin(
            practitioner_id,
            calendar=CalendarChoice(kind="new", name="Appointments"),
            redirect_uri="http://127.0.0.1:8080/oauth/callback",
        )
        await self.services.connecting.finish(self.google.consent(start.url, account))


def fake_application(
    practice: SamplePractice | None = None,
    *,
    clock: Clock | None = None,
    user_rate: float = 100.0,
    home: Path | None = None,
) -> FakeApplication:
    """With the people of `practice` (none: nobody yet); its appointments are not in the book.

    `user_rate`: Google's requests a second; low ones make an upload longer."""
    clock = clock or FakeClock(TUESDAY)
    changes = Changes()
    settings = FakeSettings(_settings(practice), changes)
    book, ledger = MemoryBook(changes), MemoryLedger(changes)
    activity, store = MemoryActivity(changes), MemoryFeeds(changes)
    secrets = FakeSecrets()
    google = FakeGoogle(secrets=secrets, install=INSTALL)
    numbers = itertools.count(1)
    staleness = Staleness(book=book, ledger=ledger, settings=settings, clock=clock)
    syncing = Syncing(
        SyncParts(
            book=book,
            ledger=ledger,
            settings=settings,
            google=google,
            activity=activity,
            locks=FreeLocks(),
            pacer=Pacer(clock, user_rate=user_rate, project_rate=max(user_rate, 166.0)),
            clock=clock,
            chance=random.Random(1),
            stale_since=staleness.for_google,
        ),
        changes,
    )
    auditing = Auditing(syncing=syncing, ledger=ledger, settings=settings)
    practitioners = Practitioners(settings=settings, book=book, clock=clock)
    home, probes = home or nowhere(), FakeProbes()
    importing = Importing(
        book=book,
        settings=settings,
        practitioners=practitioners,
        reader=TableFiles(InlineWorkbooks()),
        activity=activity,
        clock=clock,
    )
    notes = MemoryNotes()
    reachability = Reachability(
        settings=settings,
        feeds=store,
        network=FakeNetwork(),
        probes=probes,
        clock=clock,
        port=8090,
        door=ListenerStatus(host="0.0.0.0"),  # noqa: S104 - a word
    )
    connecting = Connecting(
        google=google,
        settings=settings,
        secrets=secrets,
        ledger=ledger,
        activity=activity,
        clock=clock,
        syncing=syncing,
    )
    services = Services(
        clock=clock,
        changes=changes,
        settings=settings,
        book=book,
        activity=activity,
        practitioners=practitioners,
        importing=importing,
        sources=Sources(
            settings=settings, notes=notes, importing=importing, spool=home / "watched"
        ),
        watching=Watching(
            settings=settings,
            notes=notes,
            importing=importing,
            book=book,
            activity=activity,
            clock=clock,
            spool=home / "watched",
        ),
        connecting=connecting,
        syncing=syncing,
        auditing=auditing,
        feeds=Feeds(
            book=book,
            settings=settings,
            store=store,
            secrets=secrets,
            activity=activity,
            clock=clock,
            changes=changes,
            writer=CalendarWriter(INSTALL),
            kept=MemoryKept(),
            listener=reachability.listener,
            stale_since=staleness.since,
        ),
        reachability=reachability,
        status=Status(
            settings=settings,
            book=book,
            ledger=ledger,
            feeds=store,
            activity=activity,
            syncing=syncing,
            clock=clock,
            staleness=staleness,
        ),
        worker=Worker(
            syncing=syncing,
            auditing=auditing,
            book=book,
            settings=settings,
            clock=clock,
            chance=random.Random(1),
            changes=changes,
            staleness=staleness,
        ),
        booking=Booking(
            book=book,
            settings=settings,
            clock=clock,
            identity=lambda: f"{OWN_ID}{next(numbers)}",
        ),
        book_view=BookView(book=book, settings=settings, ledger=ledger, feeds=store, clock=clock),
        availability=Availability(settings=settings),
        doctor=Doctor(
            CheckContext(
                settings=settings,
                book=book,
                ledger=ledger,
                feeds=store,
                secrets=secrets,
                google=google,
                connecting=connecting,
                probes=probes,
                clock=clock,
                home=home,
                program="1.2.3",
                integrity=answering("ok"),
                set_secrets_aside=secrets.set_aside,
                listener=reachability.listener,
            )
        ),
        support=Support(
            settings=settings,
            book=book,
            ledger=ledger,
            feeds=store,
            activity=activity,
            secrets=secrets,
            versions=probes.versions,
            clock=clock,
            home=home,
            program="1.2.3",
            log_name="companion.log",
        ),
        backups=Backups(
            settings=settings,
            book=book,
            feeds=store,
            secrets=secrets,
            activity=activity,
            copy_database=copy_words,
            sealing=quick_archive(),
            clock=clock,
            home=home,
            program="1.2.3",
        ),
        transfer=SettingTransfer(settings=settings, clock=clock),
        setup=Setup(settings, clock),
        accounts=Accounts(
            settings=settings,
            passwords=PlainPasswords(),
            sessions=MemorySessions(),
            activity=activity,
            clock=clock,
        ),
    )
    return FakeApplication(
        services=services,
        clock=clock,
        settings=settings,
        google=google,
        book=book,
        ledger=ledger,
        activity=activity,
        secrets=secrets,
        probes=probes,
        home=home,
    )


def _settings(practice: SamplePractice | None) -> Settings:
    if practice is None:
        return Settings(install_id=INSTALL)
    settings = Settings(
        install_id=INSTALL, practice=Practice(name=practice.name, timezone=practice.timezone)
    )
    for person in practice.practitioners:
        settings = settings.with_practitioner(PractitionerSettings(practitioner=person))
    return settings.with_user(ADMINISTRATOR)


@functools.cache
def the_sample() -> SamplePractice:
    """Of its imported appointments those of a few weeks: enough to see, quickly written."""
    whole = sample_practice(TUESDAY.astimezone(ZoneInfo(SYDNEY)).date(), SYDNEY)
    days = (TUESDAY + timedelta(days=-7)).date(), (TUESDAY + timedelta(days=12)).date()
    near = tuple(each for each in whole.imported if days[0] <= each.start.date() <= days[1])
    return replace(whole, imported=near)


def crowd(count: int) -> SamplePractice:
    """The sample practice with `count` invented people instead of its six."""
    sample = the_sample()
    people = tuple(
        Practitioner(id=f"person-{number}", name=f"Practitioner {number:03}", timezone=SYDNEY)
        for number in range(count)
    )
    return replace(sample, practitioners=people)


async def lived_in(
    *, clock: Clock | None = None, user_rate: float = 100.0, home: Path | None = None
) -> FakeApplication:
    """The sample practice in use: some are connected and up to date, one is held, some are not
    connected; a feed link; an import on record."""
    sample = the_sample()
    application = fake_application(sample, clock=clock, user_rate=user_rate, home=home)
    await application.services.connecting.set_client(CLIENT_FILE)
    await application.write(*sample.appointments)
    for person in sample.practitioners[:4]:
        await application.connect(person.id, person.email)
        await application.services.syncing.run(person.id, cause="upload", audit=True)
    held = sample.practitioners[1].id
    theirs = [each.id for each in sample.appointments if each.practitioner_id == held]
    await application.write(remove=theirs)
    await application.services.syncing.run(held, cause="worker")
    application.google.revoked.add(sample.practitioners[2].email)
    await application.write(replace(_one_of(sample, 2), location="Room 9"))
    await application.services.syncing.run(sample.practitioners[2].id, cause="worker")
    await application.services.feeds.add(sample.practitioners[0].id, label="Work phone")
    await asyncio.sleep(0)
    return application


def _one_of(sample: SamplePractice, place: int) -> Appointment:
    identity = sample.practitioners[place].id
    mine = (each for each in sample.imported if each.practitioner_id == identity)
    return next(each for each in mine if each.start.date() > TUESDAY.date())
