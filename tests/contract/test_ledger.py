"""What every Ledger does, the one in memory and the one on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.domain.sync_state import Held, HeldItem, HeldKey, Proof, SyncState, SyncTrouble
from companion.services.ports import CalendarRef, Ledger
from tests.contract.stores import Stores

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MIRA = CalendarRef(practitioner_id="mira", calendar_id="mira@example.org")
MIRA_OLD = replace(MIRA, calendar_id="old@example.org")
OMAR = CalendarRef(practitioner_id="omar", calendar_id="mira@example.org")


@pytest.fixture
def ledger(stores: Stores) -> Ledger:
    return stores.ledger


def entry(key: str = "a", **changes: Any) -> LedgerEntry:
    plain = LedgerEntry(
        key=key,
        event_id=f"event{key}",
        generation=0,
        state=LedgerEntryState.PENDING,
        fingerprint="f" * 32,
        style="5|10",
        begins=NOW,
        ends=NOW + timedelta(hours=1),
    )
    return replace(plain, **changes)


async def keys(ledger: Ledger, calendar: CalendarRef) -> list[str]:
    return sorted(each.key for each in await ledger.entries(calendar))


@pytest.mark.parametrize("state", list(LedgerEntryState))
async def test_an_entry_comes_back_as_it_was_put(ledger: Ledger, state: LedgerEntryState) -> None:
    whole = entry(
        state=state,
        generation=3,
        etag='"3181161784712000"',
        content_hash="c" * 32,
        begins=NOW + timedelta(microseconds=7),
    )
    await ledger.write(MIRA, [whole])
    assert await ledger.entries(MIRA) == [whole]
    assert (await ledger.entries(MIRA))[0].begins.tzinfo is UTC


async def test_a_row_put_again_replaces_the_one_of_its_key(ledger: Ledger) -> None:
    await ledger.write(MIRA, [entry("a"), entry("b")])
    confirmed = entry("a", state=LedgerEntryState.OK, etag="1")
    await ledger.write(MIRA, [confirmed])
    assert sorted(await ledger.entries(MIRA), key=lambda e: e.key) == [confirmed, entry("b")]


async def test_of_two_rows_for_one_key_the_last_is_kept(ledger: Ledger) -> None:
    await ledger.write(MIRA, [entry("a"), entry("a", generation=1)])
    assert await ledger.entries(MIRA) == [entry("a", generation=1)]


async def test_dropped_keys_are_gone_and_unknown_ones_do_no_harm(ledger: Ledger) -> None:
    await ledger.write(MIRA, [entry("a"), entry("b")])
    await ledger.write(MIRA, drop=["a", "never"])
    assert await keys(ledger, MIRA) == ["b"]


async def test_a_key_dropped_and_put_in_one_write_is_put(ledger: Ledger) -> None:
    await ledger.write(MIRA, [entry("a")])
    await ledger.write(MIRA, [entry("a", generation=1)], ["a"])
    assert await ledger.entries(MIRA) == [entry("a", generation=1)]


async def test_iterators_will_do(ledger: Ledger) -> None:
    await ledger.write(MIRA, (entry(key) for key in "abc"))
    await ledger.write(MIRA, drop=(key for key in "ab"))
    assert await keys(ledger, MIRA) == ["c"]


async def test_a_write_of_nothing_is_nothing(ledger: Ledger) -> None:
    await ledger.write(MIRA)
    assert await ledger.calendars("mira") == []


async def test_calendars_are_kept_apart(ledger: Ledger) -> None:
    for calendar, key in [(MIRA, "a"), (MIRA_OLD, "a"), (OMAR, "b")]:
        await ledger.write(calendar, [entry(key)])
    await ledger.write(MIRA_OLD, drop=["a"])
    assert await keys(ledger, MIRA) == ["a"]
    assert await keys(ledger, MIRA_OLD) == []
    assert await keys(ledger, OMAR) == ["b"]


async def test_the_calendars_of_a_practitioner_are_those_with_rows(ledger: Ledger) -> None:
    for calendar in (MIRA, MIRA_OLD, OMAR):
        await ledger.write(calendar, [entry("a"), entry("b")])
    assert await ledger.calendars("mira") == ["mira@example.org", "old@example.org"]
    await ledger.write(MIRA_OLD, drop=["a", "b"])
    assert await ledger.calendars("mira") == ["mira@example.org"]
    assert await ledger.calendars("nobody") == []


async def test_writes_side_by_side_are_all_kept(ledger: Ledger) -> None:
    await asyncio.gather(*(ledger.write(MIRA, [entry(str(n))]) for n in range(50)))
    assert len(await ledger.entries(MIRA)) == 50


async def test_a_state_comes_back_as_it_was_saved(ledger: Ledger) -> None:
    assert await ledger.state("mira") == SyncState()
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    items = (
        HeldItem(key="ä", begins=at),
        HeldItem(key="b@20260302T090000", begins=at, calendar_id="old@example.org"),
    )
    full = SyncState(
        last_pass=at,
        last_success=at,
        events=3,
        waiting=1,
        trouble=SyncTrouble(kind="Offline", what="w", remedy="r", since=at),
        held=Held(since=at, why="Many.", items=items),
        kept=frozenset({HeldKey("a"), HeldKey("c", "old@example.org"), HeldKey("test 1")}),
        audit_due=True,
        awaiting_upload=True,
        fingerprint="ab12",
        parked_until=at,
        parkings=2,
        proof=Proof(at=at, book=3, google=2, differences=1, imported_at=at, left_out=2),
        shared_calendar="shared@example.org",
    )
    assert await ledger.edit_state("mira", lambda _: full) == (SyncState(), full)
    assert await ledger.state("mira") == full


async def test_an_edit_of_a_state_is_given_the_one_before(ledger: Ledger) -> None:
    await ledger.edit_state("mira", lambda _: SyncState(events=1))
    before, after = await ledger.edit_state("mira", lambda state: replace(state, waiting=2))
    assert before == SyncState(events=1)
    assert after == await ledger.state("mira") == SyncState(events=1, waiting=2)


async def test_changes_of_a_state_side_by_side_lose_nothing_of_each_other(ledger: Ledger) -> None:
    def keep(name: str) -> Callable[[SyncState], SyncState]:
        return lambda state: replace(
            state, events=state.events + 1, kept=state.kept | {HeldKey(name)}
        )

    await asyncio.gather(*(ledger.edit_state("mira", keep(str(n))) for n in range(30)))
    state = await ledger.state("mira")
    assert state.events == 30
    assert len(state.kept) == 30


async def test_all_states_come_by_practitioner(ledger: Ledger) -> None:
    assert await ledger.states() == {}
    await ledger.edit_state("mira", lambda _: SyncState(events=1))
    await ledger.edit_state("omar", lambda _: SyncState())
    assert await ledger.states() == {"mira": SyncState(events=1), "omar": SyncState()}


async def test_entries_between_two_moments_are_given_by_calendar_and_key(ledger: Ledger) -> None:
    day = timedelta(days=1)
    before, over, inside, after = (
        entry("before", begins=NOW - day, ends=NOW),
        entry("over", begins=NOW - day, ends=NOW + timedelta(minutes=1)),
        entry("inside"),
        entry("after", begins=NOW + day, ends=NOW + 2 * day),
    )
    await ledger.write(MIRA, put=[before, over, inside, after])
    await ledger.write(MIRA_OLD, put=[inside])
    await ledger.write(OMAR, put=[inside])
    found = await ledger.entries_between([MIRA, OMAR], NOW, NOW + day)
    assert found == {MIRA: {"over": over, "inside": inside}, OMAR: {"inside": inside}}
    assert await ledger.entries_between([OMAR], NOW + day, NOW + 2 * day) == {}
    assert await ledger.entries_between([], NOW, NOW + day) == {}
