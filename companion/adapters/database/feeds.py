"""SqlFeeds: the feed links, their secrets as hashes only."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from companion.adapters.database.access import Access
from companion.adapters.database.schema import feed_links
from companion.adapters.database.sqlite import upsert
from companion.services.ports import FeedLink

_LINKS = select(feed_links).order_by(feed_links.c.created_at, feed_links.c.id)
_BY_TOKEN = select(feed_links).where(feed_links.c.token_hash == bindparam("wanted"))
_PUT = upsert(feed_links)
_FETCHED = (
    update(feed_links)
    .where(feed_links.c.id == bindparam("feed"))
    .values(
        last_fetched_at=bindparam("at"),
        last_client=bindparam("client"),
        fetches=feed_links.c.fetches + 1,
    )
)


class SqlFeeds:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def links(self, practitioner_id: str | None = None) -> list[FeedLink]:
        statement = _LINKS
        if practitioner_id is not None:
            statement = statement.where(feed_links.c.practitioner_id == practitioner_id)
        return await self._access.read(
            lambda connection: [FeedLink(**row) for row in connection.execute(statement).mappings()]
        )

    async def by_token_hash(self, token_hash: bytes) -> FeedLink | None:
        def find(connection: Connection) -> FeedLink | None:
            row = connection.execute(_BY_TOKEN, {"wanted": token_hash}).mappings().one_or_none()
            return None if row is None else FeedLink(**row)

        return await self._access.read(find)

    async def put(self, link: FeedLink) -> None:
        await self._access.write(lambda connection: connection.execute(_PUT, asdict(link)))

    async def remove(self, feed_id: str) -> None:
        statement = delete(feed_links).where(feed_links.c.id == feed_id)
        await self._access.write(lambda connection: connection.execute(statement))

    async def fetched(self, feed_id: str, at: datetime, client: str) -> None:
        values = {"feed": feed_id, "at": at, "client": client}
        await self._access.write(lambda connection: connection.execute(_FETCHED, values))
