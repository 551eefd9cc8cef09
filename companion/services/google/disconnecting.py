"""Disconnecting a practitioner from Google, with or without removing the events there."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from companion.domain.errors import ChangedMeanwhile, CompanionError
from companion.domain.event_keys import is_notice
from companion.domain.settings import GoogleLink
from companion.services.google.account_changes import AccountChanges
from companion.services.ports import ActivityKind, CalendarRef, Ledger, calendar_of
from companion.services.sync.syncing import Syncing

_EVENTS_STAY = "Disconnected from Google; the events stay there as they are."
_KEPT = " The sign-in stays valid at Google, because another computer keeps the calendar with it."
_NOT_REVOKED = (
    " Google could not be told: remove Calendar Companion under Third-party access in the Google "
    "account."
)

_CONNECTED_ANEW = (
    "Meanwhile this practitioner was connected anew, at another workstation or in another window.",
    "That connection stays. To end it too, press Disconnect again.",
)


class Disconnecting:
    def __init__(self, changes: AccountChanges, ledger: Ledger, syncing: Syncing) -> None:
        self._changes = changes
        self._ledger = ledger
        self._syncing = syncing

    async def disconnect(self, practitioner_id: str, *, remove_events: bool) -> int:
        """How many events were removed. When removing fails it raises: still connected, but the
        sync switched off, so that it does not put back what was removed.

        The calendar id is kept, so that connecting again finds the same calendar; the ledger's
        rows stay for events that stay."""
        record = await self._changes.edit(practitioner_id, enabled=False)
        link, calendar, removed = record.google, calendar_of(record), 0
        token = await self._changes.token(practitioner_id)
        if link.connected and remove_events:
            removed = await self._remove_events(calendar)
        elif link.connected:
            await self._remove_notice(calendar)
        left = await self.give_back(practitioner_id, link.account)
        if not await self._changes.drop_this_token(practitioner_id, token):
            raise ChangedMeanwhile(*_CONNECTED_ANEW)

        def disconnected(now: GoogleLink) -> GoogleLink:
            if (now.account, now.connected_at) != (link.account, link.connected_at):
                raise ChangedMeanwhile(*_CONNECTED_ANEW)
            return replace(
                now, account="", scopes=(), connected_at=None, ends_at=None, delegated=""
            )

        await self._changes.edit(practitioner_id, disconnected, enabled=False)
        text = "Disconnected from Google." if remove_events else _EVENTS_STAY
        await self._changes.log(practitioner_id, ActivityKind.DISCONNECT, text + left)
        return removed

    async def give_back(self, practitioner_id: str, account: str) -> str:
        """End the sign-in at Google; the answer is a sentence where it was not ended. Where another
        computer keeps the calendar it stays: Google would end that computer's as well."""
        with contextlib.suppress(CompanionError):
            await self._syncing.look(practitioner_id, everything=True)
        if (await self._ledger.state(practitioner_id)).overruled_by:
            return _KEPT
        return "" if await self._changes.revoke(practitioner_id, account) else _NOT_REVOKED

    async def _remove_events(self, calendar: CalendarRef) -> int:
        """What was removed before it failed is noted too."""
        done = await self._syncing.remove_events(calendar)
        if done.events:
            await self._changes.log(
                calendar.practitioner_id,
                ActivityKind.DELETE,
                f"{done.events} removed from Google",
                count=done.events,
            )
        if done.error is not None:
            raise done.error
        await self._ledger.edit_state(
            calendar.practitioner_id,
            lambda state: replace(state, events=0, waiting=0, proof=None, held=None),
        )
        return done.events

    async def _remove_notice(self, calendar: CalendarRef) -> None:
        """The events stay, but the staleness notice is removed, since nothing would remove it
        later. An error of Google does not prevent disconnecting."""
        if any(is_notice(each.key) for each in await self._ledger.entries(calendar)):
            with contextlib.suppress(CompanionError):
                await self._syncing.remove_events(calendar, notice_only=True)
