"""What a feed costs, against nginx with the same bytes and against the book's size.

Prints figures and asserts ratios between things measured in the same run. nginx and wrk come from
the system (Debian: sudo apt install nginx wrk); without them their comparison is left out.
As a program (``python -m tests.benchmarks.bench_feed serve PORT FOLDER``) it is the listener.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from companion.adapters.clock import SystemClock
from companion.adapters.database import open_database
from companion.adapters.feed_files import FeedFiles
from companion.adapters.icalendar import IcalendarWriter
from companion.domain.events import project
from companion.domain.window import SyncWindow
from companion.services.changes import Changes
from companion.services.feeds.feeds import Feeds
from companion.services.feeds.views import PRESETS
from companion.services.ports import AppointmentBook, BookChange, FeedDetail
from companion.web.feed import FeedApp
from companion.web.feed_listener import feed_server
from tests.fakes.feeds import (
    INSTALL,
    NOON,
    SYDNEY,
    TODAY,
    FeedApplication,
    asking,
    practice,
    token_of,
    visit,
)
from tests.fakes.free_ports import free_port
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity

pytestmark = pytest.mark.benchmark
EVENTS = 2_000


class StandingClock(SystemClock):
    """The tests' Monday, with real intervals."""

    def __init__(self) -> None:
        super().__init__(NOON.isoformat())


# ── against nginx ────────────────────────────────────────────────────────────────────────────


async def serve(port: int, folder: Path) -> None:
    """The listener on a feed of EVENTS events, until it is killed."""
    async with on_disk(folder) as (feeds, book):
        await book.apply(BookChange(put=[visit(each) for each in range(EVENTS)]), NOON)
        _link, url = await feeds.add("avery", label="Phone", days_in_advance=100)
        answer = await feeds.fetch(token_of(url), asking(token_of(url)))
        tag = dict(answer.headers)[b"etag"].decode()
        keep(folder, answer.body, f"{token_of(url)} {tag}")
        listening = socket.create_server(("127.0.0.1", port))
        await feed_server(FeedApp(feeds)).serve(sockets=[listening])


def keep(folder: Path, gzipped: bytes, facts: str) -> None:
    (folder / "feed.ics.gz").write_bytes(gzipped)
    (folder / "feed.ics").write_bytes(gzip.decompress(gzipped))
    (folder / "facts").write_text(facts)


@contextmanager
def running(*command: str) -> Iterator[psutil.Popen]:
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    for _attempt in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def per_second(url: str, *headers: str, seconds: int = 3) -> float:
    """Requests a second as wrk counts them, 32 connections kept alive; every answer 2xx or 3xx."""
    named = [part for header in headers for part in ("-H", header)]
    said = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}s", *named, url],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "Non-2xx or 3xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


NGINX = """
{user} worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
  types {{ text/calendar ics; }}
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {folder}; gzip_static on; etag on; }}
}}
"""


