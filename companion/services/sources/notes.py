"""SourceNotes: what is kept of each watched folder and link between scans, runs and processes.

A small JSON document by source name, written by the app that watches and by commands. All of it
can be lost without harm: a file that is imported again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from companion.domain.json_documents import DAMAGED, from_document, to_document
from companion.services.imports.questions import Question
from companion.services.ports import KeptText

MOST_DONE = 2_000
"""Files listed as done of a folder whose files stay where they are; the oldest are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A file that was set aside."""

    place: str
    """Relative to the folder, with slashes."""
    at: datetime
    held: bool
    """It could be imported when a person confirms it; otherwise it cannot be used as it is."""
    what: str
    """Why, as one sentence."""
    questions: tuple[Question, ...] = ()
    """What must be answered before it can be imported; without examples from the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A file that is dealt with though it still lies there."""

    digest: str
    size: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An import that was about to happen: the answer to a crash between it and the filing."""

    file: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """How a source that is fetched stands."""

    tried_at: datetime | None = None
    good_at: datetime | None = None
    """When it last answered as it should, changed or not."""
    failures: int = 0
    """In a row."""
    wait: float = 0.0
    """Seconds for which it asked to be left alone."""
    took: float = 0.0
    """Seconds that it last took; 0 where it goes on with less."""
    cursor: str = ""
    """Since when changes are asked for: see `FetchAnswer`."""
    digest: str = ""
    """Of what last went into the book."""
    held: str = ""
    """Of what waits for a person, or did."""
    whole_at: datetime | None = None
    """When all of it was last compared with the book."""
    current_at: datetime | None = None
    """When the book last held what it gave, changed or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    last_file: str = ""
    last_at: datetime | None = None
    """When the last file was dealt with, well or not."""
    last_result: str = ""
    """One sentence."""
    imported_at: datetime | None = None
    """Of the last file that went into the book."""
    imported_digest: str = ""
    trouble: str = ""
    """What keeps the folder from being watched, or the link from being fetched, with what to do;
    empty while nothing does."""
    trouble_since: datetime | None = None
    waiting: tuple[Waiting, ...] = ()
    done: Mapping[str, Done] = field(default_factory=dict)
    begun: Begun | None = None
    fetched: Fetched = Fetched()

    def without_waiting(self, place: str) -> SourceNote:
        return replace(self, waiting=tuple(each for each in self.waiting if each.place != place))

    def with_done(self, name: str, done: Done) -> SourceNote:
        kept = {key: each for key, each in self.done.items() if key != name}
        return replace(self, done=dict([*kept.items(), (name, done)][-MOST_DONE:]))


Notes = Mapping[str, SourceNote]
"""By source name."""


class SourceNotes(Protocol):
    async def read(self) -> Notes:
        """Nothing known where they are missing or damaged."""
        ...

    async def change(self, source: str, edit: Callable[[SourceNote], SourceNote | None]) -> None:
        """One note, read and written under one lock of all processes; None forgets it.
        Raises Busy, StoreError."""
        ...


class KeptSourceNotes:
    """The SourceNotes in a text."""

    def __init__(self, text: KeptText) -> None:
        self._text = text

    async def read(self) -> Notes:
        return notes_in(await self._text.read())

    async def change(self, source: str, edit: Callable[[SourceNote], SourceNote | None]) -> None:
        def edited(text: str | bytes) -> str | None:
            after = changed(notes_in(text), source, edit)
            return None if after is None else text_of(after)

        await self._text.change(edited)


async def current_moments(notes: SourceNotes) -> dict[str, datetime]:
    """By source that is fetched: when the book last held what it gave."""
    return {
        name: note.fetched.current_at
        for name, note in (await notes.read()).items()
        if note.fetched.current_at
    }


def changed(
    notes: Notes, source: str, edit: Callable[[SourceNote], SourceNote | None]
) -> Notes | None:
    """With the one note as `edit` makes it, or without it; None where all stays as it is."""
    before = notes.get(source)
    after = edit(before or SourceNote())
    if after == before:
        return None
    rest = {name: note for name, note in notes.items() if name != source}
    return rest if after is None else {**notes, source: after}


def text_of(notes: Notes) -> str:
    return json.dumps(to_json(notes))


def notes_in(text: str | bytes) -> dict[str, SourceNote]:
    """Nothing for what is damaged."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return from_json(document) if isinstance(document, dict) else {}


def to_json(notes: Notes) -> dict[str, Any]:
    return {name: to_document(note) for name, note in notes.items()}


def from_json(document: Mapping[str, Any]) -> dict[str, SourceNote]:
    """What cannot be read is left out."""
    found: dict[str, SourceNote] = {}
    for name, raw in document.items():
        with suppress(*DAMAGED):
            found[name] = from_document(SourceNote, raw)
    return found
