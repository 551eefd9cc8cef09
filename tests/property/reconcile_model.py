"""A model of what Google and the ledger hold, and of what may happen to them between two passes."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from companion.domain.differences import find_differences
from companion.domain.event_keys import event_id
from companion.domain.events import CalendarEvent, Content
from companion.domain.reconcile import (
    Adopt,
    Delete,
    Forget,
    Insert,
    LedgerEntry,
    LedgerEntryState,
    ObservedEvent,
    PlannedAction,
    Update,
    reconcile,
)
from companion.domain.window import SyncWindow
from tests.fakes.ledger_rows import row_of

ZONE = "Australia/Sydney"
NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
KEYS = ["a", "b", "c", "d"]


def window_at(now: datetime) -> SyncWindow:
    return SyncWindow.around(now, ZONE, days_in_arrears=3, days_in_advance=7)


def booked(key: str, begins: datetime, summary: str = "AB", style: str = "") -> CalendarEvent:
    return CalendarEvent(
        key=key,
        start=begins,
        end=begins + timedelta(minutes=30),
        timezone=ZONE,
        summary=summary,
        colour=style,
    )


@dataclass(slots=True, kw_only=True)
class Held:
    """One event in the model Google; `live` is False for a tombstone."""

    key: str
    content: Content
    style: str
    live: bool = True


class CutOff(Exception):
    """The program died here."""


@dataclass(slots=True, kw_only=True)
class Model:
    """A clinic, its Google calendar and our ledger."""

    random: Random
    now: datetime = NOW
    book: dict[str, CalendarEvent] = field(default_factory=dict)
    google: dict[str, Held] = field(default_factory=dict)
    ledger: dict[str, LedgerEntry] = field(default_factory=dict)
    backup: dict[str, LedgerEntry] = field(default_factory=dict)
    steps_left: int | None = None
    put_back: bool = True
    tidy: bool = False

    @property
    def window(self) -> SyncWindow:
        return window_at(self.now)

    def desired(self) -> list[CalendarEvent]:
        window = self.window
        return [each for each in self.book.values() if window.covers(each.begins, each.ends)]

    def observed(self) -> list[ObservedEvent]:
        window = self.window
        everything = [
            ObservedEvent(
                event_id=name,
                key=held.key,
                etag="",
                content=held.content,
                style=held.style,
                timezone=ZONE,
                deleted=not held.live,
            )
            for name, held in self.google.items()
        ]
        return [each for each in everything if window.covers(each.begins, each.ends)]

    def inside(self) -> Counter[tuple[str, Content]]:
        """What Google holds in the window; an event that we know by its id needs no mark."""
        known = {entry.event_id: entry.key for entry in self.ledger.values()}
        return Counter(
            (known.get(each.event_id, each.key), each.content)
            for each in self.observed()
            if not each.deleted
        )

    def plan(self, *, audit: bool) -> Sequence[PlannedAction]:
        plan = reconcile(
            self.desired(),
            self.ledger.values(),
            self.window,
            self.observed() if audit else None,
            put_back=self.put_back,
            tidy=self.tidy,
        )
        return plan.actions

    def run(self, *, audit: bool) -> None:
        """One pass; its actions in any order. Raises CutOff when the steps run out."""
        actions = list(self.plan(audit=audit))
        self.random.shuffle(actions)
        for action in actions:
            match action:
                case Insert():
                    self._insert(action.event, action.generation)
                case Update():
                    self._update(action)
                case Delete():
                    self._delete(action.entry)
                case Forget():
                    self._step()
                    self.ledger.pop(action.key, None)
                case Adopt():
                    self._step()
                    self.ledger[action.key] = action.entry

    def _step(self) -> None:
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise CutOff

    def _write(
        self,
        event: CalendarEvent,
        name: str,
        generation: int,
        state: LedgerEntryState,
        held: str = "",
    ) -> None:
        self._step()
        self.ledger[event.key] = row_of(
            event, event_id=name, generation=generation, state=state, content_hash=held
        )

    def _put(self, event: CalendarEvent, name: str) -> str:
        """The call itself; what Google then holds, in its own wording."""
        self._step()
        told = replace(event.content, summary=unicodedata.normalize("NFD", event.summary))
        self.google[name] = Held(key=event.key, content=told, style=event.style)
        return told.fingerprint

    def _insert(self, event: CalendarEvent, generation: int) -> None:
        while True:
            name = event_id("install", "calendar", event.key, generation)
            self._write(event, name, generation, LedgerEntryState.PENDING)
            there = self.google.get(name)
            taken = {row.event_id for row in self.ledger.values() if row.key != event.key}
            if there is None or (there.live and name not in taken):
                break
            generation += 1
        held = self._put(event, name)  # a live one is adopted, and patched where it differs
        self._write(event, name, generation, LedgerEntryState.OK, held)

    def _update(self, action: Update) -> None:
        entry = action.entry
        self._write(
            action.event,
            entry.event_id,
            entry.generation,
            LedgerEntryState.PENDING,
            entry.content_hash or "before",
        )
        there = self.google.get(entry.event_id)
        if there is None or not there.live:
            self._insert(action.event, entry.generation)
            return
        held = self._put(action.event, entry.event_id)
        self._write(action.event, entry.event_id, entry.generation, LedgerEntryState.OK, held)

    def _delete(self, entry: LedgerEntry) -> None:
        self._step()
        self.ledger[entry.key] = replace(entry, state=LedgerEntryState.REMOVING)
        self._step()
        if entry.event_id in self.google:
            self.google[entry.event_id].live = False
        self._step()
        self.ledger.pop(entry.key, None)


# ── what may happen between two passes ────────────────────────────────────────────────────────


OFFSETS = st.integers(-6 * 24, 10 * 24).map(lambda hours: NOW + timedelta(hours=hours))


@dataclass(frozen=True, slots=True)
class Booking:
    key: str
    begins: datetime
    summary: str = "AB"
    style: str = ""

    def happen(self, model: Model) -> None:
        model.book[self.key] = booked(self.key, self.begins, self.summary, self.style)


@dataclass(frozen=True, slots=True)
class Cancelled:
    key: str

    def happen(self, model: Model) -> None:
        model.book.pop(self.key, None)


@dataclass(frozen=True, slots=True)
class DaysPass:
    days: int

    def happen(self, model: Model) -> None:
        model.now += timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Pass:
    audit: bool
    steps: int | None = None

    def happen(self, model: Model) -> None:
        model.steps_left = self.steps
        try:
            model.run(audit=self.audit)
        except CutOff:
            pass
        finally:
            model.steps_left = None


@dataclass(frozen=True, slots=True)
class Meddling:
    """A person, in Google, with one of our events inside the window."""

    what: str
    which: int

    def happen(self, model: Model) -> None:
        seen = [each.event_id for each in model.observed() if not each.deleted]
        if not seen:
            return
        name = sorted(seen)[self.which % len(seen)]
        held = model.google[name]
        match self.what:
            case "delete":
                held.live = False
            case "retitle":
                held.content = replace(held.content, summary="Dentist")
            case "copy":
                model.google[f"copy{len(model.google)}"] = replace(held)
            case "move":
                start, end = held.content.start, held.content.end
                day = timedelta(days=1)
                held.content = replace(held.content, start=start + day, end=end + day)
            case "damage":
                held.key = ""


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    what: str

    def happen(self, model: Model) -> None:
        match self.what:
            case "lost":
                model.ledger = {}
            case "backed up":
                model.backup = dict(model.ledger)
            case "restored":
                model.ledger = dict(model.backup)


Operation = Booking | Cancelled | DaysPass | Pass | Meddling | LedgerEvent
keys = st.sampled_from(KEYS)
book_events = st.one_of(
    st.builds(Booking, keys, OFFSETS, st.sampled_from(["AB", "Zoë"]), st.sampled_from(["", "3"])),
    st.builds(Cancelled, keys),
    st.builds(DaysPass, st.integers(0, 5)),
)
passes = st.builds(Pass, st.booleans(), st.none() | st.integers(0, 12))
meddling = st.builds(
    Meddling,
    st.sampled_from(["delete", "retitle", "copy", "move", "damage"]),
    st.integers(0, 20),
)
ledger_events = st.builds(LedgerEvent, st.sampled_from(["lost", "backed up", "restored"]))
everyday = st.lists(book_events | passes, max_size=14)
anything = st.lists(st.one_of(book_events, passes, meddling, ledger_events), max_size=18)
seeds = st.integers(0, 10_000).map(Random)


def as_google_tells(events: Sequence[CalendarEvent]) -> Counter[tuple[str, Content]]:
    return Counter(
        (
            each.key,
            replace(each.content, summary=unicodedata.normalize("NFD", each.summary)),
        )
        for each in events
    )


def live_keys(model: Model) -> Counter[str]:
    return Counter(held.key for held in model.google.values() if held.live)


def after(operations: Sequence[Operation], random: Random, *, tidy: bool = False) -> Model:
    model = Model(random=random, tidy=tidy)
    for operation in operations:
        operation.happen(model)
    return model


RESTORED: list[Operation] = [
    Booking("a", NOW),
    Pass(audit=False),
    Booking("a", NOW, "Zoë"),
    Pass(audit=False, steps=1),
    LedgerEvent("backed up"),
    Meddling("delete", 0),
    Pass(audit=True),  # the event has a new id now
    LedgerEvent("restored"),
]
UNMARKED: list[Operation] = [
    Booking("a", NOW),
    Pass(audit=False),
    LedgerEvent("lost"),
    Meddling("damage", 0),
]


def check_one_audit(model: Model) -> None:
    model.run(audit=True)
    if "" in live_keys(model):  # a damaged mark may take a second look
        model.run(audit=True)
    assert model.inside() == as_google_tells(model.desired())
    assert model.plan(audit=True) == ()
    assert model.plan(audit=False) == ()
    differences = find_differences(model.desired(), model.ledger.values(), model.observed())
    assert differences == ()


# ── ids ───────────────────────────────────────────────────────────────────────────────────────


names = st.text(max_size=30).filter(lambda text: text.isprintable())
