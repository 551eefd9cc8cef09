"""Status: the board of the home page and of `run.py status`, one sentence per practitioner.

Whatever is wrong has one plain sentence, what to do, and the one action that resolves it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from companion.domain.appointments import Practitioner
from companion.domain.settings import PracticeSettings, PractitionerSettings
from companion.domain.sync_state import SyncState
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.ports import (
    Activity,
    ActivityLog,
    AppointmentBook,
    Clock,
    FeedLink,
    FeedStore,
    Ledger,
    SettingsStore,
)
from companion.services.sync.auditing import clock_time, proof_in_words
from companion.services.sync.one_writer import stopped
from companion.services.sync.progress import Progress
from companion.services.sync.staleness import Staleness
from companion.services.sync.syncing import Syncing
from companion.services.workstations import Keeping

PractitionerState = Literal[
    "not connected",
    "off",
    "ready",
    "syncing",
    "up to date",
    "waiting",
    "held",
    "parked",
    "offline",
    "sign in again",
    "not authorised",
    "choose calendar",
    "another computer",
    "stale",
    "error",
    "not known",
]
NextAction = Literal[
    "",
    "connect",
    "choose calendar",
    "keep calendar",
    "look at held",
    "enable",
    "upload",
    "import",
    "add client",
    "service account",
    "doctor",
]
"""The action that resolves a state; empty where nothing is to be done."""

_BADGES: Mapping[str, PractitionerState] = {
    "Offline": "offline",
    "SignInExpired": "sign in again",
    "DelegationRefused": "not authorised",
    "ScopeMissing": "sign in again",
    "SignInError": "sign in again",
    "WrongAccount": "sign in again",
    "CalendarGone": "choose calendar",
    "PermissionDenied": "choose calendar",
    "AnotherWriter": "another computer",
    "AccountParked": "parked",
}
_ACTIONS: Mapping[PractitionerState, NextAction] = {
    "not connected": "connect",
    "off": "enable",
    "sign in again": "connect",
    "not authorised": "service account",
    "choose calendar": "choose calendar",
    "another computer": "keep calendar",
    "held": "look at held",
    "ready": "upload",
    "stale": "import",
}
_OTHER_ACTIONS: Mapping[str, NextAction] = {
    "ClientFileMissing": "add client",
    "SecretsUnavailable": "doctor",
}
"""By kind of error, where the state does not show it."""
RIGHTS: Mapping[NextAction, Action] = {
    "connect": Action.GOOGLE,
    "choose calendar": Action.GOOGLE,
    "keep calendar": Action.GOOGLE,
    "look at held": Action.UPLOAD,
    "enable": Action.GOOGLE,
    "upload": Action.UPLOAD,
    "import": Action.IMPORT,
    "add client": Action.PRACTICE,
    "service account": Action.PRACTICE,
    "doctor": Action.PRACTICE,
}
"""What whoever takes the action must be allowed to do."""
NEEDS_A_PERSON: frozenset[PractitionerState] = frozenset(
    {
        "held",
        "sign in again",
        "not authorised",
        "choose calendar",
        "another computer",
        "stale",
        "error",
        "parked",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerStatus:
    practitioner: Practitioner
    enabled: bool
    connected: bool
    account: str
    calendar_id: str
    calendar_name: str
    state: PractitionerState
    sentence: str
    remedy: str
    action: NextAction
    since: datetime | None = None
    """Since when it needs a person, where that is noted."""
    stale_since: datetime | None
    """Since when the schedule has not been kept up to date, where that is too long."""
    last_sync: datetime | None
    """Of the last pass without errors."""
    next_look: datetime | None
    """When the background sync next looks by itself, changes or not."""
    history: str
    """How the last days went (`domain.sync_history`)."""
    proof: str
    in_google: int
    waiting: int
    held: int
    feeds: int
    """Links in use."""
    feed_last_fetched: datetime | None
    progress: Progress | None
    known_until: datetime | None = None
    """When this was read, where it cannot be known since; None for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    practice: PracticeSettings
    practitioners: tuple[PractitionerStatus, ...]
    activity: list[Activity]
    paused_until: datetime | None = None
    book_is_empty: bool = False
    """Known only while no calendar was ever filled."""
    keeping: Keeping | None = None
    """Which workstation keeps the calendars; None where no other shares the practice."""
    known_until: datetime | None = None
    """As in a PractitionerStatus."""

    @property
    def running(self) -> bool:
        """Some calendar is filled, or some phone has fetched its link."""
        return any(each.last_sync or each.feed_last_fetched for each in self.practitioners)


