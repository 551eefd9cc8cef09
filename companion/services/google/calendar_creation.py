"""CalendarCreations: creates a calendar of our own exactly once, whatever call fails.

`calendars.insert` takes no id of ours, so sending it twice makes two calendars. Therefore:

1. A `CalendarCreation` with a random mark is saved before the call; the mark goes into the
   calendar's description.
2. The calendar's id is saved as soon as Google's answer tells it. A later try uses that calendar.
3. Where the answer was lost, a later try looks for the mark in the list of calendars, and sends
   the call again only when nothing bears it. The list needs a permission of its own, which
   `Connecting.begin` then asks for.
4. A fresh calendar may answer 404, 403 or 5xx for some seconds; that is waited out.

The record goes when a connection uses the calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from companion.domain.errors import (
    CalendarGone,
    CompanionError,
    Offline,
    PermissionDenied,
    RemoteUnavailable,
    ScopeMissing,
    TransientError,
)
from companion.domain.settings import CalendarCreation, GoogleLink
from companion.services.google import consents
from companion.services.google.account_changes import AccountChanges
from companion.services.ports import CalendarInfo, Clock, Google

PATIENCE = 30.0
"""Seconds that a fresh calendar's refusals are waited out."""
FRESH = timedelta(minutes=10)
"""So long a refusal does not prove that a calendar of ours is gone."""
_PAUSES = (1.0, 2.0, 4.0, 8.0)
_LOOK = (
    "Press Connect to Google again and leave every box ticked: Google then also asks whether the "
    "list of calendars may be seen, which is how the calendar is found again."
)


@dataclass(slots=True)
class CalendarCreations:
    google: Google
    changes: AccountChanges
    clock: Clock
    random_word: Callable[[], str]

    async def make(
        self,
        trial: str,
        practitioner_id: str,
        *,
        account: str,
        granted: Collection[str],
        name: str,
    ) -> CalendarInfo:
        """An empty calendar that answers, made now or by an earlier try.

        `trial`: name of the sign-in to use. Raises ScopeMissing where an earlier creation has to
        be looked for first, and TransientError where the same try again may succeed."""
        for known in begun(self.changes.record(practitioner_id).google, account):
            found = known
            if not known.calendar_id:
                if consents.missing([consents.CALENDAR_LIST], granted):
                    raise ScopeMissing(
                        "Google did not answer when the calendar was created, so it may exist "
                        "already.",
                        _LOOK,
                    )
                listed = await self.google.marked_calendars(trial)
                made = next((each.info for each in listed if each.mark == known.mark), None)
                if made is None:
                    return await self._insert(trial, practitioner_id, known, name)
                found = await self._keep(practitioner_id, known, made.id)
            try:
                return await self._ready(trial, found)
            except (CalendarGone, PermissionDenied, ScopeMissing):
                await self._drop(practitioner_id, found)
        creation = CalendarCreation(
            mark=f"companion-{self.random_word()}", account=account, begun_at=self.clock.now()
        )
        return await self._insert(trial, practitioner_id, creation, name)

    async def _insert(
        self, trial: str, practitioner_id: str, creation: CalendarCreation, name: str
    ) -> CalendarInfo:
        creation = replace(creation, begun_at=self.clock.now())
        record = await self.changes.edit(
            practitioner_id, lambda link: with_creation(link, creation)
        )
        person = record.practitioner
        try:
            info = await self.google.create_calendar(
                trial, name or f"Appointments – {person.name}", person.timezone, creation.mark
            )
        except (Offline, RemoteUnavailable) as error:
            raise type(error)(error.what, _LOOK, detail=error.detail) from error
        except CompanionError:  # Google refused: nothing was made
            await self._drop(practitioner_id, creation)
            raise
        return await self._ready(trial, await self._keep(practitioner_id, creation, info.id))

    async def _ready(self, trial: str, creation: CalendarCreation) -> CalendarInfo:
        """Ask until the calendar answers; `CalendarGone` and the like only when it is not fresh."""
        calendar = await self.google.calendar(trial, creation.calendar_id)
        ends = self.clock.monotonic() + PATIENCE
        tries = 0
        while True:
            try:
                return await calendar.info()
            except (CalendarGone, PermissionDenied, ScopeMissing) as error:
                begun = creation.begun_at
                if begun is None or self.clock.now() >= begun + FRESH:
                    raise
                refused: CompanionError = error
            except TransientError as error:
                refused = error
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
            if self.clock.monotonic() + pause > ends:
                raise RemoteUnavailable(
                    "Google has made the calendar, but does not open it yet.",
                    "Press Connect to Google again in a minute: the same calendar is used.",
                    detail=refused.detail,
                ) from refused
            tries += 1
            await self.clock.sleep(pause)

    async def _keep(
        self, practitioner_id: str, creation: CalendarCreation, calendar_id: str
    ) -> CalendarCreation:
        kept = replace(creation, calendar_id=calendar_id)
        await self.changes.edit(practitioner_id, lambda link: with_creation(link, kept))
        return kept

    async def _drop(self, practitioner_id: str, creation: CalendarCreation) -> None:
        await self.changes.edit(practitioner_id, lambda link: without_creation(link, creation.mark))


def must_look(link: GoogleLink, login: str) -> bool:
    """Whether a calendar may have been made of which nothing is known but its mark. `login`: who
    is expected to sign in, empty for anybody."""
    return any(not each.calendar_id for each in begun(link, login))


def used(link: GoogleLink, calendar_id: str) -> GoogleLink:
    """The link once a connection uses the calendar."""
    kept = tuple(each for each in link.creations if each.calendar_id != calendar_id)
    return replace(link, creations=kept)


def begun(link: GoogleLink, account: str) -> tuple[CalendarCreation, ...]:
    """Those begun in the account and not used yet; where one of the two is not known, it may be
    the same."""
    return tuple(
        each
        for each in link.creations
        if not each.throwaway
        and (not (each.account and account) or consents.same_account(each.account, account))
    )


def with_creation(link: GoogleLink, creation: CalendarCreation) -> GoogleLink:
    return replace(link, creations=(*without_creation(link, creation.mark).creations, creation))


def without_creation(link: GoogleLink, mark: str) -> GoogleLink:
    return replace(link, creations=tuple(each for each in link.creations if each.mark != mark))
