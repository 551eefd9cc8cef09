"""Calendar files as sheets: what each kind of entry becomes, and that a hostile one costs no other.

Every file is invented; the values beside it are what RFC 5545 says of it.
"""

from __future__ import annotations

import pytest

from companion.domain.errors import FileRefused
from companion.services.workbooks import Sheet
from tests.fakes.workbooks import rows_of, workbook_of

SYDNEY = "DTSTART;TZID=Australia/Sydney:"


def calendar(*events: str, head: str = "") -> Sheet:
    body = "".join(
        f"BEGIN:VEVENT\r\nDTSTAMP:20261120T000000Z\r\n{each}END:VEVENT\r\n" for each in events
    )
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{head}{body}END:VCALENDAR\r\n"
    (sheet,) = workbook_of(text.encode()).sheets
    return sheet


def event(uid: str, start: str, *more: str) -> str:
    return "".join(f"{line}\r\n" for line in (f"UID:{uid}", start, *more))


def test_a_single_entry_is_a_row_under_its_own_id() -> None:
    sheet = calendar(
        event("a", "DTSTART:20261201T090000Z", "DTEND:20261201T094500Z", "SUMMARY:Review"),
        head="X-WR-CALNAME:Jo Smith\r\n",
    )
    (row,) = rows_of(sheet)
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
    found = [row["UID"] for row in rows_of(calendar(weekly))]
    assert found == ["lunch@20261201T010000", "lunch@20261215T010000"]


def test_two_plain_entries_of_one_uid_are_both_kept() -> None:
    sheet = calendar(event("a", "DTSTART:20261201T090000Z"), event("a", "DTSTART:20261202T090000Z"))
    assert len(rows_of(sheet)) == 2


def test_an_entry_without_a_start_or_of_every_minute_is_damaged_and_costs_no_other() -> None:
    sheet = calendar(
        event("a", "SUMMARY:No start"),
        event("b", "DTSTART:20261201T090000Z", "RRULE:FREQ=MINUTELY"),
        event("c", "DTSTART:20261201T090000Z"),
    )
    assert [row["UID"] for row in rows_of(sheet)] == ["c"]
    assert len(sheet.damaged) == 2


def test_a_whole_day_and_a_floating_time_with_the_calendars_zone() -> None:
    sheet = calendar(
        event("day", "DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261226"),
        event("floating", "DTSTART:20261201T090000", "DURATION:PT45M"),
        head="X-WR-TIMEZONE:Australia/Sydney\r\n",
    )
    day, floating = rows_of(sheet)
    assert (day["DTSTART"], day["DTEND"], day["ALL DAY"]) == ("2026-12-24", "2026-12-26", "Yes")
    assert floating["DTEND"] == "2026-12-01 09:45:00+11:00"


def test_what_is_no_calendar_is_refused() -> None:
    with pytest.raises(FileRefused):
        workbook_of(b"<html>Sign in</html>")


def moments(sheet: Sheet) -> list[tuple[object, object, object]]:
    return [(row["UID"], row["DTSTART"], row["DTEND"]) for row in rows_of(sheet)]


# ── series ────────────────────────────────────────────────────────────────────────────────────

WEEKLY = event(
    "w", f"{SYDNEY}20261201T090000", "DTEND;TZID=Australia/Sydney:20261201T094500",
    "RRULE:FREQ=WEEKLY;COUNT=4", "SUMMARY:Pilates",
)  # fmt: skip


def test_an_occurrence_that_was_moved_keeps_its_id() -> None:
    moved = event(
        "w", f"{SYDNEY}20261209T140000", "DTEND;TZID=Australia/Sydney:20261209T144500",
        "RECURRENCE-ID;TZID=Australia/Sydney:20261208T090000", "SUMMARY:Pilates in Room 2",
    )  # fmt: skip
    found = moments(calendar(WEEKLY, moved))
    assert found[1] == (
        "w@20261207T220000", "2026-12-09 14:00:00+11:00", "2026-12-09 14:45:00+11:00",
    )  # fmt: skip
    assert [each[0] for each in found] == [
        "w@20261130T220000", "w@20261207T220000", "w@20261214T220000", "w@20261221T220000",
    ]  # fmt: skip


def test_an_occurrence_that_was_cancelled_is_a_row_that_says_so() -> None:
    off = event(
        "w", f"{SYDNEY}20261208T090000", "RECURRENCE-ID;TZID=Australia/Sydney:20261208T090000",
        "STATUS:CANCELLED",
    )  # fmt: skip
    found = [(row["UID"], row["STATUS"]) for row in rows_of(calendar(WEEKLY, off))]
    assert found[1] == ("w@20261207T220000", "CANCELLED")
    assert [status for _, status in found].count("CONFIRMED") == 3


