# ruff: noqa: DTZ001 - the book's times are wall time
"""The words of an event, its fingerprint and its style."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem
from companion.domain.events import BusyStatus, CalendarEvent, project
from companion.domain.person_names import PersonName
from companion.domain.plain_text import clean_text, shorten
from companion.domain.redaction import Redactor
from companion.domain.wording import DESCRIPTION_LIMIT, SUMMARY_LIMIT
from tests.fakes.appointments import START, WINDOW, appointment

VISIT = appointment(
    id="visit",
    appointment_type="Review",
    client_id="77",
    client_first_name="Mary-Kate",
    client_last_name="O'Brien",
    location="Room 2",
    notes="Brings her X-ray",
    reminder_minutes=10,
)
ALL = Disclosure(items=frozenset(DisclosureItem))


def event(appointment: Appointment, disclosure: Disclosure = ALL) -> CalendarEvent:
    (found,) = project([appointment], WINDOW, disclosure, practitioner_name="Ada Quill")
    return found


@pytest.mark.parametrize(
    ("mode", "summary"),
    [
        (ClientName.NONE, "Review"),
        (ClientName.ID, "Client 77 – Review"),
        (ClientName.INITIALS, "MKO – Review"),
        (ClientName.FIRST, "Mary-Kate – Review"),
        (ClientName.FULL, "Mary-Kate O'Brien – Review"),
    ],
)
def test_each_mode_names_the_client_its_own_way(mode: ClientName, summary: str) -> None:
    assert event(VISIT, replace(ALL, client_name=mode)).summary == summary


def test_without_name_and_type_an_event_still_says_what_it_is() -> None:
    bare = Disclosure(items=frozenset(), client_name=ClientName.NONE)
    for kind, words in (
        (AppointmentKind.CLIENT, "Client appointment"),
        (AppointmentKind.CASUAL, "Casual appointment"),
        (AppointmentKind.MEETING, "Meeting"),
    ):
        assert event(replace(VISIT, kind=kind, title="Team talk"), bare).summary == words


def test_a_meeting_shows_its_title_and_is_not_private() -> None:
    meeting = replace(VISIT, kind=AppointmentKind.MEETING, title="Team talk")
    assert event(meeting).summary == "Team talk"
    assert event(replace(meeting, title="")).summary == "Review"
    assert not event(meeting).private
    assert event(VISIT).private
    assert event(meeting, replace(ALL, busy_only=True)).private


def test_a_walk_in_named_in_the_title_is_disclosed_like_a_name() -> None:
    walk_in = replace(
        VISIT,
        kind=AppointmentKind.CASUAL,
        client_id="",
        client_first_name="",
        client_last_name="",
        title="Gwen Fairweather, review",
        notes="gwen is Ms FAIRWEATHER’s sister; review the plan",
    )
    shown = event(walk_in)
    assert shown.summary == "Review"
    assert shown.description == "With: Ada Quill\n… is Ms …’s sister; review the plan"
    opened = event(walk_in, replace(ALL, client_name=ClientName.FULL))
    assert opened.summary == "Gwen Fairweather, review – Review"
    lower = event(replace(walk_in, title="gwen fairweather"))
    assert lower.description.endswith("… is Ms …’s sister; review the plan")


def test_only_the_items_chosen_appear() -> None:
    tentative = replace(VISIT, show_as=ShowAs.TENTATIVE)
    assert event(tentative).description == ("Status: Tentative\nWith: Ada Quill\nBrings her X-ray")
    assert event(tentative).location == "Room 2"
    assert event(tentative).reminder_minutes == 10
    none = event(tentative, Disclosure(items=frozenset()))
    assert (none.description, none.location, none.reminder_minutes) == ("", "", None)
    assert none.show_as is ShowAs.TENTATIVE


def test_an_all_day_event_has_dates_and_no_reminder() -> None:
    leave = replace(VISIT, all_day=True, start=datetime(2026, 3, 3), end=datetime(2026, 3, 5))
    shown = event(leave)
    assert (shown.start, shown.end, shown.all_day) == (date(2026, 3, 3), date(2026, 3, 5), True)
    assert shown.reminder_minutes is None
    assert shown.begins == datetime(2026, 3, 2, 13, tzinfo=UTC)
    assert shown.ends == datetime(2026, 3, 4, 13, tzinfo=UTC)


def test_a_series_becomes_an_event_each_by_start_and_sequence_counts_both_changes() -> None:
    changed = OccurrenceChange(original_start=START, title="Moved", start=START + timedelta(days=3))
    series = replace(
        VISIT,
        kind=AppointmentKind.MEETING,
        title="Huddle",
        revision=4,
        recurrence=Recurrence(rule="FREQ=DAILY;COUNT=2", changes=(changed,)),
    )
    late = datetime(2026, 3, 1, tzinfo=UTC)
    events = project(
        [series, VISIT], WINDOW, ALL, disclosure_revision=2, disclosure_changed_at=late
    )
    assert [(each.key, each.summary) for each in events] == [
        ("visit", "MKO – Review"),
        ("visit@20260304T093000", "Huddle"),
        ("visit@20260303T093000", "Moved"),
    ]
    assert [each.sequence for each in events] == [2, 6, 6]
    assert {each.changed_at for each in events} == {late}


# ── names in free text ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("Ann", "Anna met Joann and Ann.", "Anna met Joann and …."),
        ("O'Brien", "OBrien, o’brien; BRIEN", "…; …"),
        ("Smith-Jones", "Smith Jones and SmithJones", "… and …"),
        ("Smith", "smith_1.pdf Smith2 Smithers", "…_1.pdf …2 Smithers"),
        ("Strauß", "STRAUSS Strauss", "…"),
        ("Đặng", "Mr Dang", "Mr …"),
        ("İpek", "ipek i̇pek IPEK", "…"),
        ("王", "王先生和李先生", "…先生和李先生"),
        ("小明", "给小明打电话", "给…打电话"),
        ("김", "기차 김민준", "기차 …민준"),
        ("\u200fשרה", "לשרה כהן", "ל… כהן"),
        ("שָׂרָה", "שרה", "…"),
        ("J", "J rang", "J rang"),
        ("Mary Ann", "Mary said; Ann, Mary-Ann", "… said; …"),
        ("12 ()", "12 () left", "12 () left"),
        ("", "nobody", "nobody"),
        ("Smith", "left …, … as it is", "left …, … as it is"),
    ],
)
def test_a_name_is_taken_out_of_free_text(name: str, text: str, shown: str) -> None:
    redact = Redactor(PersonName(family=tuple(name.split())))
    assert redact(clean_text(text)) == shown


def test_an_initial_that_is_a_whole_name_is_not_shown() -> None:
    one = replace(VISIT, client_first_name="小明", client_last_name="王")
    assert event(one).summary == "小 – Review"
    assert event(replace(one, client_first_name="明")).summary == "Review"
    assert (
        event(replace(one, client_first_name="J", client_last_name="Wu")).summary == "JW – Review"
    )


# ── texts ─────────────────────────────────────────────────────────────────────────────────────


def test_text_is_one_line_of_nfc_without_controls() -> None:
    assert clean_text(" a\x00b\r\nc\u2028d  e\u0301 ") == "a b c d é"
    assert clean_text("a\r\nb\rc\n", keep_lines=True) == "a\nb\nc"
    assert clean_text("\ud800x") == "x"


def test_markup_in_notes_is_broken_visibly() -> None:
    noted = replace(VISIT, notes="<script>1 < 2</script> <3")
    assert event(noted).description.endswith("‹script>1 < 2‹/script> <3")


def test_long_texts_end_in_an_ellipsis_within_the_limit() -> None:
    long = replace(VISIT, appointment_type="x" * 900, notes="y" * 9000)
    shown = event(long)
    assert len(shown.summary) == SUMMARY_LIMIT
    assert len(shown.description) == DESCRIPTION_LIMIT
    assert shown.summary[-1] == shown.description[-1] == "…"
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"


# ── fingerprint ───────────────────────────────────────────────────────────────────────────────

BASE = event(VISIT)
owned = st.fixed_dictionaries(
    {},
    optional={
        "start": st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1), timezones=st.just(UTC)),
        "end": st.datetimes(datetime(2026, 4, 1), datetime(2026, 5, 1), timezones=st.just(UTC)),
        "summary": st.text(max_size=5),
        "location": st.text(max_size=5),
        "description": st.text(max_size=5),
        "show_as": st.sampled_from(ShowAs),
        "private": st.booleans(),
    },
)
not_owned = st.fixed_dictionaries(
    {},
    optional={
        "key": st.text(max_size=5),
        "timezone": st.just("Europe/London"),
        "reminder_minutes": st.none() | st.integers(0, 60),
        "colour": st.sampled_from(["", "1", "11"]),
        "sequence": st.integers(0, 9),
        "changed_at": st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    },
)


@given(one=owned, other=owned, touch=not_owned)
def test_the_fingerprint_changes_exactly_when_a_field_that_we_own_does(
    one: dict[str, Any], other: dict[str, Any], touch: dict[str, Any]
) -> None:
    first, second = BASE._replace(**one), BASE._replace(**other, **touch)
    assert (first.fingerprint == second.fingerprint) == (first.content == second.content)
    assert first._replace(**touch).fingerprint == first.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"start": BASE.begins + timedelta(minutes=1)},
        {"end": BASE.ends + timedelta(minutes=1)},
        {"summary": "other"},
        {"location": "other"},
        {"description": "other"},
        {"show_as": ShowAs.FREE},
        {"show_as": ShowAs.TENTATIVE},
        {"private": False},
        {"summary": BASE.location, "location": BASE.summary},
    ],
    ids=str,
)
def test_each_owned_field_is_in_the_fingerprint(change: dict[str, Any]) -> None:
    assert BASE._replace(**change).fingerprint != BASE.fingerprint


def test_a_day_and_its_midnight_are_not_the_same() -> None:
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    timed = BASE._replace(start=midnight, end=midnight + timedelta(days=1))
    whole_day = BASE._replace(start=date(2026, 3, 3), end=date(2026, 3, 4))
    assert timed.fingerprint != whole_day.fingerprint


def test_out_of_office_is_busy_to_google() -> None:
    assert BusyStatus.of(ShowAs.OUT_OF_OFFICE) is BusyStatus.of(ShowAs.BUSY)
    assert BASE._replace(show_as=ShowAs.OUT_OF_OFFICE).fingerprint == BASE.fingerprint


def test_the_style_tells_colour_and_reminder_apart() -> None:
    styles = {
        BASE._replace(colour=colour, reminder_minutes=minutes).style
        for colour in ("", "1", "10")
        for minutes in (None, 0, 10)
    }
    assert len(styles) == 9
