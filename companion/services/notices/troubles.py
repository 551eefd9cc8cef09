"""Troubles: what people are told of, and who is told.

A trouble is a state that a person must end, under a key that stays the same while it lasts; a few
are events, which have no end to be told. An `Episode` is one such stretch of time: it begins once
the trouble has been seen for its `settles`, and is over once it has not been seen for `GONE_FOR`,
so what comes and goes within minutes is one trouble and not many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from companion.domain.users import Role

GONE_FOR = timedelta(minutes=10)
KEPT = timedelta(days=14)
"""After its end an episode waits so long for those who could not be told yet."""


class TroubleKind(StrEnum):
    SIGN_IN = "sign-in"
    CALENDAR = "calendar"
    WRITER = "another computer"
    CLIENT = "google client"
    SECRETS = "password store"
    DELEGATION = "service account"
    SYNC = "sync"
    REMOVALS = "removals"
    QUESTIONS = "questions"
    SOURCE = "source"
    BEHIND = "not kept"
    PARKED = "quota"
    DISK = "disk"
    BACKUP = "backup"
    DEVICE = "device link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    roles: frozenset[Role]
    """Who can mend it, and so is told."""
    settles: timedelta = timedelta(0)
    daily: bool = False
    """It can wait for the day's summary where it goes by e-mail."""
    event: bool = False
    """It happened, and is not over at some time."""


_ADMINISTRATOR, _RECEPTION = frozenset({Role.ADMINISTRATOR}), frozenset({Role.RECEPTION})
_PRACTITIONER = frozenset({Role.PRACTITIONER})
_FEW_MINUTES = timedelta(minutes=3)
HANDLING: Mapping[TroubleKind, Handling] = {
    TroubleKind.SIGN_IN: Handling(roles=_PRACTITIONER),
    TroubleKind.CALENDAR: Handling(roles=_PRACTITIONER),
    TroubleKind.WRITER: Handling(roles=_ADMINISTRATOR),
    TroubleKind.CLIENT: Handling(roles=_ADMINISTRATOR),
    TroubleKind.SECRETS: Handling(roles=_ADMINISTRATOR, settles=_FEW_MINUTES),
    TroubleKind.DELEGATION: Handling(roles=_ADMINISTRATOR),
    TroubleKind.SYNC: Handling(roles=_ADMINISTRATOR, settles=timedelta(minutes=30)),
    TroubleKind.REMOVALS: Handling(roles=_RECEPTION | _PRACTITIONER, settles=_FEW_MINUTES),
    TroubleKind.QUESTIONS: Handling(roles=_RECEPTION, settles=_FEW_MINUTES),
    TroubleKind.SOURCE: Handling(roles=_RECEPTION, settles=timedelta(minutes=20)),
    TroubleKind.BEHIND: Handling(roles=_ADMINISTRATOR),
    TroubleKind.PARKED: Handling(roles=_ADMINISTRATOR, daily=True),
    TroubleKind.DISK: Handling(roles=_ADMINISTRATOR),
    TroubleKind.BACKUP: Handling(roles=_ADMINISTRATOR, daily=True),
    TroubleKind.DEVICE: Handling(roles=_ADMINISTRATOR, event=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    key: str
    """``sign-in:anna-lee`` …: holds no person's name but a practitioner's id."""
    kind: TroubleKind
    what: str
    """One sentence, without a client's name."""
    remedy: str
    since: datetime
    subject: str = ""
    """The practitioner's name, where it is about one."""
    practitioner_id: str = ""
    page: str = ""
    """Where it is mended, as the navigation calls it."""

    @property
    def handling(self) -> Handling:
        return HANDLING[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    trouble: Trouble
    """As it was seen last."""
    seen_from: datetime
    begun: bool = False
    """It has lasted long enough to be told."""
    missing_from: datetime | None = None
    over_at: datetime | None = None
    told: frozenset[str] = frozenset()
    """`marks` of what was told where."""
    tried: Mapping[str, int] = field(default_factory=dict)
    """By mark: how often it was sent without learning whether it arrived."""

    @property
    def id(self) -> str:
        return f"{self.trouble.key}@{self.seen_from.isoformat(timespec='seconds')}"


Unsure = Callable[[Trouble], bool]
"""Whether it cannot be seen at present if this trouble is still there."""


def seen(
    episodes: Sequence[Episode], now_there: Sequence[Trouble], unsure: Unsure, now: datetime
) -> tuple[Episode, ...]:
    """The episodes after a look: begun, going on, missing or over."""
    there = {each.key: each for each in now_there}
    after: list[Episode] = []
    for episode in episodes:
        trouble = episode.trouble
        if episode.over_at is not None:
            if not _forgotten(episode, now):
                after.append(episode)
            if trouble.handling.event:  # it happened once
                there.pop(trouble.key, None)
            continue
        if (found := there.pop(trouble.key, None)) is not None:
            after.append(_begun(replace(episode, trouble=found, missing_from=None), now))
        elif unsure(trouble):
            after.append(episode)
        else:
            after.extend(_missing(episode, now))
    after.extend(
        _begun(Episode(trouble=trouble, seen_from=_unused(trouble.key, episodes, now)), now)
        for trouble in there.values()
    )
    return tuple(after)


def _begun(episode: Episode, now: datetime) -> Episode:
    handling = episode.trouble.handling
    settled = now - episode.seen_from >= handling.settles
    if not episode.begun and (settled or now < episode.seen_from):  # or a clock ran ahead
        return replace(episode, begun=True, over_at=now if handling.event else None)
    return episode


def _missing(episode: Episode, now: datetime) -> Sequence[Episode]:
    if not episode.begun:
        return ()  # never told, so never over
    since = min(episode.missing_from or now, now)
    over = since if now - since >= GONE_FOR else None
    return (replace(episode, missing_from=since, over_at=over),)


def _forgotten(episode: Episode, now: datetime) -> bool:
    return episode.over_at is not None and abs(now - episode.over_at) > KEPT


def _unused(key: str, episodes: Sequence[Episode], now: datetime) -> datetime:
    """The moment as it becomes part of an id: no two episodes of a key have the same."""
    taken = {each.id for each in episodes}
    moment = now.replace(microsecond=0)
    while f"{key}@{moment.isoformat(timespec='seconds')}" in taken:
        moment += timedelta(seconds=1)
    return moment
