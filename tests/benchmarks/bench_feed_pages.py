"""How long the app's pages take while two hundred phones poll at once, in one process.

Prints figures and asserts nothing of the clock: only that every page and every phone is answered.
Once a second all phones ask in the same moment, half of them with the tag they have, while the
book of one practitioner changes each time, so that bodies are made anew.
As a program (``python -m tests.benchmarks.bench_feed_pages serve HOME``) it is the app.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from datetime import time as clock_time
from pathlib import Path

import httpx
import pytest
import uvicorn

from companion.domain.appointments import Appointment
from companion.web.app import create_app
from companion.web.feed import FeedApp
from companion.web.feed_listener import feed_server
from companion.web.launching import launch_url
from companion.web.options import AppOptions
from tests.fakes.feeds import token_of, visit
from tests.fakes.services import FakeHouse, RunningClock, fake_house, the_sample

pytestmark = pytest.mark.benchmark
PHONES = 200
EVENTS = 500
SECONDS = 12


async def serve(home: Path) -> None:
    """Prints one JSON line: the launch address, the listener's port, the tokens."""
    clock, sample = RunningClock(), the_sample()
    house = fake_house(sample, clock=clock)
    book: dict[str, list[Appointment]] = {}
    midnight = datetime.combine(clock.now().date(), clock_time.min)
    for place, person in enumerate(sample.practitioners):
        book[person.id] = [
            visit(each, midnight, id=f"{place:06x}{each:020x}", practitioner_id=person.id)
            for each in range(EVENTS)
        ]
        await house.write(*book[person.id])
    people = list(book)
    tokens = [
        token_of((await house.services.feeds.add(people[each % len(people)], label="Phone"))[1])
        for each in range(PHONES)
    ]
    clock.start()
    app_socket, feed_socket = (socket.create_server(("127.0.0.1", 0)) for _each in range(2))
    options = AppOptions(port=app_socket.getsockname()[1], home=home, version="1", demo=True)
    app = create_app(house.services, options)
    print(
        json.dumps(
            {
                "launch": launch_url(options.port, options.launches.issue()),
                "phones": feed_socket.getsockname()[1],
                "tokens": tokens,
            }
        ),
        flush=True,
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    await asyncio.gather(
        server.serve(sockets=[app_socket]),
        feed_server(FeedApp(house.services.feeds)).serve(sockets=[feed_socket]),
        edit(house, book),
    )


async def edit(house: FakeHouse, book: dict[str, list[Appointment]]) -> None:
    """One appointment a second, each time another practitioner's."""
    for turn in range(10_000):
        await asyncio.sleep(1)
        theirs = list(book.values())[turn % len(book)]
        await house.write(replace(theirs[turn % EVENTS], location=f"Room {turn}"))


async def phone(port: int, token: str, until: float, times: list[float]) -> None:
    """Ask at each full second, with the tag of the answer before every other time."""
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


async def pages(client: httpx.AsyncClient, paths: list[str], until: float) -> list[float]:
    """Five a second, as a person who clicks fast in two windows."""
    times = []
    while time.monotonic() < until:
        for path in paths:
            began = time.perf_counter()
            answer = await client.get(path)
            times.append(time.perf_counter() - began)
            assert answer.status_code == 200, (path, answer.status_code)
            await asyncio.sleep(0.2)
    return times


def told(name: str, times: list[float]) -> str:
    ordered = sorted(1000 * each for each in times)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return f"{name}: {len(ordered)}, median {statistics.median(ordered):.0f} ms, p95 {p95:.0f} ms"


@pytest.mark.timeout(180)
async def test_pages_while_two_hundred_phones_poll_at_once(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.bench_feed_pages", "serve", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        facts = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        base = facts["launch"].partition("/?")[0]
        async with httpx.AsyncClient(base_url=base, follow_redirects=True, timeout=30) as client:
            assert (await client.get(facts["launch"])).status_code == 200
            paths = ["/", "/phone", "/practice", "/import"]
            await pages(client, paths, time.monotonic() + 1)  # everything imported
            alone = await pages(client, paths, time.monotonic() + SECONDS / 2)
            until, polls = time.monotonic() + SECONDS, list[float]()
            phones = [
                asyncio.create_task(phone(facts["phones"], token, until, polls))
                for token in facts["tokens"]
            ]
            beside = await pages(client, paths, until)
            await asyncio.gather(*phones)
    finally:
        process.terminate()
        await process.wait()
    print(f"\n{told('pages alone', alone)}\n{told('pages beside phones', beside)}")
    print(told(f"polls of {PHONES} phones", polls))
    assert len(polls) >= 2 * PHONES, "every phone is answered, and again"


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(Path(sys.argv[2])))
