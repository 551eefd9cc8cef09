"""What a person's eye completes in a printed list: days, merged cells, halves of the day."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from companion.domain.appointments import Appointment
from companion.services.imports.importing import ImportPreview
from companion.services.imports.reading.results import UnknownLayout
from tests.fakes.clock import FakeClock
from tests.samples.import_bench import ImportBench

MIRA, TOBIAS, MAEVE = "Mira Halloway", "Tobias Quennell", "Maeve Tarrant"


@pytest.fixture
def bench(tmp_path: Path) -> ImportBench:
    return ImportBench(tmp_path, clock=FakeClock(datetime(2026, 11, 29, 1, 0, tzinfo=UTC)))


async def preview(
    bench: ImportBench, content: str | bytes, name: str = "list.csv", **answers: str
) -> ImportPreview:
    path = bench.folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return await bench.importing.preview(path, answers=answers)


async def booked(bench: ImportBench, shown: ImportPreview) -> list[tuple[str, str, str]]:
    """Client, wall-clock start and end, by start."""
    report = await bench.importing.apply(shown)
    assert report.rejected == ()
    found = [
        (each.client_name, f"{each.start:%d %H:%M}", f"{each.end:%H:%M}")
        for each in await everything(bench)
    ]
    return sorted(found, key=lambda each: each[1])


async def everything(bench: ImportBench) -> list[Appointment]:
    lasting = (datetime(2026, 1, 1), datetime(2028, 1, 1))  # noqa: DTZ001 - wall time
    people = bench.settings.read().practitioners
    return [each for who in people for each in await bench.book.appointments(who, *lasting)]


def xlsx(rows: Sequence[Sequence[object]], *merged: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for each in merged:
        sheet.merge_cells(each)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


THREE = [
    (MIRA, "14 09:00", "09:45"),
    (TOBIAS, "14 10:00", "10:45"),
    (MAEVE, "15 09:00", "09:45"),
]
ROWS = {
    MIRA: f"9:00 AM,{MIRA},Jo Smith,45",
    TOBIAS: f"10:00 AM,{TOBIAS},Jo Smith,45",
    MAEVE: f"9:00 AM,{MAEVE},Jo Smith,45",
}
HEADINGS = "Time,Client,Practitioner,Mins"


@pytest.mark.parametrize(
    "lines",
    [
        [HEADINGS, "14/12/2026,,,", ROWS[MIRA], ROWS[TOBIAS], "15/12/2026,,,", ROWS[MAEVE]],
        [
            "Appointments by day",
            "Monday 14 December 2026",
            HEADINGS,
            ROWS[MIRA],
            ROWS[TOBIAS],
            "",
            "Tuesday 15 December 2026",
            HEADINGS,
            ROWS[MAEVE],
            "Total: 3",
        ],
        [
            f"Date,{HEADINGS}",
            f"14/12/2026,{ROWS[MIRA]}",
            f",{ROWS[TOBIAS]}",
            f"15/12/2026,{ROWS[MAEVE]}",
            f",11:00 AM,{MIRA},Jo Smith,45",
        ],
    ],
)
async def test_a_day_is_that_of_the_rows_below_it(bench: ImportBench, lines: list[str]) -> None:
    found = await booked(bench, await preview(bench, "\n".join(lines)))
    assert found[:3] == THREE


async def test_a_day_printed_once_is_said(bench: ImportBench) -> None:
    lines = [f"Date,{HEADINGS}", f"14/12/2026,{ROWS[MIRA]}", *[f",{ROWS[TOBIAS]}"] * 2]
    shown = await preview(bench, "\n".join(lines))
    assert any("printed above them" in each for each in shown.notes)


@pytest.mark.parametrize(
    "title",
    [
        "Schedule for Monday 14 December 2026",
        "Printed 29/11/2026\nDate: 14/12/2026",
        'Day list,,"December 14th, 2026"',
    ],
)
async def test_the_title_may_name_the_day(bench: ImportBench, title: str) -> None:
    lines = ["Northside Physio", title, HEADINGS, ROWS[MIRA], ROWS[TOBIAS]]
    shown = await preview(bench, "\n".join(lines))
    assert any("above the table" in each for each in shown.notes)
    assert await booked(bench, shown) == THREE[:2]


@pytest.mark.parametrize(
    "title", ["14/12/2026 - 20/12/2026", "Week of 14/12/2026", "Run on 1/1/27"]
)
async def test_a_title_of_several_days_gives_none(bench: ImportBench, title: str) -> None:
    with pytest.raises(UnknownLayout):
        await preview(bench, "\n".join([title, HEADINGS, ROWS[MIRA], ROWS[TOBIAS]]))


async def test_a_row_that_lost_its_date_is_rejected(bench: ImportBench) -> None:
    """The file repeats its dates, so nothing is carried down."""
    rows = [*[f"14/12/2026,{ROWS[MIRA]}"] * 2, f",{ROWS[TOBIAS]}", f",{ROWS[MAEVE]}"]
    shown = await preview(bench, "\n".join([f"Date,{HEADINGS}", *rows]))
    assert [each.row for each in shown.rejected if "Date" in each.reason] == [4, 5]


async def test_a_merged_cell_is_that_of_all_its_rows(bench: ImportBench) -> None:
    content = xlsx(
        [
            ["Date", *HEADINGS.split(",")],
            [date(2026, 12, 14), *ROWS[MIRA].split(",")],
            [None, *ROWS[TOBIAS].split(",")],
            [date(2026, 12, 15), *ROWS[MAEVE].split(",")],
        ],
        "A2:A3",
    )
    assert await booked(bench, await preview(bench, content, "list.xlsx")) == THREE


async def test_the_first_section_is_named_above_the_headings(bench: ImportBench) -> None:
    headings = "Date,Time,Client,Duration"
    lines = ["Weekly list", "Jo Smith", headings, f"14/12/2026,9:00 AM,{MIRA},45 min"]
    lines += ["Anh Nguyen", headings, f"14/12/2026,9:00 AM,{MAEVE},45 min"]
    shown = await preview(bench, "\n".join(lines))
    assert (shown.rejected, sorted(each.name for each in shown.new_names)) == (
        (),
        ["Anh Nguyen", "Jo Smith"],
    )


async def test_halves_of_the_day_stand_in_a_column_of_their_own(bench: ImportBench) -> None:
    lines = ["Date,Start,AM/PM,End,AM/PM,Client,Practitioner"]
    lines += [f"14/12/2026,9:00,AM,9:45,AM,{MIRA},Jo Smith"]
    lines += [f"14/12/2026,12:15,PM,1:00,PM,{TOBIAS},Jo Smith"]
    lines += [f"15/12/2026,12:15,AM,1:00,AM,{MAEVE},Jo Smith"]
    assert await booked(bench, await preview(bench, "\n".join(lines))) == [
        (MIRA, "14 09:00", "09:45"),
        (TOBIAS, "14 12:15", "13:00"),
        (MAEVE, "15 00:15", "01:00"),
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("12", [("14 09:00", "09:45"), ("14 11:45", "12:30"), ("14 13:30", "14:15")]),
        ("24", [("14 01:30", "02:15"), ("14 09:00", "09:45"), ("14 11:45", "12:30")]),
    ],
)
@pytest.mark.parametrize("form", ["{},{}", "{} - {},"])
async def test_whether_half_past_one_is_at_night_is_asked(
    bench: ImportBench, answer: str, expected: list[tuple[str, str]], form: str
) -> None:
    times = [("9:00", "9:45"), ("11:45", "12:30"), ("1:30", "2:15")]
    lines = ["Date,Time,End,Client,Practitioner"]
    lines += [f"14/12/2026,{form.format(*each)},{MIRA},Jo Smith" for each in times]
    shown = await preview(bench, "\n".join(lines))
    assert [(each.key, each.guess) for each in shown.open] == [("clock", "12")]
    answered = await preview(bench, "\n".join(lines), clock=answer)
    assert [each[1:] for each in await booked(bench, answered)] == expected


@pytest.mark.parametrize("proof", ["09:00,09:45", "13:00,13:45", "9:00 am,9:45 am"])
async def test_a_file_that_counts_its_hours_is_not_asked_about(
    bench: ImportBench, proof: str
) -> None:
    lines = ["Date,Time,End,Client,Practitioner", f"14/12/2026,{proof},{MIRA},Jo Smith"]
    lines += [f"14/12/2026,{each},{TOBIAS},Jo Smith" for each in ("8:00,8:45", "1:30,2:15")]
    assert (await preview(bench, "\n".join(lines))).open == ()


async def test_columns_of_short_names_titles_and_fractions_of_days(bench: ImportBench) -> None:
    rows = [[46370, 0.375, 0.40625, "Mr", MIRA, "Jo Smith"]]
    headings = ["Date", "Start", "Finish", "Title", "Who", "Prac"]
    shown = await preview(bench, xlsx([headings, *rows]), "list.xlsx")
    assert await booked(bench, shown) == [(MIRA, "14 09:00", "09:45")]
    (only,) = await everything(bench)
    assert (only.title, only.appointment_type) == ("", "")


@pytest.mark.parametrize("heading", ["Date of appt", "Day of visit", "Date of booking"])
async def test_the_date_of_an_appointment_is_not_when_it_was_entered(
    bench: ImportBench, heading: str
) -> None:
    lines = [f"{heading},From,To,Clinician,Client Name,What"]
    lines += [f"14/12/2026,9:00 AM,9:45 AM,Jo Smith,{MIRA},Physio"]
    assert await booked(bench, await preview(bench, "\n".join(lines))) == [THREE[0]]
