"""What a link's record says about it: its state, who fetches it and how often."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from companion.services.feeds.links import off_at
from companion.services.ports import FeedLink

State = Literal["in use", "new", "unused", "expired", "switched off"]

# By what the User-Agent's product begins with, in lower case; the first that fits counts.
_CLIENTS = (
    ("google-calendar", "Google Calendar"),
    ("google", "Google"),
    ("dataaccessd", "iPhone or Mac"),
    ("ios/", "iPhone or iPad"),
    ("accountsd", "iPhone or Mac"),
    ("macos", "Mac"),
    ("calendaragent", "Mac"),
    ("icsx5", "ICSx5 (Android)"),
    ("thunderbird", "Thunderbird"),
    ("microsoft", "Outlook"),
    ("outlook", "Outlook"),
    ("exchange", "Outlook"),
    ("evolution", "Evolution"),
    ("kcalendar", "KOrganizer"),
    ("nextcloud", "Nextcloud"),
    ("vdirsyncer", "vdirsyncer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    link: FeedLink
    state: State
    """``new``: not fetched yet; ``unused``: not fetched for too long."""
    client: str
    """In plain words; empty when the program did not name itself."""
    interval: timedelta | None
    """How often it is fetched, measured; None until there were two fetches."""

    @property
    def works(self) -> bool:
        return self.state in {"in use", "new", "unused"}


def facts_of(link: FeedLink, now: datetime, unused_after: timedelta) -> LinkFacts:
    return LinkFacts(
        link=link,
        state=_state(link, now, unused_after),
        client=client_name(link.last_client),
        # The median: a phone that was off for a night says nothing about the other days.
        interval=timedelta(seconds=statistics.median(link.intervals)) if link.intervals else None,
    )


def _state(link: FeedLink, now: datetime, unused_after: timedelta) -> State:
    if link.revoked_at is not None:
        return "switched off"
    if off_at(link, now) is not None:
        return "expired"
    if now - (link.last_fetched_at or link.created_at) >= unused_after:
        return "unused"
    return "in use" if link.last_fetched_at else "new"


def client_name(product: str) -> str:
    """``Google Calendar`` for ``Google-Calendar-Importer``; an unknown one by its own name."""
    wanted = product.lower()
    for start, name in _CLIENTS:
        if wanted.startswith(start):
            return name
    return product.partition("/")[0]
