"""However often, in whatever order and under whatever source's name a file comes: one appointment
stays one, and what an import did can be undone exactly."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from companion.domain.appointments import Appointment
from companion.services.imports.drafts import Draft
from tests.samples.drafts import FIRST, Counter, draft

STAMP = datetime(2026, 2, 1, tzinfo=UTC)
PEOPLE = ("Jo Smith", "Anh Nguyen", "Priya Raman")
CLIENTS = ("Ada Example", "Ben Brook", "Cy Sample", "")


@st.composite
def rows(draw: st.DrawFn, *, ids: bool | None = None) -> list[Draft]:
    """A file with ids, shared ones among them, or without any."""
    with_ids = draw(st.booleans()) if ids is None else ids
    count = draw(st.integers(1, 7))
    return [
        draft(
            2 + n,
            id=str(draw(st.integers(1, 5))) if with_ids else "",
            who=draw(st.sampled_from(PEOPLE)),
            client=draw(st.sampled_from(CLIENTS)),
            at=FIRST + timedelta(hours=draw(st.integers(0, 3))),
            cancelled=draw(st.booleans()) and draw(st.booleans()),
            appointment_type=draw(st.sampled_from(["Standard", "Pilates"])),
            updated=draw(st.sampled_from([None, STAMP, STAMP + timedelta(days=1)])),
        )
        for n in range(count)
    ]


def content(found: list[Appointment]) -> list[Appointment]:
    """Without what rises with every change."""
    return [replace(each, revision=0, changed_at=STAMP) for each in found]


@settings(max_examples=60)
@given(rows(), st.data())
def test_the_same_file_in_any_order_changes_nothing(file: list[Draft], data: st.DataObject) -> None:
    async def work() -> None:
        desk = Counter()
        await desk.take(*file, yes=True)
        before = content(await desk.all())
        for snapshot in (False, True):
            again = data.draw(st.permutations(file))
            report = await desk.take(*again, snapshot=snapshot, yes=True)
            assert (report.added, report.changed, report.removed) == (0, 0, 0)
            assert content(await desk.all()) == before

    asyncio.run(work())


@settings(max_examples=60)
@given(rows(), st.data())
def test_the_same_file_under_another_source_doubles_nothing(
    file: list[Draft], data: st.DataObject
) -> None:
    async def work() -> None:
        desk = Counter()
        await desk.take(*file, yes=True, source="by hand")
        before = Tally(await desk.live())
        again = data.draw(st.permutations(file))
        answer = data.draw(st.sampled_from(["skip", "take_over"]))
        waiting = await desk.take(*again, source="folder")
        assert waiting.held or not before
        await desk.take(*again, source="folder", answers={"same:by hand": answer}, yes=True)
        assert Tally(await desk.live()) == before
        await desk.take(*again, source="folder", yes=True)
        assert Tally(await desk.live()) == before

    asyncio.run(work())


@settings(max_examples=60)
@given(st.lists(st.tuples(rows(), st.booleans()), min_size=1, max_size=3))
def test_undoing_restores_the_book_exactly(files: list[tuple[list[Draft], bool]]) -> None:
    async def work() -> None:
        desk = Counter()
        undoable: list[tuple[int, Any]] = []
        for file, snapshot in files:
            before = content(await desk.all())
            await desk.take(*file, snapshot=snapshot, yes=True)
            newest = (await desk.history.recent())[0]
            undoable += [(newest.id, before)] if newest.can_undo else []
        for import_id, before in reversed(undoable):
            assert (await desk.history.undo(import_id, by="desk")).left == 0
            assert content(await desk.all()) == before

    asyncio.run(work())
