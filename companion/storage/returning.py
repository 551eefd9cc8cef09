"""Leaving a practice, and taking all of it back into the files of one home.

Who leaves takes nothing along. Who takes everything copies it as of one moment in which nobody
else writes; the same transaction says where the practice is now and closes the database to every
writer, so that a workstation that was asleep meanwhile stops instead of writing on.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Connection, func, select, text

from companion.adapters.backup import Move, Swap
from companion.adapters.clock import SystemClock
from companion.adapters.database import copying
from companion.adapters.database.claiming import claim_calendars
from companion.adapters.database.documents import documents_under
from companion.adapters.database.errors import translating
from companion.adapters.database.inspection import DatabaseInspection, inspect_database
from companion.adapters.database.opening import open_database
from companion.adapters.database.postgres import engine_of
from companion.adapters.database.practice_row import (
    mark_moved,
    note_origin,
    practice_in,
    remove_workstation,
)
from companion.adapters.database.schema import metadata, practice, secrets, workstations
from companion.adapters.database.secrets import RowSealing
from companion.adapters.database.settings import PREFIX
from companion.adapters.database.sqlite import writing_engine
from companion.adapters.practice_note import (
    NOTE,
    Direction,
    MovingNote,
    PracticeNote,
    Stage,
    practice_note,
    write_note,
)
from companion.adapters.secrets import FILE_NAME as SECRETS
from companion.adapters.settings import FILE_NAME as SETTINGS
from companion.adapters.settings import pack
from companion.domain.errors import BadInput, Busy, CompanionError, StoreError
from companion.environment import Environment
from companion.services.files import Disk, disk_trouble, write_durably
from companion.services.maintenance.backup import BOOK
from companion.services.pools import BACKUPS
from companion.storage.home import sealed_secrets
from companion.storage.membership import KEY_NAME, URL_NAME, Membership, membership_of
from companion.storage.moving import (
    HOLDER,
    NOTES,
    after_the_commit,
    commit_or_ask,
    end_move,
    exclusive_home,
    fresh_folder,
    lock_moves,
    note_of_home,
    only_transaction,
    recover_move_locked,
    row_after_moves,
    staged_secrets,
    staging_of,
    swap_of,
    withdraw,
)
from companion.storage.practice import practice_row_of

ASIDE = "after-practice"
LEFT_BEHIND = ("feeds", "drafts", "watched", "incoming", "sessions.json")
"""Of the practice, in the folder of a workstation that leaves it."""
_EVERYTHING = ", ".join(sorted(metadata.tables))


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeReturned:
    rows: Mapping[str, int]
    """By table, as they were read back."""
    secrets: int
    place: str
    """Of the database that was left."""


async def leave_here(
    environment: Environment, *, anyway: bool = False, disk: Disk | None = None
) -> PracticeNote:
    """`anyway`: also as the last one, and where the database cannot be asked. Raises BadInput,
    Busy, StoreError; then nothing was changed."""
    disk, home = disk or Disk(), environment.home
    with exclusive_home(environment):
        await recover_move_locked(environment, disk)
        note = _note_of(home)
        kept = sealed_secrets(environment, holder=HOLDER)
        try:
            member = await membership_of(note, environment, kept)
            await asyncio.to_thread(_remove_from_practice, member, anyway=anyway)
        except BadInput:
            raise
        except CompanionError as error:
            if not anyway:
                more = "Or leave all the same: python run.py practice leave --anyway"
                raise type(error)(error.what, f"{error.remedy} {more}") from error
        await BACKUPS.run(_forget, home, disk)
        for name in (URL_NAME, KEY_NAME):
            await kept.remove(name)
        return note


def _note_of(home: Path) -> PracticeNote:
    note = practice_note(home)
    if note is None:
        raise BadInput("This computer has joined no practice.", "There is nothing to leave.")
    return note


def _remove_from_practice(member: Membership, *, anyway: bool) -> None:
    note, found = member.note, inspect_database(member.url)
    if found.row is None or found.row.practice_id != note.practice_id or found.row.moved_to:
        return  # it is not there any more
    with only_transaction(engine_of(member.url, 1)) as connection:
        lock_moves(connection)
        remove_workstation(connection, note.workstation_id)
        others = select(func.count()).where(workstations.c.id != note.workstation_id)
        if not anyway and not connection.scalar(others):
            raise BadInput(
                "This is the last workstation of the practice: nobody would keep its calendars.",
                "To go on with all of it on this computer alone: python run.py practice leave "
                "--take-everything. To leave it in the database, for another to join: python "
                "run.py practice leave --anyway",
                field="usage",
            )


def _forget(home: Path, disk: Disk) -> None:
    """The note goes first: from then on the practice is not in charge here."""
    try:
        disk.remove(home / NOTE)
        disk.sync_folder(home)
        for name in LEFT_BEHIND:
            path = home / name
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                disk.remove(path)
    except OSError as error:
        raise disk_trouble(error, home / NOTE) from error


async def take_everything(
    environment: Environment, *, disk: Disk | None = None
) -> PracticeReturned:
    """The practice is this home alone from now on. Raises BadInput, Busy, StoreError,
    SecretsError; then the practice is as it was."""
    disk, home = disk or Disk(), environment.home
    with exclusive_home(environment):
        await recover_move_locked(environment, disk)
        note = _note_of(home)
        member = await membership_of(note, environment, sealed_secrets(environment, holder=HOLDER))
        found = await asyncio.to_thread(inspect_database, member.url)
        member.opened(practice_row_of(found, note))
        _nobody_on(found, note)
        now = SystemClock(environment.now).now()
        moving = MovingNote(
            direction=Direction.BACK,
            stage=Stage.COPYING,
            practice_id=note.practice_id,
            workstation_id=note.workstation_id,
            place=note.place,
            aside=f"{ASIDE}-{now:%Y%m%d-%H%M%S}",
            moved_to=f"to the computer {socket.gethostname()}, on {now:%d/%m/%Y at %H:%M} UTC",
        )
        await BACKUPS.run(write_note, home, moving, disk)
        taking = _TakeBack(environment, member, moving, disk)
        try:
            return await taking.take()
        except BaseException:
            await asyncio.shield(BACKUPS.run(taking.withdraw))
            raise
        finally:
            taking.close()


def _nobody_on(found: DatabaseInspection, note: PracticeNote) -> None:
    names = [each.name for each in found.seen if each.id != note.workstation_id]
    if names:
        raise Busy(
            f"Calendar Companion is running on other workstations: {', '.join(names)}.",
            "Stop it there first (one that was switched off counts for two minutes). Nothing was "
            "changed.",
        )


class _TakeBack:
    """Holds the practice's database still from `take` to `close`."""

    def __init__(
        self,
        environment: Environment,
        member: Membership,
        note: MovingNote,
        disk: Disk,
    ) -> None:
        self._environment = environment
        self._member = member
        self._note = note
        self._disk = disk
        self._staging = staging_of(environment.home)
        self._engine = engine_of(member.url, 1)
        self._connection: Connection | None = None

    async def take(self) -> PracticeReturned:
        await BACKUPS.run(fresh_folder, self._staging)
        rows, texts = await BACKUPS.run(self._copy)
        store = staged_secrets(self._environment, self._staging)
        for name, value in texts.items():
            await store.put(name, value)
        for name, value in texts.items():
            if await store.get(name) != value:
                raise _differs("secrets")
        await BACKUPS.run(self._decide)
        await BACKUPS.run(self._finish)
        return PracticeReturned(rows=rows, secrets=len(texts), place=self._note.place)

    def withdraw(self) -> None:
        self.close()
        withdraw(self._environment.home, self._disk, self._arrived)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def _copy(self) -> tuple[Mapping[str, int], dict[str, str]]:
        """Book and settings are written, and the secrets read. Nobody else writes from here on."""
        with translating():
            self._connection = connection = self._engine.connect()
            connection.begin()
            lock_moves(connection)
            connection.execute(text(f"LOCK TABLE {_EVERYTHING} IN SHARE ROW EXCLUSIVE MODE"))
            row = practice_in(connection)
            if row is None or row.practice_id != self._note.practice_id or row.moved_to:
                raise Busy("Another workstation has just moved the practice.", "Look there.")
            sealing = RowSealing(row.practice_id, self._member.opened(row)[1], os.urandom)
            rows = self._copy_book(connection)
            found = documents_under(connection, PREFIX)
            tables = {
                name.removeprefix(PREFIX): json.loads(each.body) for name, each in found.items()
            }
            for home in tables.get("home", {}).values():
                home["restored_as"] = token_hex(8)  # as in `creating`
            self._write(SETTINGS, pack(tables))
            for document, file in NOTES.items():
                for each in documents_under(connection, document).values():
                    body = note_of_home(document, each.body, self._note.workstation_id)
                    self._write(file, body.encode())
            texts = {
                row.name: sealing.opened(row.name, row.generation, row.nonce, row.sealed)
                for row in connection.execute(select(secrets))
            }
        return rows, texts

    def _copy_book(self, connection: Connection) -> Mapping[str, int]:
        book = self._staging / BOOK
        open_database(book, SystemClock("")).access.close()
        engine = writing_engine(book)
        try:
            with engine.begin() as file:
                copying.copy_rows(connection, file)
                note_origin(file, self._note.practice_id)
            with engine.begin() as file:
                here, there = copying.digests(file), copying.digests(connection)
            wrong = [name for name in here if here[name] != there[name]]
            if wrong:
                raise _differs(" ".join(wrong))
            with engine.begin() as file:
                claim_calendars(file, SystemClock(self._environment.now).now())
        finally:
            engine.dispose()
        return {name: count for name, (count, _digest) in here.items()}

    def _write(self, name: str, content: bytes) -> None:
        path = self._staging / name
        try:
            write_durably(path, content, self._disk)
        except OSError as error:
            raise disk_trouble(error, path) from error

    def _decide(self) -> None:
        connection = self._connection
        if connection is None:
            raise RuntimeError("nothing was copied")
        with translating():
            mark_moved(connection, self._note.practice_id, self._note.moved_to)
            guarded = [each for each in metadata.sorted_tables if each is not practice]
            copying.close_to_writers(connection, guarded)
            self._note = replace(self._note, stage=Stage.DECIDING)
            write_note(self._environment.home, self._note, self._disk)
            commit_or_ask(connection, self._arrived)

    def _arrived(self) -> bool:
        """As `commit_or_ask` and `withdraw` ask it."""
        row = row_after_moves(self._member.url)
        return row is not None and row.moved_to == self._note.moved_to

    def _finish(self) -> None:
        home = self._environment.home
        with after_the_commit(self._note):
            finish_returning(self._environment, self._note, swap_of(home, self._disk))
            end_move(home, self._disk)
        # With the address and the key of the practice.
        shutil.rmtree(home / self._note.aside, ignore_errors=True)


