"""What becomes of Cliniko's bookings: in the book, after a change from exports, and in Google."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from companion.adapters.google.service import GoogleGateway
from companion.domain.appointments import Appointment, AppointmentKind
from companion.sandbox.cliniko.sample import fill
from companion.sandbox.cliniko.service import KEY
from companion.sandbox.server import client_file
from companion.services import pools
from companion.services.google.consents import CalendarChoice
from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.fetching import FetchOutcome
from companion.services.sources.remote import by_name
from companion.services.threads import Threads
from tests.contract.google_world import BACK, PersonAtPage
from tests.fakes.cliniko import FIELDS, START, ZONE, Clinic, clinic
from tests.fakes.clock import FakeClock
from tests.fakes.secrets import FakeSecrets
from tests.fakes.services import FakeApplication, fake_application
from tests.fakes.simulator import ZOE, simulated_google

SOURCE = "cliniko"
EVERY = timedelta(minutes=5)


@dataclass
class Practice:
    cliniko: Clinic
    application: FakeApplication
    clock: FakeClock

    async def add_source(self, name: str = SOURCE) -> None:
        await self.application.services.practitioners.add("Jo Smith", timezone=ZONE)
        wanted = TypedPlace(kind="cliniko", secret=KEY, fields=FIELDS)
        await self.application.services.fetched_sources.add(name, wanted, every=EVERY)

    async def fetch(self, name: str = SOURCE, **answers: str) -> FetchOutcome:
        sources = self.application.services.fetched_sources
        outcome = await sources.sync(name, answers=answers or None)
        assert outcome.error is None, outcome.error
        return outcome

    async def book(self, *sources: str) -> list[Appointment]:
        found = []
        for source in sources or (SOURCE,):
            for row in (await self.application.book.source_rows(source)).values():
                appointment = await self.application.book.appointment(row.appointment_id)
                assert appointment is not None
                found.append(appointment)
        return sorted(found, key=lambda each: (each.start, each.id))

    async def live(self, *sources: str) -> list[Appointment]:
        return [each for each in await self.book(*sources) if not each.cancelled]

    async def later(self, minutes: float = 30) -> None:
        await self.clock.advance(minutes * 60)


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    clock = FakeClock(START, auto=False)
    with clinic(clock.now) as cliniko:
        yield Practice(
            cliniko, fake_application(clock=clock, remotes=by_name(cliniko.source)), clock
        )


async def test_bookings_come_into_the_book_as_what_they_are(practice: Practice) -> None:
    cliniko = practice.cliniko
    cliniko.book()
    cliniko.group(cliniko.mira, cliniko.otto)
    cliniko.group(days=3)
    cliniko.account.block(
        cliniko.practitioner, START + timedelta(days=4), business=cliniko.place, notes="Lunch"
    )
    await practice.add_source()
    outcome = await practice.fetch()
    assert outcome.report is not None
    assert (outcome.report.held, outcome.report.added, outcome.report.rejected) == (False, 4, ())
    one, two, none, block = await practice.live()
    assert (one.client_name, one.appointment_type, one.location, one.kind) == (
        "Mira Halloway", "Follow-up", "Bondi", AppointmentKind.CLIENT,
    )  # fmt: skip
    assert (f"{one.start:%d %H:%M}", one.timezone, one.client_id) == (
        "02 12:00", ZONE, str(cliniko.mira),
    )  # fmt: skip
    assert (two.client_name, two.appointment_type) == ("", "Pilates class (2 clients)")
    assert (none.client_name, none.appointment_type) == ("", "Pilates class")
    assert none.kind is AppointmentKind.CLIENT
    assert (block.kind, block.appointment_type, block.notes) == (
        AppointmentKind.CASUAL, "Unavailable", "Lunch",
    )  # fmt: skip


async def test_what_becomes_of_bookings_becomes_of_appointments(practice: Practice) -> None:
    cliniko, account = practice.cliniko, practice.cliniko.account
    moved, cancelled, missed, deleted = (cliniko.book(days=each) for each in (1, 2, 3, 4))
    group = cliniko.group(cliniko.mira, cliniko.otto, days=5)
    await practice.add_source()
    await practice.fetch()
    ids = {each.source_id: each.id for each in await practice.live()}
    await practice.later()
    account.move(moved, START + timedelta(days=6))
    account.cancel(cancelled)
    account.edit(account.bookings, missed, did_not_arrive=True)
    account.delete(account.bookings, deleted)
    account.cancel_attendee(account.attendees_of(group)[0].id)
    await practice.fetch()
    class_, there = await practice.live()
    assert (there.source_id, there.id) == (str(moved), ids[str(moved)])
    assert f"{there.start:%d %H:%M}" == "07 12:00"
    assert (class_.appointment_type, class_.id) == ("Pilates class (1 client)", ids[str(group)])
    await practice.later(60 * 25)  # everything is read once a day
    await practice.fetch()
    assert [each.id for each in await practice.live()] == [class_.id, there.id]


async def test_a_group_may_be_an_entry_for_each_client(practice: Practice) -> None:
    cliniko, account = practice.cliniko, practice.cliniko.account
    group = cliniko.group(cliniko.mira, cliniko.otto)
    await practice.add_source()
    await practice.fetch(groups="each")
    assert {each.client_name for each in await practice.live()} == {
        "Otto van der Berg", "Mira Halloway",
    }  # fmt: skip
    await practice.later()
    account.cancel_attendee(account.attendees_of(group)[0].id)
    await practice.fetch()
    assert [each.client_name for each in await practice.live()] == ["Otto van der Berg"]


# ── from exports to the key ───────────────────────────────────────────────────────────────────


def written(folder: Path, practice: Practice, headings: dict[str, str], *, local: bool) -> Path:
    """What Cliniko's individual appointments are in an export. `headings`: of it, by field."""
    account = practice.cliniko.account
    path = folder / "appointments.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [*headings.values()])
        rows.writeheader()
        for booking in account.bookings.values():
            fields = booking.fields
            times = [fields[name] for name in ("starts_at", "ends_at")]
            start, end = (
                f"{each.astimezone(ZoneInfo(ZONE)):%d/%m/%Y %H:%M}"
                if local
                else f"{each:%Y-%m-%dT%H:%M:%SZ}"
                for each in times
            )
            said = {
                "id": booking.id, "start": start, "end": end,
                "practitioner": "Jo Smith", "client": account.patient_name(fields["patient_id"]),
                "type": "Follow-up", "place": "Bondi", "cancelled": "",
            }  # fmt: skip
            rows.writerow({heading: said[name] for name, heading in headings.items()})
    return path


