"""What one cell of an export means."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from companion.services.imports.cells import (
    LINE_LIMIT,
    NOTES_LIMIT,
    CellError,
    is_blank,
    quoted,
    read_line,
    read_notes,
    read_yes_no,
)
from companion.services.imports.clock_times import read_clock
from companion.services.imports.lengths import read_length
from companion.services.imports.moments import (
    DateOrder,
    read_date,
    read_moment,
)

NINE = datetime(2026, 3, 1, 9, 0)  # noqa: DTZ001 - wall time


@pytest.mark.parametrize(
    "cell",
    [
        "1/3/2026 9:00",
        "01/03/2026 09:00:00",
        "01/03/26 9:00",
        "1-3-2026 9.00",
        "1.3.2026, 9am",
        "01/03/2026 0900",
        "1/3/2026 9:00 AM",
        "1/3/2026 9:00\u202fam",
        "Sun 1 Mar 2026 9:00",
        "Sunday, 1 March 2026 9:00 a.m.",
        "1-Mar-26 09:00",
        "March 1, 2026 9:00",
        "2026-03-01 09:00",
        "2026-03-01T09:00:00.000",
        "2026/03/01 9:00",
        "20260301 0900",
        "46082.375",
        46082.375,
        NINE,
        datetime(2026, 3, 1, 8, 59, 59, 999_900),  # noqa: DTZ001 - wall time
        " \u200e1/3/2026 9:00 ",
    ],
)
def test_a_moment_is_read_in_every_way_exports_write_it(cell: object) -> None:
    assert read_moment(cell, DateOrder.DMY) == NINE


def test_an_afternoon_is_read_from_am_and_pm() -> None:
    expected = {"12:30 am": 1_800, "12:30 pm": 45_000, "1:05pm": 47_100}
    assert {text: read_clock(text) for text in expected} == expected


@pytest.mark.parametrize(
    ("text", "order"),
    [("3/1/2026", DateOrder.MDY), ("26/3/1", DateOrder.YMD), ("1/3/2026", DateOrder.DMY)],
)
def test_a_date_in_figures_follows_the_order_of_the_file(text: str, order: DateOrder) -> None:
    assert read_moment(text, order) == date(2026, 3, 1)


def test_a_date_is_never_guessed_the_other_way_round() -> None:
    with pytest.raises(CellError, match="“3/25/2026” is not a date"):
        read_moment("3/25/2026", DateOrder.DMY)


@pytest.mark.parametrize(
    "cell",
    ["32/13/2026", "30/2/2026", "1/3", "2026", "1/3/202", "1/3/1026", "0/0/0000", -5.0, 0.5, True],
)
def test_what_is_no_date_is_refused(cell: object) -> None:
    with pytest.raises(CellError):
        read_moment(cell, DateOrder.DMY)


def test_only_a_cell_with_figures_is_repeated_in_a_message() -> None:
    with pytest.raises(CellError) as refused:
        read_moment("Ottoline Vane", DateOrder.DMY)
    assert "Ottoline" not in str(refused.value)


def test_an_offset_makes_a_moment_aware() -> None:
    east = read_moment("2026-03-01T20:00:00+11:00", DateOrder.DMY)
    assert isinstance(east, datetime)
    assert east.astimezone(UTC) == read_moment("2026-03-01T09:00:00Z", DateOrder.DMY)


def test_a_day_alone_stays_a_day_and_drops_a_time_when_only_the_day_counts() -> None:
    assert read_moment("1/3/2026", DateOrder.DMY) == date(2026, 3, 1)
    assert read_date("1/3/2026 12:00:00 AM", DateOrder.DMY) == date(2026, 3, 1)


@pytest.mark.parametrize(
    "cell",
    ["9:30", "09:30:00", "0930", "930", "9.30", "9h30", 0.395833333, 930.0, 34_200, "34200",
     time(9, 30), timedelta(hours=9, minutes=30), "30/12/1899 9:30:00 AM"],
)  # fmt: skip
def test_a_time_of_day_is_read_in_every_way_exports_write_it(cell: object) -> None:
    assert read_clock(cell) == 34_200


@pytest.mark.parametrize("cell", ["25:00", "9:60", "abc", "9", None, "13:00 am", -1.0])
def test_what_is_no_time_of_day_is_refused(cell: object) -> None:
    with pytest.raises(CellError):
        read_clock(cell)


@pytest.mark.parametrize(
    "cell",
    ["90", 90.0, "1:30", "1:30:00", "1 h 30 min", "1h30m", "90 minutes", "1.5 hours", 0.0625,
     timedelta(minutes=90), time(1, 30)],
)  # fmt: skip
def test_a_length_is_minutes_or_hours_and_minutes(cell: object) -> None:
    assert read_length(cell) == timedelta(minutes=90)


def test_a_length_counts_seconds_only_where_the_times_do() -> None:
    assert read_length("900", seconds=True) == timedelta(minutes=15)
    assert read_length("15", seconds=True) == timedelta(minutes=15)
    assert read_length("900") == timedelta(hours=15)


@pytest.mark.parametrize("cell", ["0", "-15", "abc", "", None, "1e300", "9" * 400, "0:00"])
def test_what_is_no_length_is_refused(cell: object) -> None:
    with pytest.raises(CellError):
        read_length(cell)


def test_yes_and_no_have_their_usual_words() -> None:
    assert all(read_yes_no(each) for each in ("Yes", "y", "TRUE", "1", 1.0, True))
    assert not any(read_yes_no(each) for each in ("No", "n", "False", "0", 0.0, False, "", None))
    with pytest.raises(CellError, match="neither yes nor no"):
        read_yes_no("perhaps")


def test_words_of_a_mapping_decide_what_is_yes() -> None:
    assert read_yes_no("Dna", {"dna"})
    assert not read_yes_no("Attended", {"dna"})


def test_text_loses_what_steers_a_screen_and_keeps_the_rest() -> None:
    assert read_line("a\x00b\x1b[31m\u202ec\x9f\ufeff d\r\ne") == "ab[31mc d e"
    assert read_line("=HYPERLINK(1) <b>") == "=HYPERLINK(1) <b>"
    assert read_line("Zoe\u0308") == "Zoë"
    assert read_line("👩‍⚕️ مريم") == "👩‍⚕️ مريم"


def test_notes_keep_their_lines() -> None:
    assert read_notes("one\r\ntwo\rthree\u2028four\n") == "one\ntwo\nthree\nfour"


def test_half_a_character_never_gets_through() -> None:
    assert read_line("a\ud83dz") == "az"
    assert read_notes("a\udc00z") == "az"


def test_long_text_is_cut_where_the_limits_say() -> None:
    assert read_notes("x" * 10_000) == "x" * 10_000
    assert len(read_notes("x" * 30_000)) == NOTES_LIMIT
    assert read_line("x" * 600) == "x" * (LINE_LIMIT - 1) + "…"


def test_numbers_read_as_their_author_wrote_them() -> None:
    assert [read_line(each) for each in (1001.0, 12.5, 7, True, None)] == [
        "1001", "12.5", "7", "Yes", "",
    ]  # fmt: skip


def test_a_cell_of_nothing_but_invisible_characters_is_blank() -> None:
    assert is_blank(" \x00\ufeff\t")
    assert not is_blank(0.0)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("3/25/2026 9:00 am", "“3/25/2026 9:00 am”"),
        ("31 Feb 2026", "“31 Feb 2026”"),
        ("1h 90m", "“1h 90m”"),
        ("Jane Smith", "the text there"),
        ("Jane Smith 3/3/1980", "the text there"),
        ("Smith2", "the text there"),
        ("0412 345 678", "the text there"),
        ("jane@example.com", "the text there"),
    ],
)
def test_a_message_repeats_figures_but_no_name_from_another_column(cell: str, said: str) -> None:
    assert quoted(cell) == said
