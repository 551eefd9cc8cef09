"""RunsElsewhere: passes of other workstations, as if they ran here, and those of here for them.

Numbers travel, no word of the book: at most twice a second for each practitioner, and every five
seconds while a pass waits. A pass of another workstation is over when it says so, when nobody has
the practitioner's lock any more after some seconds of silence, or when nothing has come for 15
seconds. Each has a number of its own, so that a request to stop never stops another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from companion.domain.errors import CompanionError
from companion.services.ports import Clock, Messages
from companion.services.sync.progress import Progress, SyncPhase

PROGRESS, STOP = "progress", "stop"
"""Topics."""
SHORTEST, LONGEST = 0.5, 5.0
"""Seconds between two messages about one pass."""
DOUBTED, SILENT = 6.0, 15.0
"""Seconds without a message: then the lock is asked for, and then the pass is over in any case."""
LOOK_EVERY = 1.0


@dataclass(slots=True, kw_only=True)
class _OwnRun:
    progress: Progress
    run: str
    sent: Progress | None = None
    sent_at: float = float("-inf")


@dataclass(slots=True, kw_only=True)
class _OtherRun:
    progress: Progress
    run: str
    heard_at: float


class RunsElsewhere:
    def __init__(
        self,
        messages: Messages | None,
        clock: Clock,
        *,
        publish: Callable[[Progress], None],
        stop: Callable[[str, str], None],
        works: Callable[[str], Awaitable[bool]],
    ) -> None:
        """`messages`: None for a home that is not shared. `publish` shows what others do; `stop` is
        called with practitioner and run when another workstation asks for it; `works`: whether some
        workstation has that practitioner's lock, raises CompanionError."""
        self._messages = messages
        self._clock = clock
        self._publish = publish
        self._stop = stop
        self._works = works
        self._ours: dict[str, _OwnRun] = {}
        self._theirs: dict[str, _OtherRun] = {}
        self._over = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        if messages is not None:
            messages.subscribe(PROGRESS, self._on_progress)
            messages.subscribe(STOP, self._on_stop)

    # ── what runs here ────────────────────────────────────────────────────────────────────────

    def show(self, progress: Progress, run: str) -> None:
        """A step of a pass of this process."""
        if self._messages is None:
            return
        ours = self._ours.get(progress.practitioner_id)
        if ours is None or ours.run != run:
            ours = self._ours[progress.practitioner_id] = _OwnRun(progress=progress, run=run)
        ours.progress = progress
        if not progress.phase.running:
            self._send(ours)
            del self._ours[progress.practitioner_id]
            return
        self._send_if_due(ours)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._keep_sending())

    async def _keep_sending(self) -> None:
        while self._ours:
            await self._clock.sleep(SHORTEST)
            for each in tuple(self._ours.values()):
                self._send_if_due(each)

    def _send_if_due(self, ours: _OwnRun) -> None:
        passed = self._clock.monotonic() - ours.sent_at
        if passed >= LONGEST or (passed >= SHORTEST and ours.progress != ours.sent):
            self._send(ours)

    def _send(self, ours: _OwnRun) -> None:
        progress = ours.progress
        ours.sent, ours.sent_at = progress, self._clock.monotonic()
        if self._messages is not None:
            left = progress.seconds_left
            fields = {
                "of": progress.practitioner_id,
                "run": ours.run,
                "phase": progress.phase.value,
                "done": progress.done,
                "total": progress.total,
                "left": None if left is None else round(left),
            }
            self._messages.send(PROGRESS, fields)

    # ── what runs elsewhere ───────────────────────────────────────────────────────────────────

    def running(self, practitioner_id: str) -> Progress | None:
        theirs = self._theirs.get(practitioner_id)
        return theirs.progress if theirs is not None else None

    def ask_to_stop(self, practitioner_id: str) -> None:
        theirs = self._theirs.get(practitioner_id)
        if theirs is not None and self._messages is not None:
            self._messages.send(STOP, {"of": practitioner_id, "run": theirs.run})

    async def until_over(self, practitioner_id: str) -> None:
        """Returns once no other workstation is in a pass of this practitioner."""
        while practitioner_id in self._theirs:
            self._over.clear()
            await self._over.wait()

    def _on_progress(self, fields: Mapping[str, Any]) -> None:
        try:
            progress, run = _progress_of(fields), str(fields["run"])
        except (KeyError, TypeError, ValueError):  # of a later version
            return
        practitioner_id = progress.practitioner_id
        known = self._theirs.get(practitioner_id)
        if progress.phase.running:
            self._theirs[practitioner_id] = _OtherRun(
                progress=progress, run=run, heard_at=self._clock.monotonic()
            )
            self._publish(progress)
            if self._listening is None or self._listening.done():
                self._listening = asyncio.create_task(self._notice_silence())
        elif known is not None and known.run == run:
            self._end(practitioner_id, progress)

    async def _notice_silence(self) -> None:
        while self._theirs:
            await self._clock.sleep(LOOK_EVERY)
            for practitioner_id, each in tuple(self._theirs.items()):
                silent_for = self._clock.monotonic() - each.heard_at
                over = silent_for >= SILENT or (
                    silent_for >= DOUBTED and not await self._may_work(practitioner_id)
                )
                if over and self._theirs.get(practitioner_id) is each:
                    self._end(practitioner_id, replace(each.progress, phase=SyncPhase.CANCELLED))

    async def _may_work(self, practitioner_id: str) -> bool:
        try:
            return await self._works(practitioner_id)
        except CompanionError:
            return True

    def _end(self, practitioner_id: str, last: Progress) -> None:
        del self._theirs[practitioner_id]
        self._over.set()
        self._publish(last)

    def _on_stop(self, fields: Mapping[str, Any]) -> None:
        practitioner_id, run = fields.get("of"), fields.get("run")
        if isinstance(practitioner_id, str) and isinstance(run, str):
            self._stop(practitioner_id, run)


def _progress_of(fields: Mapping[str, Any]) -> Progress:
    left = fields.get("left")
    return Progress(
        practitioner_id=str(fields["of"]),
        done=int(fields["done"]),
        total=int(fields["total"]),
        phase=SyncPhase(fields["phase"]),
        seconds_left=None if left is None else float(left),
        elsewhere=True,
    )
