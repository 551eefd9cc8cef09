"""UploadBoard: the board and the running uploads, shared by every open page.

Uploads belong here, not to a page: closing a tab stops nothing and a second tab sees the same
progress. Pages look at `version` a few times a second (an integer, free) and redraw what differs.
The board is read again when something happened or when it is a few seconds old, one reading at a
time, and only while a page is open.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from companion.domain.errors import CompanionError
from companion.services.access.policy import Action
from companion.services.access.rules import allows, allows_signed_in
from companion.web.ui import formatting
from companion.web.ui.error_reports import log_unexpected

if TYPE_CHECKING:
    from companion.domain.sync_state import Held
    from companion.services.assembly import Application
    from companion.services.status import Board, PractitionerStatus
    from companion.services.sync.passes import PassResult
    from companion.services.sync.progress import Progress

_log = logging.getLogger(__name__)
BOARD_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the last upload of one practitioner ended, for the card."""

    sentence: str
    good: bool


def _outcome_of(written: PassResult) -> Outcome:
    good = written.error is None and not written.failed
    return Outcome(sentence=formatting.pass_sentence(written), good=good)


class UploadBoard:
    def __init__(self, services: Application) -> None:
        self._services = services
        self._board: Board | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._uploads: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, Progress] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._version = 0
        services.syncing.subscribe(self._on_progress)
        services.changes.subscribe(lambda _: self._read_soon())

    @property
    @allows_signed_in
    def version(self) -> int:
        """Rises whenever something to be seen may have changed."""
        return self._version

    def _on_progress(self, progress: Progress) -> None:
        if progress.phase.running:
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
        """The board as of now; raises CompanionError."""
        self._read_at = self._services.clock.monotonic()  # what changes meanwhile is read again
        self._board = await self._services.status.board()
        self._version += 1
        return self._board

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
        return self._board

    async def _read_quietly(self) -> None:
        try:
            await self.board()
        except CompanionError as error:  # the page keeps what it has; the next reading may do
            _log.warning("The board could not be read: %s", error.detail or type(error).__name__)

    @allows(Action.SEE_STATUS, somewhere=True)
    def progress(self, status: PractitionerStatus) -> Progress | None:
        """The freshest known progress of a running upload."""
        identity = status.practitioner.id
        seen = self._progress.get(identity)
        return seen or self._services.syncing.running(identity)

    @allows(Action.SEE_STATUS, of="practitioner_id")
    def outcome(self, practitioner_id: str) -> Outcome | None:
        return self._outcomes.get(practitioner_id)

    @allows(Action.SEE_STATUS, somewhere=True)
    def under_way(self) -> dict[str, Progress | None]:
        """By practitioner: how far a running upload is, None for one that is starting."""
        starting = dict.fromkeys(each for each in self._uploads if self.uploading(each))
        return {**starting, **self._progress}

    @allows(Action.SEE_STATUS, of="practitioner_id")
    def uploading(self, practitioner_id: str) -> bool:
        task = self._uploads.get(practitioner_id)
        return task is not None and not task.done()

    @allows(Action.UPLOAD, of="practitioner_id")
    def upload(self, practitioner_id: str, *, release: Held | None = None) -> None:
        """Begin an upload unless one is under way; returns at once. `release`: the removals that
        were shown to the person who lets them go; they follow whatever is under way."""
        if self.uploading(practitioner_id) and release is None:
            return
        self._outcomes.pop(practitioner_id, None)
        self._uploads[practitioner_id] = asyncio.create_task(self._upload(practitioner_id, release))
        self._version += 1

    async def _upload(self, practitioner_id: str, release: Held | None) -> None:
        try:
            result = await self._services.uploads.run(
                practitioner_id,
                release=release,
                on_written=lambda written: self._finish(practitioner_id, _outcome_of(written)),
            )
            outcome = _outcome_of(result.written)
        except CompanionError as error:
            outcome = Outcome(sentence=f"{error.what} {error.remedy}", good=False)
        except asyncio.CancelledError:
            outcome = Outcome(
                sentence="Stopped. What was written stays; go on any time.", good=True
            )
        except Exception as error:  # noqa: BLE001 - a task has no caller that could show the error
            shown = log_unexpected(error)
            outcome = Outcome(sentence=f"{shown.what} {shown.remedy}", good=False)
        self._finish(practitioner_id, outcome)

    def _finish(self, practitioner_id: str, outcome: Outcome) -> None:
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
        status = next(found, None)
        return None if status is None else replace(status, progress=self.progress(status))
