"""What 20,000 appointments from Cliniko cost: the first fetch, the import of it, and afterwards.

The simulated Cliniko runs in this process, without its limit; the fetch and the import in one of
their own (``python -m tests.benchmarks.bench_cliniko URL HOME``), whose memory is looked at. With
the limit of 200 requests a minute the first fetch takes as long as its requests may (printed as
well). Asserted: how many requests it takes, and that memory does not grow with the appointments.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.adapters.sources.cliniko import BURST, RATE, ClinikoSource
from companion.gc_tuning import freeze_gc
from companion.sandbox.cliniko.account import SimulatedClinikoAccount
from companion.sandbox.cliniko.sample import fill
from companion.sandbox.cliniko.service import KEY, ClinikoPolicy, ClinikoService
from companion.sandbox.sockets import ServerThread
from tests.benchmarks.bench_fetched import (
    FETCH_MEGABYTES,
    HEADINGS,
    ROWS,
    import_from,
    line_of,
)
from tests.benchmarks.measuring import figures_of, machine_load

pytestmark = pytest.mark.benchmark
ASKED = {"fields": {"contact": "desk@banksia.example"}, "secret": KEY}


def measured(rows: int, folder: Path) -> dict[str, float]:
    clock = [datetime.now(UTC) - timedelta(hours=1)]
    account = SimulatedClinikoAccount(now=lambda: clock[0])
    fill(account, rows, first=clock[0] + timedelta(days=1))
    clock[0] += timedelta(hours=1)
    service = ClinikoService(account, policy=ClinikoPolicy(per_minute=None))
    server = ServerThread(service, "simulated-cliniko")
    folder.mkdir()
    try:
        figures = figures_of("bench_cliniko", server.base_url, folder)
    finally:
        server.stop(wait=False)
    return figures | {"requests": service.requests}


@pytest.mark.timeout(900)
def test_twenty_thousand_appointments_come_in_bounded_memory(tmp_path: Path) -> None:
    table = {rows: measured(rows, tmp_path / str(rows)) for rows in (ROWS // 10, ROWS)}
    print(f"\n{machine_load()}")
    print(f"{HEADINGS}  requests  at Cliniko's pace")
    for rows, each in table.items():
        paced = max(each["requests"] - BURST, 0) / RATE
        print(f"{line_of(rows, each)} {each['requests']:9.0f} {paced:10.0f} s")
    small, large = table[ROWS // 10], table[ROWS]
    assert large["added"] == ROWS
    assert not large["quiet_file"]
    assert large["requests"] == ROWS / 100 + 5 + 1  # names, a question of its age; and once more
    assert large["fetch_megabytes"] - small["fetch_megabytes"] < FETCH_MEGABYTES


def main() -> None:
    freeze_gc()  # as the app and every command do once they have started
    source = ClinikoSource(sys.argv[1], rate=1e6, burst=10**6)
    print(json.dumps(asyncio.run(import_from(source, ASKED, Path(sys.argv[2])))))


if __name__ == "__main__":
    main()
