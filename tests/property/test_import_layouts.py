"""A table in any layout is read back as it was, or what it leaves open is asked about."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from companion.services.imports.reading.reader import read_workbook
from companion.services.imports.reading.results import Reading, Setting
from tests.fakes.workbooks import workbook_of

TODAY = date(2026, 11, 29)
HEADINGS = {
    "id": ["Appointment ID", "ID", "Reference", "Booking no", "RECORDID", "appt_id"],
    "practitioner": ["Practitioner", "Provider", "Doctor", "Clinician", "Staff Member", "Calendar"],
    "client": ["Client", "Patient", "Client Name", "patient_name", "Patient Full Name"],
    "type": ["Appointment Type", "Service", "Consultation Type", "Treatment"],
    "status": ["Status", "Appointment Status", "State", "Booking status"],
}
START = ["Start", "Starts at", "Begins", "Start Time", "From", "starts_at", "Start Date & Time"]
END = ["End", "Ends at", "Finishes", "End Time", "To", "ends_at", "Finish"]
DAY = ["Date", "Appointment Date", "Appt Date", "Session date"]
TIME = ["Time", "Start Time", "Appointment Time", "From"]
UNTIL = ["End Time", "Finish", "To", "Until"]
LENGTH = ["Duration", "Length", "Duration (mins)", "Appointment Length"]
DATES = ["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d %b %Y", "%d-%b-%y", "%d.%m.%Y", "%B %d, %Y",
         "%a %d %b %Y", "%Y/%m/%d", "%Y%m%d"]  # fmt: skip
TIMES = ["%H:%M", "%I:%M %p", "%H:%M:%S", "%I:%M%p", "%H.%M", "%H%M"]
LENGTHS = ["{0}", "{0} mins", "{0} min", "{1}:{2:02d}", "{1}h {2}min", "PT{0}M"]
STATUSES = {
    "Booked": False, "Confirmed": False, "Arrived": False, "Completed - paid": False,
    "Cancelled": True, "DNA - charged": True, "No Show": True, "Did not attend": True,
}  # fmt: skip
SHAPES = ["moments", "date and times", "date, time, length", "range"]
PEOPLE = ["Jo Smith", "Anh Nguyen", "Priya Raman"]
CLIENTS = ["Mira Halloway", "Pell O'Dowd", "Otto van der Berg", "Ines Arkwright"]


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, object]]:
    rows = []
    for number in range(draw(st.integers(2, 9))):
        start = datetime(2026, 12, 1) + timedelta(  # noqa: DTZ001 - wall time
            days=draw(st.integers(0, 60)), minutes=5 * draw(st.integers(84, 220))
        )
        rows.append(
            {
                "id": str(5001 + number),
                "start": start,
                "minutes": draw(st.sampled_from([15, 20, 30, 45, 60, 90])),
                "practitioner": draw(st.sampled_from(PEOPLE)),
                "client": draw(st.sampled_from(CLIENTS)),
                "type": draw(st.sampled_from(["Review", "Initial consult", "Long"])),
                "status": draw(st.sampled_from(sorted(STATUSES))),
            }
        )
    return rows


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, object]:
    return {
        "shape": draw(st.sampled_from(SHAPES)),
        "date": draw(st.sampled_from(DATES)),
        "time": draw(st.sampled_from(TIMES)),
        "length": draw(st.sampled_from(LENGTHS)),
        "names": {key: draw(st.sampled_from(listed)) for key, listed in HEADINGS.items()},
        "times": {
            key: draw(st.sampled_from(listed))
            for key, listed in {
                "start": START, "end": END, "day": DAY, "time": TIME, "until": UNTIL,
                "length": LENGTH,
            }.items()
        },
        "order": draw(st.randoms(use_true_random=False)),
        "delimiter": draw(st.sampled_from([",", ";", "\t", "|"])),
        "title": draw(st.booleans()),
        "total": draw(st.booleans()),
        "inverted": draw(st.booleans()),
    }  # fmt: skip


def cells(row: dict[str, object], layout: dict[str, object]) -> dict[str, str]:
    start, minutes = row["start"], row["minutes"]
    assert isinstance(start, datetime)
    assert isinstance(minutes, int)
    end = start + timedelta(minutes=minutes)
    names, times = layout["names"], layout["times"]
    assert isinstance(names, dict)
    assert isinstance(times, dict)
    day, clock = str(layout["date"]), str(layout["time"])
    written = {names[key]: str(row[key]) for key in HEADINGS}
    if layout["inverted"]:
        first, _, last = str(row["client"]).partition(" ")
        written[names["client"]] = f"{last}, {first}"
    if layout["shape"] == "moments":
        written[times["start"]] = start.strftime(f"{day} {clock}")
        written[times["end"]] = end.strftime(f"{day} {clock}")
        return written
    written[times["day"]] = start.strftime(day)
    if layout["shape"] == "range":
        written["Session time"] = f"{start.strftime(clock)} - {end.strftime(clock)}"
        return written
    written[times["time"]] = start.strftime(clock)
    if layout["shape"] == "date and times":
        written[times["until"]] = end.strftime(clock)
    else:
        form = str(layout["length"])
        written[times["length"]] = form.format(minutes, minutes // 60, minutes % 60)
    return written


def rendered(table: list[dict[str, object]], layout: dict[str, object]) -> bytes:
    rows = [cells(row, layout) for row in table]
    headings = sorted(rows[0])
    layout["order"].shuffle(headings)  # type: ignore[attr-defined] # a random.Random
    file = io.StringIO()
    writer = csv.writer(file, delimiter=str(layout["delimiter"]), lineterminator="\r\n")
    if layout["title"]:
        writer.writerow(["Appointments report", "Riverside"])
        writer.writerow([])
    writer.writerow(headings)
    writer.writerows([[row[each] for each in headings] for row in rows])
    if layout["total"]:
        writer.writerow([f"Total appointments: {len(rows)}", *[""] * (len(headings) - 1)])
    return file.getvalue().encode()


def read(content: bytes, answers: dict[str, str]) -> Reading:
    setting = Setting(timezone="Australia/Sydney", today=TODAY, answers=answers)
    return read_workbook(workbook_of(content), setting)


@given(tables(), layouts())
def test_a_table_in_any_layout_is_read_back_or_asked_about(
    table: list[dict[str, object]], layout: dict[str, object]
) -> None:
    content = rendered(table, layout)
    order = {"%d/%m/%Y": "dmy", "%m/%d/%Y": "mdy", "%d.%m.%Y": "dmy"}.get(str(layout["date"]))
    reading = read(content, {})
    answers = {each.key: each.guess for each in reading.content.questions}
    assert answers.keys() <= {"date_order"}, "nothing else is open in these tables"
    if "date_order" in answers and order is not None:
        reading = read(content, {"date_order": order})
    assert list(reading.content.rejections) == []
    found = [
        (
            each.appointment.source_id,
            each.name,
            each.appointment.start,
            each.appointment.end - each.appointment.start,
            each.appointment.client_name,
            each.appointment.appointment_type,
            each.appointment.cancelled,
        )
        for each in reading.content.drafts
    ]
    assert found == [
        (
            row["id"],
            row["practitioner"],
            row["start"],
            timedelta(minutes=int(str(row["minutes"]))),
            row["client"],
            row["type"],
            STATUSES[str(row["status"])],
        )
        for row in table
    ]
