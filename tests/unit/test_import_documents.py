"""Calendar files and FHIR resources as sheets: what becomes a row, and what never does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from companion.adapters.calendar_file import sheets_of_calendar
from companion.adapters.fhir import sheets_of_fhir
from companion.domain.errors import FileRefused
from companion.services.workbooks import Sheet

NOW = datetime(2026, 11, 29, 1, tzinfo=UTC)


def rows(sheet: Sheet) -> list[dict[str, object]]:
    headings = [str(each) for each in sheet.rows[0].cells]
    return [dict(zip(headings, each.cells, strict=True)) for each in sheet.rows[1:]]


# ── calendar files ────────────────────────────────────────────────────────────────────────────


def calendar(*events: str, head: str = "") -> Sheet:
    body = "".join(
        f"BEGIN:VEVENT\r\nDTSTAMP:20261120T000000Z\r\n{each}END:VEVENT\r\n" for each in events
    )
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{head}{body}END:VCALENDAR\r\n"
    (sheet,) = sheets_of_calendar(text.encode(), NOW)
    return sheet


def event(uid: str, start: str, *more: str) -> str:
    return "".join(f"{line}\r\n" for line in (f"UID:{uid}", start, *more))


def test_a_single_entry_is_a_row_under_its_own_id() -> None:
    sheet = calendar(
        event("a", "DTSTART:20261201T090000Z", "DTEND:20261201T094500Z", "SUMMARY:Review"),
        head="X-WR-CALNAME:Jo Smith\r\n",
    )
    (row,) = rows(sheet)
    assert (sheet.name, row["UID"], row["SUMMARY"], row["ALL DAY"]) == (
        "Jo Smith", "a", "Review", "No",
    )  # fmt: skip
    assert (row["DTSTART"], row["DTEND"]) == (
        "2026-12-01 09:00:00+00:00", "2026-12-01 09:45:00+00:00",
    )  # fmt: skip


def test_a_series_is_a_row_for_each_occurrence_with_lasting_ids() -> None:
    weekly = event(
        "lunch", "DTSTART:20261201T010000Z", "DTEND:20261201T020000Z",
        "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20261208T010000Z",
    )  # fmt: skip
    found = [row["UID"] for row in rows(calendar(weekly))]
    assert found == ["lunch@20261201T010000", "lunch@20261215T010000"]


def test_two_plain_entries_of_one_uid_are_both_kept() -> None:
    sheet = calendar(event("a", "DTSTART:20261201T090000Z"), event("a", "DTSTART:20261202T090000Z"))
    assert len(rows(sheet)) == 2


def test_an_entry_without_a_start_or_of_every_minute_is_damaged_and_costs_no_other() -> None:
    sheet = calendar(
        event("a", "SUMMARY:No start"),
        event("b", "DTSTART:20261201T090000Z", "RRULE:FREQ=MINUTELY"),
        event("c", "DTSTART:20261201T090000Z"),
    )
    assert [row["UID"] for row in rows(sheet)] == ["c"]
    assert len(sheet.damaged) == 2


def test_a_whole_day_and_a_floating_time_with_the_calendars_zone() -> None:
    sheet = calendar(
        event("day", "DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261226"),
        event("floating", "DTSTART:20261201T090000", "DURATION:PT45M"),
        head="X-WR-TIMEZONE:Australia/Sydney\r\n",
    )
    day, floating = rows(sheet)
    assert (day["DTSTART"], day["DTEND"], day["ALL DAY"]) == ("2026-12-24", "2026-12-26", "Yes")
    assert floating["DTEND"] == "2026-12-01 09:45:00+11:00"


def test_what_is_no_calendar_is_refused() -> None:
    with pytest.raises(FileRefused):
        sheets_of_calendar(b"<html>Sign in</html>", NOW)


# ── FHIR ──────────────────────────────────────────────────────────────────────────────────────


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
    (sheet,) = sheets_of_fhir(json.dumps(bundle).encode(), NOW)
    return rows(sheet)


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
    (sheet,) = sheets_of_fhir(json.dumps(bundle).encode(), NOW)
    assert rows(sheet)[0]["Appointment.status"] == "entered-in-error"


def test_a_resource_a_line_is_read_too() -> None:
    lines = "\n".join(json.dumps(appointment(each, "booked", JO)) for each in "12")
    (sheet,) = sheets_of_fhir(lines.encode(), NOW)
    assert len(rows(sheet)) == 2


@pytest.mark.parametrize("content", [b'{"a": 1}', b"{broken", b"[1, 2]"])
def test_other_json_is_refused(content: bytes) -> None:
    with pytest.raises(FileRefused):
        sheets_of_fhir(content, NOW)
