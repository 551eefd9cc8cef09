"""Colours by appointment type, types left out, and reminders that mean what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.google.wire import new_event, observe
from companion.domain.appointments import NO_REMINDER, Practitioner
from companion.domain.calendar_writers import CalendarWriter
from companion.domain.disclosure import Disclosure, DisclosureItem
from companion.domain.errors import BadInput
from companion.domain.events import PLAIN, CalendarEvent, EventStyle, project
from companion.domain.settings import PractitionerSettings, SyncChoices
from companion.services.reminders import LONGEST, read_reminder, reminder_text, reminder_words
from companion.services.settings import formatting
from tests.fakes.appointments import START, WINDOW, appointment

BOTH = frozenset({DisclosureItem.TYPE, DisclosureItem.REMINDER})


def shown(
    kind: str = "",
    *,
    style: EventStyle = PLAIN,
    disclosure: Disclosure | None = None,
    reminder: int | None = None,
    all_day: bool = False,
) -> list[CalendarEvent]:
    start = START.replace(hour=0, minute=0) if all_day else START
    length = timedelta(days=1) if all_day else timedelta(minutes=45)
    one = appointment(
        start, length, appointment_type=kind, reminder_minutes=reminder, all_day=all_day
    )
    return project([one], WINDOW, disclosure or Disclosure(items=BOTH), style=style)


COLOURED = EventStyle(colour="3", type_colours={"initial": "11"})


def test_a_type_has_its_colour_and_the_others_the_calendars() -> None:
    assert [each.colour for each in shown("INITIAL", style=COLOURED)] == ["11"]
    assert [each.colour for each in shown("Review", style=COLOURED)] == ["3"]


@pytest.mark.parametrize(
    "disclosure",
    [
        Disclosure(items=frozenset()),
        Disclosure(items=BOTH, busy_only=True),
        Disclosure(items=BOTH, masked_types=frozenset({"initial"})),
    ],
)
def test_a_colour_tells_no_type_that_is_not_shown(disclosure: Disclosure) -> None:
    assert [each.colour for each in shown("Initial", style=COLOURED, disclosure=disclosure)] == [
        "3"
    ]


def test_a_type_may_be_left_out() -> None:
    without = Disclosure(left_out_types=frozenset({"admin"}))
    assert shown("Admin", disclosure=without) == []
    assert len(shown("Review", disclosure=without)) == 1


@pytest.mark.parametrize(
    ("book", "style", "expected"),
    [
        (None, None, None),
        (None, NO_REMINDER, NO_REMINDER),
        (None, 60, 60),
        (0, 60, 0),
        (NO_REMINDER, 60, NO_REMINDER),
    ],
)
def test_what_the_book_says_of_a_reminder_counts_first(
    book: int | None, style: int | None, expected: int | None
) -> None:
    (event,) = shown(style=EventStyle(reminder=style), reminder=book)
    assert event.reminder_minutes == expected
    (event,) = shown(style=EventStyle(reminder=style), reminder=book, all_day=True)
    assert event.reminder_minutes is None


def test_where_reminders_are_not_included_the_practitioners_own_choice_counts() -> None:
    closed = Disclosure(items=frozenset())
    (event,) = shown(style=EventStyle(reminder=NO_REMINDER), reminder=15, disclosure=closed)
    assert event.reminder_minutes == NO_REMINDER


@pytest.mark.parametrize("all_day", [False, True])
@pytest.mark.parametrize("minutes", [None, NO_REMINDER, 0, 1440])
def test_google_reads_back_the_reminder_that_it_was_given(
    minutes: int | None, all_day: bool
) -> None:
    (event,) = shown(style=EventStyle(reminder=minutes), all_day=all_day)
    writer = CalendarWriter(id="w", term=1)
    body = new_event("e1", event, writer, datetime(2026, 3, 1, tzinfo=UTC))
    expected = {None: True, NO_REMINDER: False, 0: False, 1440: False}[minutes]
    assert body["reminders"]["useDefault"] is (expected and not all_day)
    seen = observe({**body, "etag": "1"}, marks=[writer.mark], timezone="Australia/Sydney")
    assert seen.style == event.style


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ("0", 0),
        ("none", NO_REMINDER),
        ("No", NO_REMINDER),
        ("1 day", 1440),
        ("1 day before", 1440),
        ("2 hrs", 120),
        ("1.5 h", 90),
        ("15", 15),
        ("15 mins prior", 15),
        ("1 week", 10_080),
        ("", None),
        ("calendar", None),
    ],
)
def test_a_reminder_means_what_it_says(words: str, minutes: int | None) -> None:
    assert read_reminder(words) == minutes


@pytest.mark.parametrize("words", ["soon", "-5", "5 weeks", "0.5 min", "1 day 2 hours", "9" * 400])
def test_other_words_say_no_reminder(words: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_reminder(words)


@given(st.one_of(st.none(), st.just(NO_REMINDER), st.integers(0, LONGEST)))
def test_a_reminder_in_words_is_read_back(minutes: int | None) -> None:
    assert read_reminder(reminder_text(minutes)) == minutes
    if minutes is not None:
        assert read_reminder(reminder_words(minutes)) == minutes


def test_settings_say_them_in_words_and_back() -> None:
    record = PractitionerSettings(
        practitioner=Practitioner(id="jo-smith", name="Jo Smith"), choices=SyncChoices()
    )
    typed = {
        "type_colours": "Initial=tomato, Review=2",
        "reminder": "1 day",
        "left_out_types": "Admin",
    }
    changed = formatting.change(record, typed, formatting.PRACTITIONER)
    assert changed.choices.type_colours == {"initial": "11", "review": "2"}
    assert changed.choices.reminder == 1440
    assert changed.choices.disclosure.left_out_types == {"admin"}
    words = formatting.show(changed, formatting.PRACTITIONER)
    assert formatting.change(record, words, formatting.PRACTITIONER) == changed


@pytest.mark.parametrize(
    ("key", "value"),
    [("type_colours", "Initial"), ("type_colours", "Initial=mauve"), ("reminder", "soon")],
)
def test_what_cannot_be_is_named(key: str, value: str) -> None:
    record = PractitionerSettings(practitioner=Practitioner(id="jo-smith", name="Jo Smith"))
    with pytest.raises(BadInput) as refused:
        formatting.change(record, {key: value}, formatting.PRACTITIONER)
    assert refused.value.field == key
