"""KnownNames: the names of the practice's clients as the book knows them now, kept between uses.

The book numbers names as they come, so that asking again costs one look for newer ones.
"""

from __future__ import annotations

from companion.domain.client_names import NOBODY, ClientNames
from companion.services.pools import SYNC
from companion.services.ports import AppointmentBook

_A_FEW = 100
"""Names that are added at once, without a thread."""


class KnownNames:
    def __init__(self, book: AppointmentBook) -> None:
        self._book = book
        self._names = NOBODY
        self._newest = 0

    async def current(self) -> ClientNames:
        """Present and former names alike; the same object while no name is new. What the book
        gave before this call is covered. Raises StoreError."""
        rows = await self._book.client_names(self._newest)
        if not rows:
            return self._names
        pairs = [(each.first, each.last) for each in rows]
        if len(pairs) > _A_FEW:
            extended = await SYNC.run(self._names.with_names, pairs)
        else:
            extended = self._names.with_names(pairs)
        # Another call may have read them meanwhile: names only ever come.
        self._names = extended if len(extended) >= len(self._names) else self._names
        self._newest = max(self._newest, rows[-1].number)
        return self._names
