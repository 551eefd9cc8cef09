"""How the last days of a sync went: kept from its passes, a line a day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from companion.domain.errors import Offline
from companion.domain.sync_history import KEPT, WITHIN, days_of, noted, within
from tests.battery.synced import a_synced_world
from tests.battery.world import ANNA, World, appointment

DAY = date(2026, 3, 9)


async def history(world: World) -> list[tuple[date, str, int, int]]:
    """(day, verdict, written, changes whose delay is known)."""
    state = await world.syncing.state(ANNA)
    return [(e.day, e.verdict, e.written, sum(e.delays)) for e in days_of(state.history)]


async def test_a_day_has_what_its_passes_wrote_and_how_long_changes_waited() -> None:
    world = await a_synced_world(4)
    ((today, *first),) = await history(world)
    assert first == ["good", 4, 0]  # nobody waited for a first upload
    world.clock.set(world.clock.now() + timedelta(seconds=30))
    await world.put(appointment(1, location="Room 2"))
    world.clock.set(world.clock.now() + timedelta(seconds=40))
    await world.run()
    assert await history(world) == [(today, "good", 5, 1)]
    (day,) = days_of((await world.syncing.state(ANNA)).history)
    assert within(day.delays, 0.5) == 60


async def test_a_day_is_bad_until_a_pass_goes_well_and_says_what_was_wrong() -> None:
    world = await a_synced_world(2)
    await world.put(appointment(1, location="Room 2"))
    world.remote().refusing = Offline()
    await world.run()
    ((today, verdict, *_),) = await history(world)
    assert verdict == "bad"
    (day,) = days_of((await world.syncing.state(ANNA)).history)
    assert day.trouble == Offline().what
    world.remote().refusing = None
    await world.run()
    assert (await history(world))[0][:2] == (today, "mixed")


def test_only_the_last_weeks_are_kept() -> None:
    told = ""
    for number in range(KEPT + 20):
        told = noted(told, DAY + timedelta(days=number), ended=True, written=1, delays=())
    days = days_of(told)
    assert len(days) == KEPT
    assert days[-1].day == DAY + timedelta(days=KEPT + 19)


def test_a_cancelled_pass_is_neither_good_nor_bad() -> None:
    (day,) = days_of(noted("", DAY, ended=False, written=3, delays=()))
    assert (day.good, day.failed, day.written, day.verdict) == (0, 0, 3, "good")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.booleans(),
            st.integers(0, 500),
            st.lists(st.floats(0, 1e6), max_size=5),
            st.text(max_size=20),
        ),
        max_size=30,
    )
)
def test_whatever_happened_is_read_as_it_was_written(
    passes: list[tuple[int, bool, int, list[float], str]],
) -> None:
    told = ""
    for ahead, ended, written, delays, trouble in sorted(passes, key=lambda each: each[0]):
        day = DAY + timedelta(days=ahead)
        told = noted(told, day, ended=ended, written=written, delays=delays, trouble=trouble)
    last = max((ahead for ahead, *_ in passes), default=0)
    kept = [each for each in passes if each[0] > last - KEPT]
    days = days_of(told)
    assert sum(each.written for each in days) == sum(each[2] for each in kept)
    assert sum(sum(each.delays) for each in days) == sum(len(each[3]) for each in kept)
    assert sum(each.good + each.failed for each in days) == sum(each[1] for each in kept)


def test_a_damaged_line_costs_its_own_day_only() -> None:
    told = noted("what is this\n", DAY, ended=True, written=2, delays=(4.0,))
    assert [each.written for each in days_of(f"2026-13-40 1\n{told}")] == [2]


def test_a_share_within_no_class_is_not_known() -> None:
    assert within((0,) * (len(WITHIN) + 1), 0.5) is None
    assert within((*(0,) * len(WITHIN), 3), 0.5) is None
    assert within((1, 1, 0, 0, 0, 0, 0), 0.5) == WITHIN[0]
