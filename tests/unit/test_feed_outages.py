"""What a link answers while the book, or its database, cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from companion.domain.errors import StoreDamaged
from tests.fakes.feed_polls import fetched, read, tag_of
from tests.fakes.feeds import NOON, FeedApplication, visit, with_a_phone


async def test_a_book_that_cannot_be_read_serves_the_last_bytes_from_memory() -> None:
    application, token = await with_a_phone()
    good = await fetched(application, token)
    application.book.fault = StoreDamaged()
    application.clock.shift(60)
    assert (await fetched(application, token)).body == good.body
    assert (await fetched(application, token, tag_of(good))).status == 304
    application.book.fault = None
    await application.write(visit(2))
    application.clock.shift(10)
    assert len(await read(application, token)) == 2


@pytest.mark.parametrize("damaged", ["book", "store", "both"])
async def test_after_a_restart_they_come_from_the_disk(damaged: str) -> None:
    application, token = await with_a_phone()
    good = await fetched(application, token)
    await application.feeds.close()
    if damaged != "store":
        application.book.fault = StoreDamaged()
    if damaged != "book":
        application.store.fault = StoreDamaged()
    application.start()
    assert (await fetched(application, token)).body == good.body
    assert (await fetched(application, "B" * 43)).status in {404, 503}


async def test_a_fault_without_any_good_bytes_is_503_and_empty() -> None:
    application, token = await with_a_phone()
    application.book.fault = OSError("not even one of ours")
    answer = await fetched(application, token)
    assert (answer.status, answer.body) == (503, b"")


async def test_last_bytes_of_an_expired_link_are_not_served() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    token = await application.token(expires=date(2026, 3, 2))
    await fetched(application, token)
    await application.feeds.close()
    application.book.fault = StoreDamaged()
    application.start()
    application.clock.set(NOON + timedelta(days=2))
    assert (await fetched(application, token)).status == 503


async def test_last_bytes_that_are_not_ours_are_no_good_bytes() -> None:
    application = FeedApplication()
    token = await application.token()
    await fetched(application, token)
    await application.feeds.close()
    (name,) = application.kept.files
    for content in (b"", b"{}", b"{}\nx", b'{"id":1,"practitioner":"","expires":null}\nx', b"[]\n"):
        application.kept.files[name] = (token, content)
        application.book.fault = StoreDamaged()
        application.start()
        assert (await fetched(application, token)).status == 503


async def test_a_broken_store_is_not_asked_at_every_request() -> None:
    application = FeedApplication()
    token = await application.token()
    await fetched(application, token)
    application.book.fault = StoreDamaged()
    application.clock.shift(2)
    application.book.reads.clear()
    for _poll in range(20):
        await fetched(application, token)
    assert len(application.book.reads) == 1


async def test_a_server_that_is_away_is_not_even_asked() -> None:
    application, token = await with_a_phone()
    good = await fetched(application, token)
    await application.feeds.close()
    application.reachable = False
    application.start()
    application.book.reads.clear()
    for _poll in range(3):
        application.clock.shift(60)
        assert (await fetched(application, token)).body == good.body
    assert not application.book.reads
    application.reachable = True
    await application.write(visit(2))
    application.clock.shift(60)
    assert len(await read(application, token)) == 2


async def test_nothing_is_kept_of_a_link_that_another_workstation_switched_off() -> None:
    application = FeedApplication()
    token = await application.token()
    await fetched(application, token)
    await application.feeds.close()
    assert application.kept.files
    (link,) = await application.store.links()
    await application.store.put(replace(link, revoked_at=application.clock.now()))
    application.clock.shift(60)
    await fetched(application, token)
    await application.feeds.close()
    assert not application.kept.files
