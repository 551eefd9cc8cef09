"""The demo's throw-away home, filled the way a practice would fill it.

The sample practice's people are added, its export goes through the real import, its own
appointments through the book, and the simulated Google's client file through the real check.
No practitioner is connected yet: that is for the person at the screen to try. Evening appointments
come from a simulated Cliniko by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from companion.domain.settings import PractitionerSettings, Settings
from companion.sandbox.cliniko.sample import sample_account
from companion.sandbox.cliniko.service import KEY, ClinikoService
from companion.sandbox.sample import (
    SamplePractice,
    add_accounts,
    sample_export_csv,
    sample_practice,
)
from companion.sandbox.sample_names import SAMPLE_SOURCE
from companion.sandbox.server import client_file
from companion.sandbox.simulator_api import SimulatorApi
from companion.services.assembly import Application
from companion.services.ports import BookChange
from companion.services.sources.fetched_sources import TypedPlace

ZONE = "Australia/Sydney"
EXPORT = "Appointments export"
LATER_EXPORT = "Appointments export, a day later"
CLINIKO = "Cliniko (simulated)"
"""The source's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    practice: SamplePractice
    exports: Mapping[str, Path]
    """Sample files by label; the later one changes a handful of appointments."""


def rehearse(api: SimulatorApi, folder: Path, now: datetime) -> Rehearsal:
    """Give the simulated Google its accounts and write the sample exports into `folder`."""
    today: date = now.astimezone(ZoneInfo(ZONE)).date()
    practice = sample_practice(today, ZONE)
    add_accounts(api.google, practice)
    folder.mkdir(parents=True, exist_ok=True)
    exports = {
        EXPORT: folder / "appointments.csv",
        LATER_EXPORT: folder / "appointments-later.csv",
    }
    for label, path in exports.items():
        text = sample_export_csv(today, ZONE, changed=label == LATER_EXPORT)
        path.write_text(text, encoding="utf-8", newline="")
    return Rehearsal(practice=practice, exports=exports)


async def move_in(services: Application, rehearsal: Rehearsal, google_url: str) -> None:
    """Fill an empty home with the sample practice. Raises CompanionError."""
    practice = rehearsal.practice

    def add_people(settings: Settings) -> Settings:
        settings = replace(
            settings,
            practice=replace(settings.practice, name=practice.name, timezone=practice.timezone),
        )
        for person in practice.practitioners:
            settings = settings.with_practitioner(PractitionerSettings(practitioner=person))
        return settings

    await services.settings.change(add_people)
    preview = await services.importing.preview(rehearsal.exports[EXPORT], source=SAMPLE_SOURCE)
    await services.importing.apply(preview, cause="demo")
    await services.book.apply(BookChange(put=practice.own), services.clock.now())
    await services.connecting.set_client(json.dumps(client_file(google_url)).encode())


def cliniko_of(rehearsal: Rehearsal, now: Callable[[], datetime]) -> ClinikoService:
    """The simulated Cliniko of the practice."""
    practice = rehearsal.practice
    return ClinikoService(sample_account(now, practice.practitioners, practice.timezone))


async def fetch_from_cliniko(services: Application) -> None:
    """Add the simulated Cliniko as a source. Raises CompanionError."""
    fields = {"contact": "reception@banksia.example"}
    wanted = TypedPlace(kind="cliniko", secret=KEY, fields=fields)
    await services.fetched_sources.add(CLINIKO, wanted, every=timedelta(minutes=1))
