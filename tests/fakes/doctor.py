"""A clinic that a doctor examines, with everything around it in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from companion.domain.appointments import Practitioner
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.google.consents import CalendarChoice
from companion.services.maintenance.doctor import Diagnosis, Doctor
from companion.services.maintenance.findings import CheckContext, Finding
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle
from tests.fakes.maintenance import FakeProbes, FakeRights, answering
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryFeeds, MemoryLedger
from tests.fakes.syncing import connecting_over

CLIENT = b'{"installed": {"project_id": "banksia-calendar"}}'


INSTALL = "0123456789abcdef"


class Clinic:
    """A practice with Anna, connected, and Ben, who is not."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.settings = FakeSettings(Settings(install_id=INSTALL))
        self.secrets = FakeSecrets()
        self.google = FakeGoogle(secrets=self.secrets)
        self.ledger, self.feeds = MemoryLedger(), MemoryFeeds()
        self.probes, self.rights = FakeProbes(), FakeRights()
        activity = MemoryActivity()
        self.connecting = connecting_over(
            google=self.google,
            settings=self.settings,
            secrets=self.secrets,
            ledger=self.ledger,
            activity=activity,
            clock=self.clock,
        )
        self.more: dict[str, Any] = {}
        for key, name in (("anna", "Anna Example"), ("ben", "Ben Muster")):
            record = PractitionerSettings(practitioner=Practitioner(id=key, name=name))
            self.settings.current = self.settings.current.with_practitioner(record)

    async def connect(self, key: str = "anna") -> None:
        await self.connecting.set_client(CLIENT)
        start = await self.connecting.begin(
            key,
            calendar=CalendarChoice(kind="new", name="Appointments"),
            redirect_uri="http://127.0.0.1:8080/oauth/callback",
        )
        await self.connecting.finish(self.google.consent(start.url, f"{key}@clinic.example"))

    def change(self, edit: Callable[[Settings], Settings]) -> None:
        self.settings.current = edit(self.settings.current)

    def change_anna(self, edit: Callable[[PractitionerSettings], PractitionerSettings]) -> None:
        self.change(lambda s: s.with_practitioner(edit(s.practitioners["anna"])))

    def practice(self, **changes: Any) -> None:
        self.change(lambda s: replace(s, practice=replace(s.practice, **changes)))

    def context(self) -> CheckContext:
        return CheckContext(
            **{
                "settings": self.settings,
                "book": MemoryBook(),
                "ledger": self.ledger,
                "feeds": self.feeds,
                "secrets": self.secrets,
                "google": self.google,
                "connecting": self.connecting,
                "probes": self.probes,
                "home_rights": self.rights,
                "clock": self.clock,
                "home": Path("home"),
                "program": "1.2.3",
                "integrity": answering("ok"),
                "listener": lambda: ("192.168.20.7", 8090),
                **self.more,
            }
        )

    async def examine(self) -> Diagnosis:
        return await Doctor(self.context()).examine()

    async def finding(self, key: str) -> Finding:
        found = {each.id: each for each in (await self.examine()).findings}
        return found[key]
