"""Queries: what a list may be asked, and the records that answer.

Lists leave archived and cancelled records out, unless a filter names the moment of it
(`archived_at:*` takes all). Stricter than Cliniko may be: a parameter, filter, operator, order or
page size that its documents do not name is refused with 400.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from companion.sandbox.cliniko.account import ClinikoRecord

_PARAMETERS = frozenset({"page", "per_page", "sort", "q", "q[]"})
_MOMENTS = frozenset(
    {
        "archived_at",
        "cancelled_at",
        "created_at",
        "deleted_at",
        "ends_at",
        "starts_at",
        "updated_at",
    }
)
_ARRAYS = frozenset({"patient_ids"})
_TEXTS = frozenset({"first_name", "last_name", "category"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FILTER = re.compile(r"(\w+):(!\?|\?|\*|>=|<=|!=|~~|>|<|=|~)(.*)", re.DOTALL)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_HIDDEN = ("archived_at", "cancelled_at")

Test = Callable[[ClinikoRecord], bool]


class BadQuery(Exception):
    """Answered with 400 and this message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinikoQuery:
    page: int
    per_page: int
    tests: tuple[Test, ...]
    order: tuple[tuple[str, bool], ...]
    """Field, and whether the highest comes first."""
    asked: tuple[tuple[str, str], ...]
    """The parameters as they came, without the page, for links."""

    def matching(self, records: Iterable[ClinikoRecord]) -> list[ClinikoRecord]:
        """All of them, in order."""
        found = [each for each in records if all(test(each) for test in self.tests)]
        for name, falling in reversed(self.order):
            found.sort(key=lambda each: _sortable(each.value(name)), reverse=falling)
        return found


def read_query(text: str, filters: frozenset[str], *, hides: bool = True) -> ClinikoQuery:
    """`filters`: what this list may be filtered and ordered by; `hides`: it leaves archived and
    cancelled records out. Raises BadQuery."""
    given = parse_qsl(text, keep_blank_values=True)
    for name, _value in given:
        if name not in _PARAMETERS:
            raise BadQuery(f"{name} is not a parameter of this list.")
    named: set[str] = set()
    tests = []
    for name, value in given:
        if name in {"q", "q[]"}:
            column, test = _test(value, filters)
            named.add(column)
            tests.append(test)
    tests += [_is_null(each) for each in _HIDDEN if hides and each not in named]
    return ClinikoQuery(
        page=_number(given, "page", 1, 1_000_000, 1),
        per_page=_number(given, "per_page", 1, 100, 50),
        tests=tuple(tests),
        order=_order(given, filters),
        asked=tuple((name, value) for name, value in given if name != "page"),
    )


def _number(given: Sequence[tuple[str, str]], name: str, least: int, most: int, usual: int) -> int:
    texts = [value for key, value in given if key == name]
    if not texts:
        return usual
    if len(texts) > 1 or not texts[0].isdecimal() or not least <= int(texts[0]) <= most:
        raise BadQuery(f"{name} is invalid.")
    return int(texts[0])


def _order(
    given: Sequence[tuple[str, str]], filters: frozenset[str]
) -> tuple[tuple[str, bool], ...]:
    texts = [value for key, value in given if key == "sort"] or ["created_at"]
    found = []
    for part in ",".join(texts).split(","):
        name, _colon, way = part.partition(":")
        if name not in {*filters, "created_at"} or way not in {"", "asc", "desc"}:
            raise BadQuery("This column is not sortable.")
        found.append((name, way == "desc"))
    return tuple(found)


def _test(text: str, filters: frozenset[str]) -> tuple[str, Test]:
    parts = _FILTER.fullmatch(text)
    if parts is None:
        raise BadQuery("The filter is invalid.")
    column, operator, value = parts.groups()
    if column not in filters:
        raise BadQuery("This column is not searchable.")
    if operator in {"?", "!?"} and not value:
        null = _is_null(column)
        return column, null if operator == "!?" else lambda each: not null(each)
    if column in _MOMENTS:
        return column, _moment_test(column, operator, value)
    if column in _ARRAYS:
        if operator != "~" or not value.isdecimal():
            raise BadQuery("The filter is invalid.")
        return column, lambda each: int(value) in each.value(column)
    if column in _TEXTS:
        return column, _text_test(column, operator, value)
    return column, _number_test(column, operator, value)


def _moment_test(column: str, operator: str, value: str) -> Test:
    if operator == "*" and not value:
        return lambda _each: True
    if operator not in {">=", ">", "<=", "<"} or not _MOMENT.fullmatch(value):
        raise BadQuery("The filter is invalid: date-times are in UTC, YYYY-MM-DDTHH:MM:SSZ.")
    limit, compare = datetime.fromisoformat(value), _COMPARE[operator]

    def test(each: ClinikoRecord) -> bool:
        found = each.value(column)
        return found is not None and compare(found, limit)

    return test


def _number_test(column: str, operator: str, value: str) -> Test:
    numbers = value.split(",")
    if operator not in _COMPARE or not all(each.isdecimal() for each in numbers):
        raise BadQuery("The filter is invalid.")
    if operator == "=":
        wanted = frozenset(map(int, numbers))
        return lambda each: each.value(column) in wanted
    if len(numbers) > 1:
        raise BadQuery("The filter is invalid.")
    limit, compare = int(value), _COMPARE[operator]
    return lambda each: each.value(column) is not None and compare(each.value(column), limit)


def _text_test(column: str, operator: str, value: str) -> Test:
    if operator == "~":
        return lambda each: value.casefold() in str(each.value(column) or "").casefold()
    if operator not in {"=", "!="}:
        raise BadQuery("The filter is invalid.")
    return lambda each: _COMPARE[operator](each.value(column), value)


def _is_null(column: str) -> Test:
    return lambda each: each.value(column) is None


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)
