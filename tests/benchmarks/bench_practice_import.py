"""What an import of 50,000 rows costs a practice on PostgreSQL, beside the file of one home.

Both take the same files in turns, three times: an export, and the same with other notes in every
row; the least time of each counts, which a busy machine stretches least. The server runs on this
machine, so its work is in the figures. On PostgreSQL it may take at most one and a half times as
long.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from companion.adapters.clock import SystemClock
from companion.adapters.database import Database, open_database
from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.tabular.files import WorkbookFiles
from tests.benchmarks.measuring import machine_load
from tests.fakes.importing import importing_over
from tests.fakes.practice_database import PracticeServer
from tests.fakes.settings import FakeSettings
from tests.samples.exports import as_text, csv_bytes, large_export

pytestmark = [pytest.mark.benchmark, pytest.mark.postgresql]
ROWS, ROUNDS = 50_000, 3
MOST = 1.5


@asynccontextmanager
async def opened(kind: str, folder: Path, server: PracticeServer) -> AsyncIterator[Database]:
    clock = SystemClock("")
    with ExitStack() as stack:
        if kind == "SQLite":
            database = open_database(folder / "book.db", clock)
        else:
            database = open_practice_database(stack.enter_context(server.new_database()), clock)
        try:
            yield database
        finally:
            await database.close()


async def seconds_of(database: Database, files: list[Path]) -> list[tuple[float, float]]:
    """Of each file: to look at it, and to import it."""
    clock, settings = SystemClock(""), FakeSettings()
    importing = importing_over(
        book=database.book,
        settings=settings,
        activity=database.activity,
        clock=clock,
        reader=WorkbookFiles(),
    )
    found = []
    for number, file in enumerate(files):
        began = time.perf_counter()
        shown = await importing.preview(file, snapshot=bool(number))
        read = time.perf_counter()
        report = await importing.apply(shown)
        found.append((read - began, time.perf_counter() - read))
        assert (report.changed if number else report.added) == ROWS
        del shown, report
    return found


@pytest.mark.timeout(900)
async def test_an_import_takes_a_practice_hardly_longer_than_a_home(
    tmp_path: Path, practice_server: PracticeServer
) -> None:
    content = csv_bytes(map(as_text, large_export(ROWS)))
    files = [tmp_path / "first.csv", tmp_path / "changed.csv"]
    files[0].write_bytes(content)
    files[1].write_bytes(content.replace(b"the shoes", b"the socks"))
    least: dict[str, list[tuple[float, float]]] = {}
    for number in range(ROUNDS):
        for kind in ("SQLite", "PostgreSQL"):
            folder = tmp_path / f"{kind}-{number}"
            folder.mkdir()
            async with opened(kind, folder, practice_server) as database:
                found = await seconds_of(database, files)
            before = least.get(kind, found)
            least[kind] = [
                (min(a[0], b[0]), min(a[1], b[1])) for a, b in zip(before, found, strict=True)
            ]
    print(f"\n{machine_load()}")
    for kind, each in least.items():
        (read, put), (read_again, put_again) = each
        print(
            f"{kind:<11} look {read:5.1f} s, import {put:5.1f} s; "
            f"all changed: look {read_again:5.1f} s, import {put_again:5.1f} s"
        )
    for number, name in enumerate(("first", "changed")):
        home, practice = (sum(least[kind][number]) for kind in ("SQLite", "PostgreSQL"))
        print(f"{name}: {practice / home:.2f} times")
        assert practice < MOST * home, name
