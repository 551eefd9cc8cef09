"""The settings that several workstations change at once: each change counts as one turn."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from companion.adapters.database.settings import DatabaseSettings
from companion.domain.appointments import Practitioner
from companion.domain.settings import PractitionerSettings, Settings, SourceSettings
from tests.fakes.any_database import database_url, opened_database

Edit = Callable[[Settings], Settings]
KINDS = ("person", "source", "name", "nothing")


def edit_of(kind: str, number: str) -> Edit:
    """Each but "nothing" raises the count by one and notes what it found; in different tables."""

    def edit(found: Settings) -> Settings:
        count = counted(found)
        if kind == "person":
            person = Practitioner(id=number, name=f"found {count}")
            return found.with_practitioner(PractitionerSettings(practitioner=person))
        if kind == "source":
            return found.with_source(SourceSettings(name=f"{number} found {count}"))
        if kind == "name":
            name = f"{found.practice.name}|found {count}"
            return replace(found, practice=replace(found.practice, name=name))
        return found

    return edit


def notes(found: Settings) -> list[int]:
    texts = [each.practitioner.name for each in found.practitioners.values()]
    texts += [*found.sources, *found.practice.name.split("|")]
    return [int(text.rpartition("found ")[2]) for text in texts if "found " in text]


def counted(found: Settings) -> int:
    return len(notes(found))


def work(url: URL, workstation: int, kinds: Sequence[str], at_once: int) -> None:
    """One workstation, with an event loop and a database of its own."""

    async def run() -> None:
        database = opened_database(url)
        try:
            store = await DatabaseSettings.open(database._access, chance=random.Random(workstation))
            edits = [edit_of(kind, f"p{workstation}-{i}") for i, kind in enumerate(kinds)]
            for start in range(0, len(edits), at_once):
                await asyncio.gather(*map(store.change, edits[start : start + at_once]))
        finally:
            await database.close()

    asyncio.run(run())


def all_of_it(url: URL) -> Settings:
    async def read() -> Settings:
        database = opened_database(url)
        try:
            return (await DatabaseSettings.open(database._access)).read()
        finally:
            await database.close()

    return asyncio.run(read())


@pytest.mark.parametrize(
    "kind", ["database", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
@settings(max_examples=12)
@given(
    workstations=st.lists(
        st.tuples(st.lists(st.sampled_from(KINDS), max_size=8), st.integers(1, 4)),
        min_size=2,
        max_size=3,
    )
)
def test_changes_by_several_workstations_are_as_if_made_one_after_the_other(
    kind: str,
    workstations: list[tuple[list[str], int]],
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        database_url(kind, Path(folder)) as url,
        ThreadPoolExecutor(3) as threads,
    ):
        jobs = [
            threads.submit(partial(work, url, number, kinds, at_once))
            for number, (kinds, at_once) in enumerate(workstations)
        ]
        for job in jobs:
            job.result()
        wanted = sum(kind != "nothing" for kinds, _ in workstations for kind in kinds)
        assert sorted(notes(all_of_it(url))) == list(range(wanted))
