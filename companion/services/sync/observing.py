"""Observing: which of our events Google holds, paced like every other call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from companion.domain.calendar_writers import WriterStamp
from companion.domain.event_keys import is_notice
from companion.domain.reconcile import LedgerEntry, LedgerEntryState, ObservedEvent
from companion.domain.window import SyncWindow
from companion.services.ports import RemoteCalendar
from companion.services.sync.pacing import Pacer, Urgency
from companion.services.sync.snapshot import A_DAY
from companion.services.sync.steps import Tally

PAGE = 2500
"""Events in one answer of a list."""


async def list_ours(
    pacer: Pacer,
    account: str,
    remote: RemoteCalendar,
    start: datetime | None,
    end: datetime | None,
    tally: Tally,
    *,
    since: datetime | None = None,
) -> list[ObservedEvent]:
    """As `RemoteCalendar.list_ours`, paced: a page counts as one call."""
    async with pacer.calling(account, 1, Urgency.CORRECTION):
        listed = await remote.list_ours(start, end, since=since)
        pages = 1 + max(0, len(listed) - 1) // PAGE
        pacer.refund(account, 1, pages)
    tally.api_calls += pages
    return listed


@dataclass(frozen=True, slots=True)
class Observed:
    """Our events inside a sync window, edges in its zone; notices of staleness apart."""

    events: list[ObservedEvent] = field(default_factory=list)
    notices: list[ObservedEvent] = field(default_factory=list)
    stamps: list[WriterStamp] = field(default_factory=list)
    """Of all that was listed, which is more than the window holds."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at one calendar during one pass."""

    pacer: Pacer
    account: str
    tally: Tally

    async def window(
        self, remote: RemoteCalendar, window: SyncWindow, *, all_stamps: bool = False
    ) -> Observed:
        """`all_stamps`: list what lies outside the window too."""
        start, end = (None, None) if all_stamps else (window.start - A_DAY, window.end + A_DAY)
        listed = await list_ours(self.pacer, self.account, remote, start, end, self.tally)
        placed = (
            replace(seen, timezone=window.timezone)
            for seen in listed
            if not (seen.deleted or is_notice(seen.key))
        )
        return Observed(
            events=[seen for seen in placed if window.covers(seen.begins, seen.ends)],
            notices=[seen for seen in listed if is_notice(seen.key)],
            stamps=[seen.stamp for seen in listed],
        )

    async def moved_away(
        self,
        remote: RemoteCalendar,
        window: SyncWindow,
        rows: Iterable[LedgerEntry],
        observed: Iterable[ObservedEvent],
    ) -> list[ObservedEvent]:
        """Events that Google no longer lists in the window but still has: a person moved them
        far away. They are brought back; only what was deleted is left out."""
        listed = {seen.event_id for seen in observed}
        found: list[ObservedEvent] = []
        for row in rows:
            gone = row.state is LedgerEntryState.OK and row.event_id not in listed
            if gone and not is_notice(row.key) and window.covers(row.begins, row.ends):
                self.tally.api_calls += 1
                async with self.pacer.calling(self.account, 1, Urgency.CORRECTION):
                    seen = await remote.get(row.event_id)
                if seen is not None and not seen.deleted:
                    found.append(replace(seen, timezone=window.timezone))
        return found
