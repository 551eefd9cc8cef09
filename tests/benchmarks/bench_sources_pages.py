"""How long the app's pages take while 20 sources of 1,000 appointments each are fetched at once.

The app, its real database among it, is a process of its own (``serve HOME LINK``), which begins to
fetch when told; the server of the calendars and the person who clicks are this one. Prints the
figures, beside them the same pages while nothing else happens; asserts that everything came.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import psutil
import pytest

from companion.services.sources.fetched_sources import TypedPlace
from tests.battery.real import RealHome, opened
from tests.benchmarks.bench_pages import look_around, told
from tests.benchmarks.pages_served import app_server, started, visitor
from tests.fakes.calendar_server import CalendarServer

pytestmark = pytest.mark.benchmark
SOURCES, ENTRIES, SECONDS = 20, 1_000, 6
PATHS = ["/practice", "/import", "/sources", "/book", "/doctor"]


def calendar() -> bytes:
    entries = "".join(
        f"BEGIN:VEVENT\r\nUID:e{n}\r\nDTSTART;TZID=Australia/Sydney:202612{1 + n % 30:02}"
        f"T{n // 30 % 24:02}{n // 720 % 60:02}00\r\nDURATION:PT45M\r\nSUMMARY:Entry {n}\r\n"
        "END:VEVENT\r\n"
        for n in range(ENTRIES)
    )
    return f"BEGIN:VCALENDAR\r\n{entries}END:VCALENDAR\r\n".encode()


async def serve(home: Path, link: str) -> None:
    """Prints the launch address; after a line on the standard input it fetches, and prints when
    all of it is in the book."""
    async with opened(home, "http://127.0.0.1:9") as application:
        services = application.services
        for number in range(SOURCES):
            await services.practitioners.add(f"Person {number}")
            await services.fetched_sources.add(
                f"source {number}",
                TypedPlace(kind="link", secret=f"{link}?{number}"),
                answers={"practitioner:*": f"person-{number}"},
            )
        launch, pages = app_server(services, home)
        print(launch, flush=True)
        await asyncio.gather(pages, fetch(application))


async def fetch(application: RealHome) -> None:
    await asyncio.to_thread(sys.stdin.readline)
    watching = asyncio.create_task(application.services.watching.run())
    while len(await application.ports.stores.book.imports(50)) < SOURCES:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    count = await application.ports.stores.book.count()
    print(json.dumps({"appointments": count}), flush=True)
    await watching


@pytest.mark.timeout(300)
async def test_pages_while_twenty_sources_are_fetched_at_once(tmp_path: Path) -> None:
    server = CalendarServer(calendar(), "private.ics")
    process = await started("bench_sources_pages", "serve", str(tmp_path / "home"), server.link)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        launch = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        async with visitor(launch) as client:
            await look_around(client, PATHS, 1)  # everything imported
            alone = await look_around(client, PATHS, SECONDS)
            process.stdin.write(b"go\n")
            finished = asyncio.create_task(process.stdout.readline())
            beside: dict[str, list[float]] = {}
            while not finished.done():
                for path, some in (await look_around(client, PATHS, 0.5)).items():
                    beside.setdefault(path, []).extend(some)
    finally:
        process.terminate()
        await process.wait()
        server.close()
    print("", told("pages alone", alone), told(f"while {SOURCES} sources are fetched", beside),
          f"load {psutil.getloadavg()[0]:.1f}", sep="\n")  # fmt: skip
    assert json.loads(finished.result())["appointments"] == SOURCES * ENTRIES


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(Path(sys.argv[2]), sys.argv[3]))
