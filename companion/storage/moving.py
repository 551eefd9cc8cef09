"""Moving between a home and a practice: what each way has in common, and how a crash is settled.

Either way everything is prepared beside what is in charge, and one COMMIT of the database decides:
the row of the practice says whether the practice is there (`moved_to`). Before the COMMIT the note
`moving.json` says that it may have happened; after it files change places (`Swap`, which whoever
starts next finishes). So after a crash at any moment whoever starts next knows who is in charge,
or asks the database, and refuses to start while that does not answer.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    contextmanager,
    suppress,
)
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, Connection, Engine, text

from companion.adapters.backup import Move, Swap
from companion.adapters.database.errors import translating
from companion.adapters.database.notes import BACKUPS, NOTICES, SOURCES
from companion.adapters.database.postgres import engine_of, url_of
from companion.adapters.database.practice_row import PracticeRow, practice_in
from companion.adapters.file_locks import FileLock, NamedFileLocks
from companion.adapters.home_text import BACKUPS_FILE, SOURCES_FILE
from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.notice_book import FILE_NAME as NOTICES_FILE
from companion.adapters.practice_note import (
    MOVING,
    NOTE,
    Direction,
    MovingNote,
    PracticeNote,
    Stage,
    moving_note,
    practice_note,
    write_note,
)
from companion.adapters.secrets import FILE_NAME as SECRETS
from companion.adapters.secrets import LOCK_NAME as SECRETS_LOCK
from companion.adapters.secrets import SealedSecrets
from companion.domain.errors import Busy, CompanionError, StoreError
from companion.domain.practice_errors import DatabaseAway
from companion.environment import Environment
from companion.instance import Instance
from companion.services.files import Disk, disk_trouble, make_folder
from companion.services.maintenance.backup_records import moved
from companion.storage.membership import URL_NAME

HOLDER = "moving the data"
_LOCK = "moving"
PATIENCE = 5.0
"""Seconds that a start waits for one that is just moving."""
MOVING_LOCK = 0x0CA1_0010
"""The advisory lock of whoever makes a practice, takes it away, or asks what came of that."""
NOTES = {SOURCES: SOURCES_FILE, NOTICES: NOTICES_FILE, BACKUPS: BACKUPS_FILE}
"""What a practice has as documents of these names, and a home as files of the same content."""
_PUT_ASIDE = (
    "settings.json",
    "settings.json.bak",
    "settings.json.damaged",
    *NOTES.values(),
    "feeds",
)
"""Besides book and secrets: what a home keeps for itself."""
_BESIDE = ("-wal", "-shm", "-journal")


@contextmanager
def exclusive_home(environment: Environment) -> Iterator[None]:
    """Neither the app of this home runs, nor is anybody moving it. Raises Busy."""
    home = environment.home
    with ExitStack() as stack:
        try:
            stack.enter_context(Instance(home).lock(patience=0.5))
        except Busy as error:
            raise Busy(
                "Calendar Companion is running on this computer.",
                "Stop it first: python run.py stop. Nothing was changed.",
            ) from error
        stack.enter_context(moving_lock(home))
        yield


def moving_lock(home: Path) -> FileLock:
    return FileLock(home / f"{_LOCK}.lock", holder=HOLDER, patience=PATIENCE)


def holding_moving_lock(home: Path) -> AbstractAsyncContextManager[object]:
    """The same lock for a coroutine: it is waited for in a thread."""
    return NamedFileLocks(home, holder=HOLDER, patience=PATIENCE).hold(_LOCK)


def remember_name(home: Path, note: PracticeNote, name: str) -> None:
    """How the practice calls this workstation, should that ever forget it."""
    if name != note.name:
        _rewrite_note(home, note, replace(note, name=name))


def renew_workstation_id(home: Path) -> None:
    """A workstation of its own, of the same practice. Raises Busy, StoreError."""
    note = practice_note(home)
    if note is not None:
        _rewrite_note(home, note, replace(note, workstation_id=uuid4().hex, name=""))


def _rewrite_note(home: Path, known: PracticeNote, note: PracticeNote) -> None:
    """Unless another process has left the practice, or moves it, or joined anew meanwhile."""
    with moving_lock(home):
        if practice_note(home) == known and moving_note(home) is None:
            write_note(home, note, Disk())


def swap_of(home: Path, disk: Disk | None = None) -> Swap:
    lock = FileLock(home / "restore.lock", holder=HOLDER, patience=60.0)
    return Swap(home, lock=lock, disk=disk)


def staging_of(home: Path) -> Path:
    """For what is being prepared; not that of a restore, which empties its own."""
    return home / "moving"


def staged_secrets(environment: Environment, folder: Path) -> SealedSecrets:
    """In a folder that is being prepared, under the key of this home."""
    return SealedSecrets(
        folder,
        vault=KeyringEntry(environment.home),
        lock=FileLock(folder / SECRETS_LOCK, holder=HOLDER),
        passphrase=environment.secrets_key,
    )


def notes_of(home: Path, workstation_id: str) -> dict[str, str]:
    """Those of a home that can be read, as the documents that they become: any other counts as
    nothing known. The backups are that workstation's from now on."""
    found = {}
    for document, file in NOTES.items():
        with suppress(OSError, ValueError):
            text = (home / file).read_text("utf-8")
            json.loads(text)
            if document == BACKUPS:
                text = moved(text, before="", after=workstation_id)
            found[document] = text
    return found


def note_of_home(document: str, body: str, workstation_id: str) -> str:
    """The other way: its backups are the home's."""
    return moved(body, before=workstation_id, after="") if document == BACKUPS else body


def fresh_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)


