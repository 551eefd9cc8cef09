"""One simulated calendar: its events by id, and every write Google allows or refuses on them.

A deleted event stays as a tombstone (`status: cancelled`) that keeps its id occupied; a recurring
master's instances exist only as rules until one is written, which then becomes an
exception with an id of its own. Changing the master's start, rule or zone drops its exceptions.
Each change takes the next number of the calendar's change counter; ETags, sync tokens and the
default order are made of such numbers, so nothing depends on the resolution of the clock.

Nothing here knows of HTTP, callers, scopes or quotas: see `google` and `simulator_api`.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from companion.sandbox import refusals
from companion.sandbox.events import (
    CANCELLED,
    EVENT_ID,
    Event,
    EventDraft,
    editable,
    merge_patch,
    read_draft,
)
from companion.sandbox.moments import Moment, day_moment, stamp, zone_of
from companion.sandbox.occurrences import horizon, original_starts
from companion.sandbox.refusals import Json
from companion.sandbox.wire import base64_text

BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
FIRST_ETAG = 3_400_000_000_000_000


@dataclass(slots=True, kw_only=True)
class CalendarPolicy:
    """Behaviours in which Google is known to differ from case to case."""

    revival: Literal["allow", "refuse"] = "allow"
    """Whether `status: confirmed` brings a deleted event back (200) or is refused (403)."""
    strict_sequence: bool = True
    """Whether an update with a sequence below the stored one is refused (400)."""
    bare_tombstones: bool = False
    """Whether deleted events are listed with nothing but their id and status."""
    fresh_calendar_seconds: float = 0.0
    """How long a calendar that was just made is refused to everybody."""
    fresh_calendar_status: Literal[403, 404, 503] = 404
    out_of_reach: Literal["insufficientPermissions", "forbidden", "notFound"] = (
        "insufficientPermissions"
    )
    """The refusal of a calendar that the scope does not extend to."""
    longest_summary: int = 1024
    """Google documents no limits for title and place; it refuses what is far longer."""
    longest_location: int = 1024
    longest_description: int = 8192


@dataclass(slots=True, kw_only=True)
class Calendar:
    id: str
    summary: str
    timezone: str
    owner: str
    now: Callable[[], datetime]
    chance: random.Random
    policy: CalendarPolicy
    description: str | None = None
    created_by: str | None = None
    """Client id of the application that created it; `calendar.app.created` reaches only those."""
    opens_at: datetime | None = None
    """Before that a calendar just made is refused (`CalendarPolicy.fresh_calendar_seconds`)."""
    primary: bool = False
    readers: dict[str, str] = field(default_factory=dict)
    """E-mail to role (reader, writer, owner) of everybody with access, the owner included."""
    events: dict[str, Event] = field(default_factory=dict)
    exceptions: dict[str, dict[str, str]] = field(default_factory=dict)
    """Master id to {key of the original start: id of the stored exception}."""
    revision: int = 0
    sync_floor: int = 0
    """Sync tokens of an earlier revision have expired."""
    settings_revision: int = 1
    _serial: int = 0
    _uids: set[str] = field(default_factory=set)

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.timezone)

    # Reading

    def get(self, event_id: str) -> Event:
        """A stored event, tombstones included, or an instance made from its master's rule."""
        stored = self.events.get(event_id)
        if stored is not None:
            return stored
        master_id = event_id.rpartition("_")[0]
        master = self.events.get(master_id)
        if master is None or not master.rules:
            raise refusals.not_found()
        for instance in self.instances(master, since=None, until=None):
            if instance.id == event_id:
                return instance
        raise refusals.not_found()

    def instances(self, master: Event, *, since: int | None, until: int | None) -> Iterator[Event]:
        """Every occurrence of *master* that may touch the interval, exceptions in their place.

        An exception that was moved is given wherever it now lies: the caller filters by time.
        """
        zone = self.zone
        length = master.end.instant - master.start.instant
        first = master.start.instant if since is None else since
        first = max(first - length - 86_400, master.start.instant - 86_400)
        last = horizon(max(self.now(), datetime.fromtimestamp(master.start.instant, UTC)))
        if until is not None:
            last = min(last, datetime.fromtimestamp(until, UTC))
        taken = self.exceptions.get(master.id, {})
        seen: set[str] = set()
        for original in original_starts(
            master.rules, master.start, zone, since=datetime.fromtimestamp(first, UTC), until=last
        ):
            key = original.key()
            seen.add(key)
            if key in taken:
                yield self.events[taken[key]]
            else:
                yield self._virtual(master, original, zone)
        for key, exception_id in taken.items():
            if key not in seen:
                yield self.events[exception_id]

    # Writing

    def insert(self, body: Json, creator: str) -> Event:
        event_id = body.get("id")
        if event_id is None:
            event_id = "".join(self.chance.choices(BASE32HEX, k=26))
        elif not isinstance(event_id, str) or EVENT_ID.fullmatch(event_id) is None:
            raise refusals.invalid_id()
        uid = body.get("iCalUID")
        if event_id in self.events or (uid is not None and uid in self._uids):
            raise refusals.duplicate()
        draft = read_draft(body, self.zone)
        self._check_texts(draft)
        self._serial += 1
        return self._store(
            Event(
                id=event_id,
                serial=self._serial,
                revision=0,
                updated_at=0,
                fields=draft.fields,
                start=draft.start,
                end=draft.end,
                rules=draft.rules,
                wire={"iCalUID": uid or f"{event_id}@google.com", "creator": {"email": creator}},
            ),
            draft.status,
            draft.sequence or 0,
        )

    def update(self, event_id: str, body: Json, *, if_match: str | None = None) -> Event:
        """PUT: the body replaces everything a client may write."""
        event = self.get(event_id)
        self._check_match(event, if_match)
        return self._rewrite(event, body, given_sequence=body.get("sequence", 0))

    def patch(self, event_id: str, changes: Json, *, if_match: str | None = None) -> Event:
        event = self.get(event_id)
        self._check_match(event, if_match)
        merged = merge_patch(editable(event), changes)
        return self._rewrite(event, merged, given_sequence=merged.get("sequence", 0))

    def delete(self, event_id: str, *, if_match: str | None = None) -> None:
        event = self.get(event_id)
        if event.cancelled:
            raise refusals.deleted()
        self._check_match(event, if_match)
        self._drop_exceptions(event)
        self._store(event, CANCELLED, event.sequence + 1)

    # The calendar itself

    def set_timezone(self, name: str) -> None:
        """All-day events keep their dates; timed ones their instants, shown with new offsets."""
        self.timezone = name
        zone = self.zone
        for event in self.events.values():
            if event.start.day is not None and event.end.day is not None:
                event.start = day_moment(event.start.day, zone)
                event.end = day_moment(event.end.day, zone)
            event.wire = self.render(event, zone)

    def purge_tombstones(self) -> int:
        """What Google does in its own time: deleted events vanish, their ids become free."""
        gone = [key for key, event in self.events.items() if event.cancelled and not event.master]
        for key in gone:
            self._uids.discard(self.events[key].wire["iCalUID"])
            del self.events[key]
        self.expire_sync_tokens()
        return len(gone)

    def expire_sync_tokens(self) -> None:
        self.revision += 1
        self.sync_floor = self.revision

    def live(self) -> Iterator[Event]:
        return (event for event in self.events.values() if not event.cancelled)

    def render(self, event: Event, zone: ZoneInfo) -> Json:
        """The event's resource with its times in *zone*."""
        wire = {
            **event.wire,
            "start": event.start.on_wire(zone),
            "end": event.end.on_wire(zone),
        }
        if event.original is not None:
            wire["originalStartTime"] = event.original.on_wire(zone)
        return wire

    # Parts

    def _check_texts(self, draft: EventDraft) -> None:
        for name in ("summary", "location", "description"):
            if len(draft.fields.get(name, "")) > getattr(self.policy, f"longest_{name}"):
                raise refusals.too_long(name)

    def _check_match(self, event: Event, if_match: str | None) -> None:
        if if_match is not None and if_match not in {"*", event.etag}:
            raise refusals.precondition_failed()

    def _rewrite(self, event: Event, body: Json, *, given_sequence: object) -> Event:
        draft = read_draft(body, self.zone, recurring_allowed=event.master is None)
        self._check_texts(draft)
        stored = event.sequence
        sequence = given_sequence if isinstance(given_sequence, int) else 0
        if sequence < stored:
            if self.policy.strict_sequence:
                raise refusals.stale_sequence()
            sequence = stored
        if event.cancelled and draft.status != CANCELLED:
            if self.policy.revival == "refuse":
                raise refusals.revival_refused()
            if event.master is not None and self.events[event.master].cancelled:
                raise refusals.revival_refused()
        moved = self._moved(event, draft)
        if sequence == stored and (moved or draft.status != event.wire["status"]):
            sequence += 1
        if moved or draft.status == CANCELLED:
            self._drop_exceptions(event)
        event.fields, event.rules = draft.fields, draft.rules
        event.start, event.end = draft.start, draft.end
        return self._store(event, draft.status, sequence)

    def _moved(self, event: Event, draft: EventDraft) -> bool:
        if event.rules != draft.rules or (draft.rules and event.start.zone != draft.start.zone):
            return True
        return any(
            (old.instant, old.day) != (new.instant, new.day)
            for old, new in ((event.start, draft.start), (event.end, draft.end))
        )

    def _drop_exceptions(self, master: Event) -> None:
        for exception_id in self.exceptions.pop(master.id, {}).values():
            del self.events[exception_id]

    def _store(self, event: Event, status: str, sequence: int) -> Event:
        now = self.now()
        self.revision += 1
        event.revision = self.revision
        event.updated_at = now.timestamp()
        updated = stamp(now)
        previous = event.wire
        zone = self.zone
        wire: Json = {
            "kind": "calendar#event",
            "etag": f'"{FIRST_ETAG + 2000 * self.revision}"',
            "id": event.id,
            "status": status,
            "htmlLink": previous.get("htmlLink") or self._link(event.id),
            "created": previous.get("created", updated),
            "updated": updated,
            **event.fields,
            "creator": previous["creator"],
            "organizer": {"email": self.id, "displayName": self.summary, "self": True},
            "start": event.start.on_wire(zone),
            "end": event.end.on_wire(zone),
        }
        if event.rules:
            wire["recurrence"] = list(event.rules)
        if event.master is not None and event.original is not None:
            wire["recurringEventId"] = event.master
            wire["originalStartTime"] = event.original.on_wire(zone)
            self.exceptions.setdefault(event.master, {})[event.original.key()] = event.id
        wire |= {
            "iCalUID": previous["iCalUID"],
            "sequence": sequence,
            "eventType": "default",
        }
        event.wire = wire
        self.events[event.id] = event
        self._uids.add(wire["iCalUID"])
        return event

    def _virtual(self, master: Event, original: Moment, zone: ZoneInfo) -> Event:
        start, end = original, self._end_of(master, original, zone)
        event_id = f"{master.id}_{original.key()}"
        wire = {key: value for key, value in master.wire.items() if key != "recurrence"}
        wire |= {
            "id": event_id,
            "htmlLink": self._link(event_id),
            "start": start.on_wire(zone),
            "end": end.on_wire(zone),
            "recurringEventId": master.id,
            "originalStartTime": original.on_wire(zone),
        }
        return Event(
            id=event_id,
            serial=master.serial,
            revision=master.revision,
            updated_at=master.updated_at,
            fields=master.fields,
            start=start,
            end=end,
            master=master.id,
            original=original,
            wire=wire,
        )

    def _end_of(self, master: Event, original: Moment, zone: ZoneInfo) -> Moment:
        if original.day is not None and master.start.day is not None and master.end.day is not None:
            days = (master.end.day - master.start.day).days
            return day_moment(original.day + timedelta(days=days), zone)
        length = master.end.instant - master.start.instant
        return Moment(instant=original.instant + length, zone=master.end.zone)

    def _link(self, event_id: str) -> str:
        eid = base64_text(f"{event_id} {self.id}".encode())
        return f"https://www.google.com/calendar/event?eid={eid}"
