"""A process that writes is killed, again and again: what it had acknowledged is all there."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from companion.adapters.database import open_database
from companion.services.ports import CalendarRef
from tests.fakes import warm
from tests.fakes.clock import FakeClock

APPOINTMENTS = 40
"""In one change of the book, all or none."""

WRITER = f"""
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from companion.adapters.database import open_database
from companion.domain.appointments import Appointment, AppointmentKind
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.services.ports import BookChange, CalendarRef
from tests.fakes.clock import FakeClock

now = datetime(2026, 3, 2, tzinfo=UTC)
wall = datetime(2026, 3, 2)

def entry(key):
    return LedgerEntry(key=key, event_id=key, generation=0, state=LedgerEntryState.PENDING,
                       fingerprint="f", style="", begins=now, ends=now)

def appointment(name):
    return Appointment(id=name, practitioner_id="mira", kind=AppointmentKind.CASUAL, start=wall,
                       end=wall + timedelta(hours=1), timezone="Australia/Sydney")

async def main(path, run):
    database = open_database(path, FakeClock())
    calendar = CalendarRef(practitioner_id="mira", calendar_id="c")
    for number in range(1_000_000):
        name = f"{{run}}-{{number}}"
        await database.ledger.write(calendar, [entry(name), entry(name + "-twin")])
        print("row", name, flush=True)
        if number % 10 == 0:
            put = [appointment(f"{{name}}-{{each}}") for each in range({APPOINTMENTS})]
            await database.book.apply(BookChange(put=put), now)
            print("book", name, flush=True)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


def acknowledged_before_a_kill(path: Path, run: int, chance: random.Random) -> list[str]:
    """Every fifth process is killed while it starts, the others while they write."""
    process = warm.start("-c", WRITER, path, str(run))
    assert process.stdout is not None
    if run % 5 == 4:
        first = ""
        time.sleep(chance.uniform(0, 0.1))
    else:
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.25))
    process.kill()
    rest, _ = process.communicate(timeout=30)
    lines = (first + rest).split("\n")
    return lines[:-1]  # what follows the last line end was cut off by the kill


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
async def test_nothing_acknowledged_is_lost_whenever_the_process_is_killed(
    tmp_path: Path, kills: int
) -> None:
    path = tmp_path / "book.db"
    chance = random.Random(kills)
    acknowledged: list[str] = []
    for run in range(kills):
        acknowledged += acknowledged_before_a_kill(path, run, chance)
        database = open_database(path, FakeClock())
        calendar = CalendarRef(practitioner_id="mira", calendar_id="c")
        rows = {entry.key for entry in await database.ledger.entries(calendar)}
        count = await database.book.count("mira")
        assert await database.integrity() == "ok"
        await database.close()
        wanted = {line.removeprefix("row ") for line in acknowledged if line.startswith("row ")}
        assert wanted <= rows
        assert {f"{key}-twin" for key in rows if not key.endswith("-twin")} <= rows
        changes = sum(line.startswith("book ") for line in acknowledged)
        assert count % APPOINTMENTS == 0
        assert changes <= count // APPOINTMENTS <= changes + run + 1
    assert len(acknowledged) > kills