def moves_into_practice(environment: Environment, aside_name: str) -> list[Move]:
    """What is the practice's from now on goes aside; its note, and what is sealed here, come."""
    home, book, staging = environment.home, environment.book, staging_of(environment.home)
    aside, beside = home / aside_name, book.parent / aside_name
    moves = [Move(target=home / each, aside=aside / each) for each in _PUT_ASIDE]
    names = [book.name + each for each in ("", *_BESIDE)]
    moves += [Move(target=book.with_name(each), aside=beside / each) for each in names]
    kept = staging / SECRETS if (staging / SECRETS).exists() else None
    return [
        *moves,
        Move(target=home / SECRETS, aside=aside / SECRETS, staged=kept),
        # Last: only with it the practice is in charge.
        Move(target=home / NOTE, aside=aside / NOTE, staged=staging / NOTE),
    ]


async def recover_move(environment: Environment, disk: Disk | None = None) -> None:
    """Finish or undo what a crash interrupted; costs two looks where there was none. Raises Busy
    while another process is moving, StoreError where only the database could tell and does not
    answer."""
    home, disk = environment.home, disk or Disk()
    if not (home / MOVING).exists():
        await asyncio.to_thread(swap_of(home, disk).finish)
        return
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(holding_moving_lock(home))
        except Busy as error:
            raise Busy(
                "The data of this computer are just being moved to or from a practice.",
                "Wait until that is done, then try again.",
            ) from error
        await recover_move_locked(environment, disk)


async def recover_move_locked(environment: Environment, disk: Disk) -> None:
    """The same while the lock is held."""
    home = environment.home
    swap = swap_of(home, disk)
    await asyncio.to_thread(swap.finish)
    note = moving_note(home)
    if note is None:
        return
    into = note.direction is Direction.INTO_PRACTICE
    if note.stage is Stage.DECIDING:
        arrived = (practice_note(home) is not None) is into
        if not arrived and await _database_says_done(environment, note):
            from companion.storage.creating import finish_creating
            from companion.storage.returning import finish_returning

            finish = finish_creating if into else finish_returning
            await asyncio.to_thread(finish, environment, note, swap)
    await asyncio.to_thread(end_move, home, disk)


def commit_or_ask(connection: Connection, arrived: Callable[[], bool]) -> None:
    """`arrived`: whether a COMMIT without an answer was done."""
    try:
        connection.commit()
    except Exception:
        connection.close()  # or the question would wait for our own lock
        if not arrived():
            raise


def withdraw(home: Path, disk: Disk, arrived: Callable[[], bool]) -> None:
    """End the move, unless the database alone knows whether it was done: then the next start asks
    it."""
    found = moving_note(home)
    if found is not None and found.stage is Stage.DECIDING:
        try:
            if arrived():
                return
        except StoreError:
            return
    end_move(home, disk)


def end_move(home: Path, disk: Disk) -> None:
    """Nothing is under way any more, and what had been prepared goes."""
    try:
        disk.remove(home / MOVING)
        disk.sync_folder(home)
    except OSError as error:
        raise disk_trouble(error, home / MOVING) from error
    shutil.rmtree(staging_of(home), ignore_errors=True)


@contextmanager
def after_the_commit(note: MovingNote) -> Iterator[None]:
    """What fails now does not undo the move: the next start finishes it, and this says so."""
    try:
        yield
    except CompanionError as error:
        raise StoreError(
            f"The data have moved {note.direction}, but the files of this computer have not "
            f"followed yet. {error.what}",
            f"{error.remedy} The next start finishes it; python run.py practice status says more.",
            detail=error.detail,
        ) from error


async def _database_says_done(environment: Environment, note: MovingNote) -> bool:
    url = await _url_for(environment, note)
    try:
        row = await asyncio.to_thread(row_after_moves, url)
    except (DatabaseAway, Busy) as error:
        raise StoreError(
            f"Moving the data {note.direction} was interrupted, and only the database {note.place} "
            "knows whether it was finished. It does not answer.",
            "Start the database server, then start Calendar Companion again. Nothing is lost.",
            detail=error.detail,
        ) from error
    if row is None or row.practice_id != note.practice_id:
        return False
    return (
        not row.moved_to
        if note.direction is Direction.INTO_PRACTICE
        else row.moved_to == note.moved_to
    )


async def _url_for(environment: Environment, note: MovingNote) -> URL:
    if environment.names_a_server:
        return url_of(environment.database_url)
    into = note.direction is Direction.INTO_PRACTICE
    folder = staging_of(environment.home) if into else environment.home
    address = await staged_secrets(environment, folder).get(URL_NAME)
    if address is None:
        raise StoreError(
            f"Moving the data {note.direction} was interrupted, and the address of the database "
            f"{note.place} is not kept here.",
            "Set COMPANION_DATABASE_URL to it and start again. Nothing is lost.",
        )
    return url_of(address)


def row_after_moves(url: URL) -> PracticeRow | None:
    """Once no process is moving the practice, nor its COMMIT under way. Blocks."""
    with only_transaction(engine_of(url, 1)) as connection:
        lock_moves(connection)
        if connection.scalar(text("SELECT to_regclass('practice')")) is None:
            return None
        return practice_in(connection)


@contextmanager
def only_transaction(engine: Engine) -> Iterator[Connection]:
    """Of an engine that was made for it."""
    try:
        with translating(), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def lock_moves(connection: Connection) -> None:
    """Until the transaction ends. Waits; raises Busy after half a minute."""
    connection.execute(text("SET LOCAL lock_timeout = '30s'"))
    # What is copied is read and sealed on this side meanwhile.
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '10min'"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({MOVING_LOCK})"))