def test_the_newer_of_two_changes_of_one_occurrence_counts() -> None:
    def change(sequence: int, hour: int) -> str:
        return event(
            "w", f"{SYDNEY}20261208T{hour}0000", f"SEQUENCE:{sequence}",
            "RECURRENCE-ID;TZID=Australia/Sydney:20261208T090000", "DURATION:PT45M",
        )  # fmt: skip

    found = moments(calendar(WEEKLY, change(2, 15), change(1, 11)))
    assert found[1][1] == "2026-12-08 15:00:00+11:00"


def test_dates_taken_out_in_another_zone_or_as_days_take_place_no_more() -> None:
    other_zone = WEEKLY + "EXDATE:20261207T220000Z\r\n"
    several = WEEKLY + "EXDATE;TZID=Australia/Sydney:20261208T090000,20261215T090000\r\n"
    daily = event(
        "d", "DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=DAILY;COUNT=3",
        "EXDATE;VALUE=DATE:20261202",
    )  # fmt: skip
    assert len(rows_of(calendar(other_zone))) == 3
    assert len(rows_of(calendar(several))) == 2
    assert [row["DTSTART"] for row in rows_of(calendar(daily))] == ["2026-12-01", "2026-12-03"]


def test_dates_that_were_added_come_with_their_own_end_where_they_have_one() -> None:
    added = event(
        "r", "DTSTART:20261201T000000Z", "DTEND:20261201T003000Z",
        "RDATE:20261203T000000Z", "RDATE;VALUE=PERIOD:20261205T010000Z/PT2H",
    )  # fmt: skip
    assert [each[1:] for each in moments(calendar(added))] == [
        ("2026-12-01 00:00:00+00:00", "2026-12-01 00:30:00+00:00"),
        ("2026-12-03 00:00:00+00:00", "2026-12-03 00:30:00+00:00"),
        ("2026-12-05 01:00:00+00:00", "2026-12-05 03:00:00+00:00"),
    ]


def test_a_change_of_all_that_follow_gives_each_an_id_of_its_own() -> None:
    from_then = event(
        "w", f"{SYDNEY}20261215T100000", "DURATION:PT45M",
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Australia/Sydney:20261215T090000",
    )  # fmt: skip
    found = moments(calendar(WEEKLY, from_then))
    assert [start for _, start, _ in found][2:] == [
        "2026-12-15 10:00:00+11:00", "2026-12-22 10:00:00+11:00",
    ]  # fmt: skip
    assert len({uid for uid, _, _ in found}) == 4


def test_a_changed_occurrence_whose_series_is_not_in_the_file_is_a_row() -> None:
    alone = event("w", "DTSTART:20261208T090000Z", "RECURRENCE-ID:20261208T080000Z")
    assert moments(calendar(alone))[0][:2] == ("w@20261208T080000", "2026-12-08 09:00:00+00:00")


def test_a_series_over_a_change_of_clocks_keeps_its_wall_time() -> None:
    over = event("o", f"{SYDNEY}20270329T090000", "RRULE:FREQ=WEEKLY;COUNT=2", "DURATION:PT1H")
    assert [start for _, start, _ in moments(calendar(over))] == [
        "2027-03-29 09:00:00+11:00", "2027-04-05 09:00:00+10:00",
    ]  # fmt: skip


def test_a_moved_day_of_a_series_of_days_keeps_its_id_whatever_clock_names_it() -> None:
    days = event("d", "DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=WEEKLY;COUNT=2")
    moved = event(
        "d", "DTSTART;VALUE=DATE:20261209", "RECURRENCE-ID;TZID=Australia/Sydney:20261208T000000"
    )
    assert [each[:2] for each in moments(calendar(days, moved))] == [
        ("d@20261201T000000", "2026-12-01"), ("d@20261208T000000", "2026-12-09"),
    ]  # fmt: skip


def test_the_end_of_a_rule_without_a_zone_is_wall_time() -> None:
    rule = "RRULE:FREQ=DAILY;UNTIL=20261203T090000"
    assert len(rows_of(calendar(event("u", f"{SYDNEY}20261201T090000", rule)))) == 3


def test_a_series_with_a_change_that_cannot_be_read_brings_nothing_back() -> None:
    off = event("w", "DTSTART:never", "RECURRENCE-ID;TZID=Australia/Sydney:20261208T090000")
    sheet = calendar(WEEKLY, off, GOOD)
    assert [row["UID"] for row in rows_of(sheet)] == ["good"]
    assert len(sheet.damaged) == 2


def test_a_series_reaches_back_as_far_as_the_single_entries_of_its_file() -> None:
    old = event("old", "DTSTART:20240601T000000Z")
    series = event("s", "DTSTART:20240101T000000Z", "RRULE:FREQ=MONTHLY")
    starts = [str(row["DTSTART"]) for row in rows_of(calendar(old, series))]
    assert min(starts) == "2024-06-01 00:00:00+00:00"
    assert "2024-07-01 00:00:00+00:00" in starts
    assert min(str(row["DTSTART"]) for row in rows_of(calendar(series)))[:7] == "2025-12"


