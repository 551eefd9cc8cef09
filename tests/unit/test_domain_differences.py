"""What an audit says, in one sentence each."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from companion.domain.appointments import ShowAs
from companion.domain.differences import DifferenceKind, find_differences, when
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import LedgerEntry, LedgerEntryState, ObservedEvent
from tests.fakes.ledger_rows import row_of, seen

TUESDAY = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # 3 March, 9:30 in Sydney
ZONE = "Australia/Sydney"
EVENT = CalendarEvent(
    key="a",
    start=TUESDAY,
    end=TUESDAY + timedelta(minutes=30),
    timezone=ZONE,
    summary="AB – Review",
    location="Room 2",
)


def said(
    desired: list[CalendarEvent], ledger: list[LedgerEntry], observed: list[ObservedEvent]
) -> list[tuple[DifferenceKind, str]]:
    return [(each.kind, each.what) for each in find_differences(desired, ledger, observed)]


def test_equal_says_nothing() -> None:
    assert said([EVENT], [row_of(EVENT)], [seen(EVENT)]) == []
    assert said([EVENT], [], [seen(EVENT)]) == [], "even when the ledger is lost"
    assert said([], [], []) == []


def test_a_colour_or_reminder_is_the_practitioners_own() -> None:
    assert said([EVENT._replace(colour="4")], [row_of(EVENT)], [seen(EVENT, style="7|30")]) == []


def test_deleted_in_google() -> None:
    sentence = "Tue 3 March 09:30 was deleted in Google"
    for observed in ([], [seen(EVENT, deleted=True)]):
        assert said([EVENT], [row_of(EVENT)], observed) == [(DifferenceKind.DELETED, sentence)]


def test_deleted_in_google_and_left_so_on_purpose_is_no_difference() -> None:
    assert said([EVENT], [row_of(EVENT, state=LedgerEntryState.LEFT_OUT)], []) == []


def test_not_sent_yet() -> None:
    expected = [(DifferenceKind.NOT_SENT, "Tue 3 March 09:30 is not in Google yet")]
    assert said([EVENT], [], []) == expected
    assert said([EVENT], [row_of(EVENT, state=LedgerEntryState.PENDING)], []) == expected
    assert said([EVENT], [row_of(EVENT, state=LedgerEntryState.REMOVING)], []) == expected


def test_not_updated_yet() -> None:
    changed = EVENT._replace(summary="CD – Review")
    assert said([changed], [row_of(EVENT)], [seen(EVENT)]) == [
        (DifferenceKind.OUTDATED, "Tue 3 March 09:30 still shows its old details in Google")
    ]


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"start": TUESDAY + HOUR, "end": TUESDAY + 2 * HOUR},
            "was moved to Tue 3 March 10:30 in Google",
        ),
        (
            {"start": date(2026, 3, 5), "end": date(2026, 3, 6)},
            "was moved to Thu 5 March in Google",
        ),
        ({"end": TUESDAY + HOUR}, "has another end in Google"),
        ({"summary": "Dentist"}, "has another title in Google"),
        ({"location": ""}, "has another place in Google"),
        ({"description": "x"}, "has another description in Google"),
        ({"show_as": ShowAs.FREE}, "has another show-as in Google"),
        ({"private": False}, "has another visibility in Google"),
        ({"summary": "Dentist", "end": TUESDAY + HOUR}, "has another end and title in Google"),
    ],
)
def test_each_change_in_google_is_named(change: dict[str, Any], sentence: str) -> None:
    assert said([EVENT], [row_of(EVENT)], [seen(EVENT._replace(**change))]) == [
        (DifferenceKind.CHANGED, f"Tue 3 March 09:30 {sentence}")
    ]


def test_a_sentence_holds_no_word_of_the_event() -> None:
    changed = EVENT._replace(summary="Gwen", location="Gwen", description="Gwen")
    ((_, sentence),) = said([EVENT], [row_of(EVENT)], [seen(changed)])
    assert sentence == "Tue 3 March 09:30 has another title and place and description in Google"


def test_googles_own_wording_is_no_difference() -> None:
    told = EVENT._replace(summary="AB - Review")
    kept = replace(row_of(EVENT), content_hash=told.fingerprint)
    assert said([EVENT], [kept], [seen(told)]) == []


def test_not_in_the_book_any_more() -> None:
    assert said([], [row_of(EVENT)], [seen(EVENT)]) == [
        (DifferenceKind.EXTRA, "Tue 3 March 09:30 is in Google but no longer in the book")
    ]


def test_twice_in_google() -> None:
    assert said([EVENT], [row_of(EVENT)], [seen(EVENT, "0copy"), seen(EVENT)]) == [
        (DifferenceKind.DUPLICATE, "Tue 3 March 09:30 is in Google twice")
    ]


def test_an_event_known_by_its_id_needs_no_mark() -> None:
    assert said([EVENT], [row_of(EVENT)], [seen(EVENT, key="")]) == []
    assert said([EVENT], [], [seen(EVENT, key="")]) == [
        (DifferenceKind.NOT_SENT, "Tue 3 March 09:30 is not in Google yet"),
        (DifferenceKind.EXTRA, "Tue 3 March 09:30 is in Google but no longer in the book"),
    ]


def test_differences_come_by_time() -> None:
    events = [
        EVENT._replace(key=f"k{n}", start=TUESDAY + n * HOUR, end=TUESDAY + (n + 1) * HOUR)
        for n in (2, 0, 3, 1)
    ]
    extra = EVENT._replace(key="extra", start=TUESDAY + HOUR / 2)
    found = find_differences(events, [row_of(events[0])], [seen(extra)])
    assert [each.key for each in found] == ["k0", "extra", "k1", "k2", "k3"]


def test_times_are_local_and_days_have_none() -> None:
    assert when(TUESDAY, ZONE) == "Tue 3 March 09:30"
    assert when(TUESDAY, "Europe/London") == "Mon 2 March 22:30"
    assert when(date(2026, 3, 3), ZONE) == "Tue 3 March"
