"""What 20,000 appointments cost from a FHIR server and from databases: fetch, import, afterwards.

The simulated FHIR server runs in this process, once with `_include` and once without, where names
are asked for by their ids; PostgreSQL and MariaDB are real servers. Fetch and import run in a
process of their own (``python -m tests.benchmarks.bench_fetched KIND FOLDER``, fields and secret as
JSON on standard input), whose memory is looked at. Asserted: that a fetch's memory does not grow
with the appointments, and that nothing comes where nothing has changed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from companion.adapters.sources.database.source import DatabaseSource
from companion.adapters.sources.fhir.source import FhirSource
from companion.gc_tuning import freeze_gc
from companion.sandbox.fhir.queries import CONTROLS, KNOWN
from companion.sandbox.fhir.service import BASE, FhirPolicy, FhirService
from companion.sandbox.fhir.store import FhirStore, fill
from companion.sandbox.sockets import ServerThread
from companion.services.sources.remote import FetchAnswer, FetchRequest, RemoteSource, by_name
from tests.benchmarks.measuring import PeakMemory, figures_of, machine_load
from tests.fakes.database_servers import Server, mariadb, postgresql, shown
from tests.fakes.importing import importing_into

pytestmark = pytest.mark.benchmark
ROWS = 20_000
FETCH_MEGABYTES = 40
"""That 20,000 may take more than 2,000: pages, and the ids by which a shifted page is noticed."""
QUERY = """SELECT id AS "Appointment ID", starts AS "Start", ends AS "End", staff AS "Practitioner",
    client AS "Client" FROM appts WHERE updated >= :since"""
Asked = dict[str, Any]


def fetch(source: RemoteSource, asked: Asked, folder: Path, cursor: str = "") -> FetchAnswer:
    folder.mkdir()
    return source.fetch(
        FetchRequest(
            **asked,
            cursor=cursor,
            folder=folder,
            now=datetime.now(UTC),
            timezone="Australia/Sydney",
        )
    )


async def import_from(source: RemoteSource, asked: Asked, home: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    began = time.perf_counter()
    with PeakMemory() as memory:
        answer = fetch(source, asked, home / "first")
    figures["fetch_seconds"] = time.perf_counter() - began
    figures["fetch_megabytes"] = memory.peak
    assert answer.file is not None
    database, importing = importing_into(home)
    began = time.perf_counter()
    with PeakMemory() as memory:
        seen = await importing.preview(answer.file, source="clinic", snapshot=True)
        report = await importing.apply(seen, yes=True)
    figures["import_seconds"] = time.perf_counter() - began
    figures["import_megabytes"] = memory.peak
    figures["added"] = report.added
    await database.close()
    began = time.perf_counter()
    again = fetch(source, asked, home / "again", answer.cursor)
    figures["quiet_seconds"] = time.perf_counter() - began
    figures["quiet_file"] = float(again.file is not None)
    return figures


HEADINGS = "rows    fetch           import          unchanged"


def line_of(rows: int, figures: Mapping[str, float]) -> str:
    return (
        f"{rows:>6} {figures['fetch_seconds']:5.1f} s {figures['fetch_megabytes']:4.0f} MB "
        f"{figures['import_seconds']:5.1f} s {figures['import_megabytes']:4.0f} MB "
        f"{figures['quiet_seconds'] * 1000:6.0f} ms"
    )


def measured(kind: str, asked: Asked, folder: Path) -> dict[str, float]:
    folder.mkdir(parents=True)
    return figures_of("bench_fetched", kind, folder, given=asked)


@contextmanager
def fhir(rows: int, *, includes: bool) -> Iterator[tuple[str, Asked]]:
    clock = [datetime.now(UTC) - timedelta(hours=1)]
    store = FhirStore(lambda: clock[0])
    fill(store, rows, first=clock[0] + timedelta(days=1))
    clock[0] += timedelta(hours=1)
    supported = frozenset().union(*KNOWN.values()) | CONTROLS
    policy = FhirPolicy(supported=supported if includes else supported - {"_include"})
    server = ServerThread(FhirService(store, policy=policy), "simulated-fhir")
    try:
        yield "fhir", {"fields": {"address": server.base_url + BASE}, "secret": ""}
    finally:
        server.stop(wait=False)


@contextmanager
def database(
    rows: int, start: Callable[[], AbstractContextManager[Server]], driver: str
) -> Iterator[tuple[str, Asked]]:
    with start() as server:
        _fill(server.owner.set(drivername=driver), rows)
        query = QUERY.replace('"', "`") if "mysql" in driver else QUERY
        yield "database", {"fields": {"query": query}, "secret": shown(server.reader)}


def _fill(owner: URL, rows: int) -> None:
    long_ago, first = datetime(2020, 1, 1), datetime(2026, 12, 7)  # noqa: DTZ001 - wall times
    with create_engine(owner, poolclass=NullPool).begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE appts (id INT PRIMARY KEY, starts TIMESTAMP NULL,"
                " ends TIMESTAMP NULL, staff VARCHAR(80), client VARCHAR(80),"
                " updated TIMESTAMP NULL)"
            )
        )
        connection.execute(
            text("INSERT INTO appts VALUES (:id, :starts, :ends, :staff, :client, :updated)"),
            [
                {
                    "id": number,
                    "starts": first + timedelta(days=number // 80, minutes=30 * (number // 5 % 16)),
                    "ends": first
                    + timedelta(days=number // 80, minutes=30 * (number // 5 % 16) + 30),
                    "staff": f"Dr Jo Example{number % 5}",
                    "client": f"Kim Sample{number % max(rows // 4, 1)}",
                    "updated": long_ago,
                }
                for number in range(rows)
            ],
        )


PLACES: dict[str, Callable[[int], AbstractContextManager[tuple[str, Asked]]]] = {
    "FHIR": lambda rows: fhir(rows, includes=True),
    "FHIR, bare": lambda rows: fhir(rows, includes=False),
    "PostgreSQL": lambda rows: database(rows, postgresql, "postgresql+psycopg"),
    "MariaDB": lambda rows: database(rows, mariadb, "mysql+pymysql"),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", PLACES)
def test_twenty_thousand_appointments_come_in_bounded_memory(place: str, tmp_path: Path) -> None:
    table = {}
    for rows in (ROWS // 10, ROWS):
        with PLACES[place](rows) as (kind, asked):
            table[rows] = measured(kind, asked, tmp_path / str(rows))
    print(f"\n{place}, {machine_load()}")
    print(HEADINGS)
    for rows, each in table.items():
        print(line_of(rows, each))
    small, large = table[ROWS // 10], table[ROWS]
    assert large["added"] == ROWS
    assert not large["quiet_file"]
    assert large["fetch_megabytes"] - small["fetch_megabytes"] < FETCH_MEGABYTES


def main() -> None:
    freeze_gc()  # as the app and every command do once they have started
    source = by_name(FhirSource(), DatabaseSource())[sys.argv[1]]
    print(json.dumps(asyncio.run(import_from(source, json.load(sys.stdin), Path(sys.argv[2])))))


if __name__ == "__main__":
    main()
