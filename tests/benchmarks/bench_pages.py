"""How long the app's pages take while its process is busy: 200 phones polling at once, then 200
calendars syncing at once.

The real application with 200 practitioners, beside the simulated Google; server, phones, Google and
the person who clicks are processes of their own. Every page and every phone must be answered.
Prints the figures, and what of them is the machine's own: the same pages while nothing else
happens.

As a program: ``serve HOME GOOGLE`` is the app, ``phones PORT SECONDS`` the phones (tokens on its
standard input).
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import sys
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from companion.web.feed import FeedApp
from companion.web.feed_listener import feed_server
from tests.battery.real import RealHome, appointments, book, opened, populate
from tests.benchmarks.bench_sync import simulator
from tests.benchmarks.pages_served import app_server, started, visitor
from tests.fakes.feeds import token_of

pytestmark = pytest.mark.benchmark
PRACTITIONERS, EVENTS, PHONES = 200, 100, 200
SECONDS = 12
MODULE = "bench_pages"


async def serve(home: Path, google: str) -> None:
    """As `serving` does. Prints one JSON line: the launch address, the listener's port, the
    tokens. A line on the standard input brings every practitioner appointments to sync."""
    async with opened(home, google) as application:
        people = list(application.services.settings.read().names())
        tokens = [
            token_of((await application.services.feeds.add(who, label="Phone"))[1])
            for who in people
        ]
        feed_socket = socket.create_server(("127.0.0.1", 0))
        launch, pages = app_server(application.services, home)
        facts = {"launch": launch, "phones": feed_socket.getsockname()[1], "tokens": tokens}
        print(json.dumps(facts), flush=True)
        await asyncio.gather(
            pages,
            feed_server(FeedApp(application.services.feeds)).serve(sockets=[feed_socket]),
            application.services.worker.run(),
            bring_work(application, people),
        )


async def bring_work(application: RealHome, people: list[str]) -> None:
    await asyncio.to_thread(sys.stdin.readline)
    for who in people:
        more = appointments(who, EVENTS)
        await book(
            application, [each for each in more if int(each.id.rpartition("-")[2]) >= EVENTS // 2]
        )


async def phones(port: int, seconds: float) -> None:
    """All ask at each full second, every other time with the tag of the answer before."""
    tokens = sys.stdin.read().split()
    until, times = time.monotonic() + seconds, list[float]()
    await asyncio.gather(*(phone(port, token, until, times) for token in tokens))
    print(json.dumps(times))


async def phone(port: int, token: str, until: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tag = b""
    turn = 0
    with suppress(ConnectionError):
        while time.monotonic() < until:
            await asyncio.sleep(1 - time.time() % 1)
            began = time.perf_counter()
            named = b"If-None-Match: %b\r\n" % tag if tag and turn % 2 else b""
            writer.write(
                b"GET /feeds/%b.ics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n%b\r\n"
                % (token.encode(), named)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
            await reader.readexactly(int(lines.get(b"content-length", b"0")))
            times.append(time.perf_counter() - began)
            assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 304")), head
            tag, turn = lines[b"etag"], turn + 1
    writer.close()


async def look_around(
    client: httpx.AsyncClient, paths: list[str], seconds: float
) -> dict[str, list[float]]:
    """As a person who clicks fast: five pages a second."""
    times: dict[str, list[float]] = defaultdict(list)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for path in paths:
            began = time.perf_counter()
            answer = await client.get(path)
            times[path].append(time.perf_counter() - began)
            assert answer.status_code == 200, (path, answer.status_code)
            await asyncio.sleep(0.2)
    return times


def told(name: str, times: dict[str, list[float]]) -> str:
    every = sorted(1000 * each for some in times.values() for each in some)
    p95 = every[int(0.95 * (len(every) - 1))]
    pages = ", ".join(
        f"{path} {1000 * statistics.median(some):.0f}" for path, some in times.items()
    )
    return f"{name}: {len(every)}, median {statistics.median(every):.0f} ms, p95 {p95:.0f} ms" + (
        f" (medians: {pages})" if len(times) > 1 else ""
    )


@pytest.mark.timeout(400)
async def test_pages_while_phones_poll_and_calendars_sync(tmp_path: Path) -> None:
    people = [f"p{number:03}" for number in range(PRACTITIONERS)]
    with simulator(latency_ms=80) as google:
        async with opened(tmp_path / "home", google.base_url) as application:
            await populate(application, google, people)
            for who in people:
                await book(application, list(appointments(who, EVENTS // 2)))
        process = await started(MODULE, "serve", str(tmp_path / "home"), google.base_url)
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            figures = await measure(json.loads(line), process.stdin, google)
        finally:
            process.terminate()
            await process.wait()
    load = ", ".join(f"{each:.1f}" for each in psutil.getloadavg())
    print("", *figures, f"load {load}", sep="\n")


async def crowd(facts: Any, seconds: float) -> list[float]:
    """Seconds of each poll."""
    process = await started(MODULE, "phones", str(facts["phones"]), str(seconds))
    said, _ = await process.communicate("\n".join(facts["tokens"]).encode())
    return list(json.loads(said))


async def quiet(google: Any) -> None:
    """Until nothing was asked of Google for three seconds: what was written has been proven."""
    calls, since = -1, time.monotonic()
    while time.monotonic() - since < 3:
        if google.counts()["calls"] != calls:
            calls, since = google.counts()["calls"], time.monotonic()
        await asyncio.sleep(0.2)


async def measure(facts: Any, work: asyncio.StreamWriter, google: Any) -> list[str]:
    paths = ["/practice", "/import", "/phone/p007", "/practitioner/p007", "/book", "/doctor"]
    async with visitor(facts["launch"]) as client:
        while google.written() < PRACTITIONERS * EVENTS // 2:  # noqa: ASYNC110 - another process
            await asyncio.sleep(1)
        await quiet(google)
        await look_around(client, paths, 1)  # everything imported
        figures = [told("pages alone", await look_around(client, paths, SECONDS / 2))]
        await crowd(facts, 5)  # what is noted and kept at a first fetch is behind them
        asked = asyncio.create_task(crowd(facts, SECONDS))
        beside = await look_around(client, paths, SECONDS)
        polls = await asked
        assert len(polls) >= 2 * PHONES, "every phone is answered, and again"
        figures.append(told(f"pages while {PHONES} phones poll", beside))
        figures.append(told("polls", {"": polls}))
        before = google.written()
        work.write(b"more\n")
        while google.written() == before:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
        syncing = await look_around(client, paths, SECONDS)
        assert google.written() > before + SECONDS * 50, "they sync"
        figures.append(told(f"pages while {PRACTITIONERS} calendars sync", syncing))
    return figures


def main() -> None:
    import uvloop

    command, *rest = sys.argv[1:]
    if command == "serve":
        uvloop.run(serve(Path(rest[0]), rest[1]))
    else:
        uvloop.run(phones(int(rest[0]), float(rest[1])))


if __name__ == "__main__":
    main()
