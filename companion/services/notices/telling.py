"""Telling: which messages are due, from what there is and what was told already. Pure.

Nothing is queued: a message is due while its episode has something to tell on a channel and no mark
says that it was told there. So a failed way catches up by itself, a restart repeats nothing, and
what is over before anybody could be told needs no telling (an e-mail summary names it, a webhook
hears both). Before a message goes, `begun` notes the try; `sent` and `refused` note what came of
it. One whose outcome is unknown, as after a crash in between, is sent once more and not again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from companion.domain.notice_choices import NoticeChoices
from companion.domain.users import Role
from companion.services.notices.troubles import Episode, Trouble

Phase = Literal["begun", "over", "came and went"]
MOST_SINGLE = 3
"""More that is due on a channel at once goes as one message."""
MOST_TRIES = 2
"""Of a message whose outcome is not learnt."""


class Way(StrEnum):
    DESKTOP = "desktop"
    MAIL = "mail"
    WEBHOOK = "webhook"

    @property
    def words(self) -> str:
        return {"mail": "e-mail", "desktop": "this computer's desktop"}.get(self, "the webhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    way: Way
    address: str = ""
    roles: frozenset[Role] = frozenset(Role)
    """Of whoever reads it."""
    practitioners: frozenset[str] = frozenset()
    """Ids of those whose own troubles it is told, beside what its roles are."""

    @property
    def name(self) -> str:
        return f"{self.way} {self.address}".strip()

    def hears(self, trouble: Trouble) -> bool:
        roles = trouble.handling.roles
        if roles & self.roles - {Role.PRACTITIONER}:
            return True
        if Role.PRACTITIONER not in roles:
            return False
        return self.way is not Way.MAIL or trouble.practitioner_id in self.practitioners


@dataclass(frozen=True, slots=True)
class NoticeItem:
    episode: Episode
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    channel: Channel
    items: tuple[NoticeItem, ...]
    summary: bool = False
    """The day's."""

    @property
    def id(self) -> str:
        """The same for the same content, also after a restart."""
        parts = (self.channel.name, *(f"{e.episode.id} {e.phase}" for e in self.items))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Why nothing goes out just now."""

    since: datetime
    what: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBook:
    """All that is kept between looks and runs."""

    begun_at: datetime
    """What happened earlier is not told."""
    episodes: tuple[Episode, ...] = ()
    channels: Mapping[str, datetime] = field(default_factory=dict)
    """Since when there is each, by name: what was over before is not told there."""
    summaries: Mapping[str, date] = field(default_factory=dict)
    """The day of the last one, by channel's name."""
    failing: Mapping[str, Failing] = field(default_factory=dict)
    """By way, or by channel's name where others on its way are reached."""


def mark(channel: Channel, phase: Phase) -> str:
    return f"{channel.name}|{phase}"


def with_channels(book: NoticeBook, channels: Sequence[Channel], now: datetime) -> NoticeBook:
    names = {each.name for each in channels}
    known = {name: min(book.channels.get(name, now), now) for name in sorted(names)}
    if known == book.channels:
        return book
    days = {name: day for name, day in book.summaries.items() if name in names}
    return replace(book, channels=known, summaries=days)


def due(
    book: NoticeBook,
    channels: Iterable[Channel],
    choices: NoticeChoices,
    timezone: str,
    now: datetime,
) -> list[Message]:
    """In the order in which they are to go."""
    quiet = choices.quiet(now, timezone)
    found: list[Message] = []
    for channel in channels:
        if quiet and channel.way is not Way.WEBHOOK:
            continue
        single, daily = _items(book, channel)
        found += _messages(channel, single)
        if daily and _summary_due(book, channel, choices, timezone, now):
            found.append(Message(channel=channel, items=tuple(daily), summary=True))
    return found


def _summary_due(
    book: NoticeBook, channel: Channel, choices: NoticeChoices, timezone: str, now: datetime
) -> bool:
    local = now.astimezone(ZoneInfo(timezone))
    last = book.summaries.get(channel.name)
    return local.time() >= choices.summary_at and (last is None or last < local.date())


def _messages(channel: Channel, items: Sequence[NoticeItem]) -> Iterator[Message]:
    if len(items) > MOST_SINGLE and channel.way is not Way.WEBHOOK:
        yield Message(channel=channel, items=tuple(items))
        return
    for each in items:
        yield Message(channel=channel, items=(each,))


def _items(book: NoticeBook, channel: Channel) -> tuple[list[NoticeItem], list[NoticeItem]]:
    """What is to be told at once, and what can wait for the summary."""
    single: list[NoticeItem] = []
    daily: list[NoticeItem] = []
    since = book.channels.get(channel.name)
    for episode in book.episodes:
        told_begin = _is_told(episode, mark(channel, "begun"))
        if not episode.begun or not channel.hears(episode.trouble) or since is None:
            continue
        if episode.over_at is not None and episode.over_at < since and not told_begin:
            continue
        waits = channel.way is Way.MAIL and episode.trouble.handling.daily
        for phase in _phases(episode, channel, told_begin=told_begin):
            if not _is_told(episode, mark(channel, phase)):
                (daily if waits or phase == "came and went" else single).append(
                    NoticeItem(episode, phase)
                )
                break
    return single, daily


def _phases(episode: Episode, channel: Channel, *, told_begin: bool) -> tuple[Phase, ...]:
    """In order; the next one that is not told is due."""
    if episode.trouble.handling.event or episode.over_at is None:
        return ("begun",)
    if told_begin or channel.way is Way.WEBHOOK:
        return ("begun", "over")
    return ("came and went",) if channel.way is Way.MAIL else ()


def _is_told(episode: Episode, wanted: str) -> bool:
    return wanted in episode.told or episode.tried.get(wanted, 0) >= MOST_TRIES


# ── what came of a message ────────────────────────────────────────────────────────────────────


def begun(book: NoticeBook, message: Message) -> NoticeBook:
    """It is about to go: from now on it may have arrived."""

    def edit(episode: Episode, wanted: str) -> Episode:
        tries = episode.tried.get(wanted, 0) + 1
        return replace(episode, tried={**episode.tried, wanted: tries})

    return _edited(book, message, edit)


def sent(book: NoticeBook, message: Message, day: date) -> NoticeBook:
    """`day`: the practice's today."""

    def edit(episode: Episode, wanted: str) -> Episode:
        tried = {key: count for key, count in episode.tried.items() if key != wanted}
        return replace(episode, told=episode.told | {wanted}, tried=tried)

    after = _edited(book, message, edit)
    if not message.summary:
        return after
    return replace(after, summaries={**after.summaries, message.channel.name: day})


def refused(book: NoticeBook, message: Message) -> NoticeBook:
    """It certainly did not arrive, so this try does not count."""

    def edit(episode: Episode, wanted: str) -> Episode:
        left = episode.tried.get(wanted, 0) - 1
        tried = {key: count for key, count in episode.tried.items() if key != wanted}
        return replace(episode, tried={**tried, wanted: left} if left > 0 else tried)

    return _edited(book, message, edit)


def _edited(
    book: NoticeBook, message: Message, edit: Callable[[Episode, str], Episode]
) -> NoticeBook:
    phases = {each.episode.id: each.phase for each in message.items}
    return replace(
        book,
        episodes=tuple(
            edit(each, mark(message.channel, phases[each.id])) if each.id in phases else each
            for each in book.episodes
        ),
    )