WITH_IDS = {
    "id": "id", "start": "starts_at", "end": "ends_at", "practitioner": "practitioner_name",
    "client": "patient_name", "type": "appointment_type_name", "place": "business_name",
    "cancelled": "cancelled_at",
}  # fmt: skip
WITHOUT_IDS = {
    "start": "Start", "end": "End", "practitioner": "Practitioner", "client": "Patient",
    "type": "Appointment type", "place": "Business",
}  # fmt: skip


@pytest.mark.parametrize("headings", [WITH_IDS, WITHOUT_IDS], ids=["with ids", "without ids"])
async def test_who_changes_from_exports_to_the_key_has_nothing_twice(
    practice: Practice, tmp_path: Path, headings: dict[str, str]
) -> None:
    cliniko = practice.cliniko
    bookings = [cliniko.book(days=each) for each in range(1, 21)]
    cliniko.book(cliniko.otto, days=1)  # at the time of another one
    importing = practice.application.services.importing
    file = written(tmp_path, practice, headings, local=headings is WITHOUT_IDS)
    await practice.application.services.practitioners.add("Jo Smith", timezone=ZONE)
    preview = await importing.preview(file, source=SOURCE)
    report = await importing.apply(preview, yes=True)
    assert (report.held, report.added) == (False, 21)
    before = {(each.start, each.client_name): each.id for each in await practice.live()}
    wanted = TypedPlace(kind="cliniko", secret=KEY, fields=FIELDS)
    await practice.application.services.fetched_sources.add(SOURCE, wanted)
    cliniko.account.move(bookings[0], START + timedelta(days=1))  # as it was: only dated anew
    outcome = await practice.fetch()
    assert outcome.report is None or (outcome.report.held, outcome.report.added) == (False, 0)
    after = {(each.start, each.client_name): each.id for each in await practice.live()}
    assert after == before
    await practice.later()
    cliniko.account.move(bookings[0], START + timedelta(days=30))
    await practice.fetch()
    assert len(await practice.live()) == 21
    assert {each.id for each in await practice.live()} == set(before.values())


