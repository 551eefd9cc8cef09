"""Events of ours whose keys nobody knows: which appointments they are taken for."""

from dataclasses import replace

from companion.domain.reconcile import reconcile
from tests.fakes.ledger_rows import seen
from tests.unit.test_domain_reconcile import DAY, NOW, WINDOW, event, ids, row


def test_the_same_appointments_under_other_keys_are_adopted_without_a_write() -> None:
    book = [event(f"new-{n}", NOW + n * DAY / 8, summary=f"S{n}") for n in range(9)]
    google = [seen(each._replace(key=f"old-{n}"), f"id-{n}") for n, each in enumerate(book)]
    plan = reconcile(book, [], WINDOW, google)
    assert plan.writes == 0
    assert [(each.key, each.entry.event_id) for each in plan.adopts] == [
        (f"new-{n}", f"id-{n}") for n in range(9)
    ]


def test_an_appointment_that_shows_other_words_at_the_same_time_is_changed_not_doubled() -> None:
    wanted = event("new", summary="Zoë O.")
    plan = reconcile([wanted], [], WINDOW, [seen(event("old", summary="ZO"), "id-old")])
    assert [(each.event, each.entry.event_id) for each in plan.updates] == [(wanted, "id-old")]
    assert plan.writes == 1


def test_each_event_is_taken_over_once_and_the_equal_one_first() -> None:
    book = [event("new-1", summary="AB"), event("new-2", summary="CD")]
    google = [
        seen(event("old-1", summary="CD"), "id-1"),
        seen(event("old-2", summary="EF"), "id-2"),
        seen(event("old-3", summary="GH"), "id-3"),
    ]
    plan = reconcile(book, [], WINDOW, google)
    assert [(each.key, each.entry.event_id) for each in plan.adopts] == [("new-2", "id-1")]
    assert [(each.key, each.entry.event_id) for each in plan.updates] == [("new-1", "id-2")]
    assert ids(plan) == ["id-3"]


def test_what_has_an_event_of_its_own_takes_no_other_over() -> None:
    for ledger, google in (
        ([row(event())], [seen(event())]),
        ([], [seen(event())]),
        ([row(event())], []),
    ):
        strangers = [seen(event("old"), "id-old")]
        plan = reconcile([event()], ledger, WINDOW, [*google, *strangers])
        assert ids(plan) == ["id-old"]
        taken = [*(each.entry for each in plan.adopts), *(each.entry for each in plan.updates)]
        assert "id-old" not in {each.event_id for each in taken}


def test_a_left_over_test_event_is_no_appointment() -> None:
    plan = reconcile([event()], [], WINDOW, [seen(event("test word1"), "id-probe")])
    assert (len(plan.inserts), ids(plan)) == (1, ["id-probe"])


def test_an_event_whose_key_nobody_knows_is_the_one_that_google_lacks_at_that_time() -> None:
    old = [replace(seen(each), key=f"old-{each.key}") for each in (event(), event("b"))]
    plan = reconcile([event(), event("b")], [], WINDOW, old)
    taken = sorted((each.key, each.entry.event_id) for each in plan.adopts)
    assert taken == [("a", "id-a"), ("b", "id-b")]
    assert plan.writes == 0


def test_a_mark_of_which_a_name_can_be_tried_is_rewritten() -> None:
    old = replace(seen(event()), key="0123456789abcdef0123456789")
    plan = reconcile([event()], [], WINDOW, [old])
    assert [(each.key, each.entry.event_id) for each in plan.updates] == [("a", "id-a")]


def test_of_several_at_that_time_the_one_of_equal_content_is_meant() -> None:
    wanted = [event("a", summary="AB"), event("b", summary="CD")]
    stranger = replace(seen(wanted[1]), key="old")
    plan = reconcile(wanted, [], WINDOW, [stranger])
    assert [each.key for each in plan.adopts] == ["b"]
    assert [each.key for each in plan.inserts] == ["a"]


def test_an_event_whose_key_nobody_knows_takes_no_place_that_is_filled() -> None:
    strangers = [replace(seen(event(), name), key="old") for name in ("0", "z")]
    plan = reconcile([event()], [row(event())], WINDOW, [seen(event()), *strangers])
    assert ids(plan) == ["0", "z"]
    plan = reconcile([event()], [], WINDOW, strangers)
    assert (ids(plan), [each.entry.event_id for each in plan.adopts]) == (["z"], ["0"])


def test_what_was_kept_for_a_person_to_decide_is_paired_once_the_book_is_filled() -> None:
    """Connected first, imported later: no list of Google is needed."""
    plan = reconcile([], [], WINDOW, [seen(event("old"), "id-old")])
    [stranger] = plan.corrections
    assert ids(plan) == ["id-old"]
    plan = reconcile([event("new")], [stranger], WINDOW)
    assert plan.writes == 0
    assert [(each.key, each.entry.event_id) for each in plan.adopts] == [("new", "id-old")]
    assert [each.key for each in plan.forgets] == ["old"]


def test_an_event_that_google_no_longer_lists_is_not_paired() -> None:
    [stranger] = reconcile([], [], WINDOW, [seen(event("old"), "id-old")]).corrections
    plan = reconcile([event("new")], [stranger], WINDOW, [])
    assert [each.key for each in plan.inserts] == ["new"]


def test_an_event_that_was_written_here_is_never_given_to_another_appointment() -> None:
    plan = reconcile([event("new")], [row(event("old"))], WINDOW)
    assert [each.key for each in plan.inserts] == ["new"]
    assert ids(plan) == ["id-old"]
