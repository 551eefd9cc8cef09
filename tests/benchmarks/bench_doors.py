"""How long signing in takes while one person does seven expensive things at once.

In a real home with real files, hashes and seals; the time is printed, and compared with signing in
when nothing else goes on. Budget on two cores without other work: a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest

from companion.services.accounts.accounts import SignInRefused
from companion.services.imports.importing import ImportPreview
from tests.battery.real import RealHome, opened
from tests.samples.exports import csv_bytes, large_export

pytestmark = pytest.mark.benchmark
ROWS, AT_ONCE, TRIES = 50_000, 7, 8
PASSWORD = "tram violet anchor"
PASSPHRASE = "quince lattice ember walrus"
BUDGET_SECONDS = 1.0
Job = Callable[[int], Awaitable[object]]


async def times_of(home: RealHome) -> list[float]:
    """Seconds of each of some sign-ins, one after another."""
    found = []
    for _ in range(TRIES):
        began = time.perf_counter()
        await home.services.accounts.sign_in("Robin", PASSWORD, machine="front")
        found.append(time.perf_counter() - began)
        await asyncio.sleep(0.2)
    return sorted(found)


async def beside(home: RealHome, job: Job) -> list[float]:
    """The same while that job goes on seven times, again and again."""

    async def again(number: int) -> None:
        while True:
            await job(number)

    going = [asyncio.create_task(again(number)) for number in range(AT_ONCE)]
    await asyncio.sleep(1)
    found = await times_of(home)
    assert not [each.exception() for each in going if each.done()]
    for each in going:
        each.cancel()
    await asyncio.wait(going)
    return found


async def measured(folder: Path) -> dict[str, list[float]]:
    path = folder / "export.csv"
    path.write_bytes(csv_bytes(large_export(ROWS)))
    async with opened(folder / "home", "http://127.0.0.1:9") as home:
        services = home.services
        await services.accounts.add_first("Robin", PASSWORD)
        shown: ImportPreview = await services.importing.preview(path)
        await services.importing.apply(shown, yes=True)
        (person, *_) = home.ports.settings.read().practitioners

        async def wrong(number: int) -> None:
            try:
                await services.accounts.sign_in(f"Guess {number}", "a guess", machine="back")
            except SignInRefused:
                await asyncio.sleep(0.01)

        jobs: dict[str, Job] = {
            "reading a file": lambda _: services.importing.preview(path),
            "comparing it": lambda _: services.importing.reconsider(
                shown, answers={"x": str(time.perf_counter())}
            ),
            "backing up": lambda _: services.backups.back_up(None, PASSPHRASE),
            "exporting": lambda _: services.feeds.export(
                person, first_day=date(2026, 1, 1), last_day=date(2026, 12, 31)
            ),
            "guessing a password": wrong,
        }
        figures = {"nothing": await times_of(home)}
        for name, job in jobs.items():
            figures[name] = await beside(home, job)
    return figures


def test_signing_in_beside_seven_of_one_person(tmp_path: Path) -> None:
    figures = asyncio.run(measured(tmp_path))
    print()
    for name, times in figures.items():
        print(f"beside {name}: median {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s")
    print(f"budget {BUDGET_SECONDS} s")
    assert len(figures) == 6
