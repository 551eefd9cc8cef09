"""Nookal as a source, against the simulated one: names, pages, and what failures are inside."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.adapters.sources.nookal import NookalSource
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.sandbox.nookal import KEY, NookalService
from companion.sandbox.sockets import ServerThread
from companion.services.sources.remote import FetchAnswer, FetchRequest

MONDAY = datetime(2026, 12, 7, 9, 0)  # noqa: DTZ001 - as said
"""Wall time of the place."""
Row = Mapping[str, str]


@dataclass
class Clinic:
    service: NookalService
    source: NookalSource
    clock: list[datetime] = field(default_factory=lambda: [MONDAY])

    def fetch(self, folder: Path, cursor: str = "", **given: Any) -> tuple[FetchAnswer, list[Row]]:
        folder.mkdir(exist_ok=True)
        (folder / "rows.csv").unlink(missing_ok=True)
        request = FetchRequest(
            fields={}, secret=given.pop("secret", KEY), cursor=cursor, folder=folder,
            now=self.clock[0].replace(tzinfo=UTC), timezone="Australia/Sydney", **given,
        )  # fmt: skip
        answer = self.source.fetch(request)
        if answer.file is None:
            return answer, []
        with answer.file.open(encoding="utf-8", newline="") as lines:
            return answer, list(csv.DictReader(lines))


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    clock = [MONDAY]
    service = NookalService(lambda: clock[0])
    server = ServerThread(service, "simulated-nookal")
    service.add_location("Fremantle", "Australia/Perth")
    service.add_practitioner("Jo", "Smith")
    yield Clinic(service, NookalSource(server.base_url, rate=1e6), clock)
    server.stop(wait=False)


def test_the_key_is_checked_before_it_is_sent() -> None:
    assert NookalSource().check({}, f" {KEY} ").fields == {"days_back": "31"}
    for key in ("", "two words", "key\r\nX: 1"):
        with pytest.raises(BadInput) as refused:
            NookalSource().check({}, key)
        assert refused.value.field == "secret"
    with pytest.raises(BadInput):
        NookalSource("http://nookal.example")


def test_an_appointment_comes_with_its_names_and_zone(clinic: Clinic, tmp_path: Path) -> None:
    mira = clinic.service.add_patient("Mira", "Halloway")
    number = clinic.service.book(1, mira, MONDAY + timedelta(days=1))
    clinic.service.edit(number, DNA="1", Notes="Called")
    answer, rows = clinic.fetch(tmp_path)
    assert answer.whole
    assert dict(rows[0]) == {
        "ID": "1", "Client ID": "1", "Client First Name": "Mira", "Client Last Name": "Halloway",
        "Appointment Date": "2026-12-08", "Start Time": "09:00:00", "End Time": "09:45:00",
        "Timezone": "Australia/Perth", "Practitioner": "Jo Smith",
        "Appointment Type": "Follow-up", "Location": "Fremantle", "cancelled": "0", "DNA": "1",
        "Notes": "Called", "dateCreated": "2026-12-07 09:00:00",
        "lastModified": "2026-12-07 09:00:00",
    }  # fmt: skip


def test_many_pages_are_one_whole_and_names_are_asked_for_once(
    clinic: Clinic, tmp_path: Path
) -> None:
    for number in range(450):
        patient = clinic.service.add_patient("Client", f"Number{number}")
        clinic.service.book(1, patient, MONDAY + timedelta(minutes=number))
    answer, rows = clinic.fetch(tmp_path)
    assert len({row["ID"] for row in rows}) == 450
    assert {row["Client Last Name"] for row in rows} == {f"Number{n}" for n in range(450)}
    asked = clinic.service.requests
    clinic.clock[0] += timedelta(days=3)
    clinic.service.edit(7, cancelled="1")
    _answer, rows = clinic.fetch(tmp_path, answer.cursor)
    assert [(row["ID"], row["cancelled"]) for row in rows if row["cancelled"] == "1"] == [
        ("7", "1")
    ]
    assert clinic.service.requests - asked <= 3, "450 of the last day and a half, no names"


def test_nothing_new_for_days_is_no_file(clinic: Clinic, tmp_path: Path) -> None:
    clinic.service.book(1, clinic.service.add_patient("Mira", "Halloway"), MONDAY)
    answer, _rows = clinic.fetch(tmp_path)
    clinic.clock[0] += timedelta(days=3)
    answer, _rows = clinic.fetch(tmp_path, answer.cursor)
    clinic.clock[0] += timedelta(minutes=15)
    answer, rows = clinic.fetch(tmp_path, answer.cursor)
    assert (answer.file, answer.whole, rows) == (None, False, [])


def test_a_wrong_key_is_a_failure_inside_a_good_answer(clinic: Clinic, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable) as refused:
        clinic.fetch(tmp_path, secret="another-key-of-nobody")
    assert refused.value.reason is SourceTrouble.CREDENTIALS
    assert "another-key" not in f"{refused.value} {refused.value.remedy} {refused.value.detail}"


def test_an_appointment_that_slips_through_the_pages_is_noticed(
    clinic: Clinic, tmp_path: Path
) -> None:
    for number in range(450):
        clinic.service.book(1, 0, MONDAY + timedelta(minutes=number))
    first = [True]

    def one_goes(request: Any) -> None:
        if b"page=2&" in request.body and first.pop():
            del clinic.service.appointments[1]

    clinic.service.observers.append(one_goes)
    with pytest.raises(SourceUnreachable):
        clinic.fetch(tmp_path)
