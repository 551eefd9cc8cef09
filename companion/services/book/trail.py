"""Trail: the last edits of one window, newest undone first.

Undoing writes, and so raises revisions: the edits before it, which led to the very state that is
back now, get the new revision, so that they can be undone after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from companion.services.book.booking import Booking, Edit

MOST = 20


class Trail:
    def __init__(self) -> None:
        self._edits: deque[Edit] = deque(maxlen=MOST)

    def add(self, edit: Edit) -> None:
        self._edits.append(edit)

    @property
    def last(self) -> str:
        """What would be undone, in words; empty when there is nothing."""
        return self._edits[-1].what if self._edits else ""

    async def undo(self, booking: Booking) -> Edit | None:
        """Undo the newest edit; None when there is none. One that cannot be undone is dropped:
        raises ChangedMeanwhile."""
        if not self._edits:
            return None
        edit = self._edits.pop()
        undone = await booking.undo(edit)
        back = {
            key: (each.revision, undone.after[key])
            for key, each in edit.before.items()
            if each is not None
        }
        rebased = [replace(each, after=_renewed(each.after, back)) for each in self._edits]
        self._edits = deque(rebased, maxlen=MOST)
        return undone


def _renewed(after: Mapping[str, int], back: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    known = dict(after)
    for key, (then, now) in back.items():
        if known.get(key) == then:
            known[key] = now
    return known
