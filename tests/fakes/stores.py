"""In-memory book, ledger, activity log and feed store: what the services' tests run on.

They pass the same contract suites as the database (tests/contract), and they give way to other
tasks once at each call, as the real ones do, so that a race in a service shows here too.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from companion.domain.appointments import Appointment
from companion.domain.errors import BadInput
from companion.domain.reconcile import LedgerEntry
from companion.domain.sync_state import SyncState
from companion.services.changes import ActivityAdded, Changes, FeedLinksChanged, SyncStateChanged
from companion.services.ports import Activity, ActivityKind, CalendarRef, FeedLink, Fetch
from tests.fakes.book_store import MemoryBook, newest


class MemoryLedger:
    """A Ledger."""

    def __init__(self, changes: Changes | None = None) -> None:
        self.publishes_to = changes or Changes()
        self._rows: dict[CalendarRef, dict[str, LedgerEntry]] = {}
        self._states: dict[str, str] = {}

    async def entries(self, calendar: CalendarRef) -> list[LedgerEntry]:
        await asyncio.sleep(0)
        return list(self._rows.get(calendar, {}).values())

    async def entries_between(
        self, calendars: Sequence[CalendarRef], start: datetime, end: datetime
    ) -> dict[CalendarRef, dict[str, LedgerEntry]]:
        await asyncio.sleep(0)
        found = {
            calendar: {
                key: entry
                for key, entry in self._rows.get(calendar, {}).items()
                if entry.begins < end and entry.ends > start
            }
            for calendar in calendars
        }
        return {calendar: rows for calendar, rows in found.items() if rows}

    async def write(
        self,
        calendar: CalendarRef,
        put: Iterable[LedgerEntry] = (),
        drop: Iterable[str] = (),
    ) -> None:
        await asyncio.sleep(0)
        rows = dict(self._rows.get(calendar, {}))
        for key in drop:
            rows.pop(key, None)
        rows.update((entry.key, entry) for entry in put)
        self._rows[calendar] = rows

    async def calendars(self, practitioner_id: str) -> list[str]:
        await asyncio.sleep(0)
        return sorted(
            calendar.calendar_id
            for calendar, rows in self._rows.items()
            if rows and calendar.practitioner_id == practitioner_id
        )

    async def state(self, practitioner_id: str) -> SyncState:
        await asyncio.sleep(0)
        return self._state(practitioner_id)

    async def edit_state(
        self,
        practitioner_id: str,
        edit: Callable[[SyncState], SyncState],
        *,
        even_overtaken: bool = False,
    ) -> tuple[SyncState, SyncState]:
        await asyncio.sleep(0)
        before = self._state(practitioner_id)
        after = edit(before)
        self._states[practitioner_id] = json.dumps(after.to_json())
        if after != before:
            self.publishes_to.publish(SyncStateChanged(practitioner_id=practitioner_id))
        return before, after

    async def states(self) -> dict[str, SyncState]:
        await asyncio.sleep(0)
        return {name: self._state(name) for name in self._states}

    def _state(self, practitioner_id: str) -> SyncState:
        return SyncState.from_json(json.loads(self._states.get(practitioner_id, "{}")))


class MemoryActivity:
    """An ActivityLog."""

    def __init__(self, changes: Changes | None = None) -> None:
        self.publishes_to = changes or Changes()
        self.lines: list[Activity] = []
        """In the order they came."""

    async def add(self, lines: Sequence[Activity]) -> None:
        await asyncio.sleep(0)
        if lines:
            self.lines.extend(lines)
            self.publishes_to.publish(ActivityAdded())

    async def recent(
        self,
        limit: int = 50,
        practitioner_id: str | None = None,
        *,
        kind: ActivityKind | None = None,
    ) -> list[Activity]:
        await asyncio.sleep(0)
        wanted = [
            each
            for each in self.lines
            if practitioner_id in {None, each.practitioner_id} and kind in {None, each.kind}
        ]
        return newest(wanted, limit)

    async def prune(self, before: datetime) -> int:
        await asyncio.sleep(0)
        kept = [each for each in self.lines if each.at >= before]
        gone = len(self.lines) - len(kept)
        self.lines[:] = kept
        return gone


class MemoryFeeds:
    """A FeedStore."""

    def __init__(self, changes: Changes | None = None) -> None:
        self.publishes_to = changes or Changes()
        self._links: dict[str, FeedLink] = {}

    async def links(self, practitioner_id: str | None = None) -> list[FeedLink]:
        await asyncio.sleep(0)
        wanted = (e for e in self._links.values() if practitioner_id in {None, e.practitioner_id})
        return sorted(wanted, key=lambda each: (each.created_at, each.id))

    async def by_token_hash(self, token_hash: bytes) -> FeedLink | None:
        await asyncio.sleep(0)
        return next((e for e in self._links.values() if e.token_hash == token_hash), None)

    async def put(self, link: FeedLink) -> None:
        await asyncio.sleep(0)
        others = (each for each in self._links.values() if each.id != link.id)
        if any(each.token_hash == link.token_hash for each in others):
            raise BadInput("Two feed links bear the same secret.")
        self._links[link.id] = link
        self.publishes_to.publish(FeedLinksChanged())

    async def remove(self, feed_id: str) -> None:
        await asyncio.sleep(0)
        self._links.pop(feed_id, None)
        self.publishes_to.publish(FeedLinksChanged())

    async def fetched(self, feed_id: str, fetch: Fetch) -> None:
        await asyncio.sleep(0)
        link = self._links.get(feed_id)
        if link is not None:
            self._links[feed_id] = fetch.noted_in(link)


class MemoryStores:
    """The four together, named as in `open_database`."""

    def __init__(self, changes: Changes | None = None) -> None:
        self.book = MemoryBook(changes)
        self.ledger = MemoryLedger(changes)
        self.feeds = MemoryFeeds(changes)
        self.activity = MemoryActivity(changes)

    @property
    def kept(self) -> Mapping[str, Appointment]:
        """The book as it is, by id."""
        return self.book._kept

    def copied(self) -> MemoryStores:
        return copy.deepcopy(self)

    def put_back(self, copied: MemoryStores) -> MemoryStores:
        """What is there from then on."""
        return copy.deepcopy(copied)

    def lose_ledger(self, *, states: bool) -> None:
        self.ledger._rows.clear()
        if states:
            self.ledger._states.clear()
