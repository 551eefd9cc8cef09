"""EventKey: any text parses in one way and is written back byte for byte."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.domain.event_keys import EventKey, appointment_id_of, is_notice
from companion.domain.sync_state import HeldKey, SyncState

TEXTS = st.one_of(st.text(), st.text("ab@#| -0"), st.sampled_from(["#", "@", "a#", "a@", "test "]))
IDS = st.from_regex(r"(own-)?[0-9a-f]{1,26}", fullmatch=True)
WALL = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - wall time
    lambda each: each.replace(microsecond=0)
)
CALENDARS = st.from_regex(r"[a-z0-9.]+@[a-z.]+", fullmatch=True)
KEYS = st.one_of(
    IDS.map(EventKey),
    st.builds(EventKey.of_occurrence, IDS, WALL),
    st.builds(EventKey.notice, WALL),
    st.builds(EventKey.probe, IDS),
)


@given(TEXTS)
def test_any_text_is_written_back_as_it_was(text: str) -> None:
    assert str(EventKey.parse(text)) == text


@given(KEYS, st.none() | IDS)
def test_a_key_of_ours_is_read_as_it_was_made(key: EventKey, surplus: str | None) -> None:
    made = key if surplus is None else key.surplus(surplus)
    assert EventKey.parse(str(made)) == made
    assert (made.owner, made.stamp) == (key.owner, key.stamp)
    assert made.surplus_id == (surplus or "")


@given(IDS, WALL)
def test_an_occurrence_is_named_by_its_appointment_and_original_start(
    appointment_id: str, start: datetime
) -> None:
    text = str(EventKey.of_occurrence(appointment_id, start))
    assert text == f"{appointment_id}@{start:%Y%m%dT%H%M%S}"
    assert appointment_id_of(text) == appointment_id
    assert EventKey.parse(text).original_start == start
    assert EventKey.parse(text).entered_here is appointment_id.startswith("own-")


@pytest.mark.parametrize(
    ("text", "notice", "damaged", "probe"),
    [
        ("3f0a", False, False, False),
        ("3f0a@20260302T090000", False, False, False),
        ("stale-notice@20260302T081200", True, False, False),
        ("stale-notice@20260302T081200#ev1", True, False, False),
        ("stale-noticeable", False, False, False),
        ("test 1a2b", False, False, True),
        ("#ev1", False, True, False),
        ("3f0a#ev1", False, False, False),
        ("", False, False, False),
    ],
)
def test_what_a_key_means(text: str, notice: bool, damaged: bool, probe: bool) -> None:
    key = EventKey.parse(text)
    assert (key.is_notice, key.is_damaged, key.is_probe) == (notice, damaged, probe)
    assert is_notice(text) is notice


@given(TEXTS)
def test_a_notice_is_recognised_with_and_without_parsing_the_key(text: str) -> None:
    assert is_notice(text) is EventKey.parse(text).is_notice


@given(st.frozensets(st.builds(HeldKey, KEYS.map(str), st.just("") | CALENDARS)))
def test_what_is_kept_comes_back_from_the_stored_document(kept: frozenset[HeldKey]) -> None:
    document = SyncState(kept=kept).to_json()
    assert document["kept"] == "|".join(sorted(map(str, kept)))
    assert SyncState.from_json(document).kept == kept
