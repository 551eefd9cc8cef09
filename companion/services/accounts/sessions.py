"""Sessions: who is signed in, known by the hash of the browser's cookie.

A session ends by signing out, by doing nothing for the practice's *idle* time, after twelve hours
whatever happens, and when the user is removed or their `epoch` has risen (a new password, *sign
out everywhere*), also when a command in another process did it. What counts as doing something is
a page that is opened and a button or field that is used; what a page does by itself does not.

Kept by the SessionStore, so that a restart of the program ends no session. The last activity is
written once a minute at most: a crash loses that much of the idle time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from companion.domain.errors import CompanionError
from companion.domain.tokens import token_hash
from companion.domain.users import User
from companion.services.ports import Clock, SettingsStore

LONGEST = timedelta(hours=12)
MOST = 200
WRITE_EVERY = timedelta(minutes=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    user_id: str
    epoch: int
    """Of the user when it was begun."""
    began_at: datetime
    seen_at: datetime
    lasting: bool = False
    """Ends neither by idling nor by age: the demo's."""


class SessionStore(Protocol):
    def load(self) -> Mapping[str, Session]:
        """By the hash of the token; what cannot be read counts as none."""
        ...

    async def save(self, sessions: Mapping[str, Session]) -> None:
        """Raises StoreError."""
        ...


class Sessions:
    def __init__(
        self,
        *,
        store: SessionStore,
        settings: SettingsStore,
        clock: Clock,
        token: Callable[[], str],
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._token = token
        self._sessions = dict(store.load())
        self._written_at: datetime | None = None

    async def begin(self, user: User, *, lasting: bool = False) -> str:
        """The new session's token, for the browser's cookie."""
        token, now = self._token(), self._clock.now()
        self._sessions = {key: e for key, e in self._sessions.items() if self._user(e) is not None}
        while len(self._sessions) >= MOST:
            oldest = min(self._sessions, key=lambda key: self._sessions[key].seen_at)
            del self._sessions[oldest]
        self._sessions[token_hash(token)] = Session(
            user_id=user.id, epoch=user.epoch, began_at=now, seen_at=now, lasting=lasting
        )
        await self._save()
        return token

    def user(self, hashed: str) -> User | None:
        """Who is signed in; None when that session has ended or never was."""
        session = self._sessions.get(hashed)
        return None if session is None else self._user(session)

    def seen(self, hashed: str) -> None:
        """The person did something; nothing when the session has ended."""
        session = self._sessions.get(hashed)
        if session is not None and self._user(session) is not None:
            self._sessions[hashed] = replace(session, seen_at=self._clock.now())

    async def keep(self) -> None:
        """Save the last activity of each session; called at intervals while the program runs."""
        now = self._clock.now()
        if self._written_at is None or now - self._written_at >= WRITE_EVERY:
            await self._save()

    async def end(self, hashed: str) -> None:
        if self._sessions.pop(hashed, None) is not None:
            await self._save()

    def count(self, user_id: str) -> int:
        """Of the user's sessions that live."""
        mine = (each for each in self._sessions.values() if each.user_id == user_id)
        return sum(self._user(each) is not None for each in mine)

    def _user(self, session: Session) -> User | None:
        settings = self._settings.read()
        user = settings.users.get(session.user_id)
        if user is None or user.epoch != session.epoch:
            return None
        now = self._clock.now()
        idle = now - session.seen_at > settings.practice.idle_sign_out
        if not session.lasting and (idle or now - session.began_at > LONGEST):
            return None
        return user

    async def _save(self) -> None:
        self._written_at = self._clock.now()
        self._sessions = {key: e for key, e in self._sessions.items() if self._user(e) is not None}
        try:
            await self._store.save(dict(self._sessions))
        except CompanionError as error:  # signed in until the program ends: better than not at all
            log.warning("The sessions were not saved: %s", error.detail or type(error).__name__)
