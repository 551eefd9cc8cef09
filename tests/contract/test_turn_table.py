"""The rows by which workstations take turns: those in memory and those of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from companion.adapters.database.own_connection import connect_alone
from companion.adapters.database.own_session import OwnSession
from companion.adapters.database.turn_table import (
    TURN_SECONDS,
    Holder,
    PostgresTurnTable,
    Renewed,
    TurnTable,
)
from tests.fakes.clock import FakeClock
from tests.fakes.practice_database import practice_server
from tests.fakes.turn_table import MemoryTurnTable

KINDS = ("memory", pytest.param("postgresql", marks=pytest.mark.postgresql))
MIRA = "sync-mira"


class Turns:
    def __init__(
        self, desk: TurnTable, office: TurnTable, pass_by: Callable[[float], None]
    ) -> None:
        self.desk, self.office = desk, office
        self.pass_by = pass_by
        """Seconds, for the rows."""


@pytest.fixture(params=KINDS)
async def turns(request: pytest.FixtureRequest) -> AsyncIterator[Turns]:
    if request.param == "memory":
        clock = FakeClock()
        memory = MemoryTurnTable("desk", clock)
        yield Turns(memory, memory.of("office"), clock.shift)
        return
    with practice_server().new_database() as url, connect_alone(url, name="test") as connection:
        connection.execute(
            "INSERT INTO workstations SELECT name, initcap(name), '1', now(), now(), now(), '', 0 "
            "FROM unnest(ARRAY['desk', 'office']) AS w(name)"
        )
        sessions = [OwnSession(url, name=name) for name in ("desk", "office")]
        desk, office = (
            PostgresTurnTable(session, name)
            for session, name in zip(sessions, ("desk", "office"), strict=True)
        )

        def pass_by(seconds: float) -> None:
            connection.execute("UPDATE turns SET until = until - interval '1 s' * %s", [seconds])

        yield Turns(desk, office, pass_by)
        for session in sessions:
            session.close()


async def test_a_turn_is_one_workstations_until_it_gives_it_back(turns: Turns) -> None:
    taken = await turns.desk.take(MIRA, 0)
    assert taken is not None
    assert not taken.broken_off
    assert await turns.office.take(MIRA, 0) is None
    assert await turns.desk.take(MIRA, 0) is None  # nor another process of the same one
    assert await turns.office.take("sync-omar", 0) is not None
    await turns.desk.give_back(MIRA, taken.token)
    after = await turns.office.take(MIRA, 0)
    assert after is not None
    assert after.token > taken.token
    assert not after.broken_off


async def test_a_turn_whose_time_is_over_is_taken_and_known_to_be_broken_off(turns: Turns) -> None:
    taken = await turns.desk.take(MIRA, 0)
    turns.pass_by(TURN_SECONDS - 5)
    assert await turns.office.take(MIRA, 0) is None
    turns.pass_by(6)
    after = await turns.office.take(MIRA, 0)
    assert taken is not None
    assert after is not None
    assert after.token > taken.token
    assert after.broken_off
    await turns.desk.give_back(MIRA, taken.token)  # too late to matter
    assert await turns.desk.take(MIRA, 0) is None


async def test_a_turn_that_is_renewed_goes_on(turns: Turns) -> None:
    taken = await turns.desk.take(MIRA, 0)
    assert taken is not None
    turns.pass_by(TURN_SECONDS - 2)
    kept = await turns.desk.renew([(MIRA, taken.token)])
    assert kept == Renewed(kept=frozenset({MIRA}))
    turns.pass_by(TURN_SECONDS - 2)
    assert await turns.office.take(MIRA, 0) is None


async def test_of_several_turns_those_that_were_lost_are_named(turns: Turns) -> None:
    mira, omar = await turns.desk.take(MIRA, 0), await turns.desk.take("sync-omar", 0)
    assert mira is not None
    assert omar is not None
    turns.pass_by(TURN_SECONDS + 1)
    assert await turns.office.take(MIRA, 0) is not None
    found = await turns.desk.renew([(MIRA, mira.token), ("sync-omar", omar.token)])
    assert found == Renewed(kept=frozenset({"sync-omar"}), lost=frozenset({MIRA}))


async def test_a_turn_may_be_taken_again_under_its_own_token(turns: Turns) -> None:
    taken = await turns.desk.take(MIRA, 0)
    assert taken is not None
    again = await turns.desk.take(MIRA, taken.token)
    assert again is not None
    assert again.token == taken.token + 1
    assert not again.broken_off
    assert await turns.desk.take(MIRA, taken.token) is None


async def test_a_turn_that_was_anothers_by_then_is_known_to_be_broken_off(turns: Turns) -> None:
    taken = await turns.desk.take(MIRA, 0)
    turns.pass_by(TURN_SECONDS + 1)
    assert await turns.office.take(MIRA, 0) is not None
    turns.pass_by(TURN_SECONDS + 1)
    assert taken is not None
    again = await turns.desk.take(MIRA, taken.token)
    assert again is not None
    assert again.broken_off


async def test_who_has_a_turn_is_told(turns: Turns) -> None:
    assert await turns.office.holder(MIRA) is None
    taken = await turns.desk.take(MIRA, 0)
    assert taken is not None
    assert await turns.office.holder(MIRA) == Holder("desk", "Desk")
    await turns.desk.give_back(MIRA, taken.token)
    assert await turns.office.holder(MIRA) is None