async def test_under_another_name_it_is_asked_what_the_book_has_already(
    practice: Practice, tmp_path: Path
) -> None:
    for each in range(1, 21):
        practice.cliniko.book(days=each)
    importing = practice.application.services.importing
    file = written(tmp_path, practice, WITH_IDS, local=False)
    await practice.add_source("Our Cliniko")
    await importing.apply(await importing.preview(file, source="exports"), yes=True)
    outcome = await practice.fetch("Our Cliniko")
    assert outcome.report is not None
    assert outcome.report.held
    assert [each.key for each in outcome.report.questions] == ["same:exports"]
    await practice.fetch("Our Cliniko", **{"same:exports": "take_over"})
    assert len(await practice.live("Our Cliniko", "exports")) == 20
    assert len(await practice.live("Our Cliniko")) == 20


# ── in Google ─────────────────────────────────────────────────────────────────────────────────


async def settled(practice: Practice, gateway: GoogleGateway) -> None:
    """Until no thread works and nothing is fetched: virtual time stands still meanwhile."""
    several: list[Threads[Any]] = [gateway._threads]
    several += [each._threads for each in vars(pools).values() if isinstance(each, pools.Pool)]
    quiet = 0
    while quiet < 20:
        fetching = practice.application.services.fetched_sources.under_way()
        busy = fetching or any(each._waiting for each in several)
        quiet = 0 if busy else quiet + 1
        await asyncio.sleep(0.001 if busy else 0)


async def test_a_change_is_in_google_within_the_schedule_and_ten_seconds() -> None:
    clock = FakeClock(START, auto=False)
    with clinic(clock.now) as cliniko, simulated_google(clock.now) as google:
        gateways: list[GoogleGateway] = []

        def google_of(secrets: FakeSecrets) -> GoogleGateway:
            gateways.append(
                GoogleGateway(secrets=secrets, clock=clock, api_root=google.base_url, threads=2)
            )
            return gateways[0]

        application = fake_application(
            clock=clock, remotes=by_name(cliniko.source), google_of=google_of
        )
        practice, services = Practice(cliniko, application, clock), application.services
        gateway = gateways[0]
        fill(cliniko.account, 40, first=START + timedelta(days=2), practitioners=1)
        booking = cliniko.book()
        await practice.add_source()
        await services.connecting.set_client(json.dumps(client_file(google.base_url)).encode())
        start = await services.connecting.begin(
            "jo-smith", calendar=CalendarChoice(kind="new", name="Work"), redirect_uri=BACK
        )
        await services.connecting.finish(PersonAtPage(google.base_url).consents(start.url, ZOE))
        calendar = services.settings.read().record("jo-smith").google.calendar_id
        running = [asyncio.create_task(each.run()) for each in (services.worker, services.watching)]

        def shown() -> set[str]:
            with google.lock:
                return {each["start"]["dateTime"] for each in google.google.events(calendar)}

        async def seconds_until(start: str) -> float:
            before = clock.monotonic()
            while not any(each.startswith(start) for each in shown()):
                assert clock.monotonic() - before < 3_600
                await settled(practice, gateway)
                await clock.advance(1.0)
            return clock.monotonic() - before

        await seconds_until("2026-12-02T12:00")
        longest = 0.0
        for hour in range(1, 5):
            cliniko.account.move(booking, START + timedelta(days=1, hours=hour))
            longest = max(longest, await seconds_until(f"2026-12-02T{12 + hour}:00"))
            await clock.advance(41.0)
        assert longest <= EVERY.total_seconds() + 10
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        gateway.close()
