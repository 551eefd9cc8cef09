"""What workstations tell each other, apart from any database."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.database.announcing import (
    LARGEST,
    ReceivedNotice,
    _fitting,
    changes_of,
    differing,
    parse_notice,
    payload_of,
)
from companion.services.changes import (
    ActivityAdded,
    BookChanged,
    FeedLinksChanged,
    SettingsChanged,
    SyncStateChanged,
)


@given(st.lists(st.text(min_size=1, max_size=64), unique=True, max_size=300))
def test_every_practitioner_is_in_one_notice_that_postgresql_takes(ids: list[str]) -> None:
    groups = [*_fitting(ids)]
    assert [each for group in groups for each in group] == ids
    for group in groups:
        facts = {f"p/{each}": "2147483647" for each in group}
        facts["i"] = "2147483647.100000.100000"
        payload = json.dumps({"from": "0" * 16, "facts": facts}, ensure_ascii=False)
        assert len(payload.encode()) < 7_999


def test_a_change_of_nobodys_appointments_is_one_notice() -> None:
    assert [*_fitting([])] == [[]]


def test_facts_name_what_is_to_be_published_and_settings_come_first() -> None:
    names = ["a", "s/omar", "p/mira", "p/omar", "d/settings/users", "d/settings/home", "f", "i"]
    assert changes_of(names) == [
        SettingsChanged(),
        BookChanged(practitioner_ids=frozenset({"mira", "omar"})),
        SyncStateChanged(practitioner_id="omar"),
        FeedLinksChanged(),
        ActivityAdded(),
    ]
    assert changes_of(["i"]) == [BookChanged()]
    assert changes_of(["d/sources", "d/notices"]) == []


def test_only_what_was_asked_for_as_a_whole_can_have_gone() -> None:
    known = {"p/mira": "1", "p/omar": "2", "f": None}
    found = {"p/mira": "1", "f": "x", "a": None}
    assert differing(known, found, everything=False) == {"f", "a"}
    assert differing(known, found, everything=True) == {"f", "a", "p/omar"}


def test_another_topic_comes_as_it_was_sent() -> None:
    payload = payload_of("me", "progress", {"practitioner": "mira", "done": 3})
    fields = {"practitioner": "mira", "done": 3}
    assert parse_notice(payload) == ReceivedNotice(origin="me", topic="progress", fields=fields)
    with pytest.raises(ValueError, match="too long"):
        payload_of("me", "progress", {"much": "x" * LARGEST})


@pytest.mark.parametrize(
    "payload",
    ["", "[]", "{}", '"text"', '{"from": "x"}', '{"from": "x", "facts": {"new/1": "2"}}', "\x00"],
)
def test_what_a_later_version_might_say_is_not_understood(payload: str) -> None:
    assert parse_notice(payload) is None
