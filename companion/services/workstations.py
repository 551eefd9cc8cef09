"""Workstations: the computers that share the practice, and which of them keeps the calendars.

The list is read at most every other second, however many pages ask. While the server is away what
was read last is given. A home that is not shared has none, and keeps its calendars itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from companion.domain.errors import BadInput, Busy, NotFound, StoreError
from companion.domain.plain_text import clean_text
from companion.domain.practice_errors import DatabaseAway
from companion.services.access.policy import Action
from companion.services.access.rules import allows, allows_signed_in
from companion.services.activity import note
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    Clock,
    DatabaseServer,
    Workstation,
    WorkstationRegistry,
)

FRESH = 2.0
"""Seconds for which what was read counts as up to date."""
PATIENCE = timedelta(seconds=60)
"""A take-over is done by then; nobody keeping the calendars is no fault before."""
CLOCK_WARN = timedelta(seconds=30)
LONGEST_NAME = 60

AWAY_GOES_ON = "Phones get the last good calendar. Nothing is lost."
AWAY_RESTS = (
    "The appointment book cannot be looked at or changed, and no calendar is written to, until it "
    "is back. Trying again by itself."
)
_PHONES = "Phones that fetch from this one wait for its next start."
OTHERS_LATER = f"Workstations that are on go on as soon as the database answers. {_PHONES}"
OTHERS_OFF = (
    "No other workstation is on, so calendars and phones are not kept up to date until one is "
    "started."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Who keeps the calendars, for the board and the tray."""

    sentence: str
    remedy: str = ""
    """What to do; empty where nothing is."""
    here: bool = False
    """This workstation does."""
    by: str = ""
    """Name of the workstation that does; empty for nobody."""
    away: bool = False
    """Not known: the server cannot be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workstations:
    """As of now, or as last read where the server is away."""

    all: Sequence[Workstation] = ()
    """In the order of their names."""
    this_one: str = ""
    """Id."""
    known_until: datetime | None = None
    """When they were read, while the server is away; None for now."""
    newest: str = ""
    """The newest version that one of them has."""

    @property
    def away(self) -> bool:
        return self.known_until is not None

    @property
    def keeper(self) -> Workstation | None:
        return next((each for each in self.all if each.keeps_calendars), None)

    def outdated(self, each: Workstation) -> bool:
        return version_key(each.version) < version_key(self.newest)


class SharedPractice:
    """In a home that is not shared `shared`, `reachable`, `keeping` and `without_this_one` say so;
    all else raises NotFound."""

    def __init__(
        self,
        *,
        practice: WorkstationRegistry | None,
        server: DatabaseServer | None,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._practice = practice
        self._server = server
        self._activity = activity
        self._clock = clock
        self._known: Workstations | None = None
        self._read_at = clock.now()
        """When `_known` was."""
        self._fresh_until = float("-inf")
        self._lost_at: datetime | None = None
        self._reading = asyncio.Lock()
        self._nobody_since: float | None = None

    @property
    @allows_signed_in
    def shared(self) -> bool:
        """Whether other workstations share this home's practice, or may."""
        return self._practice is not None

    @property
    @allows_signed_in
    def reachable(self) -> bool:
        """Whether the server is; always, in a home that is not shared. Cheap."""
        return self._server is None or self._server.reachable

    @property
    @allows_signed_in
    def known_until(self) -> datetime | None:
        """When the server answered last, while it is not reachable; None while it is. Cheap."""
        if self._server is None or self._server.reachable:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = self._clock.now() - timedelta(seconds=self._server.silent_for)
        return self._lost_at

    @allows(Action.SEE_STATUS)
    async def workstations(self) -> Workstations:
        """Raises StoreError where they were never read."""
        practice = self._of_practice()
        if self._is_fresh():
            return self._seen()
        async with self._reading:
            if self._is_fresh():  # somebody has just read them
                return self._seen()
            began = self._clock.now()
            try:
                found = await practice.workstations() if self.reachable else None
            except DatabaseAway:
                if self._known is None:
                    raise
                found = None
            if found is None and self._known is None:
                raise DatabaseAway
            if found is not None:
                newest = max((each.version for each in found), key=version_key, default="")
                self._known = Workstations(
                    all=tuple(found), this_one=practice.this_one, newest=newest
                )
                self._read_at = began
            self._fresh_until = self._clock.monotonic() + FRESH
            return self._seen()

    @allows(Action.SEE_STATUS, somewhere=True)
    async def keeping(self) -> Keeping | None:
        """None in a home that is not shared; raises nothing."""
        if self._practice is None:
            return None
        try:
            seen = await self.workstations()
        except StoreError:
            return away()
        if seen.away:
            return away()
        keeper = seen.keeper
        self._note_nobody(nobody=keeper is None)
        if keeper is not None:
            if keeper.id == seen.this_one:
                sentence = "This workstation keeps the calendars."
                return Keeping(sentence=sentence, here=True, by=keeper.name)
            return Keeping(sentence=f"{keeper.name} keeps the calendars.", by=keeper.name)
        on = [each for each in seen.all if each.on]
        if on and not self._nobody_for_long():
            return Keeping(sentence="Another workstation is about to take over the calendars.")
        if on:
            return Keeping(
                sentence="No workstation keeps the calendars.",
                remedy=f"Start Calendar Companion anew on {on[0].name}, then run the doctor.",
            )
        return Keeping(
            sentence="No workstation keeps the calendars: Calendar Companion runs on none.",
            remedy="Start it on the one that is on all day; it takes over within seconds.",
        )

    @allows(Action.SEE_STATUS)
    async def without_this_one(self) -> str:
        """What goes on once the app on this workstation has stopped, as a sentence; empty in a home
        that is not shared."""
        if not self.shared:
            return ""
        try:
            seen = await self.workstations()
        except StoreError:
            return OTHERS_LATER
        if seen.away:
            return OTHERS_LATER
        others = [each.name for each in seen.all if each.on and each.id != seen.this_one]
        if not others:
            return OTHERS_OFF
        who = f"{others[0]} goes" if len(others) == 1 else "The other workstations go"
        return f"{who} on and {'keeps' if len(others) == 1 else 'keep'} the calendars. {_PHONES}"

    @allows(Action.PRACTICE)
    async def let_keep(self, workstation_id: str) -> None:
        """That workstation shall keep the calendars. Raises NotFound, Busy while it is off."""
        found = await self._one(workstation_id)
        if not found.on:
            raise Busy(
                f"{found.name} is off, so it cannot keep the calendars.",
                "Start Calendar Companion there first.",
            )
        await self._of_practice().let_keep(found.id)
        self._look_again()
        await self._note(f"{found.name} was chosen to keep the calendars.")

    @allows(Action.PRACTICE)
    async def forget(self, workstation_id: str) -> None:
        """Raises NotFound, Busy while it is on."""
        found = await self._one(workstation_id)
        if found.on:
            raise Busy(
                f"{found.name} is on, so it cannot be forgotten.",
                "Leave the practice there (python run.py practice leave), or stop it first.",
            )
        await self._of_practice().forget(found.id)
        self._look_again()
        await self._note(f"The workstation {found.name} was forgotten.")

    @allows(Action.PRACTICE)
    async def rename(self, workstation_id: str, name: str) -> None:
        """Raises NotFound, BadInput whose field is ``name``."""
        found = await self._one(workstation_id)
        tidy = workstation_name(name)
        others = [each for each in (await self.workstations()).all if each.id != found.id]
        if any(each.name.casefold() == tidy.casefold() for each in others):
            raise BadInput(
                f"There is already a workstation {tidy}.", "Use another name.", field="name"
            )
        if tidy == found.name:
            return
        await self._of_practice().rename(found.id, tidy)
        self._look_again()
        await self._note(f"The workstation {found.name} is called {tidy} now.")

    # ── what was read ─────────────────────────────────────────────────────────────────────────

    def _of_practice(self) -> WorkstationRegistry:
        if self._practice is None:
            raise NotFound(
                "This practice is on this computer alone.",
                "To share it: python run.py practice create --database URL",
            )
        return self._practice

    def _is_fresh(self) -> bool:
        known = self._known is not None and self._clock.monotonic() < self._fresh_until
        return known and self.reachable

    def _seen(self) -> Workstations:
        if self._known is None:
            raise DatabaseAway
        if self.reachable:
            return self._known
        return replace(self._known, known_until=self._read_at)

    def _look_again(self) -> None:
        self._fresh_until = float("-inf")

    async def _one(self, workstation_id: str) -> Workstation:
        """As of now. Raises NotFound, DatabaseAway."""
        if not self.reachable:
            raise DatabaseAway
        self._look_again()
        for each in (await self.workstations()).all:
            if each.id == workstation_id:
                return each
        raise NotFound("That workstation is not there any more.", "Look at the list again.")

    def _note_nobody(self, *, nobody: bool) -> None:
        if not nobody:
            self._nobody_since = None
        elif self._nobody_since is None:
            self._nobody_since = self._clock.monotonic()

    def _nobody_for_long(self) -> bool:
        since = self._nobody_since
        return since is not None and self._clock.monotonic() - since >= PATIENCE.total_seconds()

    async def _note(self, text: str) -> None:
        await note(self._activity, self._clock, ActivityKind.SETTINGS, text, cause="practice")


