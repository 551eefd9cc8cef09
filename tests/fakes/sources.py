"""MemoryNotes: what is remembered of watched folders, in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from companion.services.sources.notes import Notes, SourceNote, from_json, to_json


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
