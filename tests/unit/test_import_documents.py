"""FHIR resources as sheets: what becomes a row, and what never does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from companion.domain.errors import FileRefused
from tests.fakes.workbooks import rows_of, workbook_of


def appointment(
    number: str, status: str, *actors: dict[str, Any], **more: object
) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": number,
        "status": status,
        "start": "2026-12-01T09:00:00+11:00",
        "end": "2026-12-01T09:45:00+11:00",
        "participant": [{"actor": each, "status": "accepted"} for each in actors],
        **more,
    }


JO = {"reference": "Practitioner/9", "display": "Jo Smith"}
MIRA = {"reference": "Patient/1", "display": "Mira Halloway"}


def fhir(*resources: dict[str, Any]) -> list[dict[str, object]]:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    (sheet,) = workbook_of(json.dumps(bundle).encode()).sheets
    return rows_of(sheet)


def test_an_appointment_names_its_people() -> None:
    (row,) = fhir(appointment("1", "booked", MIRA, JO, appointmentType={"text": "Follow-up"}))
    assert (row["Practitioner"], row["Patient"], row["Patient id"]) == (
        "Jo Smith", "Mira Halloway", "1",
    )  # fmt: skip
    assert row["Appointment.appointmentType"] == "Follow-up"


def test_two_practitioners_stand_in_one_cell() -> None:
    other = {"reference": "Practitioner/8", "display": "Anh Nguyen"}
    (row,) = fhir(appointment("1", "booked", JO, other))
    assert row["Practitioner"] == "Jo Smith; Anh Nguyen"


def test_a_name_is_looked_up_in_the_same_file_through_a_role() -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "7",
        "practitioner": {"reference": "Practitioner/9"},
    }
    name = {"given": ["Jo"], "family": "Smith"}
    person = {"resourceType": "Practitioner", "id": "9", "name": [name]}
    (row,) = fhir(appointment("1", "booked", {"reference": "PractitionerRole/7"}), role, person)
    assert row["Practitioner"] == "Jo Smith"


def test_one_without_a_start_is_no_row_and_a_deletion_was_an_error() -> None:
    waiting = appointment("1", "waitlist")
    del waiting["start"], waiting["end"]
    assert fhir(waiting) == []
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": appointment("2", "booked", JO), "request": {"method": "DELETE"}}],
    }
    (sheet,) = workbook_of(json.dumps(bundle).encode()).sheets
    assert rows_of(sheet)[0]["Appointment.status"] == "entered-in-error"


def test_a_resource_a_line_is_read_too() -> None:
    lines = "\n".join(json.dumps(appointment(each, "booked", JO)) for each in "12")
    (sheet,) = workbook_of(lines.encode()).sheets
    assert len(rows_of(sheet)) == 2


@pytest.mark.parametrize("content", [b'{"a": 1}', b'{"a": ', b"[{1, 2]"])
def test_other_json_is_refused(content: bytes) -> None:
    with pytest.raises(FileRefused):
        workbook_of(content)
