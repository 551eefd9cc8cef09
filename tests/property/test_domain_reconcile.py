"""reconcile() against a model Google: whatever happened before, one clean pass makes them equal.

The model keeps what Google keeps (ids for ever, tombstones, its own wording of our text) and
writes as services.sync.writing does: intent row, call, confirmation, in any order, cut off
anywhere. Days pass, the book changes, a person edits in Google, the ledger is lost or comes
back from a backup.
"""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.domain.differences import DifferenceKind, find_differences
from companion.domain.event_keys import event_id
from companion.domain.reconcile import LedgerEntryState, reconcile
from companion.domain.removals import removals_to_hold
from tests.property.reconcile_model import (
    NOW,
    RESTORED,
    UNMARKED,
    Model,
    Operation,
    after,
    anything,
    as_google_tells,
    booked,
    check_one_audit,
    everyday,
    live_keys,
    names,
    seeds,
)


@settings(max_examples=300)
@given(operations=everyday, random=seeds, tidy=st.booleans())
def test_an_everyday_pass_makes_google_equal_and_the_next_has_nothing_to_do(
    operations: list[Operation], random: Random, tidy: bool
) -> None:
    model = after(operations, random, tidy=tidy)
    model.run(audit=False)
    assert model.plan(audit=False) == ()
    assert model.plan(audit=True) == (), "and an audit agrees"
    assert model.inside() == as_google_tells(model.desired())
    assert max(live_keys(model).values(), default=0) <= 1


@settings(max_examples=500)
@given(operations=anything, random=seeds)
def test_one_audit_makes_google_equal_whatever_happened_before(
    operations: list[Operation], random: Random
) -> None:
    check_one_audit(after(operations, random))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("operations", [RESTORED, UNMARKED], ids=["restored", "unmarked"])
def test_an_insert_that_meets_an_event_about_to_be_deleted_does_not_lose_it(
    operations: list[Operation], seed: int
) -> None:
    check_one_audit(after(operations, Random(seed)))


@given(operations=anything, random=seeds, audit=st.booleans())
def test_a_plan_names_each_event_once_soonest_first(
    operations: list[Operation], random: Random, audit: bool
) -> None:
    model = after(operations, random)
    plan = reconcile(
        model.desired(),
        model.ledger.values(),
        model.window,
        model.observed() if audit else None,
    )
    names = [action.key for action in plan.actions]
    assert len(names) == len(set(names))
    for group in (plan.inserts, plan.updates):
        assert [each.event.begins for each in group] == sorted(each.event.begins for each in group)
    assert [each.entry.begins for each in plan.deletes] == sorted(
        each.entry.begins for each in plan.deletes
    )
    assert plan.writes == len(plan.inserts) + len(plan.updates) + len(plan.deletes)


@given(operations=anything, random=seeds, put_back=st.booleans())
def test_an_audit_finds_no_difference_exactly_when_it_would_change_no_event(
    operations: list[Operation], random: Random, put_back: bool
) -> None:
    model = after(operations, random)
    differences = find_differences(model.desired(), model.ledger.values(), model.observed())
    plan = reconcile(
        model.desired(),
        model.ledger.values(),
        model.window,
        model.observed(),
        put_back=put_back,
    )
    if not differences:
        assert plan.inserts == ()
        assert all(each.entry.fingerprint == each.event.fingerprint for each in plan.updates)
        seen = {each.event_id for each in model.observed() if not each.deleted}
        assert not any(each.entry.event_id in seen for each in plan.deletes)
    elif not {each.kind for each in differences} <= {DifferenceKind.DELETED}:
        assert plan.writes
    elif put_back:
        assert {each.key for each in plan.inserts} == {each.key for each in differences}
    else:
        left_out = {
            each.key for each in plan.adopts if each.entry.state is LedgerEntryState.LEFT_OUT
        }
        moved = {each.key for each in plan.inserts}  # a new time is a new decision
        assert left_out | moved == {each.key for each in differences}
        assert all(model.ledger[key].begins != model.book[key].begins for key in moved)


@given(operations=anything, random=seeds)
def test_what_a_person_deleted_stays_out_when_so_chosen(
    operations: list[Operation], random: Random
) -> None:
    model = after(operations, random)
    model.put_back = False
    model.run(audit=True)
    model.run(audit=True)
    present = {each.event_id for each in model.observed() if not each.deleted}
    removed = {entry.key for entry in model.ledger.values() if entry.event_id in present}
    assert len(removed) == len(present)
    for name in present:
        model.google[name].live = False
    for audit in (True, False, True):
        model.run(audit=audit)
    assert model.inside() == Counter()
    assert {model.ledger[key].state for key in removed} <= {LedgerEntryState.LEFT_OUT}
    for key, event in model.book.items():
        model.book[key] = event._replace(summary="Changed")
    model.run(audit=False)
    assert not {each.key for each in model.observed() if not each.deleted} & removed


# ── removals that wait for a person ───────────────────────────────────────────────────────────


@given(
    keep=st.integers(0, 60),
    remove=st.integers(0, 60),
    past=st.integers(0, 30),
    share=st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]),
    at_least=st.integers(1, 20),
)
def test_removals_wait_when_they_are_many_and_a_large_share_of_what_is_to_come(
    keep: int, remove: int, past: int, share: float, at_least: int
) -> None:
    coming = [booked(f"k{n}", NOW + timedelta(hours=n + 1)) for n in range(keep + remove)]
    gone = [booked(f"p{n}", NOW - timedelta(hours=n + 1)) for n in range(past)]
    model = Model(random=Random(0), book={each.key: each for each in (*coming, *gone)})
    model.run(audit=False)
    model.book = {each.key: each for each in coming[:keep]}
    plan = reconcile(model.desired(), model.ledger.values(), model.window)
    held = removals_to_hold(
        plan, model.ledger.values(), NOW, share=share, at_least=at_least, book_is_empty=False
    )
    coming_removals = {each.key for each in coming[keep:]} & {each.key for each in plan.deletes}
    too_many = len(coming_removals) >= at_least and len(coming_removals) > share * len(coming)
    assert {each.key for each in held} == (coming_removals if too_many else set())


@given(mark=names, calendar=names, key=names, generation=st.integers(0, 50))
def test_an_event_id_is_52_characters_that_google_allows_and_always_the_same(
    mark: str, calendar: str, key: str, generation: int
) -> None:
    found = event_id(mark, calendar, key, generation)
    assert len(found) == 52
    assert set(found) <= set("0123456789abcdefghijklmnopqrstuv")
    assert found == event_id(mark, calendar, key, generation)


@given(several=st.sets(st.tuples(names, names, names, st.integers(0, 5)), min_size=2, max_size=9))
def test_event_ids_differ_when_any_part_differs(several: set[tuple[str, str, str, int]]) -> None:
    assert len({event_id(*each) for each in several}) == len(several)


@pytest.mark.long
@given(operations=st.lists(anything, min_size=4, max_size=8), random=seeds)
def test_months_of_faults_end_equal(operations: list[list[Operation]], random: Random) -> None:
    model = Model(random=random)
    for each in operations:
        for operation in each:
            operation.happen(model)
        model.run(audit=True)
        if "" in live_keys(model):
            model.run(audit=True)
        assert model.inside() == as_google_tells(model.desired())
