"""Import: whatever way a file is written, the same appointments come out, once."""

import asyncio
import string
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from companion.domain.appointments import Appointment, AppointmentKind, ShowAs
from companion.domain.errors import BadInput, FileRefused
from tests.samples.exports import ALLIED, Row, as_text, csv_bytes, xlsx_bytes
from tests.samples.import_bench import ImportBench

LETTERS = string.ascii_letters + "'-=+@;,|\t\"\n<>&"
"""With everything that delimited text must quote and a formula begins with."""
NAMES = ("Zoë", "MÜLLER", "Åsa", "Søren", "Weiß", "O’Dowd", "Café – été")
"""Letters with accents only where names have them: by them cp1252 is told from its like."""
DAY_FIRST = {"date_order": "dmy"}
"""Random dates prove no order, so it is said."""
MOMENTS = ("%d/%m/%Y %H:%M", "%d/%m/%y %H:%M", "%Y-%m-%dT%H:%M:%S", "%d-%b-%Y %I:%M %p")
texts = st.lists(st.one_of(st.text(LETTERS, max_size=10), st.sampled_from(NAMES)), max_size=4).map(
    " ".join
)
starts = st.datetimes(
    datetime(2024, 1, 1),  # noqa: DTZ001 - wall time
    datetime(2028, 12, 31),  # noqa: DTZ001 - wall time
).map(lambda each: each.replace(second=0, microsecond=0))


@st.composite
def rows(draw: st.DrawFn) -> Row:
    start = draw(starts)
    all_day = draw(st.booleans())
    if all_day:
        start = start.replace(hour=0, minute=0)
        end = start + timedelta(days=draw(st.integers(0, 20)))
    else:
        end = start + timedelta(minutes=draw(st.integers(1, 600)))
    return {
        "Type": draw(st.sampled_from(["Client", "Casual", "Meeting"])),
        "Client ID": draw(texts),
        "Client First Name": draw(texts),
        "Client Last Name": draw(texts),
        "Consultation Type": draw(texts),
        "Start": start.date() if all_day else start,
        "End": end.date() if all_day else end,
        "All Day": "Yes" if all_day else "No",
        "Practitioner": draw(st.sampled_from(["Dr Ada Example", "Bo Sample", "Cy Ørsted"])),
        "Location": draw(texts),
        "Status": draw(st.sampled_from([each.value for each in ShowAs])),
        "Cancelled": draw(st.sampled_from(["Yes", "No", "y", "0", ""])),
        "Notes": draw(texts),
    }


exports = st.lists(rows(), min_size=1, max_size=8).map(
    lambda each: [row | {"Appointment ID": f"A{number}"} for number, row in enumerate(each)]
)
writings = st.tuples(
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from(MOMENTS),
)


def expected(row: Row) -> tuple[object, ...]:
    start, end = row["Start"], row["End"]
    if not isinstance(start, datetime):
        first, last = str(start), str(end)
        start = datetime.fromisoformat(first)
        end = datetime.fromisoformat(last) + timedelta(days=1)
    return (
        AppointmentKind(str(row["Type"]).casefold()),
        start,
        end,
        row["All Day"] == "Yes",
        row["Cancelled"] in {"Yes", "y"},
        ShowAs(str(row["Status"])),
        " ".join(str(row["Client First Name"]).split()),
        " ".join(str(row["Location"]).split()),
        str(row["Notes"]).strip(),
    )


def found(each: Appointment) -> tuple[object, ...]:
    return (
        each.kind,
        each.start,
        each.end,
        each.all_day,
        each.cancelled,
        each.show_as,
        each.client_first_name,
        each.location,
        each.notes,
    )


def run(contents: list[bytes], check: list[Row]) -> None:
    """Every content in turn: the first fills the book, the others change nothing."""

    async def scene() -> None:
        with tempfile.TemporaryDirectory() as folder:
            bench = ImportBench(Path(folder))
            first = await bench.take(contents[0], answers=DAY_FIRST)
            assert (first.added, first.rejected) == (len(check), ())
            kept = await bench.all()
            assert [found(kept[str(row["Appointment ID"])]) for row in check] == [
                expected(row) for row in check
            ]
            revisions = await bench.book.revisions()
            for content in [contents[0], *contents[1:]]:
                again = await bench.take(content, snapshot=True, answers=DAY_FIRST)
                assert (again.unchanged, again.rejected) == (len(check), ())
                assert not again.held
            assert await bench.book.revisions() == revisions

    asyncio.run(scene())


