"""Auditing: does Google hold exactly what the book says? Differences by name, and the proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from companion.domain.reconcile import LedgerEntryState
from companion.domain.sync_state import Proof
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.ports import Ledger, SettingsStore, calendar_of
from companion.services.sync.passes import PassResult
from companion.services.sync.syncing import Syncing


class Auditing:
    def __init__(self, *, syncing: Syncing, ledger: Ledger, settings: SettingsStore) -> None:
        self._syncing = syncing
        self._ledger = ledger
        self._settings = settings

    @allows(Action.UPLOAD, of="practitioner_id")
    async def audit(
        self,
        practitioner_id: str,
        *,
        repair: bool = True,
        cause: str = "audit",
        fingerprint: str = "",
    ) -> PassResult:
        """Compare event by event; with `repair` correct it by the practitioner's settings.

        `differences` of the result are as found before any repair; `proof` is how things
        stand at the end. Raises no CompanionError: the result carries it."""
        return await self._syncing.run(
            practitioner_id, cause=cause, audit=True, repair=repair, fingerprint=fingerprint
        )

    @allows(Action.UPLOAD, of="practitioner_id")
    async def put_back(self, practitioner_id: str) -> int:
        """Return every event that was left out because a person had deleted it in Google; the
        next pass inserts them. Returns how many. Raises Busy."""
        record = self._settings.read().practitioner(practitioner_id)
        calendar = calendar_of(record)
        async with self._syncing.calendar_lock(practitioner_id):
            rows = [
                replace(entry, state=LedgerEntryState.PENDING, content_hash="")
                for entry in await self._ledger.entries(calendar)
                if entry.state is LedgerEntryState.LEFT_OUT
            ]
            await self._ledger.write(calendar, put=rows)
        return len(rows)


def proof_in_words(proof: Proof, timezone: str, now: datetime) -> str:
    """``Book (imported 08:12) 23 = Google 23, verified 09:41``; with the day when not today, and
    with how many are left out because somebody deleted them in Google."""
    sign = "=" if proof.equal else "≠"
    age = ""
    if proof.imported_at is not None:
        age = f" (imported {clock_time(proof.imported_at, timezone, now)})"
    sentence = f"Book{age} {proof.book} {sign} Google {proof.google}"
    if proof.left_out:
        sentence += f", {proof.left_out} left out because deleted in Google"
    if not proof.equal:
        count = proof.differences
        sentence += f", {count} difference{'' if count == 1 else 's'}"
    return f"{sentence}, verified {clock_time(proof.at, timezone, now)}"


def clock_time(moment: datetime, timezone: str, now: datetime) -> str:
    """Local ``09:41``; ``Tue 3 March 09:41`` when that is another day than `now`."""
    zone = ZoneInfo(timezone)
    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{local:%a} {local.day} {local:%B %H:%M}"
