"""Restoring: a backup takes the place of the home, after everything about it has been proven.

    unseal into a folder of its own → settings read and checked → database opened (and migrated),
    its integrity checked, its counts compared → prepared for what happened since → swapped in

Nothing of the present home is touched before the swap, which happens whole or not at all and
keeps what was there (`companion.adapters.backup.swap`).

Google holds changes made since the backup. So:

- every calendar is marked `audit_due`: the next pass asks Google what it holds, adopts what bears
  our mark and corrects the rest, so that no event is there twice; whoever wrote until then, it is
  no other computer's doing (`others`), but what the old computer writes from then on is;
- where events deleted in Google are to be left so, rows of coming events become `pending`: what
  the program itself deleted since the backup must not pass for a person's deletion;
- every practitioner's disclosure revision rises by the minutes since then: SEQUENCE and DTSTAMP
  of the feeds never go back (RFC 5545 3.8.7.4).
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets as randomness
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from companion.domain.errors import BadInput, Busy, CompanionError, FileRefused, StoreDamaged
from companion.domain.reconcile import LedgerEntryState
from companion.domain.settings import Settings
from companion.services.activity import note
from companion.services.files import make_folder
from companion.services.maintenance.backup import (
    MANIFEST,
    PARTS,
    SECRETS,
    SETTINGS,
    Manifest,
    Sealing,
)
from companion.services.maintenance.backup import complete as check_complete
from companion.services.pools import BACKUPS
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    AppointmentBook,
    CalendarRef,
    Clock,
    FeedStore,
    Ledger,
    SecretStore,
    SettingsStore,
)
from companion.services.settings.documents import from_tables

MOST_SIGN_INS = 5000
"""And links: each is sealed by itself. A practice of two hundred has a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The stores of a folder that is being prepared."""

    settings: SettingsStore
    book: AppointmentBook
    ledger: Ledger
    feeds: FeedStore
    activity: ActivityLog
    secrets: SecretStore
    integrity: Callable[[], Awaitable[str]]
    """``ok``, or the first problem."""
    check_whole: Callable[[], Awaitable[None]]
    """Reads every appointment; raises what the first that cannot be used brings about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupContents:
    """What a restore would bring."""

    manifest: Manifest
    settings: Settings
    appointments: Mapping[str, int]
    """By practitioner id."""
    feeds: int
    """Links in use."""
    last_import: datetime | None


