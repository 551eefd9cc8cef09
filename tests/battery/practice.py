"""A practice that is open every day, whose book is imported each day from a watched folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from companion.domain.event_keys import is_notice
from companion.domain.events import Content
from companion.domain.expectations import Expected
from companion.domain.opening_hours import Opening
from companion.domain.settings import RemoteSettings, SourceSettings
from companion.services.ports import BookChange, ImportRecord
from companion.services.sync.staleness import Staleness
from companion.services.sync.syncing import Syncing
from tests.battery.world import ANNA, World, appointment
from tests.fakes.clock import FakeClock

IMPORTED = datetime(2026, 3, 2, 21, 12, tzinfo=UTC)


class Practice(World):
    """A world open on every day, whose book is imported each day from a watched folder."""

    def __init__(self, *people: str, clock: FakeClock | None = None) -> None:
        self.fetched: dict[str, datetime] = {}
        """By source, when what it gave was last in the book."""
        super().__init__(*people, clock=clock)
        self.expects(Expected.DAILY, Opening(days=frozenset(range(7))))

    def expects(
        self,
        expected: Expected,
        opening: Opening | None = None,
        *,
        folder: str = "/exports",
        remote: RemoteSettings | None = None,
    ) -> None:
        source = SourceSettings(
            name="nookal", folder="" if remote else folder, remote=remote, expected=expected
        )
        practice = replace(self.settings.current.practice, opening=opening or Opening())
        changed = replace(self.settings.current, practice=practice)
        self.settings.current = changed.with_source(source)

    def restart(self) -> None:
        super().restart()
        self.staleness = Staleness(
            book=self.book,
            ledger=self.ledger,
            settings=self.settings,
            clock=self.clock,
            fetched=self._fetched,
        )
        parts = replace(self.syncing._parts, stale_since=self.staleness.for_google)
        self.syncing = Syncing(parts, self.changes)
        self.auditing._syncing = self.syncing
        self.worker = self.new_worker(self.staleness)

    async def _fetched(self) -> dict[str, datetime]:
        return self.fetched

    async def imported(self, at: datetime | None = None) -> None:
        record = ImportRecord(
            source="nookal",
            at=at or self.clock.now(),
            file_name="export.csv",
            added=0,
            changed=0,
            removed=0,
            unchanged=1,
            rejected=0,
        )
        await self.stores.book.apply(BookChange(imported=record), self.clock.now())

    def notices(self, practitioner_id: str = ANNA) -> list[Content]:
        return [each.content for each in self.remote(practitioner_id).ours() if is_notice(each.key)]

    async def uploaded(self, *people: str) -> None:
        """Ten appointments, in Google, from an import at 08:12."""
        self.clock.set(IMPORTED)
        await self.put(*(appointment(100 + number) for number in range(10)))
        await self.imported()
        for who in people or (ANNA,):
            assert (await self.run(who)).error is None

    async def two_days_later(self) -> None:
        self.clock.shift(49 * 3600)
        await self.staleness.look()
