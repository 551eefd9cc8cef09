"""Compressed by parts, read as one."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from companion.services.feeds.packing import pack


@given(st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=300)), max_size=400))
def test_any_gzip_reader_gets_the_calendar_back(events: list[tuple[str, bytes]]) -> None:
    known: dict[bytes, bytes] = {}
    plain, packed = pack(b"opening", events, b"closing", known)
    assert plain == b"opening" + b"".join(data for _key, data in events) + b"closing"
    assert gzip.decompress(packed) == plain
    assert pack(b"opening", events, b"closing", known) == (plain, packed), "and the same again"


def test_a_change_in_one_place_leaves_the_other_parts_as_they_are() -> None:
    events = [(f"key {number}", b"event %d\r\n" % number * 20) for number in range(2_000)]
    known: dict[bytes, bytes] = {}
    pack(b"", events, b"", known)
    before = set(known)
    events[700] = ("key 700", b"moved")
    events.insert(0, ("a new one", b"first of all"))
    _plain, packed = pack(b"", events, b"", known)
    assert len(before - set(known)) <= 2 < len(before)
    assert b"moved" in gzip.decompress(packed)


def test_parts_that_are_no_longer_used_are_given_up() -> None:
    known: dict[bytes, bytes] = {}
    pack(b"one", [("a", b"b" * 100)], b"", known)
    pack(b"other", [], b"", known)
    assert len(known) == 1
