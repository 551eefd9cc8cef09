"""What every ActivityLog does, the one in memory and the one on disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from companion.services.ports import Activity, ActivityKind, ActivityLog
from tests.contract.stores import Stores

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def log(stores: Stores) -> ActivityLog:
    return stores.activity


def line(text: str, minute: int = 0, practitioner_id: str = "mira", count: int = 1) -> Activity:
    return Activity(
        at=NOW + timedelta(minutes=minute),
        practitioner_id=practitioner_id,
        cause="worker",
        kind=ActivityKind.INSERT,
        text=text,
        count=count,
    )


async def test_lines_come_back_whole_and_newest_first(log: ActivityLog) -> None:
    await log.add([line("a", 1), line("b", 3, count=7)])
    await log.add([line("c", 2)])
    assert await log.recent() == [line("b", 3, count=7), line("c", 2), line("a", 1)]


async def test_of_one_moment_the_later_written_comes_first(log: ActivityLog) -> None:
    await log.add([line("first"), line("second")])
    await log.add([line("third")])
    assert [each.text for each in await log.recent()] == ["third", "second", "first"]


async def test_adding_no_lines_changes_nothing(log: ActivityLog) -> None:
    await log.add([])
    assert await log.recent() == []


async def test_only_so_many_are_given(log: ActivityLog) -> None:
    await log.add([line(str(minute), minute) for minute in range(60)])
    assert len(await log.recent()) == 50
    assert [each.text for each in await log.recent(2)] == ["59", "58"]


async def test_lines_of_one_practitioner_or_of_the_practice_alone(log: ActivityLog) -> None:
    await log.add([line("a"), line("b", practitioner_id="omar"), line("c", practitioner_id="")])
    assert [each.text for each in await log.recent(practitioner_id="omar")] == ["b"]
    assert [each.text for each in await log.recent(practitioner_id="")] == ["c"]
    assert len(await log.recent(practitioner_id=None)) == 3


async def test_what_is_older_than_a_moment_can_be_dropped(log: ActivityLog) -> None:
    await log.add([line(str(minute), minute) for minute in range(5)])
    assert await log.prune(NOW + timedelta(minutes=3)) == 3
    assert [each.text for each in await log.recent()] == ["4", "3"]
    assert await log.prune(NOW) == 0


async def test_lines_of_one_kind_alone(log: ActivityLog) -> None:
    backup = replace(line("b", 2, practitioner_id=""), kind=ActivityKind.BACKUP)
    await log.add([line("a", 1), backup, line("c", 3)])
    assert await log.recent(kind=ActivityKind.BACKUP) == [backup]
    assert await log.recent(5, "mira", kind=ActivityKind.BACKUP) == []
    assert await log.recent(kind=ActivityKind.TOLD) == []
