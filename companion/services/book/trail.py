"""Trail: the last edits of one window, undone newest first, and done again in turn.

Undoing writes, and so raises revisions: the other edits of the trail, which led to or begin at the
very state that is back now, get the new revision, so that they can be undone, or done again, after
it. An undone edit is itself an `Edit`: undoing that does it again.
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
        self._undone: deque[Edit] = deque(maxlen=MOST)

    def add(self, edit: Edit) -> None:
        """What was undone before it cannot be done again."""
        self._edits.append(edit)
        self._undone.clear()

    @property
    def last(self) -> str:
        """What would be undone, in words; empty when there is nothing."""
        return self._edits[-1].what if self._edits else ""

    @property
    def next(self) -> str:
        """What would be done again, in words; empty when there is nothing."""
        return self._undone[-1].what if self._undone else ""

    async def undo(self, booking: Booking) -> Edit | None:
        """Undo the newest edit; None when there is none. One that cannot be undone is dropped:
        raises ChangedMeanwhile."""
        return await self._back(booking, self._edits, self._undone)

    async def redo(self, booking: Booking) -> Edit | None:
        """Do again what was undone last; as `undo`."""
        return await self._back(booking, self._undone, self._edits)

    async def _back(self, booking: Booking, taken: deque[Edit], given: deque[Edit]) -> Edit | None:
        if not taken:
            return None
        edit = taken.pop()
        back = replace(await booking.undo(edit), what=edit.what)
        moved = {
            key: (each.revision, back.after[key])
            for key, each in edit.before.items()
            if each is not None
        }
        for edits in (self._edits, self._undone):
            renewed = [replace(each, after=_renewed(each.after, moved)) for each in edits]
            edits.clear()
            edits.extend(renewed)
        given.append(back)
        return back


def _renewed(after: Mapping[str, int], moved: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    known = dict(after)
    for key, (then, now) in moved.items():
        if known.get(key) == then:
            known[key] = now
    return known
