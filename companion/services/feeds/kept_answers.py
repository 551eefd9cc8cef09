"""KeptAnswers: the last good answer of each link, from this computer alone.

For an app that was started while the database of its practice is away: nothing else is known yet.
"""

from __future__ import annotations

from companion.services.feeds.answers import NOT_FOUND, TOO_MANY, UNAVAILABLE, FeedAnswer, Poll
from companion.services.feeds.links import file_name, from_kept, off_at
from companion.services.feeds.misses import Misses
from companion.services.feeds.ports import KeptFeeds
from companion.services.ports import Clock


class KeptAnswers:
    def __init__(self, kept: KeptFeeds, clock: Clock) -> None:
        self._kept = kept
        self._clock = clock
        self._misses = Misses(clock.monotonic)

    def ready(self, poll: Poll, address: str) -> FeedAnswer | None:
        del poll, address
        return None

    async def fetch(self, token: str, poll: Poll, address: str) -> FeedAnswer:
        content = await self._kept.last(file_name(poll.token_hash), token)
        found = from_kept(content, poll.token_hash) if content is not None else None
        if found is None:  # perhaps a link all the same: "gone" would make a phone forget it
            return UNAVAILABLE if self._misses.allow(address) else TOO_MANY
        link, body = found
        if off_at(link, self._clock.now()):
            return UNAVAILABLE
        return body.answer(accept_gzip=poll.gzip, if_none_match=poll.tags)

    def miss(self, address: str) -> FeedAnswer:
        return NOT_FOUND if self._misses.allow(address) else TOO_MANY
