"""The activity list as a table that is safe to open."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from companion.services.activity_csv import HEADINGS, activity_csv, plain
from companion.services.ports import Activity


def line(**more: object) -> Activity:
    values: dict[str, object] = {
        "at": datetime(2026, 3, 2, 21, 12, 5, tzinfo=UTC),
        "practitioner_id": "anna",
        "cause": "worker",
        "kind": "insert",
        "text": "3 added to Google",
        "count": 3,
    }
    return Activity(**(values | more))  # type: ignore[arg-type] # a test's values


def rows(content: bytes) -> list[list[str]]:
    return [*csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))]


def test_each_line_has_its_local_time_and_the_name_as_shown() -> None:
    content = activity_csv([line()], {"anna": "Anna Example"}, "Australia/Sydney")
    assert content.startswith(b"\xef\xbb\xbf")
    assert rows(content) == [
        list(HEADINGS),
        ["2026-03-03 08:12:05+11:00", "Anna Example", "worker", "insert", "3", "3 added to Google"],
    ]


def test_a_practitioner_who_has_gone_is_named_by_id_and_the_practice_by_nothing() -> None:
    content = activity_csv([line(), line(practitioner_id="")], {}, "UTC")
    assert [row[1] for row in rows(content)[1:]] == ["anna", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_is_plain_text(start: str) -> None:
    typed = f"{start}HYPERLINK(1)"
    content = activity_csv([line(cause=typed, text=typed)], {"anna": typed}, "UTC")
    (_, row) = rows(content)
    assert [row[1], row[2], row[5]] == [f"'{typed}"] * 3


def test_other_cells_are_left_alone() -> None:
    assert plain("a=b") == "a=b"
    assert plain("") == ""


def test_commas_quotes_and_lines_stay_in_their_cell() -> None:
    text = 'said "no", twice\nand left'
    assert rows(activity_csv([line(text=text)], {}, "UTC"))[1][5] == text
