"""What is remembered of sources, in memory; and calendars that a test puts at links."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from companion.adapters.sources.calendar_link import CalendarLink, digest_of
from companion.domain.errors import SourceUnreachable
from companion.services.imports.importing import Importing
from companion.services.ports import ActivityLog, Clock
from companion.services.sources.fetching import Fetching
from companion.services.sources.notes import Notes, SourceNote, SourceNotes, from_json, to_json
from companion.services.sources.remote import FetchAnswer, FetchRequest, by_name
from tests.fakes.locks import FreeLocks
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings


class MemoryNotes:
    """A SourceNotes; it keeps JSON, as the file does."""

    def __init__(self) -> None:
        self._text = "{}"

    async def read(self) -> Notes:
        await asyncio.sleep(0)
        return from_json(json.loads(self._text))

    async def change(self, source: str, edit: Callable[[SourceNote], SourceNote | None]) -> None:
        await asyncio.sleep(0)
        notes = from_json(json.loads(self._text))
        after = edit(notes.get(source, SourceNote()))
        notes.pop(source, None)
        if after is not None:
            notes[source] = after
        self._text = json.dumps(to_json(notes))


class FakeLinks:
    """A RemoteSource that calls itself a link; what is at one is asked for by its text, and every
    request is kept."""

    kind = CalendarLink.kind
    check = CalendarLink().check

    def __init__(self) -> None:
        self.calendars: dict[str, bytes] = {}
        self.trouble: dict[str, SourceUnreachable] = {}
        self.tags = True
        """Whether the server says by an ETag what it has given."""
        self.requests: list[tuple[str, str]] = []
        """Link and ETag of each."""
        self.takes: Callable[[], None] = lambda: None
        """What passes meanwhile."""

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        link = request.secret
        self.requests.append((link, request.cursor))
        self.takes()
        if link in self.trouble:
            raise self.trouble[link]
        if link not in self.calendars:
            raise SourceUnreachable
        content = self.calendars[link]
        digest = digest_of(content)
        tag = digest if self.tags else ""
        if tag and request.cursor == tag:
            return FetchAnswer(cursor=tag)
        file = request.folder / "calendar.ics"
        file.write_bytes(content)
        return FetchAnswer(file=file, cursor=tag, digest=digest)


class _Home(Protocol):
    @property
    def settings(self) -> FakeSettings: ...

    @property
    def notes(self) -> SourceNotes: ...

    @property
    def home(self) -> Path: ...


def fake_fetching(
    fixture: _Home, importing: Importing, activity: ActivityLog, clock: Clock
) -> Fetching:
    """For tests in which nothing is fetched."""
    return Fetching(
        settings=fixture.settings,
        notes=fixture.notes,
        remotes=by_name(FakeLinks()),
        secrets=FakeSecrets(),
        importing=importing,
        activity=activity,
        clock=clock,
        spool=fixture.home / "watched",
        locks=FreeLocks(),
    )
