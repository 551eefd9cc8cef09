"""SqlFeeds: the feed links, their secrets as hashes only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select

from companion.adapters.database.access import DatabaseAccess, Rows, Work
from companion.adapters.database.schema import feed_links
from companion.adapters.database.spelling import bytewise
from companion.adapters.database.upserts import upsert
from companion.services.changes import FeedLinksChanged
from companion.services.feeds.documents import disclosure_document, disclosure_of
from companion.services.ports import FeedDetail, FeedLink, Fetch

_NAMES = tuple(column.name for column in feed_links.columns)
_LINKS = select(feed_links).order_by(feed_links.c.created_at, bytewise(feed_links.c.id))
_BY_TOKEN = select(feed_links).where(feed_links.c.token_hash == bindparam("wanted"))
_TO_NOTE = select(feed_links).where(feed_links.c.id == bindparam("wanted")).with_for_update()
_PUT = upsert(feed_links)
_DETAILS = {each.value: each for each in FeedDetail}


class SqlFeeds:
    def __init__(self, access: DatabaseAccess) -> None:
        self._access = access

    async def links(self, practitioner_id: str | None = None) -> list[FeedLink]:
        statement = _LINKS
        if practitioner_id is not None:
            statement = statement.where(feed_links.c.practitioner_id == practitioner_id)
        return await self._access.ask(statement, lambda rows: [_link(row) for row in rows.all()])

    async def by_token_hash(self, token_hash: bytes) -> FeedLink | None:
        def find(rows: Rows) -> FeedLink | None:
            row = rows.one_or_none()
            return None if row is None else _link(row)

        return await self._access.ask(_BY_TOKEN, find, {"wanted": token_hash})

    async def put(self, link: FeedLink) -> None:
        await self._write(lambda connection: connection.execute(_PUT, _row(link)))

    async def remove(self, feed_id: str) -> None:
        statement = delete(feed_links).where(feed_links.c.id == feed_id)
        await self._write(lambda connection: connection.execute(statement))

    async def _write(self, work: Work[object]) -> None:
        await self._access.write(work, lambda _: FeedLinksChanged())

    async def fetched(self, feed_id: str, fetch: Fetch) -> None:
        def note(connection: Connection) -> None:
            row = connection.execute(_TO_NOTE, {"wanted": feed_id}).one_or_none()
            if row is not None:
                connection.execute(_PUT, _row(fetch.noted_in(_link(row))))

        await self._access.write(note)


def _link(row: Row[Any]) -> FeedLink:
    # Two hundred rows at a time: as mappings of SQLAlchemy's they take twice as long.
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    custom = values["custom"]
    # One that a later version made shows the least.
    values["detail"] = _DETAILS.get(values["detail"], FeedDetail.BUSY)
    values["custom"] = None if custom is None else disclosure_of(custom)
    values["intervals"] = tuple(values["intervals"])
    return FeedLink(**values)


def _row(link: FeedLink) -> dict[str, Any]:
    row = {column.name: getattr(link, column.name) for column in feed_links.columns}
    row["custom"] = None if link.custom is None else disclosure_document(link.custom)
    row["intervals"] = list(link.intervals)
    return row
