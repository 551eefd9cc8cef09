"""What a person says of columns, from and to a mapping, and complaints in the page's words."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.domain.errors import BadInput
from companion.services.imports.layouts import FIELDS
from companion.services.imports.mappings import bind_mapping
from companion.web.ui.importing.column_choices import (
    FIELD_LABELS,
    ColumnChoices,
    choices_of,
    in_page_words,
    to_toml,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def test_usual_headings_are_guessed() -> None:
    headings = ["Provider", "Start", "Finish", "Patient name", "Service", "Appt No", "Fee"]
    assert {name: each for each, name in choices_of("", headings).holds.items() if name} == {
        "practitioner": "Provider",
        "start": "Start",
        "end": "Finish",
        "client_name": "Patient name",
        "type": "Service",
        "id": "Appt No",
    }


def test_a_start_beside_a_date_is_a_time() -> None:
    holds = choices_of("", ["Date", "Start", "Provider"]).holds
    assert holds == {"Date": "date", "Start": "time", "Provider": "practitioner"}


def test_every_field_of_a_mapping_has_a_label() -> None:
    assert set(FIELD_LABELS) == set(FIELDS)


def test_what_the_page_has_no_place_for_stays_in_the_mapping() -> None:
    text = (
        'snapshot = true\nall_day_end = "inclusive"\n[columns]\nstart = "Begins"\n'
        'cancelled = ["Gone", "Gone at"]\n"Who" = "practitioner"\n'
        '[values]\nkind.meeting = ["Team"]\n[practitioners]\n"A. E." = "Ada Example"\n'
    )
    choices = choices_of(text)
    assert choices.holds == {
        "Begins": "start", "Gone": "cancelled", "Gone at": "cancelled", "Who": "practitioner",
    }  # fmt: skip
    choices.holds["Gone at"] = ""
    choices.put("defaults.length", 30)
    read = tomllib.loads(choices.mapping())
    assert read["columns"] == {"start": "Begins", "cancelled": "Gone", "practitioner": "Who"}
    assert (read["snapshot"], read["all_day_end"]) == (True, "inclusive")
    assert read["values"] == {"kind": {"meeting": ["Team"]}}
    assert read["practitioners"] == {"A. E.": "Ada Example"}
    assert read["defaults"] == {"length": 30}


@given(heading=WORDS, word=WORDS)
def test_any_words_survive_the_way_through_toml(heading: str, word: str) -> None:
    document = {"source": word, "columns": {"start": [heading, word]}, "values": {word: {"a": 1}}}
    assert tomllib.loads(to_toml(document)) == document


@pytest.mark.parametrize(
    ("holds", "missing"),
    [
        ({"A": "practitioner", "B": "length"}, "when appointments begin"),
        ({"A": "practitioner", "B": "date", "C": "length"}, "the time of day"),
        ({"A": "start", "B": "end"}, "the practitioner"),
        ({"A": "start", "B": "practitioner"}, "how long appointments are"),
        ({"A": "start", "B": "start", "C": "practitioner"}, "both said to hold"),
    ],
)
def test_what_is_missing_is_said_in_the_words_of_the_page(
    holds: dict[str, str], missing: str
) -> None:
    with pytest.raises(BadInput, match=missing):
        ColumnChoices(holds=holds).check()


@pytest.mark.parametrize("text", ['timezone = "Sydney"\n', 'date_order = "dym"\n', ""])
def test_no_error_of_a_mapping_speaks_of_a_mapping(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        bind_mapping(text + '[columns]\nstart = "B"\n', ["A"])
    said = in_page_words(caught.value)
    assert "mapping" not in f"{said.what} {said.remedy}".casefold()
