"""Which appointments go, which are masked, and the practice's cap."""

from dataclasses import replace

import pytest

from companion.domain.appointments import Appointment, AppointmentKind, Recurrence
from companion.domain.disclosure import (
    ClientName,
    Disclosure,
    DisclosureCap,
    DisclosureItem,
    KindChoice,
)
from tests.fakes.appointments import appointment

VISIT = appointment(appointment_type="Thérapie de couple")


def test_a_client_is_named_by_initials_and_notes_stay_in_the_book_by_default() -> None:
    assert Disclosure().client_name is ClientName.INITIALS
    assert Disclosure().items == {DisclosureItem.TYPE, DisclosureItem.LOCATION}
    assert Disclosure().kinds == set(KindChoice)


@pytest.mark.parametrize("kind", AppointmentKind)
def test_each_kind_goes_only_where_it_was_chosen(kind: AppointmentKind) -> None:
    one = replace(VISIT, kind=kind)
    choice = KindChoice(kind.value)
    assert Disclosure(kinds=frozenset({choice})).admits(one)
    assert not Disclosure(kinds=frozenset(KindChoice) - {choice}).admits(one)


@pytest.mark.parametrize(
    "member",
    [
        replace(VISIT, kind=AppointmentKind.MEETING, recurring=True),
        replace(VISIT, kind=AppointmentKind.MEETING, recurrence=Recurrence(rule="FREQ=DAILY")),
    ],
    ids=["imported", "own"],
)
def test_a_meeting_of_a_series_goes_with_recurring_not_with_meeting(member: Appointment) -> None:
    assert Disclosure(kinds=frozenset({KindChoice.RECURRING})).admits(member)
    assert not Disclosure(kinds=frozenset({KindChoice.MEETING})).admits(member)


@pytest.mark.parametrize(
    "spelling",
    [
        "thérapie de couple",
        "THÉRAPIE DE COUPLE",
        " Thérapie  de couple ",
        "The\u0301rapie de couple",
    ],
)
def test_a_type_is_masked_however_it_is_spelt_on_either_side(spelling: str) -> None:
    masking = Disclosure(masked_types=frozenset({"thérapie de couple"}))
    assert masking.masks(replace(VISIT, appointment_type=spelling))
    assert Disclosure(masked_types=frozenset({spelling.casefold()})).masks(VISIT)


def test_another_type_is_not_masked() -> None:
    masking = Disclosure(masked_types=frozenset({"thérapie"}))
    assert not masking.masks(VISIT)
    assert not Disclosure().masks(VISIT)
    assert Disclosure(busy_only=True).masks(VISIT)


def test_the_modes_are_in_order_of_openness() -> None:
    assert sorted(ClientName, key=lambda mode: mode.openness) == [
        ClientName.NONE,
        ClientName.ID,
        ClientName.INITIALS,
        ClientName.FIRST,
        ClientName.FULL,
    ]


def test_a_cap_that_allows_everything_changes_nothing() -> None:
    own = Disclosure(items=frozenset(DisclosureItem), client_name=ClientName.FULL)
    assert own.capped(DisclosureCap(items=frozenset(DisclosureItem))) == own
    assert own.items - own.capped(DisclosureCap()).items == {
        DisclosureItem.ADDRESS,
        DisclosureItem.TELEHEALTH,
    }
