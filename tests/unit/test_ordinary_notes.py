"""What is taken out of notes that name nobody: as little as can be, counted and listed here."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from companion.domain.client_names import NOBODY
from companion.domain.person_names import PersonName
from companion.domain.redaction import Redactor
from tests.fakes import names
from tests.samples import ordinary_notes

EVERYBODY = NOBODY.with_names(ordinary_notes.CLIENTS)
JO = PersonName(("Jo",), ("Abel",))
TAKEN = [
    "Nick in the skin from shaving, covered.",
    "Jack up the bed end 10 cm.",
    "Jack hammer operator, hand arm vibration.",
    "Amber light: pain up to 4 is fine.",
    "Ruby red bruise over the thigh.",
    "Ivy rash on both forearms.",
    "Heather allergy, no creams with it.",
    "Holly bush scratch, tetanus up to date.",
    "Red Cross volunteer on Wednesdays.",
    "Hall way rails fitted. Town Hall steps managed.",
    "Marsh land walk, ankle rolled.",
    "Mason by trade; Mason type II radial head fracture.",
    "Cash paid. Castle Hill rooms closed on Monday.",
    "Coach says two more weeks. Coach travel was fine.",
    "Dean of the faculty, desk job.",
    "Prime mover is glute max. Prince of Wales referral.",
]
"""First names that are seldom anything else, and where a word stands as a person would."""


def taken(texts: Sequence[str]) -> list[str]:
    redact = Redactor(JO, names=EVERYBODY)
    return [each for each in texts if redact(each) != each]


def test_of_what_clinics_write_these_lose_a_word_where_every_such_word_is_a_client() -> None:
    found = taken([each for each in ordinary_notes.SENTENCES.splitlines() if each])
    assert found == TAKEN


def test_so_many_of_a_thousand_notes_lose_a_word() -> None:
    assert len(taken(list(ordinary_notes.ordinary_notes(1_000)))) == 147
    usual = NOBODY.with_names([*names.PLAIN, *names.ORDINARY])
    redact = Redactor(JO, names=usual)
    assert [each for each in names.ordinary_notes(1_000) if redact(each) != each] == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Young's modulus; Young's mother", "Young's modulus; …'s mother"),
        ("Bell's palsy told to Bell", "Bell's palsy told to …"),
        ("Thomas test +ve, Thomas called", "Thomas test +ve, … called"),
        ("Berg Balance Scale 45, Mrs Berg", "Berg Balance Scale 45, Mrs …"),
        ("Thompsons test", "… test"),
        ("in May or June, not May", "in May or June, not …"),
        ("asked May or June", "asked … or …"),
        ("seen Friday, Mrs Friday", "seen Friday, Mrs …"),
    ],
)
def test_names_of_tests_months_and_days_stay(text: str, kept: str) -> None:
    more = [("Ann", "Thomas"), ("Ann", "Berg"), ("Ann", "Thompson"), ("May", "X"), ("June", "X")]
    assert Redactor(JO, names=EVERYBODY.with_names(more))(text) == kept


def test_the_own_client_s_name_goes_even_there() -> None:
    assert Redactor(PersonName(("Rose",), ("Young",)))("Young's modulus") == "…'s modulus"
    assert Redactor(PersonName(("Ann",), ("Thomas",)))("Thomas test") == "… test"
