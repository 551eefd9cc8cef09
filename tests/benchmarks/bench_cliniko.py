"""What 20,000 appointments from Cliniko cost: the first fetch, the import of it, and afterwards.

The simulated Cliniko runs in this process, without its limit; the fetch and the import in one of
their own (``python -m tests.benchmarks.bench_cliniko URL HOME``), whose memory is looked at. With
the limit of 200 requests a minute the first fetch takes as long as its requests may (printed as
well). Asserted: how many requests it takes, and that memory does not grow with the appointments.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from companion.adapters.clock import SystemClock
from companion.adapters.database import open_database
from companion.adapters.sources.cliniko import BURST, RATE, ClinikoSource
from companion.adapters.tabular.files import WorkbookFiles
from companion.gc_tuning import freeze_gc
from companion.sandbox.cliniko.account import SimulatedClinikoAccount
from companion.sandbox.cliniko.sample import fill
from companion.sandbox.cliniko.service import KEY, ClinikoPolicy, ClinikoService
from companion.sandbox.sockets import ServerThread
from companion.services.sources.remote import FetchAnswer, FetchRequest
from tests.benchmarks.bench_import import PeakMemory
from tests.fakes.importing import importing_into
from tests.fakes.settings import FakeSettings

pytestmark = pytest.mark.benchmark
ROWS = 20_000
FETCH_MEGABYTES = 40
"""That 20,000 may take more than 2,000: pages, and the ids by which a shifted page is noticed."""


def fetch(source: ClinikoSource, folder: Path, cursor: str = "") -> FetchAnswer:
    folder.mkdir()
    return source.fetch(
        FetchRequest(
            fields={"contact": "desk@banksia.example"},
            secret=KEY,
            cursor=cursor,
            folder=folder,
            now=datetime.now(UTC),
            timezone="Australia/Sydney",
        )
    )


async def import_from(url: str, home: Path) -> dict[str, float]:
    source = ClinikoSource(url, rate=1e6, burst=10**6)
    figures: dict[str, float] = {}
    began = time.perf_counter()
    with PeakMemory() as memory:
        answer = fetch(source, home / "first")
    figures["fetch_seconds"] = time.perf_counter() - began
    figures["fetch_megabytes"] = memory.peak
    assert answer.file is not None
    clock, settings = SystemClock(""), FakeSettings()
    database = open_database(home / "book.db", clock)
    importing = importing_into(
        database.book, database.activity, settings, clock, reader=WorkbookFiles()
    )
    began = time.perf_counter()
    with PeakMemory() as memory:
        shown = await importing.preview(answer.file, source="cliniko", snapshot=True)
        report = await importing.apply(shown, yes=True)
    figures["import_seconds"] = time.perf_counter() - began
    figures["import_megabytes"] = memory.peak
    figures["added"] = report.added
    await database.close()
    began = time.perf_counter()
    again = fetch(source, home / "again", answer.cursor)
    figures["quiet_seconds"] = time.perf_counter() - began
    figures["quiet_rows"] = float(again.file is not None)
    return figures


def measured(rows: int, folder: Path) -> dict[str, float]:
    clock = [datetime.now(UTC) - timedelta(hours=1)]
    account = SimulatedClinikoAccount(now=lambda: clock[0])
    fill(account, rows, first=clock[0] + timedelta(days=1))
    clock[0] += timedelta(hours=1)
    service = ClinikoService(account, policy=ClinikoPolicy(per_minute=None))
    server = ServerThread(service, "simulated-cliniko")
    folder.mkdir()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.bench_cliniko", server.base_url, str(folder)],
            check=True,
            capture_output=True,
            timeout=300,
            cwd=Path(__file__).resolve().parents[2],
        )
    finally:
        server.stop(wait=False)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures | {"requests": service.requests}


@pytest.mark.timeout(900)
def test_twenty_thousand_appointments_come_in_bounded_memory(tmp_path: Path) -> None:
    table = {rows: measured(rows, tmp_path / str(rows)) for rows in (ROWS // 10, ROWS)}
    print(f"\nmachine load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
    print("rows    fetch           import          unchanged  requests  at Cliniko's pace")
    for rows, each in table.items():
        paced = max(each["requests"] - BURST, 0) / RATE
        print(
            f"{rows:>6} {each['fetch_seconds']:5.1f} s {each['fetch_megabytes']:4.0f} MB "
            f"{each['import_seconds']:5.1f} s {each['import_megabytes']:4.0f} MB "
            f"{each['quiet_seconds'] * 1000:6.0f} ms {each['requests']:9.0f} {paced:10.0f} s"
        )
    small, large = table[ROWS // 10], table[ROWS]
    assert large["added"] == ROWS
    assert large["quiet_rows"] == 0
    assert large["requests"] == ROWS / 100 + 5 + 1  # names, a question of its age; and once more
    assert large["fetch_megabytes"] - small["fetch_megabytes"] < FETCH_MEGABYTES


def main() -> None:
    freeze_gc()  # as the app and every command do once they have started
    print(json.dumps(asyncio.run(import_from(sys.argv[1], Path(sys.argv[2])))))


if __name__ == "__main__":
    main()