def finish_returning(environment: Environment, note: MovingNote, swap: Swap) -> None:
    """The database has let go of everything: the files take their places. May be done again.
    Blocking."""
    home, book, staging = environment.home, environment.book, staging_of(environment.home)
    aside, beside = home / note.aside, book.parent / note.aside
    staged_book = staging / BOOK
    if staged_book.exists() and book.parent.resolve() != home.resolve():  # no rename between disks
        moved = book.with_name(f"{book.name}.returning")
        shutil.copyfile(staged_book, moved)
        moved.chmod(0o600)
        staged_book = moved
    moves = [
        Move(target=book, aside=beside / book.name, staged=staged_book),
        *(
            Move(target=home / name, aside=aside / name, staged=staging / name)
            for name in (SETTINGS, *NOTES.values())
            if (staging / name).exists()
        ),
        Move(
            target=home / SECRETS,
            aside=aside / SECRETS,
            staged=staging / SECRETS if (staging / SECRETS).exists() else None,
        ),
        # Last: until then the practice's note stands, and the next start goes on from here.
        Move(target=home / NOTE, aside=aside / NOTE),
    ]
    swap.run(moves, book)


def _differs(what: str) -> StoreError:
    return StoreError(
        "What was written here is not what the practice's database holds, so nothing was moved.",
        "Try again; if it happens again, have the disk of this computer checked.",
        detail=what,
    )