# ── zones ─────────────────────────────────────────────────────────────────────────────────────

OWN_ZONE = """BEGIN:VTIMEZONE\r
TZID:Clinic time\r
BEGIN:STANDARD\r
DTSTART:20000326T030000\r
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU\r
TZOFFSETFROM:+1100\r
TZOFFSETTO:+1000\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:20001029T020000\r
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU\r
TZOFFSETFROM:+1000\r
TZOFFSETTO:+1100\r
END:DAYLIGHT\r
END:VTIMEZONE\r
"""


@pytest.mark.parametrize(
    ("zone", "head", "offset"),
    [
        ("Clinic time", OWN_ZONE, "+11:00"),
        ("AUS Eastern Standard Time", "", "+11:00"),
        ("E. Australia Standard Time", "", "+10:00"),
        ("/example.org/20260101_1/Australia/Sydney", "", "+11:00"),
        ('"Australia/Perth"', "", "+08:00"),
    ],
)
@pytest.mark.filterwarnings("ignore:Timezone")
def test_a_zone_is_known_by_the_files_own_description_or_by_its_name(
    zone: str, head: str, offset: str
) -> None:
    (row,) = rows_of(calendar(event("z", f"DTSTART;TZID={zone}:20261201T090000"), head=head))
    assert (row["DTSTART"], row["TZID"]) == (f"2026-12-01 09:00:00{offset}", None)


@pytest.mark.parametrize("zone", ["Customized Time Zone", "tzone://Microsoft/Custom", "GMT+1000"])
def test_a_zone_that_nobody_knows_is_named_and_never_taken_for_another(zone: str) -> None:
    entry = event("z", f"DTSTART;TZID={zone}:20261201T090000", "DURATION:PT1H")
    (row,) = rows_of(calendar(entry, head="X-WR-TIMEZONE:Australia/Sydney\r\n"))
    assert (row["DTSTART"], row["TZID"]) == ("2026-12-01 09:00:00", zone)


def test_a_day_has_no_zone_whatever_stands_beside_it() -> None:
    day = event("d", "DTSTART;TZID=Europe/Berlin;VALUE=DATE:20261201")
    assert rows_of(calendar(day))[0]["DTSTART"] == "2026-12-01"


def test_the_zones_of_one_file_are_forgotten_with_the_next() -> None:
    entry = event("z", "DTSTART;TZID=Clinic time:20261201T090000")
    calendar(entry, head=OWN_ZONE)
    assert rows_of(calendar(entry))[0]["TZID"] == "Clinic time"


def test_a_floating_time_in_a_calendar_without_a_zone_stays_wall_time() -> None:
    (row,) = rows_of(calendar(event("f", "DTSTART:20261201T090000", "DURATION:PT45M")))
    assert (row["DTSTART"], row["DTEND"]) == ("2026-12-01 09:00:00", "2026-12-01 09:45:00")


# ── words ─────────────────────────────────────────────────────────────────────────────────────


def test_folded_and_escaped_text_is_whole_again() -> None:
    summary = "SUMMARY:Zoë\\, review\\; Room 2\\nsecond line".encode()
    folded = b"".join(
        bytes([each]) + (b"\r\n " if place % 9 == 8 else b"") for place, each in enumerate(summary)
    )
    start = b"BEGIN:VEVENT\r\nUID:f\r\nDTSTART:20261201T090000Z\r\n"
    content = b"BEGIN:VCALENDAR\r\n" + start + folded + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    (sheet,) = workbook_of(content).sheets
    assert rows_of(sheet)[0]["SUMMARY"] == "Zoë, review; Room 2\nsecond line"


def test_who_holds_it_and_how_it_shows() -> None:
    row = rows_of(
        calendar(
            event(
                "o", "DTSTART:20261201T090000Z", "CATEGORIES:Physio,Room 2", "CATEGORIES:New",
                'ORGANIZER;CN="Jo Smith":mailto:jo@clinic.example', "STATUS:TENTATIVE",
                "TRANSP:OPAQUE",
            ),
        )
    )[0]  # fmt: skip
    assert (row["CATEGORIES"], row["ORGANIZER"]) == ("Physio, Room 2, New", "Jo Smith")
    assert (row["STATUS"], row["TRANSP"]) == ("TENTATIVE", "TENTATIVE")
    away = event(
        "a", "DTSTART:20261201T090000Z", "ORGANIZER:MAILTO:jo@clinic.example",
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF", "TRANSP:OPAQUE",
    )  # fmt: skip
    row = rows_of(calendar(away))[0]
    assert (row["ORGANIZER"], row["TRANSP"]) == ("jo@clinic.example", "OOF")


