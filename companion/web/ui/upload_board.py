"""UploadBoard: the board and the running uploads, shared by every open page.

Uploads belong here, not to a page: closing a tab stops nothing and a second tab sees the same
progress. Every page shows the same of a practitioner (`_seen`): the state as last read, a running
pass, and what an upload did for as long as nothing else has happened since.

Pages look at `version` a few times a second (an integer, free) and redraw what differs. The board
is read again when something happened or when it is a few seconds old, one reading at a time, and
only while a page is open.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from companion.domain.errors import CompanionError
from companion.domain.practice_errors import DatabaseAway
from companion.services.access.policy import Action
from companion.services.access.rules import allows, allows_signed_in
from companion.services.last_known import as_last_known
from companion.services.sync.progress import SyncPhase
from companion.services.workstations import away
from companion.web.ui import formatting
from companion.web.ui.error_reports import as_companion_error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from companion.domain.sync_state import Held
    from companion.services.assembly import Application
    from companion.services.status import Board, PractitionerState, PractitionerStatus
    from companion.services.sync.passes import PassResult
    from companion.services.sync.progress import Progress

_log = logging.getLogger(__name__)
BOARD_SECONDS = 3.0


@dataclass(slots=True, kw_only=True)
class _UploadOutcome:
    """How an upload ended, in so far as the state does not say it."""

    did: str = ""
    """``257 added``."""
    problem: CompanionError | None = None
    led_to: PractitionerState | None = None
    """The state when it was read afterwards."""


class UploadBoard:
    def __init__(self, services: Application) -> None:
        self._services = services
        self._board: Board | None = None
        self._known_at: datetime | None = None
        """When `_board` was read."""
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._uploads: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, Progress] = {}
        self._outcomes: dict[str, _UploadOutcome] = {}
        self._version = 0
        self._seen_board: Board | None = None
        self._seen_at = -1
        """The version that `_seen_board` is of."""
        services.syncing.subscribe(self._on_progress)
        services.changes.subscribe(lambda _: self._read_soon())

    @property
    @allows_signed_in
    def version(self) -> int:
        """Rises whenever something to be seen may have changed."""
        return self._version

    def _on_progress(self, progress: Progress) -> None:
        if progress.phase.running:
            written = progress.phase is SyncPhase.WRITING
            if written and not self._uploading(progress.practitioner_id):
                self._outcomes.pop(progress.practitioner_id, None)
            self._progress[progress.practitioner_id] = progress
        else:
            self._progress.pop(progress.practitioner_id, None)
            self._read_soon()
        self._version += 1

    def _read_soon(self) -> None:
        """Something was changed: the board is to be read again."""
        self._read_at = float("-inf")

    @allows(Action.SEE_STATUS, somewhere=True)
    async def board(self) -> Board:
        """The board as of now, or as last read while the server of a shared practice is away;
        raises CompanionError."""
        clock = self._services.clock
        self._read_at, began = clock.monotonic(), clock.now()  # what changes meanwhile: once more
        try:
            self._board, self._known_at = await self._read(), began
        except DatabaseAway:
            if self._board is None:
                raise
            self._board = replace(self._board, keeping=away(), known_until=self._known_at)
        self._forget_what_is_over(self._board.practitioners)
        self._version += 1
        return self._as_seen(self._board)

    async def _read(self) -> Board:
        if not self._services.shared_practice.reachable:
            raise DatabaseAway  # at once, instead of after a while
        return await self._services.status.board()

    @allows(Action.SEE_STATUS, of="practitioner_id")
    async def see(self, practitioner_id: str) -> None:
        """This practitioner as of now, the others as last read; raises CompanionError."""
        board = self._board
        if board is None or not any(
            each.practitioner.id == practitioner_id for each in board.practitioners
        ):
            await self.board()
            return
        now = await self._services.status.one(practitioner_id)
        self._forget_what_is_over([now])
        board = self._board or board  # as read meanwhile
        self._board = replace(
            board,
            practitioners=tuple(
                now if each.practitioner.id == practitioner_id else each
                for each in board.practitioners
            ),
        )
        self._version += 1

    @allows(Action.SEE_STATUS, somewhere=True)
    def latest(self) -> Board | None:
        """The board as last read; begins reading again when it is old."""
        age = self._services.clock.monotonic() - self._read_at
        if age >= BOARD_SECONDS and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read_quietly())
        return self._as_seen(self._board) if self._board is not None else None

    async def _read_quietly(self) -> None:
        try:
            await self.board()
        except DatabaseAway:  # said once, where it is noticed
            return
        except CompanionError as error:  # the page keeps what it has; the next reading may do
            _log.warning("The board could not be read: %s", error.detail or type(error).__name__)

    def _as_seen(self, board: Board) -> Board:
        if self._seen_at != self._version or self._seen_board is None:
            seen = tuple(self._seen(each, board) for each in board.practitioners)
            self._seen_board, self._seen_at = replace(board, practitioners=seen), self._version
        return self._seen_board

    def _forget_what_is_over(self, read: Iterable[PractitionerStatus]) -> None:
        for each in read:
            outcome = self._outcomes.get(each.practitioner.id)
            if outcome is None or each.progress or self._uploading(each.practitioner.id):
                continue
            if outcome.led_to not in {None, each.state}:
                del self._outcomes[each.practitioner.id]
            outcome.led_to = each.state

    def _seen(self, status: PractitionerStatus, board: Board) -> PractitionerStatus:
        identity, away = status.practitioner.id, board.known_until
        progress = self._progress.get(identity) or self._services.syncing.running(identity)
        if progress is not None and not (away and progress.elsewhere):
            sentence = progress.sentence
            return replace(status, progress=progress, state="syncing", sentence=sentence, remedy="")
        outcome = self._outcomes.get(identity)
        if outcome is not None and outcome.problem is not None and status.state == "up to date":
            what, remedy = outcome.problem.what, outcome.problem.remedy
            return replace(status, state="error", sentence=what, remedy=remedy)
        if away is not None:
            return as_last_known(status, away, self._services.clock.now())
        if outcome is None or status.state != "up to date":
            return status
        return replace(status, sentence=f"{status.sentence.rstrip('.')}: {outcome.did}.")

    @allows(Action.SEE_STATUS, somewhere=True)
    def under_way(self) -> dict[str, Progress | None]:
        """By practitioner: how far a running upload is, None for one that is starting."""
        starting = dict.fromkeys(each for each in self._uploads if self._uploading(each))
        return {**starting, **self._progress}

    def _uploading(self, practitioner_id: str) -> bool:
        task = self._uploads.get(practitioner_id)
        return task is not None and not task.done()

    @allows(Action.UPLOAD, of="practitioner_id")
    def upload(self, practitioner_id: str, *, release: Held | None = None) -> None:
        """Begin an upload unless one is under way; returns at once. `release`: the removals that
        were shown to the person who lets them go; they follow whatever is under way."""
        if self._uploading(practitioner_id) and release is None:
            return
        self._outcomes.pop(practitioner_id, None)
        self._uploads[practitioner_id] = asyncio.create_task(self._upload(practitioner_id, release))
        self._version += 1

    async def _upload(self, practitioner_id: str, release: Held | None) -> None:
        outcome = _UploadOutcome()
        try:
            result = await self._services.uploads.run(
                practitioner_id,
                release=release,
                on_written=lambda written: self._finish(practitioner_id, _of(written)),
            )
            outcome = _of(result.written)
        except asyncio.CancelledError:  # the state says how far it came
            outcome.did = "stopped"
        except Exception as error:  # noqa: BLE001 - a task has no caller that could show the error
            outcome.problem = as_companion_error(error)
        self._finish(practitioner_id, outcome)

    def _finish(self, practitioner_id: str, outcome: _UploadOutcome) -> None:
        self._progress.pop(practitioner_id, None)
        self._outcomes[practitioner_id] = outcome
        self._read_soon()
        self._version += 1

    @allows(Action.UPLOAD, of="practitioner_id")
    def cancel(self, practitioner_id: str) -> None:
        """Ask a running upload to stop after the write under way."""
        self._services.uploads.cancel(practitioner_id)
        self._version += 1

    @allows(Action.SEE_STATUS, of="practitioner_id")
    def status_of(self, practitioner_id: str) -> PractitionerStatus | None:
        board = self.latest()
        if board is None:
            return None
        found = (each for each in board.practitioners if each.practitioner.id == practitioner_id)
        return next(found, None)


def _of(written: PassResult) -> _UploadOutcome:
    return _UploadOutcome(did=formatting.written(written))
