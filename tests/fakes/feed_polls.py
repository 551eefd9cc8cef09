"""A phone that asks for its calendar."""

from __future__ import annotations

import gzip

from companion.services.feeds.answers import FeedAnswer
from tests.fakes.calendar_lint import complaints, events
from tests.fakes.feeds import FeedApplication, asking

ADDRESS = "192.168.20.40"


async def fetched(application: FeedApplication, token: str, tag: str = "") -> FeedAnswer:
    return await application.feeds.fetch(token, asking(token, tags=tag, client="iOS/17.5"), ADDRESS)


async def read(application: FeedApplication, token: str) -> list[dict[str, str]]:
    answer = await fetched(application, token)
    assert answer.status == 200
    data = gzip.decompress(answer.body)
    assert complaints(data) == []
    return events(data)


def tag_of(answer: FeedAnswer) -> str:
    return dict(answer.headers)[b"etag"].decode()
