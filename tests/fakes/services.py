"""The whole application on fakes: the real services over in-memory stores and a Google in memory.

What the pages are tested on, and a quick way to look at them: nothing here reads a disk but the
import of a file, and nothing reaches a network.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from companion.adapters.icalendar import IcalendarWriter
from companion.domain.appointments import Appointment, Practitioner
from companion.domain.settings import PracticeSettings, PractitionerSettings, Settings
from companion.domain.users import Role, User
from companion.sandbox.sample import SamplePractice, sample_practice
from companion.services.assembly import Application, build
from companion.services.changes import Changes
from companion.services.google.consents import CalendarChoice
from companion.services.home_ports import Ports
from companion.services.maintenance.all_backups import BackupPorts
from companion.services.ports import BookChange, Clock, Google
from companion.services.sources.remote import RemoteSources, by_name
from tests.fakes.accounts import MemorySessions, PlainPasswords
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.desktop import FakeDesktop
from tests.fakes.feeds import MemoryKept
from tests.fakes.google import FakeGoogle
from tests.fakes.locks import FreeLocks
from tests.fakes.maintenance import (
    FakeProbes,
    FakeRestoring,
    FakeRights,
    MemoryBackupNotes,
    copy_words,
    nowhere,
    quick_archive,
)
from tests.fakes.network import FakeNetwork
from tests.fakes.notices import FakeWays
from tests.fakes.practice import FakePractice
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.sources import FakeLinks, MemoryNotes
from tests.fakes.stores import MemoryActivity, MemoryLedger, MemoryStores
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
    """Virtual time while an application is filled; real seconds from `start` on, for a browser."""

    def __init__(self, *, begun: datetime = TUESDAY) -> None:
        self.begun = begun
        self._virtual = FakeClock(begun)
        self._offset: float | None = None

    def start(self) -> None:
        self._offset = self._virtual.monotonic() - time.monotonic()

    def now(self) -> datetime:
        return self.begun + timedelta(seconds=self.monotonic())

    def shift(self, seconds: float) -> None:
        """Virtual time passes at once."""
        self._virtual.shift(seconds)

    def monotonic(self) -> float:
        if self._offset is None:
            return self._virtual.monotonic()
        return time.monotonic() + self._offset

    async def sleep(self, seconds: float) -> None:
        await (self._virtual if self._offset is None else asyncio).sleep(seconds)


class ApplicationStores(MemoryStores):
    """What a home's database is asked besides."""

    async def integrity(self) -> str:
        return "ok"

    async def backup_to(self, path: Path) -> None:
        await copy_words(path)

    async def check_copy(self, path: Path) -> int:
        assert await asyncio.to_thread(path.exists)
        return await self.book.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeApplication:
    services: Application
    clock: Clock
    settings: FakeSettings
    google: FakeGoogle
    book: MemoryBook
    ledger: MemoryLedger
    activity: MemoryActivity
    secrets: FakeSecrets
    links: FakeLinks
    probes: FakeProbes
    desktop: FakeDesktop
    rights: FakeRights
    ways: FakeWays
    home: Path
    restoring: FakeRestoring

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
    remotes: RemoteSources | None = None,
    google_of: Callable[[FakeSecrets], Google] | None = None,
    shared: FakePractice | None = None,
) -> FakeApplication:
    """With the people of `practice` (none: nobody yet); its appointments are not in the book.

    `user_rate`: Google's requests a second; low ones make an upload longer. `remotes`: None for
    links of a fake. `google_of`: another Google than the one in memory, made with the secrets.
    `shared`: the practice of several workstations that this is one of."""
    clock = clock or FakeClock(TUESDAY)
    changes = Changes()
    settings = FakeSettings(_settings(practice, user_rate), changes)
    secrets, probes, numbers = FakeSecrets(), FakeProbes(), itertools.count(1)
    desktop = FakeDesktop()
    rights = FakeRights()
    ways = FakeWays()
    google = FakeGoogle(secrets=secrets, now=clock.now)
    stores = ApplicationStores(changes)
    links = FakeLinks()
    backup_room = FakeRestoring()
    ports = Ports(
        home=home or nowhere(),
        clock=clock,
        changes=changes,
        settings=settings,
        stores=stores,
        secrets=secrets,
        google=google_of(secrets) if google_of else google,
        workbooks=InlineWorkbooks(clock),
        own_layouts=tuple,
        feed_writer=IcalendarWriter(INSTALL),
        feed_files=MemoryKept(),
        source_notes=MemoryNotes(),
        remotes=remotes or by_name(links),
        sync_locks=FreeLocks(),
        passwords=PlainPasswords(),
        sessions=MemorySessions(),
        network=FakeNetwork(),
        probes=probes,
        home_rights=rights,
        backups=BackupPorts(
            sealing=quick_archive(),
            notes=MemoryBackupNotes(),
            another_disk=lambda folder, _home: folder.name != "same disk",
            restoring=backup_room,
            apart=backup_room.restore,
        ),
        desktop=desktop,
        notices=ways.ways(),
        version="1.2.3",
        log_name="companion.log",
        practice=shared,
        server=shared.server if shared else None,
        chance=random.Random(1),
        new_id=lambda: str(next(numbers)),
    )
    services = build(ports)
    services.reachability.listener_status.host = "0.0.0.0"  # noqa: S104 - as the listener says once it runs
    return FakeApplication(
        services=services,
        clock=clock,
        settings=settings,
        google=google,
        book=stores.book,
        ledger=stores.ledger,
        activity=stores.activity,
        secrets=secrets,
        links=links,
        probes=probes,
        desktop=desktop,
        rights=rights,
        ways=ways,
        home=ports.home,
        restoring=backup_room,
    )


def _settings(practice: SamplePractice | None, user_rate: float) -> Settings:
    rates = PracticeSettings(user_rate=user_rate, project_rate=max(user_rate, 166.0))
    if practice is None:
        return Settings(install_id=INSTALL, practice=rates)
    settings = Settings(
        install_id=INSTALL,
        practice=replace(rates, name=practice.name, timezone=practice.timezone),
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
    *,
    clock: Clock | None = None,
    user_rate: float = 100.0,
    home: Path | None = None,
    shared: FakePractice | None = None,
) -> FakeApplication:
    """The sample practice in use: some are connected and up to date, one is held, some are not
    connected; a feed link; an import on record."""
    sample = the_sample()
    application = fake_application(
        sample, clock=clock, user_rate=user_rate, home=home, shared=shared
    )
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
