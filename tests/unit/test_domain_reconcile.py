"""Each rule of reconcile() by itself, and what is held for a person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from companion.domain.event_keys import event_id
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import (
    Adopt,
    Delete,
    Forget,
    Insert,
    LedgerEntry,
    LedgerEntryState,
    ObservedEvent,
    SyncPlan,
    reconcile,
)
from companion.domain.removals import removals_to_hold
from companion.domain.window import SyncWindow
from tests.fakes.ledger_rows import row_of, seen

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = SyncWindow.around(NOW, "Australia/Sydney", days_in_arrears=2, days_in_advance=5)


def event(key: str = "a", begins: datetime = NOW, **fields: str) -> CalendarEvent:
    made = CalendarEvent(
        key=key,
        start=begins,
        end=begins + timedelta(minutes=30),
        timezone="Australia/Sydney",
        summary=fields.get("summary", "AB"),
    )
    return made._replace(colour=fields.get("colour", ""))


def row(
    of: CalendarEvent, state: LedgerEntryState = LedgerEntryState.OK, held: str | None = None
) -> LedgerEntry:
    content = of.fingerprint if held is None else held
    return row_of(of, generation=3, state=state, content_hash=content)


def ids(plan: SyncPlan) -> list[str]:
    return [each.entry.event_id for each in plan.deletes]


def test_equal_is_nothing_to_do() -> None:
    plan = reconcile([event()], [row(event())], WINDOW)
    assert plan.actions == ()
    assert plan.unchanged == 1


def test_new_is_inserted_gone_is_deleted_and_changed_is_updated() -> None:
    changed = event("b", summary="New")
    plan = reconcile([event("a"), changed], [row(event("b")), row(event("c", NOW + DAY))], WINDOW)
    assert plan.inserts == (Insert(event=event("a")),)
    assert [(each.event, each.entry) for each in plan.updates] == [(changed, row(event("b")))]
    assert plan.deletes == (Delete(entry=row(event("c", NOW + DAY))),)
    assert plan.writes == 3


def test_a_new_colour_alone_is_an_update() -> None:
    assert len(reconcile([event(colour="4")], [row(event())], WINDOW).updates) == 1


# ── the window's edges ────────────────────────────────────────────────────────────────────────


def test_an_event_behind_the_window_is_forgotten_and_stays_in_google() -> None:
    behind = row(event("a", WINDOW.start - timedelta(minutes=30)))
    plan = reconcile([], [behind], WINDOW)
    assert [each.entry for each in plan.forgets] == [behind]
    assert plan.writes == 0


def test_an_event_that_hangs_over_the_near_edge_is_not_behind_it() -> None:
    hanging = row(event("a", WINDOW.start - timedelta(minutes=29)))
    assert reconcile([], [hanging], WINDOW).deletes == (Delete(entry=hanging),)


def test_tidying_deletes_what_fell_behind() -> None:
    behind = row(event("a", WINDOW.start - DAY))
    assert reconcile([], [behind], WINDOW, tidy=True).deletes == (Delete(entry=behind),)


def test_an_appointment_moved_beyond_either_edge_is_deleted_from_its_old_place() -> None:
    assert len(reconcile([], [row(event("a", NOW))], WINDOW).deletes) == 1


def test_an_event_beyond_the_far_edge_is_deleted_when_the_window_shrinks() -> None:
    beyond = row(event("a", WINDOW.end + DAY))
    assert reconcile([], [beyond], WINDOW).deletes == (Delete(entry=beyond),)


def test_an_all_day_event_is_behind_from_the_midnight_after_it() -> None:
    first = WINDOW.first_day
    leave = event()._replace(start=first - DAY, end=first)
    assert len(reconcile([], [row(leave)], WINDOW).forgets) == 1
    longer = leave._replace(end=first + DAY)
    assert isinstance(longer.end, date)
    assert len(reconcile([], [row(longer)], WINDOW).deletes) == 1


# ── writes whose answer was never seen ────────────────────────────────────────────────────────


def test_an_insert_without_an_answer_is_done_again_under_the_same_generation() -> None:
    plan = reconcile([event()], [row(event(), LedgerEntryState.PENDING, held="")], WINDOW)
    assert plan.actions == (Insert(event=event(), generation=3),)


def test_an_update_without_an_answer_is_done_again() -> None:
    pending = row(event(), LedgerEntryState.PENDING, held="as before")
    plan = reconcile([event()], [pending], WINDOW)
    assert [each.entry for each in plan.updates] == [pending]
    assert plan.writes == 1


@pytest.mark.parametrize("state", [LedgerEntryState.REMOVING, LedgerEntryState.PENDING])
def test_an_unfinished_write_of_what_is_not_wanted_any_more_is_deleted(
    state: LedgerEntryState,
) -> None:
    unfinished = row(event("a"), state)
    assert reconcile([], [unfinished], WINDOW).actions == (Delete(entry=unfinished),)


def test_behind_the_window_an_unfinished_write_is_history_and_an_unfinished_delete_is_not() -> None:
    past = event("a", WINDOW.start - DAY)
    begun = row(past, LedgerEntryState.PENDING)
    assert reconcile([], [begun], WINDOW).actions == (Forget(entry=begun),)
    removing = row(past, LedgerEntryState.REMOVING)
    assert reconcile([], [removing], WINDOW).actions == (Delete(entry=removing),)


def test_a_delete_without_an_answer_of_what_is_wanted_again_is_written_again() -> None:
    plan = reconcile([event()], [row(event(), LedgerEntryState.REMOVING)], WINDOW)
    assert {each.key for each in plan.inserts} | {each.key for each in plan.updates} == {"a"}
    assert plan.writes == 1


# ── what Google really holds ──────────────────────────────────────────────────────────────────


def test_an_event_of_ours_that_the_ledger_lost_is_adopted() -> None:
    plan = reconcile([event()], [], WINDOW, [seen(event())])
    (adopt,) = plan.actions
    assert isinstance(adopt, Adopt)
    assert adopt.entry.event_id == "id-a"
    assert adopt.entry.state is LedgerEntryState.OK
    assert reconcile([event()], [adopt.entry], WINDOW).actions == ()


def test_an_adopted_event_that_differs_is_updated_where_it_stands() -> None:
    plan = reconcile([event(summary="New")], [], WINDOW, [seen(event())])
    assert [each.entry.event_id for each in plan.updates] == ["id-a"]
    assert plan.writes == 1


def test_an_adopted_event_keeps_the_colour_it_has_got() -> None:
    plan = reconcile([event(colour="4")], [], WINDOW, [seen(event(colour="7"))])
    assert plan.writes == 0


def test_an_unwanted_event_of_ours_is_deleted() -> None:
    assert ids(reconcile([], [], WINDOW, [seen(event())])) == ["id-a"]


def test_of_two_for_one_key_the_ledgers_stays() -> None:
    plan = reconcile([event()], [row(event())], WINDOW, [seen(event(), "0"), seen(event())])
    assert ids(plan) == ["0"]
    assert plan.writes == 1


def test_of_two_that_the_ledger_does_not_know_the_first_by_id_stays() -> None:
    plan = reconcile([event()], [], WINDOW, [seen(event(), "z"), seen(event(), "b")])
    assert ids(plan) == ["z"]
    assert [each.entry.event_id for each in plan.adopts] == ["b"]


def test_where_the_ledgers_own_is_not_there_the_one_that_is_takes_its_place() -> None:
    plan = reconcile([event()], [row(event())], WINDOW, [seen(event(), "other")])
    assert [each.entry.event_id for each in plan.adopts] == ["other"]
    assert ids(plan) == ["id-a"], "it may have been moved far away"


def test_an_event_without_a_mark_waits_for_a_plan_that_inserts_nothing() -> None:
    unmarked = replace(seen(event(), "damaged"), key="")
    assert ids(reconcile([event()], [], WINDOW, [unmarked])) == []
    assert ids(reconcile([event()], [row(event())], WINDOW, [unmarked, seen(event())])) == [
        "damaged"
    ]


def test_an_event_known_by_its_id_needs_no_mark() -> None:
    unmarked = replace(seen(event()), key="")
    assert reconcile([event()], [row(event())], WINDOW, [unmarked]).actions == ()


@pytest.mark.parametrize("state", [LedgerEntryState.OK, LedgerEntryState.PENDING])
def test_an_event_with_the_mark_of_a_former_key_is_written_though_nothing_else_differs(
    state: LedgerEntryState,
) -> None:
    marked = replace(row(event(), state), fingerprint="")
    for observed in (None, [replace(seen(event()), key="former")]):
        plan = reconcile([event()], [marked], WINDOW, observed)
        assert [each.entry.event_id for each in plan.updates] == ["id-a"]
        assert plan.writes == 1


def test_an_edit_in_google_is_put_right() -> None:
    plan = reconcile([event()], [row(event())], WINDOW, [seen(event(summary="Dentist"))])
    assert [each.event for each in plan.updates] == [event()]


def test_googles_own_wording_of_what_we_sent_is_no_edit() -> None:
    told = event(summary="AB.")
    kept = row(event(), held=told.fingerprint)
    assert reconcile([event()], [kept], WINDOW, [seen(told)]).actions == ()


def test_what_a_person_deleted_comes_back() -> None:
    for observed in ([], [seen(event(), deleted=True)]):
        plan = reconcile([event()], [row(event())], WINDOW, observed)
        assert plan.actions == (Insert(event=event(), generation=3),)


def test_what_a_person_deleted_stays_out_when_so_chosen() -> None:
    plan = reconcile([event()], [row(event())], WINDOW, [], put_back=False)
    (adopt,) = plan.adopts
    assert adopt.entry.state is LedgerEntryState.LEFT_OUT
    assert plan.writes == 0
    for wanted in (event(), event(summary="New")):
        for observed in (None, list[ObservedEvent]()):
            assert reconcile([wanted], [adopt.entry], WINDOW, observed).actions == ()
    assert len(reconcile([], [adopt.entry], WINDOW).forgets) == 1


@pytest.mark.parametrize("observed", [None, []])
def test_what_a_person_deleted_is_shown_again_at_a_new_time(
    observed: list[ObservedEvent] | None,
) -> None:
    left_out = row(event(), LedgerEntryState.LEFT_OUT)
    moved = event(begins=NOW + DAY)
    plan = reconcile([moved], [left_out], WINDOW, observed, put_back=False)
    assert plan.actions == (Insert(event=moved, generation=left_out.generation),)


def test_what_a_person_brought_back_themselves_counts_again() -> None:
    left_out = row(event(), LedgerEntryState.LEFT_OUT)
    plan = reconcile([event()], [left_out], WINDOW, [seen(event())])
    assert [each.entry.state for each in plan.adopts] == [LedgerEntryState.OK]


def test_an_event_that_is_neither_wanted_nor_seen_is_deleted_for_it_may_have_been_moved() -> None:
    assert len(reconcile([], [row(event())], WINDOW, []).deletes) == 1


# ── removals that wait ────────────────────────────────────────────────────────────────────────


def held(upcoming: int, removed: int, *, past: int = 0) -> Sequence[Delete]:
    events = [event(f"{n:03}", NOW + timedelta(minutes=n)) for n in range(upcoming)]
    earlier = [event(f"p{n:03}", NOW - timedelta(minutes=31 + n)) for n in range(past)]
    ledger = [row(each) for each in (*events, *earlier)]
    plan = reconcile(events[removed:], ledger, WINDOW)
    return removals_to_hold(plan, ledger, NOW)


def test_ten_of_thirty_three_wait_and_ten_of_thirty_four_do_not() -> None:
    assert len(held(33, 10)) == 10
    assert held(34, 10) == ()


def test_nine_of_nine_do_not_wait() -> None:
    assert held(9, 9) == ()
    assert len(held(10, 10)) == 10


def test_events_of_the_past_neither_wait_nor_count() -> None:
    assert held(0, 0, past=50) == ()
    assert len(held(33, 10, past=50)) == 10
    assert held(34, 10, past=50) == ()


def test_what_is_left_out_does_not_make_the_share_smaller() -> None:
    events = [event(f"{n:03}", NOW + timedelta(minutes=n)) for n in range(30)]
    left = [row(event(f"l{n}", NOW + DAY), LedgerEntryState.LEFT_OUT) for n in range(30)]
    ledger = [*(row(each) for each in events), *left]
    plan = reconcile(events[10:], ledger, WINDOW)
    assert len(removals_to_hold(plan, ledger, NOW)) == 10


def test_an_empty_book_holds_even_one_removal_but_both_sides_empty_is_no_reason() -> None:
    ledger = [row(event())]
    plan = reconcile([], ledger, WINDOW)
    assert len(removals_to_hold(plan, ledger, NOW, book_is_empty=True)) == 1
    assert removals_to_hold(plan, ledger, NOW) == ()
    assert removals_to_hold(reconcile([], [], WINDOW), [], NOW, book_is_empty=True) == ()


# ── ids ───────────────────────────────────────────────────────────────────────────────────────


def test_an_event_id_never_changes_between_versions() -> None:
    """Else every event of every practice would be written a second time."""
    assert event_id("install", "calendar", "key", 0) == (
        "u9l2m5rjf4063hhtsb59it4shnfbtv7iev6k6k4k3otvvb0ctp10"
    )
    assert event_id("install", "calendar", "key", 1) != event_id("install", "calendar", "key", 0)
    assert event_id("install", "calendar", "key", 0) != event_id("install", "calendarkey", "", 0)
