"""A heading that was renamed or has gone is asked about, with both names."""

import pytest

from companion.services.imports.shape import mostly_gone, shape_questions, without_stale

BEFORE = {"start": "Begins", "cancelled": "Cancelled", "notes": "Notes", "updated": "Changed"}


def test_the_same_headings_ask_nothing_however_they_are_written() -> None:
    headings = ["BEGINS", "Cancelled?", "notes", "changed", "More"]
    assert shape_questions(BEFORE, BEFORE, headings, 5) == ()


def test_a_renamed_heading_is_asked_about_with_both_names() -> None:
    now = {**BEFORE, "cancelled": "Is Cancelled"}
    headings = ["Begins", "Is Cancelled", "Notes", "Changed"]
    (question,) = shape_questions(BEFORE, now, headings, 5)
    assert (question.key, question.guess, question.count) == (
        "column:cancelled",
        "Is Cancelled",
        5,
    )
    assert "“Cancelled” is gone" in question.text
    assert "“Is Cancelled”" in question.text
    assert [each.value for each in question.choices] == ["Is Cancelled", "none"]


def test_one_that_nothing_replaces_is_gone_on_without_only_when_somebody_says_so() -> None:
    now = {"start": "Begins", "notes": "Notes"}
    (question,) = shape_questions(BEFORE, now, ["Begins", "Notes", "Changed"], 5)
    assert (question.key, question.guess) == ("column:cancelled", "")
    (question,) = shape_questions({"notes": "Notes"}, {}, ["Begins"], 5)
    assert (question.key, question.guess) == ("column:notes", "none")


def test_what_only_helps_and_an_empty_file_ask_nothing() -> None:
    now = {key: each for key, each in BEFORE.items() if key != "updated"}
    assert shape_questions(BEFORE, now, ["Begins", "Cancelled", "Notes"], 5) == ()
    assert shape_questions(BEFORE, {}, [], 0) == ()


@pytest.mark.parametrize(
    ("headings", "another"),
    [
        (["Begins", "Cancelled"], False),
        (["Begins", "Changed"], True),
        (["Begins", "Notes", "Changed"], False),
        ([], True),
    ],
)
def test_a_file_without_most_of_the_headings_is_of_another_kind(
    headings: list[str], another: bool
) -> None:
    assert mostly_gone(BEFORE, headings) is another


def test_nothing_is_gone_where_nothing_was_met() -> None:
    assert not mostly_gone({}, ["Begins"])


@pytest.mark.parametrize(
    ("value", "kept"), [("Is cancelled", True), ("none", True), ("Old", False)]
)
def test_a_kept_answer_counts_only_while_the_file_has_its_heading(value: str, kept: bool) -> None:
    answers = {"column:cancelled": value, "date_order": "dmy"}
    found = without_stale(answers, ["Begins", "Is Cancelled"])
    assert ("column:cancelled" in found) is kept
    assert found["date_order"] == "dmy"
