# ruff: noqa: DTZ001 - the book's times are wall time
"""Names, keys, rules and times of the appointment book."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from companion.domain.appointments import (
    Appointment,
    AppointmentStatus,
    OccurrenceChange,
    Practitioner,
    Recurrence,
    ShowAs,
    appointment_id,
    check_times,
    fold_name,
    instant,
    interval,
    occurrences,
    parse_rule,
)
from companion.domain.errors import BadInput
from tests.fakes.appointments import HALF_HOUR, meeting

MONDAY = datetime(2026, 3, 2, 9, 30)
LUNCH = meeting(MONDAY, id="lunch", title="Lunch", location="Kitchen", notes="Bring cake")
YEAR = (datetime(2026, 1, 1), datetime(2027, 1, 1))


def series(rule: str, *changes: OccurrenceChange) -> Appointment:
    return replace(LUNCH, recurrence=Recurrence(rule=rule, changes=changes))


def starts(appointment: Appointment) -> list[datetime]:
    return [each.start for each in occurrences(appointment, *YEAR)]


def test_a_time_that_occurs_twice_is_its_first_occurrence() -> None:
    assert instant(datetime(2026, 4, 5, 2, 30), "Australia/Sydney") == datetime(
        2026, 4, 4, 15, 30, tzinfo=UTC
    )


def test_a_time_that_does_not_exist_moves_on_by_the_length_of_the_gap() -> None:
    half_past_two = instant(datetime(2026, 10, 4, 2, 30), "Australia/Sydney")
    assert half_past_two == instant(datetime(2026, 10, 4, 3, 30), "Australia/Sydney")
    lord_howe = instant(datetime(2026, 10, 4, 2, 15), "Australia/Lord_Howe")
    assert lord_howe == instant(datetime(2026, 10, 4, 2, 45), "Australia/Lord_Howe")


def test_an_end_overtaken_by_its_start_comes_the_same_time_after_it() -> None:
    begins, ends = interval(
        datetime(2026, 10, 4, 2, 30), datetime(2026, 10, 4, 3), "Australia/Sydney"
    )
    assert ends - begins == HALF_HOUR


def test_an_appointment_over_the_hour_that_comes_twice_takes_the_longer_way() -> None:
    begins, ends = interval(
        datetime(2026, 4, 5, 2, 45), datetime(2026, 4, 5, 3, 15), "Australia/Sydney"
    )
    assert ends - begins == timedelta(minutes=90)


def test_a_cancelled_appointment_takes_no_place() -> None:
    assert starts(LUNCH) == [MONDAY]
    assert starts(replace(LUNCH, status=AppointmentStatus.CANCELLED)) == []
    assert starts(replace(series("FREQ=DAILY"), status=AppointmentStatus.CANCELLED)) == []


def test_an_appointment_overlaps_a_span_half_open() -> None:
    end = LUNCH.end
    assert list(occurrences(LUNCH, MONDAY - HALF_HOUR, MONDAY)) == []
    assert list(occurrences(LUNCH, end, end + HALF_HOUR)) == []
    assert len(list(occurrences(LUNCH, end - timedelta(minutes=1), end + HALF_HOUR))) == 1


def test_one_occurrence_is_cancelled_and_one_moved_and_the_others_stay() -> None:
    meeting = series(
        "FREQ=WEEKLY;COUNT=4",
        OccurrenceChange(original_start=MONDAY + timedelta(days=7), cancelled=True),
        OccurrenceChange(
            original_start=MONDAY + timedelta(days=14), start=MONDAY + timedelta(days=15)
        ),
    )
    assert sorted(starts(meeting)) == [MONDAY + timedelta(days=n) for n in (0, 15, 21)]


def test_a_moved_occurrence_keeps_its_key_and_its_length() -> None:
    meeting = series(
        "FREQ=DAILY;COUNT=2",
        OccurrenceChange(original_start=MONDAY, start=datetime(2026, 5, 1, 8)),
    )
    (moved,) = occurrences(meeting, datetime(2026, 4, 1), datetime(2026, 6, 1))
    assert moved.key == "lunch@20260302T093000"
    assert moved.end == datetime(2026, 5, 1, 8, 30)
    assert {each.key for each in occurrences(meeting, *YEAR)} == {
        "lunch@20260302T093000",
        "lunch@20260303T093000",
    }


def test_a_change_alters_what_it_names_and_nothing_else() -> None:
    meeting = series(
        "FREQ=DAILY;COUNT=1",
        OccurrenceChange(original_start=MONDAY, title="", show_as=ShowAs.FREE),
    )
    (each,) = occurrences(meeting, *YEAR)
    assert (each.title, each.show_as) == ("", ShowAs.FREE)
    assert (each.location, each.notes, each.start) == ("Kitchen", "Bring cake", MONDAY)


def test_a_change_of_an_occurrence_that_the_rule_no_longer_makes_is_nothing() -> None:
    stray = OccurrenceChange(original_start=MONDAY + timedelta(hours=1), start=MONDAY)
    assert starts(series("FREQ=DAILY;COUNT=1", stray)) == [MONDAY]


def test_the_key_of_a_single_appointment_is_its_id() -> None:
    (each,) = occurrences(LUNCH, *YEAR)
    assert each.key == "lunch"


def test_a_rule_ends_at_its_last_wall_time() -> None:
    meeting = series("FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260311T093000")
    assert [each.day for each in starts(meeting)] == [2, 4, 9, 11]


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "WEEKLY",
        "FREQ=HOURLY",
        "FREQ=SECONDLY;COUNT=3",
        "FREQ=DAILY;BYHOUR=9,10",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=0;BYMONTH=2",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=20260401T000000Z",
        "FREQ=DAILY;COUNT=many",
        "FREQ=DAILY\nRRULE:FREQ=WEEKLY",
        "FREQ=DAILY\nEXDATE:20260302T093000",
    ],
)
@pytest.mark.timeout(30)
def test_a_rule_that_we_do_not_keep_is_refused_in_words(rule: str) -> None:
    with pytest.raises(BadInput, match="repetition") as caught:
        parse_rule(rule, MONDAY)
    assert caught.value.field == "recurrence"


def test_rules_that_people_make_are_kept() -> None:
    for rule in (
        "FREQ=DAILY",
        "freq=weekly;interval=2;byday=mo,we",
        "FREQ=MONTHLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=2;COUNT=5",
    ):
        assert parse_rule(rule, MONDAY).after(MONDAY) is not None


def test_the_id_of_an_imported_appointment_is_the_same_wherever_the_key_is() -> None:
    key, other = bytes(32), bytes(31) + b"1"
    found = appointment_id("reception", "A-1", key)
    assert found == appointment_id("reception", "A-1", key)
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")
    alike = [("reception", "A-2", key), ("r", "A-1", key), ("reception", "A-1", other)]
    assert len({found, *(appointment_id(*each) for each in alike)}) == 4
    assert appointment_id("a", "bc", key) != appointment_id("ab", "c", key)


def test_a_practitioner_answers_to_name_and_aliases_however_written() -> None:
    zoe = Practitioner(id="zoe", name="Dr Zoë  Quill", aliases=("Quill, Zoe",))
    for name in ("dr zoë quill", " DR ZOË\u00a0QUILL ", "Dr Zoe\u0308 Quill", "QUILL,  ZOE"):
        assert zoe.matches_name(name)
    assert not zoe.matches_name("Quill")
    assert fold_name("Zoe\u0308") == fold_name("ZOË")


def test_a_client_without_one_of_the_names_has_no_stray_space() -> None:
    assert replace(LUNCH, client_last_name="Quill").client_name == "Quill"
    assert replace(LUNCH, client_first_name="Ann").client_name == "Ann"
    assert LUNCH.client_name == ""


def test_only_a_possible_time_passes() -> None:
    check_times(MONDAY, MONDAY + HALF_HOUR, all_day=False)
    midnight = datetime(2026, 3, 2)
    check_times(midnight, midnight + timedelta(days=1), all_day=True)
    for start, end, all_day, field in (
        (MONDAY, MONDAY, False, "end"),
        (MONDAY, MONDAY - HALF_HOUR, False, "end"),
        (MONDAY, MONDAY + timedelta(days=367), False, "end"),
        (datetime(1926, 3, 2), datetime(1926, 3, 3), False, "start"),
        (datetime(2226, 3, 2), datetime(2226, 3, 3), False, "start"),
        (MONDAY, midnight + timedelta(days=1), True, "all_day"),
        (midnight, MONDAY, True, "all_day"),
    ):
        with pytest.raises(BadInput) as caught:
            check_times(start, end, all_day=all_day)
        assert caught.value.field == field


def test_a_changed_appointment_is_what_replace_would_make() -> None:
    before = LUNCH
    assert before.changed(id="b", title="Later") == replace(before, id="b", title="Later")
    with pytest.raises(AttributeError):
        before.changed(titel="Later")
