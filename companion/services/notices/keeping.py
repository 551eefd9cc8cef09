"""NoticeBook as a small document, and the port that keeps it. What of it cannot be read is left
out: the worst that follows is that something is told twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from companion.domain.json_documents import DAMAGED, from_document, to_document
from companion.services.notices.telling import NoticeBook
from companion.services.notices.troubles import Episode


class NoticeStore(Protocol):
    """One writer: the app that keeps the calendars."""

    async def read(self) -> NoticeBook | None:
        """None where nothing, or nothing readable, was kept."""
        ...

    async def save(self, book: NoticeBook) -> None:
        """Returns once it is on the disk. Raises StoreError; Overtaken where another process has
        saved since this one read or saved last: nothing is written then."""
        ...


def text_of(book: NoticeBook) -> str:
    return json.dumps(to_json(book))


def book_in(text: str | bytes) -> NoticeBook | None:
    """None for what is damaged."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return from_json(document) if isinstance(document, dict) else None


def to_json(book: NoticeBook) -> dict[str, Any]:
    document: dict[str, Any] = to_document(book)
    return document


def from_json(document: Mapping[str, Any]) -> NoticeBook | None:
    try:
        book = from_document(NoticeBook, {**document, "episodes": ()})
        return replace(book, episodes=tuple(_episodes(document.get("episodes", ()))))
    except DAMAGED:
        return None


def _episodes(raws: Sequence[Mapping[str, Any]]) -> Iterator[Episode]:
    for each in raws:
        with suppress(*DAMAGED):
            yield from_document(Episode, each)
