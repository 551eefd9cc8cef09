"""Standing: how all calendars of the practice stand, in one mood and one sentence, for the tray."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from companion.services.status import NEEDS_A_PERSON, Board
from companion.services.sync.auditing import clock_time

Mood = Literal["well", "working", "waiting", "offline", "paused"]
"""Of the whole practice: all is well · Google is being written to · a person is needed · Google
cannot be reached · a person has paused the sync."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How all calendars stand, as the tray shows it; names nobody."""

    mood: Mood
    sentence: str


def standing(board: Board, now: datetime, *, files: int = 0) -> Standing:
    """`files`: exports that wait for an answer."""
    kept = [each for each in board.practitioners if each.connected and each.enabled]
    need = sum(each.state in NEEDS_A_PERSON for each in board.practitioners)
    zone = board.practice.timezone
    if board.paused_until is not None:
        until = clock_time(board.paused_until, zone, now)
        return Standing(mood="paused", sentence=f"Paused until {until}.")
    keeping = board.keeping
    if keeping is not None and keeping.remedy:
        return Standing(mood="waiting", sentence=keeping.sentence)
    if need or files:
        waiting = [f"{need} calendar{' needs' if need == 1 else 's need'} you"] if need else []
        if files:
            waiting.append(f"{files} import{' waits' if files == 1 else 's wait'} for an answer")
        return Standing(mood="waiting", sentence=f"{' and '.join(waiting)}.")
    if any(each.state == "offline" for each in kept):
        return Standing(mood="offline", sentence="Google cannot be reached; it is tried again.")
    if any(each.progress is not None for each in kept):
        return Standing(mood="working", sentence="Writing to Google now.")
    if not kept:
        return Standing(mood="well", sentence="No calendar is connected to Google yet.")
    last = min((each.last_sync for each in kept if each.last_sync), default=None)
    at = f", {clock_time(last, zone, now)}" if last else ""
    by = f" {keeping.sentence}" if keeping is not None and not keeping.here else ""
    return Standing(mood="well", sentence=f"All calendars are up to date{at}.{by}")
