"""Workspace: everybody of a practice connected at once, by its service account.

Each practitioner with a Google Login gets a calendar, made once or found again, some at a time. Who
has no login, and whom Google refuses, is named; the others go on. What fails for a moment is tried
again; where Google cannot be reached at all, the rest is left. Running it again does what is left:
whoever is connected costs no call.

A run that was begun on a page belongs to the program: it goes on when the page is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from companion.domain.errors import (
    ClientFileMissing,
    CompanionError,
    Offline,
    TransientError,
)
from companion.domain.settings import PractitionerSettings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.google.connecting import Connecting
from companion.services.google.delegating import login_of
from companion.services.google.joining import Connected
from companion.services.ports import Clock, SettingsStore

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Practitioners connected side by side."""
PAUSES = (2.0, 8.0)
"""Seconds before what failed for a moment is tried again."""
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedConnection:
    practitioner_id: str
    name: str
    login: str
    error: CompanionError


@dataclass(slots=True, kw_only=True)
class WorkspaceRun:
    """How far it is, and what came of it. Names are in the practitioners' order of the start."""

    total: int = 0
    """Practitioners to connect."""
    connected: list[Connected] = field(default_factory=list)
    refused: list[RefusedConnection] = field(default_factory=list)
    already: tuple[str, ...] = ()
    """Names of those who were connected before."""
    without_login: tuple[str, ...] = ()
    not_tried: tuple[str, ...] = ()
    """Names of those left when it was stopped."""
    stopped_by: CompanionError | None = None
    """Why nobody else was tried, where it was not a person."""
    running: bool = True

    @property
    def done(self) -> int:
        return len(self.connected) + len(self.refused)

    def reasons(self) -> list[tuple[CompanionError, list[RefusedConnection]]]:
        """Those refused, by what is to be done about it."""
        found: dict[str, tuple[CompanionError, list[RefusedConnection]]] = {}
        for each in self.refused:
            found.setdefault(str(each.error), (each.error, []))[1].append(each)
        return list(found.values())


class Workspace:
    def __init__(self, *, connecting: Connecting, settings: SettingsStore, clock: Clock) -> None:
        self._connecting = connecting
        self._settings = settings
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._run: WorkspaceRun | None = None
        self._stopping = False

    @allows(Action.PRACTICE)
    def latest(self) -> WorkspaceRun | None:
        """The run under way, or the last one of this process."""
        return self._run

    @allows(Action.PRACTICE)
    def begin(self) -> None:
        """Start a run unless one is under way; returns at once. Calendars then wait for a person
        to press Upload to Google."""
        if self._run is None or not self._run.running:
            self._run = WorkspaceRun()
            self._task = asyncio.create_task(self._in_background(self._run))

    @allows(Action.PRACTICE)
    def cancel(self) -> None:
        """Try nobody else; those under way are finished."""
        self._stopping = True

    async def connect_all(
        self,
        progress: Callable[[WorkspaceRun], None] = lambda _run: None,
        *,
        take_over: bool = False,
    ) -> WorkspaceRun:
        """`progress` is called after each practitioner. `take_over`: calendars of an earlier
        installation too. Raises ClientFileMissing without a key."""
        run = self._run = WorkspaceRun()
        try:
            await self._go(run, progress, upload_by_hand=False, take_over=take_over)
        finally:
            run.running = False
        return run

    async def _in_background(self, run: WorkspaceRun) -> None:
        try:
            await self._go(run, lambda _run: None, upload_by_hand=True)
        except CompanionError as error:
            run.stopped_by = error
        except Exception as error:  # noqa: BLE001 - a task has no caller that could show the error
            log.error("connecting everybody failed: %s", type(error).__name__)
            run.stopped_by = CompanionError(detail=type(error).__name__)
        finally:
            run.running = False

    async def _go(
        self,
        run: WorkspaceRun,
        progress: Callable[[WorkspaceRun], None],
        *,
        upload_by_hand: bool,
        take_over: bool = False,
    ) -> None:
        self._stopping = False
        account = await self._connecting.service_account()
        if account is None:
            raise ClientFileMissing(
                "The key of a service account has not been added yet.",
                "Add it once: python run.py google client FILE, or Practice > Google Workspace.",
            )
        people = [*self._settings.read().practitioners.values()]
        there = [each for each in people if _is_there(each, account.client_id)]
        rest = [each for each in people if not _is_there(each, account.client_id)]
        waiting = deque(each for each in rest if login_of(each))
        run.total = len(waiting)
        run.already = _names(there)
        run.without_login = _names(each for each in rest if not login_of(each))
        progress(run)

        async def some() -> None:
            while waiting and not self._stopping and run.stopped_by is None:
                await self._connect(
                    run, waiting.popleft(), upload_by_hand=upload_by_hand, take_over=take_over
                )
                progress(run)

        try:
            await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        finally:
            order = [each.practitioner.id for each in people]
            run.connected.sort(key=lambda each: order.index(each.practitioner_id))
            run.refused.sort(key=lambda each: order.index(each.practitioner_id))
            run.not_tried = _names(waiting)

    async def _connect(
        self,
        run: WorkspaceRun,
        record: PractitionerSettings,
        *,
        upload_by_hand: bool,
        take_over: bool,
    ) -> None:
        try:
            connected = await self._patiently(
                record, upload_by_hand=upload_by_hand, take_over=take_over
            )
        except CompanionError as found:
            error = found
        except Exception as unexpected:  # noqa: BLE001 - one practitioner's error must not stop the rest
            log.error("a practitioner could not be connected: %s", type(unexpected).__name__)
            error = CompanionError(detail=type(unexpected).__name__)
        else:
            run.connected.append(connected)
            return
        if isinstance(error, Offline):
            run.stopped_by = error
        person = record.practitioner
        run.refused.append(
            RefusedConnection(
                practitioner_id=person.id, name=person.name, login=login_of(record), error=error
            )
        )

    async def _patiently(
        self, record: PractitionerSettings, *, upload_by_hand: bool, take_over: bool
    ) -> Connected:
        switched_off = record.google.connected and not record.choices.enabled
        connect = partial(
            self._connecting.delegate,
            record.practitioner.id,
            take_over=take_over,
            upload_by_hand=upload_by_hand,
            enable=not switched_off,
        )
        for pause in PAUSES:
            try:
                return await connect()
            except TransientError as error:
                if self._stopping:
                    raise
                await self._clock.sleep(min(LONGEST_PAUSE, max(pause, error.retry_after or 0.0)))
        return await connect()


def _is_there(record: PractitionerSettings, client_id: str) -> bool:
    return record.google.connected and record.google.delegated == client_id


def _names(people: Iterable[PractitionerSettings]) -> tuple[str, ...]:
    return tuple(each.practitioner.name for each in people)
