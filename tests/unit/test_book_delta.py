"""What is pushed after an edit: what differs, and nothing else; put together it is the page."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from companion.web.ui.book.calendar import delta

events = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3))
options = st.sampled_from([{"date": "2026-11-24"}, {"date": "2026-11-25"}])


def page(stamp: int, shown: dict[str, int], choice: dict[str, str]) -> dict[str, Any]:
    drawn = [{"id": key, "title": title} for key, title in shown.items()]
    return {"stamp": stamp, "focus": "", "options": choice, "events": drawn}


@given(events, events, options, options)
def test_what_is_pushed_makes_the_page_of_the_one_before(
    before: dict[str, int], after: dict[str, int], one: dict[str, str], other: dict[str, str]
) -> None:
    had, has = page(4, before, one), page(5, after, other)
    pushed = delta(had, has)
    if one != other:
        assert pushed is has
        return
    assert (pushed["base"], pushed["stamp"]) == (4, 5)
    assert "events" not in pushed
    shown = {each["id"]: each for each in had["events"] if each["id"] not in pushed["gone"]}
    shown |= {each["id"]: each for each in pushed["changed"]}
    assert shown == {each["id"]: each for each in has["events"]}
    same = {key for key, title in after.items() if before.get(key) == title}
    assert not same & {each["id"] for each in pushed["changed"]}


def test_the_first_page_is_pushed_whole() -> None:
    first = page(1, {"a": 1}, {})
    assert delta({}, first) is first