@dataclass(kw_only=True)
class Status:
    settings: SettingsStore
    book: AppointmentBook
    ledger: Ledger
    feeds: FeedStore
    activity_log: ActivityLog
    syncing: Syncing
    clock: Clock
    staleness: Staleness | None = None
    next_look: Callable[[str], datetime | None] = lambda _: None
    keeping: Callable[[], Awaitable[Keeping | None]] | None = None

    @allows(Action.SEE_STATUS)
    async def board(self, *, activity: int = 30) -> Board:
        """A few queries whatever the number of practitioners; none to Google."""
        settings = self.settings.read()
        if self.staleness is not None:
            await self.staleness.refresh()
        states = await self.ledger.states()
        links: dict[str, list[FeedLink]] = {}
        for link in await self.feeds.links():
            links.setdefault(link.practitioner_id, []).append(link)
        filled = any(each.last_success for each in states.values())
        keeping = await self.keeping() if self.keeping is not None else None
        here = keeping is None or keeping.here
        return Board(
            book_is_empty=not filled and not any((await self.book.revisions()).values()),
            practice=settings.practice,
            practitioners=tuple(
                self._status(
                    record,
                    states.get(record.practitioner.id, SyncState()),
                    self._usable(links, record.practitioner.id),
                    here=here,
                )
                for record in settings.practitioners.values()
            ),
            activity=await self.activity_log.recent(activity),
            paused_until=settings.pause(self.clock.now()),
            keeping=keeping,
        )

    @allows(Action.SEE_STATUS)
    async def activity(self, limit: int) -> list[Activity]:
        """Of the whole practice, newest first."""
        return await self.activity_log.recent(limit)

    @allows(Action.SEE_STATUS, of="practitioner_id")
    async def one(self, practitioner_id: str) -> PractitionerStatus:
        """As on the board; raises NotFound. Of two hundred one is read ten times as fast as all."""
        record = self.settings.read().practitioner(practitioner_id)
        found = record.practitioner.id
        if self.staleness is not None:
            await self.staleness.refresh()
        state = await self.ledger.state(found)
        links = {found: await self.feeds.links(found)}
        keeping = await self.keeping() if self.keeping is not None else None
        here = keeping is None or keeping.here
        return self._status(record, state, self._usable(links, found), here=here)

    def _usable(self, links: Mapping[str, list[FeedLink]], practitioner_id: str) -> list[FeedLink]:
        now = self.clock.now()
        return [
            link
            for link in links.get(practitioner_id, [])
            if link.revoked_at is None and (link.expires_at is None or link.expires_at > now)
        ]

    def _status(
        self,
        record: PractitionerSettings,
        state: SyncState,
        links: list[FeedLink],
        *,
        here: bool,
    ) -> PractitionerStatus:
        """`here`: this workstation keeps the calendars."""
        practitioner = record.practitioner
        progress = self.syncing.running(practitioner.id)
        word, sentence, remedy = self._sentence(record, state, progress)
        fetched = [link.last_fetched_at for link in links if link.last_fetched_at]
        now = self.clock.now()
        return PractitionerStatus(
            practitioner=practitioner,
            enabled=record.choices.enabled,
            connected=record.google.connected,
            account=record.google.account,
            calendar_id=record.google.calendar_id,
            calendar_name=record.google.calendar_name or record.google.calendar_id,
            state=word,
            sentence=sentence,
            remedy=remedy,
            action=_OTHER_ACTIONS.get(state.trouble.kind if state.trouble else "")
            or _ACTIONS.get(word, ""),
            since=_since(state),
            stale_since=self._stale_since(practitioner.id),
            last_sync=state.last_success,
            next_look=self.next_look(practitioner.id) if here else None,
            history=state.history,
            proof=_proof_in_words(state, record, now),
            in_google=_in_google(state, record),
            waiting=state.waiting,
            held=len(state.held.items) if state.held else 0,
            feeds=len(links),
            feed_last_fetched=max(fetched, default=None),
            progress=progress,
        )

    def _sentence(
        self, record: PractitionerSettings, state: SyncState, progress: Progress | None
    ) -> tuple[PractitionerState, str, str]:
        """(state, what it is, what to do)."""
        left = _left_in_google(state)
        if not record.google.connected:
            what = f"Disconnected; {left}." if left else "Not connected to Google yet."
            return "not connected", what, "Press Connect to Google."
        if not record.choices.enabled:
            what = f"Google Calendar sync is switched off{f'; {left}' if left else ''}."
            return "off", what, "Tick Enable to switch it on."
        if progress is not None:
            return "syncing", progress.sentence, ""
        elsewhere = stopped(state, record.practitioner.timezone)
        if elsewhere is not None:
            return "another computer", elsewhere.what, elsewhere.remedy
        if state.trouble is not None:
            word = _BADGES.get(state.trouble.kind, "error")
            return word, state.trouble.what, state.trouble.remedy
        if state.held is not None:
            count = len(state.held.items)
            return (
                "held",
                f"{count} removal{'' if count == 1 else 's'} wait for you. {state.held.why}",
                "Look at the list, then release or keep them.",
            )
        return self._health(record, state)

    def _health(
        self, record: PractitionerSettings, state: SyncState
    ) -> tuple[PractitionerState, str, str]:
        """The same where passes go well."""
        zone, now = record.practitioner.timezone, self.clock.now()
        if state.last_success is None:
            if begun := _in_google(state, record):
                return (
                    "waiting",
                    f"{begun} of {state.events} events are in Google; the others wait.",
                    "The upload goes on within ten minutes; Upload to Google goes on now.",
                )
            return "ready", "Connected; nothing uploaded yet.", "Press Upload to Google."
        since = self._stale_since(record.practitioner.id)
        if since is not None:
            return (
                "stale",
                f"The schedule has not been updated since {clock_time(since, zone, now)}.",
                "Import a new export; watched folders are on the page Import.",
            )
        if state.waiting:
            one = state.waiting == 1
            what = f"{state.waiting} change{' waits' if one else 's wait'} for the next sync."
            return "waiting", what, ""
        return "up to date", f"Up to date, {clock_time(state.last_success, zone, now)}.", ""

    def _stale_since(self, practitioner_id: str) -> datetime | None:
        return self.staleness.since(practitioner_id) if self.staleness is not None else None