@pytest.mark.timeout(180)
def test_gzip_and_304_against_nginx_with_the_same_file(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if nginx is None or shutil.which("wrk") is None:
        print("\nnginx or wrk is not installed: nothing to compare with")
        return
    ours, theirs = free_port(), free_port()
    module = "tests.benchmarks.bench_feed"
    with running(sys.executable, "-m", module, "serve", str(ours), str(tmp_path)):
        wait_for(ours)
        token, tag = (tmp_path / "facts").read_text().split()
        size = (tmp_path / "feed.ics.gz").stat().st_size
        conf = NGINX.format(folder=tmp_path, port=theirs, user=keep_user())
        (tmp_path / "nginx.conf").write_text(conf)
        with running(nginx, "-c", str(tmp_path / "nginx.conf")):
            wait_for(theirs)
            url, plain = f"http://127.0.0.1:{ours}/feeds/{token}.ics", "Accept-Encoding: identity"
            their_url = f"http://127.0.0.1:{theirs}/feed.ics"
            their_tag = their_etag(their_url)
            rounds = [
                (
                    per_second(url, "Accept-Encoding: gzip"),
                    per_second(their_url, "Accept-Encoding: gzip"),
                    per_second(url, "Accept-Encoding: gzip", f"If-None-Match: {tag}"),
                    per_second(their_url, "Accept-Encoding: gzip", f"If-None-Match: {their_tag}"),
                )
                for _round in range(3)
            ]
            ours_plain, theirs_plain = per_second(url, plain), per_second(their_url, plain)
    packed, their_packed, same, their_same = (
        statistics.median(column) for column in zip(*rounds, strict=True)
    )
    print(f"\n{EVENTS} events, {size} bytes compressed; requests a second, median of 3")
    print(f"gzip  {packed:8.0f}   nginx {their_packed:8.0f}   {packed / their_packed:.2f}")
    print(f"304   {same:8.0f}   nginx {their_same:8.0f}   {same / their_same:.2f}")
    ratio = ours_plain / theirs_plain
    print(f"plain {ours_plain:8.0f}   nginx {theirs_plain:8.0f}   {ratio:.2f}")
    assert packed >= 0.7 * their_packed
    assert same >= 0.3 * their_same


def keep_user() -> str:
    """nginx started by root would read the file as nobody."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return "user root;" if root else ""


def their_etag(url: str) -> str:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.headers["ETag"])


# ── the book ─────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def on_disk(folder: Path, *people: str) -> AsyncIterator[tuple[Feeds, AppointmentBook]]:
    """The real stores and files."""
    clock = StandingClock()
    changes = Changes()
    database = open_database(f"sqlite:///{folder / 'book.db'}", clock, changes=changes)
    feeds = Feeds(
        book=database.book,
        settings=FakeSettings(practice(*people)),
        store=database.feeds,
        secrets=FakeSecrets(),
        activity=MemoryActivity(),
        clock=clock,
        changes=changes,
        writer=IcalendarWriter(INSTALL),
        kept=FeedFiles(folder / "feeds"),
        listener=lambda: ("127.0.0.1", 8090),
    )
    try:
        yield feeds, database.book
    finally:
        await feeds.close()
        await database.close()


async def test_one_change_in_a_book_of_ten_thousand(tmp_path: Path) -> None:
    """Ten appointments a day for 1,000 days, of which the feed shows 2,500: more than fit."""
    first_day = TODAY + timedelta(days=-500, hours=8)
    everything = [
        visit(each % 10, first_day + timedelta(days=each // 10), id=f"{each:026x}")
        for each in range(10_000)
    ]
    async with on_disk(tmp_path) as (feeds, book):
        await book.apply(BookChange(put=everything), NOON)
        link, url = await feeds.add("avery", label="Phone", days_in_arrears=30, days_in_advance=270)
        token, bodies, times = token_of(url), set(), []
        began = time.perf_counter()
        bodies.add((await feeds.fetch(token, asking(token))).body)
        first = time.perf_counter() - began
        for turn in range(20):
            await feeds.close()
            change = replace(everything[5_050], location=f"Room {turn}, upstairs")
            await book.apply(BookChange(put=[change]), NOON + timedelta(minutes=turn))
            began = time.perf_counter()
            bodies.add((await feeds.fetch(token, asking(token))).body)
            times.append(time.perf_counter() - began)
        body = await feeds.body(link.id)
    assert len(bodies) == 21, "every change shows"
    milliseconds = [1000 * each for each in times]
    print(
        f"\n{body.events} events, {body.size} bytes; first fetch {first * 1000:.0f} ms; "
        f"one change, next GET: median {statistics.median(milliseconds):.1f} ms, "
        f"{min(milliseconds):.1f} to {max(milliseconds):.1f}"
    )
    assert statistics.median(times) < first / 2


async def test_two_hundred_practitioners_first_fetch_of_all(tmp_path: Path) -> None:
    people = [f"p{number:03}" for number in range(200)]
    async with on_disk(tmp_path, *people) as (feeds, book):
        for number, who in enumerate(people):
            theirs = [
                visit(each, id=f"{number:06x}{each:020x}", practitioner_id=who)
                for each in range(500)
            ]
            await book.apply(BookChange(put=theirs), NOON)
        tokens = [token_of((await feeds.add(who, label="Phone"))[1]) for who in people]
        process = psutil.Process()
        before, cpu, began = process.memory_info().rss, time.process_time(), time.perf_counter()
        answers = await asyncio.gather(*(feeds.fetch(each, asking(each)) for each in tokens))
        await feeds.close()
        cpu, took = time.process_time() - cpu, time.perf_counter() - began
        after = process.memory_info().rss
    print(
        f"\n200 practitioners × 500 events, first fetch of all: {cpu:.1f} s of CPU, {took:.1f} s; "
        f"resident {after / 1e6:.0f} MB, {(after - before) / 1e6:.0f} of it for this"
    )
    assert [answer.status for answer in answers] == [200] * 200


def test_ten_thousand_events_written_and_written_again() -> None:
    application = FeedApplication()
    window = SyncWindow.around(NOON, SYDNEY, days_in_arrears=1, days_in_advance=400)
    events = project(map(visit, range(10_000)), window, PRESETS[FeedDetail.FULL])
    times, written = [time.perf_counter()], []
    for _turn in range(2):
        written.append([application.writer.event(event) for event in events])
        times.append(time.perf_counter())
    whole = application.writer.calendar(b"", written[0])
    times.append(time.perf_counter())
    wrote, again, joined = (1000 * (after - before) for before, after in pairwise(times))
    print(
        f"\n{len(events)} events, {len(whole)} bytes: written {wrote:.0f} ms, "
        f"found again {again:.0f} ms, joined {joined:.1f} ms"
    )
    assert all(one is other for one, other in zip(*written, strict=True))
    assert joined < wrote / 10


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[2]), Path(sys.argv[3])))
