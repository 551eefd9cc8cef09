"""Taking our events out of a calendar, when a practitioner disconnects.

What is removed is the union of the ledger and of what Google lists under our mark, so that events
the ledger has forgotten (history behind the window) go too, and those it knows under a damaged
mark as well. A ledger row goes only once its event is known to be gone. When the events stay, the
rows stay: a later connection to the same calendar adopts them, one to another calendar shows them
as removals that wait for a person. Nothing is orphaned unnoticed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from companion.domain.errors import CompanionError, EventGone, TransientError
from companion.services.ports import (
    CalendarRef,
    Clock,
    DeleteEvent,
    Ledger,
    RemoteCalendar,
    Write,
    WriteAnswer,
)

BATCH = 8
"""As many as one turn of the pacer grants at Google's usual limits."""
TRIES = 5
Pace = Callable[[str, int], Awaitable[None]]
"""Awaited before each call with account and units; waits for its share of the quota."""


async def take_events_out(
    remote: RemoteCalendar,
    ledger: Ledger,
    ref: CalendarRef,
    clock: Clock,
    turn_of_pacer: Callable[[int], Awaitable[None]],
    removed: Callable[[Iterable[str]], None] = lambda _keys: None,
    *,
    only: Callable[[str], bool] = lambda _key: True,
) -> None:
    """`removed` is told the keys of the events that are gone ("" where an event has none); `only`
    says by key which are to go.
    Raises when Google stops answering; run again, it goes on."""
    keys = {entry.event_id: entry.key for entry in await ledger.entries(ref)}
    listed = {event.event_id: event.key for event in await remote.list_ours(None, None)}
    ids = [each for each in keys | listed if only(keys.get(each) or listed.get(each, ""))]
    for first in range(0, len(ids), BATCH):
        left = [DeleteEvent(event_id=each) for each in ids[first : first + BATCH]]
        for turn in range(TRIES):
            await turn_of_pacer(len(left))
            answers = await _call(remote, left)
            done = [
                write.event_id
                for write, answer in zip(left, answers, strict=True)
                if answer is None or isinstance(answer, EventGone)
            ]
            await ledger.write(ref, drop=[keys[each] for each in done if each in keys])
            removed(keys.get(each) or listed.get(each, "") for each in done)
            left = [write for write in left if write.event_id not in set(done)]
            if not left:
                break
            await _wait(answers, turn, clock)


async def _call(remote: RemoteCalendar, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
    try:
        return await remote.write(writes)
    except TransientError as err:
        return [err for _ in writes]


async def _wait(answers: Sequence[WriteAnswer], turn: int, clock: Clock) -> None:
    """Before the next try; raises what is not passing, or what lasted too long."""
    errors = [each for each in answers if isinstance(each, CompanionError)]
    for error in errors:
        if isinstance(error, EventGone):
            continue
        if not isinstance(error, TransientError) or turn + 1 == TRIES:
            raise error
        await clock.sleep(error.retry_after or 2.0**turn)
        return
