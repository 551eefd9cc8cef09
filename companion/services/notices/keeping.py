"""NoticeBook as a small document, and the port that keeps it. What of it cannot be read is left
out: the worst that follows is that something is told twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Protocol

from companion.services.notices.telling import Failing, NoticeBook
from companion.services.notices.troubles import Episode, Trouble, TroubleKind


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
    return {
        "begun_at": book.begun_at.isoformat(),
        "channels": {name: at.isoformat() for name, at in book.channels.items()},
        "summaries": {name: day.isoformat() for name, day in book.summaries.items()},
        "failing": {
            name: {"since": each.since.isoformat(), "what": each.what, "remedy": each.remedy}
            for name, each in book.failing.items()
        },
        "episodes": [_episode_json(each) for each in book.episodes],
    }


def from_json(document: Mapping[str, Any]) -> NoticeBook | None:
    try:
        return NoticeBook(
            begun_at=datetime.fromisoformat(document["begun_at"]),
            channels={
                str(name): datetime.fromisoformat(at)
                for name, at in document.get("channels", {}).items()
            },
            summaries={
                str(name): date.fromisoformat(day)
                for name, day in document.get("summaries", {}).items()
            },
            failing={
                str(name): Failing(
                    since=datetime.fromisoformat(each["since"]),
                    what=str(each["what"]),
                    remedy=str(each["remedy"]),
                )
                for name, each in document.get("failing", {}).items()
            },
            episodes=tuple(_episodes(document.get("episodes", ()))),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _episode_json(episode: Episode) -> dict[str, Any]:
    trouble = asdict(episode.trouble)
    return {
        "trouble": {**trouble, "since": episode.trouble.since.isoformat()},
        "seen_from": episode.seen_from.isoformat(),
        "begun": episode.begun,
        "missing_from": _text(episode.missing_from),
        "over_at": _text(episode.over_at),
        "told": sorted(episode.told),
        "tried": dict(episode.tried),
    }


def _episodes(raws: Sequence[Mapping[str, Any]]) -> Iterator[Episode]:
    for each in raws:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            yield _episode(each)


def _episode(raw: Mapping[str, Any]) -> Episode:
    trouble = raw["trouble"]
    return Episode(
        trouble=Trouble(
            key=str(trouble["key"]),
            kind=TroubleKind(trouble["kind"]),
            what=str(trouble["what"]),
            remedy=str(trouble["remedy"]),
            since=datetime.fromisoformat(trouble["since"]),
            subject=str(trouble.get("subject", "")),
            practitioner_id=str(trouble.get("practitioner_id", "")),
            page=str(trouble.get("page", "")),
        ),
        seen_from=datetime.fromisoformat(raw["seen_from"]),
        begun=bool(raw["begun"]),
        missing_from=_moment(raw.get("missing_from")),
        over_at=_moment(raw.get("over_at")),
        told=frozenset(map(str, raw.get("told", ()))),
        tried={str(key): int(count) for key, count in raw.get("tried", {}).items()},
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text)
