"""Auditing: what a person did in Google is found, named and mended; and the proof in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from companion.domain.appointments import AppointmentStatus
from companion.domain.differences import DifferenceKind
from companion.domain.errors import Offline, RemoteUnavailable
from companion.domain.reconcile import LedgerEntryState
from companion.domain.sync_state import Proof
from companion.services.ports import BookChange, ImportRecord
from companion.services.sync.auditing import clock_time, proof_in_words
from tests.battery.world import ANNA, MONDAY, SYDNEY, World, appointment, booked


async def a_synced_world(count: int = 5) -> World:
    world = await booked(count)
    await world.run()
    return world


async def test_every_kind_of_difference_is_named_in_plain_words_and_repaired() -> None:
    world = await a_synced_world(6)
    remote = world.remote()
    remote.person_deletes(world.id_of("a0"))
    remote.person_edits(world.id_of("a1"), summary="Somebody")
    at = remote.events[world.id_of("a2")].content.start
    assert isinstance(at, datetime)
    day = timedelta(days=1)
    remote.person_edits(world.id_of("a2"), start=at + day, end=at + day + timedelta(minutes=30))
    await world.put(
        appointment(3, location="Room 2"),
        appointment(4, status=AppointmentStatus.CANCELLED),
        appointment(9),
    )
    result = await world.audit()
    assert [(each.kind, each.what) for each in result.differences] == [
        (DifferenceKind.DELETED, "Mon 2 March 09:00 was deleted in Google"),
        (DifferenceKind.CHANGED, "Mon 2 March 09:30 has another title in Google"),
        (DifferenceKind.CHANGED, "Mon 2 March 10:00 was moved to Tue 3 March 10:00 in Google"),
        (DifferenceKind.OUTDATED, "Mon 2 March 10:30 still shows its old details in Google"),
        (DifferenceKind.EXTRA, "Mon 2 March 11:00 is in Google but no longer in the book"),
        (DifferenceKind.NOT_SENT, "Mon 2 March 13:30 is not in Google yet"),
    ]
    assert result.proof is not None
    assert (result.proof.book, result.proof.google, result.proof.equal) == (6, 6, True)
    assert (await world.audit()).differences == ()


async def test_two_events_for_one_appointment_are_named_and_one_goes() -> None:
    world = await a_synced_world()
    lost = world.id_of("a2")
    world.remote().person_deletes(lost)
    await world.audit()
    world.remote().events[lost].deleted = False  # restored from Google's bin
    result = await world.audit()
    assert [each.what for each in result.differences] == ["Mon 2 March 10:00 is in Google twice"]
    assert len(world.remote().ours()) == 5
    assert result.proof is not None
    assert result.proof.equal


async def test_an_equal_calendar_costs_one_call() -> None:
    world = await a_synced_world()
    before = world.remote().calls.total()
    result = await world.audit()
    assert (result.api_calls, world.remote().calls.total() - before) == (1, 1)


async def test_a_colour_that_differs_is_no_difference() -> None:
    world = await a_synced_world()
    world.remote().person_styles(world.id_of("a2"), "9|10")
    result = await world.audit()
    assert result.differences == ()
    assert result.updated == 0


async def test_text_that_google_keeps_in_its_own_way_is_written_once_and_is_no_difference() -> None:
    """Emoji and markup come back changed; others update for ever over it (OGCS 2090, 2269)."""
    world = World()
    world.remote().keeps = lambda content: replace(content, summary=f"{content.summary}\ufe0f")
    await world.put(*(appointment(n) for n in range(3)))
    await world.run()
    for _ in range(2):
        result = await world.audit()
        assert (result.updated, result.api_calls, result.differences) == (0, 1, ())
    world.remote().exploding = True
    assert (await world.run()).error is None


async def test_an_all_day_event_of_the_day_before_the_window_is_history_in_the_reader_s_zone() -> (
    None
):
    """The calendar's own zone, Sydney's, would let it reach two hours into the window."""
    world = World()
    record = world.record()
    person = replace(record.practitioner, timezone="Pacific/Auckland")
    world.settings.current = world.settings.current.with_practitioner(
        replace(record, practitioner=person)
    )
    day = MONDAY.replace(hour=0) + timedelta(days=1)
    zone = "Pacific/Auckland"
    await world.put(
        appointment(1, start=day, end=day + timedelta(days=1), all_day=True, timezone=zone)
    )
    await world.run()
    assert set(world.live()) == {"a1"}
    world.clock.set(world.clock.now() + timedelta(days=9))
    result = await world.audit()
    assert (result.differences, result.deleted) == ((), 0)
    assert set(world.live()) == {"a1"}


async def test_what_was_left_out_counts_on_neither_side_until_it_is_put_back() -> None:
    world = await a_synced_world()
    world.choose(put_back_deleted=False)
    world.remote().person_deletes(world.id_of("a2"))
    result = await world.audit()
    assert (await world.row("a2")).state is LedgerEntryState.LEFT_OUT
    assert result.proof is not None
    assert (result.proof.book, result.proof.google, result.proof.equal) == (4, 4, True)
    assert result.proof.left_out == 1
    assert [each.key for each in result.left_out] == ["a2"]
    assert await world.auditing.put_back(ANNA) == 1
    assert (await world.run()).inserted == 1
    assert len(world.remote().ours()) == 5
    assert await world.auditing.put_back(ANNA) == 0


async def test_removals_that_wait_show_in_the_proof() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(40, 60)))
    await world.run()
    await world.put(remove=[f"a{n}" for n in range(40, 60)])
    result = await world.audit()
    assert result.held == 20
    assert result.proof is not None
    assert (result.proof.book, result.proof.google, result.proof.equal) == (0, 20, False)


@pytest.mark.parametrize("error", [Offline(), RemoteUnavailable()])
async def test_an_audit_that_cannot_look_keeps_the_old_proof_and_stays_due(
    error: Offline | RemoteUnavailable,
) -> None:
    world = await a_synced_world()
    await world.audit()
    proof = (await world.syncing.state(ANNA)).proof
    world.remote().fail_next(error)
    await world.clock.sleep(60)
    result = await world.audit()
    assert result.error is error
    assert (await world.syncing.state(ANNA)).proof == proof


async def test_the_proof_outlives_the_program_with_the_age_of_the_book() -> None:
    """Of what this practitioner's appointments came from: a newer file of another source makes
    them no newer."""
    world = await a_synced_world()
    await world.put(*(appointment(n, source="front desk", source_id=str(n)) for n in range(5)))
    imported = ImportRecord(
        source="front desk",
        at=world.clock.now() - timedelta(hours=1),
        file_name="export.csv",
        added=5,
        changed=0,
        removed=0,
        unchanged=0,
        rejected=0,
    )
    await world.stores.book.apply(BookChange(imported=imported), world.clock.now())
    newer = replace(imported, source="elsewhere", at=world.clock.now())
    await world.stores.book.apply(BookChange(imported=newer), world.clock.now())
    await world.run()
    await world.audit()
    world.restart()
    proof = (await world.syncing.state(ANNA)).proof
    assert proof is not None
    words = proof_in_words(proof, SYDNEY, world.clock.now())
    assert words == "Book (imported 19:00) 5 = Google 5, verified 20:00"


@pytest.mark.parametrize(
    ("differences", "google", "words"),
    [
        (0, 23, "Book 23 = Google 23, verified 09:41"),
        (1, 22, "Book 23 ≠ Google 22, 1 difference, verified 09:41"),
        (2, 23, "Book 23 ≠ Google 23, 2 differences, verified 09:41"),
    ],
)
def test_a_proof_reads_as_a_sentence(differences: int, google: int, words: str) -> None:
    at = datetime(2026, 3, 2, 22, 41, tzinfo=UTC)
    proof = Proof(at=at, book=23, google=google, differences=differences)
    assert proof_in_words(proof, SYDNEY, at) == words


def test_a_proof_says_what_was_left_out() -> None:
    at = datetime(2026, 3, 2, 22, 41, tzinfo=UTC)
    proof = Proof(at=at, book=22, google=22, differences=0, left_out=1)
    words = proof_in_words(proof, SYDNEY, at)
    assert words == "Book 22 = Google 22, 1 left out because deleted in Google, verified 09:41"


def test_the_time_of_another_day_names_the_day() -> None:
    at = datetime(2026, 3, 2, 22, 41, tzinfo=UTC)
    assert clock_time(at, SYDNEY, at + timedelta(days=1)) == "Tue 3 March 09:41"
    assert clock_time(at, SYDNEY, at + timedelta(hours=14)) == "09:41"
