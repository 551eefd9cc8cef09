"""One fetch: a source is asked in a thread of its own, into a private folder that goes afterwards.

Who waits for it may go away, or somebody may stop it: then the thread ends soon, and its folder
with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.files import make_folder
from companion.services.pools import SOURCES
from companion.services.sources.folders import apart
from companion.services.sources.remote import (
    FetchAnswer,
    FetchRequest,
    RemoteSource,
    SourcePlace,
    Stop,
)

LONGEST = 1_800.0
"""Seconds for one fetch."""
_ENDING = 15.0
"""Seconds after which a fetch that does not heed its `Stop` is left alone."""


@dataclass(slots=True, kw_only=True)
class UnderWay:
    """A fetch that is going on; changes as it does."""

    since: datetime
    """Aware UTC."""
    stop: Stop = field(default_factory=Stop)
    done: int = 0
    """Appointments so far."""
    of: int | None = None
    importing: bool = False
    """It is fetched, and goes into the book: no longer to be stopped."""

    def show(self, done: int, of: int | None) -> None:
        self.done, self.of = done, of


@asynccontextmanager
async def fetched(
    remote: RemoteSource,
    place: SourcePlace,
    *,
    spool: Path,
    timezone: str,
    going: UnderWay,
    now: datetime,
    cursor: str = "",
    most: int | None = None,
) -> AsyncIterator[FetchAnswer]:
    """What the place gives; a file always has a digest, and is there until the end. `spool`: a
    private folder. Raises SourceUnreachable, BadInput, Stopped."""
    folder = spool / secrets.token_hex(12)
    await apart(lambda: make_folder(folder))
    request = FetchRequest(
        fields=place.fields,
        secret=place.secret,
        cursor=cursor,
        folder=folder,
        now=now,
        timezone=timezone,
        most=most,
        stop=going.stop,
        on_progress=going.show,
    )
    try:
        yield await _in_a_thread(remote, place.place, request)
    finally:
        await apart(lambda: shutil.rmtree(folder, ignore_errors=True))


async def _in_a_thread(remote: RemoteSource, place: str, request: FetchRequest) -> FetchAnswer:
    loop = asyncio.get_running_loop()
    slow = SourceUnreachable(
        f"{place} is too slow, so nothing of its answer was taken.",
        "It is tried again by itself. If it stays so, let it cover fewer days.",
        reason=SourceTrouble.SLOW,
    )
    too_long = loop.call_later(LONGEST, request.stop.ask, slow)
    fetching = asyncio.ensure_future(SOURCES.run(_fetch, remote, request))
    try:
        return await asyncio.shield(fetching)
    except asyncio.CancelledError:
        request.stop.ask()
        await asyncio.wait([fetching], timeout=_ENDING)
        if fetching.done():
            fetching.exception()  # seen: no caller wants it any more
        raise
    finally:
        too_long.cancel()


def _fetch(remote: RemoteSource, request: FetchRequest) -> FetchAnswer:
    request.stop.check()
    answer = remote.fetch(request)
    request.stop.check()
    if answer.file is None or answer.digest:
        return answer
    with answer.file.open("rb") as file:
        return replace(answer, digest=hashlib.file_digest(file, "sha256").hexdigest())
