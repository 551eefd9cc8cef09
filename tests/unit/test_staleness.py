"""A schedule that is not kept up to date says so, in Google and in the feed, and nowhere else."""

from __future__ import annotations

from datetime import date

import pytest

from companion.domain.errors import SignInExpired
from companion.domain.event_keys import is_notice
from tests.battery.practice import IMPORTED, Practice, left_alone
from tests.battery.world import ANNA

"""Tuesday 3 March 2026, 08:12 in Sydney."""
"""Friday 6 March 2026, 08:12 in Sydney."""
WORDS = "Schedule not updated since Tue 3 March 08:12"


async def test_nothing_is_said_within_the_set_time() -> None:
    world = Practice()
    await world.uploaded()
    world.clock.shift(48 * 3600 - 10)
    await world.run()
    assert world.notices() == []


async def test_an_import_too_long_ago_is_one_all_day_entry_at_the_top_of_today() -> None:
    world = await left_alone()
    result = await world.run()
    assert result.error is None
    (notice,) = world.notices()
    assert notice.summary == WORDS
    assert (notice.start, notice.end) == (date(2026, 3, 5), date(2026, 3, 6))
    assert (notice.availability.value, notice.private) == ("free", False)


async def test_it_counts_in_no_proof_no_count_and_no_difference() -> None:
    world = await left_alone()
    result = await world.run()
    assert (result.inserted, result.planned["insert"], result.unchanged) == (0, 0, 10)
    audit = await world.audit()
    assert (audit.differences, audit.inserted, audit.deleted) == ((), 0, 0)
    assert audit.proof is not None
    assert (audit.proof.book, audit.proof.google, audit.proof.equal) == (10, 10, True)
    assert len(world.notices()) == 1
    assert (await world.syncing.state(ANNA)).events == 10


async def test_the_same_notice_is_written_once_and_moved_to_each_new_day() -> None:
    world = await left_alone()
    await world.run()
    before = dict(world.remote().parts)
    assert (await world.run()).api_calls == 0
    world.clock.shift(24 * 3600)
    await world.run()
    (notice,) = world.notices()
    assert (notice.summary, notice.start) == (WORDS, date(2026, 3, 6))
    assert world.remote().parts["insert"] == before["insert"]
    assert world.remote().parts["patch"] == before.get("patch", 0) + 1


async def test_it_disappears_with_the_first_good_pass_after_an_import() -> None:
    world = await left_alone()
    await world.run()
    await world.imported()
    world.clock.shift(10)
    result = await world.run()
    assert (world.notices(), result.deleted) == ([], 0)
    assert len(world.live()) == 10
    assert not [key for key in await world.rows() if is_notice(key)]


async def test_a_second_staleness_is_an_event_of_its_own() -> None:
    world = Practice()
    await world.uploaded()
    for _ in range(3):
        await world.two_days_later()
        await world.run()
        assert len(world.notices()) == 1
        await world.imported()
        world.clock.shift(10)
        await world.run()
        assert world.notices() == []
    assert world.remote().calls["get"] == 0


async def test_two_never_stand_beside_each_other_even_when_the_import_went_unseen() -> None:
    world = await left_alone()
    await world.run()
    await world.imported()
    seen: list[int] = []
    world.at_step = lambda _name: seen.append(len(world.notices()))
    await world.two_days_later()
    await world.run()
    assert max(seen) == 1
    (notice,) = world.notices()
    assert notice.summary == "Schedule not updated since Thu 5 March 09:12"


async def test_a_person_who_deletes_it_has_read_it() -> None:
    world = await left_alone()
    await world.run()
    (event,) = [each for each in world.remote().ours() if is_notice(each.key)]
    world.remote().person_deletes(event.event_id)
    assert (await world.audit()).error is None
    world.clock.shift(24 * 3600)
    await world.run()
    assert world.notices() == []


async def test_a_lost_ledger_doubles_no_notice() -> None:
    world = await left_alone()
    await world.run()
    world.stores.ledger._rows.clear()
    audit = await world.audit()
    assert audit.proof is not None
    assert audit.proof.equal
    assert len(world.notices()) == 1
    await world.imported()
    world.clock.shift(10)
    await world.run()
    assert (world.notices(), len(world.live())) == ([], 10)


@pytest.mark.parametrize("step", range(1, 40, 2))
async def test_a_crash_anywhere_leaves_one_notice_or_none_and_heals(step: int) -> None:
    world = await left_alone()
    await world.crash_at(step, world.run)
    await world.run()
    await world.run()
    assert len(world.notices()) == 1
    await world.imported()
    world.clock.shift(10)
    await world.crash_at(step, world.run)
    await world.run()
    assert (world.notices(), len(world.live())) == ([], 10)


async def test_where_google_cannot_be_reached_there_is_no_notice_but_the_feed_has_it() -> None:
    world = Practice()
    await world.uploaded()
    world.remote().refusing = SignInExpired()
    await world.two_days_later()
    assert isinstance((await world.run()).error, SignInExpired)
    assert world.notices() == []
    assert world.staleness.since(ANNA) == IMPORTED
