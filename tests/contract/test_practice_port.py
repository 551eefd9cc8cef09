"""What every `WorkstationRegistry` does: the one on PostgreSQL and the fake of the pages' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from companion.adapters.clock import SystemClock
from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.dedicated_session import DedicatedSession
from companion.adapters.database.workstations import PostgresWorkstations
from companion.domain.errors import Busy, NotFound
from companion.services.ports import WorkstationRegistry
from tests.fakes.practice import FakePractice, off, workstation
from tests.fakes.practice_database import practice_server

ROWS = b"""
INSERT INTO workstations
    (id, name, version, joined_at, started_at, seen_at, feed_address, clock_ahead)
SELECT id, name, '1.2.3', at, CASE WHEN is_on THEN at END, at, '', 0
FROM timezone('UTC', clock_timestamp()) AS at,
    (VALUES ('front-desk', 'front desk', true), ('back-office', 'Back office', true),
            ('second-site', 'Second site', false)) AS of_practice (id, name, is_on)
"""


@pytest.fixture(params=["fake", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def practice(request: pytest.FixtureRequest) -> AsyncIterator[WorkstationRegistry]:
    """Back office (this one) and front desk are on, Second site is off."""
    if request.param == "fake":
        names = [workstation("front desk"), workstation("Back office"), off("Second site")]
        yield FakePractice(found=names)
        return
    with practice_server().new_database() as url:
        with connect_dedicated(url, name="the test") as connection:
            connection.execute(ROWS)
        session = DedicatedSession(url, name="back-office")
        yield PostgresWorkstations(session, "back-office", version="1.2.3", clock=SystemClock())
        session.close()


async def names(practice: WorkstationRegistry) -> list[str]:
    return [each.name for each in await practice.workstations()]


async def test_they_come_in_the_order_of_their_names(practice: WorkstationRegistry) -> None:
    assert practice.this_one == "back-office"
    assert await names(practice) == ["Back office", "front desk", "Second site"]
    seen = await practice.workstations()
    assert [each.on for each in seen] == [True, True, False]
    assert [each.since is not None for each in seen] == [True, True, False]
    assert not any(each.keeps_calendars for each in seen)


async def test_one_is_renamed(practice: WorkstationRegistry) -> None:
    await practice.rename("second-site", "Parkside")
    assert await names(practice) == ["Back office", "front desk", "Parkside"]


async def test_only_one_that_is_off_is_forgotten(practice: WorkstationRegistry) -> None:
    with pytest.raises(Busy):
        await practice.forget("front-desk")
    await practice.forget("second-site")
    assert await names(practice) == ["Back office", "front desk"]


async def test_what_is_not_there_can_have_nothing_done_to_it(practice: WorkstationRegistry) -> None:
    for asked in (practice.let_keep("x"), practice.forget("x"), practice.rename("x", "X")):
        with pytest.raises(NotFound):
            await asked


async def test_one_that_is_there_may_be_wanted(practice: WorkstationRegistry) -> None:
    await practice.let_keep("front-desk")
    assert len(await names(practice)) == 3