@given(exports, writings, writings)
def test_a_csv_file_means_the_same_however_it_is_written(
    export: list[Row],
    one: tuple[str, str, str, str],
    other: tuple[str, str, str, str],
) -> None:
    contents = [
        csv_bytes(
            [as_text(row, moment) for row in export],
            delimiter=delimiter,
            encoding=encoding,
            line_end=line_end,
        )
        for delimiter, encoding, line_end, moment in (one, other)
    ]
    run(contents, export)


@settings(max_examples=15)  # each starts five child processes
@given(exports)
def test_a_workbook_means_the_same_as_its_csv(export: list[Row]) -> None:
    plain = [{key: each or None for key, each in row.items()} for row in export]
    run([csv_bytes([as_text(row) for row in export]), xlsx_bytes(plain)], export)


DAMAGE = st.sampled_from([
    ("Start", "?"), ("Start", ""), ("End", "32/13/2026"), ("All Day", "perhaps"),
    ("Type", "Party"), ("Practitioner", ""), ("Appointment ID", ""),
    ("Start", "="), ("End", "1/1/1001 9:00"), ("Notes", '"'),
])  # fmt: skip


@given(st.data(), exports)
def test_damaged_rows_never_stop_good_ones_and_remove_nothing(
    data: st.DataObject, export: list[Row]
) -> None:
    plain = [{**as_text(row), "Notes": "", "Location": ""} for row in export]
    # One row stays good: a column that holds nothing right is another kind of file.
    broken = data.draw(st.sets(st.integers(1, len(plain) - 1))) if len(plain) > 1 else set()
    damaged = [
        row | dict([data.draw(DAMAGE)]) if number in broken else row
        for number, row in enumerate(plain)
    ]
    harmless = {n for n in broken if damaged[n]["Notes"]}
    # A file in which no row has an id is another kind of file: its rows are known by their content.
    assume(any(row["Appointment ID"] for row in damaged))

    async def scene() -> None:
        with tempfile.TemporaryDirectory() as folder:
            bench = ImportBench(Path(folder))
            await bench.take(csv_bytes(plain), answers=DAY_FIRST)
            report = await bench.take(
                csv_bytes(damaged), snapshot=True, yes=True, answers=DAY_FIRST
            )
            assert len(report.rejected) == len(broken - harmless)
            assert report.unchanged == len(plain) - len(broken)
            assert report.removed == 0

    asyncio.run(scene())


@given(st.data(), exports)
def test_a_line_cut_or_doubled_or_quoted_leaves_every_other_row(
    data: st.DataObject, export: list[Row]
) -> None:
    # Without quoted cells: a stray quote would pair with the next row's, and nobody could tell.
    quoting = str.maketrans(dict.fromkeys('",;\t\r\n', " "))
    plain = [
        {key: str(each).translate(quoting) for key, each in as_text(row).items()} for row in export
    ]
    lines = csv_bytes(plain).split(b"\r\n")
    at = data.draw(st.integers(1, len(plain)))
    cut = data.draw(st.integers(0, len(lines[at]) - 1))
    lines[at] = lines[at][:cut] + data.draw(st.sampled_from([b"", b'"', b'"x,', b",,,,"]))

    async def scene() -> None:
        with tempfile.TemporaryDirectory() as folder:
            bench = ImportBench(Path(folder))
            # A name that was cut is perhaps another's: that is asked, and the guess taken.
            await bench.take(b"\r\n".join(lines), answers=DAY_FIRST, yes=True)
            kept = await bench.all()
            others = {f"A{n}" for n in range(len(plain)) if n + 1 != at}
            assert others <= kept.keys()

    asyncio.run(scene())


@given(st.binary(max_size=400))
def test_any_bytes_under_a_header_are_rows_or_reasons_or_no_text_at_all(noise: bytes) -> None:
    async def scene() -> None:
        with tempfile.TemporaryDirectory() as folder:
            bench = ImportBench(Path(folder))
            content = ",".join(ALLIED).encode() + b"\r\n" + noise.replace(b"\x00", b"")
            try:
                shown = await bench.preview(content, snapshot=True)
            except (FileRefused, BadInput):
                assert noise  # of which nobody would say that it is a table
                return
            assert shown.added <= content.count(b"\n") + content.count(b"\r")

    asyncio.run(scene())