def test_calendars_of_one_name_are_one_sheet_and_another_is_its_own() -> None:
    def of(name: str, uid: str) -> str:
        return (
            f"BEGIN:VCALENDAR\r\nX-WR-CALNAME:{name}\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
            "DTSTART:20261201T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )

    sheets = workbook_of((of("Jo", "a") + of("Jo", "b") + of("Anh", "c")).encode()).sheets
    assert [(each.name, len(each.rows)) for each in sheets] == [("Jo", 3), ("Anh", 2)]


def test_a_cancellation_cancels_and_an_answer_is_no_calendar() -> None:
    entry = event("a", "DTSTART:20261201T090000Z")
    (row,) = rows_of(calendar(entry, head="METHOD:CANCEL\r\n"))
    assert row["STATUS"] == "CANCELLED"
    with pytest.raises(FileRefused, match="answer to an invitation"):
        calendar(entry, head="METHOD:REPLY\r\n")


# ── hostile ───────────────────────────────────────────────────────────────────────────────────

GOOD = event("good", "DTSTART:20261201T090000Z", "DTEND:20261201T093000Z")


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:yesterday",),
        ("DTSTART:20261301T090000Z",),
        ("DTSTART:20261201T090000Z", "RRULE:FREQ=SOMETIMES"),
        ("DTSTART:20261201T090000Z", "RRULE:FREQ=DAILY;INTERVAL=0"),
        ("DTSTART:20261201T090000Z", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:whenever"),
        ("DTSTART:20261201T090000Z", "DTEND:later"),
        ("DTSTART:20261201T090000Z", "DURATION:a while"),
        ("DTSTART:20261201T090000Z", "DTEND:20261201T083000Z"),
        ("DTSTART:00010101T090000Z", "RRULE:FREQ=DAILY"),
        ("DTSTART:20261201T090000Z", "RRULE:FREQ=DAILY;BYMINUTE=1,2,3,4,5,6;BYHOUR=1,2,3,4,5"),
        ("DTSTART:20261201T090000Z", "RRULE:FREQ=SECONDLY"),
        ("DTSTART:20261201T090000Z", "RDATE:" + "20261201T090000Z," * 70_000),
        ("BEGIN:VEVENT", "DTSTART:20261201T090000Z"),
        (),
    ],
)
def test_an_entry_that_cannot_be_used_costs_no_other(lines: tuple[str, ...]) -> None:
    sheet = calendar(GOOD, event("bad", *lines) if lines else "", GOOD.replace("good", "last"))
    assert {row["UID"] for row in rows_of(sheet)} >= {"good", "last"}
    assert len(sheet.damaged) == 1


@pytest.mark.parametrize(
    "lines",
    [
        "no colon at all",
        ":no name",
        ";;;:",
        "SUMMARY" + ";" * 500 + ":x",
        "X-ALT-DESC;FMTTYPE=text/html:" + "<" * 60_000,
        "ATTACH;ENCODING=BASE64;VALUE=BINARY:" + "A" * 60_000,
        "BEGIN:VALARM\r\nTRIGGER:never\r\nDTSTART:nonsense\r\nEND:VALARM",
        "END:VALARM",
        "SUMMARY:\x00\x07\u2028\x0bEND:VEVENT",
        "SUMMARY:one\r\nSUMMARY:two",
    ],
)
def test_a_line_that_nobody_asked_for_costs_nothing(lines: str) -> None:
    sheet = calendar(GOOD.replace("UID:good\r\n", f"UID:good\r\n{lines}\r\n"))
    (row,) = rows_of(sheet)
    assert (row["UID"], row["DTEND"], sheet.damaged) == ("good", "2026-12-01 09:30:00+00:00", [])


@pytest.mark.parametrize("cut", ["END:VCALENDAR", "END:VEVENT\r\nEND:VCALENDAR", "DTEND:2026"])
def test_a_file_that_ends_in_the_middle_says_so(cut: str) -> None:
    whole = (
        "BEGIN:VCALENDAR\r\n"
        + "".join(f"BEGIN:VEVENT\r\n{GOOD.replace('good', each)}END:VEVENT\r\n" for each in "ab")
        + "END:VCALENDAR\r\n"
    )
    (sheet,) = workbook_of(whole[: whole.rindex(cut)].encode()).sheets
    assert rows_of(sheet)[0]["UID"] == "a"
    assert "may be missing" in sheet.damaged[-1][1]


def test_an_entry_without_an_end_lasts_half_an_hour_and_a_note_says_so() -> None:
    content = (
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261201T090000Z\r\nEND:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )
    workbook = workbook_of(content)
    assert rows_of(workbook.sheets[0])[0]["DTEND"] == "2026-12-01 09:30:00+00:00"
    assert "30 minutes" in workbook.notes[0]
