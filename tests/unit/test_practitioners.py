"""Practitioners: who there is, what they chose, and when shown text counts as new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from companion.domain.errors import BadInput, NotFound, StoreError
from companion.domain.palette import PALETTE
from companion.domain.settings import Settings
from tests.fakes.practitioners import Fixture


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── add, edit ─────────────────────────────────────────────────────────────────────────────────


async def test_an_id_is_made_of_the_name(fixture: Fixture) -> None:
    names = ["Dr Anna Lee", "Zoë O'Brien-Smith", "李 小龙", "dr-anna lee 2"]
    ids = [(await fixture.people.add(each)).id for each in names]
    assert ids == ["dr-anna-lee", "zoe-o-brien-smith", "practitioner", "dr-anna-lee-2"]


async def test_two_names_that_make_the_same_id_get_different_ones(fixture: Fixture) -> None:
    first = await fixture.people.add("Anna-Lee")
    second = await fixture.people.add("Anna Lee")
    assert (first.id, second.id) == ("anna-lee", "anna-lee-2")
    assert fixture.record("anna-lee").practitioner.name == "Anna-Lee"


async def test_a_new_person_has_the_practice_s_zone_unless_told(fixture: Fixture) -> None:
    await fixture.people.set_practice({"timezone": "Pacific/Auckland"})
    assert (await fixture.people.add("Anna Lee")).timezone == "Pacific/Auckland"
    assert (
        await fixture.people.add("Ben", timezone="australia/perth")
    ).timezone == "Australia/Perth"


async def test_nobody_is_recoloured_because_somebody_comes_or_goes(fixture: Fixture) -> None:
    """The colours of the palette, by place, are those of a practice that never had another."""

    def without_colours(settings: Settings) -> Settings:
        for each in settings.practitioners.values():
            plain = replace(each.practitioner, colour="")
            settings = settings.with_practitioner(replace(each, practitioner=plain))
        return settings

    def shown() -> dict[str, str]:
        return {
            key: each.practitioner.colour or PALETTE[place]
            for place, (key, each) in enumerate(fixture.settings.read().practitioners.items())
        }

    for name in ("Ben", "Cleo", "Dan"):
        await fixture.people.add(name)
    assert len(set(shown().values())) == 3
    await fixture.settings.change(without_colours)
    before = shown()
    await fixture.people.add("Anna")
    assert {key: shown()[key] for key in before} == before
    assert shown()["anna"] not in before.values()
    await fixture.settings.change(without_colours)
    before = shown()
    await fixture.people.remove("anna")
    assert shown() == {key: colour for key, colour in before.items() if key != "anna"}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "  \x07 "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "anna  LEE"}, "name"),
        ({"name": "Ben", "email": "ben at example.com"}, "email"),
        ({"name": "Ben", "email": "ben@example"}, "email"),
        ({"name": "Ben", "timezone": "Sydney"}, "timezone"),
        ({"name": "Ben", "timezone": "../../etc/passwd"}, "timezone"),
        ({"name": "Ben", "id": "Ben!"}, "id"),
        ({"name": "Ben", "id": "anna-lee"}, "id"),
    ],
)
async def test_what_cannot_be_added_names_its_field(
    fixture: Fixture, arguments: dict[str, str], field: str
) -> None:
    await fixture.people.add("Anna Lee")
    before = fixture.settings.read()
    with pytest.raises(BadInput) as caught:
        await fixture.people.add(**arguments)
    assert caught.value.field == field
    assert fixture.settings.read() == before


async def test_a_name_keeps_its_script_and_loses_control_characters(fixture: Fixture) -> None:
    person = await fixture.people.add("  Dr\tŁukasz\u202e \x00Nguyễn\r\n👩🏽‍⚕️ ")
    assert person.name == "Dr Łukasz Nguyễn 👩🏽‍⚕️"


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [("Sydney", "Australia/Sydney"), ("Australia/Melborne", "Australia/Melbourne")],
)
async def test_a_wrong_zone_is_answered_with_the_right_one(
    fixture: Fixture, typed: str, suggested: str
) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.people.add("Ben", timezone=typed)
    assert suggested in caught.value.remedy


async def test_a_former_name_still_finds_its_person(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.edit("anna", name="Anna Lee-Brown", colour="#00AAFF")
    person = fixture.settings.read().practitioner("anna lee").practitioner
    assert (person.name, person.aliases, person.colour) == (
        "Anna Lee-Brown",
        ("Anna Lee",),
        "#00aaff",
    )
    await fixture.people.edit("anna", name="Anna Lee")
    assert fixture.record("anna").practitioner.aliases == ("Anna Lee-Brown",)


@pytest.mark.parametrize("change", [{"name": "ben  young"}, {"aliases": ["Ben Young"]}])
async def test_nobody_takes_a_name_that_another_answers_to(
    fixture: Fixture, change: dict[str, str]
) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.add("Ben Young", id="ben")
    with pytest.raises(BadInput, match="already"):
        await fixture.people.edit("anna", **change)  # type: ignore[arg-type]  # one of two shapes


async def test_editing_somebody_unknown_is_said_so(fixture: Fixture) -> None:
    with pytest.raises(NotFound):
        await fixture.people.edit("nobody", name="X")
    with pytest.raises(NotFound):
        fixture.people.values("nobody")


# ── merge, remove ─────────────────────────────────────────────────────────────────────────────


async def test_merging_moves_the_appointments_and_keeps_the_names(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.add("Ana Lee", id="typo")
    await fixture.book_one("typo", "a1")
    await fixture.people.merge("typo", "anna")
    assert list(fixture.settings.read().practitioners) == ["anna"]
    assert fixture.settings.read().practitioner("ANA LEE").practitioner.id == "anna"
    assert await fixture.book.count("anna") == 1
    assert await fixture.book.count("typo") == 0
    assert fixture.told == ["typo"]


async def test_a_merge_that_was_interrupted_can_be_done_again(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.add("Ana Lee", id="typo")
    await fixture.book_one("typo", "a1")
    fixture.settings.trouble = StoreError()
    with pytest.raises(StoreError):
        await fixture.people.merge("typo", "anna")
    fixture.settings.trouble = None
    await fixture.people.merge("typo", "anna")
    assert list(fixture.settings.read().practitioners) == ["anna"]
    assert await fixture.book.count("anna") == 1


async def test_somebody_connected_to_google_is_neither_merged_away_nor_removed(
    fixture: Fixture,
) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.add("Ben Young", id="ben")
    await fixture.book_one("anna", "a1")
    await fixture.connect("anna")
    with pytest.raises(BadInput, match="connected"):
        await fixture.people.merge("anna", "ben")
    with pytest.raises(BadInput, match="connected"):
        await fixture.people.remove("anna")
    assert await fixture.book.count("anna") == 1
    assert fixture.told == []


async def test_nobody_is_merged_into_themselves(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    with pytest.raises(BadInput):
        await fixture.people.merge("anna", "anna")
    assert list(fixture.settings.read().practitioners) == ["anna"]


async def test_removing_takes_the_appointments_of_that_person_alone(fixture: Fixture) -> None:
    await fixture.people.add("Anna Lee", id="anna")
    await fixture.people.add("Ben Young", id="ben")
    await fixture.book_one("anna", "a1")
    await fixture.book_one("ben", "b1")
    await fixture.people.remove("anna")
    assert list(fixture.settings.read().practitioners) == ["ben"]
    assert (await fixture.book.count("anna"), await fixture.book.count("ben")) == (0, 1)
    assert fixture.told == ["anna"]
