"""What every FeedStore does, the one in memory and the one on disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem, KindChoice
from companion.domain.errors import BadInput
from companion.services.ports import FeedDetail, FeedLink, FeedStore, Fetch
from tests.contract.stores import Stores

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def feeds(stores: Stores) -> FeedStore:
    return stores.feeds


def link(name: str = "a", **changes: Any) -> FeedLink:
    plain = FeedLink(
        id=name,
        practitioner_id="mira",
        label="Mira’s phone",
        detail=FeedDetail.INITIALS,
        token_hash=sha256(name.encode()).digest(),
        created_at=NOW,
        days_in_arrears=7,
        days_in_advance=60,
    )
    return replace(plain, **changes)


def fetch(**changes: Any) -> Fetch:
    return replace(Fetch(at=NOW, client="iOS", status=200, network="inside"), **changes)


async def test_a_link_comes_back_as_it_was_put(feeds: FeedStore) -> None:
    whole = link(
        expires_at=NOW + timedelta(days=1),
        revoked_at=NOW + timedelta(hours=1),
        last_fetched_at=NOW + timedelta(minutes=1),
        last_client="iOS/18.1",
        last_status=304,
        last_network="inside",
        intervals=(3600, 3590),
        fetches=12,
    )
    await feeds.put(whole)
    await feeds.put(link("b"))
    assert await feeds.links() == [whole, link("b")]


async def test_what_a_link_of_its_own_kind_shows_comes_back(feeds: FeedStore) -> None:
    shown = Disclosure(
        kinds=frozenset({KindChoice.CLIENT}),
        items=frozenset({DisclosureItem.NOTES, DisclosureItem.TYPE}),
        client_name=ClientName.FIRST,
        masked_types=frozenset({"counselling"}),
        busy_only=True,
    )
    await feeds.put(link(detail=FeedDetail.CUSTOM, custom=shown))
    await feeds.put(link("b", detail=FeedDetail.CUSTOM, custom=Disclosure()))
    assert [each.custom for each in await feeds.links()] == [shown, Disclosure()]


async def test_a_link_put_again_is_replaced(feeds: FeedStore) -> None:
    await feeds.put(link())
    revoked = link(revoked_at=NOW, label="Old phone")
    await feeds.put(revoked)
    assert await feeds.links() == [revoked]


async def test_links_come_in_the_order_they_were_made_in(feeds: FeedStore) -> None:
    await feeds.put(link("a", created_at=NOW + timedelta(minutes=1)))
    await feeds.put(link("z", created_at=NOW))
    assert [each.id for each in await feeds.links()] == ["z", "a"]


async def test_links_of_one_practitioner(feeds: FeedStore) -> None:
    await feeds.put(link("a"))
    await feeds.put(link("b", practitioner_id="omar"))
    assert [each.id for each in await feeds.links("omar")] == ["b"]
    assert await feeds.links("nobody") == []


async def test_a_link_is_found_by_the_hash_of_its_token(feeds: FeedStore) -> None:
    await feeds.put(link("a"))
    await feeds.put(link("b"))
    assert await feeds.by_token_hash(sha256(b"b").digest()) == link("b")
    assert await feeds.by_token_hash(sha256(b"c").digest()) is None


async def test_no_two_links_share_a_token(feeds: FeedStore) -> None:
    await feeds.put(link("a"))
    with pytest.raises(BadInput):
        await feeds.put(link("b", token_hash=link("a").token_hash))
    assert [each.id for each in await feeds.links()] == ["a"]


async def test_a_removed_link_is_gone(feeds: FeedStore) -> None:
    await feeds.put(link())
    await feeds.remove("a")
    await feeds.remove("a")
    assert await feeds.links() == []
    assert await feeds.by_token_hash(link().token_hash) is None


async def test_each_fetch_is_counted(feeds: FeedStore) -> None:
    await feeds.put(link())
    await feeds.fetched("a", fetch(client="Google-Calendar-Importer", network="outside"))
    later = NOW + timedelta(hours=9)
    await feeds.fetched("a", fetch(at=later, client="iOS", status=304))
    assert await feeds.links() == [
        link(
            fetches=2,
            last_fetched_at=later,
            last_client="iOS",
            last_status=304,
            last_network="inside",
            intervals=(9 * 3600,),
        )
    ]


async def test_the_latest_intervals_are_kept(feeds: FeedStore) -> None:
    await feeds.put(link())
    for minute in (0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55):
        await feeds.fetched("a", fetch(at=NOW + timedelta(minutes=minute)))
    (kept,) = await feeds.links()
    assert kept.intervals == tuple(60 * each for each in (3, 4, 5, 6, 7, 8, 9, 10))


async def test_a_fetch_of_a_removed_link_does_no_harm(feeds: FeedStore) -> None:
    await feeds.fetched("gone", fetch())
    assert await feeds.links() == []
