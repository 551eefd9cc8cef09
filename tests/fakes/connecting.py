"""A Connecting service with everything around it in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from companion.domain.appointments import Practitioner
from companion.domain.event_keys import event_id
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import LedgerEntry
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.google.connecting import Connecting
from companion.services.google.consents import CalendarChoice
from companion.services.google.joining import Connected
from companion.services.ports import CalendarRef, InsertEvent
from companion.services.sync.snapshot import NamedLocks
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle
from tests.fakes.google_calendar import FakeRemoteCalendar
from tests.fakes.keys import key_text
from tests.fakes.ledger_rows import row_of
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryLedger
from tests.fakes.syncing import connecting_over

ZOE, MAX = "zoe@example.com", "max@example.com"


BACK = "http://127.0.0.1:8080/oauth/callback"


INSTALL = "0123456789abcdef"


TOKEN = "google/token/zoe"


KEY = key_text()
"""Of the practice's service account, where a test adds it."""


CLIENT = json.dumps({"installed": {"project_id": "riverside-physio"}}).encode()


def person(practitioner_id: str, name: str) -> PractitionerSettings:
    return PractitionerSettings(practitioner=Practitioner(id=practitioner_id, name=name))


class Fixture:
    """A Connecting service with everything around it in memory."""

    def __init__(self) -> None:
        self.words = (f"word{number}" for number in itertools.count())
        self.clock = FakeClock()
        self.secrets = FakeSecrets()
        self.secrets.kept["google/client"] = CLIENT.decode()
        self.google = FakeGoogle(secrets=self.secrets, now=self.clock.now)
        settings = Settings(install_id=INSTALL)
        for record in (person("zoe", "Zoë O'Brien-Nguyễn"), person("max", "Max Muster")):
            settings = settings.with_practitioner(record)
        self.settings = FakeSettings(settings)
        self.ledger = MemoryLedger()
        self.activity = MemoryActivity()
        self.service = self.new_service()

    @classmethod
    def elsewhere(cls, other: Fixture) -> Fixture:
        """Another installation, on another computer, at the same Google."""
        made = cls()
        made.clock = other.clock
        made.settings.current = replace(made.settings.current, install_id="fedcba9876543210")
        made.google.now = other.clock.now
        made.words = (f"elsewhere{number}" for number in itertools.count())
        for name in ("calendars_by_id", "owners", "made_by_us", "marks", "_numbers"):
            setattr(made.google, name, getattr(other.google, name))
        made.service = made.new_service()
        return made

    def new_service(self, locks: NamedLocks | None = None) -> Connecting:
        """As after a restart of the program."""
        return connecting_over(
            google=self.google,
            settings=self.settings,
            secrets=self.secrets,
            ledger=self.ledger,
            activity=self.activity,
            clock=self.clock,
            locks=locks,
            random_word=lambda: next(self.words),
        )

    def record(self, practitioner_id: str = "zoe") -> PractitionerSettings:
        return self.settings.read().practitioners[practitioner_id]

    async def connect(
        self,
        practitioner_id: str = "zoe",
        *,
        account: str = ZOE,
        login: str = "",
        calendar: CalendarChoice | None = None,
        untick: Sequence[str] = (),
    ) -> Connected:
        start = await self.service.begin(
            practitioner_id, login=login, calendar=calendar, redirect_uri=BACK
        )
        return await self.service.finish(self.google.consent(start.url, account, untick=untick))

    def calendar(self, practitioner_id: str = "zoe") -> FakeRemoteCalendar:
        return self.google.calendars_by_id[self.record(practitioner_id).google.calendar_id]

    async def upload(self, count: int, *, noted: bool = True) -> None:
        """Events in Zoë's calendar, with ledger rows when `noted`."""
        link = self.record().google
        for number in range(count):
            start = datetime(2026, 3, 3, tzinfo=UTC) + timedelta(hours=number)
            event = CalendarEvent(
                key=f"k{number}",
                start=start,
                end=start + timedelta(minutes=30),
                timezone="Australia/Sydney",
                summary="ZO",
            )
            writer = self.settings.read().writer_for(link)
            wanted = event_id(writer.mark, link.calendar_id, event.key, 0)
            await self.calendar().write([InsertEvent(event_id=wanted, event=event)], writer)
            if noted:
                await self.ledger.write(self.ref, put=[entry(event, wanted)])

    @property
    def ref(self) -> CalendarRef:
        return CalendarRef(practitioner_id="zoe", calendar_id=self.record().google.calendar_id)


def entry(event: CalendarEvent, wanted: str) -> LedgerEntry:
    return row_of(event, event_id=wanted, content_hash="")


def existing(calendar_id: str) -> CalendarChoice:
    return CalendarChoice(kind="existing", calendar_id=calendar_id)


NEW = CalendarChoice(kind="new")


LIST = CalendarChoice(kind="list")


def asked_scopes(fixture: Fixture, url: str) -> set[str]:
    scopes = parse_qs(urlsplit(url).query)["scope"][0].split()
    return set(scopes) - {"openid", "email"}
