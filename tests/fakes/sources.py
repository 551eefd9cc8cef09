"""What is remembered of sources, in memory; and calendars that a test puts at links."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from companion.domain.errors import SourceUnreachable
from companion.services.imports.importing import Importing
from companion.services.ports import ActivityLog, Clock
from companion.services.sources.links import LinkAnswer
from companion.services.sources.notes import Notes, SourceNote, SourceNotes, from_json, to_json
from companion.services.sources.subscriptions import Subscriptions
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
    """CalendarLinks; what is at a link is asked for by its text, and every request is kept."""

    def __init__(self) -> None:
        self.calendars: dict[str, bytes] = {}
        self.trouble: dict[str, SourceUnreachable] = {}
        self.tags = True
        """Whether the server says by an ETag what it has given."""
        self.requests: list[tuple[str, str]] = []
        """Link and ETag of each."""

    async def fetch(self, link: str, *, entity: str = "", modified: str = "") -> LinkAnswer:
        del modified
        await asyncio.sleep(0)
        self.requests.append((link, entity))
        if link in self.trouble:
            raise self.trouble[link]
        if link not in self.calendars:
            raise SourceUnreachable
        content = self.calendars[link]
        tag = f'"{hash(content)}"' if self.tags else ""
        if tag and entity == tag:
            return LinkAnswer(content=None, entity=tag)
        return LinkAnswer(content=content, entity=tag)


class _Home(Protocol):
    @property
    def settings(self) -> FakeSettings: ...

    @property
    def notes(self) -> SourceNotes: ...

    @property
    def home(self) -> Path: ...


def fake_subscriptions(
    fixture: _Home, importing: Importing, activity: ActivityLog, clock: Clock
) -> Subscriptions:
    """For tests in which nothing is fetched."""
    return Subscriptions(
        settings=fixture.settings,
        notes=fixture.notes,
        links=FakeLinks(),
        secrets=FakeSecrets(),
        importing=importing,
        activity=activity,
        clock=clock,
        spool=fixture.home / "watched",
    )
