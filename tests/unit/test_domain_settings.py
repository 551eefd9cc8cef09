"""Settings: one snapshot, found by id or name, in display order."""

from dataclasses import replace

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.disclosure import ClientName, Disclosure, DisclosureCap, DisclosureItem
from companion.domain.errors import BadInput, NotFound
from companion.domain.settings import (
    GoogleLink,
    PracticeSettings,
    PractitionerSettings,
    Settings,
    SourceSettings,
    SyncChoices,
    check_days,
)


def person(id: str, name: str, order: int = 0, *aliases: str) -> PractitionerSettings:  # noqa: A002 - as the field
    return PractitionerSettings(
        practitioner=Practitioner(id=id, name=name, display_order=order, aliases=aliases)
    )


ADA, ZOE = person("ada", "Ada Quill", 2), person("zoe", "Zoë Fairweather", 1, "Fairweather, Z")
BOTH = Settings(install_id="i").with_practitioner(ADA).with_practitioner(ZOE)


def test_practitioners_come_in_display_order_then_by_name() -> None:
    everyone = BOTH.with_practitioner(person("bob", "bob", 1)).with_practitioner(
        person("abe", "Abe", 1)
    )
    assert list(everyone.practitioners) == ["abe", "bob", "zoe", "ada"]


def test_a_change_makes_a_new_snapshot_and_leaves_the_old_one() -> None:
    renamed = BOTH.with_practitioner(person("ada", "Ada Marsh"))
    assert BOTH.practitioner("ada").practitioner.name == "Ada Quill"
    assert renamed.practitioner("ada").practitioner.name == "Ada Marsh"
    assert list(renamed.practitioners) == ["ada", "zoe"]
    assert list(BOTH.without_practitioner("zoe").practitioners) == ["ada"]
    assert list(BOTH.practitioners) == ["zoe", "ada"]


@pytest.mark.parametrize(
    "wanted", ["zoe", "ZOË  fairweather", "fairweather, z", "Zoe\u0308 Fairweather"]
)
def test_a_practitioner_is_found_by_id_name_or_alias(wanted: str) -> None:
    assert BOTH.practitioner(wanted) is ZOE


def test_an_id_goes_before_a_name() -> None:
    other = person("x", "ada")
    assert BOTH.with_practitioner(other).practitioner("ada") is ADA
    assert BOTH.with_practitioner(other).practitioner("Ada") is other


def test_an_unknown_practitioner_is_answered_with_those_that_exist() -> None:
    with pytest.raises(NotFound) as caught:
        BOTH.practitioner("Cleo")
    assert '"Cleo"' in caught.value.what
    assert caught.value.remedy == "Known: Zoë Fairweather, Ada Quill."
    with pytest.raises(NotFound, match="import an export"):
        Settings(install_id="i").practitioner("Cleo")


def test_a_name_that_two_share_asks_for_the_id() -> None:
    shared = BOTH.with_practitioner(person("other", "ADA QUILL"))
    with pytest.raises(NotFound, match="use the id"):
        shared.practitioner("Ada Quill")
    assert shared.practitioner("ada") is ADA


def test_a_source_of_the_same_name_is_replaced() -> None:
    once = BOTH.with_source(SourceSettings(name="reception"))
    twice = once.with_source(SourceSettings(name="reception", snapshot=True))
    assert twice.sources == {"reception": SourceSettings(name="reception", snapshot=True)}
    assert not once.sources["reception"].snapshot


def test_google_sees_the_practitioners_choice_under_the_practices_cap() -> None:
    own = Disclosure(
        items=frozenset({DisclosureItem.NOTES, DisclosureItem.TYPE}), client_name=ClientName.FULL
    )
    open_one = replace(ADA, choices=SyncChoices(disclosure=own))
    cap = DisclosureCap(
        items=frozenset({DisclosureItem.TYPE, DisclosureItem.LOCATION}),
        client_name=ClientName.ID,
        masked_types=frozenset({"intake"}),
    )
    capped = replace(BOTH, practice=PracticeSettings(cap=cap)).disclosure_of(open_one)
    assert capped.items == {DisclosureItem.TYPE}
    assert capped.client_name is ClientName.ID
    assert capped.masked_types == {"intake"}
    assert BOTH.disclosure_of(open_one) == own


def test_connected_means_an_account_and_a_calendar() -> None:
    assert GoogleLink(account="a@example.org", calendar_id="c").connected
    assert not GoogleLink(account="a@example.org").connected
    assert not GoogleLink(login="a@example.org", calendar_id="c").connected


def test_days_are_from_0_to_730() -> None:
    assert [check_days(days, "days_in_arrears") for days in (0, 60, 730)] == [0, 60, 730]
    for days in (-1, 731):
        with pytest.raises(BadInput, match="0 to 730") as caught:
            check_days(days, "days_in_arrears")
        assert caught.value.field == "days_in_arrears"


def test_the_defaults_are_the_documented_ones() -> None:
    choices = SyncChoices()
    assert (choices.days_in_arrears, choices.days_in_advance) == (7, 60)
    assert choices.put_back_deleted
    assert not choices.enabled
    assert not choices.tidy_past