def away() -> Keeping:
    remedy = f"{AWAY_GOES_ON} {AWAY_RESTS}"
    return Keeping(sentence=DatabaseAway.default_what, remedy=remedy, away=True)


def clock_off(each: Workstation) -> str:
    """``95 seconds ahead of``, or ``behind``, the server's clock; empty where that is harmless or
    no longer known."""
    if not each.on or abs(each.clock_ahead) <= CLOCK_WARN:
        return ""
    seconds = round(abs(each.clock_ahead).total_seconds())
    return f"{seconds:,} seconds {'ahead of' if each.clock_ahead > timedelta() else 'behind'}"


def workstation_name(name: str) -> str:
    """Tidied. Raises BadInput whose field is ``name``."""
    tidy = clean_text(name)
    if not tidy:
        raise BadInput("The workstation needs a name.", "For example: Front desk.", field="name")
    if len(tidy) > LONGEST_NAME:
        raise BadInput(
            f"The name is longer than {LONGEST_NAME} characters.",
            "Use a shorter one.",
            field="name",
        )
    return tidy


def version_key(version: str) -> tuple[int, ...]:
    """To compare versions by: ``1.10.0`` is newer than ``1.9.2``."""
    return tuple(int(each) for each in re.findall(r"\d+", version)[:4])
