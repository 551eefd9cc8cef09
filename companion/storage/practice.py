"""The storage of a practice that several workstations share: PostgreSQL, and little of its own."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack

import companion
from companion.adapters.database.coordination import Coordination
from companion.adapters.database.documents import Documents
from companion.adapters.database.inspection import DatabaseInspection, inspect_database
from companion.adapters.database.notes import BACKUPS, SOURCES, DatabaseNotices, DocumentText
from companion.adapters.database.opening_practice import hub_of, open_practice_database
from companion.adapters.database.practice_row import (
    PracticeRow,
    add_workstation,
)
from companion.adapters.database.restored_copy import take_copy_over
from companion.adapters.database.schema import HEAD
from companion.adapters.database.secrets import SecretsKey, SharedSecrets
from companion.adapters.database.server_facts import PostgresServer
from companion.adapters.database.settings import DatabaseSettings
from companion.adapters.database.shared_pace import PostgresPace
from companion.adapters.practice_note import PracticeNote
from companion.domain.errors import BadInput, Busy, StoreError
from companion.domain.practice_errors import WorkstationForgotten
from companion.environment import Environment
from companion.services.changes import Changes
from companion.services.maintenance.backup_records import KeptBackupNotes
from companion.services.ports import Clock
from companion.services.settings.documents import VERSION
from companion.services.sources.notes import KeptSourceNotes
from companion.services.workstations import workstation_name
from companion.storage import Storage
from companion.storage.home import sealed_secrets
from companion.storage.membership import Membership, membership_of
from companion.storage.moving import remember_name


async def open_practice(
    environment: Environment,
    note: PracticeNote,
    stack: AsyncExitStack,
    *,
    holder: str,
    clock: Clock,
    changes: Changes,
    anyway: bool = False,
    joining: str | None = None,
) -> Storage:
    """Closed with `stack`. `anyway`: also where other workstations have yet to be updated;
    `joining`: also one that the practice has forgotten, as of this name, or of its last one where
    that is empty. Raises CompanionError."""
    home = environment.home

    member = await membership_of(note, environment, sealed_secrets(environment, holder=holder))
    found = await asyncio.to_thread(inspect_database, member.url)
    row = practice_row_of(found, note)
    member, _ = member.opened(row)
    if not anyway:
        refuse_older_workstations(found, note)
    name = workstation_name(joining) if joining else note.name
    me, wanted = note.workstation_id, name or socket.gethostname()
    if me not in found.members and note.name and joining is None:
        raise WorkstationForgotten
    together = Coordination(member.url, me, version=companion.__version__, clock=clock)
    stack.push_async_callback(together.close)
    hub = hub_of(member.url, changes)
    database = await asyncio.to_thread(
        open_practice_database,
        member.url,
        clock,
        changes=changes,
        hub=hub,
        fencing=together.fencing,
    )
    stack.push_async_callback(database.close)
    stack.push_async_callback(hub.close)
    pace = PostgresPace(member.url)
    stack.callback(pace.close)
    access = database.access
    called = await access.write(
        lambda connection: add_workstation(connection, me, wanted, companion.__version__)
    )
    await asyncio.to_thread(remember_name, home, note, called)
    await access.write(lambda connection: take_copy_over(connection, clock.now()))
    documents = Documents(access)
    settings = await DatabaseSettings.open(access, changes=changes, announce=hub.announce)
    await hub.start(settings.renew)

    async def open_anew() -> SecretsKey:
        return await _secrets_key(environment, note, holder)

    secrets = SharedSecrets(
        access,
        practice_id=note.practice_id,
        key=_key_in(row, member),
        open_anew=open_anew,
        home=home,
    )
    together.workstations.prove_key = secrets.keep_open
    return Storage(
        settings=settings,
        stores=database,
        secrets=secrets,
        source_notes=KeptSourceNotes(DocumentText(documents, SOURCES)),
        backup_notes=KeptBackupNotes(DocumentText(documents, BACKUPS)),
        notices=DatabaseNotices(documents),
        sync_locks=together.locks,
        lease=together.lease,
        practice=together.workstations,
        shared_pace=pace,
        messages=hub,
        server=PostgresServer(
            member.url,
            reachable=lambda: hub.reachable,
            silent_for=lambda: hub.silent_for,
            disk_full=lambda: access.disk_full,
        ),
    )


def practice_row_of(found: DatabaseInspection, note: PracticeNote) -> PracticeRow:
    """The row of this workstation's practice. Raises StoreError where it is not here, or no
    longer."""
    if found.row is None:
        raise no_practice(note.place)
    if found.row.practice_id != note.practice_id:
        raise StoreError(
            f"The database {note.place} holds another practice than the one that this workstation "
            "has joined.",
            "Where the practice was made anew: python run.py practice leave --anyway, then join "
            "with its new key: practice join. Where COMPANION_DATABASE_URL is set, check it.",
        )
    refuse_moved(found.row)
    return found.row


def refuse_moved(row: PracticeRow) -> None:
    """Raises StoreError."""
    if row.moved_to:
        raise StoreError(
            f"The practice has moved away from this database: {row.moved_to}.",
            "This workstation has stopped, and nothing is lost. Leave the practice here: python "
            "run.py practice leave",
        )


def no_practice(place: str) -> BadInput:
    return BadInput(
        f"There is no practice in the database {place}.",
        "Make it on the computer that has the data: python run.py practice create --database URL",
        field="database",
    )


def refuse_older_workstations(found: DatabaseInspection, note: PracticeNote) -> None:
    """Raises Busy where opening it would stop workstations with an older version, which were seen
    a moment ago."""
    older_data = (found.revision or HEAD) < HEAD or 0 < found.settings_version < VERSION
    if not older_data:
        return
    version = companion.__version__
    older = [e for e in found.seen if e.id != note.workstation_id and e.version != version]
    if not older:
        return
    names = " and ".join(f"{each.name} ({each.version})" for each in older)
    raise Busy(
        f"This version, {version}, keeps the practice's data in a newer form, and an older one is "
        f"working with them: {names}.",
        "Stop Calendar Companion there and update it, then start here. To go on all the same, "
        "which stops it there until it is updated: python run.py practice update --anyway",
    )


async def _secrets_key(environment: Environment, note: PracticeNote, holder: str) -> SecretsKey:
    """As it is now, by what is kept on this computer now. Raises PracticeKeyRenewed."""
    member = await membership_of(note, environment, sealed_secrets(environment, holder=holder))
    found = await asyncio.to_thread(inspect_database, member.url)
    return _key_in(practice_row_of(found, note), member)


def _key_in(row: PracticeRow, member: Membership) -> SecretsKey:
    member, key = member.opened(row)
    place = f"the practice's database {member.note.place}, key {member.key.fingerprint}"
    return SecretsKey(key=key, mark=row.key_nonce, place=place)