def _since(state: SyncState) -> datetime | None:
    if state.trouble is not None:
        return state.trouble.since
    return state.held.since if state.held is not None else None


def _left_in_google(state: SyncState) -> str:
    """What stays in a calendar that is not kept any more, in words."""
    count = max(0, state.events - state.waiting)
    if not count:
        return ""
    return f"{count} event{' stays' if count == 1 else 's stay'} in Google unchanged"


def _stays(state: SyncState, record: PractitionerSettings) -> int:
    """Removals that wait or that a person keeps, in the present calendar."""
    held = state.held.names if state.held else frozenset()
    return sum(each.calendar_id in {"", record.google.calendar_id} for each in held | state.kept)


def _in_google(state: SyncState, record: PractitionerSettings) -> int:
    """As Google was found last; where it has been written to since, as it must be now."""
    if state.proof is not None and not state.written_since:
        return state.proof.google
    return max(0, state.events - state.waiting) + _stays(state, record)


def _proof_in_words(state: SyncState, record: PractitionerSettings, now: datetime) -> str:
    """What was compared last, never as if it were of now."""
    proof, zone = state.proof, record.practitioner.timezone
    if proof is None:
        return ""
    at = clock_time(proof.at, zone, now)
    if state.written_since:
        count = f"{state.written_since} change{'' if state.written_since == 1 else 's'}"
        return f"Verified {at}; {count} written since"
    stays = _stays(state, record)
    if stays and proof.differences == stays == proof.google - proof.book:
        held = f"{stays} removal{' waits or stays' if stays == 1 else 's wait or stay'}"
        return f"Book {proof.book}, Google {proof.google}: {held}, verified {at}"
    return proof_in_words(proof, zone, now)
