"""What fetching 20,000 appointments costs from each kind of source, into the real database.

Each kind in a process of its own (``python -m tests.benchmarks.bench_sources KIND COUNT FOLDER``),
with its simulated server in it: the first fetch, then one of what has not changed.
Printed: seconds, processor time, what the process and its readers held more than before, and the
longest pause of the event loop, which pages would have felt. Asserted: that nothing is lost, that
memory stays bounded, and that what has not changed costs the requests that its kind promises, and
no plan.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from companion.adapters.clock import SystemClock
from companion.adapters.database import open_database
from companion.adapters.tabular.files import WorkbookFiles
from companion.gc_tuning import freeze_gc
from companion.services.settings.practitioners import Practitioners
from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.remote import by_name
from companion.services.sources.watchers import Watchers
from companion.services.sources.watching import sources_of
from tests.benchmarks.measuring import PeakMemory, figures_of, machine_load
from tests.contract.remote.every import REMOTE
from tests.contract.remote.harness import NAME, Booked, Setting
from tests.fakes.importing import importing_over
from tests.fakes.locks import FreeLocks
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.sources import MemoryNotes

pytestmark = pytest.mark.benchmark
COUNT, MEGABYTES = 20_000, 300
NOW = "2026-11-24T09:00+11:00"


def many(count: int) -> list[Booked]:
    return [
        Booked(key=f"a{n}", day=1 + n % 30, hour=n // 30 % 24, client=f"Sam Example{n}")
        for n in range(count)
    ]


async def fetch_twice(kind: str, count: int, folder: Path) -> dict[str, Any]:
    clock, settings = SystemClock(NOW), FakeSettings()
    ago = timedelta(days=3)  # when the appointments were entered
    start, began_at = clock.now(), time.monotonic()

    def now() -> datetime:
        """Of the server, whose limits count by the minute."""
        return start + timedelta(seconds=time.monotonic() - began_at) - ago

    source = REMOTE[kind](Setting(now=now, folder=folder, large=True))
    database = open_database(folder / "book.db", clock)
    reader = WorkbookFiles(now=clock.now)
    importing = importing_over(
        book=database.book,
        settings=settings,
        activity=database.activity,
        clock=clock,
        reader=reader,
    )
    _sources, fetched, _watching = sources_of(
        settings=settings,
        notes=MemoryNotes(),
        remotes=by_name(source.source),
        secrets=FakeSecrets(),
        importing=importing,
        reader=reader,
        book=database.book,
        activity=database.activity,
        clock=clock,
        spool=folder / "watched",
        locks=FreeLocks(),
        watchers=Watchers(),
    )
    people = Practitioners(settings=settings, book=database.book, clock=clock)
    await people.add("Jo Smith")
    source.put(many(count))
    ago = timedelta(0)
    await fetched.add(NAME, TypedPlace(kind=kind, secret=source.secret, fields=source.fields))
    figures: dict[str, Any] = {}
    for name in ("first", "again"):
        requests, before = source.requests, psutil.Process().memory_info().rss / 1e6
        pauses = asyncio.create_task(longest_pause())
        began, cpu = time.perf_counter(), time.process_time()
        with PeakMemory() as memory:
            outcome = await fetched.sync(NAME, yes=name == "first")
        figures[f"{name}_seconds"] = time.perf_counter() - began
        figures[f"{name}_cpu"] = time.process_time() - cpu
        figures[f"{name}_megabytes"] = memory.peak - before
        figures[f"{name}_requests"] = source.requests - requests
        pauses.cancel()
        with suppress(asyncio.CancelledError):
            await pauses
        figures[f"{name}_pause"] = PAUSES.pop()
        figures[f"{name}_error"] = str(outcome.error or "")
        figures[f"{name}_planned"] = outcome.report is not None
    figures["appointments"] = len(await database.book.source_rows(NAME))
    figures["imports"] = len(await database.book.imports(10))
    figures["quiet"] = source.quiet_requests
    source.close()
    await database.close()
    return figures


PAUSES: list[float] = []


async def longest_pause() -> None:
    worst = 0.0
    try:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - began - 0.005)
    finally:
        PAUSES.append(worst)


def measured(kind: str, count: int, folder: Path) -> dict[str, Any]:
    home = folder / f"{kind}-{count}"
    home.mkdir()
    return figures_of("bench_sources", kind, count, home)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", REMOTE)
def test_twenty_thousand_appointments_come_in_bounded_memory(kind: str, tmp_path: Path) -> None:
    small, large = (measured(kind, count, tmp_path) for count in (COUNT // 10, COUNT))
    print(f"\n{kind}: {machine_load()}")
    for count, each in ((COUNT // 10, small), (COUNT, large)):
        for name in ("first", "again"):
            print(
                f"{count:>6} {name}: {each[f'{name}_seconds']:6.1f} s, "
                f"{each[f'{name}_cpu']:5.1f} s of processor, "
                f"{each[f'{name}_megabytes']:4.0f} MB more, "
                f"{each[f'{name}_requests']} requests, longest pause of the loop "
                f"{1000 * each[f'{name}_pause']:.0f} ms"
            )
        assert (each["first_error"], each["again_error"]) == ("", "")
        assert each["appointments"] == count
        assert (each["again_requests"], each["again_planned"]) == (each["quiet"], False)
        assert each["imports"] == 1
    assert large["first_megabytes"] < MEGABYTES


def main() -> None:
    freeze_gc()  # as the app does once it has started
    kind, count, folder = sys.argv[1:]
    print(json.dumps(asyncio.run(fetch_twice(kind, int(count), Path(folder)))))


if __name__ == "__main__":
    main()