class Swapping(Protocol):
    staging: Path

    def swap_in(self, *, aside: str, with_secrets: bool) -> Path:
        """Everything prepared takes its place; where the present home lies now. Blocking.
        Raises Busy (nothing has changed), StoreError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    manifest: Manifest
    aside: Path
    """The home as it was before."""
    calendars: int
    """Connected ones; the next sync compares each with Google."""
    sign_ins: bool


@dataclass(slots=True, kw_only=True)
class Restoring:
    home: Path
    sealing: Sealing
    staged: Callable[[Path], AbstractAsyncContextManager[Staged]]
    """Opens the stores of a folder that holds a book."""
    swapping: Swapping
    app_lock: AbstractContextManager[object]
    """Which the running app keeps."""
    clock: Clock
    shared: Callable[[], bool] = lambda: False
    """Whether this home belongs to a practice on several workstations, which nobody replaces from
    one of them."""

    async def restore(self, path: Path, passphrase: str, *, sign_ins: bool = True) -> Restored:
        """`sign_ins`: take those of the backup, if it has any; else the present ones stay.

        Raises BadInput (passphrase), FileRefused, StoreTooNew, StoreDamaged, SecretsError, Busy;
        the present home is untouched then."""
        self._refuse(passphrase)
        await asyncio.to_thread(make_folder, self.home)
        try:
            self.app_lock.__enter__()
        except Busy as error:
            raise Busy(
                "Calendar Companion is running on this computer.",
                "Stop it (close its window or press Ctrl-C there), then restore. "
                "Nothing was changed.",
            ) from error
        try:
            return await self._restore(path, passphrase, sign_ins=sign_ins)
        finally:
            self.app_lock.__exit__(None, None, None)

    async def look(self, path: Path, passphrase: str) -> BackupContents:
        """Open and prove it as for a restore, in a folder that goes again; the app may run.

        Raises as `restore`, Busy apart."""
        self._refuse(passphrase)
        folder = self.home / "drafts" / f"looking-{randomness.token_hex(8)}"
        only = PARTS - {SECRETS}
        try:
            parts = await BACKUPS.run(self.sealing.read, path, passphrase, folder, PARTS, only=only)
            check_complete(parts)
            manifest = Manifest.from_json((folder / MANIFEST).read_bytes())
            settings = self._settings_in(folder, manifest)
            async with self.staged(folder) as staged:
                await self._prove(staged, manifest)
                imports = await staged.book.imports(1)
                return BackupContents(
                    manifest=manifest,
                    settings=settings,
                    appointments={e: await staged.book.count(e) for e in settings.practitioners},
                    feeds=sum(each.revoked_at is None for each in await staged.feeds.links()),
                    last_import=imports[0].at if imports else None,
                )
        except (CompanionError, OSError):
            raise
        except Exception as error:
            raise _unusable(error) from error
        finally:
            await BACKUPS.run(shutil.rmtree, folder, ignore_errors=True)

    def refuse_shared(self) -> None:
        """Raises BadInput whose field is ``practice``."""
        if self.shared():
            raise BadInput(
                "This workstation belongs to a practice that several share, and a backup would "
                "replace the data of all of them.",
                "Take the practice back into this computer: python run.py practice leave "
                "--take-everything (or --anyway, where its database is lost). Restore the backup "
                "here, then make the practice again: python run.py practice create",
                field="practice",
            )

    def _refuse(self, passphrase: str) -> None:
        self.refuse_shared()
        if not passphrase.strip():
            raise BadInput("The passphrase is empty.", "Type it.", field="passphrase")

    async def _restore(self, path: Path, passphrase: str, *, sign_ins: bool) -> Restored:
        folder = self.swapping.staging
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        swapping = False
        try:
            parts = await asyncio.to_thread(self.sealing.read, path, passphrase, folder, PARTS)
            check_complete(parts)
            manifest = Manifest.from_json((folder / MANIFEST).read_bytes())
            settings = self._settings_in(folder, manifest)
            secrets = self._secrets_in(folder) if sign_ins and SECRETS in parts else None
            try:
                async with self.staged(folder) as staged:
                    await self._prove(staged, manifest)
                    await self._prepare(staged, settings, manifest)
                    for name, value in (secrets or {}).items():
                        await staged.secrets.put(name, value)
            except (CompanionError, OSError):
                raise
            except Exception as error:
                raise _unusable(error) from error
            swapping = True
            aside = await asyncio.to_thread(
                self.swapping.swap_in,
                aside=f"before-restore-{self.clock.now():%Y%m%d-%H%M%S}",
                with_secrets=bool(secrets),
            )
        except Busy:
            swapping = False
            raise
        finally:
            if not swapping:  # what a broken swap left is needed to finish it
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return Restored(
            manifest=manifest,
            aside=aside,
            calendars=sum(e.google.connected for e in settings.practitioners.values()),
            sign_ins=bool(secrets),
        )

    def _settings_in(self, folder: Path, manifest: Manifest) -> Settings:
        """Raises StoreTooNew, StoreDamaged."""
        try:
            tables = json.loads((folder / SETTINGS).read_bytes())
            settings = from_tables(tables)
        except (BadInput, ValueError, TypeError, AttributeError, RecursionError) as error:
            field = error.field if isinstance(error, BadInput) else "settings"
            raise StoreDamaged(
                f'The settings in this backup have a value that cannot be used, "{field}".',
                "Use another backup. Nothing was changed.",
                detail="a setting",
            ) from error
        (folder / SETTINGS).unlink()  # the store of that name is replaced
        passed = max(0.0, (self.clock.now() - manifest.made_at).total_seconds())
        for record in settings.practitioners.values():
            raised = replace(
                record,
                disclosure_revision=record.disclosure_revision + math.ceil(passed / 60) + 1,
                disclosure_changed_at=max(record.disclosure_changed_at, self.clock.now()),
            )
            settings = settings.with_practitioner(raised)
        return replace(settings, restored_as=randomness.token_hex(8))

    @staticmethod
    def _secrets_in(folder: Path) -> dict[str, str]:
        content = (folder / SECRETS).read_bytes()
        (folder / SECRETS).unlink()  # never longer in clear than needed
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        if (
            not isinstance(document, dict)
            or len(document) > MOST_SIGN_INS
            or not all(isinstance(each, str) for each in document.values())
        ):
            raise FileRefused(
                "The sign-ins in this backup cannot be read.",
                "Use another backup, or restore without them: everybody then connects to Google "
                "again. Nothing was changed.",
            )
        return document

    @staticmethod
    async def _prove(staged: Staged, manifest: Manifest) -> None:
        finding = await staged.integrity()
        if finding != "ok":
            raise StoreDamaged(
                "The book in this backup is damaged.",
                "Use another backup. Nothing was changed.",
                detail="integrity",
            )
        try:
            await staged.check_whole()
        except BadInput as error:
            raise _unusable(error) from error
        await staged.feeds.links()
        # The copy was made a moment before it was counted, so only a large difference is an error.
        if manifest.appointments and not await staged.book.count():
            raise StoreDamaged(
                "The book in this backup is empty, though it should hold "
                f"{manifest.appointments} appointments.",
                "Use another backup. Nothing was changed.",
            )

    async def _prepare(self, staged: Staged, settings: Settings, manifest: Manifest) -> None:
        await staged.settings.change(lambda _fresh: settings)
        states = await staged.ledger.states()
        for practitioner_id in sorted({*states, *settings.practitioners}):
            await staged.ledger.edit_state(
                practitioner_id,
                lambda state: replace(
                    state, audit_due=True, proof=None, others=None, overruled_by=""
                ),
            )
        for practitioner_id, record in settings.practitioners.items():
            if not record.choices.put_back_deleted:
                await _doubt(staged.ledger, practitioner_id, self.clock.now())
        text = f"A backup of {manifest.made_at:%d/%m/%Y %H:%M} UTC was restored."
        await note(staged.activity, self.clock, ActivityKind.RESTORE, text, cause="restore")


def _unusable(error: Exception) -> StoreDamaged:
    return StoreDamaged(
        "The book in this backup holds what no book of ours can hold: it is damaged, or was made "
        "to do harm.",
        "Use another backup. Nothing was changed.",
        detail=type(error).__name__,
    )


async def _doubt(ledger: Ledger, practitioner_id: str, now: datetime) -> None:
    """Rows of coming events may be of events that we have since deleted ourselves."""
    for calendar_id in await ledger.calendars(practitioner_id):
        ref = CalendarRef(practitioner_id=practitioner_id, calendar_id=calendar_id)
        rows = [
            replace(entry, state=LedgerEntryState.PENDING, content_hash="")
            for entry in await ledger.entries(ref)
            if entry.state is LedgerEntryState.OK and entry.ends > now
        ]
        await ledger.write(ref, put=rows)
