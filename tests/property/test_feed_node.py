"""A reader that is not Python, ical.js (Thunderbird's), finds the same as ours and the others."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from companion.domain.events import project
from companion.domain.window import SyncWindow
from companion.testing import find_node
from tests.fakes.calendar_lint import complaints
from tests.fakes.feeds import TODAY, FeedApplication, token_of, visit
from tests.property.test_feed_bytes import FULL, ZONES, a_year, calendar, expected

pytestmark = pytest.mark.node

SCRIPT = Path(__file__).parents[1] / "samples" / "read_feed.mjs"
Found = tuple[str, datetime | date, datetime | date, str, str, str, str]


def read_by_node(feed: bytes, zone: str) -> list[Found]:
    """`zone`: of the machine that Node.js believes to run on; it must not matter."""
    node = find_node()
    assert node is not None
    done = subprocess.run(
        [node, str(SCRIPT)],
        input=feed,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "TZ": zone},
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [
        (uid, moment(start), moment(end), *texts)
        for uid, start, end, *texts in json.loads(done.stdout)
    ]


def moment(text: str) -> datetime | date:
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


@pytest.mark.parametrize("zone", ZONES)
def test_a_foreign_reader_agrees_on_every_occurrence_of_a_year(zone: str) -> None:
    window = SyncWindow(first_day=date(2026, 1, 1), last_day=date(2026, 12, 31), timezone=zone)
    written = project(a_year(zone), window, FULL)
    found = read_by_node(calendar(written, zone=zone), zone)
    assert len(found) == len(written) > 2_000
    assert {each[:6] for each in found} == expected(written)


async def off(application: FeedApplication, token: str) -> None:
    (link,) = await application.feeds.links()
    await application.feeds.revoke(link.id)


async def expire(application: FeedApplication, token: str) -> None:
    (link,) = await application.store.links()
    await application.store.put(
        replace(link, expires_at=application.clock.now() - timedelta(seconds=1))
    )


async def nothing(application: FeedApplication, token: str) -> None:
    await application.edit(remove=[visit(1).id])


@pytest.mark.parametrize(
    ("happen", "words"),
    [
        (off, "This phone link was switched off"),
        (expire, "This phone link was switched off"),
        (nothing, "No appointments in this period"),
    ],
)
async def test_a_foreign_reader_finds_the_one_entry_that_says_why(
    happen: object, words: str
) -> None:
    application = FeedApplication()
    await application.write(visit(1))
    token = await application.token()
    await application.feeds.fetch(token)
    await happen(application, token)  # type: ignore[operator] # a coroutine function of the table
    answer = await application.feeds.fetch(token)
    await application.feeds.close()
    assert answer.status == 200
    assert complaints(answer.body) == []
    ((_uid, start, end, summary, _place, _notes, transparency),) = read_by_node(
        answer.body, "Australia/Sydney"
    )
    assert (summary, transparency) == (words, "TRANSPARENT")
    assert (start, end) == (TODAY.date(), TODAY.date() + timedelta(days=1))


async def test_a_foreign_reader_finds_the_staleness_and_all_appointments() -> None:
    since = datetime(2026, 3, 1, 21, 12, tzinfo=UTC)
    application = FeedApplication(stale_since=lambda _who: since)
    await application.write(*(visit(each) for each in range(5)))
    answer = await application.feeds.fetch(await application.token())
    found = read_by_node(answer.body, "Australia/Sydney")
    await application.feeds.close()
    notices = [each for each in found if each[6] == "TRANSPARENT"]
    assert [each[3] for each in notices] == ["Schedule not updated since Mon 2 March 08:12"]
    assert len(found) == 6


async def test_the_last_good_bytes_of_a_fault_read_as_before() -> None:
    application = FeedApplication()
    await application.write(*(visit(each) for each in range(3)))
    _link, url = await application.feeds.add("avery", label="Phone")
    before = read_by_node((await application.feeds.fetch(token_of(url))).body, "Etc/UTC")
    await application.feeds.close()
    application.start()
    application.book.fault = OSError("locked")
    answer = await application.feeds.fetch(token_of(url))
    assert answer.status == 200
    assert read_by_node(answer.body, "Etc/UTC") == before
    assert len(before) == 3
    await application.feeds.close()
